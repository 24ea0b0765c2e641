"""The notebooks run by papermill in the smoke profile: in sequence as the reader gets them, and each alone from an empty folder
of outputs with its exercises solved."""

import json
import re

import nbformat
import pytest

from mrg_helpers import exercises, paths, runner

NOTEBOOKS = sorted(paths.notebooks_dir().glob("[0-9][0-9]_*.ipynb"))
COURSE = [notebook for notebook in NOTEBOOKS if not runner.is_experiment(notebook)]  # the others train many models


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """One folder of data for all runs: the patients are the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MRG_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield


def outputs_of(executed):
    notebook = nbformat.read(executed, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return cells, "\n".join(output.get("text", "") for cell in cells for output in cell.outputs)


def unexplained(executed):
    """The cells that show a figure without saying below it what one should see, each with the cell that follows."""
    cells = nbformat.read(executed, as_version=4).cells
    for cell, following in zip(cells, cells[1:], strict=False):
        shows = any("image/png" in output.get("data", {}) for output in cell.get("outputs", []))
        said = following.cell_type == "markdown" and following.source.startswith("**What you should see.** ")
        if shows and not said and "exercise" not in cell.metadata.get("tags", []):
            yield cell.id, following.id


def verdicts(cells):
    """What the checks say: the name of each exercise and exhibit with the sign of its verdict."""
    shown = [
        output["data"]["text/plain"]
        for cell in cells
        for output in cell.outputs
        if "text/plain" in output.get("data", {})
    ]
    found = [re.match(r"([…✓✗]) (\d\d\.\w) ", text) for text in shown]
    return {match[2]: match[1] for match in found if match}


def look_at(folder, notebook):
    """What every executed notebook has to show, and its page: returns the verdicts of its checks and all that it printed."""
    executed = folder / "executed" / notebook.name
    cells, text = outputs_of(executed)
    assert all(output.output_type != "error" for cell in cells for output in cell.outputs)
    figures = [output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})]
    assert figures, f"{notebook.name} shows no figure"
    for cell, following in unexplained(executed):
        raise AssertionError(
            f'{notebook.name}: "What you should see" is missing between the figure of {cell} and {following}'
        )
    page = executed.with_suffix(".html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="https?://', page), "the page would fetch something from the net"
    return verdicts(cells), text


def test_in_sequence_with_pages_and_an_index(data, tmp_path):
    index = runner.run(COURSE, {}, "smoke", tmp_path, progress=False)
    for notebook in COURSE:
        said, text = look_at(tmp_path, notebook)
        assert len(said) >= 3 and all(sign == ("✗" if name[-1].isalpha() else "…") for name, sign in said.items()), said
        assert notebook.stem in index.read_text(encoding="utf-8")
    assert "mean finding-F1" in text and len(COURSE) == 6
    made = {path.name.rsplit("-", 1)[0] for path in tmp_path.glob("phantom-*")}
    assert made == {"phantom-studies", "phantom-features", "phantom-vocabulary", "phantom-model"}
    for path in tmp_path.glob("phantom-*/settings.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["n_studies"] == 48


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.name[:2])
def test_alone_from_an_empty_folder_with_all_exercises_solved(data, tmp_path, notebook):
    solved = tmp_path / "solved" / notebook.name
    text = exercises.derived_text(notebook, notebook.parent / "solutions" / notebook.name, exercises.solved)
    paths.write_text(solved, text)
    paths.write_text(solved.with_name("profiles.yaml"), (notebook.parent / "profiles.yaml").read_text(encoding="utf-8"))
    runner.run([solved], {}, "smoke", tmp_path / "out", progress=False)
    said, text = look_at(tmp_path / "out", solved)
    assert "[stages]" in text, "it does not say what it makes"
    assert len(said) >= 3 and set(said.values()) == {"✓"}, said


def test_real_clinical_images_from_pictures_to_scores(data, tmp_path, shared):
    """A table as found in the wild: JPEG and PNG, grey and colour, several images a patient, free text."""
    parameters = {"dataset": "folder", "data": str(shared / "cxr_notes"), "n_seeds": 1}
    runner.run(COURSE, parameters, "smoke", tmp_path, progress=False)
    _, text = outputs_of(tmp_path / "executed" / COURSE[-1].name)
    assert "mean finding-F1" in text


def test_real_studies_of_the_indiana_university_collection(data, tmp_path, shared):
    parameters = {"dataset": "iu_xray", "data": str(shared / "iu_xray"), "n_seeds": 1}
    runner.run(COURSE, parameters, "smoke", tmp_path, progress=False)
    _, text = outputs_of(tmp_path / "executed" / NOTEBOOKS[0].name)
    assert "3,851" in text
