from __future__ import annotations

import re

import pytest
from test_beam_tree import small_tree

from mrg_helpers import beam_explorer
from mrg_helpers.beam_explorer import BeamExplorer
from mrg_helpers.beam_trace import Node, Trace
from mrg_helpers.decoding import Decoding


@pytest.fixture
def asked() -> list:
    return []


@pytest.fixture
def explorer(asked) -> BeamExplorer:
    def search(width, length_penalty, block_ngrams):
        asked.append((width, length_penalty, block_ngrams))
        return small_tree()

    return BeamExplorer(search, 2, title="CXR1", reference="Lungs <i>clear</i>.", note="random features")


@pytest.mark.parametrize("control, value, key", [
    ("width", 4, (4, 0.7, 0)), ("length_penalty", 1.5, (2, 1.5, 0)), ("block_ngrams", 3, (2, 0.7, 3)),
])  # fmt: skip
def test_each_setting_searches_anew_and_only_once(explorer, asked, control, value, key):
    before = getattr(explorer, control).value
    getattr(explorer, control).value = value
    assert asked == [(2, 0.7, 0), key]
    for again in (before, value):
        getattr(explorer, control).value = again
    assert len(asked) == 2


def test_the_word_moves_the_tree_and_the_table_and_searches_nothing(explorer, asked):
    tables = []
    for word in (1, 2, 3):
        explorer.word.value = word
        tables.append(explorer.table.value)
        assert f"At word {word} of 3" in tables[-1]
    assert len(set(tables)) == 3 and len(asked) == 1
    assert explorer.word.max == 3
    assert re.findall("kept, finished before|kept, finished|kept|dropped", tables[2])[:3] == [
        "kept, finished before", "kept, finished", "dropped",
    ]  # fmt: skip


def test_a_shorter_search_moves_the_word_back(asked):
    short = Trace(small_tree().nodes[:4], ((0,), (1, 2)), Decoding("beam", 1, beams=2))
    explorer = BeamExplorer(lambda width, *_: short if width == 1 else small_tree(), 2)
    explorer.word.value = 3
    explorer.width.value = 1
    assert explorer.word.value == explorer.word.max == 1
    assert "At word 1 of 1" in explorer.table.value and "cut at the longest length" in explorer.reports.value


def test_reports_are_ranked_and_the_warning_stands_below(explorer):
    text = explorer.reports.value
    assert text.index("<b>1.</b>") < text.index("clear") < text.index("<b>2.</b>") < text.index("Low lungs")
    assert "score -0.70, log-probability -0.80, 1 words" in text
    assert "not for clinical use" in text and "random features" in text


def test_text_of_reports_is_escaped(explorer):
    for word in (1, 2, 3):
        explorer.word.value = word
        for part in (explorer.tree.value, explorer.table.value, explorer.reports.value):
            assert "<b>clear" not in part and "<i>clear" not in part and "<end>" not in part
    assert "&lt;b&gt;clear" in explorer.reports.value and "&lt;i&gt;clear" in explorer.reports.value


def test_the_drawing_has_one_box_for_each_beginning_and_one_height():
    drawn = beam_explorer.tree_svg(small_tree(), range(1, 4), 2)
    assert drawn.count("<g>") == 10 and drawn.count("<path") == 10
    heights = {
        re.search(r'viewBox="([^"]+)"', beam_explorer.tree_svg(small_tree(), range(k, k + 3), 1))[1] for k in (1, 3)
    }
    assert len(heights) == 1


def test_an_empty_report_is_said_to_be_empty():
    nodes = (Node(-1, 0, "<start>", 0, 0, 0, True, False), Node(0, 1, "<end>", -0.1, -0.1, -0.1, True, True))
    explorer = BeamExplorer(lambda *_: Trace(nodes, ((0,), (1,)), Decoding("beam", 5, beams=1)), 1)
    assert "an empty report" in explorer.reports.value and "0 words" in explorer.reports.value


def test_refuses_a_width_beyond_its_slider():
    with pytest.raises(ValueError, match="a beam of width 9: choose one from 1 to 6"):
        BeamExplorer(lambda *_: small_tree(), 9)
