"""The pages that need no kernel, opened as files with the network off: the attention browser and the page of notebook 05."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from seen import colour, faint, pdf_pages, pixels, redraws, stays, until
from test_browsing import GRID, both_views, rich

from mrg_helpers import browsing, export, pictures

UNKNOWN = {"beta": None, "alternatives": None, "reports": []}  # so that other words can stand in a study
EVIL = "</title></script><script>window.broken = 1</script><img src=x onerror='window.broken = 2'>"


@pytest.fixture(scope="module")
def attention(executed, new_page):
    page = new_page()
    page.goto((executed / "attention_browser.html").as_uri())
    return page


@pytest.fixture(scope="module")
def embedded(executed, new_page):
    page = new_page(900)
    (found,) = (executed / "executed").glob("05_*.html")
    page.goto(found.as_uri())
    return page


@pytest.fixture(params=["attention", "embedded"])
def browser(request):
    """The attention browser as a page of its own, and in the page of notebook 05: both do the same."""
    browser = request.getfixturevalue(request.param).locator("[data-key]")
    browser.get_by_label("Study").select_option(index=0)
    browser.locator(".mrg-word").first.click()
    return browser


def picture(browser):
    return browser.locator("canvas").first


def caption(browser) -> str:
    return browser.locator("figcaption").first.inner_text()


def state(browser) -> str:
    return browser.get_by_role("status").first.inner_text()


def test_a_click_on_a_word_goes_there(browser):
    words = browser.locator(".mrg-word")
    with redraws(picture(browser)), stays(browser):
        words.nth(3).click()
    assert state(browser).startswith(f"Word 4 of {words.count()}: {words.nth(3).inner_text()} · probability")
    assert caption(browser).endswith(f"attention at “{words.nth(3).inner_text()}”")
    assert browser.locator(".mrg-now").count() == 1 and "mrg-now" in words.nth(3).get_attribute("class")


def test_the_arrow_keys_step_wherever_the_focus_is(browser):
    last = browser.locator(".mrg-word").count()
    for key, place in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2), ("End", last), ("Home", 1)):
        browser.page.keyboard.press(key)
        assert state(browser).startswith(f"Word {place} of {last}")
    slider = browser.get_by_label("word", exact=True)
    slider.focus()
    browser.page.keyboard.press("ArrowRight")
    assert state(browser).startswith("Word 2 of") and slider.input_value() == "1"
    chart = browser.locator(".mrg-chart svg").first.bounding_box()
    browser.locator(".mrg-chart svg").first.click(position={"x": chart["width"] - 1, "y": chart["height"] / 2})
    assert state(browser).startswith(f"Word {last} of {last}")


def test_play_goes_on_until_it_is_paused(browser):
    with redraws(picture(browser)), stays(browser):
        browser.get_by_role("button", name="Play").click()
        until(browser.page, lambda: not state(browser).startswith(("Word 1 ", "Word 2 ")), "the third word")
    browser.get_by_role("button", name="Pause").click()
    stopped = state(browser)
    browser.page.wait_for_timeout(900)
    assert state(browser) == stopped


def test_opacity_and_colours_and_grid_change_the_picture(browser):
    opacity, cells = browser.get_by_label("Opacity"), pixels(picture(browser))
    with redraws(picture(browser)), stays(browser):
        opacity.press("Home")
    assert colour(pixels(picture(browser))) == 0 < colour(cells)
    opacity.press("End")
    strong = pixels(picture(browser))
    assert colour(strong) > colour(cells)
    for k in range(1, 4):
        with redraws(picture(browser)), stays(browser):
            browser.get_by_label("Colours").select_option(index=k)
    with redraws(picture(browser)), stays(browser):
        browser.get_by_label("smooth").check()
    browser.get_by_label("smooth").press("Space")
    assert not browser.get_by_label("smooth").is_checked()
    browser.get_by_label("Colours").select_option(index=0)
    assert (pixels(picture(browser)) == strong).all()


def test_a_whole_sentence_true_boxes_and_the_other_view(browser):
    boxed = "(one) => one.mrgBrowser.data.studies.findIndex((study) => study.boxes.length && study.other?.boxes.length)"
    browser.get_by_label("Study").select_option(index=browser.evaluate(boxed))
    with redraws(picture(browser)), stays(browser):
        browser.get_by_label("whole sentence").check()
    assert "attention at the sentence of" in caption(browser) and browser.locator(".mrg-same").count() > 0
    browser.get_by_label("whole sentence").uncheck()
    assert browser.locator(".mrg-same").count() == 0
    views = browser.locator("canvas")
    with redraws(views.nth(0)), redraws(views.nth(1)), stays(browser):
        browser.get_by_label("true boxes").check()
    browser.get_by_label("true boxes").uncheck()
    assert "not seen by the model" in browser.locator("figcaption").nth(1).inner_text()
    browser.get_by_label("other view").uncheck()
    assert not views.nth(1).is_visible()
    browser.get_by_label("other view").check()
    assert views.nth(1).is_visible()


def test_other_studies_and_two_reports_side_by_side(browser):
    before = browser.locator(".mrg-text").first.inner_text()
    with redraws(picture(browser)):
        browser.get_by_label("Study").press("ArrowDown")
    assert browser.locator(".mrg-text").first.inner_text() != before
    browser.get_by_label("Report", exact=True).select_option(index=1)
    assert browser.locator(".mrg-text h4").first.inner_text().startswith("Generated report (beam")
    browser.get_by_label("Beside it").select_option(index=1)
    heads = [browser.locator(".mrg-panel").nth(k).locator("h4").first.inner_text() for k in range(2)]
    assert "(beam" in heads[0] and "(greedy" in heads[1]
    browser.get_by_label("Beside it").select_option(index=0)
    browser.get_by_label("Report", exact=True).select_option(index=0)
    browser.get_by_label("Study").press("ArrowUp")
    until(browser.page, lambda: browser.locator(".mrg-text").first.inner_text() == before, "the first study again")


def test_the_picture_is_saved_with_its_caption(browser):
    with browser.page.expect_download() as download:
        browser.get_by_role("button", name="Save picture").click()
    saved = Image.open(download.value.path())
    width, height = picture(browser).evaluate("(one) => [one.width, one.height]")
    assert saved.width == width and saved.height > height and download.value.suggested_filename.endswith(".png")
    shown = np.asarray(saved.convert("RGB"))[height:]
    assert (shown < 128).any() and (shown > 250).all(axis=-1).mean() > 0.5, "dark letters on white"


def painted(canvas) -> np.ndarray:
    """The pixels that the script has put on a canvas: (H, W, 3)."""
    shape = canvas.evaluate("(one) => [one.height, one.width, 4]")
    read = "(one) => [...one.getContext('2d').getImageData(0, 0, one.width, one.height).data]"
    return np.array(canvas.evaluate(read)).reshape(shape)[..., :3]


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("sentence", [False, True])
def test_the_script_paints_what_the_kernel_paints(new_page, tmp_path, smooth, sentence):
    """On the true grid of both views, word by word."""
    study, page = both_views(), new_page()
    page.goto(export.attention_page([study], GRID, tmp_path / "page.html", "x").as_uri())
    page.get_by_label("smooth").set_checked(smooth)
    page.get_by_label("whole sentence").set_checked(sentence)
    (shown,) = browsing.prepare([study], GRID, 512)
    for word in range(len(study["words"])):
        page.locator(".mrg-word").nth(word).click()
        for view in range(2):
            how = {"smooth": smooth, "whole_sentence": sentence, "view": view}
            wanted = pictures.attention_picture(shown, shown.reports[0], word, **how).astype(int)
            found = painted(page.locator("canvas").nth(view))
            assert found.shape == wanted.shape and np.ptp(wanted, axis=-1).max() > 20, "in colour"
            assert np.abs(found - wanted).max() <= 6, "but for the JPEG and the digits of a weight"
    assert "lateral view, attention at" in page.locator("figcaption").nth(1).inner_text()


def test_the_page_says_what_is_known_of_a_word(new_page, tmp_path):
    page, (shown,) = new_page(), browsing.prepare([rich()], GRID, 512)
    page.goto(export.attention_page([rich()], GRID, tmp_path / "page.html", "x").as_uri())
    page.locator(".mrg-word").nth(1).click()
    considered = [f"{word} {p:.2f}" for word, p in shown.reports[0].considered(1)]
    assert [" ".join(text.split()) for text in page.locator(".mrg-others li").all_inner_texts()] == considered
    known = shown.reports[0].entropy[1], shown.reports[0].beta[1]
    assert page.locator(".mrg-chart b").all_inner_texts() == [f"{value:.2f}" for value in known]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1400])
def test_it_fits_is_legible_and_prints(executed, new_page, screens, scheme, width):
    page = new_page(width, scheme=scheme)
    page.goto((executed / "attention_browser.html").as_uri())
    page.locator(".mrg-word").nth(4).click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "wider than the screen"
    assert not faint(page.locator("body"))
    page.screenshot(path=screens / f"attention-page-{scheme}-{width}.png", full_page=True)
    assert pdf_pages(page.pdf()) >= 1


def test_text_of_a_report_is_text(new_page, tmp_path):
    study = rich() | {
        "title": EVIL,
        "reference": f"{EVIL} Nodule.",
        "words": ["a", EVIL, ".", "enlarged", "heart", "."],
    }
    page = new_page()
    page.goto(export.attention_page([study], GRID, tmp_path / "page.html", title=EVIL, note=EVIL).as_uri())
    assert page.title() == EVIL and page.locator("h1").inner_text() == EVIL
    page.locator(".mrg-word").nth(1).click()
    assert page.locator(".mrg-word").nth(1).inner_text() == EVIL and EVIL in page.locator(".mrg-compared").inner_text()
    assert EVIL in page.locator(".mrg-footer").inner_text() and page.locator("[data-key] img").count() == 0
    assert page.evaluate("window.broken") is None


@pytest.mark.parametrize("width", [760, 900, 1400])
def test_no_word_moves_anything(new_page, tmp_path, width):
    """Words of any mark, with a name that takes more than a line, on a screen of any width."""
    words = ["a", "calcified", "granuloma", "in", "the", "right", "upper", "lobe", ".", "hiatal", "hernia", "."]
    written = {"words": words, "attention": np.full((len(words), 8), 0.1), "log_probs": np.zeros(len(words))}
    study = rich() | written | UNKNOWN | {"reference": "A calcified granuloma in the left lower lobe."}
    page = new_page(width)
    page.goto(export.attention_page([study], GRID, tmp_path / "page.html", "x").as_uri())
    browser, seen = page.locator("[data-key]"), []
    page.locator(".mrg-word").first.wait_for()
    for _ in words:
        with stays(browser):
            page.keyboard.press("ArrowRight")
        seen.append(browser.get_by_role("status").first.inner_text())
    assert any("both reports assert: calcified granuloma (other side)" in text for text in seen)
    assert any("invented by the model: hiatal hernia" in text for text in seen)
