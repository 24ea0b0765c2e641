from __future__ import annotations

import base64
import io
import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mrg_helpers import images, study_browser
from mrg_helpers.study_browser import StudyBrowser


@pytest.fixture
def table(tmp_path) -> pd.DataFrame:
    """Three studies; the second has two images, one of them broken."""
    rng = np.random.default_rng(0)
    paths = []
    for k in range(4):
        path = tmp_path / f"{k}.png"
        Image.fromarray(rng.integers(0, 256, (60, 80 + k), dtype=np.uint8)).save(path)
        paths.append(str(path))
    (tmp_path / "2.png").write_bytes(b"<script>no image")
    tags = ["Effusion/left/small", "Opacity/lung"]
    attack = "<script>alert(1)</script>"
    rows = [
        ("CXR1", "p1", paths[:1], ["frontal"], "Cough.", "", f"No effusion. {attack}", "Normal.", ["normal"], "train"),
        ("CXR2", "p2", paths[1:3], ["frontal", "lateral"], "", "", "Left effusion.", "", tags, "test"),
        ("CXR3", "p3", paths[3:], ["lateral"], "Pain.", "None.", "Right EFFUSION.", "Ill.", ["Effusion/right"], "train"),
    ]  # fmt: skip
    names = [
        "study_id",
        "patient_id",
        "images",
        "views",
        "indication",
        "comparison",
        "findings",
        "impression",
        "tags",
        "split",
    ]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture
def browser(table) -> StudyBrowser:
    return StudyBrowser(table)


def found(browser) -> list[str]:
    return [browser.studies[number]["study_id"] for number in browser.matches]


def pictures(browser) -> list[np.ndarray]:
    sources = re.findall(r'base64,([^"]+)"', browser.pictures.value)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(source)))) for source in sources]


@pytest.mark.parametrize("control, value, wanted", [
    ("search", "effusion", ["CXR1", "CXR2", "CXR3"]), ("search", "effusion LEFT", ["CXR2"]), ("search", "cxr3", ["CXR3"]),
    ("search", "opacity", ["CXR2"]), ("search", "left ill", []), ("tag", "Effusion", ["CXR2", "CXR3"]), ("tag", "normal", ["CXR1"]),
    ("split", "train", ["CXR1", "CXR3"]), ("view", "lateral", ["CXR2", "CXR3"]), ("view", "frontal", ["CXR1", "CXR2"]),
])  # fmt: skip
def test_every_filter_leaves_what_matches(browser, control, value, wanted):
    getattr(browser, control).value = value
    assert found(browser) == wanted
    assert f"{len(wanted)}</b> of 3 studies match" in browser.count.value
    assert browser.place.max == max(len(wanted), 1)


@pytest.mark.parametrize("control", ["tag", "split", "view"])
def test_a_filter_that_is_taken_back_reads_all_again(browser, control):
    menu = getattr(browser, control)
    before = menu.value
    menu.index = 1
    assert len(found(browser)) < 3
    menu.value = before
    assert (menu.index, menu.label, len(found(browser))) == (0, "all", 3)


def test_filters_work_together_and_their_menus_count(browser):
    assert [label for label, _ in browser.tag.options] == ["all", "Effusion (2)", "Opacity (1)", "normal (1)"]
    browser.tag.value, browser.split.value, browser.view.value = "Effusion", "train", "lateral"
    assert found(browser) == ["CXR3"] and "CXR3" in browser.text.value


def test_nothing_found_is_said_and_can_be_undone(browser):
    browser.search.value = "zebra"
    assert "No study matches" in browser.text.value and not pictures(browser)
    assert browser.following.disabled and browser.place.disabled
    browser.following.click()
    browser.search.value = ""
    assert "CXR1" in browser.text.value and len(pictures(browser)) == 1 and not browser.following.disabled


