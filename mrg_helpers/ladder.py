"""The whole ladder of baselines at once, and the model against the best of those that cannot see.

``baselines`` holds the rungs; here they get what they learn from, all from one place, so that no rung can learn from other
studies than the model did. Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set

import numpy as np
import pandas as pd

from . import findings, intervals
from .baselines import LADDER, Cases

KNOWS = {
    "random report": "the language of reports",
    "most common report": "the language of reports",
    "best template": "the language of reports, and how BLEU counts",
    "n-gram model": "the language of reports",
    "nearest neighbour": "the image",
    "same tags": "the true findings, which no system knows",
}
BLIND = ("random report", "most common report", "best template", "n-gram model")  # they never see an image
FEWEST = 20  # studies; drawn from fewer, the resamples are too much alike, and every difference looks certain
SCORES = ("BLEU-4", "ROUGE-L", "CIDEr", "macro F1", "micro F1")


def pooled(read: Callable[[np.ndarray], np.ndarray], rows: Sequence[int], chunk: int = 64) -> np.ndarray:
    """One vector for each image, the mean over its regions: (N, D) float32 for N rows.

    Args:
        read: rows (B,) -> features (B, R, D), such as ``FeatureCache.read``: what the model reads, for a fair comparison.
        rows: which images.
        chunk: how many are read at a time, so that a collection may be larger than the memory.
    """
    rows = np.asarray(rows, int)
    parts = [read(rows[start : start + chunk]).mean(axis=1) for start in range(0, max(1, len(rows)), chunk)]
    return np.concatenate(parts).astype("float32")


def cases(
    texts: Sequence[str],
    read: Callable[[np.ndarray], np.ndarray],
    rows: Sequence[int],
    tags: Sequence[Set[str]] | None = None,
) -> Cases:
    """Studies as the rungs of the ladder see them.

    Args:
        texts: the reports; ``""`` where a study has none.
        read: as in :func:`pooled`. rows: for each text the row of its image.
        tags: for each study its findings; by default those that its report asserts.
    """
    return Cases(texts, pooled(read, rows), [findings.abnormal(text) for text in texts] if tags is None else tags)


def climb(train: Cases, studies: Cases) -> dict[str, list[str]]:
    """Fit every rung of ``baselines.LADDER`` and let it write: name -> one report for each of ``studies``."""
    return {name: rung().fit(train).predict(studies) for name, rung in LADDER.items()}


def against_best(
    scored: pd.DataFrame,
    systems: Mapping[str, Sequence[str]],
    model: str,
    references: Sequence[str],
    truth: Sequence[Set[str]] | None = None,
    rivals: Sequence[str] = BLIND,
    scores: Sequence[str] = SCORES,
    **options,
) -> pd.DataFrame:
    """The model against the best of its rivals, score by score, in pairs on the same studies.

    Each score has its own best rival: a text made for BLEU names no findings, and a random report names many. The rival is
    chosen on the very studies of the comparison, which favours the rival.

    Args:
        scored: the table of ``intervals.score_intervals`` for these systems.
        systems: name -> one report a study. model: one of the names.
        references, truth: as there. options: ``n``, ``seed``, ``level``, ``min_cases`` of ``intervals.paired``.
        rivals: the names to choose from; those that are missing in ``systems`` are passed over.
        scores: those that ``scored`` lacks are left out.

    Returns:
        One row per score: ``best rival``, ``its score``, ``model``, and the columns of ``intervals.paired``. Of fewer than
        ``FEWEST`` studies with a reference no p is given (NaN), and the words say so.

    Raises:
        ValueError: if no rival is among the systems.
    """
    there = [name for name in rivals if name in systems and name != model]
    if not there:
        raise ValueError(f"none of {', '.join(rivals)} is among the systems, so there is nothing to compare with")
    estimates = scored["estimate"].unstack("score")
    rows, compared = {}, {}
    for score in [score for score in scores if score in estimates]:
        rival = max(there, key=lambda name, score=score: estimates.loc[name, score])
        if rival not in compared:
            compared[rival] = intervals.paired(systems[model], systems[rival], references, truth, **options)
        its, own = estimates.loc[rival, score], estimates.loc[model, score]
        rows[score] = {"best rival": rival, "its score": its, "model": own} | compared[rival].loc[score].to_dict()
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("score")
    if (known := sum(map(bool, references))) < FEWEST:
        table["p"] = float("nan")
        table["in words"] = f"Only {known} test studies with a reference: too few to tell a difference from chance."
    return table
