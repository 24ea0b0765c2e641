"""The preprocessing lab: each switch does what it says, and the reports stay as they are."""

from __future__ import annotations

import pandas as pd
import pytest

from mrg_helpers import metrics, treatments
from mrg_helpers.treatments import TREATMENTS, Treatment

TEXT = "1. Stable 1.9 cm nodule at T12. No XXXX of Effusion."


def test_each_switch_does_what_it_says():
    assert Treatment().words(TEXT) == ["stable", "1.9", "cm", "nodule", "at", "t12", "no", "effusion"]
    assert "xxxx" in Treatment(xxxx="stay").words(TEXT)
    assert Treatment(xxxx="cut").words(TEXT)[-3:] == ["no", "of", "effusion"]
    assert Treatment(lower=False).words(TEXT)[0] == "Stable"
    assert Treatment(stops=True).words(TEXT).count("fullstop") == 2  # "1.9" has none
    assert Treatment(numbers=False).words(TEXT) == ["stable", "cm", "nodule", "at", "no", "effusion"]
    assert Treatment(longest=3).words(TEXT) == ["stable", "1.9", "cm"]
    rare = Treatment(min_count=2).words(TEXT, {"no": 2, "nodule": 1})
    assert rare == ["<unk>"] * 6 + ["no", "<unk>"]
    with pytest.raises(ValueError, match="it can be"):
        Treatment(xxxx="keep")


def test_the_usual_treatment_is_the_score_of_the_notebooks():
    references = ["The lungs are clear. No effusion is seen today.", "", "The heart is large. No effusion is seen."]
    systems = {"model": ["The lungs are clear. No effusion.", "x", "The heart is not large. No effusion is seen."]}
    table = treatments.bleu4(systems, references, references)
    kept = [0, 2]
    scores = metrics.corpus_scores([references[k] for k in kept], [systems["model"][k] for k in kept])
    assert table.loc["as in this notebook", "model"] == pytest.approx(scores["BLEU-4"])
    assert list(table.index) == list(TREATMENTS)


def test_throwing_rare_words_away_raises_the_score():
    training = ["The lungs are clear and the heart is normal."] * 5
    references = ["The lungs are clear and the aorta is tortuous."] * 4
    systems = {"model": ["The lungs are clear and the nodule is calcified."] * 4}
    table = treatments.bleu4(
        systems, references, training, {"all": Treatment(), "few": Treatment(min_count=3), "cut": Treatment(longest=5)}
    )["model"]
    assert 0 < table["all"] < table["few"] == table["cut"] == 1


def test_words_are_counted_in_training_alone_and_before_the_cut():
    training, reference = ["one two three four five six"] * 3, "one two three four five six"
    treatment = {"cut": Treatment(min_count=3, longest=4)}
    table = treatments.bleu4({"model": ["one two three seven"]}, [reference], training, treatment)
    assert table.loc["cut", "model"] == 0  # "seven" is <unk>, "four" is not
    table = treatments.bleu4({"model": ["one two three four"]}, [reference], [], treatment)
    assert table.loc["cut", "model"] == 1  # nothing but <unk> on both sides


def test_what_cannot_be_compared_is_said():
    with pytest.raises(ValueError, match="no study has a reference"):
        treatments.bleu4({"model": [""]}, [""], [])
    with pytest.raises(ValueError, match="model: 1 reports for 2"):
        treatments.bleu4({"model": ["a"]}, ["a", "b"], [])


def test_raw_texts_are_those_of_the_target_and_untouched():
    table = pd.DataFrame({"findings": ["No XXXX.", "XXXX."], "impression": ["", "1. Clear."]})
    assert treatments.raw_texts(table, "findings") == ["No XXXX.", ""]  # nothing is left of the second
    assert treatments.raw_texts(table, "report") == ["No XXXX.", "XXXX. 1. Clear."]
