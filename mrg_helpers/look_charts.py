"""The figures of ``looking``: where the attention peaks, what a word hangs on, which findings survive wrong images.

Offered by ``plots`` too, like the other figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from .charts import COLOURS, GREY, dodged, new_figure, noted

GAMES = {"meets": "the cell of the peak meets the box", "centre": "the centre of that cell lies in the box"}
PLAYERS = {
    "chance": ("|", 90, GREY, "a random cell"),
    "average map": ("D", 26, COLOURS[4], "always where it looks on average"),
    "same finding, other patients": ("s", 26, COLOURS[2], "where it looks for this finding in others"),
}


def pointing_dots(table: pd.DataFrame, title: str = "Does it look at what it names?", note: str = "") -> Figure:
    """The pointing game: a bar for each finding, and marks for those who do not look at this patient.

    Args:
        table: of ``looking.pointing_table``: a row per finding and the row ``all``; columns ``("namings", "")`` and pairs of game
            and player.
    """
    note = noted("number: the model's share", note)
    figure, axes = new_figure(1, 2, 2.0 + 0.3 * len(table), title, note, sharey=True)
    rows = np.arange(len(table)) + 0.6 * (table.index == "all")  # the last row stands apart
    for axis, (game, name) in zip(axes[0], GAMES.items(), strict=True):
        values = table[(game, "model")]
        bars = axis.barh(rows, values, color=COLOURS[5], height=0.72, zorder=1, label="the model")
        for bar in np.array(bars)[table.index == "all"]:  # an outline: the marks have to stand out on all bars
            bar.set(edgecolor=COLOURS[0], linewidth=1.5)
        for row, value in zip(rows, values, strict=True):  # in a column of their own: marks may lie anywhere
            axis.annotate(f"{value:.2f}", (1.16, row), ha="right", va="center", fontsize=9, color=GREY)
        for player, (marker, size, colour, label) in PLAYERS.items():
            place = rows + dodged(list(PLAYERS).index(player), len(PLAYERS), 0.4)
            axis.scatter(table[(game, player)], place, size, color=colour, marker=marker, zorder=3, label=label)
        axis.set(xlim=(-0.02, 1.17), xticks=[0, 0.25, 0.5, 0.75, 1], xlabel="share of namings (in brackets: how many)")
        axis.set_title(name, fontsize=10, fontweight="normal", pad=40)  # the legend lies between
        axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axis.tick_params(axis="y", length=0)
        axis.grid(axis="x")
    names = [f"{name} ({count})" for name, count in table[("namings", "")].items()]
    axes[0, 0].set_yticks(rows, names, parse_math=False)
    axes[0, 0].set_ylim(rows[-1] + 0.7, -0.7)
    _legend_above(axes[0, 0], ncols=2)
    return figure


def removal_curves(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]],
    counts: Sequence[int],
    title: str = "What does the word hang on?",
    note: str = "",
) -> Figure:
    """Deletion at the left, insertion at the right, a line for each order of the regions.

    Args:
        curves: name of the order -> the two arrays (S, M) of ``looking.deletion_insertion``.
        counts: S numbers of regions, from 0 to all.
    """
    note = noted("line: mean over the namings; band: twice its standard error", note)
    figure, axes = new_figure(1, 2, 3.7, title, note, sharey=True)
    for axis, part, name in zip(axes[0], (0, 1), ("deletion", "insertion"), strict=True):
        for (order, both), colour, marker in zip(curves.items(), COLOURS, "osD^v", strict=False):
            values = np.asarray(both[part], float)
            mean, error = values.mean(axis=1), values.std(axis=1) / sqrt(values.shape[1])
            axis.fill_between(counts, mean - 2 * error, mean + 2 * error, color=colour, alpha=0.18, linewidth=0)
            axis.plot(counts, mean, marker=marker, markersize=4, color=colour, label=order)
        axis.set_xscale("symlog", linthresh=1, base=2)
        axis.set_xticks(counts, [str(count) for count in counts])
        axis.minorticks_off()
        what = "taken away" if part == 0 else "put in, the others blank"
        axis.set(xlabel=f"regions {what} (of {counts[-1]}; each step doubles)")
        axis.set_title(name, fontsize=10, pad=24)  # the legend lies between
        axis.grid()
    axes[0, 0].set_ylabel("log-probability of the word (nats)")
    _legend_above(axes[0, 0], ncols=len(curves))
    return figure


def finding_dots(
    f1: pd.DataFrame, title: str = "Which findings survive wrong images?", note: str = "", xlabel: str = "F1"
) -> Figure:
    """A dot for each system in the row of each finding.

    Args:
        f1: a row per finding (its label), a column per system, values between 0 and 1; NaN is left out.
    """
    figure, axes = new_figure(height=1.5 + 0.27 * len(f1), title=title, note=note)
    axis, rows = axes[0, 0], np.arange(len(f1))
    axis.hlines(rows, 0, 1, color="#E5E7EB", linewidth=1, zorder=0)
    for k, (system, colour, marker) in enumerate(zip(f1.columns, COLOURS, "osD^vPX", strict=False)):
        axis.scatter(
            f1[system], rows + dodged(k, f1.shape[1], 0.4), 26, color=colour, marker=marker, label=system, alpha=0.9
        )
    axis.set_yticks(rows, [str(name) for name in f1.index], parse_math=False)
    axis.set(xlim=(-0.02, 1.02), ylim=(len(f1) - 0.5, -0.5), xlabel=xlabel)
    axis.tick_params(axis="y", length=0)
    axis.set_title(" ", pad=12)  # room for the legend
    _legend_above(axis, ncols=min(5, f1.shape[1]))
    return figure


def _legend_above(axis, **kwargs) -> None:
    """A legend over the left end of the figure, where it hides nothing; it may be wider than its axes."""
    legend = axis.legend(loc="lower left", bbox_to_anchor=(0, 1), fontsize=9, borderaxespad=0.2, **kwargs)
    legend.set_in_layout(False)
