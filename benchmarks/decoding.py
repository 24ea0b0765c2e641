"""Free-running decoding: all studies of a batch at once in one graph, or one study and one word at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mrg_helpers.decoding import Decoding, generate

from . import inputs, reference
from .measured import Measured, repeat
from .sizes import Sizes


def greedy(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """The likeliest word each time; leaves the words in ``folder`` for comparison."""
    return _decode(variant, sizes, folder, Decoding("greedy", sizes.words), reference.greedy)


def beam(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """Three beams; the same."""
    return _decode(variant, sizes, folder, Decoding("beam", sizes.words, beams=3), reference.beam)


def _decode(variant: str, sizes: Sizes, folder: Path, settings: Decoding, one_by_one) -> Measured:
    model = inputs.model(sizes)
    shape = (sizes.written, sizes.regions, sizes.channels)
    features = np.random.default_rng(3).normal(size=shape).astype("float32")
    kept: list = []
    if variant == "reference":
        decoder, count = reference.Decoder(model), sizes.reference_written

        def work():
            kept[:] = [one_by_one(decoder, features[k : k + 1], sizes.words) for k in range(count)]

        note = f"{count} of {sizes.written} reports"
    else:
        count, note = sizes.written, ""

        def work():
            written = generate(model, lambda rows: {"features": features[rows]}, range(count), settings)
            kept[:] = written.tokens[: sizes.reference_written].tolist()

    seconds = repeat(work, sizes.repetitions)
    np.savez(folder / f"{settings.method}-{variant}.npz", tokens=np.array(kept))
    return Measured(seconds, count, whole=sizes.written, note=note)
