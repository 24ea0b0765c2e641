"""The figure of ``exposure``: how likely words are, by their place. Offered by ``plots`` too, like the other figures."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .charts import COLOURS, new_figure, noted

FEWEST = 20  # a mean over fewer reports is not drawn, where there are places with three times as many


def word_curves(
    panels: Mapping[str, tuple[str, Mapping[str, np.ndarray]]],
    title: str = "How likely does the model find the true words?",
    note: str = "",
) -> Figure:
    """Mean log-probability against the place of a word, a line for each name.

    Args:
        panels: title of the panel -> label of its axis, and name -> (N, T) log-probabilities, NaN where a report has ended. The
            first place is 1. Places with few reports are left out.
    """
    note = noted("line: mean over the reports; band: twice its standard error", note)
    figure, axes = new_figure(1, len(panels), 3.8, title, note, sharey=True)
    for axis, (name, (xlabel, curves)) in zip(axes[0], panels.items(), strict=True):
        for (label, values), colour, marker in zip(curves.items(), COLOURS, "osD^vPX", strict=False):
            values = np.asarray(values, float)
            count = (~np.isnan(values)).sum(axis=0)
            kept = np.flatnonzero(count >= min(FEWEST, max(1, count.max(initial=0) // 3)))
            mean, error = (how(values[:, kept], axis=0) for how in (np.nanmean, np.nanstd))
            error = 2 * error / np.sqrt(count[kept])
            axis.fill_between(kept + 1, mean - error, mean + error, color=colour, alpha=0.18, linewidth=0)
            axis.plot(kept + 1, mean, marker=marker, markersize=3.5, color=colour, label=label)
        axis.set(xlabel=xlabel)
        axis.set_title(name, fontsize=10)
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axis.grid()
        if len(curves) > 1:
            axis.legend(fontsize=9)
    axes[0, 0].set_ylabel("log-probability of the true word (nats)")
    return figure
