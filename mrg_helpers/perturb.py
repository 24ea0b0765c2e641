"""Test sets in which the images are wrong on purpose: does a model notice?

Each function takes a reader, rows (B,) -> batch dictionary with ``"features"`` (B, R, D), and gives another one, which
``decoding.generate`` takes in its place. Where the dictionary holds the other view too, both are treated alike; whatever is no
image, such as the indication, stays the patient's own. Explained in ``notebooks/06_does_the_model_look.ipynb``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Reader = Callable[[np.ndarray], dict]
VIEWS = ("features", "other")
IMAGES = {*VIEWS, "has_other"}


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

    def read_permuted(wanted: np.ndarray) -> dict:
        batch = read(np.array([exchange[int(row)] for row in wanted]))
        own = {} if set(batch) <= IMAGES else read(wanted)
        return batch | {name: value for name, value in own.items() if name not in IMAGES}

    return read_permuted


def blank(read: Reader) -> Reader:
    """Zeros for everybody: with whitened features the average patient (``features.FeatureCache.read``)."""

    def read_blank(wanted: np.ndarray) -> dict:
        return _with_views(read(wanted), lambda features, view: np.zeros_like(features))

    return read_blank


def noisy(read: Reader, strength: float = 1.0, seed: int = 0) -> Reader:
    """Gaussian noise of deviation ``strength`` added to the features, whose own deviation is 1; each view gets its own.

    The noise of a row depends on row and seed alone, not on the batch in which it is read. A view that is missing stays so.
    """

    def read_noisy(wanted: np.ndarray) -> dict:
        def add(features: np.ndarray, view: int) -> np.ndarray:
            rngs = [np.random.default_rng([seed, int(row), view] if view else [seed, int(row)]) for row in wanted]
            noise = [rng.normal(0, strength, features.shape[1:]) for rng in rngs]
            return features + np.stack(noise).astype(features.dtype)

        batch = _with_views(read(wanted), add)
        if "other" in batch:
            batch["other"] = batch["other"] * np.asarray(batch["has_other"])[:, None, None]
        return batch

    return read_noisy


def _with_views(batch: dict, change: Callable[[np.ndarray, int], np.ndarray]) -> dict:
    """The batch with the features of its views changed by ``change(features, number of the view)``."""
    there = [(name, view) for view, name in enumerate(VIEWS) if name in batch]
    return batch | {name: change(np.asarray(batch[name]), view) for name, view in there}
