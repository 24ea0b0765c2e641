"""Notebook 01 in JupyterLab, from the first cell to the last, and every control of its study browser."""

from __future__ import annotations

import re

import pytest
from controls import drag, press, slider, tabbed, value
from seen import faint, redraws, stays, until


@pytest.fixture(scope="module")
def notebook(lab, new_page):
    return lab.open("01", new_page())


@pytest.fixture(scope="module")
def state(notebook):
    return notebook.run_all()


@pytest.fixture
def browser(notebook, state):
    place = notebook.output("StudyBrowser(table)")
    yield place
    place.get_by_label("search").fill("")
    for name in ("tag", "split", "view"):
        place.get_by_label(name, exact=True).select_option("all")
    press(slider(place, "zoom"), "Home")
    until(place.page, lambda: found(place) > 40, "all studies again")


def shown(browser) -> str:
    return browser.get_by_role("region", name="the report").inner_text()


def found(browser) -> int:
    return int(re.match(r"[\d,]+", browser.get_by_text("studies match").inner_text())[0].replace(",", ""))


def images(browser):
    return browser.locator("[class^=mrg-study]")


def test_every_cell_runs(state):
    assert not state["errors"] and state["run"] == state["cells"] > 40


def test_words_are_searched_and_marked(browser):
    every = found(browser)
    with stays(browser, pictures=False):
        browser.get_by_label("search").click()
        browser.page.keyboard.type("effusion no", delay=20)
        until(browser.page, lambda: found(browser) < every, "fewer studies")

    def marked() -> set[str]:
        return {text.lower() for text in browser.locator("mark").all_inner_texts()}

    until(browser.page, lambda: marked() == {"effusion", "no"}, "both words marked, and no others")
    browser.get_by_label("search").fill("zebra")
    until(browser.page, lambda: "No study matches" in browser.inner_text(), "that there is none")
    assert browser.get_by_role("button", name="next").is_disabled()


@pytest.mark.parametrize("name", ["tag", "split", "view"])
def test_filters_by_mouse_and_by_keys(browser, name):
    every, menu = found(browser), browser.get_by_label(name, exact=True)
    with stays(browser, pictures=False):
        menu.select_option(index=2)
        until(browser.page, lambda: found(browser) < every, "fewer studies")
    chosen, few = menu.input_value(), found(browser)
    if name == "tag":
        assert few == int(re.search(r"\((\d+)\)", chosen)[1])
    if name == "split":
        until(browser.page, lambda: f"split: {chosen}" in shown(browser), "a study of that split")
    if name == "view":
        until(browser.page, lambda: browser.locator("figure").count() == 1, "that view alone")
        assert browser.locator("figcaption").inner_text().startswith(chosen)
    press(menu, "ArrowUp", "ArrowUp")
    until(browser.page, lambda: found(browser) == every, "all studies again")


def test_pages_turn_by_mouse_by_keys_and_by_number(browser):
    seen = [shown(browser)]
    buttons = {name: browser.get_by_role("button", name=name) for name in ("next", "previous")}
    number = browser.get_by_label("study", exact=True)
    for turn in (
        lambda: buttons["next"].click(),
        lambda: press(buttons["next"], "Enter"),
        lambda: press(number, "ArrowUp"),
    ):
        with redraws(images(browser)), stays(browser, pictures=False):
            turn()
            until(browser.page, lambda: shown(browser) not in seen, "another study")
        seen.append(shown(browser))
    assert number.input_value() == "4"
    press(buttons["previous"], "Space")
    until(browser.page, lambda: shown(browser) == seen[2], "the study before")
    buttons["previous"].click()
    until(browser.page, lambda: shown(browser) == seen[1], "the one before that")
    number.fill("1")
    number.press("Enter")
    until(browser.page, lambda: shown(browser) == seen[0], "the first study")


def test_the_images_zoom_about_a_point(browser):
    zoom, across, down = (slider(browser, name) for name in ("zoom", "across", "down"))
    with redraws(images(browser)), stays(browser, pictures=False):
        drag(zoom, 60)
        until(browser.page, lambda: value(zoom) > 1, "a larger zoom")
    for handle, key in ((across, "ArrowRight"), (down, "ArrowLeft"), (zoom, "ArrowRight")):
        before = value(handle)
        with redraws(images(browser)), stays(browser, pictures=False):
            press(handle, key, key)
        assert (value(handle) > before) == (key == "ArrowRight") and value(handle) != before
    for handle in (across, down):
        with redraws(images(browser)), stays(browser, pictures=False):
            drag(handle, -40)


def test_the_tab_key_leads_through_all_controls(browser):
    drag(slider(browser, "zoom"), 60)
    found = tabbed(browser, browser.get_by_label("search"), 12)
    assert found[:7] == ["search", "tag", "split", "view", "◀ previous", "study", "next ▶"]
    assert [name for name in found[7:] if "number" not in name] == ["zoom", "across", "down"]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1400])
def test_it_fits_and_is_legible(notebook, browser, screens, theme, width):
    notebook.look(theme, width)
    place = notebook.output("StudyBrowser(table)")
    assert place.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1"), "wider than the cell"
    assert not faint(place)
    place.screenshot(path=screens / f"study-browser-{theme}-{width}.png")
