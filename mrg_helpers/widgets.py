"""The interactive twins of the figures, for ipywidgets 7 and 8. They take arrays and know no model.

A widget draws in a pure function that returns the bytes of a PNG, so it answers quickly, needs no Matplotlib figure for
each move of a slider, and can be tested without a kernel. Whatever comes from a report is escaped before it
becomes HTML. What a widget shows, ``plots.plot_attention`` shows on paper.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from html import escape

import ipywidgets as ui
import numpy as np
from PIL import Image

from .beam_explorer import BeamExplorer as BeamExplorer
from .heatmaps import cell_rectangles, overlay, shrink, spread
from .study_browser import StudyBrowser as StudyBrowser
from .training_monitor import TrainingMonitor as TrainingMonitor
from .vocabulary_lab import VocabularyLab as VocabularyLab

COLOUR_MAPS = ["plasma", "viridis", "cividis", "Reds"]  # the first three are safe for colour-blind eyes


def render(study: Mapping, word: int, opacity: float = 0.7, cmap: str = "plasma") -> bytes:
    """The X-ray of a study with the attention at one word, as PNG.

    Args:
        study: ``image`` (H, W) uint8; ``attention`` (T, R); ``rectangles`` (R, 4), the cells in pixels of ``image``.
        word: from 0 to T - 1; beyond it the X-ray comes without a heat-map.
        opacity: of the strongest attention in the whole report, from 0 to 1.
        cmap: a name of Matplotlib's.
    """
    image, attention = study["image"], study["attention"]
    if word < len(attention):
        heat = spread(attention[word], study["rectangles"], image.shape)
        image = overlay(image, heat, float(attention.max()), cmap, opacity)
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)  # the link to the browser is fast, the eye impatient
    return buffer.getvalue()


def words_html(words: Sequence[str], log_probs: Sequence[float], current: int) -> str:
    """The report as a line of words: the current one marked, each underlined as strongly as the model was unsure."""
    spans = []
    for i, (word, log_prob) in enumerate(zip(words, log_probs, strict=True)):
        style = f"border-bottom: 3px solid rgba(213, 94, 0, {1 - math.exp(log_prob):.2f}); padding: 1px 3px;"
        if i == current:
            style += " background: #E69F00; color: black; border-radius: 3px;"
        spans.append(f'<span style="{style}">{escape(word)}</span>')
    return " ".join(spans)


class AttentionBrowser:
    """Page through studies and walk through the words of each generated report, with the attention on the X-ray.

    Args:
        studies: for each study a dict of ``title``; ``image`` (H, W) uint8, the original; ``words``, T strings;
            ``attention`` (T, R); ``log_probs`` (T,), the natural logarithm of each word's probability;
            ``rectangles``, the cells in pixels of the original, row by row, or ``images.Fit.box``; and ``reference``,
            the true report.
        grid: (Hg, Wg), the true grid of the features, R = Hg * Wg.
        note: a line under the picture, such as "random features (no ImageNet weights found)".
        size: the longer side of the picture, in pixels.

    Show it as the last line of a cell, or by ``display(browser)``; ``browser.widget`` is the ipywidget, for a place
    in a layout of one's own. The static twin is ``plots.plot_attention``.

    Raises:
        ValueError: if there is no study, or one whose attention does not fit its words and the grid.
    """

    def __init__(self, studies: Sequence[Mapping], grid: tuple[int, int], note: str = "", size: int = 512):
        if not studies:
            raise ValueError("no studies to browse: give at least one")
        self.studies = [_prepare(study, grid, size) for study in studies]
        self.note = note
        wide, label = ui.Layout(width="98%"), {"description_width": "80px"}
        last = max(len(self.studies[0]["words"]) - 1, 0)
        titles = [(f"{i + 1}. {study['title']}", i) for i, study in enumerate(self.studies)]
        self.study = ui.Dropdown(options=titles, value=0, description="study", style=label, layout=wide)
        self.word = ui.IntSlider(0, 0, last, description="word", readout=False, style=label, layout=wide)
        self.play = ui.Play(value=0, min=0, max=last, interval=600)
        self.opacity = ui.FloatSlider(0.7, min=0, max=1, step=0.05, description="opacity", style=label, layout=wide)
        self.cmap = ui.Dropdown(options=COLOUR_MAPS, description="colours", style=label, layout=wide)
        self.picture = ui.Image(format="png", layout=ui.Layout(max_width="100%"))
        self.text = ui.HTML()
        ui.jslink((self.play, "value"), (self.word, "value"))

        controls = [self.study, self.word, self.play, self.opacity, self.cmap]
        left = ui.VBox([self.picture], layout=ui.Layout(width="52%", min_width="280px"))
        right = ui.VBox([*controls, self.text], layout=ui.Layout(width="46%", min_width="280px", padding="0 0 0 12px"))
        self.widget = ui.HBox([left, right], layout=ui.Layout(flex_flow="row wrap", max_width="1100px"))
        self.study.observe(self._change_study, "value")
        for control in (self.word, self.opacity, self.cmap):
            control.observe(self._draw, "value")
        self._draw()

    def _change_study(self, _change) -> None:
        last = max(len(self.studies[self.study.value]["words"]) - 1, 0)
        for control in (self.play, self.word):
            control.value, control.max = 0, last
        self._draw()

    def _draw(self, _change=None) -> None:
        study, word = self.studies[self.study.value], self.word.value
        self.picture.value = render(study, word, self.opacity.value, self.cmap.value)
        words, log_probs = study["words"], study["log_probs"]
        state = "The report is empty."
        if words:
            now = f"Word {word + 1} of {len(words)}: <b>{escape(words[word])}</b>"
            state = f"{now}, probability {math.exp(log_probs[word]):.2f}"
        footer = " · ".join(
            ["not for clinical use", "attention is a clue, not an explanation", *filter(None, [self.note])]
        )
        self.text.value = f"""<div style="line-height: 1.7; color: var(--jp-ui-font-color1, inherit)">
            <p>{state}</p>
            <b>Generated</b> (underlined where the model was unsure)
            <p>{words_html(words, log_probs, word)}</p>
            <b>Reference</b>
            <p>{escape(study["reference"])}</p>
            <p style="opacity: 0.7"><i>{escape(footer)}</i></p></div>"""

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)


def marked_html(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """A text as HTML with some places marked; ``spans`` are (start, end), and may overlap."""
    inside = [any(start <= k < end for start, end in spans) for k in range(len(text))]
    parts = []
    for k, letter in enumerate(text):
        if inside[k] and not (k and inside[k - 1]):
            parts.append("<mark>")
        parts.append(escape(letter))
        if inside[k] and not (k + 1 < len(text) and inside[k + 1]):
            parts.append("</mark>")
    return "".join(parts)


class DisagreementBrowser:
    """Choose a finding and read every case in which people and the labeller differ about it.

    Args:
        cases: the table of ``agreement.disagreements``.
        most: how many cases of a finding are shown.

    The static twin is the table itself.

    Raises:
        ValueError: if there is no case.
    """

    def __init__(self, cases, most: int = 40):
        if not len(cases):
            raise ValueError("no disagreements to browse")
        self.cases, self.most = cases, most
        counts = cases["finding"].value_counts()
        self.finding = ui.Dropdown(
            options=[(f"{name} ({n})", name) for name, n in counts.items()], description="finding"
        )
        self.text = ui.HTML()
        self.widget = ui.VBox([self.finding, self.text])
        self.finding.observe(self._draw, "value")
        self._draw()

    def _draw(self, _change=None) -> None:
        chosen = self.cases[self.cases["finding"] == self.finding.value].head(self.most)
        rows = "".join(
            f"<tr><td>{escape(row.study_id)}</td><td>{escape(row.tag_says)}</td><td>{escape(row.text_says)}</td>"
            f"<td>{escape('; '.join(row.tags))}</td><td>{marked_html(row.text, row.spans)}</td></tr>"
            for row in chosen.itertuples()
        )
        head = "".join(f"<th>{name}</th>" for name in ("study", "tag says", "text says", "tags", "text"))
        self.text.value = f'<table style="text-align: left"><tr>{head}</tr>{rows}</table>'

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.widget)


def _prepare(study: Mapping, grid: tuple[int, int], size: int) -> dict:
    """A study with its picture shrunk to ``size``, its cells shrunk alike, and everything checked."""
    words, attention = list(study["words"]), np.asarray(study["attention"], float)
    cells = grid[0] * grid[1]
    if attention.shape != (len(words), cells) or len(study["log_probs"]) != len(words):
        raise ValueError(
            f"study {study['title']}: {len(words)} words on a grid of {grid[0]} x {grid[1]} need attention of shape "
            f"({len(words)}, {cells}) and as many log_probs, not {attention.shape} and {len(study['log_probs'])}"
        )
    image, factor = shrink(np.asarray(study["image"]), size)
    rectangles = cell_rectangles(study["rectangles"], grid) * factor
    return {**study, "words": words, "attention": attention, "image": image, "rectangles": rectangles}
