from __future__ import annotations

import base64
import io
import json
import os
import re
import sys
import threading
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from mrg_helpers import pages, paths, runner

BODY = """
import base64, json, os, sys, mrg_helpers
from IPython.display import Image, display
display(Image(base64.b64decode({png!r})))
facts = dict(n=n, rate=rate, python=sys.executable, folder=os.getcwd(), package=mrg_helpers.__file__)
facts["outputs"], facts["data"] = os.environ["MRG_OUTPUTS_DIR"], os.environ["MRG_DATA_DIR"]
print("FACTS", json.dumps(facts))
"""


def png() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (300, 400), "orange").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def write(path: Path, *cells, title: str = "# One <b> & *two*\n\n**How many** are there? It is $\\alpha^2$.") -> Path:
    notebook = new_notebook(cells=[new_markdown_cell(title), *cells])
    nbformat.write(notebook, path)  # without a kernelspec: the runner brings the kernel
    return path


def parameters_cell(source: str):
    return new_code_cell(source, metadata={"tags": ["parameters"]})


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MRG_DATA_DIR", "some data")
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "profiles.yaml").write_text("smoke: {n: 7, other: 1}\nempty:\n", encoding="utf-8")
    return tmp_path / "notebooks"


def facts(executed: Path) -> dict:
    (line,) = re.findall(r'FACTS (\{.*?\})\\n"', executed.read_text(encoding="utf-8"))
    return json.loads(line.replace('\\"', '"'))


def test_runs_the_notebooks_and_writes_pages(folder, capfd):
    first = write(
        folder / "01_first.ipynb", parameters_cell("n = 1\nrate = 0.5"), new_code_cell(BODY.format(png=png()))
    )
    second = write(folder / "02_second.ipynb", parameters_cell("m = 1"), new_code_cell("print(m)"), title="# Second")
    environment = dict(os.environ)
    index = runner.run([first, second], {"rate": 0.25}, "smoke", Path("outputs"))
    assert dict(os.environ) == environment

    outputs = folder.parent / "outputs"
    assert index == outputs / "index.html"
    assert facts(outputs / "executed" / "01_first.ipynb") == {
        "n": 7,  # from the profile
        "rate": 0.25,  # from the caller
        "python": sys.executable,
        "folder": str(folder),
        "package": runner.__file__.replace("runner.py", "__init__.py"),
        "outputs": str(outputs),
        "data": str(folder.parent / "some data"),
    }
    known = nbformat.read(outputs / "executed" / "01_first.ipynb", as_version=4).metadata.papermill
    assert known.input_path == known.output_path == "01_first.ipynb" and known.duration > 0  # no folder of this machine
    bar = capfd.readouterr().err
    assert "WARNING" not in bar
    assert "02_second: 100%" in bar and "7/7" in bar  # three cells each, and one with the values for the first

    page = index.read_text(encoding="utf-8")
    assert "One &lt;b&gt; &amp; two" in page and "How many are there?" in page
    assert "<code>smoke</code>" in page and "<code>rate = 0.25</code>" in page and "other" not in page
    assert "Not for clinical use" in page and "data:image/jpeg;base64" in page
    for link in re.findall(r'href="([^"]+)"', page):
        assert (outputs / link).is_file()
    for html in [index, *outputs.glob("executed/*.html")]:
        assert not re.findall(r"""(?:src|href|import)\s*=?\s*\(?["']?https?:""", html.read_text(encoding="utf-8"))


def test_what_libraries_write_beside_the_notebook_goes_to_the_log(folder):
    cell = new_code_cell("import os, sys\nos.write(2, b'a no' + b'tice')\nprint('a wo' + 'rd', file=sys.stderr)")
    runner.run(
        [write(folder / "01.ipynb", parameters_cell("n = 1"), cell)], {}, "empty", folder / "out", progress=False
    )
    executed = folder / "out" / "executed"
    assert "a notice" in (executed / "kernels.log").read_text(encoding="utf-8")
    page, notebook = ((executed / f"01.{kind}").read_text(encoding="utf-8") for kind in ("html", "ipynb"))
    for text in (page, notebook):
        assert "a notice" not in text and "a word" in text


def test_a_second_run_into_the_same_outputs_waits_for_the_first(folder, capfd):
    notebook = write(folder / "01.ipynb", parameters_cell("n = 1"))
    second = threading.Thread(target=runner.run, args=([notebook], {}, "empty", folder / "out"))
    said = ""
    with paths.locked(folder / "out" / "executed"):
        second.start()
        while "waiting for it to finish" not in said:
            assert second.is_alive()
            said += capfd.readouterr().out
        assert not (folder / "out" / "executed" / "01.ipynb").exists()
    second.join()
    assert (folder / "out" / "index.html").is_file()


