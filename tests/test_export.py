"""The attention browser without a kernel: everything is in the page, and nothing in it can break out."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from test_browsing import GRID, rich, study, written

from mrg_helpers import export

EVIL = "</script></title><!--<script>alert('&')</script>"


def data_of(html: str) -> dict:
    return json.loads(re.search(r"^const DATA = (.*);$", html, re.M)[1])


class Tags(HTMLParser):
    """The tags of a page as a browser sees them, and what it would fetch."""

    def __init__(self, html: str):
        super().__init__()
        self.tags, self.fetched = [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.fetched += [value for name, value in attributes if name in ("src", "href", "srcset")]


def test_the_words_weights_and_curves_are_in_the_page():
    data = data_of(export.attention_fragment([rich(), study()], GRID, note="random features"))
    assert data["note"] == "random features" and data["frame"] == [200, 200]
    first, second = data["studies"]
    assert (first["title"], first["view"], first["other"]["view"]) == ("CXR3", "frontal", "lateral")
    assert first["boxes"][0][0] == "nodule" and first["other"]["boxes"][0][0] == "nodule"
    assert first["image"].startswith("data:image/jpeg;base64,")
    greedy, beam = first["reports"]
    assert (greedy["name"], beam["name"]) == ("greedy", "beam")
    weights = np.array(greedy["weights"]) / export.LEVELS * first["peak"]
    np.testing.assert_allclose(weights, rich()["attention"], atol=1e-3)
    assert greedy["p"] == [round(p, 3) for p in np.exp(rich()["log_probs"])]
    assert greedy["beta"] == [0, 0.2, 0.4, 0.6, 0.8, 1] and beam["beta"] is None
    assert greedy["alternatives"][1] == [["mass", 0.5], ["lesion", 0.2], ["nodule", greedy["p"][1]]]
    assert greedy["marks"][1] == ["agrees", "nodule"] and greedy["marks"][0] is None
    assert greedy["reference"] == [["A ", "", ""], ["nodule", "agrees", "nodule"], [".", "", ""]]
    assert beam["reference"][1] == ["nodule", "missed", "nodule"]
    assert second["other"] is None and second["reports"][0]["alternatives"] is None
    assert np.array(second["reports"][0]["axes"][0][0]).shape == (2, 2)


def test_a_study_without_a_reference_is_shown_without_one():
    data = data_of(export.attention_fragment([{"title": "x", "image": np.zeros((9, 9)), "rectangles": [(0, 0, 9, 9)],
                   "words": ["clear"], "attention": [[1.0]], "log_probs": [-0.5]}], (1, 1)))  # fmt: skip
    assert data["studies"][0]["reports"][0]["reference"] is None


@pytest.mark.parametrize("where", ["title", "reference", "words", "name", "note", "alternatives"])
def test_text_cannot_break_out(where, tmp_path):
    given, note = study(), ""
    if where == "note":
        note = EVIL
    else:
        given[where] = {"words": [EVIL] * 3, "alternatives": [[(EVIL, 0.5)]] * 3}.get(where, EVIL)
    path = export.attention_page([given], GRID, tmp_path / "page.html", title=EVIL, note=note)
    html = path.read_text(encoding="utf-8")
    tags = Tags(html).tags
    assert tags.count("script") == 1 and tags.count("title") == 1 and tags.count("html") == 1
    assert "<!--" not in html and "alert('" not in html.replace(r"alert('\u0026')", "")
    assert EVIL in json.dumps(data_of(html), ensure_ascii=False)


def test_nothing_is_fetched(tmp_path):
    html = export.attention_page([rich()], GRID, tmp_path / "page.html", title="Attention").read_text(encoding="utf-8")
    assert Tags(html).fetched == []
    assert not re.search(
        r"https?://|url\(|@import|fetch\(|XMLHttp|import\(", re.sub(r"data:image/jpeg;base64,[\w+/=]+", "", html)
    )
    assert "<title>Attention</title>" in html and "Not for clinical use" in html


def test_fragments_do_not_meet():
    one = export.attention_fragment([study()], GRID)
    assert " id=" not in one and "getElementById" not in one, "two fragments on a page would share it"
    key = re.search(r'data-key="(\w+)"', one)[1]
    assert f'const KEY = "{key}";' in one
    assert f'data-key="{key}"' not in export.attention_fragment([study("CXR2")], GRID), "each finds its own place"
    script = one[one.rindex("<script>") :]
    assert script.startswith("<script>\n(() => {"), "names stay inside"
    style = re.search(r"<style>(.*?)</style>", one, re.S)[1]
    style = re.sub(r"/\*.*?\*/|@(?:media print|container [^{]+) \{(.*)\}", r"\1", style)
    for rule in re.findall(r"([^{}]+)\{", style):
        for selector in rule.split(","):
            assert selector.strip().startswith((".mrg-attention", ".mrg-in-notebook", ".mrg-line")), selector


def test_refuses_what_the_browser_refuses():
    with pytest.raises(ValueError, match="no studies"):
        export.attention_fragment([], GRID)
    with pytest.raises(ValueError, match="CXR1: 3 words"):
        export.attention_fragment([study(attention=np.zeros((2, 8)))], GRID)


def test_the_size_of_the_pictures_is_kept_in_bounds():
    data = data_of(export.attention_fragment([study(reports=[{"name": "beam", **written()}])], GRID, size=50))
    assert data["frame"] == [50, 30] and data["studies"][0]["size"] == [50, 30]
