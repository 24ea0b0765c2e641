"""A JupyterLab server over copies of the notebooks, and a notebook that is open in it."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import nbformat
import papermill

from mrg_helpers import paths, runner

SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}  # fmt: skip
READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget;
  return panel?.context?.isReady && panel.sessionContext.isReady && panel.sessionContext.session?.kernel?.status === "idle"
    && panel.content.widgets.length > 1;
}"""
STATE = """() => {
  const panel = window.jupyterapp.shell.currentWidget;
  const cells = panel.content.widgets.filter((cell) => cell.model.type === "code");
  const outputs = (cell) => [...Array(cell.model.outputs.length).keys()].map((k) => cell.model.outputs.get(k));
  return {
    kernel: panel.sessionContext.session?.kernel?.status || "none",
    run: cells.filter((cell) => cell.model.executionCount).length,
    cells: cells.length,
    errors: cells.flatMap(outputs).filter((one) => one.type === "error").map((one) => JSON.stringify(one.toJSON()).slice(0, 3000)),
  };
}"""


class Lab:
    """A server of its own: port, settings and workspace belong to nobody else. It ends with the block.

    Args:
        folder: an empty one.
        profile: whose values the copies of the notebooks hold.
        environment: variables for the kernels.
    """

    def __init__(self, folder: Path, profile: str, environment: dict[str, str]):
        self.folder, self.profile = folder, profile
        self.token = secrets.token_hex(16)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        own = {f"JUPYTER_{name}_DIR": str(folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        path = os.pathsep.join(filter(None, [str(paths.project_root()), os.environ.get("PYTHONPATH")]))
        self.environment = {**os.environ, **own, **environment, "JUPYTER_PREFER_ENV_PATH": "1", "PYTHONPATH": path}
        (folder / "notebooks").mkdir()
        (folder / "app").mkdir()
        (folder / "app" / "overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")

    def __enter__(self) -> Lab:
        options = {
            "ServerApp.ip": "127.0.0.1", "ServerApp.port": self.port, "ServerApp.port_retries": 0, "ServerApp.allow_root": True,
            "ServerApp.open_browser": False, "ServerApp.root_dir": self.folder / "notebooks", "IdentityProvider.token": self.token,
            "LabApp.app_settings_dir": self.folder / "app", "LabApp.user_settings_dir": self.folder / "settings",
            "LabApp.workspaces_dir": self.folder / "workspaces", "LabApp.expose_app_in_browser": True,
        }  # fmt: skip
        command = [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())]
        self.log = open(self.folder / "server.log", "wb")
        self.process = subprocess.Popen(
            command, env=self.environment, stdout=self.log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        try:
            self._wait(300)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/api?token={self.token}", timeout=5).close()
                return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError(f"JupyterLab did not start:\n{(self.folder / 'server.log').read_text('utf-8')[-3000:]}")

    def __exit__(self, *_) -> None:
        self.process.send_signal(signal.SIGTERM)  # which ends the kernels, too
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def copy(self, number: str) -> Path:
        """A copy of the notebook of this number, with the values of the profile and not executed."""
        (source,) = paths.notebooks_dir().glob(f"{number}_*.ipynb")
        values = runner.load_profile(source.parent / "profiles.yaml", self.profile)
        declared = {name: values[name] for name in runner.declared_parameters(source) if name in values}
        path = self.folder / "notebooks" / source.name
        papermill.execute_notebook(
            source, path, declared, prepare_only=True, kernel_name="python3", language="python", progress_bar=False
        )
        return path

    def write(self, name: str, *cells: str) -> Path:
        """A notebook with these code cells."""
        path = self.folder / "notebooks" / f"{name}.ipynb"
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, cells)], metadata=kernel), path)
        return path

    def open(self, notebook: str | Path, page) -> Notebook:
        """Open a notebook on a page, with a running kernel and nothing else on the screen: a copy of the one with this number, or
        one that was written."""
        path = self.copy(notebook) if isinstance(notebook, str) else notebook
        page.goto(f"{self.address}/lab/workspaces/{path.stem[:2]}/tree/{path.name}?token={self.token}")
        page.wait_for_function(READY)  # else "run all" runs what there is so far, perhaps nothing
        notebook = Notebook(page, path)
        if page.locator("#jp-left-stack").is_visible():
            notebook.command("application:toggle-left-area")
        return notebook


class Notebook:
    """A notebook that is open in JupyterLab."""

    def __init__(self, page, path: Path):
        self.page, self.path = page, path

    def command(self, name: str, **arguments) -> None:
        """A command of JupyterLab, and wait until it is done."""
        self.page.evaluate("([name, rest]) => window.jupyterapp.commands.execute(name, rest)", [name, arguments])

    def run_all(self, meanwhile: Callable[[], object] = lambda: None, seconds: float = 900) -> dict:
        """Run from the first cell to the last: how many were run, and the errors. What happens ``meanwhile`` can be watched."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            meanwhile()
            state = self.page.evaluate(STATE)
            if state["errors"] or (state["run"] == state["cells"] and state["kernel"] == "idle"):
                return state
            time.sleep(0.25)
        raise AssertionError(f"not finished after {seconds:.0f} s: {state}")

    def cell(self, source: str):
        """The cell whose source has these words, scrolled to and with its outputs drawn."""
        place = self.page.evaluate(
            "(text) => window.jupyterapp.shell.currentWidget.content.widgets.findIndex((one) =>"
            " one.model.type === 'code' && one.model.sharedModel.getSource().includes(text))",
            source,
        )
        assert place >= 0, f"no cell with {source!r}"
        self.page.evaluate(
            "(place) => window.jupyterapp.shell.currentWidget.content.scrollToItem(place, 'start')", place
        )
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{place}"]')

    def output(self, source: str):
        """What the cell with these words shows, in view."""
        place = self.cell(source).locator(".jp-OutputArea-output").last
        place.scroll_into_view_if_needed()
        return place

    def look(self, theme: str, width: int) -> None:
        """Light or dark, on a screen of this width."""
        self.command("apputils:change-theme", theme={"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme])
        self.page.locator("#jupyterlab-splash").wait_for(state="detached")
        self.page.set_viewport_size({"width": width, "height": 1000})
