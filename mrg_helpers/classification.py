"""How good is a classifier of findings? The area under its ROC curve, and its heat-maps in the pointing game.

Takes arrays, as ``models.FindingClassifier`` gives them; knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .intervals import Measure, corpus_interval
from .looking import Box, Naming
from .vocabulary import SPECIAL

if TYPE_CHECKING:  # it loads TensorFlow
    from .decoding import Generation


def auc(scores: np.ndarray, truth: np.ndarray) -> Measure:
    """The area under the ROC curve: how often a patient with the finding scores higher than one without; a tie counts half.

    It is a function of sums over studies, as :mod:`mrg_helpers.intervals` wants it: of how many patients, without the finding and
    with it, have each score.

    Args:
        scores: (N,), higher where the finding is likelier. truth: (N,), whether it is there.
    """
    levels = np.unique(scores, return_inverse=True)[1].ravel()
    count = levels.max(initial=0) + 1
    parts = np.zeros((len(levels), 2 * count))
    parts[np.arange(len(levels)), levels + count * np.asarray(truth, int)] = 1

    def area(sums: np.ndarray) -> np.ndarray:
        without, having = sums[..., :count], sums[..., count:]
        below = np.cumsum(without, axis=-1) - without / 2
        pairs = without.sum(axis=-1) * having.sum(axis=-1)
        with np.errstate(invalid="ignore"):
            return np.where(pairs > 0, (having * below).sum(axis=-1) / pairs, np.nan)

    return Measure(parts, area)


def auc_table(
    names: Sequence[str], scores: np.ndarray, truth: np.ndarray, n: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """The AUC of each finding with its 95 % interval, of ``n`` resamples of the studies.

    Args:
        names: of the C findings. scores, truth: (N, C), see :func:`auc`.

    Returns:
        A row a finding, the most frequent first: ``cases``, ``AUC``, ``low``, ``high``; NaN where nobody has it, or everybody.
    """
    truth = np.asarray(truth, bool)
    rows = []
    for name, values, true in zip(names, np.transpose(scores), truth.T, strict=True):
        both = 0 < true.sum() < len(true)
        rows.append((name, int(true.sum()), *(corpus_interval(auc(values, true), n, seed) if both else [np.nan] * 3)))
    table = pd.DataFrame(rows, columns=["finding", "cases", "AUC", "low", "high"]).set_index("finding")
    return table.sort_values("cases", ascending=False, kind="stable")


def as_generation(maps: np.ndarray, probabilities: np.ndarray, grid: tuple[int, int]) -> Generation:
    """Heat-maps in the form in which attention is drawn and measured: a "report" that names each of the C findings once.

    Args:
        maps: (N, C, R), each row with the sum 1. probabilities: (N, C), of each finding. grid: (H, W) of the regions.

    ``plots.plot_attention`` takes ``.attention[study]`` with the findings' names as its words; ``looking.play`` takes the whole,
    with :func:`named`. The words can be read with ``Vocabulary(dict.fromkeys(names, 0))``.
    """
    from .decoding import Generation

    studies, findings, _ = maps.shape
    tokens = np.tile(np.arange(findings, dtype="int32") + len(SPECIAL), (studies, 1))
    log_probs = np.log(np.maximum(probabilities, 1e-12)).astype("float32")
    lengths = np.full(studies, findings, "int32")
    return Generation(tokens, log_probs, np.asarray(maps, "float32"), lengths, tuple(grid))


def named(
    names: Sequence[str], truth: Sequence[Mapping[str, Sequence[Box]]], asserted: np.ndarray | None = None
) -> list[Naming]:
    """What ``looking.play`` plays with: every true finding of every study, with the place of its map.

    Args:
        names: of the C findings. truth: for each study its findings with their boxes.
        asserted: (N, C), which findings the classifier asserts: the others are then left out. None: the maps of all true ones.
    """
    return [
        Naming(study, name, (number,), tuple(true[name]))
        for study, true in enumerate(truth)
        for number, name in enumerate(names)
        if name in true and (asserted is None or asserted[study, number])
    ]
