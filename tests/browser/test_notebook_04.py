"""Notebook 04 in JupyterLab, from the first cell to the last, while its training monitor is watched."""

from __future__ import annotations

import re

import pytest
from controls import drag, press, slider, value
from seen import faint, stays, until

SOURCE = "monitor = widgets.TrainingMonitor("


@pytest.fixture(scope="module")
def folders(folders, profile, tmp_path_factory):
    """Outputs without a model, so that there is a training to watch."""
    if profile != "smoke":
        pytest.skip("a training of minutes; watched in the smoke profile only")
    return folders | {"MRG_OUTPUTS_DIR": str(tmp_path_factory.mktemp("untrained"))}


@pytest.fixture(scope="module")
def notebook(lab, new_page):
    return lab.open("04", new_page())


@pytest.fixture(scope="module")
def said() -> set[str]:
    """How the monitor began at any time while the notebook was running."""
    return set()


@pytest.fixture(scope="module")
def state(notebook, said):
    cell = notebook.cell(SOURCE)

    def listen():
        said.update(
            re.findall(r"The training has not ended its first epoch|Epoch \d+", " ".join(cell.all_text_contents()))
        )

    return notebook.run_all(listen)


@pytest.fixture
def monitor(notebook, state):
    return notebook.output(SOURCE)


def test_every_cell_runs(state):
    assert not state["errors"] and state["run"] == state["cells"] > 15


def test_the_monitor_went_along_with_the_training(monitor, state, said):
    assert "The training has not ended its first epoch" in said and "Epoch 2" in said
    curves = monitor.locator("svg")
    assert curves.count() == 2 and all(curves.nth(k).locator("circle").count() >= 4 for k in range(2))


def test_the_slider_goes_back_to_earlier_reports(monitor):
    epoch, report = slider(monitor, "epoch"), monitor.get_by_role("region", name="sample report")
    for move, place in (
        (lambda: press(epoch, "Home"), 1),
        (lambda: press(epoch, "ArrowRight"), 2),
        (lambda: drag(epoch, -400), 1),
        (lambda: drag(epoch, 400), 2),
    ):
        with stays(monitor):
            move()
            until(monitor.page, lambda place=place: f"after epoch {place}" in report.inner_text(), f"epoch {place}")
        assert value(epoch) == place and "No report was kept" not in report.inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [900, 1400])
def test_it_fits_and_is_legible(notebook, monitor, screens, theme, width):
    notebook.look(theme, width)
    assert monitor.evaluate("(one) => one.scrollWidth <= one.clientWidth + 1"), "wider than the cell"
    monitor.screenshot(path=screens / f"training-monitor-{theme}-{width}.png")
    assert not faint(monitor)
