from __future__ import annotations

import random

import numpy as np
import pytest

from mrg_helpers import evaluation, findings, intervals, metrics

SENTENCES = ["The heart is normal in size.", "There is a small left pleural effusion.", "No pneumothorax is seen.",
             "The heart is enlarged.", "The lungs are clear without focal airspace disease."]  # fmt: skip


def corpus(n: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.sample(SENTENCES, k=rng.randint(1, 4))) for _ in range(n)]


REFERENCES = corpus(120)
GOOD = [text if k % 3 else other for k, (text, other) in enumerate(zip(REFERENCES, corpus(120, 1), strict=True))]
SYSTEMS = {"good": GOOD, "poor": corpus(120, 2), "constant": [SENTENCES[0]] * 120}


def test_estimates_are_the_scores_of_the_score_tables():
    table = intervals.score_intervals(SYSTEMS, REFERENCES, n=20)
    truth = evaluation.true_findings(REFERENCES)
    for name, texts in SYSTEMS.items():
        found = evaluation.finding_table(texts, truth)
        f1 = findings.averages(found, 10) | {"macro F1": evaluation.mean_finding_f1(found, 10)}
        expected = metrics.corpus_scores(REFERENCES, texts) | f1
        assert table.loc[name]["estimate"].to_dict() == pytest.approx(expected, abs=1e-9)


def test_a_study_without_a_reference_counts_for_its_findings_only():
    references = ["", *REFERENCES[1:]]
    truth = [{"nodule"}, *evaluation.true_findings(REFERENCES[1:])]
    table = intervals.score_intervals({"good": GOOD}, references, truth, n=20, min_cases=1).loc["good"]
    assert table.loc["BLEU-4", "estimate"] == pytest.approx(metrics.corpus_scores(REFERENCES[1:], GOOD[1:])["BLEU-4"])
    scores = evaluation.finding_table(GOOD, truth)
    assert table.loc["macro F1", "estimate"] == pytest.approx(evaluation.mean_finding_f1(scores, 1))
    assert table.loc["ROUGE-L", "low"] < table.loc["ROUGE-L", "estimate"] < table.loc["ROUGE-L", "high"]


def test_a_resample_has_the_score_of_the_corpus_that_it_is():
    chosen = np.random.default_rng(5).integers(0, 120, 120)
    weights = np.bincount(chosen, minlength=120)[None].astype(float)
    found = {name: measure.resampled(weights)[0] for name, measure in intervals.measures(GOOD, REFERENCES).items()}
    expected = metrics.corpus_scores([REFERENCES[k] for k in chosen], [GOOD[k] for k in chosen])
    for name in ("BLEU-1", "BLEU-4", "ROUGE-L"):  # CIDEr keeps the rarity of words in the whole corpus
        assert found[name] == pytest.approx(expected[name], abs=1e-9)


def test_intervals_of_a_mean_are_as_wide_as_theory_has_it():
    values = np.random.default_rng(0).normal(3, 1, 400)
    estimate, low, high = intervals.corpus_interval(intervals.mean_of(values), n=4000)
    assert estimate == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.08)
    assert low < estimate < high
    _, lower, higher = intervals.corpus_interval(intervals.mean_of(values), n=4000, level=0.5)
    assert low < lower < higher < high


def test_more_studies_give_narrower_intervals_and_the_seed_decides():
    def width(n, seed=0):
        table = intervals.score_intervals({"good": GOOD[:n]}, REFERENCES[:n], n=300, seed=seed)
        return table.loc[("good", "BLEU-4"), "high"] - table.loc[("good", "BLEU-4"), "low"]

    assert width(120) < width(20)
    assert width(120) == width(120) != width(120, seed=1)


def test_a_perfect_system_has_no_doubt():
    table = intervals.score_intervals({"perfect": REFERENCES}, REFERENCES, n=50).loc["perfect"]
    for name in ("BLEU-4", "ROUGE-L", "macro F1", "micro F1"):
        assert table.loc[name].tolist() == pytest.approx([1, 1, 1])


