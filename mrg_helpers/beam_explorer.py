"""The tree of beams of one study, with the search's settings under the reader's hands."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

import ipywidgets as ui

from .beam_tree import ROWS, Box, Link, fitted, window
from .svg import COLOURS, drawing
from .widget_parts import ACCENT, INK, LINE, MARK, PAPER, RAISED, SOFT, Widget, footer, framed, heading, row, soft

if TYPE_CHECKING:
    from .beam_trace import Trace

COLUMNS, LEFT, TOP, WIDE, HIGH = 6, 62, 26, 128, 40  # words side by side; then pixels of the drawing
BOX_WIDE, BOX_HIGH = 106, 32
LEGEND = "The thick line leads to the winner. Under each word: the score of the beginning that ends with it."
FATES = {"kept": "kept", "end": "kept, finished", "waits": "kept, finished before", "dropped": "dropped"}


class BeamExplorer(Widget):
    """Change how a beam searches and see what it kept and dropped at each word, and which reports came of it.

    Args:
        search: a function of width (int), length_penalty (float) and block_ngrams (int, 0 for off) that returns the tree of
            the search, as ``beam_trace.trace`` does. Equal settings are searched once.
        width: the beam's width at the start; the slider goes to ``widest``.
        length_penalty: at the start.
        title: which study this is.
        reference: its true report.
        note: a line under the reports, such as "random features (no ImageNet weights found)".

    The static twin is ``plots.beam_tree``.

    Raises:
        ValueError: if the width is not between 1 and ``widest``.
    """

    def __init__(
        self,
        search: Callable[[int, float, int], Trace],
        width: int = 3,
        length_penalty: float = 0.7,
        title: str = "",
        reference: str = "",
        note: str = "",
        widest: int = 6,
    ):
        if not 1 <= width <= widest:
            raise ValueError(f"a beam of width {width}: choose one from 1 to {widest}")
        self.search, self.title, self.reference, self.note = search, title, reference, note
        self._found: dict[tuple, Trace] = {}
        style, wide = {"description_width": "104px"}, ui.Layout(width="min(100%, 345px)")
        slider = {"style": style, "layout": wide, "continuous_update": False}
        self.width = ui.IntSlider(width, 1, widest, description="width K", **slider)
        self.length_penalty = ui.FloatSlider(
            length_penalty, min=0, max=3, step=0.1, description="length penalty", readout_format=".1f", **slider
        )
        self.block_ngrams = ui.Dropdown(
            options=[("off", 0), *((f"of {n} words", n) for n in (2, 3, 4))],
            description="no repeats", style=style, layout=wide,
        )  # fmt: skip
        self.word = ui.IntSlider(1, 1, 1, description="word", style=style, layout=wide)
        self.tree, self.table, self.reports = ui.HTML(), ui.HTML(), ui.HTML()
        controls = row(self.width, self.length_penalty, self.block_ngrams, self.word)
        below = row(self.table, self.reports, justify_content="space-between")
        below.layout.align_items = "stretch"
        self.table.layout = ui.Layout(flex="1 1 320px", min_width="300px")
        self.reports.layout = ui.Layout(flex="1 1 320px", min_width="300px")
        self.widget = ui.VBox([controls, self.tree, below], layout=ui.Layout(max_width="1000px"))
        for control in (self.width, self.length_penalty, self.block_ngrams):
            control.observe(self._search, "value")
        self.word.observe(self._draw, "value")
        self._search()

    def _search(self, _change=None) -> None:
        key = (self.width.value, round(self.length_penalty.value, 3), self.block_ngrams.value)
        if key not in self._found:
            self._found[key] = self.search(*key)
        self.trace = self._found[key]
        self.word.max = max(len(self.trace.beams) - 1, 1)  # a value beyond it is moved to it
        self.reports.value = framed(self._ranked(), 330, "finished reports")
        self._draw()

    def _draw(self, _change=None) -> None:
        last = len(self.trace.beams) - 1
        first = min(max(self.word.value - COLUMNS // 2, 1), max(last - COLUMNS + 1, 1))
        picture = tree_svg(self.trace, range(first, first + COLUMNS), self.word.value)
        self.tree.value = picture + soft(LEGEND)
        self.table.value = framed(self._considered(), 330, "beginnings at this word")

    def _considered(self) -> str:
        """What there was at the chosen word, as a table: the drawing's content for those who read or listen."""
        step = self.word.value
        drawn = window(self.trace, [step], 99)
        lines, style = [], "padding: 2px 8px 2px 0; text-align: left; vertical-align: top"
        for box in drawn.boxes:
            node = self.trace.nodes[box.node]
            before = self.trace.text(node.parent).split()
            start = escape(("… " if len(before) > 6 else "") + " ".join(before[-6:]))
            kind = "opacity: 0.75" if box.kind == "dropped" else ""
            said = f'{start} <b style="{MARK if box.best else ""}">{escape(node.word)}</b>'
            cells = (said, f"{math.exp(node.log_prob):.3f}", f"{node.score:.2f}", FATES[box.kind])
            lines.append(
                f'<tr style="{kind}">' + "".join(f'<td style="{style}">{cell}</td>' for cell in cells) + "</tr>"
            )
        names = ("beginning", "probability", "score", "outcome")
        head = "".join(f'<th style="{style}" scope="col">{name}</th>' for name in names)
        top = heading(f"At word {step} of {len(self.trace.beams) - 1}")
        look = "border-collapse: collapse; color: inherit; font-size: 0.92em"
        return f'{top}<table style="{look}"><tr>{head}</tr>{"".join(lines)}</table>'

    def _ranked(self) -> str:
        trace, parts = self.trace, []
        for place, number in enumerate(trace.beams[-1], 1):
            node = trace.nodes[number]
            words = node.step - node.finished
            cut = "" if node.finished else ", cut at the longest length"
            marks = f"border-left: 4px solid {ACCENT if place == 1 else LINE}; padding-left: 8px; margin: 6px 0"
            numbers = f"score {node.score:.2f}, log-probability {node.total:.2f}, {words} words{cut}"
            said = escape(trace.text(number)) or "<i>(an empty report)</i>"
            parts.append(
                f'<div style="{marks}"><b>{place}.</b> {said}<br>'
                f'<span style="color: {SOFT}; font-size: 0.92em">{numbers}</span></div>'
            )
        true = heading("Reference") + escape(self.reference) if self.reference else ""
        name = f"Reports, ranked{': ' + self.title if self.title else ''}"
        return heading(name) + "".join(parts) + true + footer(self.note)


