"""Images become features: what fills the feature cache, and goes on where it was interrupted.

Explained in ``notebooks/02_cache_inceptionv3_features.ipynb``.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from . import images, paths
from .features import CacheError, FeatureCache, read_manifest, write_manifest
from .stored import StoredArray
from .whitening import channel_statistics, principal_components

if TYPE_CHECKING:
    from .encoders import Extractor


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
        statistics: a file with the principal components for a model that was trained with them (:mod:`mrg_helpers.pretrained`),
            and the channels' mean and deviation they belong to. They are used if this cache has the same mean to a hundredth of
            the deviation, and then the manifest names the file's checksum; mean and deviation are always the cache's own.

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
        manifest = read_manifest(folder)
        if manifest is None:
            manifest = expected | {"note": extractor.weights.note, "done": 0}
            with paths.replacing(folder / "rows.csv") as temporary:
                rows.to_csv(temporary, index=False, lineterminator="\n")
            _allocate(folder / "features.npy", (len(rows), extractor.grid[0] * extractor.grid[1], extractor.channels))
            write_manifest(folder, manifest)
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
                manifest["statistics"] = hashlib.sha256(Path(statistics).read_bytes()).hexdigest()
            with paths.replacing(folder / "components.npz") as temporary:
                np.savez(temporary, **known or principal_components(raw, train, mean, std))
            write_manifest(folder, manifest | {"mean": mean.tolist(), "std": std.tolist()})
    return FeatureCache(folder, expected)


def _fitting(statistics: str | Path, mean: np.ndarray, std: np.ndarray) -> dict | None:
    """The principal components in a file, if they belong to a cache with this mean and deviation but for rounding.

    Another processor rounds otherwise, and where eigenvalues are close that turns their axes.
    """
    with np.load(statistics) as stored:
        if stored["mean"].shape != mean.shape or (np.abs(stored["mean"] - mean) >= 0.01 * std).any():
            return None
        return {name: stored[name].astype("float32") for name in ("variances", "vectors", "average")}


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
                write_manifest(folder, manifest | {"done": done + len(batch)})
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                    raise
                raise CacheError(
                    f"{folder}: the disk is full after {done} of {len(rows)} images ({error.strerror}); "
                    "make room and run again, it goes on from there"
                ) from error
            done = manifest["done"] = done + len(batch)
            bar.update(len(batch))
