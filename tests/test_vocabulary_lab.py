from __future__ import annotations

import re

import numpy as np
import pytest

from mrg_helpers.reports import tokenize
from mrg_helpers.vocabulary import Vocabulary
from mrg_helpers.vocabulary_lab import VocabularyLab

TRAIN = ["lungs are clear .", "lungs are clear .", "lungs low .", "heart large ."]
UNSEEN = ["lungs are clear .", "heart <x> zebra lungs .", ""]


@pytest.fixture
def lab() -> VocabularyLab:
    return VocabularyLab(TRAIN, UNSEEN)


def numbers(lab) -> list[str]:
    return re.findall(r"tabular-nums\">([^<]+)<", lab.numbers.value)


@pytest.mark.parametrize("k, min_count", [(1, 1), (3, 1), (7, 1), (7, 2), (7, 3), (2, 2), (7, 4)])
def test_the_numbers_are_those_of_a_vocabulary_with_both_settings(lab, k, min_count):
    lab.k.value, lab.min_count.value = k, min_count
    vocabulary = Vocabulary.fit(TRAIN, max_words=k, min_count=min_count)
    assert lab.all_words.words[: lab.kept + 4] == vocabulary.words
    tokens = [tokenize(text) for text in UNSEEN]
    known = [[token in vocabulary for token in report] for report in tokens]
    share, complete = np.mean(sum(known, [])), np.mean([all(report) for report in known])
    assert numbers(lab) == [f"{len(vocabulary) - 4:,}", f"{share:.1%}", f"{1 - share:.2%}", f"{complete:.0%}"]
    report = lab.tokens[lab.report.value]
    assert lab.text.value.count("<mark") == sum(token not in vocabulary for token in report)


@pytest.mark.parametrize("control, value", [("k", 2), ("min_count", 3), ("report", 0)])
def test_every_control_redraws(lab, control, value):
    before = lab.numbers.value, lab.chart.value, lab.text.value
    getattr(lab, control).value = value
    assert lab.text.value != before[2]
    assert (lab.numbers.value != before[0]) == (lab.chart.value != before[1]) == (control != "report")


def test_the_report_with_the_most_different_words_comes_first_and_what_is_lost_is_named(lab):
    assert lab.report.value == 1
    lost = re.search(r"Lost: (\d+) of (\d+) tokens</div><div>([^/]*)</div>", lab.text.value)
    assert lost.groups()[:2] == ("4", "7") and "zebra" in lost[3]


def test_text_of_reports_is_escaped():
    lab = VocabularyLab(["no <x> here"], ["no <script> x"], titles=["CXR1"])
    assert "<script" not in lab.text.value and "&lt;" in lab.text.value
    assert "<x>" not in lab.text.value


def test_a_long_report_is_cut_as_the_model_gets_it():
    lab = VocabularyLab(TRAIN, ["lungs are clear . heart large ."], max_length=5)
    assert "Lost: 0 of 3 tokens, and its last 4 tokens are cut off" in lab.text.value
    assert "Lungs are clear<" in lab.text.value


def test_the_slider_reaches_every_size_of_interest_and_starts_with_all_words():
    lab = VocabularyLab([f"w{k} w{k // 2}" for k in range(3000)], ["w1"])
    ks = [k for _, k in lab.k.options]
    assert ks[0] == 1 and ks[-1] == lab.size == lab.k.value and len(ks) <= 61
    assert all(following <= 1.3 * k + 1 for k, following in zip(ks, ks[1:], strict=False))


def test_an_empty_report_and_a_single_word_can_be_looked_at(lab):
    lab.report.value = 2
    assert "an empty report" in lab.text.value
    assert "none" in VocabularyLab(["clear"], ["clear"]).text.value


def test_refuses_what_cannot_be_tried():
    with pytest.raises(ValueError, match="no word in the training reports"):
        VocabularyLab([""], ["clear"])
    with pytest.raises(ValueError, match="no report to try"):
        VocabularyLab(["clear"], ["", ""])
    with pytest.raises(ValueError, match="3 reports need as many titles, not 1"):
        VocabularyLab(TRAIN, UNSEEN, titles=["one"])
