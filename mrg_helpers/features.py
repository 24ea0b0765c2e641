"""The feature cache: every X-ray goes through the image network once, and what came out stays on the disk.

Extraction is the slow part of the whole pipeline. The cache is a folder with

* ``features.npy``: (N, R, D) float16, read row by row: one vector of D channels for each of the R = H x W regions;
* ``rows.csv``: which row is which image (``image_id``, ``path``, ``split``);
* ``manifest.json``: everything the numbers depend on, how many rows are done, and the channels' mean and standard
  deviation on the training split;
* ``components.npz``: the principal components of the standardised channels, the strongest first.

Explained in ``notebooks/02_cache_inceptionv3_features.ipynb``.
"""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from . import images, paths
from .stored import StoredArray
from .whitening import channel_statistics, principal_components

if TYPE_CHECKING:
    from .encoders import Extractor


class CacheError(RuntimeError):
    """A feature cache is missing, unfinished, or made from something else than what was asked for."""


def _images_fingerprint(rows: pd.DataFrame) -> str:
    """Of the images' names, sizes, first and last bytes: any other picture changes them, and no file is read whole."""
    digest = hashlib.sha256()
    for name, path in zip(rows["image_id"], rows["path"], strict=True):
        with open(path, "rb") as file:
            head = file.read(4096)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 4096))
            digest.update(f"{name}\0{size}\0".encode() + head + file.read())
    return digest.hexdigest()[:16]


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
        self.manifest = _read_manifest(self.folder)
        if self.manifest is None:
            raise CacheError(f"{self.folder}: no feature cache here; run notebook 02 or features.extract")
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
        return self.scale(self.raw[np.asarray(rows)])

    def scale(self, raw: np.ndarray) -> np.ndarray:
        """What :meth:`read` does, for features of images that are not in the cache: (B, R, D) -> (B, R, channels) float32."""
        standard = raw.astype("float16", copy=False).astype("float32")  # float16, as the cache stores them
        standard -= self.mean  # in place: a batch is tens of megabytes
        standard /= self.std
        if self._project is None:
            return standard
        standard -= self._average
        return standard @ self._project

    def pooled(self, rows, chunk: int = 64) -> np.ndarray:
        """The mean of :meth:`read` over the regions: indices (N,) -> (N, channels) float32.

        All that ``read`` does is linear, so here it is done after the mean, which is quicker by the number of regions.
        """
        rows = np.asarray(rows, int)
        parts = [rows[start : start + chunk] for start in range(0, max(1, len(rows)), chunk)]
        means = np.concatenate([self.raw[part].mean(axis=1, dtype="float32") for part in parts])
        standard = (means - self.mean) / self.std
        return standard if self._project is None else (standard - self._average.mean(axis=0)) @ self._project

    @functools.cached_property
    def index(self) -> dict[str, int]:
        """``image_id`` -> row."""
        return {name: row for row, name in enumerate(self.rows["image_id"])}


def _read_manifest(folder: Path) -> dict | None:
    path = folder / "manifest.json"
    if not path.exists():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CacheError(f"{path}: not readable as a manifest ({error}); delete the folder {folder}") from error


def _write_manifest(folder: Path, manifest: dict) -> None:
    paths.write_text(folder / "manifest.json", json.dumps(manifest, indent=1))


