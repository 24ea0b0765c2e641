"""Pictures -> the cache on the disk: how fast, and how near to the plain network in float32."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import keras
import numpy as np

from mrg_helpers import encoders
from mrg_helpers import extraction as package

from . import inputs, machine, reference
from .measured import Measured, repeat
from .sizes import Sizes


def extraction(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """Images a second from PNG files to the disk, the channels' statistics (once a cache) left out."""
    rows, extractor = inputs.pictures(sizes, folder), _extractor(sizes, folder)
    done = {"count": len(rows), "flop": operations(extractor.network)}
    if variant == "reference":
        target = folder / "one file each"
        target.mkdir()
        work = lambda: reference.extract(extractor.network, rows["path"].tolist(), target, sizes.image_size)  # noqa: E731
        return Measured(repeat(work, sizes.repetitions), **done, note="float32")
    watched = Watched(extractor)
    seconds, statistics = [], []
    for number in range(1 + sizes.repetitions):
        began = time.perf_counter()
        package.extract(rows, folder / "cache", watched, progress=False)
        if number:  # the first one compiles
            seconds.append(watched.last - began)
            statistics.append(time.perf_counter() - watched.last)
        shutil.rmtree(folder / "cache")
    reading = repeat(lambda: package.load_images(rows["path"], sizes.image_size, "pad"), sizes.repetitions)
    values = {"files alone, images/s": len(rows) / np.median(reading), "statistics, s": float(np.median(statistics))}
    return Measured(seconds, **done, values=values, precision=extractor.precision, note=extractor.precision)


class Watched:
    """An extractor that notes when it has answered last: what follows is not done for each image, but once for the cache."""

    def __init__(self, extractor: encoders.Extractor):
        self.__dict__.update(vars(extractor))
        self._extractor = extractor

    def __call__(self, grey: np.ndarray) -> np.ndarray:
        values = self._extractor(grey)
        self.last = time.perf_counter()
        return values


def nearness(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """The least cosine of a region between the extractor and the plain network in float32, over all images."""
    rows, extractor = inputs.pictures(sizes, folder), _extractor(sizes, folder)
    grey = package.load_images(rows["path"].tolist()[:16], sizes.image_size, "pad")
    plain = extractor.network(np.repeat(grey[..., None], 3, axis=-1).astype("float32") / 127.5 - 1, training=False)
    plain, fast = np.reshape(plain, (len(grey), -1, extractor.channels)), extractor(grey)
    cosine = (plain * fast).sum(-1) / np.linalg.norm(plain, axis=-1) / np.linalg.norm(fast, axis=-1)
    return Measured([], values={"cosine": float(cosine.min())})


def _extractor(sizes: Sizes, folder: Path) -> encoders.Extractor:
    weights = encoders.find_weights("random", random_folder=folder)  # the time does not depend on the weights
    return encoders.Extractor(weights, sizes.layer, sizes.image_size, precision=quickest())


def quickest() -> str:
    """The precision in which this machine extracts: bfloat16 where the processor multiplies it, else float32."""
    return "bfloat16" if machine.has_bfloat16() and not machine.gpu() else "float32"


def operations(network: keras.Model) -> float:
    """Floating-point operations of the convolutions for one image; for InceptionV3 at 299 pixels 11.4 GFLOP."""
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    return float(sum(2 * np.prod(one.kernel.shape) * np.prod(one.output.shape[1:3]) for one in convolutions))
