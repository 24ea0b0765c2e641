"""Attention on the image as it was: the arithmetic that the static figures and the widgets share.

The network saw a resized copy of the X-ray and cut it into a grid of Hg x Wg cells. A heat-map is honest only if each
weight is painted where its cell really lies, so everything here starts from the cells' rectangles in pixels of the
*original* image, as ``images.Fit.box`` gives them, and never from a resized array of weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib import colormaps
from PIL import Image

Box = tuple[float, float, float, float]  # left, top, right, bottom
COLOUR_MAPS = ["plasma", "viridis", "cividis", "Reds"]  # the first three are safe for colour-blind eyes
Boxes = Sequence[Box] | Callable[[int, int, tuple[int, int]], Box]


def cell_rectangles(boxes: Boxes, grid: tuple[int, int]) -> np.ndarray:
    """The rectangles of all cells, row by row.

    Args:
        boxes: R rectangles (left, top, right, bottom) in row-major order, or a function of (row, column, grid) that
            gives one, such as ``images.Fit.box``.
        grid: (Hg, Wg), the cells of the grid.

    Returns:
        (R, 4) float, R = Hg * Wg.

    Raises:
        ValueError: if there is not one rectangle for each cell.
    """
    if callable(boxes):
        boxes = [boxes(row, column, grid) for row in range(grid[0]) for column in range(grid[1])]
    rectangles = np.asarray(boxes, float)
    if rectangles.shape != (grid[0] * grid[1], 4):
        cells = f"a grid of {grid[0]} x {grid[1]} cells needs {grid[0] * grid[1]} rectangles"
        raise ValueError(f"{cells} (left, top, right, bottom), not an array of shape {rectangles.shape}")
    return rectangles


def spread(weights: np.ndarray, rectangles: np.ndarray, shape: tuple[int, int], smooth: bool = False) -> np.ndarray:
    """Paint the weights of the cells onto an image.

    Args:
        weights: (R,), one weight per cell, row by row.
        rectangles: (R, 4), the cells in pixels of the image; what lies outside the image is cut off.
        shape: (H, W) of the image.
        smooth: interpolate between the centres of the cells. Prettier, and it hides how coarse the grid is.

    Returns:
        (H, W): the weight of the cell that each pixel lies in.
    """
    rows, columns = edges(rectangles)
    cells = np.asarray(weights, np.float32).reshape(len(rows), len(columns))
    first, second, part = _between(columns, shape[1], smooth)
    across = cells[:, first] * (1 - part) + cells[:, second] * part  # (Hg, W)
    first, second, part = _between(rows, shape[0], smooth)
    if not smooth:
        return across[first]
    return across[first] * (1 - part[:, None]) + across[second] * part[:, None]


def edges(rectangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the rows and the columns of a grid begin and end: (R, 4) -> (Hg, 2), (Wg, 2), in pixels of the image."""
    lefts = rectangles[:, 0]
    back = np.flatnonzero(np.diff(lefts) < 0)  # a row ends where the next cell lies further left
    columns = int(back[0]) + 1 if len(back) else (1 if np.ptp(lefts) == 0 else len(lefts))
    cells = rectangles.reshape(-1, columns, 4)  # (Hg, Wg, 4)
    return cells[:, 0, 1::2], cells[0, :, 0::2]


def _between(cells: np.ndarray, length: int, smooth: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Along one axis, for each pixel: the two cells that it lies between, and how much of the second it takes."""
    pixels, last = np.arange(length) + 0.5, len(cells) - 1
    marks = cells.mean(axis=1) if smooth else cells[:, 0]
    first = np.clip(np.searchsorted(marks, pixels, side="right") - 1, 0, last)
    if not smooth:
        return first, first, np.zeros(length, np.float32)
    second = np.minimum(first + 1, last)
    gaps = np.where(second > first, marks[second] - marks[first], 1)
    return first, second, np.clip((pixels - marks[first]) / gaps, 0, 1).astype(np.float32)


def shrink(image: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """An image whose longer side is at most ``size``, as uint8, and the factor that takes old pixels to new ones."""
    factor = min(1.0, size / max(image.shape))
    if image.dtype != np.uint8:
        low, high = float(image.min()), float(image.max())
        image = np.round((image - low) * (255 / (high - low or 1))).astype(np.uint8)
    if factor < 1:
        height, width = (max(1, round(side * factor)) for side in image.shape)
        image = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))
    return image, factor


def overlay(image: np.ndarray, heat: np.ndarray, top: float, cmap: str = "plasma", opacity: float = 0.7) -> np.ndarray:
    """Blend a heat-map over an X-ray.

    The colour *and* its opacity grow with the weight, so what got no attention stays the X-ray it was.

    Args:
        image: (H, W) uint8.
        heat: (H, W), the weights as ``spread`` paints them.
        top: the weight that gets the last colour at full ``opacity``; share it between maps that are to be compared.

    Returns:
        (H, W, 3) uint8.
    """
    level = (np.clip(heat * (255 / top) if top > 0 else 0 * heat, 0, 255)).astype(np.uint8)  # (H, W)
    alpha = (opacity * np.sqrt(np.arange(256) / 255)).astype(np.float32)[:, None]  # the root lets small weights be seen
    colours = alpha * colours_of(cmap)  # (256, 3)
    return (image[..., None] * (1 - alpha)[level] + colours[level]).astype(np.uint8)


def colours_of(cmap: str) -> np.ndarray:
    """The 256 colours of a colour map: (256, 3) uint8."""
    return (colormaps[cmap](np.arange(256))[:, :3] * 255).astype(np.uint8)
