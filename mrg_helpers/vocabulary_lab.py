"""How many words must a vocabulary keep? Move the two numbers that decide it, and see what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import ipywidgets as ui
import numpy as np

from .reports import detokenize, tokenize
from .svg import Axis, line_chart
from .vocabulary import SPECIAL, UNK, Vocabulary
from .widget_parts import MARK, SOFT, Widget, figures, framed, heading, row, soft

STEPS = 60  # places of the slider of k, each a little larger than the one before


class VocabularyLab(Widget):
    """Choose how many words are kept and how often they must occur, and read a report as the model will see it.

    All counting is done once, so a move costs a few milliseconds, however many reports there are.

    Args:
        train: the training reports, from which the words are taken.
        unseen: other reports, of which the coverage is asked and among which the reader chooses one.
        titles: their names for the menu; numbers by default.
        max_length: the most ids of a report that the model sees, as in :meth:`mrg_helpers.vocabulary.Vocabulary.encode`.
        min_count: at the start.

    The static twins are ``plots.coverage_curves`` and the reports printed in notebook 03.

    Raises:
        ValueError: if there is no word in ``train``, no report in ``unseen``, or not one title for each report.
    """

    def __init__(
        self,
        train: Sequence[str],
        unseen: Sequence[str],
        titles: Sequence[str] | None = None,
        max_length: int | None = None,
        min_count: int = 1,
    ):
        self.all_words = Vocabulary.fit(train)
        self.size = len(self.all_words) - len(SPECIAL)
        if not self.size:
            raise ValueError("no word in the training reports: give at least one report with text")
        self.tokens = [tokenize(text) for text in unseen]
        if not any(self.tokens):
            raise ValueError("no report to try the vocabulary on: give at least one with text")
        titles = list(titles) if titles is not None else [f"report {k}" for k in range(1, len(self.tokens) + 1)]
        if len(titles) != len(self.tokens):
            raise ValueError(f"{len(self.tokens)} reports need as many titles, not {len(titles)}")
        self.max_length = max_length
        self.coverage = self.all_words.coverage(unseen, range(self.size + 1))  # row k: of the k most frequent words
        self.counts = np.array(list(self.all_words.counts.values()))  # falling

        style, wide = {"description_width": "100px"}, ui.Layout(width="min(100%, 470px)")
        steps = sorted({int(k) for k in np.geomspace(1, self.size, STEPS).round()} | {self.size})
        self.k = ui.SelectionSlider(
            options=[(f"{k:,}", k) for k in steps],
            value=self.size,
            description="max words, k",
            style=style,
            layout=wide,
        )
        most = max(min_count, int(min(20, self.counts[0])))
        self.min_count = ui.IntSlider(min_count, 1, most, description="min count", style=style, layout=wide)
        longest = max(range(len(self.tokens)), key=lambda i: len(set(self.tokens[i])))
        self.report = ui.Dropdown(
            options=[(title, i) for i, title in enumerate(titles)],
            value=longest,
            description="report",
            style=style,
            layout=wide,
        )
        self.numbers, self.chart, self.text = ui.HTML(), ui.HTML(), ui.HTML()
        half = {"flex": "1 1 320px", "min_width": "300px"}
        left = ui.VBox([self.k, self.min_count, self.report, self.numbers], layout=ui.Layout(**half))
        right = ui.VBox([self.chart], layout=ui.Layout(**half))
        self.widget = ui.VBox([row(left, right), self.text], layout=ui.Layout(max_width="1000px"))
        for control in (self.k, self.min_count, self.report):
            control.observe(self._draw, "value")
        self._draw()

    @property
    def kept(self) -> int:
        """How many words both settings leave: the words stand in the order of their counts, so both cut the same list."""
        often = int((self.counts >= self.min_count.value).sum())
        return min(self.k.value, often)

    def _draw(self, _change=None) -> None:
        kept = self.kept
        found = self.coverage.iloc[kept]
        self.numbers.value = figures(
            words_kept=f"{kept:,}",
            coverage=f"{found['coverage']:.1%}",
            unk_rate=f"{found['unk_rate']:.2%}",
            complete_reports=f"{found['complete_reports']:.0%}",
        ) + soft(f"of the {self.size:,} words in training; asked of {len(self.tokens):,} other reports")
        self.chart.value = self._curve(kept)
        self.text.value = framed(self._report(kept), 250, "the report as the model sees it")

    def _curve(self, kept: int) -> str:
        ks = [k for _, k in self.k.options]
        rows = self.coverage.iloc[ks]
        series = {name.replace("_", " "): (ks, rows[name].tolist()) for name in ("coverage", "complete_reports")}
        x = Axis("words kept, the most frequent first", low=1, high=max(self.size, 2), log=True, form="{:,.0f}")
        y = Axis("share", low=0, high=1, form="{:.0%}")
        return line_chart(series, x, y, {f"{kept:,} words": max(kept, 1)}, dots=False)

    def _report(self, kept: int) -> str:
        """The chosen report with ``<unk>`` marked, what stood there, and the words on both sides of the cut."""
        cut = None if self.max_length is None else max(self.max_length - 2, 0)
        tokens = self.tokens[self.report.value]
        seen = tokens[:cut]
        last = kept + len(SPECIAL)
        known = [token if self.all_words.ids.get(token, last) < last else SPECIAL[UNK] for token in seen]
        lost = [token for token, said in zip(seen, known, strict=True) if said == SPECIAL[UNK]]
        marked = f'<mark style="{MARK}">{escape(SPECIAL[UNK])}</mark>'
        shown = escape(detokenize(known)).replace(escape(SPECIAL[UNK]), marked) or "<i>(an empty report)</i>"
        rest = f", and its last {len(tokens) - len(seen)} tokens are cut off" if len(tokens) > len(seen) else ""
        words = ", ".join(lost) if lost else "none"
        inside, outside = (
            self.all_words.words[max(last - 8, len(SPECIAL)) : last],
            self.all_words.words[last : last + 8],
        )
        return (
            f"{heading('The report as the model sees it')}<div>{shown}</div>"
            f"{heading(f'Lost: {len(lost)} of {len(seen)} tokens{rest}')}<div>{escape(words)}</div>"
            f"{heading('At the edge')}<div>the last that are kept: <i>{escape(', '.join(inside)) or 'none'}</i><br>"
            f'<span style="color: {SOFT}">the first that are not: <i>{escape(", ".join(outside)) or "none"}</i></span></div>'
        )
