"""The figures made from numbers, and the style that all figures share; ``plots`` offers them beside those of X-rays.

Every function returns a closed Matplotlib figure, so a notebook shows it exactly once: as the last line of a cell or by
``display(figure)``. ``note`` puts a line under a figure for what a reader must know to judge it, such as "random
features (no ImageNet weights found)".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill, shorten

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from cycler import cycler
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, PercentFormatter

# Okabe and Ito's colours, which stay apart for colour-blind readers
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
GREY = "#6B7280"
LABEL = {"facecolor": "white", "edgecolor": "none", "pad": 0.6}  # a number that stands on a line stays legible
WIDTH = 9.0  # inches, the width of every figure
NOT_CLINICAL = "not for clinical use"


def use_style() -> None:
    """Set the look of all figures; call it once, at the top of a notebook."""
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "font.size": 10,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "axes.prop_cycle": cycler(color=COLOURS),
            "axes.axisbelow": True,
            "grid.color": "#E5E7EB",
            "legend.edgecolor": "white",
            "image.cmap": "gray",
            "lines.linewidth": 2,
        }
    )


def new_figure(
    rows: int = 1, columns: int = 1, height: float = 3.5, title: str = "", note: str = "", **kwargs
) -> tuple[Figure, np.ndarray]:
    """A closed figure in the house's width, and its axes as a (rows, columns) array. ``height`` is in inches."""
    figure, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, height), squeeze=False, layout="constrained", **kwargs
    )  # fmt: skip
    plt.close(figure)  # it stays drawable; what ends here is pyplot's hold on it
    if title:
        figure.suptitle(fill(title, 90), fontsize=12, fontweight="bold", parse_math=False)
    if note:
        figure.supxlabel(fill(note, 130), fontsize=9, color=GREY, style="italic", parse_math=False)
    return figure, axes


def noted(*parts: str) -> str:
    """The parts of a note that say something, on one line."""
    return " · ".join(filter(None, parts))


def beside(axis, said: Sequence[str], colour=GREY) -> None:
    """Write to the right of an axis what belongs to its rows 0, 1, …"""
    for row, text in enumerate(said):
        axis.text(1.01, row, text, transform=axis.get_yaxis_transform(), va="center", fontsize=9, color=colour)


def _bars(axis, names: Sequence[str], values: Sequence[float], labels: Sequence[str] = (), colour=COLOURS[0]) -> None:
    """Horizontal bars from top to bottom, with a label, where there are some, at the end of each."""
    bars = axis.barh(np.arange(len(names)), values, color=colour, height=0.72)
    axis.set_yticks(
        np.arange(len(names)), [shorten(str(name), 64, placeholder=" …") for name in names], parse_math=False
    )
    if len(labels):
        axis.bar_label(bars, labels, padding=3, fontsize=9, color=GREY, bbox=LABEL)
    axis.invert_yaxis()
    axis.tick_params(axis="y", length=0)
    axis.margins(x=0.16, y=0.02)


def dodged(k: int, n: int, height: float) -> float:
    """How far from the middle of its row the ``k``-th of ``n`` marks stands, so that equal values do not hide each other."""
    return height * (k / (n - 1) - 0.5) if n > 1 else 0.0


def bar_counts(counts: pd.Series, title: str, xlabel: str, note: str = "") -> Figure:
    """One horizontal bar for each entry of ``counts``, in its order: common words, bigrams, impressions, tags."""
    figure, axes = new_figure(height=0.9 + 0.25 * len(counts), title=title, note=note)
    _bars(axes[0, 0], list(counts.index), counts.to_numpy(), [f"{value:,}" for value in counts])
    axes[0, 0].set_xlabel(xlabel)
    axes[0, 0].xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes[0, 0].xaxis.set_major_formatter("{x:,.0f}")
    return figure


