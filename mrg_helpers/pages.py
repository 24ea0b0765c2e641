"""Executed notebooks as web pages that need no network: one page each, and an index that previews them.

nbconvert's own pages fetch scripts for formulas and widgets from the net. Here formulas are drawn as pictures, a widget
gives way to a line that says where to use it (its static twin stands beside it), and nothing is fetched.
"""

from __future__ import annotations

import base64
import io
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

import nbformat
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import math_to_image
from nbconvert import HTMLExporter
from PIL import Image, ImageOps

from .paths import write_text

_TEMPLATE = """{% extends 'index.html.j2' %}
{% block html_head_js %}{% endblock %}{% block jupyter_widgets %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}{% block html_head_js_mermaidjs %}{% endblock %}
{% block html_head_css %}<style>
main { max-width: 1080px; margin: 0 auto; } img { max-width: 100%; } .jp-InputArea .highlight pre { white-space: pre-wrap; }
.jp-OutputArea-output pre { word-break: normal; overflow-wrap: anywhere; }
.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"] { background: #F3F4F6; }  /* mostly progress bars: no alarm */
</style>{% endblock %}
"""
_WIDGET = "application/vnd.jupyter.widget-view+json"
_WIDGET_LINE = "<p><em>An interactive widget stands here: open the notebook in JupyterLab to use it.</em></p>"
# code, which stays as it is; or a formula in $$ or in $
_LINK = re.compile(r"\[([^\]\n]+)\]\((\d\d_\w+)\.ipynb\)")  # to another notebook
_FORMULA = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^\s$](?:[^$\n]*[^\s$])?)\$", re.S
)


def _formula(match: re.Match) -> str:
    if match["code"]:
        return match["code"]
    block, tex = match["inline"] is None, " ".join((match["block"] or match["inline"]).split())
    drawn, size = (tex.replace(r"\frac", r"\dfrac"), 13) if block else (tex, 10.5)
    picture = io.BytesIO()
    try:
        depth = math_to_image(f"${drawn}$", picture, FontProperties(size=size), dpi=72, format="svg")
    except ValueError:  # beyond what Matplotlib can set: the reader gets the source
        return f"<code>{escape(tex)}</code>"
    source = base64.b64encode(picture.getvalue()).decode()
    style = "display: block; margin: 1em auto" if block else f"vertical-align: -{depth:.1f}pt"
    return f'<img alt="{escape(tex)}" style="{style}" src="data:image/svg+xml;base64,{source}">'


def notebook_page(executed: Path, run: Collection[str] = ()) -> Path:
    """Write the page of an executed notebook beside it, and return its path.

    Args:
        run: the names of the notebooks that will have a page, too, without their ending. A link to another notebook leads to its
            page; where there is none and will be none, its text stays.
    """

    def link(match: re.Match) -> str:
        page = executed.with_name(f"{match[2]}.html")
        return f"[{match[1]}]({page.name})" if match[2] in run or page.exists() else match[1]

    notebook = nbformat.read(executed, as_version=4)
    notebook.metadata.pop("widgets", None)
    notebook.metadata.title = headline(notebook)[0] or executed.stem
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _LINK.sub(link, _FORMULA.sub(_formula, cell.source))
        if cell.cell_type == "code":
            cell.outputs = _tidy(cell.outputs)
    quiet = logging.Logger("nbconvert", logging.ERROR)  # it warns of each figure without a description
    page, _ = HTMLExporter(raw_template=_TEMPLATE, log=quiet).from_notebook_node(notebook)
    path = executed.with_suffix(".html")
    write_text(path, page)
    return path


def _tidy(outputs: list) -> list:
    """A cell's outputs for reading: progress bars at their end, a line in place of a widget."""
    kept: list = []
    for output in outputs:
        if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
        else:
            kept.append(output)
    for output in kept:
        if output.output_type == "stream":
            lines = [[part for part in line.split("\r") if part.strip()] for line in output.text.split("\n")]
            output.text = "\n".join(parts[-1] if parts else "" for parts in lines)
        elif output.get("data", {}).pop(_WIDGET, None) is not None:
            output.data.setdefault("text/html", _WIDGET_LINE)
    return [output for output in kept if output.output_type != "stream" or output.text.strip()]


