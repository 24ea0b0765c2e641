"""The page of a draft as its reader has it: to read, to edit, to copy and to print; opened as a file with the network off."""

from __future__ import annotations

import pytest
from seen import faint, pdf_pages, until
from test_draft_page import EVIL, made

from mrg_helpers import draft_page
from mrg_helpers.drafts import NOTICE, Neighbour


@pytest.fixture
def page(drafted, new_page):
    page = new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(drafted.as_uri())
    return page


def test_the_text_is_edited_and_copied_with_the_notice(page):
    text = page.get_by_role("textbox")
    written = text.inner_text().strip()
    assert written and not page.get_by_text("(edited by hand)").is_visible()
    text.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(" Seen by a test.")
    assert page.get_by_text("(edited by hand)").is_visible()
    page.get_by_role("button", name="Copy").click()
    until(page, lambda: page.get_by_role("status").first.inner_text() == "Copied.", "that it was copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(written[:20]) and "Seen by a test." in copied and copied.endswith(f"[{NOTICE}]")
    assert "%" not in copied, "what the page says about a sentence is no part of the report"


def test_it_is_all_done_by_keyboard(page):
    page.get_by_role("textbox").focus()
    page.keyboard.type("New. ")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Copy"
    page.keyboard.press("Enter")
    until(page, lambda: page.get_by_role("status").first.inner_text() == "Copied.", "that it was copied")
    page.keyboard.press("Tab")
    page.evaluate("window.print = () => { window.printed = true }")
    page.keyboard.press("Enter")
    assert page.evaluate("window.printed")


def test_the_picture_is_enlarged_and_made_smaller(page):
    picture = page.locator(".seen img")
    before = picture.bounding_box()["width"]
    page.get_by_role("button", name="enlarge").click()
    assert picture.bounding_box()["width"] > 1.3 * before
    page.get_by_role("button", name="make it smaller").click()
    assert picture.bounding_box()["width"] == before


def test_the_attention_browser_in_it_works(page):
    browser = page.locator("[data-key]")
    browser.locator(".mrg-word").nth(2).click()
    page.keyboard.press("ArrowRight")
    assert browser.get_by_role("status").first.inner_text().startswith("Word 4 of")


@pytest.mark.parametrize("format", ["A4", "Letter"])
@pytest.mark.parametrize("more", [0, 12])
def test_it_prints_on_one_sheet_also_after_somebody_wrote_more(page, format, more):
    page.get_by_role("textbox").click()
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(" There is a further sentence of somebody." * more)
    assert pdf_pages(page.pdf(format=format, prefer_css_page_size=False)) == 1


@pytest.mark.parametrize("width", [900, 1400])
def test_it_fits_the_screen_and_is_legible(drafted, new_page, screens, width):
    page = new_page(width)
    page.goto(drafted.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width, "wider than the screen"
    assert not faint(page.locator("body"))
    page.screenshot(path=screens / f"draft-page-{width}.png", full_page=True)


def test_whatever_comes_from_outside_is_text(new_page, tmp_path):
    words = [*EVIL.lower().split(), "effusion", "."]
    draft = made(
        words=words, header={"PatientID": EVIL}, warnings=[EVIL], versions={"program": EVIL}, considered={EVIL: 0.5},
        neighbour=Neighbour(EVIL, made().image, EVIL, 0.5), alternatives=[[(EVIL, 0.5)] for _ in words],
    )  # fmt: skip
    draft_page.write(draft, tmp_path / "draft.html")
    page = new_page()
    shown = []
    page.on("dialog", lambda dialog: shown.append(dialog.message) or dialog.dismiss())
    page.goto((tmp_path / "draft.html").as_uri())
    assert page.locator("body").inner_text().count(EVIL) >= 4
    assert not shown, "its script ran"
