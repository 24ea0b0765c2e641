"""The figures that explain an idea: what they show is computed, and true."""

from __future__ import annotations

import numpy as np
import pytest

from mrg_helpers import family_charts, idea_charts, model_idea_charts, models, plots


def texts(figure):
    return [text.get_text() for axis in figure.axes for text in axis.texts]


def test_a_ray_through_the_whole_slice_adds_up_what_it_crosses():
    frontal, healthy = idea_charts._profile(False), idea_charts._profile(False, "nodule")
    middle = np.abs(
        idea_charts._AT
    ).argmin()  # through 21 cm of body, 4.4 cm of which are spine; the heart is as dense as the body
    assert frontal[middle] == pytest.approx(0.2 * (21 - 4.4) + 0.5 * 4.4, abs=0.1)
    assert frontal[0] == 0 and (frontal >= healthy - 1e-9).all()
    shadow = idea_charts._AT[frontal > healthy + 1e-6]
    assert (shadow.min(), shadow.max()) == pytest.approx((3.5, 6.5), abs=0.1)  # as wide as the nodule
    assert idea_charts._profile(True).sum() == pytest.approx(frontal.sum())  # turning takes nothing away


def test_the_words_of_a_report_stand_over_their_ids():
    shown = texts(plots.report_to_ids("1. No zebra.", "No zebra.", ["no", "zebra", "."], [2, 9, 1, 4, 3], 7))
    assert shown.count("<pad>") == 2 and "<unk>" in shown and {"no", "zebra", "9", "1"} <= set(shown)


@pytest.mark.parametrize(("ids", "length"), [([2, 9, 3], 9), ([2, 9, 1, 4, 3], 4)])
def test_ids_that_do_not_fit_are_refused(ids, length):
    with pytest.raises(ValueError, match="3 tokens need 5 ids"):
        plots.report_to_ids("", "", ["no", "zebra", "."], ids, length)


def test_the_beam_finds_what_the_greedy_decoder_misses():
    for words, shares in model_idea_charts._TREE.items():
        assert sum(shares.values()) == pytest.approx(1), words
    (said,) = [text for text in texts(plots.beam_by_hand()) if text.startswith("best:")]
    assert "“no effusion .”, 0.31" in said and "“the heart is”, 0.17" in said


def test_the_weights_of_the_attention_figure_sum_to_one():
    shown = [float(text) for text in texts(plots.additive_attention()) if text.replace(".", "").isdigit()]
    assert sum(shown) == pytest.approx(1, abs=0.02) and len(shown) == 5


def test_schemas_are_of_systems_and_their_arrows_meet_boxes():
    assert set(family_charts.SCHEMAS) <= {*models.FAMILY, "finding_classifier"}
    for name in family_charts.SCHEMAS:
        figure = plots.family_member(name)  # an arrow to a box that is not there would be a KeyError
        texts = [text.get_text() for text in figure.axes[0].texts]
        assert any("word" in text or "probability" in text for text in texts)
        assert ("orange: what is new" in texts) == (name != "show_attend_tell")


def test_the_reward_of_the_objectives_figure_is_that_of_its_words():
    shown = texts(plots.three_objectives())
    # of "small left effusion ." the drawn report says two words, and the likeliest three
    assert {"0.50", "0.75"} <= set(shown) and any("-0.25" in text and "less likely" in text for text in shown)
    read = [shown[k] for k in range(len(shown)) if shown[k] in ("left", "right")]
    assert read.count("left") >= 3
