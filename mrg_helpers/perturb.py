"""Test sets in which the images are wrong on purpose: does a model notice?

Each function takes a reader, rows (B,) -> batch dictionary with ``"features"`` (B, R, D), and gives another one, which
``decoding.generate`` takes in its place. Explained in ``notebooks/06_does_the_model_look.ipynb``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Reader = Callable[[np.ndarray], dict]


def another(rows: Sequence[int], seed: int = 0) -> np.ndarray:
    """The rows in an order in which none stands in its old place: each study gets the image of another.

    All are exchanged along one random circle, so each image is still used exactly once. A single row keeps its place.
    """
    rows, order = np.asarray(rows), np.random.default_rng(seed).permutation(len(rows))
    exchanged = np.empty_like(rows)
    exchanged[order] = rows[np.roll(order, 1)]
    return exchanged


def permuted(read: Reader, rows: Sequence[int], seed: int = 0) -> Reader:
    """Another patient's image in the place of each of ``rows``, see :func:`another`."""
    exchange = dict(zip(map(int, rows), another(rows, seed), strict=True))
    return lambda wanted: read(np.array([exchange[int(row)] for row in wanted]))


def blank(read: Reader) -> Reader:
    """Zeros for everybody: with whitened features the average patient (``features.FeatureCache.read``)."""
    return lambda wanted: _with_features(read(wanted), lambda features: np.zeros_like(features))


def noisy(read: Reader, strength: float = 1.0, seed: int = 0) -> Reader:
    """Gaussian noise of deviation ``strength`` added to the features, whose own deviation is 1.

    The noise of a row depends on row and seed alone, not on the batch in which it is read.
    """

    def read_noisy(wanted: np.ndarray) -> dict:
        batch = read(wanted)
        shape = batch["features"].shape[1:]
        noise = [np.random.default_rng([seed, int(row)]).normal(0, strength, shape) for row in wanted]
        return _with_features(batch, lambda features: features + np.stack(noise).astype(features.dtype))

    return read_noisy


def _with_features(batch: dict, change: Callable[[np.ndarray], np.ndarray]) -> dict:
    return batch | {"features": change(np.asarray(batch["features"]))}
