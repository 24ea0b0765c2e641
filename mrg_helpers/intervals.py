"""How sure is a score? The bootstrap over studies (Efron, 1979; for BLEU Koehn, 2004).

A test set is one draw of studies out of many that could have been. The bootstrap draws N of the N studies with
replacement, many times, and looks how much the score moves. Every score here is a function of sums over studies: of n-gram
matches for BLEU, of per-study values for ROUGE-L and CIDEr, of hits for the F1 of findings. So a study is read once, and a
resample is a sum with other weights. How rare a word is (CIDEr) is kept as in the whole test set.

What the interval does not hold: another training run, another seed. Explained in
``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import evaluation, findings, metrics


@dataclass(frozen=True)
class Measure:
    """A score as sums over studies.

    Attributes:
        parts: (N, P), what each study adds to the P sums.
        finish: makes the score of the sums, (..., P) -> (...).
    """

    parts: np.ndarray
    finish: Callable[[np.ndarray], np.ndarray]

    @property
    def estimate(self) -> float:
        """The score of all studies."""
        return float(self.finish(self.parts.sum(0)))

    def resampled(self, weights: np.ndarray) -> np.ndarray:
        """The score of each resample, (S,); weights (S, N) say how often each study was drawn."""
        return self.finish(weights @ self.parts)


def mean_of(values: Sequence[float], known: Sequence[bool] | None = None) -> Measure:
    """The mean of one value a study, over the studies where ``known`` is true."""
    counted = np.ones(len(values)) if known is None else np.asarray(known, float)
    return Measure(
        np.stack([np.where(counted > 0, values, 0), counted], 1), lambda sums: _ratio(sums[..., 0], sums[..., 1])
    )


def finding_f1(truth: np.ndarray, named: np.ndarray, min_cases: int = 10) -> dict[str, Measure]:
    """Macro and micro F1 of the findings, as in :func:`mrg_helpers.findings.averages`.

    Args:
        truth, named: (N, F) booleans: which findings each study has, and which its report asserts.
        min_cases: findings with fewer cases among the N studies are left out.

    Returns:
        ``{"macro F1", "micro F1"}``, or nothing if no finding has enough cases.
    """
    truth, named = np.asarray(truth, float), np.asarray(named, float)
    common = truth.sum(0) >= min_cases
    n = int(common.sum())
    if not n:
        return {}
    parts = np.concatenate([(truth * named)[:, common], (truth + named)[:, common]], 1)  # hits, then cases and named

    def macro(sums: np.ndarray) -> np.ndarray:
        f1 = _ratio(2 * sums[..., :n], sums[..., n:])  # NaN: neither there nor named in this resample
        return _ratio(np.nansum(f1, -1), (~np.isnan(f1)).sum(-1))

    def micro(sums: np.ndarray) -> np.ndarray:
        return _ratio(2 * sums[..., :n].sum(-1), sums[..., n:].sum(-1))

    return {"macro F1": Measure(parts, macro), "micro F1": Measure(parts, micro)}


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


def measures(
    texts: Sequence[str],
    references: Sequence[str],
    truth: Sequence[Set[str]] | None = None,
    names: Sequence[str] | None = None,
    min_cases: int = 10,
) -> dict[str, Measure]:
    """All scores of one system; see :func:`score_intervals` for the arguments."""
    if not len(texts) == len(references) == len(references if truth is None else truth):
        raise ValueError(
            f"{len(texts)} reports, {len(references)} references: give one of each per study (and of truth)"
        )
    known = np.array([bool(reference) for reference in references])
    if not known.any():
        raise ValueError("no study has a reference report, so there is nothing to compare with")
    true_words = [[metrics.split_words(references[k])] for k in np.flatnonzero(known)]
    words = [metrics.split_words(texts[k]) for k in np.flatnonzero(known)]

    def spread(values: np.ndarray) -> np.ndarray:
        """Zeros for the studies without a reference, so that they add nothing to the sums."""
        whole = np.zeros((len(known), *values.shape[1:]))
        whole[known] = values
        return whole

    bleu = spread(metrics.bleu_statistics(true_words, words))
    found = {
        f"BLEU-{n}": Measure(bleu, lambda sums, n=n: metrics.bleu_of_statistics(sums)[..., n - 1]) for n in range(1, 5)
    }
    found["ROUGE-L"] = mean_of(spread(metrics.rouge_l(true_words, words)), known)
    found["CIDEr"] = mean_of(spread(metrics.cider(true_words, words)), known)
    true_sets = evaluation.true_findings(references, truth)
    names = sorted(set().union(*true_sets)) if names is None else list(names)
    asserted = {text: findings.asserted(text) for text in set(texts)}
    return found | finding_f1(_matrix(true_sets, names), _matrix([asserted[text] for text in texts], names), min_cases)


def _matrix(sets: Sequence[Set[str]], names: Sequence[str]) -> np.ndarray:
    return np.array([[name in found for name in names] for found in sets], bool).reshape(len(sets), len(names))


def _weights(n_studies: int, n: int, seed: int) -> np.ndarray:
    """(n, N): how often each of the N studies is drawn in each resample."""
    if n < 1:
        raise ValueError(f"n = {n}: at least one resample is needed, and an interval needs some hundreds")
    return np.random.default_rng(seed).multinomial(n_studies, np.full(n_studies, 1 / n_studies), n).astype(float)


def _limits(values: np.ndarray, level: float) -> tuple[float, float]:
    """The percentiles between which the share ``level`` of the resamples lies."""
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def corpus_interval(measure: Measure, n: int = 1000, seed: int = 0, level: float = 0.95) -> tuple[float, float, float]:
    """``(estimate, low, high)`` of one score: a percentile interval of ``n`` resamples."""
    return measure.estimate, *_limits(measure.resampled(_weights(len(measure.parts), n, seed)), level)


def score_intervals(
    systems: Mapping[str, Sequence[str]],
    references: Sequence[str],
    truth: Sequence[Set[str]] | None = None,
    names: Sequence[str] | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    min_cases: int = 10,
) -> pd.DataFrame:
    """Every score of every system with its interval. All systems are scored on the same resamples.

    Args:
        systems: name -> one report a study.
        references: the true reports; text scores leave out a study without one (``""``).
        truth: for each study its findings; None takes what the references assert.
        names: the findings that count, by default all that a study has.
        n, seed: number of resamples, and the seed of their drawing.
        level: share of the resamples within the interval.
        min_cases: findings with fewer cases do not count; if none has enough, there is no F1.

    Returns:
        One row per ``system`` and ``score`` (the index): ``estimate``, ``low``, ``high``. Scores: BLEU-1 to 4, ROUGE-L, CIDEr,
        ``macro F1`` and ``micro F1`` of the findings.

    Raises:
        ValueError: if the numbers of reports, references and truths differ, or no study has a reference.
    """
    if not systems or not len(references):
        raise ValueError("nothing to score: give at least one system and one study")
    truth = evaluation.true_findings(references, truth)  # once, not once for each system
    weights = _weights(len(references), n, seed)
    rows = {}
    for system, texts in systems.items():
        for score, measure in measures(texts, references, truth, names, min_cases).items():
            rows[system, score] = (measure.estimate, *_limits(measure.resampled(weights), level))
    index = pd.MultiIndex.from_tuples(rows, names=["system", "score"])
    return pd.DataFrame(list(rows.values()), index=index, columns=["estimate", "low", "high"])


def paired(
    a: Sequence[str],
    b: Sequence[str],
    references: Sequence[str],
    truth: Sequence[Set[str]] | None = None,
    names: Sequence[str] | None = None,
    n: int = 1000,
    seed: int = 0,
    level: float = 0.95,
    min_cases: int = 10,
) -> pd.DataFrame:
    """Is system ``a`` better than ``b``, or could the difference be chance? Both are scored on the same resamples, so what
    makes a study easy or hard for both cancels out.

    Args:
        a, b: one report a study from each; the others as in :func:`score_intervals`.

    Returns:
        One row per score: ``difference`` (a - b), its interval ``low`` and ``high``, the two-sided ``p`` and the same
        ``in words``. p is twice the share of resamples in which the difference is 0 or has the other sign, so it is small
        where the interval lies on one side of 0; it is never below 2 / (n + 1).
    """
    truth = evaluation.true_findings(references, truth)
    both = [measures(texts, references, truth, names, min_cases) for texts in (a, b)]
    weights = _weights(len(references), n, seed)
    rows = {}
    for score in both[0]:
        first, second = both[0][score], both[1][score]
        gaps = first.resampled(weights) - second.resampled(weights)
        p = two_sided_p(gaps)
        rows[score] = (first.estimate - second.estimate, *_limits(gaps, level), p, in_words(p))
    columns = ["difference", "low", "high", "p", "in words"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("score")


def two_sided_p(differences: np.ndarray) -> float:
    """p of the hypothesis that there is no difference, from the differences in the resamples, (n,)."""
    against = min((differences <= 0).sum(), (differences >= 0).sum())
    return float(min(1, 2 * (1 + against) / (len(differences) + 1)))


def in_words(p: float) -> str:
    """A p-value as a sentence that says what it is a probability of.

    >>> in_words(0.03)
    'If both were equally good, 3 in 100 test sets would show a difference this large: probably not chance (p = 0.03).'

    Raises:
        ValueError: if ``p`` is no probability.
    """
    if not 0 <= p <= 1:
        raise ValueError(f"p = {p}: a p-value lies between 0 and 1")
    often = "fewer than 1" if p < 0.01 else f"{p * 100:.0f}"
    verdict = "this can well be chance" if p >= 0.1 else "a hint, no more" if p >= 0.05 else "probably not chance"
    number = "p < 0.01" if p < 0.01 else f"p = {p:.2f}"
    return (
        f"If both were equally good, {often} in 100 test sets would show a difference this large: {verdict} ({number})."
    )
