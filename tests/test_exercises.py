"""The tool that derives the reader's cells from the solutions."""

from __future__ import annotations

import nbformat
import pytest

from mrg_helpers import exercises, paths

CELL = """def share(words):
    # BEGIN SOLUTION
    long = [word for word in words if len(word) > 3]

    return len(long) / len(words)
    # THE READER GETS
    # total = 0
    # for word in words:
    #     total += 1
    #
    # return total  # the bug
    # END SOLUTION


print(share("a word"))
# BEGIN SOLUTION
answer = 0.5
# THE READER GETS
# answer = ...  # a number
# END SOLUTION"""


def notebook(name, *cells):
    made = nbformat.v4.new_notebook()
    for k, (kind, source, tagged) in enumerate(cells):
        cell = getattr(nbformat.v4, f"new_{kind}_cell")(source)
        cell.id = f"{name}-{k}"
        cell.metadata = {"tags": ["exercise"]} if tagged else {}
        made.cells.append(cell)
    return made


@pytest.fixture
def folder(tmp_path):
    """A project with one numbered notebook, which has an old exercise, and its solution notebook."""
    old = notebook("old", ("markdown", "# 01", False), ("code", "old()", True), ("markdown", "Next", False))
    new = notebook("new", ("markdown", "# Solutions", False), ("markdown", "## Exercises", True), ("code", CELL, True))
    for name in ("01_first.ipynb", "solutions/01_first.ipynb"):
        paths.write_text(tmp_path / "notebooks" / name, nbformat.writes(new if "solutions" in name else old) + "\n")
    for name in ("profiles.yaml", "GLOSSARY.md"):
        paths.write_text(tmp_path / "notebooks" / name, "")
    for name in ("mrg_helpers/__init__.py", "requirements.txt", "LICENSE"):
        paths.write_text(tmp_path / name, "")
    return tmp_path / "notebooks"


def test_the_reader_gets_what_is_meant_and_nothing_of_the_solution():
    lines = exercises.for_reader(CELL).splitlines()
    assert lines[1:6] == [
        "    total = 0",
        "    for word in words:",
        "        total += 1",
        "",
        "    return total  # the bug",
    ]
    assert lines[-1] == "answer = ...  # a number" and "long" not in exercises.for_reader(CELL)
    assert (
        exercises.for_reader("if x:\n    # BEGIN SOLUTION\n    y()\n    # END SOLUTION")
        == f"if x:\n    {exercises.PLACEHOLDER}"
    )
    compile(exercises.for_reader(CELL), "cell", "exec")


def test_the_solution_has_no_markers_and_nothing_of_the_reader():
    solved = exercises.solved(CELL)
    assert "#" not in solved and "total" not in solved and solved.endswith("answer = 0.5")
    compile(solved, "cell", "exec")


@pytest.mark.parametrize("marks", ["BE", "B", "E", "R", "BRRE", "BRE E", "BB E E", "RE"])
def test_markers_without_a_partner_are_refused(marks):
    names = {"B": exercises.BEGIN, "R": exercises.READER, "E": exercises.END}
    source = "\n".join(names.get(mark, "x = 1") for mark in marks)
    if marks == "BE":
        assert exercises.for_reader(source) == exercises.PLACEHOLDER
        return
    with pytest.raises(ValueError, match="marker"):
        exercises.for_reader(source)


def test_old_exercises_are_replaced_and_every_other_cell_stays(folder):
    path = folder / "01_first.ipynb"
    assert exercises.out_of_date(folder) == [path]
    paths.write_text(path, exercises.derived_text(path, folder / "solutions" / path.name))
    assert exercises.out_of_date(folder) == []
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells]
    assert sources[0] == "# 01" and sources[1] == "## Exercises" and sources[-1] == "Next"
    assert sources[2] == exercises.for_reader(CELL) and len(sources) == 4


def test_the_command_updates_checks_and_writes_editions(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(paths, "notebooks_dir", lambda: folder)
    assert exercises.main(["--check"]) == 1 and "not up to date" in capsys.readouterr().out
    assert exercises.main([]) == 0 and exercises.main(["--check"]) == 0
    for options, wanted in (([], exercises.for_reader(CELL)), (["--solved"], exercises.solved(CELL))):
        target = tmp_path / f"class{len(options)}"
        assert exercises.main(["--to", str(target), *options]) == 0
        cells = nbformat.read(target / "notebooks" / "01_first.ipynb", as_version=4).cells
        assert cells[2].source == wanted
        assert not (target / "notebooks" / "solutions").exists() and (target / "mrg_helpers" / "__init__.py").exists()
        assert exercises.main(["--to", str(target)]) == 1 and "not empty" in capsys.readouterr().err


def test_an_edition_without_solutions_says_so(folder, monkeypatch, capsys):
    monkeypatch.setattr(paths, "notebooks_dir", lambda: folder)
    (folder / "01_first.ipynb").unlink()
    assert exercises.main([]) == 1 and "missing, but there is a solution notebook" in capsys.readouterr().err
    (folder / "solutions" / "01_first.ipynb").unlink()
    assert exercises.main([]) == 1 and "reader's edition" in capsys.readouterr().err
