"""The static figures of the notebooks. Each function takes arrays or a DataFrame and returns a Matplotlib figure.

No function here knows a model, a data set or a file. This module holds the figures with X-rays in them; those made from
numbers alone live in ``charts``, ``score_charts``, ``check_charts``, ``look_charts``, ``exposure_charts`` and ``beam_charts``,
those that explain an idea in ``idea_charts``, ``model_idea_charts`` and ``objective_idea_charts``, and all are offered here too: a
notebook needs one import.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import chain, product
from string import ascii_uppercase

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from .beam_charts import beam_tree
from .charts import (
    COLOURS,
    NOT_CLINICAL,
    WIDTH,
    bar_counts,
    co_occurrence,
    coverage_curves,
    finding_f1_bars,
    length_histograms,
    missing_sections,
    new_figure,
    noted,
    scores_table,
    sizes_scatter,
    training_curves,
    use_style,
)
from .check_charts import agreement_dots, audit_bars
from .exposure_charts import word_curves
from .family_charts import family_member
from .heatmaps import Box, Boxes, cell_rectangles, overlay, shrink, spread
from .idea_charts import cache_once, parallel_rays, report_to_ids
from .look_charts import finding_dots, pointing_dots, removal_curves
from .model_idea_charts import additive_attention, beam_by_hand, blind_twin, teacher_forcing
from .objective_idea_charts import three_objectives
from .score_charts import leaderboard, most_frequent, score_intervals, treatment_dots

__all__ = [
    "additive_attention",
    "agreement_dots",
    "audit_bars",
    "bar_counts",
    "beam_by_hand",
    "beam_tree",
    "blind_twin",
    "cache_once",
    "co_occurrence",
    "coverage_curves",
    "family_member",
    "feature_grid",
    "finding_dots",
    "finding_f1_bars",
    "fit_grid",
    "leaderboard",
    "length_histograms",
    "missing_sections",
    "most_frequent",
    "panel_row",
    "parallel_rays",
    "plot_attention",
    "pointing_dots",
    "removal_curves",
    "report_to_ids",
    "score_intervals",
    "scores_table",
    "show_studies",
    "sizes_scatter",
    "teacher_forcing",
    "three_objectives",
    "training_curves",
    "treatment_dots",
    "use_style",
    "word_curves",
]


def _draw(axis, image: np.ndarray, shape: tuple[int, int], title: str = "", **kwargs):
    """Show an image, possibly shrunk, in the coordinates of the original: pixels of an H x W image."""
    axis.set_title(title, fontsize=10, fontweight="normal", parse_math=False)
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    return axis.imshow(image, extent=(0, shape[1], shape[0], 0), **kwargs)


def _outline(axis, box: Box, **kwargs) -> None:
    left, top, right, bottom = box
    axis.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, **kwargs))


def show_studies(
    images: Sequence[Sequence[np.ndarray]], captions: Sequence[str], title: str = "", note: str = ""
) -> Figure:
    """Studies one below the other: the images of each side by side, its text at the right.

    Args:
        images: for each study its images, (H, W) uint8 of any size.
        captions: for each study its text; line breaks are kept.
    """
    most = max(len(views) for views in images)
    widths = [2.3] * most + [9 - 2.3 * min(most, 2)]
    letters = int(13.5 * WIDTH * widths[-1] / sum(widths))  # 13.5 letters of 9 points to the inch
    texts = ["\n".join(textwrap.fill(line, letters) for line in caption.splitlines()) for caption in captions]
    heights = [max(2.2, 0.3 + 0.165 * (text.count("\n") + 1)) for text in texts]
    ratios = {"height_ratios": heights, "width_ratios": widths}
    figure, axes = new_figure(len(images), most + 1, sum(heights) + 0.4, title, note, gridspec_kw=ratios)
    for row, views, text in zip(axes, images, texts, strict=True):
        for axis, image in zip(row, views, strict=False):
            _draw(axis, shrink(image, 480)[0], image.shape, cmap="gray", vmin=0, vmax=255)
            axis.set_anchor("N")
        for axis in row[len(views) :]:
            axis.axis("off")
        row[-1].text(0, 1, text, va="top", fontsize=9, linespacing=1.3, parse_math=False, transform=row[-1].transAxes)
    return figure


def panel_row(
    arrays: Sequence[np.ndarray],
    titles: Sequence[str],
    cmap: str = "gray",
    units: Sequence[str] | None = None,
    title: str = "",
    note: str = "",
) -> Figure:
    """Arrays side by side, each with a colour bar where ``units`` names what its values are."""
    figure, axes = new_figure(1, len(arrays), 9.6 / len(arrays) + 0.4, title, note)
    for i, (axis, array, name) in enumerate(zip(axes[0], arrays, titles, strict=True)):
        image = _draw(axis, array, array.shape, name, cmap=cmap)
        if units:
            figure.colorbar(image, ax=axis, label=units[i], shrink=0.85, location="bottom", pad=0.03)
    return figure


def feature_grid(
    image: np.ndarray, energy: np.ndarray, title: str = "What the network keeps", note: str = ""
) -> Figure:
    """An image as the network sees it, under its grid, beside the strength of the features in each cell.

    Args:
        image: (S, S), the fitted image.
        energy: (Hg, Wg), a number for each cell, such as the norm of its feature vector.
    """
    figure, axes = new_figure(1, 2, 4.3, title, note)
    _draw(axes[0, 0], image, image.shape, f"the image, {image.shape[0]} x {image.shape[1]} pixels", cmap="gray")
    rows, columns = energy.shape
    for row, column in np.ndindex(rows, columns):
        box = np.array([column / columns, row / rows, (column + 1) / columns, (row + 1) / rows])
        _outline(axes[0, 0], box * np.array(image.shape[::-1] * 2), color=COLOURS[5], linewidth=0.6)
    heat = _draw(axes[0, 1], energy, image.shape, f"its features, {rows} x {columns} cells", cmap="cividis")
    figure.colorbar(heat, ax=axes[0, 1], label="distance from the mean region", shrink=0.85)
    return figure


def fit_grid(
    image: np.ndarray,
    boxes: Boxes,
    grid: tuple[int, int],
    title: str = "Where the cells of the grid lie on the image",
    note: str = "",
) -> Figure:
    """The grid of the features on the image as it was. With padding, cells reach beyond the image.

    Args:
        image: (H, W), the original.
        boxes: the cells in pixels of the original, or ``images.Fit.box``.
        grid: (Hg, Wg).
    """
    rectangles = cell_rectangles(boxes, grid)
    figure, axes = new_figure(height=5, title=title, note=note)
    name = f"image of {image.shape[1]} x {image.shape[0]} pixels (width x height), grid of {grid[0]} x {grid[1]} cells"
    _draw(axes[0, 0], shrink(image, 800)[0], image.shape, name, cmap="gray", vmin=0, vmax=255)
    for box in rectangles:
        _outline(axes[0, 0], box, color=COLOURS[5], linewidth=0.9)
    (left, top), (right, bottom) = rectangles[:, :2].min(0), rectangles[:, 2:].max(0)
    margin = 0.01 * (right - left)
    axes[0, 0].set(xlim=(left - margin, right + margin), ylim=(bottom + margin, top - margin))
    return figure


def plot_attention(
    image: np.ndarray,
    words: Sequence[str],
    attention: np.ndarray,
    grid: tuple[int, int],
    boxes: Boxes,
    columns: int = 6,
    smooth: bool = False,
    truth_boxes: Sequence[tuple[str, Box]] = (),
    title: str = "",
    note: str = "",
    what: str = "attention",
) -> Figure:
    """A heat-map for each generated word, over the X-ray as it was.

    Where a model attends is a clue to what moved it, not an explanation. All maps share one colour scale, so a pale
    map is a word for which the model looked everywhere alike.

    Args:
        image: (H, W) uint8, the original.
        words: T words.
        attention: (T, R), R = Hg * Wg; each row sums to 1.
        grid: (Hg, Wg), the true grid of the features.
        boxes: the cells in pixels of the original, row by row, or ``images.Fit.box``. What lies beyond the image (the
            padding) is cut off.
        columns: panels in a row.
        smooth: interpolate between the cells.
        truth_boxes: pairs of a finding's name and its true box in pixels of the original, drawn on every map, with a
            letter on the X-ray, and named below.
        what: the name of what is drawn, if it is not attention.

    Raises:
        ValueError: if ``attention`` is not one row a word and one column a cell.
    """
    attention = np.asarray(attention, float)
    rectangles = cell_rectangles(boxes, grid)
    if attention.shape != (len(words), len(rectangles)):
        raise ValueError(f"{len(words)} words on a grid of {grid[0]} x {grid[1]} cells need attention of shape "
                         f"({len(words)}, {len(rectangles)}), not {attention.shape}")  # fmt: skip
    small, factor = shrink(image, 360)
    top = float(attention.max(initial=0)) or 1.0
    rows = -(-(len(words) + 1) // columns)
    aspect = image.shape[0] / image.shape[1]
    letters = chain(ascii_uppercase, map("".join, product(ascii_uppercase, repeat=2)))
    lettered = list(zip(letters, truth_boxes, strict=False))
    truth = "boxes: where the patient truly has " + ", ".join(f"{letter} {name}" for letter, (name, _) in lettered)
    note = noted(NOT_CLINICAL, truth * bool(lettered), note)
    figure, axes = new_figure(rows, columns, rows * (8.8 / columns * aspect + 0.3) + 1.0, title, note)
    for axis in axes.flat[len(words) + 1 :]:
        axis.axis("off")
    _draw(axes.flat[0], small, image.shape, "the X-ray", cmap="gray", vmin=0, vmax=255)
    for letter, (_, box) in lettered:
        _outline(axes.flat[0], box, color=COLOURS[5], linewidth=1.5)
        axes.flat[0].annotate(
            letter, (box[0], box[1]), (1.5, -1.5), textcoords="offset points", va="top", color=COLOURS[5], fontsize=7.5,
            fontweight="bold", path_effects=[withStroke(linewidth=1.8, foreground="black")],
        )  # fmt: skip
    for axis, word, weights in zip(axes.flat[1 : len(words) + 1], words, attention, strict=True):
        heat = spread(weights, rectangles * factor, small.shape, smooth)
        _draw(axis, overlay(small, heat, top), image.shape, word)
        for _, box in truth_boxes:
            _outline(axis, box, color=COLOURS[5], linewidth=1.5)
    scale = ScalarMappable(Normalize(0, top), "plasma")
    label = f"{what} per cell (alike everywhere: {1 / len(rectangles):.3f})"
    figure.colorbar(scale, ax=axes, label=label, location="bottom", aspect=60, shrink=0.6, pad=0.02)
    return figure
