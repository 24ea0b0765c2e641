"""The cases in which people's tags and the labeller differ, to be read finding by finding."""

from __future__ import annotations

from html import escape

import ipywidgets as ui

from .marks import marked_html
from .widget_parts import MARK, SOFT, Widget, framed, row, soft

COLUMNS = ("study", "tag says", "text says", "tags", "text")


class DisagreementBrowser(Widget):
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
        self.count, self.text = ui.HTML(), ui.HTML()
        self.widget = ui.VBox([row(self.finding, self.count), self.text], layout=ui.Layout(max_width="1000px"))
        self.finding.observe(self._draw, "value")
        self._draw()

    def _draw(self, _change=None) -> None:
        chosen = self.cases[self.cases["finding"] == self.finding.value]
        shown = chosen.head(self.most)
        self.count.value = soft(
            f"the first {len(shown)} of {len(chosen)} cases" if len(shown) < len(chosen) else "all cases"
        )
        cell = 'style="padding: 3px 14px 3px 0; text-align: left; vertical-align: top"'
        head = "".join(f"<th {cell}><span style='color: {SOFT}'>{name}</span></th>" for name in COLUMNS)
        lines = [f"<tr>{head}</tr>"]
        for case in shown.itertuples():
            said = (case.study_id, case.tag_says, case.text_says, "; ".join(case.tags))
            cells = [*map(escape, said), marked_html(case.text, case.spans, MARK)]
            lines.append("<tr>" + "".join(f"<td {cell}>{one}</td>" for one in cells) + "</tr>")
        self.text.value = framed(f'<table style="text-align: left">{"".join(lines)}</table>', 380, "cases")
