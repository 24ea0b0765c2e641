"""The attention browser's text as HTML: the words' style, what the model considered, the curves, the marked reference.

Pure functions of a :class:`mrg_helpers.browsing.Report`. They use the classes of ``web/browser.css``, so a notebook and
an exported page look alike. Whatever comes from a report is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np

from .browsing import Report
from .marks import AGREES, INVENTED, MISSED, pieces
from .pictures import data_uri

KINDS = {AGREES: "both reports assert", MISSED: "missed by the model", INVENTED: "invented by the model"}
STYLE = (Path(__file__).parent / "web" / "browser.css").read_text(encoding="utf-8")
SHADE = 0.5  # of a word of probability 0, as in browser.css; light letters on a dark page can be read on it, too
_BORDERS = {AGREES: "solid #009e73", INVENTED: "dashed #d55e00"}


def block(*parts: str) -> str:
    """Pieces of HTML in the look of the attention browser."""
    return f'<div class="mrg-attention mrg-in-notebook">{"".join(parts)}</div>'


def tooltips(report: Report) -> list[str]:
    """What a pointer or a screen reader is told about each word."""
    return [f"probability {p:.2f}{_said(mark)}" for p, mark in zip(report.probabilities, report.marks, strict=True)]


def _said(mark) -> str:
    return f"; {KINDS[mark.kind]}: {mark.name}" if mark else ""


def shading(report: Report, selector: str) -> str:
    """The style of the words: darker where the model was unsure, a line under what agrees or is invented.

    Args:
        selector: of the words' buttons, which stand side by side.
    """
    rules = []
    for k, (p, mark) in enumerate(zip(report.probabilities, report.marks, strict=True), 1):
        line = f"border-bottom: 3px {_BORDERS[mark.kind]} !important; " if mark else ""
        rules.append(
            f"{selector}:nth-of-type({k}) {{ {line}background: rgb(230 159 0 / {SHADE * (1 - p):.2f}) !important }}"
        )
    return f"<style>{' '.join(rules)}</style>"


def highlight(report: Report, word: int, selector: str, whole_sentence: bool) -> str:
    """The style of the current word, and of its sentence where the whole of it counts."""
    if not report.words:
        return ""
    rules = ""
    if whole_sentence:
        same = np.flatnonzero(report.sentences == report.sentences[word])
        some = f":nth-of-type(n+{same[0] + 1}):nth-of-type(-n+{same[-1] + 1})"
        rules = f"{selector}{some} {{ box-shadow: 0 0 0 1px currentColor !important }} "
    now = f"{selector}:nth-of-type(n+{word + 1}):nth-of-type(-n+{word + 1})"
    look = "background: #e69f00 !important; color: #111 !important; box-shadow: 0 0 0 2px currentColor !important"
    return f"<style>{rules}{now} {{ {look} }}</style>"


def state(report: Report, word: int) -> str:
    """The current word with its probability, and the words that the model considered in its place."""
    if not report.words:
        return '<p class="mrg-state">The report is empty.</p>'
    here, p, mark = report.words[word], report.probabilities[word], report.marks[word]
    found = report.alternatives or []
    rows = "".join(
        f"<li{' class=mrg-chosen' if other == here else ''}><span>{escape(other)}</span>"
        f'<i style="width: {45 * chance:.1f}%"></i><span>{chance:.2f}</span></li>'
        for other, chance in report.considered(word)
    )
    most = max((len(report.considered(k)) for k in range(len(found))), default=0)  # room for all, so nothing jumps
    label = "words that the model considered here, with their probabilities"
    return (
        f'<p class="mrg-state" role="status">Word {word + 1} of {len(report.words)}: <b>{escape(here)}</b>'
        f" · probability {p:.2f}{' ·' if mark else ''}{escape(_said(mark).lstrip(';'))}</p>"
        f'<ol class="mrg-others" aria-label="{label}" style="min-height: {1.6 * most:.1f}em">{rows}</ol>'
    )


def curves(report: Report, word: int) -> str:
    """Entropy and gate over the words, with the current word marked, and their values there."""
    if not report.words:
        return ""
    last = max(1, len(report.words) - 1)
    at = 100 * word / last if len(report.words) > 1 else 50
    lines = [("mrg-entropy", "entropy (1, at the top: looks everywhere alike)", report.entropy)]
    if report.beta is not None:
        lines.append(("mrg-beta", "gate beta", report.beta))
    drawn = "".join(_curve(values, last, name) for name, _, values in lines)
    key = " ".join(
        f'<span><i class="{name}"></i> {text} <b>{values[word]:.2f}</b></span>' for name, text, values in lines
    )
    return (
        f'<div class="mrg-chart"><svg viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true">'
        f'<line x1="{at:.2f}" x2="{at:.2f}" y1="0" y2="40"/>{drawn}</svg>'
        f'<p class="mrg-soft">{key}</p></div>'
    )


def _curve(values: Sequence[float], last: int, name: str) -> str:
    points = " ".join(f"{100 * k / last:.2f},{2 + 36 * (1 - value):.2f}" for k, value in enumerate(values))
    return f'<polyline class="{name}" points="{points}"/>'


def comparison(report: Report, reference: str | None) -> str:
    """The reference with the findings that agree or are missed marked, and a list of these and of the invented ones."""
    if reference is None:
        return ""
    if not reference.strip():
        return "<h4>Reference report</h4><p>This study has no reference text.</p>"
    text = "".join(
        f'<mark class="mrg-{mark.kind}" title="{KINDS[mark.kind]}: {escape(mark.name)}">{escape(part)}</mark>'
        if mark
        else escape(part)
        for part, mark in pieces(reference, report.reference_marks)
    )
    marks = [*report.reference_marks, *(mark for mark in report.marks if mark)]
    rows = "".join(
        f'<li><span class="mrg-{kind}">{words}</span>: '
        f"{escape(', '.join(dict.fromkeys(mark.name for mark in marks if mark.kind == kind)) or 'nothing')}</li>"
        for kind, words in KINDS.items()
    )
    return f'<h4>Reference report</h4><p>{text}</p><ul class="mrg-found">{rows}</ul>'


def figure(image: np.ndarray, caption: str, title: str, frame: tuple[int, int], *below: str) -> str:
    """An image in a frame of (width, height), with its caption, which a screen reader is told too."""
    picture = f'<img class="mrg-image" alt="{escape(f"{title}: {caption}")}" decoding="sync" src="{data_uri(image)}">'
    text = f"<figure>{picture}<figcaption>{escape(caption)}</figcaption>{''.join(below)}</figure>"
    return block(text).replace(">", f' style="--frame: {frame[0]} / {frame[1]}">', 1)


def scale(cmap_colours: np.ndarray, top: float) -> str:
    """What the colours of the heat-map mean; ``cmap_colours`` (256, 3) uint8."""
    steps = ", ".join(f"rgb({r} {g} {b})" for r, g, b in cmap_colours[::51])
    bar = f'<i style="background: linear-gradient(to right, {steps})"></i>'
    return f'<p class="mrg-scale mrg-soft">attention of a cell: 0{bar}<span>{top:.2f}</span></p>'
