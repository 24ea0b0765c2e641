"""Notebook 03 in JupyterLab, from the first cell to the last, and every control of its vocabulary lab."""

from __future__ import annotations

import pytest
from controls import drag, press, slider
from seen import faint, redraws, stays, until


@pytest.fixture(scope="module")
def notebook(lab, new_page):
    return lab.open("03", new_page())


@pytest.fixture(scope="module")
def state(notebook):
    return notebook.run_all()


@pytest.fixture
def workbench(notebook, state):
    place = notebook.output("widgets.VocabularyLab(")
    press(slider(place, "max words, k"), "End")
    press(slider(place, "min count"), "Home")
    until(
        place.page, lambda: f"of the {number(place, 'words kept'):,.0f} words" in place.inner_text(), "all words kept"
    )
    return place


def number(workbench, name: str) -> float:
    """One of the numbers with a name below it."""
    text = workbench.get_by_text(name, exact=True).locator("xpath=preceding-sibling::div").inner_text()
    return float(text.replace(",", "").rstrip("%"))


def test_every_cell_runs(state):
    assert not state["errors"] and state["run"] == state["cells"] > 10


@pytest.mark.parametrize("name, key, by", [("max words, k", "ArrowLeft", -30), ("min count", "ArrowRight", 30)])
def test_fewer_words_cover_less(workbench, name, key, by):
    assert number(workbench, "coverage") > 90
    handle = slider(workbench, name)
    for move in (lambda: press(handle, key, key), lambda: drag(handle, by)):
        kept, covered = number(workbench, "words kept"), number(workbench, "coverage")
        with redraws(workbench.locator("svg")), stays(workbench):
            move()
            until(workbench.page, lambda kept=kept: number(workbench, "words kept") < kept, "fewer words")
            until(workbench.page, lambda covered=covered: number(workbench, "coverage") < covered, "less coverage")


def test_another_report(workbench):
    menu, report = workbench.get_by_label("report", exact=True), workbench.get_by_role("region")
    for choose in (lambda: menu.select_option(index=0), lambda: press(menu, "ArrowDown")):
        before = report.inner_text()
        with stays(workbench):
            choose()
            until(workbench.page, lambda before=before: report.inner_text() != before, "another report")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1400])
def test_it_fits_and_is_legible(notebook, workbench, screens, theme, width):
    notebook.look(theme, width)
    assert workbench.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1"), "wider than the cell"
    workbench.screenshot(path=screens / f"vocabulary-lab-{theme}-{width}.png")
    assert not faint(workbench)
