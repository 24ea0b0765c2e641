"""What a model reads of a study in the cache and of a new X-ray is built in one place, and is the same."""

from types import SimpleNamespace

import numpy as np
import pytest

from mrg_helpers import inputs
from mrg_helpers.inputs import INDICATION, Inputs
from mrg_helpers.vocabulary import PAD, UNK, Vocabulary

WORDS = Vocabulary(dict.fromkeys(["chest", "pain", "cough", "."], 1))


def cache(factor, channels=2):
    raw = np.arange(4 * 3 * channels, dtype="float32").reshape(4, 3, channels)
    return SimpleNamespace(raw=raw, scale=lambda some: some * factor, channels=channels, folder="here")


TEXTS = ["Chest pain.", "", "Cough for XXXX days.", "pain " * 60]
ALL = Inputs(cache(2), cache(3), [True, False, True, True], WORDS, TEXTS)


def test_a_model_gets_what_it_needs_and_no_more():
    assert set(Inputs(cache(2))([0, 1])) == {"features"}
    assert set(Inputs(cache(2), cache(3), [1] * 4)([0])) == {"features", "other", "has_other"}
    assert set(Inputs(cache(2), words=WORDS, indications=TEXTS)([0])) == {"features", "indication"}


def test_rows_are_read_in_their_order_and_a_missing_view_is_zeros():
    read = ALL([2, 1])
    np.testing.assert_array_equal(read["features"], cache(2).raw[[2, 1]] * 2)
    np.testing.assert_array_equal(read["other"][0], cache(3).raw[2] * 3)
    assert not read["other"][1].any() and read["has_other"].tolist() == [1, 0]


@pytest.mark.parametrize("limit", [2**20, 0])
def test_rows_of_a_small_collection_are_scaled_once_and_nobody_can_change_them(monkeypatch, limit):
    monkeypatch.setattr(inputs, "KEPT", limit)
    few, scaled = cache(2), []

    def scale(some):
        scaled.append(len(some))
        return some * 2

    few.scale = scale
    read = Inputs(few)
    for rows in ([2, 1], [1, 3, 2], [2, 2, 1]):
        features = read(rows)["features"]
        np.testing.assert_array_equal(features, few.raw[rows] * 2)
        features[:] = -1
    assert scaled == ([2, 1] if limit else [2, 3, 3])


def test_indications_have_one_length_and_are_padding_where_nothing_is_known():
    ids = ALL(range(4))["indication"]
    assert ids.shape == (4, INDICATION) and ids.dtype == np.int32
    assert WORDS.decode([k for k in ids[0] if k != PAD]) == "Chest pain."
    assert (ids[1] == PAD).all() and (ids[3] != PAD).all()
    assert ids[2, 0] == WORDS.ids["cough"] and ids[2, 1] == UNK  # a word that no training indication has


def test_a_new_study_reads_like_one_in_the_cache():
    for row in range(4):
        other = ALL.other.raw[[row]] if ALL.there[row] else None
        new, known = ALL.new(ALL.cache.raw[[row]], other, TEXTS[row]), ALL([row])
        assert new.keys() == known.keys()
        for name, value in known.items():
            np.testing.assert_array_equal(new[name], value)
            assert new[name].dtype == value.dtype
    assert set(Inputs(cache(2)).new(cache(2).raw[:1], cache(2).raw[:1], "Cough.")) == {"features"}


def test_views_with_other_channels_are_refused():
    with pytest.raises(ValueError, match="here: 3 channels, but those of the first view are 2"):
        Inputs(cache(2), cache(3, channels=3), [1] * 4)
