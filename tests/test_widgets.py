from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mrg_helpers import widgets

GRID = (2, 4)
WORDS = ["no", "effusion", "<script>alert(1)</script>"]


def halves(row: int, column: int, grid: tuple[int, int]) -> tuple[float, float, float, float]:
    return column * 50, row * 60, (column + 1) * 50, (row + 1) * 60


def study(title: str = "CXR1", words: list[str] = WORDS, **changes) -> dict:
    attention = np.full((len(words), 8), 0.01)
    attention[range(len(words)), range(len(words))] = 0.93  # word i looks at cell i
    return {
        "title": title,
        "image": np.full((120, 200), 90, np.uint8),
        "words": words,
        "attention": attention,
        "log_probs": np.log(np.linspace(0.9, 0.5, len(words))),
        "rectangles": halves,
        "reference": "No effusion. </title><b>bold</b>",
        **changes,
    }


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), float)


@pytest.fixture
def browser() -> widgets.AttentionBrowser:
    return widgets.AttentionBrowser(
        [study(), study("CXR2", ["clear"], image=np.full((120, 200), 150, np.uint8))], GRID, note="random features"
    )


def test_the_slider_moves_the_attention_to_the_cell_of_its_word(browser):
    for word, left in enumerate([0, 50, 100]):
        browser.word.value = word
        changed = np.abs(pixels(browser.picture.value) - 90).sum(-1) > 60
        ys, xs = np.nonzero(changed)
        assert (xs.min(), xs.max(), ys.min(), ys.max()) == (left, left + 49, 0, 59)


@pytest.mark.parametrize("control, value", [("word", 1), ("opacity", 0.2), ("cmap", "viridis"), ("study", 1)])
def test_every_control_redraws(browser, control, value):
    before = bytes(browser.picture.value), browser.text.value
    getattr(browser, control).value = value
    assert bytes(browser.picture.value) != before[0]
    assert (browser.text.value != before[1]) == (control in ("word", "study"))


def test_opacity_zero_is_the_xray(browser):
    browser.opacity.value = 0
    assert (pixels(browser.picture.value) == 90).all()


def test_another_study_starts_at_its_first_word(browser):
    browser.word.value = 2
    browser.study.value = 1
    assert (browser.word.value, browser.word.max, browser.play.max) == (0, 0, 0)
    assert "Word 1 of 1: <b>clear</b>" in browser.text.value
    browser.study.value = 0
    assert browser.word.max == browser.play.max == 2


def test_the_current_word_is_marked_and_its_probability_shown(browser):
    browser.word.value = 1
    marked = [span for span in browser.text.value.split("<span") if "background" in span]
    assert len(marked) == 1 and "effusion" in marked[0]
    assert "probability 0.70" in browser.text.value


def test_text_of_reports_is_escaped(browser):
    browser.word.value = 2
    assert "<script" not in browser.text.value and "</title>" not in browser.text.value
    assert "&lt;script&gt;" in browser.text.value and "&lt;/title&gt;" in browser.text.value


def test_the_warning_and_the_note_are_always_there(browser):
    for browser.study.value in (0, 1):
        assert "not for clinical use" in browser.text.value and "random features" in browser.text.value


def test_an_empty_report_shows_the_xray():
    browser = widgets.AttentionBrowser([study(words=[])], GRID)
    assert "The report is empty." in browser.text.value
    assert (pixels(browser.picture.value) == 90).all()


def test_large_images_are_shrunk_with_their_cells():
    small = widgets.AttentionBrowser([study()], GRID, size=100)
    changed = np.abs(pixels(small.picture.value) - 90).sum(-1) > 60
    assert changed.shape == (60, 100)
    assert changed[:30, :25].all() and changed.sum() == 30 * 25


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="no studies"):
        widgets.AttentionBrowser([], GRID)
    with pytest.raises(ValueError, match=r"CXR1: 3 words on a grid of 2 x 2 need attention of shape \(3, 4\)"):
        widgets.AttentionBrowser([study()], (2, 2))
    with pytest.raises(ValueError, match="as many log_probs"):
        widgets.AttentionBrowser([study(log_probs=[-1.0])], GRID)


CASES = pd.DataFrame(
    {
        "finding": ["edema", "nodule", "edema"],
        "study_id": ["CXR1", "CXR2", "CXR3"],
        "tag_says": ["present", "nothing", "nothing"],
        "text_says": ["nothing", "asserted", "asserted"],
        "tags": [["Pulmonary Edema"], [], ["normal"]],
        "text": ["<script>Clear.", "A nodule.", "Mild edema."],
        "spans": [[], [(2, 8)], [(5, 10)]],
    }
)


def test_disagreements_are_read_finding_by_finding():
    browser = widgets.DisagreementBrowser(CASES)
    assert [label for label, _ in browser.finding.options] == ["edema (2)", "nodule (1)"]
    assert "CXR1" in browser.text.value and "Mild <mark>edema</mark>." in browser.text.value
    assert "<script>" not in browser.text.value and "&lt;script&gt;" in browser.text.value
    browser.finding.value = "nodule"
    assert "A <mark>nodule</mark>." in browser.text.value and "CXR1" not in browser.text.value
    assert "CXR3" not in widgets.DisagreementBrowser(CASES, most=1).text.value
    with pytest.raises(ValueError, match="no disagreements"):
        widgets.DisagreementBrowser(CASES[:0])


def test_overlapping_places_are_marked_once():
    assert widgets.marked_html("a<b>c", [(1, 3), (2, 4)]) == "a<mark>&lt;b&gt;</mark>c"
    assert widgets.marked_html("ab", []) == "ab"
