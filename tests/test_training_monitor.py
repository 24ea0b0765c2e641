from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from mrg_helpers.training_monitor import TrainingMonitor

LOSSES = [(3.0, 3.2), (2.0, 2.1), (1.5, 2.3)]
CURVES = pd.DataFrame({"epoch": [1, 2, 3], "loss": [a for a, _ in LOSSES], "val_loss": [b for _, b in LOSSES]})


def write(model) -> str:
    return f"report of {model} <b>"


def record(epoch: int) -> dict:
    loss, val_loss = LOSSES[epoch - 1]
    return {"epoch": epoch, "loss": loss, "val_loss": val_loss, "seconds": 2.0}


def trained(monitor: TrainingMonitor, epochs=(1, 2, 3)) -> TrainingMonitor:
    for epoch in epochs:
        monitor.on_epoch(record(epoch), f"model {epoch}")
    return monitor


def test_before_the_first_epoch_there_is_something_to_see():
    monitor = TrainingMonitor(write, "No <i>effusion</i>.")
    assert "not ended its first epoch" in monitor.state.value and monitor.epoch.disabled
    assert monitor.charts.value.count("<svg") == 2 and "comes after the first epoch" in monitor.sample.value


def test_every_epoch_adds_to_the_curves_and_writes_the_sample():
    monitor = TrainingMonitor(write, "No <i>effusion</i>.", epochs=5, note="random features")
    for epoch, dots in ((1, 4), (2, 8), (3, 12)):
        monitor.on_epoch(record(epoch), f"model {epoch}")
        assert monitor.charts.value.count("<circle") == dots, "two measures of two splits"
        assert f"<b>Epoch {epoch}</b> of at most 5 (2.0 s each)" in monitor.state.value
        assert monitor.epoch.value == epoch == monitor.epoch.max, "the newest is shown"
        assert f"report of model {epoch}" in monitor.sample.value
    assert "not for clinical use" in monitor.sample.value and "random features" in monitor.sample.value


def test_the_best_epoch_is_marked_by_the_validation_loss():
    monitor = trained(TrainingMonitor(write))
    assert monitor.best == 2
    assert "The best so far: <b>epoch 2</b>, validation loss 2.100, perplexity 8.17" in monitor.state.value
    assert monitor.charts.value.count("best: 2") == 2
    monitor.epoch.value = 2
    assert "after epoch 2 (the best)" in monitor.sample.value


def test_the_slider_goes_back_to_earlier_reports():
    monitor = trained(TrainingMonitor(write))
    for epoch in (1, 3, 2):
        monitor.epoch.value = epoch
        assert f"report of model {epoch}" in monitor.sample.value


def test_text_of_reports_is_escaped():
    monitor = trained(TrainingMonitor(write, "No <i>effusion</i>."))
    assert "<b>" not in monitor.sample.value and "&lt;b&gt;" in monitor.sample.value
    assert "<i>effusion" not in monitor.sample.value and "&lt;i&gt;effusion" in monitor.sample.value


def test_a_training_found_finished_shows_the_stored_curve_and_the_report_of_its_model():
    monitor = TrainingMonitor(write)
    monitor.show(CURVES, "the best model")
    assert monitor.charts.value.count("<circle") == 12 and monitor.epoch.value == 2
    assert "report of the best model" in monitor.sample.value
    monitor.epoch.value = 1
    assert "No report was kept of epoch 1" in monitor.sample.value


def test_a_training_gone_on_with_gets_its_earlier_epochs():
    monitor = trained(TrainingMonitor(write), [3])
    monitor.show(CURVES)
    assert sorted(monitor.records) == [1, 2, 3] and monitor.records[3]["seconds"] == 2.0
    assert (monitor.epoch.min, monitor.epoch.max, monitor.epoch.value) == (1, 3, 2)
    assert monitor.samples == {3: "report of model 3 <b>"}, "no model, no report"


def test_sample_reports_are_kept_for_the_next_session(tmp_path):
    path = tmp_path / "samples.json"
    trained(TrainingMonitor(write, "truth", keep=path))
    again = TrainingMonitor(write, "truth", keep=path)
    again.show(CURVES, "another model")
    again.epoch.value = 1
    assert "report of model 1" in again.sample.value
    assert again.samples[2] == "report of model 2 <b>", "what was written live stays"
    assert TrainingMonitor(write, "another study", keep=path).samples == {}


@pytest.mark.parametrize("content", ["", "[1]", json.dumps({"samples": {"x": "a"}, "reference": ""}), "{}"])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "samples.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"samples\.json does not hold sample reports .*; delete it"):
        TrainingMonitor(write, keep=path)


def test_an_empty_report_and_empty_curves():
    monitor = TrainingMonitor(lambda model: "")
    monitor.show(CURVES[:0])
    assert "not ended its first epoch" in monitor.state.value
    monitor.on_epoch(record(1), None)
    assert "an empty report" in monitor.sample.value and re.search(r"Epoch 1</b> \(2\.0 s", monitor.state.value)
