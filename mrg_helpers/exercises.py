"""The exercises of the notebooks come from the solution notebooks: ``python -m mrg_helpers.exercises`` derives them.

A solution notebook, ``notebooks/solutions/NN_name.ipynb``, holds the end of ``notebooks/NN_name.ipynb``, the bug museum and the
exercises, with their solutions between markers::

    # BEGIN SOLUTION
    share = (lengths > 30).mean()
    # THE READER GETS
    # share = ...  # a number between 0 and 1
    # END SOLUTION

The reader gets what stands behind the second marker, without its ``#``, or a line ``pass  # your code here`` where there is no
second marker. Cells tagged ``exercise`` go into the numbered notebook, before its last cell.

* ``python -m mrg_helpers.exercises`` brings the numbered notebooks up to date; ``--check`` only says which are not.
* ``python -m mrg_helpers.exercises --to FOLDER`` writes the reader's edition: all but the solutions.
* ``python -m mrg_helpers.exercises --to FOLDER --solved`` writes the numbered notebooks with the solutions filled in.

Explained in ``notebooks/README.md``.
"""

from __future__ import annotations

import argparse
import copy
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat

from . import paths

BEGIN, READER, END = "# BEGIN SOLUTION", "# THE READER GETS", "# END SOLUTION"
PLACEHOLDER = "pass  # your code here"
TAG = "exercise"
EDITION = ("mrg_helpers", "requirements.txt", "LICENSE")  # what a reader needs besides the notebooks


def _split(source: str) -> list[tuple[str, list[str], list[str] | None]]:
    """A cell cut at its markers: (indent, solution, what the reader gets) for each solution, and ("", lines, lines) between them.

    Raises:
        ValueError: if a marker has no partner.
    """
    parts: list[tuple[str, list[str], list[str] | None]] = [("", [], [])]
    state, indent = None, ""
    for line in source.splitlines():
        mark = line.strip()
        if mark == BEGIN and state is None:
            state, indent = BEGIN, line[: line.index("#")]
            parts.append((indent, [], None))
        elif mark == READER and state == BEGIN:
            state = READER
            parts[-1] = (indent, parts[-1][1], [])
        elif mark == END and state is not None:
            state = None
            parts.append(("", [], []))
        elif mark in (BEGIN, READER, END):
            raise ValueError(f"the marker {mark!r} stands in a wrong place in the cell\n{source}")
        elif state == READER:
            parts[-1][2].append(indent + re.sub(r"^# ?", "", line.removeprefix(indent)))
        else:
            parts[-1][1].append(line)
            if state is None:
                parts[-1][2].append(line)
    if state is not None:
        raise ValueError(f"a marker {BEGIN!r} has no {END!r} in the cell\n{source}")
    return parts


def for_reader(source: str) -> str:
    """A cell of a solution notebook as the reader gets it.

    Example:
        >>> for_reader("def twice(x):\\n    # BEGIN SOLUTION\\n    return 2 * x\\n    # END SOLUTION")
        'def twice(x):\\n    pass  # your code here'
    """
    lines: list[str] = []
    for indent, _, gets in _split(source):
        lines += [indent + PLACEHOLDER] if gets is None else gets
    return "\n".join(line.rstrip() for line in lines)


def solved(source: str) -> str:
    """The same cell with the solution and without markers."""
    return "\n".join(line for _, solution, _ in _split(source) for line in solution)


def derive(notebook: nbformat.NotebookNode, solutions: nbformat.NotebookNode, view: Callable[[str], str] = for_reader):
    """A numbered notebook whose exercises are those of a solution notebook; the other cells stay as they are.

    Args:
        view: what becomes of the source of a code cell, :func:`for_reader` or :func:`solved`.
    """
    derived, cells = copy.deepcopy(notebook), []
    for cell in solutions.cells:
        if _is_exercise(cell):
            cell = copy.deepcopy(cell)
            if cell.cell_type == "code":
                cell.source = view(cell.source)
            cells.append(cell)
    kept = [cell for cell in derived.cells if not _is_exercise(cell)]
    derived.cells = [*kept[:-1], *cells, kept[-1]]
    return derived


def _is_exercise(cell) -> bool:
    return TAG in cell.metadata.get("tags", [])


def pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Each numbered notebook of a folder with its solution notebook.

    Raises:
        FileNotFoundError: if there are no solution notebooks, as in the reader's edition, or one has no numbered notebook.
    """
    found = sorted((folder / "solutions").glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise FileNotFoundError(f"{folder / 'solutions'}: no solution notebooks here; this may be the reader's edition")
    for solution in found:
        if not (folder / solution.name).is_file():
            raise FileNotFoundError(
                f"{folder / solution.name}: missing, but there is a solution notebook for it: {solution}"
            )
    return [(folder / solution.name, solution) for solution in found]


def derived_text(notebook: Path, solution: Path, view: Callable[[str], str] = for_reader) -> str:
    """The file of a numbered notebook as it should be, given its solution notebook."""
    both = (nbformat.read(path, as_version=nbformat.NO_CONVERT) for path in (notebook, solution))
    return nbformat.writes(derive(*both, view)) + "\n"


def out_of_date(folder: Path) -> list[Path]:
    """The numbered notebooks whose exercises are not those of their solution notebooks."""
    return [
        notebook
        for notebook, solution in pairs(folder)
        if derived_text(notebook, solution) != notebook.read_text(encoding="utf-8")
    ]


def write_edition(folder: Path, target: Path, view: Callable[[str], str]) -> Path:
    """Everything that is needed to work through the notebooks, without the solution notebooks, in a new folder.

    Raises:
        FileExistsError: if the folder has something in it.
    """
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(f"{target}: the folder is not empty; name a new one")
    (target / "notebooks").mkdir(parents=True, exist_ok=True)
    for name in EDITION:
        source = folder.parent / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target / name)
    for name in ("profiles.yaml", "GLOSSARY.md"):
        shutil.copy(folder / name, target / "notebooks" / name)
    for notebook, solution in pairs(folder):
        text = derived_text(notebook, solution, view)
        paths.write_text(target / "notebooks" / notebook.name, text)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mrg_helpers.exercises", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a notebook is not up to date")
    parser.add_argument(
        "--to", metavar="FOLDER", type=Path, help="write the reader's edition, without solutions, to a new folder"
    )
    parser.add_argument("--solved", action="store_true", help="with --to: fill the solutions in")
    options = parser.parse_args(arguments)
    if options.solved and not options.to:
        parser.error("--solved needs --to FOLDER: the numbered notebooks here hold no solutions")
    try:
        folder = paths.notebooks_dir()
        if options.to:
            print("written:", write_edition(folder, options.to, solved if options.solved else for_reader))
            return 0
        stale = out_of_date(folder)
        for notebook in stale:
            if not options.check:
                paths.write_text(notebook, derived_text(notebook, folder / "solutions" / notebook.name))
            print("not up to date:" if options.check else "brought up to date:", notebook)
        print(f"{len(pairs(folder)) - len(stale)} notebooks were up to date")
        return 1 if stale and options.check else 0
    except (OSError, ValueError) as error:
        print(f"exercises: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