def tree_svg(trace: Trace, steps: range, current: int) -> str:
    """The part of a tree with some words as an SVG element; the column of the ``current`` word stands out."""
    rows = max(ROWS, trace.settings.beams)
    drawn = window(trace, steps, rows)
    width, height = LEFT + COLUMNS * WIDE, TOP + rows * HIGH + 18
    parts = []
    if current in steps and current < len(trace.beams):
        x = LEFT + (current - steps.start) * WIDE
        parts.append(f'<rect x="{x}" y="2" width="{WIDE}" height="{height - 4}" rx="6" style="fill: {RAISED}"/>')
    for line in range(min(rows, trace.settings.beams + 1)):
        name = f"kept {line + 1}" if line < trace.settings.beams else "dropped"
        parts.append(f'<text x="2" y="{_middle(line) + 4}" style="fill: {SOFT}">{name}</text>')
    for column, hidden in enumerate(drawn.hidden):
        word, x = steps.start + column, LEFT + (column + 0.5) * WIDE
        middle = f'text-anchor="middle" style="fill: {INK if word == current else SOFT}"'
        parts.append(f'<text x="{x}" y="17" {middle}>word {word}</text>')
        if hidden:
            parts.append(f'<text x="{x}" y="{height - 5}" font-size="11" {middle}>and {hidden} more dropped</text>')
    parts += [_link(link) for link in drawn.links]
    parts += [_box(box, trace) for box in drawn.boxes]
    label = f"tree of beams from word {steps.start} on; the table below holds its content for word {current}"
    return drawing("".join(parts), width, height, label)


def _middle(line: int) -> float:
    return TOP + (line + 0.5) * HIGH


def _stroke(kind: str, best: bool) -> str:
    colour = COLOURS[0] if best else COLOURS[2] if kind in ("end", "waits") else SOFT
    dashes = "stroke-dasharray: 3 3;" if kind in ("dropped", "waits") else ""
    faint = "stroke-opacity: 0.6;" if kind == "dropped" else ""
    return f"stroke: {colour}; stroke-width: {2.6 if best else 1.1}; {dashes} {faint}"


def _link(link: Link) -> str:
    left, right = LEFT + link.column * WIDE - (WIDE - BOX_WIDE) / 2, LEFT + link.column * WIDE + (WIDE - BOX_WIDE) / 2
    start, end = _middle(link.from_row), _middle(link.to_row)
    middle = (left + right) / 2
    curve = f"M {max(left, LEFT - 8)} {start} C {middle} {start}, {middle} {end}, {right} {end}"
    return f'<path d="{curve}" fill="none" style="{_stroke(link.kind, link.best)}"/>'


def _box(box: Box, trace: Trace) -> str:
    node = trace.nodes[box.node]
    x, y = LEFT + (box.column + 0.5) * WIDE, _middle(box.row)
    faint = box.kind in ("dropped", "waits")
    word, size = fitted("(finished)" if box.kind == "waits" else node.word)
    fill, ink = PAPER, SOFT if faint else INK
    weight = 600 if box.best else 400
    tip = f"{trace.text(box.node)}, score {node.score:.3f}, {FATES[box.kind]}"
    return (
        f'<g><title>{escape(tip)}</title><rect x="{x - BOX_WIDE / 2}" y="{y - BOX_HIGH / 2}" width="{BOX_WIDE}" '
        f'height="{BOX_HIGH}" rx="5" style="fill: {fill}; {_stroke(box.kind, box.best)}"/>'
        f'<text x="{x}" y="{y - 2}" text-anchor="middle" font-weight="{weight}" '
        f'style="fill: {ink}; font-size: {size:.2f}em">{escape(word)}</text>'
        f'<text x="{x}" y="{y + 11}" text-anchor="middle" font-size="11" style="fill: {SOFT}">{node.score:.2f}</text></g>'
    )
