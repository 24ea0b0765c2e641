"""Is a picture like those that were learnt from?"""

import numpy as np
import pytest

from mrg_helpers.familiarity import Familiarity

RNG = np.random.default_rng(0)
TRAIN, HELD_OUT = RNG.normal(5, [1, 10, 100, 0], (200, 4)), RNG.normal(5, [1, 10, 100, 0], (400, 4))


def test_the_threshold_is_the_stated_quantile_of_the_held_out_images():
    for quantile in (0.5, 0.9, 0.99, 1.0):
        known = Familiarity(quantile).fit(TRAIN, HELD_OUT)
        alarms = known.distances(HELD_OUT) > known.threshold
        assert alarms.mean() <= 1 - quantile + 1e-9 and alarms.mean() >= 1 - quantile - 1 / len(HELD_OUT) - 1e-9
    assert known.threshold == known.distances(HELD_OUT).max()


def test_few_held_out_images_raise_no_alarm_among_themselves():
    known = Familiarity(0.99).fit(TRAIN, HELD_OUT[:3])
    assert known.threshold == known.distances(HELD_OUT[:3]).max()
    assert not any(known.judge(vector).unfamiliar for vector in HELD_OUT[:3])


def test_far_away_in_any_channel_is_unfamiliar_and_the_unit_is_the_usual_distance():
    known = Familiarity().fit(TRAIN, HELD_OUT)
    assert np.median(known.distances(HELD_OUT)) == pytest.approx(1)
    for channel, scale in enumerate([1, 10, 100]):
        vector = np.full(4, 5.0)
        assert not known.judge(vector).unfamiliar
        vector[channel] += 12 * scale
        judged = known.judge(vector)
        assert judged.unfamiliar and judged.beyond == 1 and judged.distance > 5 and judged.held_out == 400


def test_distance_is_that_to_the_k_th_neighbour():
    train = np.array([[0.0], [1.0], [2.0]])
    deviation = train.std()
    for k, expected in ((1, 1), (2, 2), (3, 3), (9, 3)):  # of three neighbours the ninth is the third
        known = Familiarity(neighbours=k).fit(train, train[:2])
        assert known.distances([[3.0]])[0] * known.unit == pytest.approx(expected / deviation)


def test_what_cannot_be_told_is_said():
    with pytest.raises(ValueError, match="0 training and 3 validation"):
        Familiarity().fit(np.zeros((0, 4)), HELD_OUT[:3])
    with pytest.raises(ValueError, match="both are needed"):
        Familiarity().fit(TRAIN, HELD_OUT[:0])
    for wrong in ({"quantile": 0}, {"quantile": 1.1}, {"neighbours": 0}):
        with pytest.raises(ValueError, match="must lie in"):
            Familiarity(**wrong)
