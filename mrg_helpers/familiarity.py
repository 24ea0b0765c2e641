"""Is a picture like those that a model learnt from? A distance to the training images, and where it becomes suspicious.

A model writes a fluent report of any picture, a photograph of a cat included. Its features tell: the distance of a picture is that
to its k-th nearest training image, on features pooled over the regions (Sun et al., "Out-of-Distribution Detection with Deep
Nearest Neighbors", ICML 2022, arXiv:2204.06507). How far is too far follows from images of the same collection that the model has
not learnt from: a picture farther than a stated share of them is called unfamiliar.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Judgement:
    """How familiar one picture is.

    Attributes:
        distance: to its k-th nearest training image; 1 is the usual distance of a held-out image (their median).
        threshold: the distance beyond which a picture is unfamiliar.
        beyond: the share of the held-out images that are nearer than this picture, 0 to 1.
        quantile: the share of the held-out images that lie within ``threshold``.
        held_out: how many they are.
    """

    distance: float
    threshold: float
    beyond: float
    quantile: float
    held_out: int

    @property
    def unfamiliar(self) -> bool:
        return self.distance > self.threshold * (1 + 1e-6)  # the farthest held-out image, computed again, is none


class Familiarity:
    """The distance to the training images, with its threshold.

    Args:
        quantile: the share of the held-out images that lie within the threshold; the others are false alarms. With fewer than
            1 / (1 - quantile) of them the threshold is the farthest one, and one in N + 1 of the pictures to come is a false alarm.
        neighbours: k; with fewer training images, the farthest of them counts.
    """

    def __init__(self, quantile: float = 0.99, neighbours: int = 5):
        if not 0 < quantile <= 1 or neighbours < 1:
            raise ValueError(f"quantile {quantile} must lie in (0, 1], neighbours {neighbours} be at least 1")
        self.quantile, self.neighbours = quantile, neighbours

    def fit(self, train: np.ndarray, held_out: np.ndarray) -> Familiarity:
        """Learn what is usual.

        Args:
            train: (N, D), a pooled vector for each training image. held_out: (M, D), of images that were not learnt from.

        Raises:
            ValueError: if either is empty.
        """
        if not len(train) or not len(held_out):
            raise ValueError(
                f"{len(train)} training and {len(held_out)} validation images: to tell what is usual, both are needed"
            )
        train = np.asarray(train, np.float64)
        self.mean, self.deviation = train.mean(0), train.std(0)
        self.deviation[self.deviation == 0] = 1
        self.known = (train - self.mean) / self.deviation
        self.unit = 1.0
        self.unit = max(float(np.median(self.distances(held_out))), 1e-9)
        self.usual = np.sort(self.distances(held_out))
        self.threshold = float(np.quantile(self.usual, self.quantile, method="higher"))
        return self

    def distances(self, vectors: np.ndarray) -> np.ndarray:
        """(N, D) -> (N,), in the unit of :class:`Judgement`."""
        standard = (np.asarray(vectors, np.float64) - self.mean) / self.deviation
        k = min(self.neighbours, len(self.known))
        found = [np.partition(np.linalg.norm(self.known - one, axis=1), k - 1)[k - 1] for one in standard]
        return np.array(found) / self.unit

    def judge(self, vector: np.ndarray) -> Judgement:
        """(D,) -> what there is to say about one picture."""
        distance = float(self.distances(np.asarray(vector)[None])[0])
        beyond = float((self.usual < distance).mean())
        return Judgement(distance, self.threshold, beyond, self.quantile, len(self.usual))
