"""What a model reads: the one place where the batch dictionary is built, of studies in the cache and of a new X-ray alike.

What it holds is said in :class:`mrg_helpers.models.base.ReportModel`. ``stages.reader`` makes one for the settings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import reports
from .batches import pad
from .vocabulary import PAD, Vocabulary

if TYPE_CHECKING:  # it loads TensorFlow
    from .features import FeatureCache

INDICATION = 24  # the most words of an indication that are read
KEPT = 2**29  # bytes; where all features of a view take no more, those that were read once stay in memory


class _Kept:
    """Rows of a cache, scaled: (B,) -> (B, R, K) float32. Every epoch reads the same ones, and to read and scale them anew takes
    a sixth of the time of a small training; those of a small collection are kept."""

    def __init__(self, cache: FeatureCache):
        self.cache = cache
        shape = (*cache.raw.shape[:2], cache.channels)
        small = 4 * math.prod(shape) <= KEPT
        self.kept = np.empty(shape, "float32") if small else None  # takes memory row by row, where it is written
        self.known = np.zeros(len(cache.raw), bool)

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        if self.kept is None:
            return self.cache.scale(self.cache.raw[rows])
        new = rows[~self.known[rows]]
        if len(new):
            self.kept[new] = self.cache.scale(self.cache.raw[new])
            self.known[new] = True  # after the values, for another thread may be reading
        return self.kept[rows]


class Inputs:
    """The inputs of a model, by row or of a new study.

    Args:
        cache: the features of N studies.
        other: those of the studies' other view, for a model that needs it, and ``there`` (N,), whether a study has it.
        words: of the indications, for a model that needs them, and ``indications``, N texts.

    Example:
        >>> read = Inputs(cache)
        >>> read([3, 5])["features"]          # (2, R, D), of two studies in the cache
        >>> read.new(network(square[None]))   # of an X-ray that is not there
    """

    def __init__(
        self, cache: FeatureCache, other: FeatureCache | None = None, there: Sequence[bool] = (),
        words: Vocabulary | None = None, indications: Sequence[str] = (),
    ):  # fmt: skip
        if other is not None and other.channels != cache.channels:
            raise ValueError(
                f"{other.folder}: {other.channels} channels, but those of the first view are {cache.channels}; "
                "choose fewer components, which both views have"
            )
        self.cache, self.other, self.words = cache, other, words
        self._own, self._other = _Kept(cache), None if other is None else _Kept(other)
        self.there, self.indications = np.asarray(there, "float32"), self._encode(indications)

    def __call__(self, rows: Sequence[int]) -> dict:
        """The batch dictionary of some rows of the cache: (B,) -> ``"features"`` (B, R, D) and whatever else there is."""
        rows = np.asarray(rows)
        other, there = (None, None) if self._other is None else (self._other(rows), self.there[rows])
        return self._batch(self._own(rows), other, there, None if self.words is None else self.indications[rows])

    def new(self, raw: np.ndarray, other: np.ndarray | None = None, indication: str = "") -> dict:
        """The batch dictionary of one study that is not in the cache.

        Args:
            raw: (1, R, D), as the image network gave it. other: the same of its other view, if there is one.
            indication: why the X-ray was taken, if that is known.

        What the model does not read is not in the dictionary.
        """
        has_other = np.array([other is not None], "float32")
        scaled = None if self.other is None else self.other.scale(raw if other is None else other)
        return self._batch(self.cache.scale(raw), scaled, has_other, self._encode([indication]))

    def _batch(self, features, other, has_other, indications) -> dict:
        batch = {"features": features}
        if self.other is not None:
            batch["other"] = other * has_other[:, None, None]  # zeros where there is none
            batch["has_other"] = has_other
        if self.words is not None:
            batch["indication"] = indications
        return batch

    def _encode(self, texts: Sequence[str]) -> np.ndarray | None:
        """Indications -> ids (N, L), always of one length, so that whatever reads them is compiled once."""
        if self.words is None:
            return None
        ids = [self.words.encode(reports.clean(text), INDICATION + 2)[1:-1] for text in texts]
        return pad([*ids, [PAD] * INDICATION])[: len(ids)]