def test_a_failing_cell_stops_the_run_and_says_where(folder):
    broken = new_code_cell("n += 1\n" * 9 + "raise KeyError('no such thing')")
    first = write(folder / "01.ipynb", parameters_cell("n = 1"), new_code_cell("print('before')"), broken)
    second = write(folder / "02.ipynb", parameters_cell("n = 1"))
    with pytest.raises(runner.NotebookFailed) as failure:
        runner.run([first, second], {}, "smoke", folder / "out", progress=False)
    error = failure.value
    assert (error.notebook, error.cell, error.source) == (first, 4, broken.source)
    assert error.error == "KeyError: 'no such thing'"
    assert "01.ipynb stopped at cell [4]:\n    n += 1\n" in str(error) and str(error.executed) in str(error)
    assert "before" in error.executed.read_text(encoding="utf-8")
    assert not (folder / "out" / "executed" / "02.ipynb").exists() and not (folder / "out" / "index.html").exists()


def test_a_dead_kernel_is_reported(folder):
    file = write(folder / "01.ipynb", parameters_cell("n = 1"), new_code_cell("import os; os._exit(1)"))
    with pytest.raises(runner.NotebookFailed, match=r"cell \[2\]:\n    import os; os._exit\(1\)\nthe kernel died"):
        runner.run([file], {}, "empty", folder / "out", progress=False)


def test_refuses_before_anything_runs(folder):
    good = write(folder / "01.ipynb", parameters_cell("n = 1  # studies\nname: str = 'x'"))
    bad = write(folder / "02.ipynb", new_code_cell("n = 1"))
    assert runner.declared_parameters(good) == ["n", "name"]
    with pytest.raises(ValueError, match="no selected notebook has a parameter m, z; there are: n, name"):
        runner.run([good], {"z": 1, "m": 1, "n": 2}, "smoke", folder / "out")
    with pytest.raises(ValueError, match="02.ipynb: 0 cells carry the tag 'parameters'"):
        runner.run([good, bad], {}, "smoke", folder / "out")
    with pytest.raises(ValueError, match="no profile 'huge'; choose one of smoke, empty"):
        runner.run([good], {}, "huge", folder / "out")
    with pytest.raises(FileNotFoundError, match=r"profiles\.yaml: the profiles of the notebooks are missing"):
        runner.load_profile(folder / "sub" / "profiles.yaml", "smoke")
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "text, value",
    [("12", 12), ("1e-3", 0.001), ("0.5", 0.5), ("true", True), ("[1, 2]", [1, 2]), ("null", None), ("mixed8", "mixed8"),
     ("C:\\data", "C:\\data"), ("../a b", "../a b"), ("1 e", "1 e")],
)  # fmt: skip
def test_values_of_the_command_line(text, value):
    assert runner.parse_value(text) == value and type(runner.parse_value(text)) is type(value)


def test_a_value_that_is_no_yaml_is_refused():
    with pytest.raises(ValueError, match=r"'\[1,' is not a value"):
        runner.parse_value("[1,")


def test_links_lead_to_the_pages_that_there_are(tmp_path):
    text = "# T\nNext: [05 · Five](05_five.ipynb), [06 · Six](06_six.ipynb), [07 · Seven](07_seven.ipynb); [x](y.ipynb)"
    (tmp_path / "06_six.html").touch()
    path = write(tmp_path / "04_four.ipynb", title=text)
    html = pages.notebook_page(path, ["04_four", "05_five"]).read_text(encoding="utf-8")
    assert 'href="05_five.html"' in html and 'href="06_six.html"' in html and 'href="y.ipynb"' in html
    assert "07 · Seven;" in html and "07_seven" not in html


def test_pages_draw_formulas_and_leave_code_alone(tmp_path):
    text = "# T\n`$HOME` costs \\$5\n$a_t = \\frac{1}{R}$ and $$\\sum_i x_i$$\n$\\nosuch{x}$\n```\n$y$\n```\n"
    output = nbformat.v4.new_output(
        "display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "HBox()"}
    )
    path = write(tmp_path / "a.ipynb", new_code_cell("w", outputs=[output]), title=text)
    html = pages.notebook_page(path).read_text(encoding="utf-8")
    assert 'alt="a_t = \\frac{1}{R}"' in html and 'alt="\\sum_i x_i"' in html
    assert "<code>\\nosuch{x}</code>" in html and "<code>$HOME</code>" in html
    assert "interactive widget stands here" in html and "HBox()" not in html
