"""More and more images: the time grows in proportion and the memory does not, up to a cache as large as MIMIC-CXR's."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from mrg_helpers import encoders, extraction
from mrg_helpers.batches import batches_by_length, iterate

from . import inputs
from .measured import Measured, repeat
from .sizes import Sizes

SIDE = 75  # pixels, the least that InceptionV3 takes


def images(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """From so many small PNG files to an opened cache, with the channels' statistics, and all its rows read once."""
    count = int(variant)
    files = folder / f"{count} images"
    files.mkdir()
    rng = np.random.default_rng(0)
    names = [str(files / f"{k}.png") for k in range(count)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, (SIDE, SIDE), "uint8")).save(name, compress_level=1)
    rows = pd.DataFrame({"image_id": [f"image{k}" for k in range(count)], "path": names, "split": "train"})
    extractor = encoders.Extractor(encoders.find_weights("random", random_folder=folder), "mixed0", SIDE)
    extractor(extraction.load_images(names[:1], SIDE, "pad"))  # compiles

    def work():
        cache = extraction.extract(rows, folder / f"cache {count}", extractor, progress=False)
        for start in range(0, count, sizes.reports):
            cache.read(range(start, min(count, start + sizes.reports)))
        shutil.rmtree(cache.folder)

    return Measured(repeat(work, sizes.repetitions, warm=0), count)


def feed(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """Batches read, whitened and padded a second from a cache with so many rows, in the shuffled order of an epoch."""
    count = int(variant)
    where = folder / f"sparse {count}"
    inputs.cache(where, count, sizes, sparse=True)
    tokens, source = inputs.report_tokens(sizes, count)
    began = time.perf_counter()
    cache = inputs.cache(where, count, sizes, sparse=True)
    opened = time.perf_counter() - began
    examples = inputs.examples(lambda rows: {"features": cache.read(rows)}, tokens)
    lengths, rng, shuffled = [len(ids) for ids in tokens], np.random.default_rng(0), []

    def work():
        began = time.perf_counter()
        batches = batches_by_length(lengths, sizes.reports, rng)
        shuffled.append(time.perf_counter() - began)
        for _ in iterate(examples, batches[: sizes.feeds]):
            pass

    seconds = repeat(work, sizes.repetitions)
    seconds = [whole - order for whole, order in zip(seconds, shuffled[1:], strict=True)]
    bytes_on_disk = (where / "features.npy").stat().st_size
    values = {
        "opened in, s": opened,
        "shuffled in, s": float(np.median(shuffled)),
        "length of the file, GB": bytes_on_disk / 1e9,
    }
    return Measured(seconds, sizes.feeds, note=f"lengths of {source}", values=values)
