"""Text scores as the captioning literature computes them: BLEU-1 to 4, ROUGE-L and CIDEr.

All three compare words, so all three move when the words are cut differently; that is why the tokenisation stands here
and not somewhere else. ``split_words`` lowers the text and keeps words and numbers ("x-ray", "1.9"); punctuation is
dropped, as the PTBTokenizer of the usual evaluation scripts drops it. References are taken as they are: never
truncated, and never mapped to ``<unk>``.

No number from here says whether a report is *right*: one fixed sentence for every patient scores well.
Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

import math
import re
import warnings
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from nltk.translate.bleu_score import corpus_bleu

from . import meteor as meteor_program

Words = list[str]
WORD = re.compile(r"\w+(?:(?:[-'/]|(?<=\d)[.,](?=\d))\w+)*")


def split_words(text: str) -> Words:
    """The words of a text, in lower case and without punctuation.

    >>> split_words("Nodule of 1.9 cm, follow-up X-ray. Normal heart.")
    ['nodule', 'of', '1.9', 'cm', 'follow-up', 'x-ray', 'normal', 'heart']
    """
    return WORD.findall(text.lower())


def bleu(references: Sequence[Sequence[Words]], hypotheses: Sequence[Words]) -> list[float]:
    """BLEU-1 to BLEU-4 of a whole corpus (Papineni et al., 2002) by nltk, unsmoothed: an n-gram order without a match
    gives 0. It is no mean over reports: the matches of all reports are added up first.

    A report of fewer than n words still counts as one n-gram that does not match (nltk's guard against a division by
    zero), so for corpora of such reports the value lies a little below that of other implementations.
    """
    weights = [tuple(1 / n for _ in range(n)) for n in range(1, 5)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # nltk explains at length why an order without a match gives 0
        scores = corpus_bleu(references, hypotheses, weights)
    return [float(score) if score > 1e-12 else 0.0 for score in scores]  # nltk puts the smallest float in place of 0


def bleu_statistics(references: Sequence[Sequence[Words]], hypotheses: Sequence[Words]) -> np.ndarray:
    """What each report adds to the BLEU of a corpus, (N, 10): add up any rows and give the sum to
    :func:`bleu_of_statistics`.

    Columns: the matching n-grams for n = 1 to 4, clipped at the best reference; all n-grams for n = 1 to 4 (at least one, as
    in :func:`bleu`); the words of the report; the words of the reference nearest in length, the shorter of two.
    """
    rows = []
    for report, words in zip(references, hypotheses, strict=True):
        most: Counter = Counter()
        for reference in report:
            most |= Counter(_ngrams(reference))  # the union of two counters keeps the larger count
        matches = [0] * 4
        for gram, count in (Counter(_ngrams(words)) & most).items():
            matches[len(gram) - 1] += count
        totals = [max(1, len(words) - n + 1) for n in range(1, 5)]
        nearest = min((len(reference) for reference in report), key=lambda length: (abs(length - len(words)), length))
        rows.append([*matches, *totals, len(words), nearest])
    return np.array(rows, float).reshape(-1, 10)


def bleu_of_statistics(sums: np.ndarray) -> np.ndarray:
    """BLEU-1 to BLEU-4, (..., 4), of sums of the rows of :func:`bleu_statistics`, (..., 10): of one corpus or of many
    resampled ones at once. The same number as :func:`bleu`."""
    sums = np.asarray(sums, float)
    written, reference = sums[..., 8:9], sums[..., 9:10]
    with np.errstate(divide="ignore", invalid="ignore"):  # no match, no words: both give 0 in the end
        logs = np.cumsum(np.log(sums[..., :4] / sums[..., 4:8]), axis=-1) / np.arange(1, 5)
        brevity = np.where(written > 0, np.minimum(0, 1 - reference / written), -np.inf)
    return np.nan_to_num(np.exp(logs + brevity))


def _longest_common_subsequence(a: Words, b: Words) -> int:
    best = [0] * (len(b) + 1)  # best[j]: for the words of `a` so far and the first j words of `b`
    for word in a:
        diagonal = 0
        for j, other in enumerate(b, start=1):
            above = best[j]
            best[j] = diagonal + 1 if word == other else max(above, best[j - 1])
            diagonal = above
    return best[-1]


def rouge_l(references: Sequence[Sequence[Words]], hypotheses: Sequence[Words], beta: float = 1.2) -> np.ndarray:
    """ROUGE-L of each report, (N,): the F-measure, weighted towards recall, of the longest common subsequence.

    Precision and recall are each the best over the references, as pycocoevalcap does it. Two empty texts agree.
    """
    scores = []
    for report, texts in zip(references, hypotheses, strict=True):
        candidate = texts or [""]  # an empty text counts as one empty word
        common = [
            (_longest_common_subsequence(reference or [""], candidate), len(reference) or 1) for reference in report
        ]
        precision = max(length for length, _ in common) / len(candidate)
        recall = max(length / total for length, total in common)
        scores.append((1 + beta**2) * precision * recall / (recall + beta**2 * precision) if recall else 0.0)
    return np.array(scores)


class Cider:
    """CIDEr (Vedantam et al., 2015): the cosine between the tf-idf vectors of n-grams, mean over n = 1 to 4 and over the
    references, times 10.

    This is the variant that papers report, with counts clipped at the reference's and a Gaussian penalty on the
    difference in length.

    Args:
        corpus: the reports, each with its references, from which is learnt how rare an n-gram is. The score of a report depends
            on the company it is in, and with a corpus of one report everything scores 0.
        sigma: of the penalty, in words.
    """

    def __init__(self, corpus: Sequence[Sequence[Words]], sigma: float = 6.0):
        self.frequency = Counter(gram for report in corpus for gram in {g for words in report for g in _ngrams(words)})
        self.size, self.sigma = len(corpus), sigma

    def __call__(self, references: Sequence[Sequence[Words]], hypotheses: Sequence[Words]) -> np.ndarray:
        """The score of each report, (N,), between 0 and 10."""
        pairs = zip(references, hypotheses, strict=True)
        return np.array([sum(self._similarity(words, one) for one in report) / len(report) for report, words in pairs])

    def _vectors(self, words: Words) -> list[dict[tuple, float]]:
        """One sparse tf-idf vector for each n."""
        vectors: list[dict[tuple, float]] = [{}, {}, {}, {}]
        for gram, count in Counter(_ngrams(words)).items():
            vectors[len(gram) - 1][gram] = count * math.log(self.size / max(1, self.frequency[gram]))
        return vectors

    def _similarity(self, hypothesis: Words, reference: Words) -> float:
        cosines = []
        for h, r in zip(self._vectors(hypothesis), self._vectors(reference), strict=True):
            norm = math.sqrt(sum(x * x for x in h.values())) * math.sqrt(sum(x * x for x in r.values()))
            dot = sum(min(weight, r[gram]) * r[gram] for gram, weight in h.items() if gram in r)
            cosines.append(dot / norm if norm else 0.0)
        # the reference implementation takes the number of bigrams for the length, so 0 and 1 words are the same to it
        difference = max(len(hypothesis) - 1, 0) - max(len(reference) - 1, 0)
        return 10 * sum(cosines) / 4 * math.exp(-(difference**2) / (2 * self.sigma**2))


def cider(references: Sequence[Sequence[Words]], hypotheses: Sequence[Words], sigma: float = 6.0) -> np.ndarray:
    """:class:`Cider` of each report, (N,), with the references themselves as the corpus."""
    return Cider(references, sigma)(references, hypotheses)


def _ngrams(words: Words) -> list[tuple]:
    return [tuple(words[i : i + n]) for n in range(1, 5) for i in range(len(words) - n + 1)]


def meteor(references: Sequence[str | Sequence[str]], *systems: Sequence[str]) -> list[float]:
    """METEOR 1.5 of a corpus, between 0 and 1, for each system, by its Java program. It is not part of :func:`corpus_scores`,
    since few have the program and it starts slowly.

    Args:
        references: as for :func:`corpus_scores`; systems: the hypotheses of one or more systems.

    Raises:
        RuntimeError: where the program cannot run; :func:`mrg_helpers.meteor.missing` says why without trying.
        ValueError: as :func:`corpus_scores`.
    """
    cut = [_cut(references, hypotheses, split_words) for hypotheses in systems]
    truths = [[" ".join(words) for words in report] for report in (cut[0][0] if cut else [])]
    return meteor_program.scores(truths, [[" ".join(words) for words in hypotheses] for _, hypotheses in cut])


def _cut(
    references: Sequence[str | Sequence[str]], hypotheses: Sequence[str], cut: Callable[[str], Words]
) -> tuple[list[list[Words]], list[Words]]:
    if len(references) != len(hypotheses):
        raise ValueError(f"{len(references)} references and {len(hypotheses)} hypotheses: give one of each per study")
    if not len(hypotheses):
        raise ValueError("no reports to score: give at least one reference and one hypothesis")
    truths = [[cut(text) for text in ([report] if isinstance(report, str) else report)] for report in references]
    if bare := [i for i, texts in enumerate(truths) if not texts]:
        raise ValueError(f"study {bare[0]} has no reference: give a string or a list of at least one string")
    return truths, [cut(text) for text in hypotheses]


def corpus_scores(
    references: Sequence[str | Sequence[str]], hypotheses: Sequence[str], tokenise: bool = True
) -> dict[str, float]:
    """All text scores of a corpus.

    Args:
        references: N true reports, each a string or a list of equally good strings.
        hypotheses: N generated reports, in the same order. An empty one is allowed, and scores badly.
        tokenise: False takes texts that are already cut, and splits them at blanks only.

    Returns:
        ``{"BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr"}``; CIDEr between 0 and 10, the others
        between 0 and 1.

    Raises:
        ValueError: if the two differ in length, are empty, or a study has no reference.

    >>> corpus_scores(["heart is normal", "no effusion"], ["heart is normal", "effusion"])["BLEU-1"] > 0.7
    True
    """
    truths, words = _cut(references, hypotheses, split_words if tokenise else str.split)
    scores = {f"BLEU-{n}": score for n, score in enumerate(bleu(truths, words), start=1)}
    return scores | {"ROUGE-L": float(rouge_l(truths, words).mean()), "CIDEr": float(cider(truths, words).mean())}
