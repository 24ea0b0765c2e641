"""The browser of disagreements in JupyterLab. Notebook 05 shows it for the real collection, which a reader may not have."""

from __future__ import annotations

import inspect

import pytest
from controls import press
from seen import faint, redraws, stays, until

SHOW = "widgets.DisagreementBrowser("


def cases():
    """Six cases of three findings; a report tries to be a script."""
    import pandas as pd

    texts = [
        "<script>document.title = 'gone'</script> Mild edema.",
        "Nodule. " * 400,
        "No edema.",
        "A nodule.",
        "Clear.",
        "</title> Edema.",
    ]
    columns = {
        "finding": ["edema", "nodule", "edema", "nodule", "effusion", "edema"],
        "tag_says": ["nothing", "present"] * 3,
    }
    columns |= {"text_says": ["asserted", "nothing"] * 3, "tags": [["normal"], [], ["Nodule/lung"]] * 2, "text": texts}
    columns |= {"spans": [[], [(0, 6)], [(3, 8)], [(2, 8)], [], []], "study_id": [f"CXR{k}" for k in range(6)]}
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def notebook(lab, new_page):
    shown = "from mrg_helpers import widgets\n" + SHOW + "cases())"
    return lab.open(lab.write("disagreements", inspect.getsource(cases), shown, "'the cell below'"), new_page())


@pytest.fixture(scope="module")
def state(notebook):
    return notebook.run_all()


@pytest.fixture
def browser(notebook, state):
    return notebook.output(SHOW)


def test_another_finding_by_mouse_and_by_keys(notebook, browser, state):
    assert not state["errors"]
    menu, text = browser.get_by_label("finding"), browser.get_by_role("region", name="cases")
    assert text.get_by_role("row").count() == 1 + 3
    for choose, finding, rows in (
        (lambda: menu.select_option(index=1), "nodule (2)", 2),
        (lambda: press(menu, "ArrowDown"), "effusion (1)", 1),
        (lambda: press(menu, "Home"), "edema (3)", 3),
    ):
        with redraws(text), stays(browser):
            choose()
            until(browser.page, lambda rows=rows: text.get_by_role("row").count() == 1 + rows, finding)
        assert menu.locator("option:checked").inner_text().replace("\xa0", " ") == finding
    press(menu, "a", "b")  # which would insert cells, if JupyterLab got them
    assert browser.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length") == 3
    assert "<script>" in text.inner_text() and "</title> Edema." in text.inner_text() and browser.page.title() != "gone"


def test_long_cases_scroll_by_keys(browser):
    browser.get_by_label("finding").select_option(index=1)
    text = browser.get_by_role("region", name="cases")
    until(browser.page, lambda: text.evaluate("(one) => one.scrollHeight > one.clientHeight"), "more than fits")
    press(text, "End")
    until(browser.page, lambda: text.evaluate("(one) => one.scrollTop > 0"), "the end of the cases")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1400])
def test_it_fits_and_is_legible(notebook, browser, screens, theme, width):
    notebook.look(theme, width)
    browser.get_by_label("finding").select_option(index=0)
    assert browser.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1"), "wider than the cell"
    browser.screenshot(path=screens / f"disagreement-browser-{theme}-{width}.png")
    assert not faint(browser)
