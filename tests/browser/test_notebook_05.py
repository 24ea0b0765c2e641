"""Notebook 05 in JupyterLab, from the first cell to the last, and every control of its attention browser and beam explorer."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from controls import drag, press, slider, tabbed, value
from PIL import Image
from seen import colour, faint, pixels, redraws, stays, until

from mrg_helpers import pages

BROWSER, EXPLORER = "browser = widgets.AttentionBrowser(", "widgets.BeamExplorer("


@pytest.fixture(scope="module")
def notebook(lab, new_page):
    return lab.open("05", new_page())


@pytest.fixture(scope="module")
def state(notebook):
    return notebook.run_all()


@pytest.fixture
def browser(notebook, state):
    place = notebook.output(BROWSER)
    place.get_by_label("study").select_option(index=0)
    until(place.page, lambda: drawn(place) == chosen(place), "the first study")
    to_the_last_word_and_back(place)
    return place


@pytest.fixture
def explorer(notebook, state):
    place = notebook.output(EXPLORER)
    place.get_by_label("no repeats").select_option("off")
    for beams, keys in ((1, ["Home"]), (3, ["ArrowRight", "ArrowRight"])):
        press(slider(place, "width K"), *keys)
        until(place.page, lambda beams=beams: beams == _places(place).count() == _lines(place), f"{beams} reports")
    return place


def chosen(browser) -> str:
    """The title of the study in the menu, which numbers it."""
    return browser.get_by_label("study").input_value().split(maxsplit=1)[1]


def drawn(browser) -> str:
    """The title of the study in the picture."""
    return picture(browser).locator("img").get_attribute("alt").split(":")[0]


def said(browser) -> str:
    return browser.get_by_role("status").first.inner_text()


def to_the_last_word_and_back(browser) -> None:
    """After which the first word is shown, and all that was changed before is drawn: the kernel answers in order."""
    word = slider(browser, "word")
    press(word, "End")
    until(browser.page, lambda: re.match(r"Word (\d+) of \1:", said(browser)), "the last word")
    press(word, "Home")
    until(browser.page, lambda: said(browser).startswith("Word 1 of"), "the first word")


def caption(browser) -> str:
    return browser.locator("figcaption").first.inner_text()


def picture(browser):
    return browser.locator("figure").first


def heads(browser) -> list[str]:
    return [text for text in browser.locator("h4").all_inner_texts() if text.startswith("Generated")]


def test_every_cell_runs_and_the_saved_notebook_becomes_a_page(notebook, state, folders):
    assert not state["errors"] and state["run"] == state["cells"] > 40
    notebook.command("docmanager:save")
    saved = Path(folders["MRG_OUTPUTS_DIR"]) / "executed" / notebook.path.name
    saved.parent.mkdir(exist_ok=True)
    shutil.copy(notebook.path, saved)
    assert pages.notebook_page(saved).stat().st_size > 1e6, "with the attention browser, which the other tests open"


def test_words_by_click_by_slider_and_by_keys(browser):
    words, handle = browser.locator(".widget-toggle-button"), slider(browser, "word")
    last = words.count()
    for place, go in (
        (4, lambda: words.nth(3).click()),
        (5, lambda: press(handle, "ArrowRight")),
        (4, lambda: press(handle, "ArrowLeft")),
        (last, lambda: press(handle, "End")),
        (2, lambda: press(words.nth(1), "Enter")),
    ):
        with redraws(picture(browser)), stays(browser):
            go()
            until(
                browser.page, lambda place=place: said(browser).startswith(f"Word {place} of {last}"), f"word {place}"
            )
            word = words.nth(place - 1).inner_text()
            until(browser.page, lambda word=word: f"“{word}”" in caption(browser), f"{word} in the caption")
    with stays(browser):
        drag(handle, 80)
        until(
            browser.page,
            lambda: value(handle) > 2 and said(browser).startswith(f"Word {value(handle) + 1:.0f} "),
            "a later word",
        )


@pytest.mark.parametrize("how", ["mouse", "keys"])
def test_play_stop_and_repeat(browser, how):
    def use(name: str) -> None:
        button = browser.get_by_role("button", name=name, exact=True)
        button.click() if how == "mouse" else press(button, "Enter")

    with redraws(picture(browser)), stays(browser):
        use("play")
        until(browser.page, lambda: not said(browser).startswith(("Word 1 ", "Word 2 ")), "the third word")
    use("pause")
    browser.get_by_role("button", name="play", exact=True).wait_for()
    use("stop")
    until(browser.page, lambda: said(browser).startswith("Word 1 "), "the first word again")
    use("repeat")
    press(slider(browser, "word"), "End")
    use("play")
    until(browser.page, lambda: said(browser).startswith("Word 2 "), "the second word after the last one")
    use("stop")
    use("repeat")


def test_the_tab_key_leads_through_all_controls(browser, explorer):
    found = tabbed(browser, browser.get_by_label("study"), 10)
    assert found[:5] == ["study", "report", "beside it", "opacity", "opacity, as a number"]
    assert found[5:] == ["colours", "smooth", "whole sentence", "true boxes", "other view"]
    found = tabbed(browser, browser.get_by_role("button", name="play"), 5)
    assert found == ["play", "stop", "repeat", "word", "Save picture"]
    words = browser.locator(".widget-toggle-button")
    assert tabbed(browser, words.first, 2) == words.all_inner_texts()[:2]
    found = tabbed(explorer, slider(explorer, "width K"), 6)
    assert [name for name in found if "number" not in name] == ["width K", "length penalty", "no repeats", "word"]


def test_opacity_colours_and_grid(browser):
    opacity, xray = slider(browser, "opacity"), browser.locator("img").first
    with redraws(picture(browser)), stays(browser):
        press(opacity, "Home")
        until(browser.page, lambda: colour(pixels(xray)) == 0, "a grey X-ray")
    with redraws(picture(browser)), stays(browser):
        drag(opacity, 60)
        some = until(browser.page, lambda: colour(pixels(xray)), "some colour")
    press(opacity, "End")
    until(browser.page, lambda: colour(pixels(xray)) > some, "more colour")
    for change in (
        lambda: browser.get_by_label("colours").select_option("viridis"),
        lambda: press(browser.get_by_label("colours"), "ArrowDown"),
        lambda: browser.get_by_label("smooth").check(),
        lambda: press(browser.get_by_label("smooth"), "Space"),
    ):
        with redraws(picture(browser)), stays(browser):
            change()
    assert browser.get_by_label("colours").input_value() == "cividis"
    assert not browser.get_by_label("smooth").is_checked()
    browser.get_by_label("colours").select_option("plasma")


def test_a_whole_sentence_true_boxes_and_the_other_view(browser):
    with redraws(picture(browser)), stays(browser):
        browser.get_by_label("whole sentence").check()
        until(browser.page, lambda: "the sentence of" in caption(browser), "the caption of a sentence")
    press(browser.get_by_label("whole sentence"), "Space")
    until(browser.page, lambda: "the sentence of" not in caption(browser), "the caption of a word")
    until(browser.page, lambda: _boxed(browser), "a study with true boxes")
    figures = browser.locator("figure")
    other = browser.get_by_label("other view")
    assert "not seen by the model" in figures.nth(1).inner_text()
    other.uncheck()
    until(browser.page, lambda: figures.filter(visible=True).count() == 1, "one view")
    other.check()
    until(browser.page, lambda: figures.filter(visible=True).count() == 2, "two views")
    press(other, "Space")
    until(browser.page, lambda: figures.filter(visible=True).count() == 1, "one view")
    press(other, "Space")
    until(browser.page, lambda: figures.filter(visible=True).count() == 2, "two views")
    with redraws(picture(browser)), stays(browser):
        press(browser.get_by_label("true boxes"), "Space")
    browser.get_by_label("true boxes").uncheck()


def _boxed(browser) -> bool:
    """Whether switching on the true boxes draws them in both views of this study; else go to the next study."""
    views, boxes = [browser.locator("img").nth(k) for k in range(2)], browser.get_by_label("true boxes")
    before = [pixels(view) for view in views]
    with stays(browser):
        boxes.check()
        to_the_last_word_and_back(browser)
    changed = [(pixels(view) != old).any() for view, old in zip(views, before, strict=True)]
    boxes.uncheck()
    if not all(changed):
        press(browser.get_by_label("study"), "ArrowDown")
        until(browser.page, lambda: drawn(browser) == chosen(browser), "the next study")
    to_the_last_word_and_back(browser)
    return all(changed)


def test_other_studies_and_two_reports_side_by_side(browser):
    title = drawn(browser)
    with redraws(picture(browser)):
        press(browser.get_by_label("study"), "ArrowDown")
        until(browser.page, lambda: title != drawn(browser) == chosen(browser), "the next study")
    browser.get_by_label("report").select_option(index=1)
    until(browser.page, lambda: "(beam" in heads(browser)[0], "the other report")
    press(browser.get_by_label("report"), "ArrowUp")
    until(browser.page, lambda: "(greedy" in heads(browser)[0], "the first report")
    press(browser.get_by_label("report"), "ArrowDown")
    until(browser.page, lambda: "(beam" in heads(browser)[0], "the other report")
    press(browser.get_by_label("beside it"), "ArrowDown")
    until(browser.page, lambda: len(heads(browser)) == 2 and "(greedy)" in heads(browser)[1], "two reports")
    browser.get_by_label("beside it").select_option("nothing")
    browser.get_by_label("report").select_option(index=0)
    until(browser.page, lambda: len(heads(browser)) == 1 and "(greedy)" in heads(browser)[0], "one report")


@pytest.mark.parametrize("how", ["mouse", "keys"])
def test_the_picture_is_offered_and_saved(browser, how):
    link = browser.locator("a[download]")
    until(browser.page, lambda: not link.count(), "no picture that was offered before")
    with stays(browser):
        save = browser.get_by_role("button", name="Save picture")
        save.click() if how == "mouse" else press(save, "Enter")
        link.wait_for()
    with browser.page.expect_download() as download:
        link.click()
    saved = Image.open(download.value.path())
    assert re.fullmatch(r"CXR\d+-word1-\S+\.png", download.value.suggested_filename) and saved.height > 300


def tree(explorer):
    return explorer.locator("svg")


def _places(explorer):
    return explorer.get_by_role("region", name="finished reports").locator("b", has_text=re.compile(r"^\d+\.$"))


def _lines(explorer) -> int:
    """How many lines of the tree are kept ones."""
    return sum(text.startswith("kept ") for text in tree(explorer).locator("text").all_text_contents())


def region(explorer, name: str) -> str:
    return explorer.get_by_role("region", name=name).inner_text()


def test_a_wider_beam_has_more_lines_and_more_reports(explorer):
    width = slider(explorer, "width K")
    reports = _places(explorer)
    for k, move in (
        (4, lambda: press(width, "ArrowRight")),
        (1, lambda: drag(width, -400)),
        (3, lambda: press(width, "PageUp")),
    ):
        with redraws(tree(explorer)), stays(explorer, pictures=k < 4):
            move()
            until(
                explorer.page,
                lambda k=k: _lines(explorer) == reports.count() == value(width) and (k > 1 or value(width) == 1),
                f"{k} reports and lines",
            )


def test_the_length_penalty_changes_the_scores(explorer):
    penalty, before = slider(explorer, "length penalty"), region(explorer, "finished reports")
    with redraws(tree(explorer)), stays(explorer):
        press(penalty, "ArrowRight", "ArrowRight")
        until(explorer.page, lambda: region(explorer, "finished reports") != before, "other scores")
    before = region(explorer, "finished reports")
    with stays(explorer):
        drag(penalty, 80)
        until(explorer.page, lambda: region(explorer, "finished reports") != before, "other scores")


def test_blocking_repeats_leaves_none(explorer):
    menu = explorer.get_by_label("no repeats")
    with stays(explorer):
        menu.select_option("of 2 words")
        until(
            explorer.page, lambda: not any(map(_repeats, _reports(explorer))), "reports without a pair of words twice"
        )
    press(menu, "ArrowUp")
    until(explorer.page, lambda: menu.input_value() == "off", "the value above")


def _reports(explorer) -> list[str]:
    blocks = explorer.get_by_role("region", name="finished reports").inner_text().split("Reference")[0]
    return re.findall(r"^\d+\. (.*)$", blocks, re.MULTILINE)


def _repeats(report: str) -> bool:
    words = re.findall(r"\w+|[^\w\s]", report.lower())
    pairs = list(zip(words, words[1:], strict=False))
    return len(set(pairs)) < len(pairs)


def test_the_word_moves_along_the_tree(explorer):
    word = slider(explorer, "word")
    with redraws(tree(explorer)), stays(explorer):
        press(word, "Home", *["ArrowRight"] * 8)
        until(explorer.page, lambda: region(explorer, "beginnings").startswith("At word 9 of"), "word 9")
    assert "word 9" in tree(explorer).text_content()
    with redraws(tree(explorer)), stays(explorer):
        drag(word, 50)
    until(
        explorer.page,
        lambda: region(explorer, "beginnings").startswith(f"At word {value(word):.0f} of"),
        "a later word",
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1400])
@pytest.mark.parametrize("source, name", [(BROWSER, "attention-browser"), (EXPLORER, "beam-explorer")])
def test_it_fits_and_is_legible(notebook, state, screens, source, name, width, theme):
    notebook.look(theme, width)
    place = notebook.output(source)
    assert place.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1"), "wider than the cell"
    place.screenshot(path=screens / f"{name}-{theme}-{width}.png")
    assert not faint(place)
