"""A training as it goes: its curves, and a report that gets better from epoch to epoch."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from html import escape
from pathlib import Path

import ipywidgets as ui
import pandas as pd

from . import paths
from .svg import Axis, line_chart
from .widget_parts import SOFT, Widget, footer, framed, heading, row, soft


class TrainingMonitor(Widget):
    """Loss and perplexity after every epoch, the best epoch marked, and what the model wrote for one study at each.

    Give ``monitor.on_epoch`` to ``training.fit`` and show the monitor before the training starts. It updates one output in place,
    so an executed notebook keeps a single one. What was trained before (an earlier session, or a model that was found
    finished) is added by :meth:`show`.

    Args:
        write: a function of the model that returns the report of the sample study.
        reference: the true report of that study.
        epochs: the most there will be.
        keep: a JSON file for the sample reports, so that they are there when the training is found finished; none if None.
        note: a line under the reports, such as "random features (no ImageNet weights found)".

    The static twin is ``plots.training_curves``.

    Raises:
        ValueError: if ``keep`` is there and is not what a monitor writes.
    """

    def __init__(
        self,
        write: Callable[[object], str],
        reference: str = "",
        epochs: int = 0,
        keep: str | Path | None = None,
        note: str = "",
    ):
        self.write, self.reference, self.epochs, self.note = write, reference, epochs, note
        self.keep = Path(keep) if keep is not None else None
        self.records: dict[int, dict] = {}  # epoch -> loss, val_loss and perhaps seconds
        self.samples = self._stored()  # epoch -> report
        style = {"description_width": "48px"}
        self.epoch = ui.IntSlider(
            1, 1, 1, description="epoch", style=style, layout=ui.Layout(width="min(100%, 460px)"), disabled=True
        )
        self.state, self.sample = ui.HTML(), ui.HTML()
        self.charts = ui.HTML()
        self.widget = ui.VBox(
            [self.state, self.charts, row(self.epoch), self.sample], layout=ui.Layout(max_width="1000px")
        )
        self.epoch.observe(self._draw_sample, "value")
        self._draw()

    def on_epoch(self, record: dict, model) -> None:
        """Add an epoch that has just ended: what ``training.fit`` calls.

        Args:
            record: ``epoch`` (from 1), ``loss``, ``val_loss`` and ``seconds``.
            model: as it is after that epoch; goes to ``write``.
        """
        epoch = int(record["epoch"])
        self.records[epoch] = dict(record)
        self._add_sample(epoch, model)
        self._draw(epoch)

    def show(self, curves: pd.DataFrame, model=None) -> None:
        """Add what was not seen live, and turn to the best epoch.

        Args:
            curves: a row per epoch: ``epoch``, ``loss``, ``val_loss``, as ``training.read_curves`` gives them.
            model: the trained model, with the weights of the best epoch; its report is written where that epoch has none.
        """
        for record in curves.to_dict("records"):
            epoch = int(record["epoch"])
            self.records[epoch] = self.records.get(epoch, {}) | record
        best = self.best
        if model is not None and best and best not in self.samples:
            self._add_sample(best, model)
        self._draw(best)

    @property
    def best(self) -> int | None:
        """The epoch with the least validation loss, the first of them; None before the first epoch has ended."""
        return min(self.records, key=lambda epoch: (self.records[epoch]["val_loss"], epoch), default=None)

    def _stored(self) -> dict[int, str]:
        if self.keep is None or not self.keep.exists():
            return {}
        try:
            content = json.loads(self.keep.read_text(encoding="utf-8"))
            samples = {int(epoch): str(text) for epoch, text in content["samples"].items()}
            reference = content["reference"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{self.keep} does not hold sample reports ({error}); delete it") from None
        return samples if reference == self.reference else {}  # another study was watched then

    def _add_sample(self, epoch: int, model) -> None:
        self.samples[epoch] = self.write(model)
        if self.keep is not None:
            content = {"reference": self.reference, "samples": self.samples}
            paths.write_text(self.keep, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def _draw(self, epoch: int | None = None) -> None:
        self.state.value = self._state()
        measures = (self._chart(measure) for measure in ("loss", "perplexity"))
        charts = "".join(f'<div style="flex: 1 1 320px; max-width: 470px">{chart}</div>' for chart in measures)
        self.charts.value = f'<div style="display: flex; flex-wrap: wrap; gap: 0 8px">{charts}</div>'
        if self.records:
            self.epoch.max = max(self.records)
            self.epoch.min = min(self.records)
            self.epoch.disabled = False
        if epoch is not None and self.epoch.value != epoch:
            self.epoch.value = epoch  # which draws the sample
        else:
            self._draw_sample()

    def _state(self) -> str:
        if not self.records:
            return framed("The training has not ended its first epoch yet.")
        last, best = max(self.records), self.best
        of = f" of at most {self.epochs}" if self.epochs else ""
        took = [record["seconds"] for record in self.records.values() if record.get("seconds")]
        pace = f" ({sum(took) / len(took):.1f} s each)" if took else ""
        loss = self.records[best]["val_loss"]
        numbers = f"validation loss {loss:.3f}, perplexity {math.exp(loss):.2f}"
        return framed(f"<b>Epoch {last}</b>{of}{pace}. The best so far: <b>epoch {best}</b>, {numbers}.")

    def _chart(self, measure: str) -> str:
        epochs = sorted(self.records)
        take = math.exp if measure == "perplexity" else float
        curves = {
            name: (epochs, [take(self.records[epoch][column]) for epoch in epochs])
            for name, column in (("training", "loss"), ("validation", "val_loss"))
        }
        unit = "loss (nats per word)" if measure == "loss" else measure
        mark = {f"best: {self.best}": self.best} if epochs else {}
        x = Axis(
            "epoch", low=1 if epochs else None, high=max(self.epochs, *epochs, 2) if epochs else None, integer=True
        )
        return line_chart(curves, x, Axis(unit), mark)

    def _draw_sample(self, _change=None) -> None:
        epoch = self.epoch.value
        if not self.records:
            text = "<i>comes after the first epoch</i>"
        elif epoch in self.samples:
            text = escape(self.samples[epoch]) or "<i>(an empty report)</i>"
        else:
            text = f'<span style="color: {SOFT}">No report was kept of epoch {epoch}: it was trained without this monitor.</span>'
        best = " (the best)" if self.records and epoch == self.best else ""
        title = heading(f"What the model writes after epoch {epoch}{best}" if self.records else "What the model writes")
        true = heading("The true report") + f"<div>{escape(self.reference)}</div>" if self.reference else ""
        hint = soft("The slider goes back to earlier epochs once the cell with the training has ended.")
        self.sample.value = framed(f"{title}<div>{text}</div>{true}{hint}{footer(self.note)}", 270, "sample report")
