"""The checks of the exercises of notebook 02."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..images import Fit
from .verdicts import Wrong, call, compare, judges, need

if TYPE_CHECKING:
    import pandas as pd


@judges("02.1")
def lines_that_change(answer: Iterable[str], manifest: Mapping) -> str:
    """``answer``: the names of the printed lines of the manifest that another resize mode changes."""
    names = {answer} if isinstance(answer, str) else set(answer)
    unknown = sorted(str(name) for name in names if name not in manifest)
    need(
        not unknown,
        f"There is no line {', '.join(unknown)} in the manifest. Give the names as they are printed, in a set.",
    )
    hints = {
        "images_fingerprint": "`images_fingerprint` is that of the image files, and no file has changed.",
        "image_size": "`image_size` is the side of the square, and both modes fill the same square.",
        "grid": "`grid` is the network's, and it sees a square of the same size in both modes.",
        "weights_fingerprint": (
            "`weights_fingerprint` is that of the network, which does not care how images are resized."
        ),
        "layer": "`layer` is where the network is cut, whatever it is shown.",
    }
    for name, hint in hints.items():
        need(name not in names, hint)
    need(names, "If no line changed, the old cache would be taken for the new one, and nobody would notice.")
    need(
        "resize" in names,
        "The one line that must differ is missing: the one that says how images are brought into the square.",
    )
    extra = names - {"resize", "mean", "std"}  # these two do change where images are not square
    need(not extra, f"{', '.join(sorted(extra))} does not depend on the resize mode.")
    return (
        "Only `resize`; and that is enough. The name of the folder is made from such settings, so the old cache stays"
        " where it is."
    )


@judges("02.2")
def cache_bytes(answer: Callable) -> str:
    """``answer``: number of images, grid (H, W) and channels -> bytes of the cache on the disk."""
    expected = 1500 * 25 * 25 * 288 * 2
    likely = {
        "Every number takes two bytes: the cache holds 16-bit floats.": expected / 2,
        "That would be 32-bit floats; the cache holds 16-bit ones.": expected * 2,
        "That is for a single region an image: there are H x W of them.": 1500 * 288 * 2,
        "That counts only one side of the grid.": 1500 * 25 * 288 * 2,
        "That is in megabytes; the task asks for bytes.": expected / 1e6,
        "That is in bits; the task asks for bytes.": expected * 8,
        "That is one image; there are 1,500.": expected / 1500,
    }
    wide = call(answer, 10, (14, 18), 5)
    need(
        wide != 10 * 14 * 18 * 5 * 2 + 128,
        "The header is in it, 128 bytes. Leave it out: it does not grow with the images.",
    )
    compare(
        call(answer, 1500, (25, 25), 288),
        expected,
        likely,
        "For 1,500 images on a grid of 25 x 25 with 288 channels it should be 540,000,000.",
    )
    compare(
        wide,
        10 * 14 * 18 * 5 * 2,
        {"A grid need not be square.": 10 * 14 * 14 * 10, "A grid need not be as wide as that.": 10 * 18 * 18 * 10},
        "It is right for a square grid, and not for one of 14 x 18.",
    )
    return "mixed2 on its own grid takes half a gigabyte for 1,500 images; averaged onto 8 x 8 cells, 55 MB."


@judges("02.3")
def cell_of(answer: Callable) -> str:
    """``answer``: x and y of a pixel of the original, its ``Fit`` and the grid (H, W) -> the row and column of its cell."""
    fit = Fit(height=200, width=400, size=240, mode="pad")  # the image takes up rows 60 to 180 of the square
    for x, y, grid, wanted in (
        (370, 35, (8, 8), (2, 7)),
        (5, 5, (8, 8), (2, 0)),
        (10, 190, (8, 8), (5, 0)),
        (399, 199, (6, 12), (4, 11)),
    ):
        got = tuple(call(answer, x, y, fit, grid))
        need(len(got) == 2, "Return two numbers: the row and the column.")
        at = f"Pixel (x = {x}, y = {y}) on a grid of {grid[0]} x {grid[1]}: "
        need(
            all(float(number).is_integer() for number in got),
            at + f"a cell is counted in whole numbers, not {got}. Round down.",
        )
        got = tuple(int(number) for number in got)
        raw = int(y / 200 * grid[0]), int(x / 400 * grid[1])
        direct = int(y / 240 * grid[0]), int(x / 240 * grid[1])
        need(got != wanted[::-1] or wanted[0] == wanted[1], at + "row and column have changed places.")
        need(
            got == wanted or got != raw,
            at + "that forgets the dark bars: the image takes up only a part of the square.",
        )
        need(
            got == wanted or got != direct,
            at + "that takes pixels of the original for pixels of the square; `fit.to_network` leads from one to the"
            " other.",
        )
        need(got != (wanted[0] + 1, wanted[1] + 1), at + "rows and columns are counted from 0.")
        need(
            got == wanted,
            at + f"it lies in {wanted}, and the function says {got}. Rounding to the nearest is not rounding down.",
        )
    corner = tuple(int(number) for number in call(answer, 400, 110, fit, (8, 8)))
    need(
        corner == (4, 7),
        "The right edge of the image (x = 400) is no cell of its own: it belongs to the last column, 7, not to"
        f" {corner[1]}.",
    )
    return "The way there; `fit.box` is the way back."


@judges("02.4")
def most_alike(answer: Iterable[str], features: np.ndarray, test: pd.DataFrame) -> str:
    """``features``: (N, R, D), as a model reads them, of the rows of ``test`` (``study_id``, ``findings``). ``answer``: two ids."""
    ids = test["study_id"].tolist()
    if len(ids) < 2:
        return "This data set has no two test images to compare; try the phantom."
    pair = [answer] if isinstance(answer, str) else list(answer)
    need(len(pair) == 2, "The answer is a pair of study ids.")
    strange = [one for one in pair if one not in ids]
    need(not strange, f"{', '.join(map(str, strange))}: no study of the test split has this id.")
    need(
        pair[0] != pair[1],
        "Every image is most alike to itself. Leave the diagonal out, for example by setting it to infinity.",
    )
    chosen = tuple(sorted(ids.index(one) for one in pair))
    mean = features.mean(axis=1)  # (N, D)
    apart = _distances(mean)
    if np.isclose(apart[chosen], apart[np.triu_indices(len(ids), 1)].min(), rtol=1e-3):
        texts = [repr(test["findings"].iloc[k] or "(missing)") for k in chosen]
        return f"These two are the most alike. Their findings: {texts[0]} and {texts[1]}."
    need(chosen != _closest(-apart), "These two are the least alike: look for the smallest distance.")
    need(
        chosen != _closest(_distances(features.reshape(len(ids), -1))),
        "These are the nearest region by region. Take the mean over the regions first.",
    )
    unit = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    need(
        chosen != _closest(_distances(unit)),
        "These point in the most similar direction (cosine). The task asks for the distance.",
    )
    need(
        chosen != _closest(_distances(features.mean(axis=2))),
        "That is the mean over the channels. Take it over the regions: axis 1 of (N, R, D).",
    )
    closer = int((apart[np.triu_indices(len(ids), 1)] < apart[chosen] * 0.999).sum())
    raise Wrong(
        f"{closer} pairs are closer. Take `cache.read` of the test rows, its mean over the regions, and the Euclidean"
        " distance."
    )


def _distances(vectors: np.ndarray) -> np.ndarray:
    """(N, D) -> (N, N)."""
    vectors = vectors.astype("float64")
    squares = (vectors**2).sum(axis=1)
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * vectors @ vectors.T, 0))


def _closest(distances: np.ndarray) -> tuple[int, int]:
    """The pair with the smallest entry above the diagonal."""
    masked = np.where(np.triu(np.ones_like(distances), 1) > 0, distances, np.inf)
    return tuple(int(k) for k in np.unravel_index(masked.argmin(), masked.shape))
