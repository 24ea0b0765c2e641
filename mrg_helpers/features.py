"""The feature cache: every X-ray goes through the image network once, and what came out stays on the disk.

Extraction (:mod:`mrg_helpers.extraction`) is the slow part of the whole pipeline. The cache is a folder with

* ``features.npy``: (N, R, D) float16, read row by row: one vector of D channels for each of the R = H x W regions;
* ``rows.csv``: which row is which image (``image_id``, ``path``, ``split``);
* ``manifest.json``: everything the numbers depend on, how many rows are done, and the channels' mean and standard
  deviation on the training split;
* ``components.npz``: the principal components of the standardised channels, the strongest first.

Explained in ``notebooks/02_cache_inceptionv3_features.ipynb``.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pandas as pd

from . import paths
from .stored import StoredArray


class CacheError(RuntimeError):
    """A feature cache is missing, unfinished, or made from something else than what was asked for."""


class FeatureCache:
    """A finished cache, opened for reading.

    Args:
        folder: of the cache.
        expected: entries that the manifest must have.
        components: K, how many principal components :meth:`read` gives; 0 for the D standardised channels themselves.

    Attributes:
        rows: DataFrame (N rows) ``image_id``, ``path``, ``split``; row ``i`` describes ``raw[i]``.
        raw: (N, R, D) float16, as the network gave it; it stays in its file, ``raw[rows]`` reads some.
        grid: (H, W) with H * W = R. channels: how many numbers a region has when read, D or K.
        mean, std: (D,), of the channels. spectrum: (D,), the variance along each principal component.
        manifest: the manifest as a dict. note: what figures made from these features have to say about them.

    Raises:
        CacheError: if the folder holds no finished cache, or its manifest differs from ``expected``.
    """

    def __init__(self, folder: str | Path, expected: dict | None = None, components: int = 0):
        self.folder = Path(folder)
        self.manifest = read_manifest(self.folder)
        if self.manifest is None:
            raise CacheError(f"{self.folder}: no feature cache here; run notebook 02 or extraction.extract")
        for key, value in (expected or {}).items():
            if self.manifest.get(key) != value:
                raise CacheError(
                    f"{self.folder}: {key} is {self.manifest.get(key)!r} here, not {value!r}; delete the folder"
                )
        if self.manifest["done"] < self.manifest["count"] or "mean" not in self.manifest:
            done, count = self.manifest["done"], self.manifest["count"]
            raise CacheError(
                f"{self.folder}: only {done} of {count} images are done; run notebook 02 again, it goes on there"
            )
        self.rows = pd.read_csv(self.folder / "rows.csv", dtype=str, keep_default_na=False)
        self.raw = StoredArray(self.folder / "features.npy")
        self.grid = tuple(self.manifest["grid"])
        self.note = self.manifest["note"]
        self.mean = np.asarray(self.manifest["mean"], "float32")
        self.std = np.asarray(self.manifest["std"], "float32")
        with np.load(self.folder / "components.npz") as stored:
            self.spectrum, vectors, self._average = stored["variances"], stored["vectors"], stored["average"]
        usable = int((self.spectrum > 1e-5 * self.spectrum[0]).sum())  # the others are rounding
        kept = min(components, usable)
        self._project = vectors[:, :kept] / np.sqrt(self.spectrum[:kept]) if components else None
        self.channels = kept if components else len(self.mean)

    def __len__(self) -> int:
        return len(self.raw)

    def read(self, rows) -> np.ndarray:
        """The features of some rows as a model reads them: indices (B,) -> (B, R, channels) float32.

        Every channel is brought to mean 0 and deviation 1. If the cache was opened with ``components``, the average patient is
        taken off (the mean of each region), and every principal component of what is left is brought to deviation 1 ("whitening").
        Channels repeat each other, and nearly all that varies is anatomy that everybody has; without this a decoder learns the
        language of reports long before it learns to look.
        """
        return np.concatenate([self.scale(self.raw[part]) for part in _parts(rows, 16)])

    def scale(self, raw: np.ndarray) -> np.ndarray:
        """What :meth:`read` does, for features of images that are not in the cache: (B, R, D) -> (B, R, channels) float32."""
        standard = raw.astype("float16", copy=False).astype("float32")  # float16, as the cache stores them
        standard -= self.mean  # in place: a batch is tens of megabytes
        standard /= self.std
        if self._project is None:
            return standard
        standard -= self._average
        import tensorflow as tf  # only here: the rest of the package can look at a cache without it

        # NumPy's product has threads of its own, which wait by spinning and take the cores from the training beside it.
        return tf.matmul(standard, self._project).numpy()

    def pooled(self, rows, chunk: int = 64) -> np.ndarray:
        """The mean of :meth:`read` over the regions: indices (N,) -> (N, channels) float32.

        All that ``read`` does is linear, so here it is done after the mean, which is quicker by the number of regions.
        """
        means = np.concatenate([self.raw[part].mean(axis=1, dtype="float32") for part in _parts(rows, chunk)])
        standard = (means - self.mean) / self.std
        return standard if self._project is None else (standard - self._average.mean(axis=0)) @ self._project

    @functools.cached_property
    def index(self) -> dict[str, int]:
        """``image_id`` -> row."""
        return {name: row for row, name in enumerate(self.rows["image_id"])}


def _parts(rows, size: int) -> list[np.ndarray]:
    """Row numbers, so many at a time: on their way features take several times the memory of the result. At least one part."""
    rows = np.asarray(rows, int)
    return [rows[start : start + size] for start in range(0, max(1, len(rows)), size)]


def read_manifest(folder: Path) -> dict | None:
    path = folder / "manifest.json"
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CacheError(f"{path}: not readable as a manifest ({error}); delete the folder {folder}") from error


def write_manifest(folder: Path, manifest: dict) -> None:
    paths.write_text(folder / "manifest.json", json.dumps(manifest, indent=1))
