"""The attention browser's controls, moved without a kernel."""

from __future__ import annotations

import base64
import io
import re
from html import unescape

import numpy as np
import pytest
from PIL import Image
from test_browsing import GRID, both_views, rich, study

from mrg_helpers import export, pictures, widgets


def shown(panel, view: str = "picture") -> np.ndarray:
    """The picture on the screen, (H, W, 3); ``"second"``: of the other view."""
    packed = re.search(r"base64,([\w+/=]+)", getattr(panel, view).value)[1]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(packed))).convert("RGB"), float)


def screen(browser) -> str:
    """Everything that is on the screen, as text."""
    places = ("picture", "second", "state", "heading", "chart", "compared", "saved", "shades")
    return " ".join(
        [getattr(panel, name).value for panel in on_screen(browser) for name in places] + [browser.footer.value]
    )


def on_screen(browser) -> list:
    return browser.panels[: len(browser.place.children)]


@pytest.fixture
def browser() -> widgets.AttentionBrowser:
    bright = np.full((120, 200), 150, np.uint8)
    return widgets.AttentionBrowser([study(), study("CXR2", ["clear"], image=bright)], GRID, note="random features")


@pytest.fixture
def full() -> widgets.AttentionBrowser:
    return widgets.AttentionBrowser([rich(), study()], GRID)


def test_the_slider_moves_the_attention_to_the_cell_of_its_word(browser):
    for word, left in enumerate([0, 50, 100]):
        browser.word.value = word
        changed = np.abs(shown(browser.panels[0]) - 90).sum(-1) > 60
        assert changed[5:55, left + 5 : left + 45].all()
        changed[:61, max(left - 1, 0) : left + 51] = False
        assert not changed.any()


def test_a_click_on_a_word_goes_to_it_and_the_slider_marks_it(browser):
    browser.words.index = 2
    assert browser.word.value == 2 and "Word 3 of 3" in browser.panels[0].state.value
    browser.word.value = 1
    assert browser.words.index == 1 and "Word 2 of 3: <b>effusion</b>" in browser.panels[0].state.value
    assert ":nth-of-type(n+2):nth-of-type(-n+2)" in browser.panels[0].state.value


@pytest.mark.parametrize(
    "control, value, moves",
    [
        ("word", 1, "picture state chart"),
        ("opacity", 0.2, "picture"),
        ("cmap", "viridis", "picture"),
        ("smooth", True, "picture"),
        ("sentence", True, "picture state"),
        ("boxes", True, "picture second"),
        ("report", 1, "picture heading state chart shades compared"),
        ("study", 1, "picture heading state chart shades compared"),
    ],
)
def test_every_control_changes_what_it_should_and_nothing_else(full, control, value, moves):
    panel = full.panels[0]
    places = ("picture", "second", "state", "heading", "chart", "shades", "compared", "saved")
    before = {name: getattr(panel, name).value for name in places}
    getattr(full, control).value = value
    assert {name for name in places if getattr(panel, name).value != before[name]} == set(moves.split())


def test_opacity_zero_is_the_xray(browser):
    browser.opacity.value = 0
    assert np.abs(shown(browser.panels[0]) - 90).max() <= 1


def test_another_study_starts_at_its_first_word(browser):
    browser.word.value = 2
    browser.study.value = 1
    assert (browser.word.value, browser.word.max, browser.play.max) == (0, 0, 0)
    assert "Word 1 of 1: <b>clear</b>" in browser.panels[0].state.value
    browser.study.value = 0
    assert browser.word.max == browser.play.max == 2
    assert [label for label, _ in browser.words.options] == study()["words"]


def test_the_other_view_is_beside_it_where_there_is_one(full):
    panel = full.panels[0]
    assert panel.second.layout.display == "" and "lateral view, not seen by the model" in panel.second.value
    full.other_view.value = False
    assert panel.second.layout.display == "none"
    full.other_view.value = True
    full.study.value = 1
    assert panel.second.layout.display == "none"


def test_of_a_model_of_two_views_the_attention_lies_on_both():
    browser = widgets.AttentionBrowser([both_views()], GRID)
    (panel,) = on_screen(browser)
    for word in range(3):  # it looks at column word of row 0 on the frontal view and of row 1 on the lateral one
        browser.word.value = word
        assert f"lateral view, attention at “{study()['words'][word]}”" in unescape(panel.second.value)
        for view, (row, column), cell in (("picture", (0, word), (60, 50)), ("second", (1, word), (120, 30))):
            picture = shown(panel, view)
            coloured = np.ptp(picture, axis=-1).reshape(2, cell[0], 4, cell[1]).mean((1, 3))
            assert np.unravel_index(coloured.argmax(), (2, 4)) == (row, column)


