"""The figures of ``agreement`` and ``audit``: how far a labeller and a split can be trusted. ``plots`` offers them too."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from .charts import COLOURS, GREY, new_figure

VERDICT_COLOURS = {"leak": COLOURS[1], "beware": COLOURS[4], "clean": COLOURS[2], "not checked": "#D1D5DB"}


def agreement_dots(scores: pd.DataFrame, title: str = "Does the labeller read as people do?", note: str = "") -> Figure:
    """Precision, recall and F1 of each finding, with the findings from top to bottom.

    Args:
        scores: a row per finding: ``precision``, ``recall`` and ``F1`` between 0 and 1 (NaN is left out), and ``cases``.
    """
    figure, axes = new_figure(height=1.3 + 0.24 * len(scores), title=title, note=note)
    axis, rows = axes[0, 0], np.arange(len(scores))
    axis.hlines(rows, scores["precision"], scores["recall"], color="#D1D5DB", linewidth=3, zorder=1)
    axis.scatter(scores["precision"], rows, marker="<", color=COLOURS[0], label="precision: what it asserts is tagged")
    axis.scatter(scores["recall"], rows, marker=">", color=COLOURS[1], label="recall: what is tagged, it asserts")
    axis.scatter(scores["F1"], rows, marker="|", s=120, color="black", label="F1")
    axis.set_yticks(rows, [f"{name} ({cases:,})" for name, cases in scores["cases"].items()], parse_math=False)
    axis.set(xlim=(0, 1.03), ylim=(len(scores) - 0.5, -0.5), xlabel="in brackets: studies with the tag")
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x")
    axis.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3)
    return figure


def audit_bars(
    table: pd.DataFrame, title: str = "Does anything leak from one split to another?", note: str = ""
) -> Figure:
    """The share that each check found, coloured by its verdict.

    Args:
        table: a row per check: ``check``, ``between``, ``verdict`` (leak, beware, clean, not checked), ``count``, ``share``.
    """
    figure, axes = new_figure(height=1.3 + 0.25 * len(table), title=title, note=note)
    axis, rows, shares = axes[0, 0], np.arange(len(table)), table["share"].fillna(0).to_numpy()
    width = 1.4 * max(0.02, *shares)
    colours = [VERDICT_COLOURS[verdict] for verdict in table["verdict"]]
    axis.barh(rows, shares, color=colours, height=0.72)
    for row, (verdict, count, share) in enumerate(zip(table["verdict"], table["count"], shares, strict=True)):
        said = f"{count:,.0f} ({share:.1%})" if verdict in ("leak", "beware") else verdict
        axis.text(share + 0.02 * width, row, said, va="center", fontsize=9, color=GREY)
    for row in rows[shares == 0]:  # no bar shows the colour
        axis.plot(0, row, "o", color=colours[row], markersize=7, clip_on=False)
    names = [f"{row.check} [{row.between}]" if row.between else row.check for row in table.itertuples()]
    axis.set_yticks(rows, names, parse_math=False)
    axis.set(
        xlim=(0, width),
        ylim=(len(table) - 0.5, -0.5),
        xlabel="share of what was looked at (of two splits: in the second)",
    )
    axis.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    axis.tick_params(axis="y", length=0, pad=8)
    handles = [Patch(color=colour, label=verdict) for verdict, colour in VERDICT_COLOURS.items()]
    axis.legend(handles=handles, loc="lower right", bbox_to_anchor=(1, 1), ncols=len(handles))
    return figure
