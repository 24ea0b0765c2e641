"""Run the notebooks with papermill, as a reader would, and turn them into pages.

Papermill only warns about a parameter that nobody declares and about a missing ``parameters`` cell; both mean that a
notebook runs with other values than one thinks, so both are refused here.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import nbformat
import papermill
import yaml
from nbclient.exceptions import DeadKernelError
from papermill.engines import NBClientEngine, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.translators import PythonTranslator
from tqdm import tqdm

from . import pages, paths

# Else what a kernel logs breaks the bar, and what TensorFlow's C++ side says at its start stands in the notebook like an error: it
# goes to the kernels' log instead.
_KERNEL_OPTIONS = ["--log-level=50", "--IPKernelApp.capture_fd_output=False"]


class NotebookFailed(RuntimeError):
    """A cell of a notebook raised an error.

    Attributes:
        notebook: the source notebook.
        executed: the half-executed copy, with the whole traceback in it.
        cell: the number of the failing cell, as JupyterLab shows it in ``[ ]``.
        source: the text of that cell.
        error: the error's name and message.
    """

    def __init__(self, notebook: Path, executed: Path, cell: int, source: str, error: str):
        self.notebook, self.executed, self.cell, self.source, self.error = notebook, executed, cell, source, error
        lines = source.strip().splitlines()
        head = "\n".join(f"    {line}" for line in lines[:6] + ["…"] * (len(lines) > 6))
        super().__init__(
            f"{notebook.name} stopped at cell [{cell}]:\n{head}\n{error}\n"
            f"The half-executed notebook, with the whole traceback: {executed}"
        )


def parse_value(text: str) -> object:
    """A parameter's value from the command line, read as YAML: ``12``, ``1e-3``, ``true``, ``[1, 2]``, ``mixed8``.

    Raises:
        ValueError: if the text is no YAML.
    """
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"{text!r} is not a value: {' '.join(str(error).split())}") from None
    if isinstance(value, str) and re.fullmatch(r"[-+]?[\d.]+e[-+]?\d+", value, re.I):
        return float(value)  # YAML 1.1 takes 1e-3 for a word
    return value


def load_profile(path: Path, profile: str) -> dict[str, object]:
    """The values of one profile of a ``profiles.yaml``.

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if it has no such profile.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: the profiles of the notebooks are missing; restore the file")
    profiles = yaml.safe_load(path.read_text(encoding="utf-8"))
    if profile not in profiles:
        raise ValueError(f"{path}: no profile {profile!r}; choose one of {', '.join(profiles)}")
    return dict(profiles[profile] or {})