def test_two_reports_stand_side_by_side_and_move_alone(full):
    assert [label for label, _ in full.beside.options] == ["nothing", "greedy", "beam"]
    full.beside.value = 1
    first, second = on_screen(full)
    assert ("greedy" in first.heading.value, "beam" in second.heading.value) == (True, True)
    assert (
        "missed by the model: nodule" in second.compared.value and "both reports assert: nodule" in first.compared.value
    )
    before = shown(first).copy()
    second.word.value = 2
    assert (shown(first) == before).all() and "Word 3 of 3" in second.state.value
    old = [panel.picture.value for panel in (first, second)]
    full.cmap.value = "viridis"
    assert all(panel.picture.value != value for panel, value in zip((first, second), old, strict=True))
    full.beside.value = -1
    assert len(on_screen(full)) == 1


def test_the_comparison_ends_where_a_study_has_one_report(full):
    full.report.value = full.beside.value = 1
    full.study.value = 1
    assert (full.report.value, full.beside.value, len(on_screen(full))) == (0, -1, 1)


def test_the_comparison_goes_on_from_study_to_study():
    browser = widgets.AttentionBrowser([rich("CXR1"), rich("CXR2")], GRID)
    browser.beside.value = 1
    browser.study.value = 1
    assert len(on_screen(browser)) == 2 and "CXR2" in browser.panels[1].picture.value


def test_controls_are_there_only_for_what_there_is(browser, full):
    assert {browser.boxes, browser.other_view, browser.report, browser.beside}.isdisjoint(browser.controls)
    assert {full.boxes, full.other_view, full.report, full.beside} <= set(full.controls)
    assert widgets.AttentionBrowser([study()], GRID).study.description == "study"
    alone = widgets.AttentionBrowser([study()], GRID)
    assert alone.study not in alone.controls


def test_text_of_reports_is_escaped():
    evil = '"<script>alert(1)</script>'
    browser = widgets.AttentionBrowser([study(evil, [evil, "."], name=evil, reference=evil)], GRID, note=evil)
    browser.panels[0].save.click()
    assert "<script" not in screen(browser) and "&lt;script&gt;" in screen(browser)


def test_the_warning_and_the_note_are_always_there(browser):
    for browser.study.value in (0, 1):
        assert "not for clinical use" in screen(browser) and "random features" in screen(browser)


def test_an_empty_report_shows_the_xray():
    browser = widgets.AttentionBrowser([study(words=[]), study()], GRID)
    assert "The report is empty." in browser.panels[0].state.value
    assert np.abs(shown(browser.panels[0]) - 90).max() <= 1
    assert browser.words.layout.display == "none"
    browser.study.value = 1
    assert browser.words.layout.display == "" and len(browser.words.options) == 3
    browser.study.value = 0
    browser.panels[0].save.click()
    assert "word1-none.png" in browser.panels[0].saved.value


def test_a_saved_picture_is_what_is_shown_with_its_caption(browser, tmp_path):
    browser.word.value = 1
    path = browser.save_picture(tmp_path / "picture")
    assert path == tmp_path / "picture.png"
    saved = np.asarray(Image.open(path))
    assert (saved[:120] == browser.panels[0].image()).all() and saved.shape[0] > 130
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


def test_the_save_button_offers_the_picture_until_it_changes(browser):
    panel = browser.panels[0]
    panel.save.click()
    assert 'download="CXR1-word1-no.png"' in panel.saved.value
    packed = re.search(r"base64,([\w+/=]+)", panel.saved.value)[1]
    assert base64.b64decode(packed) == panel.png()
    browser.word.value = 1
    assert "download" not in panel.saved.value and "arrow keys" in panel.saved.value


def test_large_images_are_shrunk_with_their_cells():
    small = widgets.AttentionBrowser([study()], GRID, size=100)
    changed = np.abs(small.panels[0].image().astype(float) - 90).sum(-1) > 60
    assert changed.shape == (60, 100)
    assert changed[:30, :25].all() and changed.sum() == 30 * 25


def test_the_page_shows_the_same_studies(full, tmp_path):
    path = full.to_html(tmp_path / "page.html", title="Attention")
    html = path.read_text(encoding="utf-8")
    assert "<title>Attention</title>" in html
    (data,) = re.findall(r"^const DATA = .*$", export.attention_fragment([rich(), study()], GRID), re.M)
    assert data in html


def test_a_picture_without_a_browser_is_the_same_picture(full):
    full.smooth.value = full.boxes.value = True
    (first, _) = full.studies
    again = pictures.attention_picture(first, first.reports[0], 0, smooth=True, boxes=True)
    assert (full.panels[0].image() == again).all()


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="no studies"):
        widgets.AttentionBrowser([], GRID)
    with pytest.raises(ValueError, match=r"CXR1: 3 words on a grid of 2 x 2"):
        widgets.AttentionBrowser([study()], (2, 2))
