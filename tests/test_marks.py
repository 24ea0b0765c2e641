"""Where two reports agree about a finding, and where they do not."""

import pytest

from mrg_helpers import marks

REFERENCE = "Large right pleural effusion. No pneumothorax. There is a nodule. Possible edema."


def places(text, found):
    return [(text[mark.start : mark.end], mark.kind) for mark in found]


def test_what_both_assert_agrees_the_rest_is_missed_or_invented():
    generated = "small right pleural effusion . cardiomegaly . no pneumothorax . mild edema ."
    ours, theirs = marks.compare(generated, REFERENCE)
    assert places(generated, ours) == [
        ("pleural effusion", "agrees"),
        ("cardiomegaly", "invented"),
        ("edema", "invented"),  # the reference only doubts it
    ]
    assert places(REFERENCE, theirs) == [("pleural effusion", "agrees"), ("nodule", "missed")]


@pytest.mark.parametrize(
    "side, name",
    [("left", "pleural effusion (other side)"), ("right", "pleural effusion"), ("bilateral", "pleural effusion")],
)
def test_a_finding_on_the_other_side_says_so(side, name):
    ours, theirs = marks.compare(f"small {side} pleural effusion .", REFERENCE)
    assert (ours[0].kind, ours[0].name) == ("agrees", name)
    assert theirs[0].name == name


def test_the_special_finding_decides_where_a_wording_names_a_general_one_too():
    ours, theirs = marks.compare("a mass .", "A nodule.")  # both are lung lesions, only one is called a nodule
    assert [(mark.kind, mark.name) for mark in ours] == [("agrees", "lung lesion")]
    assert [(mark.kind, mark.name) for mark in theirs] == [("missed", "nodule")]


def test_without_a_reference_nothing_is_invented():
    assert marks.compare("cardiomegaly .", " ") == ([], [])
    assert [mark.kind for mark in marks.compare("", REFERENCE)[1]] == ["missed", "missed"]


def test_a_word_gets_the_mark_it_lies_in():
    words = ["small", "pleural", "effusion", "."]
    ours, _ = marks.compare(" ".join(words), REFERENCE)
    assert [mark and mark.kind for mark in marks.per_word(words, ours)] == [None, "agrees", "agrees", None]
    assert marks.per_word([], []) == []


def test_pieces_put_together_are_the_text():
    found = [marks.Mark(2, 5, "agrees", "a"), marks.Mark(4, 7, "missed", "b"), marks.Mark(7, 9, "missed", "c")]
    cut = marks.pieces("0123456789", found)
    assert [(part, mark and mark.name) for part, mark in cut] == [
        ("01", None), ("234", "a"), ("56", "b"), ("78", "c"), ("9", None),
    ]  # fmt: skip
    assert marks.pieces("", []) == []


def test_overlapping_places_are_marked_once():
    assert marks.marked_html("a<b>c", [(1, 3), (2, 4)]) == "a<mark>&lt;b&gt;</mark>c"
    assert marks.marked_html("ab", []) == "ab"
