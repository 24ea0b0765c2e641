"""What a model does after words that are not its own: measures of texts, and a mistake that is put in on purpose."""

import numpy as np
import pytest

from mrg_helpers import exposure, findings

TEXTS = [
    "The heart is normal. Small left pleural effusion. The lungs are well expanded.",
    "Large right pneumothorax.",  # nothing behind it
    "The heart is normal. No effusion.",  # no finding
    "Right pneumothorax. The heart is normal.",
]
DONORS = [
    "There is a left pleural effusion. Large right pneumothorax.",
    "The heart is enlarged. Small left pleural effusion.",
]


def test_a_sentence_counts_as_repeated_whatever_its_case():
    assert exposure.repeats("No effusion. Heart normal. no effusion. No effusion.") == 2
    assert exposure.repeats("No effusion. Small effusion.") == 0 == exposure.repeats("")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Small left pleural effusion. No pleural effusion.", {"pleural effusion"}),
        ("Small left pleural effusion. No right pleural effusion.", set()),
        ("Left pleural effusion. No pneumothorax.", set()),
        ("Possible pleural effusion. No pleural effusion.", set()),  # doubt contradicts nothing
        ("", set()),
    ],
)
def test_a_contradiction_is_about_one_place(text, found):
    assert exposure.contradictions(text) == found


def test_habits_are_shares_of_reports():
    table = exposure.habits({"a": ["No effusion. No effusion.", "Effusion. No effusion."], "b": ["Clear.", "Clear."]})
    assert table.loc["a", ["repeats", "contradicts"]].tolist() == [0.5, 0.5] and table.loc["a", "words"] == 5.5
    assert table.loc["b"].tolist() == [0, 0, 2, 1]


def test_a_swap_changes_one_sentence_and_what_it_asserts():
    swapped = exposure.swaps(TEXTS, DONORS)
    assert [one.study for one in swapped] == [0, 3]
    one = swapped[0]
    assert one.before == ("The heart is normal.",) and one.rest == "The lungs are well expanded."
    assert one.beginning("as it is") + " " + one.rest == TEXTS[0]
    for kind, asserted in zip(exposure.KINDS, (one.there, one.there, one.other), strict=True):
        assert findings.abnormal(one.sentences[kind]) == asserted
    assert one.sentences["as it is"] != one.sentences["the same finding"]
    assert not one.other & set(findings.label(TEXTS[0]))  # not the heart, which this report calls normal
    assert exposure.swaps(TEXTS, DONORS) == swapped and exposure.swaps([], DONORS) == [] == exposure.swaps(TEXTS, [])


def test_rows_are_moved_to_the_word_where_they_begin():
    moved = exposure.aligned(np.arange(12.0).reshape(2, 6), [1, 4], [5, 6], 3)
    np.testing.assert_array_equal(moved, [[1, 2, 3], [10, 11, np.nan]])


def test_what_comes_afterwards_is_counted():
    one = exposure.swaps(TEXTS, DONORS)[0]
    assert one.other == {"pneumothorax"}
    said = [
        "No pneumothorax.",
        "There is a pleural effusion.",
        f"{one.sentences['another finding']}",
        "The heart is normal.",
    ]
    shares = exposure.afterwards([one] * 4, said)
    assert shares[["takes it back", "says what was replaced", "says it again"]].tolist() == [0.25, 0.25, 0.25]
    assert shares["repeats a sentence"] == 0.5  # the sentence that was put in, and one that stands in front of it