def declared_parameters(notebook: Path) -> list[str]:
    """The names that the ``parameters`` cell of a notebook sets.

    Raises:
        ValueError: if there is not exactly one cell with that tag.
    """
    cells = nbformat.read(notebook, as_version=4).cells
    tagged = [cell for cell in cells if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        raise ValueError(
            f"{notebook}: {len(tagged)} cells carry the tag 'parameters'; give it to exactly one code cell"
        )
    return [parameter.name for parameter in PythonTranslator.inspect(tagged[0])]


def is_experiment(notebook: Path) -> bool:
    """Whether a notebook trains many models, so that it is run only when it is asked for: its metadata say so."""
    return bool(nbformat.read(notebook, as_version=4).metadata.get("mrg_helpers", {}).get("experiment"))


def run(
    notebooks: Sequence[Path], parameters: Mapping[str, object], profile: str, outputs: Path, progress: bool = True
) -> Path:
    """Execute notebooks in order, each in a fresh kernel of this Python.

    Args:
        notebooks: the notebooks; ``profiles.yaml`` lies beside the first of them.
        parameters: values that go over those of the profile; each notebook gets those that it declares.
        profile: name of a profile in ``profiles.yaml``.
        outputs: the folder of outputs. Executed copies and their pages go to ``outputs/executed``, the index to
            ``outputs/index.html``; what the notebooks make themselves goes to this folder too.
        progress: show a bar over the cells of all notebooks.

    A second run into the same outputs waits until the first has finished.

    Returns:
        The path of ``index.html``.

    Raises:
        NotebookFailed: at the first failing cell; later notebooks do not run.
        ValueError: for an unknown profile, a parameter that no notebook declares, or a notebook without a
            ``parameters`` cell. Nothing has run then.
    """
    notebooks, outputs = [Path(notebook).resolve() for notebook in notebooks], Path(outputs).resolve()
    declared = {notebook: declared_parameters(notebook) for notebook in notebooks}
    known = sorted({name for names in declared.values() for name in names})
    if unknown := sorted(set(parameters) - set(known)):
        raise ValueError(f"no selected notebook has a parameter {', '.join(unknown)}; there are: {', '.join(known)}")
    values = {**load_profile(notebooks[0].parent / "profiles.yaml", profile), **parameters}
    given = {notebook: {name: values[name] for name in names if name in values} for notebook, names in declared.items()}

    # papermill puts a cell with the given values behind the parameters cell
    total = sum(len(nbformat.read(file, as_version=4).cells) + bool(given[file]) for file in notebooks)
    executed = []
    with (
        paths.locked(outputs / "executed"),
        _kernel_environment(outputs),
        _kernel_log(outputs / "executed" / "kernels.log") as screen,
        tqdm(total=total, unit="cell", mininterval=0.5, disable=not progress, file=screen) as bar,
    ):
        for notebook in notebooks:
            bar.set_description(notebook.stem)
            executed.append(_execute(notebook, given[notebook], outputs / "executed", bar))
            pages.notebook_page(executed[-1], [one.stem for one in notebooks])
        passed = {name: value for name, value in values.items() if name in known}
        return pages.index_page(executed, outputs / "index.html", profile, passed)


def _execute(notebook: Path, parameters: dict, folder: Path, bar: tqdm) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    executed = folder / notebook.name
    executed.with_suffix(".html").unlink(missing_ok=True)  # a page of an earlier run must not outlive a failure
    try:
        papermill.execute_notebook(
            notebook,
            executed,
            parameters,
            engine_name=_Counting.name,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            cwd=notebook.parent,
            extra_arguments=_KERNEL_OPTIONS,
            bar=bar,
        )
    except PapermillExecutionError as error:
        message = re.sub(r"\x1b\[[\d;]*m", "", f"{error.ename}: {error.evalue}")
        raise NotebookFailed(notebook, executed, error.exec_count, error.source, message) from None
    except DeadKernelError:
        cells = [cell for cell in nbformat.read(executed, as_version=4).cells if cell.cell_type == "code"]
        started = [cell for cell in cells if cell.metadata.papermill["start_time"]]
        message = "the kernel died; most often the machine ran out of memory"
        raise NotebookFailed(notebook, executed, len(started), started[-1].source, message) from None
    finished = nbformat.read(executed, as_version=4)
    for end in ("input_path", "output_path"):  # who hands it in does not tell how the folders are called
        finished.metadata.papermill[end] = Path(finished.metadata.papermill[end]).name
    with paths.replacing(executed) as temporary:
        nbformat.write(finished, temporary)
    return executed


class _Counting(NBClientEngine):
    """Papermill's engine, which also moves our bar: papermill's own starts anew with each notebook."""

    name = "mrg_helpers"

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, bar, **kwargs):
        complete = nb_man.cell_complete

        def complete_and_count(*args, **cell):
            complete(*args, **cell)
            bar.update()

        nb_man.cell_complete = complete_and_count
        super().execute_managed_notebook(nb_man, kernel_name, **kwargs)


papermill_engines.register(_Counting.name, _Counting)


@contextmanager
def _kernel_log(path: Path) -> Iterator[TextIO]:
    """What the kernels' libraries write to the standard error beside the notebook goes to a file, else it breaks the bar.

    Yields the real standard error.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.flush()
    real = os.dup(2)
    with open(path, "wb") as log, open(real, "w", encoding="utf-8", errors="replace") as screen:
        os.dup2(log.fileno(), 2)
        try:
            yield screen
        finally:
            sys.stderr.flush()
            os.dup2(real, 2)


@contextmanager
def _kernel_environment(outputs: Path) -> Iterator[None]:
    """What the kernels inherit: this environment before the user's own, this package, and folders as absolute paths
    (the kernel starts in the notebooks' folder)."""
    package_root = str(Path(__file__).resolve().parent.parent)
    folders = {"MRG_OUTPUTS_DIR": str(outputs)}
    if chosen := os.environ.get("MRG_DATA_DIR"):
        folders["MRG_DATA_DIR"] = str(Path(chosen).expanduser().resolve())
    path = os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")]))
    before = dict(os.environ)
    os.environ.update({"JUPYTER_PREFER_ENV_PATH": "1", "PYTHONPATH": path, **folders})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