def length_histograms(
    lengths: Mapping[str, Sequence[int]], title: str = "How long are the texts?", unit: str = "words", note: str = ""
) -> Figure:
    """A histogram for each name, over the same axis, with the median marked. Empty texts should be left out before."""
    figure, axes = new_figure(len(lengths), height=0.7 + 1.35 * len(lengths), title=title, note=note, sharex=True)
    longest = max(max(values) for values in lengths.values())
    edges = np.arange(0.5, longest + 1.5, max(1, longest // 60))
    for axis, (name, values), colour in zip(axes[:, 0], lengths.items(), COLOURS, strict=False):
        median = np.median(values)
        bins = np.append(edges, edges[-1] + edges[1] - edges[0])
        sns.histplot(x=list(values), bins=bins, color=colour, alpha=0.85, edgecolor="none", ax=axis)
        axis.axvline(median, color="black", linewidth=1.2, linestyle="--")
        axis.set_title(f"{name}: median {median:g} {unit}, {min(values)} to {max(values)}", loc="left", fontsize=10)
        axis.set_ylabel("studies")
        axis.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    axes[-1, 0].set_xlabel(f"length ({unit}; dashed: the median)")
    return figure


def missing_sections(missing: pd.DataFrame, title: str = "Which sections are missing?", note: str = "") -> Figure:
    """How often a section is missing, and which go missing together.

    Args:
        missing: (N, sections) of booleans, True where the section is empty.
    """
    together = missing.apply(lambda row: " + ".join(row.index[row]) or "nothing missing", axis=1).value_counts()
    figure, axes = new_figure(1, 2, 1.2 + 0.26 * max(len(together), missing.shape[1]), title, note)
    share = missing.mean()
    _bars(axes[0, 0], list(share.index), share, [f"{value:.1%}" for value in share])
    _bars(axes[0, 1], list(together.index), together.to_numpy(), [f"{value:,}" for value in together], COLOURS[1])
    axes[0, 0].set(title="each section", xlabel="share of studies")
    axes[0, 0].xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes[0, 1].set(title="combinations", xlabel="studies")
    for axis in axes[0]:
        axis.xaxis.set_major_locator(MaxNLocator(4))
        axis.margins(x=0.28)
        axis.set_xlim(left=0)  # also where nothing is missing
        axis.set_ylim(max(len(together), len(share)) - 0.5, -0.5)  # bars of one thickness in both
    return figure


def co_occurrence(counts: pd.DataFrame, title: str = "Which tags go together?", note: str = "") -> Figure:
    """A square table of counts as a map. The diagonal, each tag by itself, is grey, since it would drown the rest."""
    n = len(counts)
    itself = np.eye(n, dtype=bool)
    figure, axes = new_figure(height=2.2 + 0.38 * n, title=title, note=note)
    axis, small = axes[0, 0], {"fontsize": 8}
    top = max(1, counts.to_numpy()[~itself].max(initial=0))
    bar = {"label": "studies with both", "pad": 0.02}
    sns.heatmap(
        counts,
        vmin=0,
        vmax=top,
        cmap="Blues",
        annot=True,
        fmt=",d",
        annot_kws=small,
        mask=itself,
        cbar_kws=bar,
        ax=axis,
    )
    axis.set_facecolor("#E5E7EB")
    for text in axis.texts:  # on the darker blues white is the more legible
        text.set_color("white" if int(text.get_text().replace(",", "")) > 0.7 * top else "#111827")
    for k, count in enumerate(np.diag(counts)):
        axis.text(k + 0.5, k + 0.5, f"{count:,}", ha="center", va="center", **small)
    axis.set_xticks(
        np.arange(n) + 0.5, counts.columns, rotation=40, ha="right", rotation_mode="anchor", parse_math=False
    )
    axis.set_yticks(np.arange(n) + 0.5, counts.index, rotation=0, parse_math=False)
    axis.tick_params(length=0)
    axis.set(xlabel="", ylabel="")
    return figure


def sizes_scatter(
    heights: Sequence[int], widths: Sequence[int], title: str = "How large are the images?", note: str = ""
) -> Figure:
    """Width against height in pixels; the area of a dot is the number of images of that size."""
    sizes = pd.DataFrame({"height": heights, "width": widths}).value_counts().reset_index(name="images")
    figure, axes = new_figure(height=4.6, title=title, note=note)
    axis, largest = axes[0, 0], 1.08 * max(*heights, *widths)
    axis.plot([0, largest], [0, largest], color=GREY, linewidth=1, linestyle=":", label="square")
    area = 25 + 400 * sizes["images"] / sizes["images"].sum()
    axis.scatter(sizes["width"], sizes["height"], area, alpha=0.65, edgecolors="white")
    axis.scatter([], [], 60, color=COLOURS[0], alpha=0.65, label="images of one size (area: how many)")
    axis.set(xlabel="width (pixels)", ylabel="height (pixels)", xlim=(0, largest), ylim=(0, largest), aspect="equal")
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))  # inside, it would cover images
    axis.set_title(
        f"{len(heights):,} images; different sizes: {len(sizes):,}", loc="left", fontsize=10, fontweight="normal"
    )
    return figure


