"""Walk through generated reports word by word, with the attention on the X-ray; for ipywidgets 7 and 8.

Offered as ``widgets.AttentionBrowser``. The static twin is ``plots.plot_attention``; the twin without a kernel is
``AttentionBrowser.to_html``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import ipywidgets as ui

from . import browser_html, pictures
from .browsing import Report, Shown, frame, prepare
from .export import attention_page
from .heatmaps import COLOUR_MAPS, colours_of
from .paths import replacing
from .widget_parts import NOT_CLINICAL, Widget

HELP = browser_html.block(
    '<p class="mrg-soft">Click a word, press play, or click the slider and step with the arrow keys.</p>'
)
WARNINGS = (NOT_CLINICAL, "attention is a clue, not an explanation")


class ReportPanel:
    """One report of one study: its picture, its words, what the model considered. A part of the browser below.

    The words are one group of toggle buttons: both ipywidgets have it, it is clickable and reached by the keyboard, and
    a style sheet that counts the buttons gives each its colour.
    """

    def __init__(self, browser: AttentionBrowser):
        self.browser, self._second = browser, None
        self.picture, self.second = (ui.HTML(layout=ui.Layout(flex=f"{k} 1 0%", min_width="0")) for k in (2, 1))
        self.play = ui.Play(value=0, min=0, max=0, interval=600, layout=ui.Layout(flex="0 0 auto"))
        self.word = ui.IntSlider(0, 0, 0, description="word", readout=False, style={"description_width": "40px"})
        self.word.layout = ui.Layout(flex="1 1 120px", min_width="120px", width="auto")
        self.words = ui.ToggleButtons(options=[("", 0)], layout=ui.Layout(width="auto"))
        for name in ("mrg-attention", "mrg-line", self.mark):
            self.words.add_class(name)
        self.save = ui.Button(description="Save picture", layout=ui.Layout(width="auto", flex="0 0 auto"))
        self.saved, self.state, self.shades, self.heading, self.chart, self.compared = (
            ui.HTML(layout=ui.Layout(width="auto", margin="0")) for _ in range(6)
        )
        ui.jslink((self.play, "value"), (self.word, "value"))
        row, full = (
            ui.Layout(flex_flow="row wrap", align_items="center", width="auto"),
            ui.Layout(width="auto", align_items="flex-start"),
        )
        left = ui.VBox(
            [ui.HBox([self.picture, self.second], layout=full),
             ui.HBox([self.play, self.word, self.save], layout=row), self.saved],
            layout=ui.Layout(flex="5 1 340px", min_width="0"),
        )  # fmt: skip
        right = ui.VBox(
            [self.state, self.heading, self.words, self.shades, self.chart, self.compared],
            layout=ui.Layout(flex="4 1 300px", min_width="0"),
        )
        layout = ui.Layout(
            flex_flow="row wrap", flex="1 1 0%", min_width="320px", align_items="flex-start", grid_gap="8px 24px"
        )
        self.widget = ui.HBox([left, right], layout=layout)
        self.word.observe(lambda change: self.draw(), "value")
        self.words.observe(self._clicked, "index")
        self.save.on_click(lambda button: self._offer())

    @property
    def mark(self) -> str:
        """The class of this panel's words, which no other panel on the page has."""
        return f"mrg-{self.words.model_id}"

    def show(self, shown: Shown, report: Report) -> None:
        """Start with the first word of another report."""
        self.shown, self.report = shown, report
        last = max(len(report.words) - 1, 0)
        self._busy = True  # the controls below change each other; draw once, when all are right
        for control in (self.play, self.word):
            control.value, control.max = 0, last
        self.words.tooltips = browser_html.tooltips(report)
        self.words.options = [(word, k) for k, word in enumerate(report.words)]
        self.words.layout.display = "" if report.words else "none"
        self._busy = False
        self.shades.value = browser_html.shading(report, f".{self.mark} button")
        about = f"Generated report ({escape(report.name)}) <small>shaded where the model was unsure</small>"
        self.heading.value = browser_html.block(f"<h4>{about}</h4>")
        self.compared.value = browser_html.block(browser_html.comparison(report, shown.reference))
        self.draw()

    def draw(self) -> None:
        """Bring everything that depends on the word or on a control of the browser up to date."""
        if self._busy:
            return
        browser, shown, report, word = self.browser, self.shown, self.report, self.word.value
        scale = browser_html.scale(colours_of(browser.cmap.value), shown.top)
        self.picture.value = browser_html.figure(
            self.image(), self._what(shown.view.name), shown.title, browser.frame, scale
        )
        self._draw_second()
        selector = f".{self.mark} button"
        now = browser_html.highlight(report, word, selector, browser.sentence.value)
        self.state.value = browser_html.block(browser_html.state(report, word), now)
        self.chart.value = browser_html.block(browser_html.curves(report, word))
        self.saved.value = HELP  # a picture that was offered is not this one any more
        if report.words and self.words.index != word:
            self._busy = True
            self.words.index = word
            self._busy = False

    def _draw_second(self) -> None:
        """The other view; where the model did not look at it, it is sent to the screen only when it has changed."""
        other, seen = self.shown.other, len(self.report.rectangles) > 1
        wanted = bool(other and self.browser.other_view.value)
        self.second.layout.display = "" if wanted else "none"
        drawn = (id(other), self.browser.boxes.value)
        if wanted and (seen or drawn != self._second):
            about = (
                self._what(other.name, "other view") if seen else f"{other.name or 'other'} view, not seen by the model"
            )
            self.second.value = browser_html.figure(self.image(1), about, self.shown.title, self.browser.frame)
            self._second = None if seen else drawn

    def image(self, view: int = 0):
        """The picture of a view as it is now, without a frame: (H, W, 3) uint8."""
        b = self.browser
        return pictures.attention_picture(
            self.shown, self.report, self.word.value, b.opacity.value, b.cmap.value, b.smooth.value, b.sentence.value,
            b.boxes.value, view,
        )  # fmt: skip

    def png(self) -> bytes:
        """The picture with what it shows, and the warning, written under it."""
        what = self._what(self.shown.view.name)
        lines = [f"{self.shown.title} · {self.report.name} · {what}", " · ".join(self.browser.warnings)]
        return pictures.png(pictures.captioned(self.image(), lines))

    def _what(self, name: str, nameless: str = "X-ray") -> str:
        view = f"{name} view" if name else nameless
        if not self.report.words:
            return view
        of = "the sentence of " if self.browser.sentence.value else ""
        return f"{view}, attention at {of}“{self.report.words[self.word.value]}”"

    def _clicked(self, change) -> None:
        if not self._busy and change["new"] is not None:
            self.word.value = change["new"]

    def _offer(self) -> None:
        """A link that saves the picture: the kernel may run on another machine than the browser."""
        said = self.report.words[self.word.value] if self.report.words else "none"
        name = re.sub(r"[^\w.-]+", "_", f"{self.shown.title}-word{self.word.value + 1}-{said}.png")
        source = f"data:image/png;base64,{base64.b64encode(self.png()).decode()}"
        self.saved.value = browser_html.block(
            f'<p class="mrg-soft">Click to save: <a download="{escape(name)}" href="{source}">{escape(name)}</a></p>'
        )


