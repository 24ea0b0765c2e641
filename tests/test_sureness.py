"""How sure a model is of a sentence: the share of other reports that say the same."""

import numpy as np
import pytest

from mrg_helpers import reports, sureness

TEXT = "There is a small left pleural effusion. No pneumothorax. The patient was seen by Dr. Smith today."
WORDS = reports.split_tokens(TEXT)
DRAWN = ["Small effusion."] * 3 + ["Pleural effusion. Pneumothorax."] * 3 + ["Normal."] * 4
LOGS = np.log(np.linspace(0.1, 0.9, len(WORDS)))


def test_a_sentence_is_as_sure_as_the_share_of_reports_that_agree():
    effusion, pneumothorax, other = sureness.judge(WORDS, LOGS, DRAWN)
    assert effusion.sureness == 0.6 and effusion.findings["pleural effusion"] == "asserted" and effusion.marked
    assert pneumothorax.sureness == 0.7 and pneumothorax.findings == {"pneumothorax": "denied"}
    assert other.sureness is None and not other.marked  # names no finding, so nothing can be compared


def test_the_rule_of_marking():
    for agreeing, marked in ((7, True), (8, False), (10, False), (0, True)):
        drawn = ["Pleural effusion."] * agreeing + ["Clear."] * (10 - agreeing)
        (one,) = sureness.judge(["pleural", "effusion", "."], [-1] * 3, drawn)
        assert one.sureness == agreeing / 10 and one.marked is marked


def test_the_sentences_hold_every_word_with_its_probability():
    found = sureness.judge(WORDS, LOGS, DRAWN)
    assert [word for one in found for word in one.words] == WORDS
    assert np.allclose(np.concatenate([one.probabilities for one in found]), np.exp(LOGS))
    assert " ".join(one.text for one in found) == reports.detokenize(WORDS)
    assert len(found) == 3  # "Dr." ends none


def test_a_report_that_was_cut_keeps_its_last_words():
    found = sureness.judge(["lungs", "clear", ".", "large", "effusion"], [0.0] * 5, ["Effusion."])
    assert [one.text for one in found] == ["Lungs clear.", "Large effusion"]
    assert sureness.judge([], [], ["Effusion."]) == []


@pytest.mark.parametrize(
    ("sentence", "report", "agreed"),
    [
        ("asserted", "asserted", True),
        ("asserted", "uncertain", False),
        ("asserted", None, False),
        ("uncertain", "asserted", True),
        ("uncertain", "uncertain", True),
        ("uncertain", None, False),
        ("denied", None, True),
        ("denied", "denied", True),
        ("denied", "uncertain", True),
        ("denied", "asserted", False),
    ],
)
def test_what_counts_as_saying_the_same(sentence, report, agreed):
    assert sureness.agrees({"edema": sentence}, {} if report is None else {"edema": report}) is agreed


def test_what_was_considered_and_not_written():
    drawn = ["Small nodule."] * 2 + ["Pneumothorax."] * 3 + ["Effusion."] * 5
    assert sureness.considered("Pleural effusion.", drawn) == {"pneumothorax": 0.3}
    assert list(sureness.considered("Clear.", drawn, 0.2)) == ["pleural effusion", "pneumothorax", "nodule"]


def test_nothing_drawn_is_an_error():
    with pytest.raises(ValueError, match="no other report was drawn"):
        sureness.judge(WORDS, LOGS, [])