def coverage_curves(
    coverage: pd.DataFrame, title: str = "How many words must the vocabulary keep?", note: str = ""
) -> Figure:
    """The table of ``Vocabulary.coverage``: against its column ``k``, each other column as a curve in per cent."""
    figure, axes = new_figure(title=title, note=note)
    for name, marker in zip(coverage.columns.drop("k"), "osD^v", strict=False):
        axes[0, 0].plot(coverage["k"], coverage[name], marker=marker, markersize=4, label=name.replace("_", " "))
    axes[0, 0].set(xlabel="words kept, the most frequent first (k)", ylabel="share", xscale="log", ylim=(-0.03, 1.03))
    axes[0, 0].xaxis.set_major_formatter(lambda k, _: f"{k:,.0f}")
    axes[0, 0].yaxis.set_major_formatter(PercentFormatter(1))
    axes[0, 0].grid()
    axes[0, 0].legend()
    return figure


def training_curves(
    history: pd.DataFrame, title: str = "Training", units: Mapping[str, str] | None = None, note: str = ""
) -> Figure:
    """The curves of a training, a panel for each measure, with the epoch of the least validation loss marked.

    Args:
        history: a row per epoch: ``epoch``, ``loss``, and any of ``val_loss``, ``perplexity``, ``val_perplexity``, …
        units: axis label of a measure where its name does not say enough.
    """
    units = {"loss": "loss (nats per word)", "perplexity": "perplexity (logarithmic)"} | dict(units or {})
    measures = [name for name in history.columns if name != "epoch" and not name.startswith("val_")]
    figure, axes = new_figure(1, len(measures), 3.4, title, note)
    for axis, name in zip(axes[0], measures, strict=True):
        axis.plot(history["epoch"], history[name], marker="o", markersize=3, label="training")
        if f"val_{name}" in history:
            axis.plot(history["epoch"], history[f"val_{name}"], marker="s", markersize=3, label="validation")
        if "val_loss" in history:
            best = history["epoch"][history["val_loss"].idxmin()]
            axis.axvline(best, color=GREY, linewidth=1.2, linestyle="--")
            axis.set_title(f"dashed: epoch {best:g}, the best validation loss", fontsize=9, fontweight="normal")
        axis.set(xlabel="epoch", ylabel=units.get(name, name.replace("_", " ")))
        axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        if name == "perplexity":  # it falls from a hundred to a few, and the few are what matters
            axis.set_yscale("log")
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.yaxis.set_minor_formatter("")
        axis.grid()
    axes[0, 0].legend(loc="upper center")
    return figure


def scores_table(scores: pd.DataFrame, title: str = "Scores of the systems", note: str = "") -> Figure:
    """Bars of every score for every system; each score has its own scale.

    Args:
        scores: a row per system, a column per score.
    """
    figure, axes = new_figure(1, scores.shape[1], 1.3 + 0.36 * len(scores), title, note, sharey=True)
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(scores))]
    for axis, name in zip(axes[0], scores.columns, strict=True):
        _bars(axis, list(scores.index), scores[name], [f"{value:.3f}" for value in scores[name]], colours)
        axis.set_title(name, fontsize=10)
        axis.margins(x=0.7)
        axis.set_xlim(left=0)
        axis.xaxis.set_major_locator(MaxNLocator(2))
    axes[0, 0].set_ylim(len(scores) - 0.5, -0.5)
    return figure


def finding_f1_bars(
    findings: pd.DataFrame, title: str = "Which findings does the model name?", note: str = ""
) -> Figure:
    """F1 for each finding, with the mean marked.

    Args:
        findings: a row per finding: ``f1`` between 0 and 1, and ``cases``, the studies that truly have it.
    """
    figure, axes = new_figure(height=1.2 + 0.27 * len(findings), title=title, note=note)
    axis, mean = axes[0, 0], findings["f1"].mean()
    names = [f"{name} ({cases})" for name, cases in findings["cases"].items()]
    _bars(axis, names, findings["f1"])
    beside(axis, [f"{value:.2f}" for value in findings["f1"]])  # at the bars' ends some would stand on the mean's line
    axis.axvline(mean, color=COLOURS[1], linewidth=1.5, linestyle="--", zorder=0, label=f"mean {mean:.2f}")
    axis.set(xlim=(0, 1), xlabel="F1 of the asserted finding (in brackets: test studies that have it)")
    figure.legend(loc="outside upper right")
    return figure
