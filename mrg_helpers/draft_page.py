"""A draft as one self-contained page: to read, to edit, to copy and to print on one sheet. It fetches nothing.

Whatever comes from a model, a report or a header is escaped. "Draft, not for clinical use" is part of the page and of its print.
"""

from __future__ import annotations

import base64
import io
import os
from html import escape
from pathlib import Path
from string import Template

import numpy as np
from PIL import Image

from . import export, paths
from .drafts import NOTICE, Draft
from .heatmaps import shrink
from .sureness import DRAWN, LEAST, Sentence

WEB = Path(__file__).parent / "web"
LONGEST = 1600  # pixels; enough for a screen and for print, small enough to send

_PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>Chest X-ray, draft report, not for clinical use</title>
<style>
$style
@media print { :root { $print } }
:root.printing { $print & { width: var(--paper); } }
</style>
</head>
<body>
<p class="notice">$notice</p>
<header>
<h1>Chest X-ray: draft report</h1>
<p class="soft">Written by a computer on $made. No person has checked it.</p>
$header$indication$warnings</header>
<main>
<div class="columns">
<figure class="seen"><img alt="The X-ray, $view view" src="$image">
<figcaption>$view view$scale. <button class="link enlarge" data-script hidden>enlarge</button></figcaption></figure>
<div>
<h2 id="draft">Draft <span class="soft edited" hidden>(edited by hand)</span></h2>
<div class="text" role="textbox" aria-multiline="true" aria-labelledby="draft" contenteditable="true"
spellcheck="false">$sentences</div>
<p class="buttons"><button class="copy main" data-script hidden>Copy</button>
<button class="print" data-script hidden>Print</button> <span class="soft said" role="status"></span></p>
<div class="legend soft">
$legend</div>
$other</div>
</div>
<section>
<h2>The nearest training case</h2>
<div class="case"><img alt="The X-ray of the nearest training case" src="$neighbour_image">
<div><p class="report">$neighbour_report</p>
<p class="soft">Another patient: study $neighbour_name, whose X-ray looks most like this one to the model (likeness $likeness;
1 is the same picture). Its report is no statement about this patient.</p></div></div>
</section>
$attention</main>
<footer>
<dl class="facts">$facts</dl>
<p class="notice">$notice</p>
</footer>
<script>
$script</script>
</body>
</html>
""")


def write(draft: Draft, path: str | os.PathLike) -> None:
    """Write the page of a draft, whole or not at all."""
    paths.write_text(path, page(draft))


def page(draft: Draft) -> str:
    """The page of a draft as HTML."""
    read = {name: (WEB / name).read_text(encoding="utf-8") for name in ("draft.css", "draft_print.css", "draft.js")}
    shown, scale = shrink(draft.image, LONGEST)
    case, _ = shrink(draft.neighbour.image, 500)
    values = {
        "notice": escape(NOTICE),
        "made": escape(f"{draft.made.day} {draft.made:%B %Y, %H:%M}"),
        "header": _header(draft),
        "indication": _indication(draft),
        "warnings": _warnings(draft),
        "view": escape(draft.view.capitalize()),
        "image": _picture(shown),
        "scale": f", shown at {scale:.0%} of its {draft.image.shape[1]} x {draft.image.shape[0]} pixels" * (scale < 1),
        "other": _other(draft),
        "sentences": " ".join(map(_sentence, draft.sentences)),
        "legend": _legend(draft),
        "neighbour_image": _picture(case),
        "neighbour_report": escape(draft.neighbour.report),
        "neighbour_name": escape(draft.neighbour.name),
        "likeness": f"{draft.neighbour.likeness:.2f}",
        "attention": _attention(draft),
        "facts": _facts(draft),
        "style": read["draft.css"],
        "print": read["draft_print.css"],
        "script": read["draft.js"],
    }
    return _PAGE.substitute(values)


def _picture(image: np.ndarray) -> str:
    """Pixels only: what a file says of itself does not get into the page."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=92)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _header(draft: Draft) -> str:
    if not draft.header:
        return ""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value) or '(not in the file)'}</dd></div>"
        for name, value in draft.header.items()
    )
    return f'<dl class="patient">{rows}</dl>\n'


