"""The form of the notebooks: their skeleton, their parameters, and that what they write out is what the package does."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import textwrap
from collections import Counter

import nbformat
import pytest
import yaml

from mrg_helpers import checks, exercises, paths, plots, stages

FOLDER = paths.project_root() / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
PROFILES = yaml.safe_load((FOLDER / "profiles.yaml").read_text(encoding="utf-8"))
SETTINGS = {field.name for field in dataclasses.fields(stages.Settings)}
# No setting of an artefact: the notebook itself passes them on.
EXTRAS = {"audit_images", "beams", "blind_epochs", "n_bootstrap", "n_seeds", "own_words", "profile", "systems"}
LONGEST_CELL, MOST_CODE_IN_A_ROW = 25, 3


def read(path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def parameters(path) -> dict[str, object]:
    """Name and value of each parameter; fails unless the cell is nothing but assignments of flat literals."""
    (cell,) = [cell for cell in read(path).cells if "parameters" in tags(cell)]
    found = {}
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign) and len(statement.targets) == 1, ast.unparse(statement)
        value = ast.literal_eval(statement.value)
        assert isinstance(value, (str, int, float, bool)), f"{ast.unparse(statement)}: not a flat literal"
        found[statement.targets[0].id] = value
    return found


def mirrors() -> list[tuple[str, str, str]]:
    """(notebook, module.name, source) of every cell that writes out something of the package."""
    return [
        (path.name, tag.removeprefix("mirrors:"), cell.source)
        for path in NOTEBOOKS
        for cell in read(path).cells
        for tag in tags(cell)
        if tag.startswith("mirrors:")
    ]


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_the_notebooks_are_numbered_without_gaps():
    assert [path.name[:2] for path in NOTEBOOKS] == [f"{k:02d}" for k in range(1, len(NOTEBOOKS) + 1)]
    assert len(NOTEBOOKS) >= 6


@each_notebook
def test_is_a_valid_notebook_without_outputs(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    ids = [cell.id for cell in notebook.cells]
    assert len(set(ids)) == len(ids)
    for cell in code_cells(notebook):
        assert cell.outputs == [] and cell.execution_count is None, cell.id


@each_notebook
def test_has_the_skeleton(path):
    notebook = read(path)
    first, text = notebook.cells[0].source, prose(notebook)
    assert re.match(rf"# {path.name[:2]} · \w", first), "the title, with the number"
    assert re.search(r"^\*\*.+\?\*\*$", first, re.M), "the question in one line"
    assert "not for clinical use" in first.lower()
    for part in ("After this notebook you can", "**Reads**", "**Writes**", "**Takes**"):
        assert part in first, part
    takes = first[first.index("**Takes**") :].split(".")[0]
    assert re.search(r"\b(a|\d+½?|one|two|three|half)\b[\w ]* (minutes?|hours?)", takes), takes
    assert not re.findall(r"\b(?:TODO|TBD|FIXME|TAKES)\b", text), "a place that was left to fill in"
    order = [text.index(heading) for heading in ("## 1. ", "## Recap", "## Exercises")]
    assert order == sorted(order)
    numbered = [int(k) for k in re.findall(r"^### Exercise (\d) · \w", text[text.index("## Exercises") :], re.M)]
    assert numbered == list(range(1, len(numbered) + 1)) and 3 <= len(numbered) <= 5
    assert "Warm-up" in text and "Challenge" in text
    sections = [int(number) for number in re.findall(r"^## (\d+)\. ", text, re.M)]
    assert sections == list(range(1, len(sections) + 1)), "sections are numbered in order"


@each_notebook
def test_links_to_what_exists_and_to_the_next(path):
    text = prose(read(path))
    links = re.findall(r"\]\(([^)#\s]+)\)", text)
    for link in links:
        assert re.match(r"https?://", link) or (FOLDER / link).exists(), link
    following = NOTEBOOKS[NOTEBOOKS.index(path) + 1 :]
    if following:
        last = text.strip().splitlines()[-1]
        assert last.startswith("Next: [") and f"]({following[0].name})" in last
    for name in re.findall(r"\b\d\d_\w+\.ipynb\b", text):
        assert (FOLDER / name).exists(), name


@each_notebook
def test_cells_are_short_and_stand_among_prose(path):
    notebook = read(path)
    for cell in code_cells(notebook):
        if "parameters" not in tags(cell):  # a list, not an idea
            assert len(cell.source.splitlines()) <= LONGEST_CELL, cell.source
    first_section = next(k for k, cell in enumerate(notebook.cells) if "## 1. " in cell.source)
    kinds = "".join("c" if cell.cell_type == "code" else " " for cell in notebook.cells[first_section:])
    assert max(map(len, kinds.split()), default=0) <= MOST_CODE_IN_A_ROW


@each_notebook
def test_set_up_comes_first_and_is_the_same_everywhere(path):
    cells = code_cells(read(path))
    assert tags(cells[0]) == ["setup"] and "parameters" in tags(cells[1])
    assert cells[0].source == code_cells(read(NOTEBOOKS[0]))[0].source


@each_notebook
def test_parameters_are_settings_with_the_values_of_the_demo(path):
    assert sum("parameters" in tags(cell) for cell in read(path).cells) == 1
    found = parameters(path)
    assert set(found) <= SETTINGS | EXTRAS
    for name, value in found.items():
        default = PROFILES["demo"].get(name, getattr(stages.Settings(), name, value))
        assert (value, type(value)) == (default, type(default)), name


def test_shared_parameters_have_one_default():
    values: dict[str, set] = {}
    for path in NOTEBOOKS:
        for name, value in parameters(path).items():
            values.setdefault(name, set()).add(value)
    assert {name: seen for name, seen in values.items() if len(seen) > 1} == {}


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_set_what_exists(profile):
    declared = {name for path in NOTEBOOKS for name in parameters(path)}
    assert set(PROFILES[profile]) <= declared & (SETTINGS | EXTRAS)
    assert PROFILES[profile]["profile"] == profile, "under this name the run stands in the leaderboard"
    assert {"smoke", "demo", "full"} <= set(PROFILES)


# ---------------------------------------------------------------------------------------------------------- exercises


@each_notebook
def test_one_figure_is_drawn_to_explain_an_idea(path):
    ideas = {name for name in plots.__all__ if "idea_charts" in getattr(plots, name).__module__}
    code = " ".join(cell.source for cell in code_cells(read(path)))
    assert any(re.search(rf"plots\.{name}\(", code) for name in ideas | {"family_member"})


def test_the_exercises_are_those_of_the_solution_notebooks():
    stale = [path.name for path in exercises.out_of_date(FOLDER)]
    assert not stale, f"{', '.join(stale)}: run `python -m mrg_helpers.exercises`"
    assert [solution.name for _, solution in exercises.pairs(FOLDER)] == [path.name for path in NOTEBOOKS]


@each_notebook
def test_every_exercise_and_exhibit_is_checked_once_under_its_number(path):
    notebook = read(path)
    headings = re.findall(r"^### (?:Exercise|Exhibit) (\w) ·", prose(notebook), re.M)
    checked = re.findall(r'checks\.check\("([^"]+)"', "\n".join(cell.source for cell in code_cells(notebook)))
    number = path.name[:2]
    assert checked == [f"{number}.{name}" for name in headings]
    assert sorted(checked) == [name for name in checks.names() if name.startswith(number)]


@each_notebook
def test_nothing_of_a_solution_is_left_in_the_numbered_notebook(path):
    for cell in read(path).cells:
        assert not any(mark in cell.source for mark in (exercises.BEGIN, exercises.READER, exercises.END)), cell.id


# ------------------------------------------------------------------------------------------- glossary, for instructors


def glossary() -> list[tuple[str, list[str]]]:
    """(term, numbers of the notebooks) of each entry."""
    text = (FOLDER / "GLOSSARY.md").read_text(encoding="utf-8")
    entries = re.findall(r"^- (.+?) \(((?:\d\d(?:, )?)+)\): \S", text, re.M)
    assert len(entries) == len(re.findall(r"^- ", text, re.M)), (
        "an entry without its notebooks, or without an explanation"
    )
    return [(term, numbers.split(", ")) for term, numbers in entries]


def test_the_terms_of_the_glossary_stand_in_the_notebooks_that_it_names():
    sources = {path.name[:2]: " ".join(cell.source for cell in read(path).cells).lower() for path in NOTEBOOKS}
    terms = [word.strip("*`<> ").lower() for term, _ in glossary() for word in term.split(", ")]
    assert len(terms) > 100 and [term for term, n in Counter(terms).items() if n > 1] == []
    for term, numbers in glossary():
        for word in (word.strip("*`<> ").lower() for word in term.split(", ")):
            stem = word.rstrip("sye")  # "features" and "feature", "padding" and "pad"
            missing = [number for number in numbers if stem.removesuffix("ing") not in sources[number]]
            assert not missing, f"{word}: not in notebook {', '.join(missing)}"


def test_the_plan_for_instructors_names_every_notebook_and_its_links_exist():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#\s]+)\)", text):
        assert re.match(r"https?://", link) or (FOLDER / link).exists(), link
    assert all(path.name in text for path in NOTEBOOKS) and len(re.findall(r"^\| \d \|", text, re.M)) == 6


# ------------------------------------------------------------------------------------------------------------ mirrors


class _Plain(ast.NodeTransformer):
    """Takes away what may differ: docstrings, annotations, decorators."""

    def visit_FunctionDef(self, node):
        self.generic_visit(node)
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        node.returns = None  # a class gets one too, which nobody reads
        node.decorator_list = []
        return node

    visit_ClassDef = visit_FunctionDef

    def visit_arg(self, node):
        node.annotation = None
        return node

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        return ast.copy_location(ast.Assign([node.target], node.value), node) if node.value else None


def plain(source: str, name: str) -> str:
    """The syntax tree of the function or class ``name`` of a source, without what may differ."""
    definitions = [node for node in ast.parse(source).body if getattr(node, "name", None) == name]
    assert len(definitions) == 1, f"{name}: defined {len(definitions)} times in\n{source}"
    return ast.unparse(_Plain().visit(definitions[0]))


@pytest.mark.parametrize(("notebook", "name", "source"), mirrors(), ids=[name for _, name, _ in mirrors()])
def test_what_is_written_out_is_what_the_package_does(notebook, name, source):
    module, _, function = name.rpartition(".")
    original = getattr(importlib.import_module(f"mrg_helpers.{module}"), function)
    assert original.__module__ == f"mrg_helpers.{module}", f"{name} lives in {original.__module__}"
    assert plain(source, function) == plain(textwrap.dedent(inspect.getsource(original)), function), notebook


def test_each_mirrored_name_is_written_out_once():
    assert [name for name, n in Counter(name for _, name, _ in mirrors()).items() if n > 1] == []
    assert mirrors(), "no notebook writes out anything of the package"


def test_a_drifted_mirror_is_noticed():
    one = "def f(x: int) -> int:\n    '''Twice.'''\n    y: int = 2\n    return x * y"
    assert plain(one, "f") == plain("@cached\ndef f(x):\n    y = 2\n    return x * y", "f")
    assert plain(one, "f") != plain("def f(x):\n    y = 3\n    return x * y", "f")