def test_findings_with_few_cases_do_not_count():
    truth = np.array([[1, 0], [1, 0], [0, 1]], bool)
    named = np.array([[1, 1], [1, 0], [0, 0]], bool)
    macro = {n: intervals.finding_f1(truth, named, min_cases=n) for n in (1, 2, 3)}
    assert macro[1]["macro F1"].estimate == pytest.approx(0.5) and macro[2]["macro F1"].estimate == 1
    assert macro[1]["micro F1"].estimate == pytest.approx(2 * 2 / 6)
    assert macro[3] == {}
    assert "macro F1" not in intervals.score_intervals({"a": ["x"]}, ["x"], n=5).index.get_level_values("score")


@pytest.mark.filterwarnings("error")
def test_a_finding_that_is_not_in_a_resample_is_left_out_of_its_mean():
    measure = intervals.finding_f1(np.eye(2, dtype=bool), np.eye(2, dtype=bool), min_cases=1)["macro F1"]
    np.testing.assert_array_equal(measure.resampled(np.array([[2.0, 0.0], [1.0, 1.0]])), [1, 1])


def test_only_the_named_findings_count():
    truth = evaluation.true_findings(REFERENCES)
    table = intervals.score_intervals(SYSTEMS, REFERENCES, truth, ["cardiomegaly"], n=10)
    expected = evaluation.finding_table(GOOD, truth).loc["cardiomegaly", "F1"]
    assert table.loc[("good", "macro F1"), "estimate"] == pytest.approx(expected)
    assert table.loc[("good", "micro F1"), "estimate"] == pytest.approx(expected)


def test_paired_comparison_sees_a_difference_and_none_where_there_is_none():
    table = intervals.paired(GOOD, SYSTEMS["poor"], REFERENCES, n=500)
    assert (table["p"] < 0.05).all() and (table["low"] > 0).all() and (table["difference"] > 0).all()
    back = intervals.paired(SYSTEMS["poor"], GOOD, REFERENCES, n=500)
    np.testing.assert_allclose(back["difference"], -table["difference"])
    np.testing.assert_allclose(back["p"], table["p"])
    same = intervals.paired(GOOD, GOOD, REFERENCES, n=50)
    assert (same["p"] == 1).all() and (same[["difference", "low", "high"]] == 0).all(axis=None)


def test_the_test_rarely_sees_what_is_not_there():
    # two systems of the same quality, many times: p below 0.05 in about one of twenty
    rng = np.random.default_rng(0)
    low = 0
    for seed in range(200):
        gaps = intervals.mean_of(rng.normal(0, 1, 80)).resampled(intervals._weights(80, 200, seed))
        low += intervals.two_sided_p(gaps) < 0.05
    assert 2 <= low <= 22


def test_pairing_makes_the_comparison_sharper():
    table = intervals.paired(GOOD, SYSTEMS["constant"], REFERENCES, n=400)
    alone = intervals.score_intervals({"a": GOOD, "b": SYSTEMS["constant"]}, REFERENCES, n=400).xs(
        "ROUGE-L", level="score"
    )
    widths = (alone["high"] - alone["low"]).to_numpy()
    assert table.loc["ROUGE-L", "high"] - table.loc["ROUGE-L", "low"] < widths.sum()


@pytest.mark.parametrize("p", np.linspace(0, 1, 41))
def test_p_values_in_words_agree_with_the_number(p):
    sentence = intervals.in_words(p)
    assert ("probably not chance" in sentence) == (p < 0.05)
    assert ("can well be chance" in sentence) == (p >= 0.1)
    assert "p < 0.01" in sentence if p < 0.01 else f"p = {p:.2f}" in sentence


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        intervals.in_words(p)


def test_refuses_what_cannot_be_compared():
    with pytest.raises(ValueError, match="2 reports, 1 references"):
        intervals.score_intervals({"a": ["x", "y"]}, ["x"])
    with pytest.raises(ValueError, match="and of truth"):
        intervals.score_intervals({"a": ["x"]}, ["x"], [set(), set()])
    with pytest.raises(ValueError, match="no study has a reference"):
        intervals.paired(["x"], ["y"], [""])
    for systems, references in (({"a": []}, []), ({}, ["x"])):
        with pytest.raises(ValueError, match="nothing to score"):
            intervals.score_intervals(systems, references)
    with pytest.raises(ValueError, match="at least one resample"):
        intervals.paired(["x"], ["y"], ["x"], n=0)