def headline(notebook: nbformat.NotebookNode) -> tuple[str, str]:
    """The title and the question of a notebook: the first heading and the first line of text of its first markdown cell."""
    text = next((cell.source for cell in notebook.cells if cell.cell_type == "markdown"), "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    plain = [re.sub(r"[*`]+|^[#>\s]+", "", line).strip() for line in lines]
    title = next((p for line, p in zip(lines, plain, strict=True) if line.startswith("#")), "")
    return title, next((p for line, p in zip(lines, plain, strict=True) if not line.startswith("#")), "")


def _thumbnail(notebook: nbformat.NotebookNode, width: int = 640, height: int = 400) -> str:
    """The notebook's first figure as an ``<img>``, or nothing."""
    figures = (output.data["image/png"] for cell in notebook.cells for output in cell.get("outputs", [])
               if "image/png" in output.get("data", {}))  # fmt: skip
    figure = next(figures, None)
    if figure is None:
        return ""
    image = Image.open(io.BytesIO(base64.b64decode(figure))).convert("RGB")
    buffer = io.BytesIO()
    ImageOps.pad(image, (width, height), color="white").save(buffer, "JPEG", quality=85)
    return f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


_INDEX = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Medical report generation: the notebooks of this run</title>
<style>
:root { color-scheme: light dark;
  --ink: #1f2937; --soft: #5f6876; --page: #f8fafc; --card: #fff; --line: #e5e7eb; --link: #0a5a9c; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e5e7eb; --soft: #9ca3af; --page: #0f172a; --card: #1e293b; --line: #334155; --link: #7cc4f5; }
}
body { max-width: 1100px; margin: 0 auto; padding: 2.5rem 1.5rem; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0; }
h2 { font-size: 1.1rem; line-height: 1.3; margin: 0 0 .4rem; }
p { margin: .3rem 0; }
a { color: var(--link); }
code { background: var(--line); border-radius: 4px; padding: .1em .4em; font-size: .87em; overflow-wrap: anywhere; }
.soft { color: var(--soft); font-size: .9rem; }
.parameters { line-height: 2; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(310px, 100%), 1fr)); gap: 1.25rem; margin: 1.8rem 0; }
.card { display: flex; flex-direction: column; overflow: hidden; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px; }
.card img, .none { display: block; width: 100%; aspect-ratio: 16 / 10;
  background: var(--line); border-bottom: 1px solid var(--line); }
.card div { display: flex; flex-direction: column; flex: 1; padding: 1rem 1.1rem; }
.card .soft { margin-top: auto; padding-top: .6rem; }
</style>
</head>
<body>
<h1>Medical report generation</h1>
<p>The notebooks of this run: profile <code>$profile</code>, $minutes min in all. <strong>Not for clinical use.</strong></p>
<main class="cards">
$cards
</main>
<p class="soft parameters">Parameters: $parameters</p>
</body>
</html>
""")


def index_page(executed: Sequence[Path], path: Path, profile: str, parameters: Mapping[str, object]) -> Path:
    """Write one self-contained page that links and previews the pages of executed notebooks.

    Args:
        executed: the executed notebooks; the page of each must lie beside it.
        path: the page to write.
        profile: the name of the profile they ran in.
        parameters: all values that were passed to any of them.
    """
    cards, total = [], 0.0
    for file in executed:
        notebook = nbformat.read(file, as_version=4)
        title, question = headline(notebook)
        seconds = notebook.metadata.get("papermill", {}).get("duration") or 0.0
        total += seconds
        folder = file.parent.relative_to(path.parent).as_posix()
        page, source = (f"{folder}/{escape(file.with_suffix(end).name)}" for end in (".html", ".ipynb"))
        cards.append(
            f'<article class="card"><a href="{page}">{_thumbnail(notebook) or "<span class=none></span>"}</a><div>'
            f'<h2><a href="{page}">{escape(title or file.stem)}</a></h2><p>{escape(question)}</p>'
            f'<p class="soft">{seconds / 60:.1f} min · <a href="{source}">executed notebook</a></p></div></article>'
        )
    values = " ".join(f"<code>{escape(name)} = {escape(repr(value))}</code>" for name, value in parameters.items())
    text = {
        "profile": escape(profile),
        "minutes": f"{total / 60:.1f}",
        "cards": "\n".join(cards),
        "parameters": values or "none",
    }
    write_text(path, _INDEX.substitute(text))
    return path
