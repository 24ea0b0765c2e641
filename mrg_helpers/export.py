"""The attention browser without a kernel: a self-contained page, or a piece of one, that works on any machine.

X-rays, words and weights lie in the page itself, and a small script (``web/``) draws them. Nothing is fetched. All text
travels as JSON and is put on the page as text, never as HTML, so a report that contains ``<script>`` shows as text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from .browsing import Report, Shown, View, frame, prepare
from .heatmaps import COLOUR_MAPS, colours_of, edges
from .marks import Mark, pieces
from .paths import write_text
from .pictures import data_uri

WEB = Path(__file__).parent / "web"
LEVELS = 999  # of a weight: the strongest one of a study is written as 999

_FRAGMENT = Template("""<div class="mrg-attention"$page data-key="$key">
<style>
$style</style>
<div class="mrg-body"><p>The attention browser needs its script, which is switched off here (in JupyterLab: trust the notebook).
Not for clinical use.</p></div>
<script>
(() => {
"use strict";
const DATA = $data;
const KEY = "$key";
$script})();
</script>
</div>
""")
_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --ink: #1f2937; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e5e7eb; --page: #111827; } }
body { max-width: 1180px; margin: 0 auto; padding: 20px 24px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 1.35rem; margin: 0; }
</style>
</head>
<body>
<h1>$title</h1>
<p><strong>Not for clinical use.</strong> Where a model attends is a clue to what moved it, not an explanation.</p>
<main>
$fragment</main>
</body>
</html>
""")


def attention_fragment(studies: Sequence[Mapping], grid: tuple[int, int], note: str = "", size: int = 512) -> str:
    """The attention browser as a piece of HTML, for a place in a page of one's own or ``display(HTML(...))``.

    Several pieces may stand on one page; their styles touch nothing else.

    Args:
        studies, grid, size: see :func:`mrg_helpers.browsing.prepare`.
        note: a line under the picture, such as "random features (no ImageNet weights found)".

    Raises:
        ValueError: if there is no study, or one whose arrays do not fit its words and the grid.
    """
    return _fragment(studies, grid, note, size, page="")


def attention_page(
    studies: Sequence[Mapping], grid: tuple[int, int], path: str | Path, title: str, note: str = "", size: int = 512
) -> Path:
    """Write the attention browser as one self-contained page; arguments as for :func:`attention_fragment`.

    Returns:
        The path of the page.
    """
    fragment = _fragment(studies, grid, note, size, page=" data-page")
    path = Path(path)
    write_text(path, _PAGE.substitute(title=escape(title), fragment=fragment))
    return path


def _fragment(studies: Sequence[Mapping], grid: tuple[int, int], note: str, size: int, page: str) -> str:
    shown = prepare(studies, grid, size)
    maps = {name: colours_of(name).tobytes().hex() for name in COLOUR_MAPS}
    data = {"note": note, "frame": frame(shown), "maps": maps, "studies": [_study(one) for one in shown]}
    script = "\n".join((WEB / name).read_text(encoding="utf-8") for name in ("heat.js", "panel.js", "browser.js"))
    style = (WEB / "browser.css").read_text(encoding="utf-8")
    text = _json(data)
    key = hashlib.sha256(text.encode()).hexdigest()[:12]  # by it a script finds its own place among several
    return _FRAGMENT.substitute(page=page, style=style, data=text, key=key, script=script)


def _json(data: object) -> str:
    """Compact JSON that nothing can break out of: inside ``<script>`` a browser still looks for tags and comments."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)  # other letters than ASCII are escaped
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _view(view: View) -> dict:
    boxes = [[name, _rounded(box, 1)] for name, box in view.boxes]
    return {
        "view": view.name,
        "image": data_uri(view.image),
        "size": view.image.shape[::-1],
        "boxes": boxes,
    }


def _study(shown: Shown) -> dict:
    reports = [_report(report, shown) for report in shown.reports]
    other = _view(shown.other) if shown.other else None
    return {
        "title": shown.title,
        **_view(shown.view),
        "other": other,
        "top": LEVELS,
        "peak": round(shown.top, 3),
        "reports": reports,
    }


def _report(report: Report, shown: Shown) -> dict:
    axes = [edges(rectangles) for rectangles in report.rectangles]
    text = shown.reference
    return {
        "name": report.name,
        "words": report.words,
        "weights": np.rint(report.attention * (LEVELS / (shown.top or 1))).astype(int).tolist(),
        "p": _rounded(report.probabilities),
        "entropy": _rounded(report.entropy),
        "beta": None if report.beta is None else _rounded(report.beta),
        "alternatives": None if report.alternatives is None else [
            [[word, round(p, 4)] for word, p in report.considered(k)] for k in range(len(report.words))
        ],
        "sentences": report.sentences.tolist(),
        "axes": [[[_rounded(edge, 2) for edge in axis] for axis in view] for view in axes],  # of each view its rows and columns
        "marks": [_mark(mark) for mark in report.marks],
        "reference": None if text is None else [
            [piece, *(_mark(mark) or ["", ""])] for piece, mark in pieces(text, report.reference_marks)
        ],
    }  # fmt: skip


def _mark(mark: Mark | None) -> list[str] | None:
    return [mark.kind, mark.name] if mark else None


def _rounded(values, digits: int = 3) -> list[float]:
    return [round(float(value), digits) for value in values]
