"""Boxes, arrows and strips of numbers: what the figures that explain an idea are drawn with. See ``idea_charts``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyArrowPatch, FancyBboxPatch, Rectangle

from .charts import GREY, WIDTH, new_figure

INK, PALE, LINE = "#111827", "#F3F4F6", "#9CA3AF"
Point = tuple[float, float]


def canvas(height: float, title: str, note: str = "") -> tuple[Figure, Axes]:
    """An empty figure in the house's width, whose units are tenths of an inch: (0, 0) at the lower left, (90, ``height``) at the
    upper right."""
    inches = height / 10 + (0.45 if title else 0.1) + (0.3 if note else 0)
    figure, axes = new_figure(height=inches, title=title, note=note)
    axis = axes[0, 0]
    axis.set(xlim=(0, 10 * WIDTH), ylim=(0, height), aspect="equal")
    axis.axis("off")
    return figure, axis


def tint(colour: str, strength: float = 0.16) -> tuple[float, ...]:
    """A colour mixed with white."""
    return tuple(1 - strength * (1 - part) for part in to_rgb(colour))


def box(
    axis: Axes, at: Point, extent: Point, text: str = "", colour: str = GREY, fill=None, dashed: bool = False, **kwargs
):
    """A rounded box around the point ``at`` with a text in it; ``kwargs`` go to the text."""
    (x, y), (width, height) = at, extent
    patch = FancyBboxPatch(
        (x - width / 2, y - height / 2),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=0.6",
        linewidth=1.2,
        edgecolor=colour,
        facecolor=tint(colour) if fill is None else fill,
        linestyle="--" if dashed else "-",
    )
    axis.add_patch(patch)
    if text:
        write(axis, at, text, **kwargs)


def write(
    axis: Axes, at: Point, text: str, size: float = 9, colour: str = INK, align: str = "center", **kwargs
) -> None:
    """A text around the point ``at``, or beginning (``align="left"``) or ending there; never read as mathematics."""
    options = {"ha": align, "va": "center", "fontsize": size, "color": colour, "parse_math": False}
    if "\n" in text:  # a single line that has a spacing does not stand on the common baseline
        options["linespacing"] = 1.25
    axis.text(*at, text, **options | kwargs)


def arrow(
    axis: Axes,
    start: Point,
    end: Point,
    colour: str = GREY,
    bend: float = 0.0,
    dashed: bool = False,
    width: float = 1.3,
):
    """An arrow from point to point; ``bend`` curves it."""
    patch = FancyArrowPatch(
        start,
        end,
        arrowstyle="-|>",
        mutation_scale=9,
        shrinkA=0,
        shrinkB=0,
        linewidth=width,
        color=colour,
        linestyle=(0, (3, 2)) if dashed else "-",
        connectionstyle=f"arc3,rad={bend}",
    )
    axis.add_patch(patch)


def elbow(axis: Axes, *corners: Point, colour: str = GREY) -> None:
    """A dashed line along corners, with an arrow head at its end."""
    axis.plot(*zip(*corners[:-1], strict=True), color=colour, linewidth=1.3, linestyle=(0, (3, 2)))
    arrow(axis, corners[-2], corners[-1], colour)


def strip(
    axis: Axes, at: Point, values: Sequence[float], cell: float = 1.7, cmap: str = "RdBu_r", top: float = 1.0
) -> None:
    """A vector as a column of coloured cells whose middle is ``at``; ``top`` gets the last colour, ``-top`` the first."""
    x, y = at
    colours = colormaps[cmap](np.clip((np.asarray(values) / top + 1) / 2, 0.06, 0.94))
    for k, colour in enumerate(colours):
        low = y + (len(values) / 2 - k - 1) * cell
        axis.add_patch(Rectangle((x - cell / 2, low), cell, cell, facecolor=colour, edgecolor="white", linewidth=0.8))


def chest(axis: Axes, at: Point, size: float, spot: Point | None = None, colour: str = GREY) -> None:
    """A little X-ray: two dark lungs and a heart; ``spot`` (fractions from the lower left) marks a finding."""
    x, y = at[0] - size / 2, at[1] - size / 2
    axis.add_patch(
        FancyBboxPatch(
            (x, y),
            size,
            size,
            boxstyle="round,pad=0,rounding_size=0.4",
            facecolor="#4B5563",
            edgecolor=colour,
            linewidth=1.5,
        )
    )
    for dx, tilt in ((0.3, -6), (0.7, 6)):
        axis.add_patch(
            Ellipse((x + dx * size, y + 0.53 * size), 0.28 * size, 0.66 * size, angle=tilt, facecolor="#111827")
        )
    axis.add_patch(Ellipse((x + 0.56 * size, y + 0.42 * size), 0.3 * size, 0.34 * size, angle=30, facecolor="#9CA3AF"))
    if spot:
        axis.add_patch(Ellipse((x + spot[0] * size, y + spot[1] * size), 0.13 * size, 0.13 * size, facecolor="white"))
