"""The tree of a beam search as a figure, the static twin of ``widgets.BeamExplorer``. ``plots`` offers it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from .beam_tree import Box, Link, fitted, window
from .charts import COLOURS, GREY, NOT_CLINICAL, new_figure, noted

if TYPE_CHECKING:
    from .beam_trace import Trace

# kind -> edge, filling, style of the line
STYLES = {
    "kept": (GREY, "#F3F4F6", "-"),
    "end": (COLOURS[2], "#E3F4EE", "-"),
    "waits": (COLOURS[2], "white", ":"),
    "dropped": ("#B6BCC6", "white", ":"),
}


def beam_tree(
    trace: Trace, first: int = 1, words: int = 16, columns: int = 8, rows: int = 6, title: str = "", note: str = ""
) -> Figure:
    """What a beam search kept and dropped, word by word.

    Args:
        trace: what ``beam_trace.trace`` returns.
        first, words: the first word that is drawn, and how many.
        columns: words side by side; the tree goes on in the panel below.
        rows: places in a column; what was kept always has one, the best of what was dropped fill the rest.

    The thick line leads to the winner. In each box stand the word and the score of the beginning that ends with it.
    """
    rows = max(rows, trace.settings.beams)
    last = min(first + words, len(trace.beams))
    starts = range(first, max(last, first + 1), columns)
    note = noted(NOT_CLINICAL, note)
    title = title or f"The tree of a beam search with K = {trace.settings.beams}"
    figure, axes = new_figure(len(starts), height=1.15 + len(starts) * (0.5 + 0.4 * rows), title=title, note=note)
    for axis, start in zip(axes[:, 0], starts, strict=True):
        steps = range(start, min(start + columns, last))
        axis.set(xlim=(-1.15, columns - 0.5), ylim=(rows - 0.4, -0.95))
        axis.axis("off")
        drawn = window(trace, steps, rows)
        for column, step in enumerate(steps):
            axis.text(column, -0.75, f"word {step}", ha="center", va="center", fontsize=8.5, color=GREY)
        for row in range(min(rows, trace.settings.beams + 1)):
            name = f"kept {row + 1}" if row < trace.settings.beams else "dropped"
            axis.text(-0.66, row, name, va="center", ha="right", fontsize=8, color=GREY)
        for link in drawn.links:
            _line(axis, link)
        for box in drawn.boxes:
            _box(axis, box, trace)
    return figure


def _line(axis, link: Link) -> None:
    colour, _, style = STYLES[link.kind]
    thick = (
        {"color": COLOURS[0], "linewidth": 2.4} if link.best else {"color": colour, "linewidth": 1, "linestyle": style}
    )
    axis.plot([link.column - 0.56, link.column - 0.44], [link.from_row, link.to_row], zorder=1, **thick)


def _box(axis, box: Box, trace: Trace) -> None:
    node = trace.nodes[box.node]
    edge, filling, style = STYLES[box.kind]
    edge, width = (COLOURS[0], 2) if box.best else (edge, 0.9)
    shape = {"boxstyle": "round,pad=0,rounding_size=0.08", "mutation_aspect": 1}
    axis.add_patch(
        FancyBboxPatch((box.column - 0.44, box.row - 0.36), 0.88, 0.72, facecolor=filling, edgecolor=edge,
                       linewidth=width, linestyle=style, zorder=2, **shape)
    )  # fmt: skip
    faint = GREY if box.kind in ("dropped", "waits") else "black"
    word, size = fitted("(finished)" if box.kind == "waits" else node.word, 14)
    text = {"ha": "center", "va": "center", "zorder": 3, "parse_math": False}
    axis.text(box.column, box.row - 0.13, word, fontsize=7.5 * size, color=faint, **text)
    axis.text(box.column, box.row + 0.2, f"{node.score:.2f}", fontsize=7, color=GREY, **text)