def _indication(draft: Draft) -> str:
    if not draft.indication:
        return ""
    read = "The model read it." if draft.read_indication else "The model does not read it."
    return f'<p class="indication">Indication: {escape(draft.indication)} <span class="soft">{read}</span></p>\n'


def _warnings(draft: Draft) -> str:
    if not draft.warnings:
        return ""
    first = ' class="first"' if draft.familiarity.unfamiliar else ""
    rows = "".join(f"<li{first if k == 0 else ''}>{escape(text)}</li>" for k, text in enumerate(draft.warnings))
    return f'<ul class="warnings" role="alert">{rows}</ul>\n'


def _other(draft: Draft) -> str:
    if draft.other is None:
        return ""
    picture, name = _picture(shrink(draft.other, LONGEST)[0]), escape(draft.other_view.capitalize())
    return (
        f'<figure class="further"><img alt="The X-ray, {name} view" src="{picture}">'
        f"<figcaption>{name} view. The model {'looked' if draft.looked_at_other else 'did not look'} at it"
        f"{' too' if draft.looked_at_other else ''}.</figcaption></figure>\n"
    )


def _sentence(one: Sentence) -> str:
    kind = "unjudged" if one.sureness is None else "unsure" if one.marked else ""
    sure = "" if one.sureness is None else f"{one.sureness:.0%}"
    text = escape(one.text)
    return f'<span class="{kind}" data-sure="{sure}" data-text="{text}">{text}</span>'


def _legend(draft: Draft) -> str:
    marked = sum(one.marked for one in draft.sentences)
    unjudged = sum(one.sureness is None for one in draft.sentences)
    lines = []
    if marked:
        lines.append(
            f'<span class="unsure">Marked</span>: the model is least sure here. Of {DRAWN} reports that it drew for this picture, '
            f"fewer than {LEAST:.0%} say the same of the findings that the sentence names; the number tells how many."
        )
    elif draft.sentences:
        lines.append(
            f"No sentence is marked: of {DRAWN} reports that the model drew for this picture, at least {LEAST:.0%} say the same of "
            "each finding. It can still be wrong."
        )
    if unjudged:
        lines.append('<span class="unjudged">Dotted</span>: names no finding that could be compared.')
    if draft.considered:
        names = ", ".join(f"{escape(name)} ({share:.0%})" for name, share in draft.considered.items())
        lines.append(f"Not in the draft, but in many of the drawn reports: <strong>{names}</strong>.")
    return "".join(f"<p>{line}</p>\n" for line in lines)


def _attention(draft: Draft) -> str:
    if not draft.words:
        return ""
    if not np.any(draft.attention):
        return '<p class="soft">Where the model looked cannot be shown: it has no attention, and reads the image as a whole.</p>\n'
    study = {
        "title": "This X-ray",
        "image": draft.image,
        "view": draft.view,
        "words": draft.words,
        "attention": draft.attention,
        "log_probs": draft.log_probs,
        "rectangles": draft.rectangles,
        "alternatives": draft.alternatives,
    }
    if draft.beta is not None:
        study["beta"] = draft.beta
    if draft.looked_at_other:
        study["other"] = {"view": draft.other_view, "image": draft.other, "rectangles": draft.other_rectangles}
    fragment = export.attention_fragment([study], draft.grid)
    return f'<section class="attention">\n<h2>Where the model looked</h2>\n{fragment}</section>\n'


def _facts(draft: Draft) -> str:
    judged = draft.familiarity
    rows = {
        "picture": f"{draft.kind} file, SHA-256 begins with {draft.fingerprint}",
        "distance": f"to the training images {judged.distance:.2f} times the usual one; {judged.quantile:.0%} of the "
        f"{judged.held_out} validation images lie within {judged.threshold:.2f}, beyond it the page warns",
        **draft.versions,
    }
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>\n" for name, value in rows.items())