class AttentionBrowser(Widget):
    """Page through studies and walk through the words of each generated report, with the attention on the X-ray.

    Args:
        studies, grid, size: see :func:`mrg_helpers.browsing.prepare`, which says what a study may have: a second view,
            true boxes, further reports to put beside the first one, a reference, beta, alternatives.
        note: a line under the picture, such as "random features (no ImageNet weights found)".

    Show it as the last line of a cell, or by ``display(browser)``; ``browser.widget`` is the ipywidget, for a place
    in a layout of one's own. ``browser.panels`` are the reports on the screen, one or two; ``browser.word``, ``play``,
    ``words``, ``picture`` belong to the first.

    Raises:
        ValueError: if there is no study, or one whose attention does not fit its words and the grid.
    """

    def __init__(self, studies: Sequence[Mapping], grid: tuple[int, int], note: str = "", size: int = 512):
        self.studies = prepare(studies, grid, size)
        self._given = {"studies": studies, "grid": grid, "note": note, "size": size}
        self.warnings = [*WARNINGS, *filter(None, [note])]
        self.frame = frame(self.studies)
        self._make_controls()
        self.panels = [ReportPanel(self), ReportPanel(self)]
        first = self.panels[0]
        self.word, self.play, self.words, self.picture = first.word, first.play, first.words, first.picture
        self.place = ui.HBox(layout=ui.Layout(flex_flow="row wrap", width="100%", grid_gap="24px"))
        footer = f'<p class="mrg-footer mrg-soft"><i>{escape(" · ".join(self.warnings))}</i></p>'
        style = ui.HTML(f"<style>{browser_html.STYLE}</style>", layout=ui.Layout(display="none"))
        self.footer = ui.HTML(browser_html.block(footer), layout=ui.Layout(width="auto"))
        row = ui.HBox(self.controls, layout=ui.Layout(flex_flow="row wrap", align_items="center", margin="0 0 8px 0"))
        self.widget = ui.VBox([style, row, self.place, self.footer], layout=ui.Layout(max_width="1180px"))
        self.study.observe(self._change_study, "value")
        for control in (self.report, self.beside):
            control.observe(self._change_report, "value")
        for control in (self.opacity, self.cmap, self.smooth, self.sentence, self.boxes, self.other_view):
            control.observe(lambda change: self._draw(), "value")
        self._change_study()

    def _make_controls(self) -> None:
        def layout(width: str) -> ui.Layout:
            return ui.Layout(width=width, margin="2px 14px 2px 0")

        def label(width: str) -> dict:
            return {"style": {"description_width": width}}

        def check(text: str, value: bool = False) -> ui.Checkbox:
            return ui.Checkbox(value, description=text, indent=False, layout=layout("auto"))

        titles = [(f"{i + 1}. {shown.title}", i) for i, shown in enumerate(self.studies)]
        self.study = ui.Dropdown(options=titles, value=0, description="study", layout=layout("200px"), **label("42px"))
        self.report = ui.Dropdown(options=[("", 0)], description="report", layout=layout("190px"), **label("48px"))
        self.beside = ui.Dropdown(
            options=[("nothing", -1)], description="beside it", layout=layout("200px"), **label("60px")
        )
        self.opacity = ui.FloatSlider(
            0.7, min=0, max=1, step=0.05, description="opacity", layout=layout("240px"), **label("54px")
        )
        self.cmap = ui.Dropdown(options=COLOUR_MAPS, description="colours", layout=layout("160px"), **label("54px"))
        self.smooth, self.sentence, self.boxes = check("smooth"), check("whole sentence"), check("true boxes")
        self.other_view = check("other view", value=True)
        several = any(len(shown.reports) > 1 for shown in self.studies)
        boxed = any(view.boxes for shown in self.studies for view in (shown.view, shown.other) if view)
        wanted = [(self.study, len(self.studies) > 1), (self.report, several), (self.beside, several)]
        wanted += [(control, True) for control in (self.opacity, self.cmap, self.smooth, self.sentence)]
        wanted += [(self.boxes, boxed), (self.other_view, any(shown.other for shown in self.studies))]
        self.controls = [control for control, there in wanted if there]

    def _change_study(self, _change=None) -> None:
        names = [report.name for report in self.studies[self.study.value].reports]
        self._busy = True
        for control, start in ((self.report, []), (self.beside, [("nothing", -1)])):
            options, kept = [*start, *((name, k) for k, name in enumerate(names))], control.value
            if list(control.options) != options:
                control.options = options
                control.value = kept if kept in [value for _, value in options] else options[0][1]
        self._busy = False
        self._change_report()

    def _change_report(self, _change=None) -> None:
        if self._busy:
            return
        shown = self.studies[self.study.value]
        chosen = [self.report.value, *([self.beside.value] if self.beside.value >= 0 else [])]
        for panel, k in zip(self.panels, chosen, strict=False):
            panel.show(shown, shown.reports[k])
        self.place.children = [panel.widget for panel, _ in zip(self.panels, chosen, strict=False)]

    def _draw(self) -> None:
        for panel, _ in zip(self.panels, self.place.children, strict=False):
            panel.draw()

    def save_picture(self, path: str | Path) -> Path:
        """Write the picture that is shown now (the first one of two), with its caption, as PNG."""
        path = Path(path).with_suffix(".png")
        with replacing(path) as temporary:
            temporary.write_bytes(self.panels[0].png())
        return path

    def to_html(self, path: str | Path, title: str = "Attention browser") -> Path:
        """Write one page that does the same on any machine, without a kernel and without a network."""
        return attention_page(path=path, title=title, **self._given)
