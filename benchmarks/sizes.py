"""How much is measured. ``FULL`` is what the table reports; ``QUICK`` only shows that everything works."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The sizes of all cases.

    Attributes:
        repetitions: timed ones of each measurement; the table gives their median.
        product: rows and columns of the matrix product that sets the limit.
        images, layer, image_size: of the feature extraction; batch 16.
        reports, words, regions, channels, vocabulary: of a step of training, B, T, R, D, V.
        embedding, units, attention_units: of the model, E, U, A.
        epoch: reports of an epoch, 0 for all of R2Gen's training split. longest: words of a report, 0 leaves them as they are.
        reference_steps: how many batches of that epoch the reference does.
        written: reports that are decoded; ``reference_written``: how many of them the reference does one by one.
        cached: rows of the cache on which the memory of training is measured, D = ``cached_channels``.
        scored: reports that are scored. studies: phantoms that are written, of 1,500.
        picture: pixels of an X-ray on the screen. drafted: studies of the model that drafts; seen: pixels that it looks at.
        growth: numbers of images. simulated: rows of the sparse cache. feeds: batches read from it.
    """

    repetitions: int = 3
    product: int = 4096
    images: int = 96
    layer: str = "mixed10"
    image_size: int = 299
    reports: int = 64
    words: int = 60
    regions: int = 64
    channels: int = 512
    vocabulary: int = 1500
    embedding: int = 256
    units: int = 512
    attention_units: int = 512
    epoch: int = 0
    longest: int = 0
    reference_steps: int = 1
    written: int = 512
    reference_written: int = 2
    cached: int = 7466
    cached_channels: int = 2048
    scored: int = 590
    studies: int = 200
    picture: int = 512
    drafted: int = 60
    seen: int = 224
    growth: tuple[int, ...] = (500, 2000, 8000)
    simulated: int = 377_110
    feeds: int = 30


FULL = Sizes()
QUICK = Sizes(
    repetitions=3, product=128, images=4, layer="mixed0", image_size=75, reports=4, words=5, regions=4, channels=6,
    vocabulary=30, embedding=4, units=6, attention_units=5, epoch=24, longest=12, written=6, reference_written=3, cached=40,
    cached_channels=8, scored=20, studies=2, picture=64, drafted=16, seen=75, growth=(4, 8, 16), simulated=5000, feeds=3,
)  # fmt: skip
