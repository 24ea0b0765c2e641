"""The interactive twins of the figures, for ipywidgets 7 and 8. They take arrays and know no model.

Each widget lives in a module of its own and is offered here: a notebook needs one import. Whatever comes from a report is
escaped before it becomes HTML.
"""

from __future__ import annotations

from html import escape

import ipywidgets as ui

from .attention_browser import AttentionBrowser
from .beam_explorer import BeamExplorer
from .marks import marked_html
from .study_browser import StudyBrowser
from .training_monitor import TrainingMonitor
from .vocabulary_lab import VocabularyLab
from .widget_parts import Widget

__all__ = [
    "AttentionBrowser",
    "BeamExplorer",
    "DisagreementBrowser",
    "StudyBrowser",
    "TrainingMonitor",
    "VocabularyLab",
]


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
