"""The ladder as a whole: what it learns from, and the comparison with the best rival."""

from __future__ import annotations

import numpy as np
import pytest

from mrg_helpers import baselines, intervals, ladder

RNG = np.random.default_rng(0)
NORMAL, ILL = "The heart is normal. No effusion is seen.", "Cardiomegaly. Large left pleural effusion is seen."


def test_pooling_is_the_mean_over_regions_whatever_the_chunk():
    raw = RNG.normal(size=(11, 6, 4)).astype("float32")
    rows = [10, 0, 3, 3, 7]
    expected = raw[rows].mean(axis=1)
    for chunk in (1, 2, 64):
        vectors = ladder.pooled(raw.__getitem__, rows, chunk)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(vectors, expected, atol=1e-6)
    assert ladder.pooled(raw.__getitem__, []).shape == (0, 4)


def test_a_large_collection_is_read_in_chunks():
    read = []

    def reader(rows):
        read.append(len(rows))
        return np.ones((len(rows), 2, 3), "float16")

    assert ladder.pooled(reader, range(200), chunk=16).shape == (200, 3)
    assert max(read) == 16 and sum(read) == 200


def test_tags_come_from_the_reports_unless_the_truth_is_known():
    read = np.zeros((2, 1, 3)).__getitem__
    assert ladder.cases([NORMAL, ILL], read, [0, 1]).tags == [set(), {"cardiomegaly", "pleural effusion"}]
    assert ladder.cases(["", ""], read, [0, 1], [{"nodule"}, set()]).tags == [{"nodule"}, set()]


def test_every_rung_is_explained_and_the_blind_ones_write_the_same_for_other_images():
    assert set(ladder.KNOWS) == set(baselines.LADDER) and set(ladder.BLIND) < set(baselines.LADDER)
    texts = [NORMAL, ILL] * 10
    raw = RNG.normal(size=(20, 2, 3)) + 9 * np.array([text == ILL for text in texts])[:, None, None]
    read = raw.__getitem__
    train = ladder.cases(texts, read, range(20))
    one = ladder.climb(train, ladder.cases([""] * 20, read, range(20), train.tags))
    other = ladder.climb(train, ladder.cases([""] * 20, read, range(19, -1, -1), train.tags[::-1]))
    assert list(one) == list(baselines.LADDER)
    for name in one:
        assert (one[name] == other[name]) == (name in ladder.BLIND), name
    assert one["nearest neighbour"] == one["same tags"] == texts


def test_each_score_has_its_own_best_rival():
    references = [NORMAL, ILL] * 15
    systems = {
        "most common report": [NORMAL] * 30,
        "random report": ["Cardiomegaly and a pleural effusion."] * 30,
        "nearest neighbour": references,
        "model": [*references[:-1], NORMAL],
    }
    scored = intervals.score_intervals(systems, references, n=300)
    table = ladder.against_best(scored, systems, "model", references, n=300)
    assert table.loc["BLEU-4", "best rival"] == "most common report"
    assert table.loc["macro F1", "best rival"] == "random report"
    assert "nearest neighbour" not in set(table["best rival"])  # it sees
    np.testing.assert_allclose(table["model"] - table["its score"], table["difference"])
    assert (table["p"] < 0.01).all() and table["in words"].str.contains("probably not chance").all()
    with pytest.raises(ValueError, match="none of random report"):
        ladder.against_best(scored, {"model": systems["model"]}, "model", references)


def test_a_handful_of_studies_proves_nothing():
    references = [NORMAL, ILL] * 3
    systems = {"most common report": [NORMAL] * 6, "model": references}
    scored = intervals.score_intervals(systems, references, n=50)
    table = ladder.against_best(scored, systems, "model", references, n=50)
    assert table["p"].isna().all() and table["in words"].str.startswith("Only 6 test studies").all()
