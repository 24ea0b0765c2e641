"""Line charts as SVG for the widgets: drawn in a millisecond, sharp at any size, in the colours of the reader's theme.

The static figures are Matplotlib's (``charts``); it needs a tenth of a second or more for a figure, too long for each
move of a slider.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from matplotlib.ticker import MaxNLocator

from .widget_parts import INK, LINE, SOFT

# Of Okabe and Ito's colours those that stand out on white and on black alike.
COLOURS = ("#2E8BC0", "#E1730F", "#009E73", "#CC79A7")
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 44, 40  # room for ticks, labels and legend


@dataclass(frozen=True)
class Axis:
    """One axis of a chart: its label, its ends (from the data where None), and how its ticks are written."""

    label: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    integer: bool = False
    form: str = "{:g}"

    def fitted(self, values: Sequence[float]) -> Axis:
        """The same axis with both ends known."""
        low = self.low if self.low is not None else min(values)
        high = self.high if self.high is not None else max(values)
        if high <= low:  # one value only: room around it
            low, high = (low / 2, low * 2) if self.log else (low - 0.5, low + 0.5)
        return Axis(self.label, low, high, self.log, self.integer, self.form)

    def place(self, value: float) -> float:
        """Where a value lies between the ends, from 0 to 1."""
        low, high, value = (math.log(v) if self.log else v for v in (self.low, self.high, value))
        return (value - low) / (high - low)

    def ticks(self) -> list[float]:
        """Round numbers between the ends."""
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            values = [digit * 10.0**decade for decade in decades for digit in (1, 2, 5)]
        else:
            values = MaxNLocator(5, steps=[1, 2, 5, 10], integer=self.integer).tick_values(self.low, self.high)
        return [float(v) for v in values if self.low - 1e-9 <= v <= self.high + 1e-9]


def line_chart(
    series: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    x: Axis,
    y: Axis,
    marks: Mapping[str, float] | None = None,
    size: tuple[int, int] = (440, 230),
    dots: bool = True,
) -> str:
    """A chart of lines as an SVG element.

    Args:
        series: for each name its xs and ys, of one length; NaN is left out.
        marks: for each label a value of x, drawn as a dashed line.
        size: width and height in pixels; on a narrow page it shrinks.
        dots: a dot at each value.
    """
    points = {name: [(a, b) for a, b in zip(*both, strict=True) if math.isfinite(b)] for name, both in series.items()}
    every = [point for some in points.values() for point in some]
    width, height = size
    parts = []
    if every:
        x, y = x.fitted([a for a, _ in every]), y.fitted([b for _, b in every])

        def at(a: float, b: float) -> tuple[float, float]:
            return (
                LEFT + x.place(a) * (width - LEFT - RIGHT),
                height - BOTTOM - y.place(b) * (height - TOP - BOTTOM),
            )

        parts += [_tick(at(x.low, v), at(x.high, v), y.form.format(v), "end", -6, 4) for v in y.ticks()]
        parts += [_tick(at(v, y.low), None, x.form.format(v), "middle", 0, 16) for v in x.ticks()]
        for label, value in (marks or {}).items():
            parts.append(_mark(at(value, y.low), at(value, y.high), label, width))
        for (_, some), colour in zip(points.items(), COLOURS, strict=False):
            placed = [at(*point) for point in some]
            line = " ".join(f"{a:.1f},{b:.1f}" for a, b in placed)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2.2"/>')
            if dots:
                parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.8" fill="{colour}"/>' for a, b in placed]
    else:
        parts.append(_text(width / 2, height / 2, "nothing to show yet", "middle", SOFT))
    offset = LEFT
    for name, colour in zip(series, COLOURS, strict=False):
        parts.append(f'<rect x="{offset}" y="7" width="16" height="4" rx="2" fill="{colour}"/>')
        parts.append(_text(offset + 21, 13, name))
        offset += 21 + 7 * len(name) + 18
    parts.append(_text(LEFT + (width - LEFT - RIGHT) / 2, height - 5, x.label, "middle", SOFT))
    parts.append(f'<g transform="rotate(-90 12 {height / 2:.0f})">{_text(12, height / 2, y.label, "middle", SOFT)}</g>')
    return drawing("".join(parts), width, height, f"{', '.join(series)} against {x.label}")


def drawing(inside: str, width: float, height: float, label: str) -> str:
    """An SVG element around what was drawn; a screen reader says its label."""
    return (
        f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width:g} {height:g}" width="100%" '
        f'style="max-width: {width:g}px; height: auto; font: 12px system-ui, sans-serif">{inside}</svg>'
    )


def _text(x: float, y: float, text: str, anchor: str = "start", colour: str = INK, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra} style="fill: {colour}">{escape(text)}</text>'


def _tick(start, end, text: str, anchor: str, right: float, down: float) -> str:
    grid = ""
    if end:
        points = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
        grid = f'<line {points} style="stroke: {LINE}; stroke-opacity: 0.45"/>'
    return grid + _text(start[0] + right, start[1] + down, text, anchor, SOFT)


def _mark(bottom, top, label: str, width: float) -> str:
    x = bottom[0]
    anchor = "start" if x < 0.2 * width else "end" if x > 0.85 * width else "middle"
    line = f'<line x1="{x:.1f}" y1="{bottom[1]:.1f}" x2="{x:.1f}" y2="{top[1]:.1f}" stroke-dasharray="5 4"'
    return f'{line} style="stroke: {INK}; stroke-width: 1.3"/>{_text(x, top[1] - 6, label, anchor)}'
