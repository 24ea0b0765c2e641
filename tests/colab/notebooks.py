"""Runs the notebooks as Colab does: each alone in an empty folder, in a runtime without the helpers, its set-up cell as it is.

Called by ``tests/colab/run``, which makes an environment with the versions of ``requirements.txt``. Papermill cannot do this: the
set-up cell asks a question, and here it is answered with the address of this checkout.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import nbformat
import yaml
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).resolve().parents[2]
PINS = dict(
    line.split("==")
    for line in Path(__file__).with_name("requirements.txt").read_text(encoding="utf-8").split("\n")
    if "==" in line
)
SAVED = {"execute_result", "display_data", "stream", "error"}
PATIENCE = 900  # seconds for one cell


def main(folder: Path) -> None:
    profile = yaml.safe_load((ROOT / "notebooks" / "profiles.yaml").read_text(encoding="utf-8"))["smoke"]
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        _pip("uninstall", "--yes", "-qq", "mrg_helpers", "papermill")  # every runtime begins without them
        alone = folder / path.stem / path.name
        shutil.rmtree(alone.parent, ignore_errors=True)
        alone.parent.mkdir(parents=True)
        notebook = nbformat.read(path, as_version=4)
        try:
            run(notebook, profile, alone.parent)
        finally:
            nbformat.write(notebook, alone)
        _assert_pins_hold()
        print(f"{path.name}: all cells ran", flush=True)


def run(notebook: nbformat.NotebookNode, values: dict[str, object], folder: Path) -> None:
    """Execute the cells of a notebook in a kernel that starts in ``folder``; outputs go into the notebook.

    Raises:
        RuntimeError: at the first cell that fails, with its text and the error.
    """
    manager, client = start_new_kernel(cwd=str(folder))
    asked: list[str] = []

    def answer(message: dict) -> None:
        asked.append(message["content"]["prompt"])
        client.input(ROOT.as_uri())

    def execute(source: str) -> list:
        outputs: list = []

        def keep(message: dict) -> None:
            if message["header"]["msg_type"] in SAVED:
                outputs.append(nbformat.v4.output_from_msg(message))

        client.execute_interactive(source, allow_stdin=True, stdin_hook=answer, output_hook=keep, timeout=PATIENCE)
        return outputs

    try:
        for cell in notebook.cells:
            if cell.cell_type != "code":
                continue
            cell.outputs = execute(cell.source)
            if "parameters" in cell.metadata.get("tags", []):
                declared = {statement.targets[0].id for statement in ast.parse(cell.source).body}
                cell.outputs += execute("\n".join(f"{name} = {values[name]!r}" for name in declared & set(values)))
            for output in cell.outputs:
                if output.output_type == "error":
                    raise RuntimeError("\n".join([cell.source, *output.traceback]))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    if len(asked) != 1:
        raise RuntimeError(
            f"the set-up cell was to ask once for the repository, but {len(asked)} questions came: {asked}"
        )


def _assert_pins_hold() -> None:
    changed = {name: metadata.version(name) for name, pin in PINS.items() if metadata.version(name) != pin}
    if changed:
        raise RuntimeError(f"the set-up cell changed what Colab brings: {changed}")


def _pip(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", *arguments], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
