"""Where the boxes and lines of a beam search's tree stand."""

from __future__ import annotations

from mrg_helpers import beam_tree
from mrg_helpers.beam_trace import Node, Trace
from mrg_helpers.decoding import Decoding


def small_tree() -> Trace:
    """Two beams, three words: "<b>clear</b>" wins, "low lungs" overtook it once, and one report was finished early."""
    nodes = (
        Node(-1, 0, "<start>", 0.0, 0.0, 0.0, True, False),
        Node(0, 1, "low", -0.5, -0.5, -0.5, True, False),  # 1
        Node(0, 1, "<b>clear</b>", -0.7, -0.7, -0.7, True, False),  # 2
        Node(0, 1, "big", -3.0, -3.0, -3.0, False, False),  # 3
        Node(2, 2, "<end>", -0.1, -0.8, -0.7, True, True),  # 4
        Node(1, 2, "lungs", -0.5, -1.0, -0.9, True, False),  # 5
        Node(1, 2, "heart", -2.0, -2.5, -2.0, False, False),  # 6
        Node(1, 2, "<end>", -4.0, -4.5, -4.0, False, True),  # 7
        Node(5, 3, "<end>", -0.5, -1.5, -1.2, True, True),  # 8
        Node(5, 3, "now", -2.0, -3.0, -2.4, False, False),  # 9
    )
    return Trace(nodes, ((0,), (1, 2), (4, 5), (4, 8)), Decoding("beam", 5, beams=2))


def test_the_kept_stand_above_the_dropped_each_by_score():
    drawn = beam_tree.window(small_tree(), [1, 2, 3], rows=4)
    assert [(box.column, box.row, box.node, box.kind) for box in drawn.boxes] == [
        (0, 0, 1, "kept"), (0, 1, 2, "kept"), (0, 2, 3, "dropped"),
        (1, 0, 4, "end"), (1, 1, 5, "kept"), (1, 2, 6, "dropped"), (1, 3, 7, "dropped"),
        (2, 0, 4, "waits"), (2, 1, 8, "end"), (2, 2, 9, "dropped"),
    ]  # fmt: skip
    assert drawn.hidden == [0, 0, 0]


def test_lines_come_from_where_the_parent_stands():
    links = beam_tree.window(small_tree(), [2, 3], rows=4).links
    assert [(link.column, link.from_row, link.to_row) for link in links] == [
        (0, 1, 0), (0, 0, 1), (0, 0, 2), (0, 0, 3), (1, 0, 0), (1, 1, 1), (1, 1, 2),
    ]  # fmt: skip


def test_the_winner_is_marked_to_its_end():
    drawn = beam_tree.window(small_tree(), [1, 2, 3])
    assert {box.node for box in drawn.boxes if box.best} == {2, 4}
    assert [link.best for link in drawn.links].count(True) == 3


def test_what_finds_no_room_is_counted_and_words_beyond_the_end_are_left_out():
    drawn = beam_tree.window(small_tree(), [2, 3, 4, 5], rows=2)
    assert drawn.hidden == [2, 1] and all(box.kind != "dropped" for box in drawn.boxes)


def test_long_words_are_written_smaller_and_the_longest_are_shortened():
    assert beam_tree.fitted("heart") == ("heart", 1.0) and beam_tree.fitted("") == ("", 1.0)
    word, size = beam_tree.fitted("cardiomediastinal")
    assert word == "cardiomediastinal" and 0.77 <= size < 1
    word, size = beam_tree.fitted("hydropneumothoraces", 14, 0.8)
    assert word == "hydropneumothora…" and 0.8 <= size < 1
