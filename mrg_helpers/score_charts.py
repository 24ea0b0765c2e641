"""The figures that compare systems: intervals of their scores, what they write most often, the leaderboard.

Offered by ``plots`` too, like the other figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from .charts import COLOURS, GREY, beside, dodged, new_figure, noted

MARGIN = 0.7  # rows above the first and below the last


def _name_rows(axis, names: Sequence[str], width: int) -> None:
    """One row for each name, from top to bottom."""
    labels = [fill(str(name), width, max_lines=3, placeholder=" …") for name in names]
    axis.set_yticks(np.arange(len(names)), labels, parse_math=False)
    axis.set_ylim(len(names) - 1 + MARGIN, -MARGIN)
    axis.tick_params(axis="y", length=0)


def score_intervals(
    intervals: pd.DataFrame,
    scores: Sequence[str] = ("BLEU-4", "ROUGE-L", "CIDEr", "macro F1"),
    title: str = "Scores with their intervals",
    note: str = "",
    level: float = 0.95,
) -> Figure:
    """A dot and an interval for each system, a panel for each score; each score has its own scale.

    Args:
        intervals: the table of ``intervals.score_intervals``: index (system, score), columns ``estimate``, ``low``, ``high``.
        scores: what is shown; one that the table lacks is left out.
        level: what the intervals hold, for the line below the figure.

    Raises:
        ValueError: if the table has none of the scores.
    """
    there = [score for score in scores if score in intervals.index.get_level_values("score")]
    if not there:
        raise ValueError(f"none of {', '.join(scores)} is in the table of intervals")
    systems = list(dict.fromkeys(intervals.index.get_level_values("system")))
    note = noted(f"dot: the score; bar: its {level:.0%} interval over studies (bootstrap)", note)
    figure, axes = new_figure(1, len(there), 1.5 + 0.34 * len(systems), title, note, sharey=True)
    for axis, score in zip(axes[0], there, strict=True):
        values = intervals.xs(score, level="score").reindex(systems)
        for row, (estimate, low, high) in enumerate(values[["estimate", "low", "high"]].to_numpy()):
            colour = COLOURS[row % len(COLOURS)]
            axis.plot([low, high], [row, row], color=colour, linewidth=6, alpha=0.4, solid_capstyle="butt")
            axis.plot(estimate, row, "o", color=colour, markersize=3.2)  # small: an interval may be narrow
            if np.isfinite(high):
                axis.annotate(
                    f"{estimate:.3f}", (high, row), (7, 0), "data", "offset points", va="center", fontsize=8.5
                )
        axis.set_title(score, fontsize=10)
        axis.margins(x=0.05)
        right = max(1.42 * np.nanmax([values["high"].max(), 0]), 1e-3)  # room for the numbers
        axis.set_xlim(left=-0.03 * right, right=right)  # and for a dot at 0
        axis.xaxis.set_major_locator(MaxNLocator(3))
        axis.grid(axis="x")
    _name_rows(axes[0, 0], systems, 24)
    return figure


def most_frequent(table: pd.DataFrame, title: str = "What does the system write most often?", note: str = "") -> Figure:
    """A bar for each of the most frequent reports.

    Args:
        table: of ``evaluation.most_frequent``: ``report``, ``times``, ``share``, ``copied``.
    """
    figure, axes = new_figure(height=1.7 + 0.54 * len(table), title=title, note=note)
    axis, colours = axes[0, 0], [COLOURS[1] if copied else COLOURS[0] for copied in table["copied"]]
    bars = axis.barh(np.arange(len(table)), table["times"], color=colours, height=0.66)
    labels = [f"{times:,} ({share:.0%})" for times, share in zip(table["times"], table["share"], strict=True)]
    axis.bar_label(bars, labels, padding=3, fontsize=9, color=GREY)
    _name_rows(axis, [report or "(empty)" for report in table["report"]], 52)
    axis.tick_params(axis="y", labelsize=8.5)
    axis.margins(x=0.25)
    axis.set_xlabel("studies for which it was written (share of all)")
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    kinds = {"a training report, word for word": COLOURS[1], "not a training report": COLOURS[0]}
    handles = [Patch(color=colour) for colour in kinds.values()]
    axis.legend(
        handles, list(kinds), loc="lower left", bbox_to_anchor=(0, 1), fontsize=9, title="its text", alignment="left"
    )
    return figure


def leaderboard(
    table: pd.DataFrame, score: str = "macro F1", title: str = "Leaderboard", xlabel: str = "", note: str = ""
) -> Figure:
    """Every model's score, the best mean first: a panel for each data set and profile, a dot for each seed and a band from the
    lowest to the highest, a line at the mean.

    Args:
        table: of ``leaderboard.read``: ``model``, ``profile``, ``dataset``, ``seed`` and the scores. Runs without this score are
            left out.
        xlabel: the name of the score, and its unit if it has one; by default ``score``.

    Raises:
        ValueError: if no run has the score.
    """
    if score not in table or table[score].isna().all():
        raise ValueError(f"no run of the leaderboard has the score {score!r}; it has: {', '.join(table.columns)}")
    groups = list(table.dropna(subset=[score]).groupby(["dataset", "profile"], sort=True))
    rows = [group["model"].nunique() for _, group in groups]
    ratios = {"height_ratios": [n + 2 * MARGIN for n in rows]}
    height = 1.3 + sum(0.85 + 0.32 * n for n in rows)
    limit = max(1.12 * table[score].max(), 1e-3)
    figure, axes = new_figure(len(groups), 1, height, title, note, sharex=True, gridspec_kw=ratios)
    for axis, ((dataset, profile), group) in zip(axes[:, 0], groups, strict=True):
        bands = group.groupby("model")[score].agg(["mean", "min", "max", "count"])
        bands = bands.sort_values("mean", ascending=False, kind="stable")
        place = {model: row for row, model in enumerate(bands.index)}
        axis.hlines(range(len(bands)), bands["min"], bands["max"], COLOURS[0], linewidth=9, alpha=0.22)
        axis.scatter(group[score], group["model"].map(place), 34, color=COLOURS[0], alpha=0.55, edgecolors="none")
        several = np.flatnonzero(bands["count"] > 1)  # of one training the dot is all that there is
        axis.scatter(bands["mean"].iloc[several], several, 260, color=COLOURS[1], marker="|", linewidths=2.2, zorder=3)
        for row, band in enumerate(bands.itertuples()):
            seeds = f"  ({band.min:.3f} to {band.max:.3f}, {band.count} seeds)" if band.count > 1 else ""
            left = band.min > limit / 2  # there the text has more room
            axis.annotate(
                f"{band.mean:.3f}{seeds}", (band.min if left else band.max, row), (-9 if left else 9, 0), "data",
                "offset points", va="center", ha="right" if left else "left", fontsize=9,
            )  # fmt: skip
        axis.set_title(f"{dataset}, profile {profile}", loc="left", fontsize=10)
        axis.set_xlim(0, limit)
        axis.grid(axis="x")
        _name_rows(axis, list(bands.index), 32)
    axes[-1, 0].set_xlabel(xlabel or score)
    axes[0, 0].scatter([], [], 34, color=COLOURS[0], alpha=0.55, label="one seed")
    axes[0, 0].plot([], [], color=COLOURS[0], linewidth=9, alpha=0.22, label="lowest to highest")
    axes[0, 0].scatter([], [], 120, color=COLOURS[1], marker="|", linewidths=2.2, label="mean")
    axes[0, 0].legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=9)
    return figure


def treatment_dots(
    table: pd.DataFrame,
    band: tuple[float, float] | None = None,
    title: str = "The same reports, another BLEU-4",
    note: str = "",
) -> Figure:
    """One row for each way of treating the references, a dot for each system, and a line from the first row downwards.

    Args:
        table: of ``treatments.bleu4``: a row a treatment, the usual one first; a column a system.
        band: an interval of the first system's score, drawn behind the dots.
    """
    figure, axes = new_figure(height=1.6 + 0.34 * len(table), title=title, note=note)
    axis, rows = axes[0, 0], np.arange(len(table))
    if band is not None:
        label = f"{table.columns[0]}: interval over studies"
        axis.axvspan(*band, color=COLOURS[0], alpha=0.13, linewidth=0, label=label)
    for k, (system, values) in enumerate(table.items()):
        colour = COLOURS[k % len(COLOURS)]
        axis.axvline(values.iloc[0], color=colour, linewidth=1, linestyle="--", zorder=1)
        place = rows + dodged(k, table.shape[1], 0.4)
        axis.scatter(values, place, 32, color=colour, marker="os^Dv"[k % 5], label=system, zorder=3)
    first = table.iloc[:, 0]
    moved = [f"{value:.3f} ({value - first.iloc[0]:+.3f})" for value in first.iloc[1:]]
    beside(axis, [f"{first.iloc[0]:.3f}", *moved], COLOURS[0])
    _name_rows(axis, list(table.index), 40)
    axis.set_xlabel("BLEU-4 (dashed: the first row; right: the first system, and how far it has moved)")
    axis.margins(x=0.06)
    axis.grid(axis="x")
    axis.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=9)
    return figure