def test_pages_go_round_and_a_filter_starts_at_the_first(browser):
    for wanted in ("CXR2", "CXR3", "CXR1"):
        browser.following.click()
        assert f"<b>{wanted}</b>" in browser.text.value
    browser.previous.click()
    assert browser.place.value == 3
    browser.split.value = "test"
    assert browser.place.value == 1 and "CXR2" in browser.text.value
    browser.split.value = ""
    browser.place.value = 3
    assert "CXR3" in browser.text.value


def test_all_sections_and_tags_are_there_and_what_was_searched_is_marked(browser):
    browser.search.value = "left"
    text = browser.text.value
    for part in (
        "Indication",
        "Comparison",
        "Findings",
        "Impression",
        "Tags",
        "(missing)",
        "/small",
        "split: test",
        "patient p2",
    ):
        assert part in text
    assert len(re.findall("<mark[^>]*>left</mark>", text, re.I)) == 2


def test_text_is_escaped(browser):
    assert "<script" not in browser.text.value and "&lt;script&gt;alert(1)" in browser.text.value


def test_the_chosen_view_shows_its_images_only(browser):
    browser.search.value = "cxr1"
    assert pictures(browser)[0].shape == (60, 80)
    browser.search.value, browser.view.value = "cxr3", "lateral"
    assert [picture.shape for picture in pictures(browser)] == [(60, 83)]


def test_a_broken_image_shows_its_error_beside_the_others(browser):
    browser.place.value = 2
    assert len(pictures(browser)) == 1 and "This image cannot be read" in browser.pictures.value
    assert "2.png" in browser.pictures.value
    browser.following.click()
    assert len(pictures(browser)) == 1 and "cannot be read" not in browser.pictures.value


def test_an_image_is_read_when_it_is_shown_and_only_then(table, monkeypatch):
    read = []
    monkeypatch.setattr(images, "read", lambda path: read.append(path) or np.zeros((60, 80), np.uint8))
    browser = StudyBrowser(table)
    assert read == table["images"][0]
    browser.following.click()
    assert read == [*table["images"][0], *table["images"][1]]
    browser.search.value = "zebra"
    assert len(read) == 3


def test_the_zoom_goes_about_the_chosen_point_and_sends_no_image_twice(browser):
    assert browser.across.disabled and browser.down.disabled
    browser.zoom.value = 2
    sent = browser.pictures.value
    browser.across.value, browser.down.value, browser.zoom.value = 10, 90, 3
    assert "scale(3)" in browser._lens.value and "transform-origin: 10% 90%" in browser._lens.value
    assert browser.pictures.value is sent and not browser.across.disabled
    name = re.search(r"<style>\.(\S+) img", browser._lens.value)[1]
    assert f'class="{name}"' in sent and name != StudyBrowser(pd.DataFrame(browser.studies))._name


def test_large_images_come_small_for_reading_and_large_for_zooming(tmp_path, table):
    Image.fromarray(np.zeros((1000, 2000), np.uint8)).save(tmp_path / "0.png")
    browser = StudyBrowser(table)
    assert pictures(browser)[0].shape == (320, 640)
    browser.zoom.value = 1.5
    assert pictures(browser)[0].shape == (900, 1800)


def test_images_have_a_name_for_those_who_listen(browser):
    assert 'alt="frontal image of CXR1"' in browser.pictures.value
    controls = (browser.search, browser.tag, browser.split, browser.view, browser.place, browser.zoom, browser.previous)
    assert all(control.description for control in controls)


def test_refuses_what_is_no_table_of_studies(table):
    with pytest.raises(ValueError, match="no studies to browse"):
        StudyBrowser(table[:0])
    with pytest.raises(ValueError, match="no column views, tags"):
        StudyBrowser(table.drop(columns=["views", "tags"]))
    with pytest.raises(ValueError, match="study CXR2: a section is no text"):
        StudyBrowser(table.assign(findings=["a", None, "b"]))


def test_a_png_keeps_its_pixels():
    image = np.arange(200, dtype=np.uint8).reshape(10, 20)
    assert (np.asarray(Image.open(io.BytesIO(study_browser.png(image, 100)))) == image).all()