def extract(
    rows: pd.DataFrame,
    folder: str | Path,
    extractor: Extractor,
    resize: str = "pad",
    batch_size: int = 16,
    progress: bool = True,
    statistics: str | Path | None = None,
) -> FeatureCache:
    """Put the features of all images into the cache in ``folder`` and open it.

    Rows are done in order, batch by batch; each batch is on the disk before the manifest says so. A run that is killed
    therefore goes on at the last batch, and ends with the same bytes as an undisturbed one. A second process that wants the
    same folder waits for the first, and says so.

    Args:
        rows: DataFrame with ``image_id`` (unique), ``path`` and ``split``; the row order is the cache's.
        folder: of the cache; made if missing.
        extractor: an :class:`mrg_helpers.encoders.Extractor`.
        resize: ``"pad"`` (keeps the shape) or ``"squash"``.
        batch_size: images a batch; it changes speed and memory only.
        progress: show a bar.
        statistics: a file with the channels' mean and deviation and their principal components, for a model that was trained with
            them (:mod:`mrg_helpers.pretrained`); it is used if this cache has the same mean to a hundredth of the deviation, and
            then the manifest names its checksum.

    Raises:
        CacheError: if the folder holds a cache of something else, or the disk is full.
        ImageError: if an image cannot be read.
        ValueError: if no row is in the training split, or an ``image_id`` stands twice.

    Explained in ``notebooks/02_cache_inceptionv3_features.ipynb``.
    """
    folder = Path(folder)
    rows = rows[["image_id", "path", "split"]].reset_index(drop=True)
    if not (rows["split"] == "train").any():
        raise ValueError("no image is in the training split, so the channels' mean and deviation cannot be computed")
    if rows["image_id"].duplicated().any():
        raise ValueError(f"image_id {rows['image_id'][rows['image_id'].duplicated()].iloc[0]!r} stands twice")
    expected = {
        "network": extractor.name,
        "layer": extractor.layer,
        "weights": extractor.weights.source,
        "weights_fingerprint": extractor.fingerprint,
        "image_size": extractor.image_size,
        "precision": extractor.precision,  # another one is another cache: its numbers are a little different
        "resize": resize,
        "grid": list(extractor.grid),
        "channels": extractor.channels,
        "images_fingerprint": _images_fingerprint(rows),
        "train_rows": hashlib.sha256(bytes(rows["split"] == "train")).hexdigest()[:16],
        "count": len(rows),
    }
    with paths.locked(folder):
        manifest = _read_manifest(folder)
        if manifest is None:
            manifest = expected | {"note": extractor.weights.note, "done": 0}
            with paths.replacing(folder / "rows.csv") as temporary:
                rows.to_csv(temporary, index=False, lineterminator="\n")
            _allocate(folder / "features.npy", (len(rows), extractor.grid[0] * extractor.grid[1], extractor.channels))
            _write_manifest(folder, manifest)
        for key, value in expected.items():
            if manifest.get(key) != value:
                raise CacheError(
                    f"{folder}: this cache was made with {key} = {manifest.get(key)!r}, not {value!r}; "
                    "choose another folder or delete it"
                )
        _fill(folder, manifest, rows, extractor, batch_size, progress)
        if "mean" not in manifest:
            raw = StoredArray(folder / "features.npy")
            train = np.flatnonzero(rows["split"] == "train")
            mean, std = channel_statistics(raw, train)
            known = _fitting(statistics, mean, std) if statistics else None
            if known:
                mean, std = known.pop("mean"), known.pop("std")
                manifest["statistics"] = hashlib.sha256(Path(statistics).read_bytes()).hexdigest()
            with paths.replacing(folder / "components.npz") as temporary:
                np.savez(temporary, **known or principal_components(raw, train, mean, std))
            _write_manifest(folder, manifest | {"mean": mean.tolist(), "std": std.tolist()})
    return FeatureCache(folder, expected)


def _fitting(statistics: str | Path, mean: np.ndarray, std: np.ndarray) -> dict | None:
    """The statistics in a file, if they are those of a cache with this mean and deviation but for rounding."""
    with np.load(statistics) as stored:
        found = {
            name: stored[name].astype("float64" if name in ("mean", "std") else "float32") for name in stored.files
        }
    alike = found["mean"].shape == mean.shape and (np.abs(found["mean"] - mean) < 0.01 * std).all()
    return found if alike else None


def _allocate(path: Path, shape: tuple[int, ...]) -> None:
    """A ``.npy`` file of that shape whose rows are still to be written."""
    needed = 2 * int(np.prod(shape))
    free = shutil.disk_usage(path.parent).free
    if needed > free:
        raise CacheError(f"{path}: needs {needed / 1e9:.1f} GB, but only {free / 1e9:.1f} GB are free; make room")
    with paths.replacing(path) as temporary, open(temporary, "wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype("<f2")), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + needed)


def load_images(files: list[str], size: int, resize: str) -> np.ndarray:
    """What the network sees of some files: paths (B,) -> (B, size, size) uint8."""
    return np.stack([images.fit(images.read(file), size, resize)[0] for file in files])


def _fill(folder: Path, manifest: dict, rows: pd.DataFrame, extractor: Extractor, batch_size: int, progress: bool):
    """Write the rows from ``manifest["done"]`` on; files are read in threads while the network computes."""
    files = rows["path"].tolist()
    done = manifest["done"]
    row_bytes = 2 * extractor.grid[0] * extractor.grid[1] * extractor.channels
    bar = tqdm(total=len(rows), initial=done, desc="features", unit="image", disable=not progress, mininterval=1)
    with open(folder / "features.npy", "r+b") as file, ThreadPoolExecutor() as readers, bar:
        header = os.path.getsize(file.name) - row_bytes * len(rows)

        def load(file: str) -> np.ndarray:
            return load_images([file], extractor.image_size, manifest["resize"])

        def prepare(start: int):
            return readers.map(load, files[start : start + batch_size])

        coming = prepare(done)
        while done < len(rows):
            batch, coming = np.concatenate(list(coming)), prepare(done + batch_size)
            values = extractor(batch)
            largest = np.abs(values).max()
            if not largest < np.finfo("float16").max:  # also true for NaN
                raise CacheError(
                    f"{folder}: a feature is {largest}, beyond float16; do the weights fit {extractor.layer}?"
                )
            try:
                file.seek(header + done * row_bytes)
                file.write(values.astype("<f2").tobytes())
                file.flush()
                os.fsync(file.fileno())
                _write_manifest(folder, manifest | {"done": done + len(batch)})
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise
                raise CacheError(
                    f"{folder}: the disk is full after {done} of {len(rows)} images ({error.strerror}); "
                    "make room and run again, it goes on from there"
                ) from error
            done = manifest["done"] = done + len(batch)
            bar.update(len(batch))
