"""The page of a draft: complete, self-contained, escaped, and never without its notice."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime
from html.parser import HTMLParser

import numpy as np
import pytest
from test_export import data_of

from mrg_helpers import draft_page, sureness
from mrg_helpers.drafts import NOTICE, Draft, Neighbour
from mrg_helpers.familiarity import Judgement
from mrg_helpers.images import Fit

GREY = np.tile(np.arange(60, dtype=np.uint8), (40, 1))
WORDS = ["small", "effusion", ".", "no", "pneumothorax", ".", "sternum", "seen", "."]
EVIL = "</textarea></script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'"


def made(words=WORDS, drawn=("Effusion.", "Clear.", "Clear. Nodule."), **changes) -> Draft:
    count, logs = len(words), np.full(len(words), -0.5)
    text = " ".join(words)
    values = {
        "made": datetime(2026, 1, 2, 3, 4), "kind": "DICOM", "fingerprint": "0123456789ab", "image": GREY, "other": None,
        "view": "frontal", "other_view": "lateral", "header": {}, "sentences": sureness.judge(words, logs, list(drawn)),
        "log_probs": logs, "attention": np.full((count, 4), 0.25), "grid": (2, 2), "rectangles": Fit(40, 60, 50, "pad").box,
        "beta": None, "alternatives": [[(word, 0.6), ("other", 0.3)] for word in words],
        "considered": sureness.considered(text, list(drawn)), "neighbour": Neighbour("CXR7", GREY, "Clear lungs.", 0.5),
        "familiarity": Judgement(1.2, 1.8, 0.6, 0.99, 150), "warnings": [], "versions": {"program": "mrg_helpers 0.2.0"},
    }  # fmt: skip
    return Draft(**values | changes)


class Tags(HTMLParser):
    """The tags of a page with their attributes, and the text outside of scripts and styles."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.text, self._inside = [], "", ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside not in ("script", "style"):
            self.text += data


def test_the_page_has_what_a_reader_needs():
    page = Tags(draft_page.page(made(other=GREY, header={"PatientID": "77", "StudyDate": ""})))
    for part in (
        "2 January 2026, 03:04", "Small effusion.", "No pneumothorax.", "Clear lungs.", "CXR7", "0123456789ab", "mrg_helpers 0.2.0",
        "The model did not look at it", "PatientID", "77", "(not in the file)", "nodule (33%)", "Where the model looked",
    ):  # fmt: skip
        assert part in page.text, part
    assert page.text.count(NOTICE) == 2
    assert [name for tag, its in page.tags if tag == "button" for name in its["class"].split()].count("copy") == 1
    assert sum(tag == "img" for tag, _ in page.tags) >= 3


def test_the_page_says_what_the_model_looked_at_and_read():
    looked = {
        "other": GREY,
        "other_rectangles": Fit(40, 60, 50, "pad").box,
        "attention": np.full((len(WORDS), 8), 1 / 8),
    }
    page = draft_page.page(made(**looked, indication="Cough.", read_indication=True))
    both = Tags(page).text
    assert "The model looked at it too." in both and "Cough. The model read it." in both
    (report,) = data_of(page)["studies"][0]["reports"]
    assert len(report["axes"]) == 2 and len(report["weights"][0]) == 8  # the attention is drawn on both
    one = Tags(draft_page.page(made(other=GREY, indication="Cough."))).text
    assert "The model did not look at it." in one and "Cough. The model does not read it." in one
    assert "Indication" not in Tags(draft_page.page(made())).text


def test_a_model_without_attention_says_so():
    page = draft_page.page(made(attention=np.zeros((len(WORDS), 4))))
    assert "it has no attention" in page and "Where the model looked</h2>" not in page


def test_only_the_least_sure_sentences_are_marked():
    spans = [its for tag, its in Tags(draft_page.page(made())).tags if tag == "span" and "data-text" in its]
    assert [(one["class"], one["data-sure"]) for one in spans] == [("unsure", "33%"), ("", "100%"), ("unjudged", "")]
    sure = draft_page.page(made(drawn=["Effusion."]))
    assert "No sentence is marked" in sure and 'class="unsure"' not in sure


def test_warnings_stand_before_the_draft_and_the_first_is_strong():
    page = draft_page.page(made(warnings=["Unlike.", "Synthetic."], familiarity=Judgement(9, 1.8, 1, 0.99, 150)))
    assert '<li class="first">Unlike.</li><li>Synthetic.</li>' in page
    assert page.index("Unlike.") < page.index("Small effusion.")
    assert 'role="alert"' not in draft_page.page(made())


def test_nothing_is_fetched_and_the_page_forbids_it():
    page = draft_page.page(made(other=GREY))
    tags = Tags(page).tags
    links = [its[name] for _, its in tags for name in ("src", "href") if name in its]
    assert links and all(link.startswith("data:image/") for link in links)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttp", page)
    policy = next(its["content"] for tag, its in tags if its.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy


def test_whatever_comes_from_outside_is_escaped():
    words = [*EVIL.lower().split(), "effusion", "."]
    evil = made(
        words=words, header={"PatientID": EVIL}, warnings=[EVIL], versions={"program": EVIL},
        neighbour=Neighbour(EVIL, GREY, EVIL, 0.5), alternatives=[[(EVIL, 0.5)] for _ in words],
        considered={EVIL: 0.5}, indication=EVIL,
    )  # fmt: skip
    harmless, page = Tags(draft_page.page(made(header={"PatientID": "x"}, warnings=["x"]))), Tags(draft_page.page(evil))
    count = {tag: sum(one == tag for one, _ in harmless.tags) for tag in ("script", "img", "textarea")}
    assert count == {tag: sum(one == tag for one, _ in page.tags) for tag in count}
    assert not any("onerror" in its for _, its in page.tags)
    assert EVIL in page.text


def test_no_setting_of_a_draft_removes_the_notice():
    empty = made(words=[], drawn=["Clear."], alternatives=[], warnings=["The model wrote nothing."])
    page = draft_page.page(empty)
    assert page.count(f'<p class="notice">{NOTICE}</p>') == 2 and "Where the model looked" not in page
    names = {field.name for field in dataclasses.fields(Draft)}
    assert "notice" not in names
    for rules in (draft_page.WEB / "draft.css", draft_page.WEB / "draft_print.css"):
        for selector, body in re.findall(r"([^{}]*)\{([^{}]*)\}", rules.read_text("utf-8")):
            assert not ("notice" in selector and re.search(r"display:\s*none|visibility:\s*hidden", body))


def test_a_large_picture_is_shrunk_and_says_so():
    page = draft_page.page(made(image=np.zeros((2000, 3200), np.uint8), rectangles=Fit(2000, 3200, 50, "pad").box))
    assert "shown at 50% of its 3200 x 2000 pixels" in page and "shown at" not in draft_page.page(made())


@pytest.mark.parametrize("likeness", [-0.2, 1.0])
def test_the_page_is_written_whole(tmp_path, likeness):
    draft_page.write(made(neighbour=Neighbour("a", GREY, "b", likeness)), tmp_path / "new" / "page.html")
    assert (tmp_path / "new" / "page.html").read_text("utf-8").endswith("</html>\n")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["page.html"]
