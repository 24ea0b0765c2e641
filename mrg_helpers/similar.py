"""Finds near copies: texts that differ in a few words, and X-rays that were resized, compressed or brightened.

Texts are found through their rarest word sequences, so a collection of any size takes its own length in time; X-rays through
their outlines, whose comparison is fast beside reading the files. Used by ``audit``.
"""

from __future__ import annotations

import os
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence
from math import ceil, floor

import numpy as np
from PIL import Image

from . import images
from .reports import tokenize

SHINGLE = 3  # words; shorter sequences are shared by nearly all reports, longer ones break at every changed word
TINY = 1e-9  # 0.56 * 25 is not quite 14 for a computer


def shingles(text: str) -> set[tuple[str, ...]]:
    """Every sequence of three words in a text, without punctuation; of a shorter text, all of it.

    >>> sorted(shingles("No acute disease, heart normal."))
    [('acute', 'disease', 'heart'), ('disease', 'heart', 'normal'), ('no', 'acute', 'disease')]
    """
    words = [token for token in tokenize(text) if token[0].isalnum()]
    return {tuple(words[k : k + SHINGLE]) for k in range(max(1, len(words) - SHINGLE + 1))} if words else set()


class TextIndex:
    """Texts among which near copies of others are looked up.

    Two texts are as alike as the share of their shingles that both have (the Jaccard index). If that is to reach ``threshold``,
    they must share one of their rarest shingles: with n shingles, one of the n - ceil(threshold * n) + 1 rarest, since otherwise
    too few are left. So only texts that share such a rare one, and are of similar length, are compared at all, and no pair
    is missed (the prefix filter of Chaudhuri et al. 2006 and Bayardo et al. 2007).

    Args:
        texts: the texts to look among; empty ones are never found.
        threshold: above 0 and at most 1; 0.7 lets one word in ten change, or a sentence come or go.
    """

    def __init__(self, texts: Sequence[str], threshold: float = 0.7):
        if not 0 < threshold <= 1:
            raise ValueError(f"threshold {threshold}: give a share of common word sequences above 0 and at most 1")
        self.threshold = threshold
        known = [shingles(text) for text in texts]
        self._counts = Counter(shingle for found in known for shingle in found)
        ranked = sorted(self._counts, key=self._rarity)
        ranks = {shingle: rank for rank, shingle in enumerate(ranked)}
        order = sorted(range(len(texts)), key=lambda k: len(known[k]))  # short texts first, also within each entry
        self._texts = {k: tuple(sorted(ranks[shingle] for shingle in known[k])) for k in order}
        self._ranks = ranks
        self._entries: dict[int, list[int]] = {}
        for k, found in self._texts.items():
            for rank in found[: self._prefix(len(found))]:
                self._entries.setdefault(rank, []).append(k)

    def closest(self, text: str) -> tuple[int, float] | None:
        """The position of the text most like this one, and how alike they are (threshold to 1); None if none is."""
        mine = shingles(text)
        if not mine:
            return None
        first = sorted(mine, key=self._rarity)[: self._prefix(len(mine))]
        ranks = {self._ranks[shingle] for shingle in mine if shingle in self._ranks}
        shortest, longest = ceil(self.threshold * len(mine) - TINY), floor(len(mine) / self.threshold + TINY)
        candidates: set[int] = set()
        for shingle in first:
            entry = self._entries.get(self._ranks.get(shingle, -1), ())
            low = bisect_left(entry, shortest, key=self._length)
            candidates.update(entry[low : bisect_right(entry, longest, key=self._length)])
        best = None
        for k in sorted(candidates):
            common = len(ranks.intersection(self._texts[k]))
            alike = common / (len(mine) + self._length(k) - common)
            if alike >= self.threshold and (best is None or alike > best[1]):
                best = (k, alike)
        return best

    def _rarity(self, shingle: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        return self._counts[shingle], shingle

    def _length(self, k: int) -> int:
        return len(self._texts[k])

    def _prefix(self, n: int) -> int:
        return n - ceil(self.threshold * n - TINY) + 1 if n else 0


# ---------------------------------------------------------------------------------------------------------------- images

SIDE = 64  # pixels: an X-ray shrunk to this still shows each rib


def outline(path: str | os.PathLike) -> np.ndarray:
    """Where an X-ray, seen from far away, gets lighter and darker: (8064,) float16 of length 1, or all 0 for a uniform image.

    The image is shrunk to 64 x 64, and the differences of neighbouring pixels are taken, as in a difference hash. That hash
    keeps only their signs, too little to tell patients apart who share much of their anatomy; here they are kept whole. The
    brightness falls out by the difference and the contrast by the length. 1,000 X-rays take 16 MB.

    Raises:
        images.ImageError: for a file that cannot be read.
    """
    small = Image.fromarray(images.read(path)).resize((SIDE, SIDE), Image.Resampling.BOX)
    small = np.asarray(small, "float32")
    steps = np.concatenate([np.diff(small, axis=0).ravel(), np.diff(small, axis=1).ravel()])
    return (steps / max(float(np.linalg.norm(steps)), 1e-6)).astype("float16")


def alike_images(
    outlines: np.ndarray, pool: np.ndarray, least: float = 0.9, block: int = 2048
) -> list[tuple[int, int, float]]:
    """Which images have one in the pool that looks like them.

    Measured on 196 real X-rays: copies that were resized, stored as a poor JPEG or brightened have a similarity of 0.93 to 1 with
    the original, X-rays of different patients at most 0.73. Synthetic patients share much of their anatomy and reach 0.97.
    Copies that were cut, turned or mirrored are not found.

    Args:
        outlines: (N, 8064). pool: (M, 8064). least: the least similarity, at most 1.
        block: rows that are compared at a time; it changes the memory only.

    Returns:
        ``(row of outlines, row of pool, similarity)`` of each that has one: the most similar.
    """
    best, match = np.full(len(outlines), -1.0, "float32"), np.zeros(len(outlines), int)
    for start in range(0, len(outlines), block):
        mine = slice(start, start + block)
        rows = np.arange(len(outlines[mine]))
        here = outlines[mine].astype("float32")
        for first in range(0, len(pool), block):
            similarity = here @ pool[first : first + block].astype("float32").T  # (rows, pool rows)
            nearest = similarity.argmax(axis=1)
            better = similarity[rows, nearest] > best[mine]
            match[mine] = np.where(better, first + nearest, match[mine])
            best[mine] = np.maximum(best[mine], similarity[rows, nearest])
    return [(int(row), int(match[row]), min(float(best[row]), 1.0)) for row in np.flatnonzero(best >= least)]
