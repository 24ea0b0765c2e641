"""The command line: what it says, and that wrong input ends with one clear message."""

import subprocess
import sys

import pytest

from mrg_helpers import __main__ as command
from mrg_helpers import paths


def test_help_names_the_commands_and_loads_nothing_heavy():
    code = "import sys\nfrom mrg_helpers.__main__ import main\ntry:\n    main(['--help'])\nexcept SystemExit: pass\n"
    code += "assert not {'tensorflow', 'pandas', 'matplotlib', 'papermill'} & set(sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=paths.project_root())
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "run" in said and "prepare" in said and "Not for clinical use" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--only", "77"], "no notebook with the number 77"),
        (["run", "--only", "1", "03,04"], "no notebook with the number 03,04; there are 01, 02"),
        (["run", "--profile", "fast"], "no profile 'fast'"),
        (["run", "-p", "epoch", "3"], "no selected notebook has a parameter epoch"),
        (["run", "--dataset", "folder"], "--data PATH"),
        (["run", "--data", "nowhere-at-all"], "there is no such folder or file"),
    ],
)
def test_wrong_input_is_one_message_and_exit_status_1(arguments, message, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("MRG_OUTPUTS_DIR", str(tmp_path))
    assert command.main(arguments) == 1
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_prepare_writes_phantom_patients(tmp_path, capsys):
    assert command.main(["prepare", "phantom", "--studies", "2", "--data", str(tmp_path / "own")]) == 0
    assert (tmp_path / "own" / "truth.json").exists()
    assert command.main(["prepare", "phantom", "--studies", "1", "--data", str(tmp_path / "own")]) == 1
    assert "holds 2 phantom studies" in capsys.readouterr().err


def test_a_failing_notebook_is_named_with_its_copy(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MRG_OUTPUTS_DIR", str(tmp_path))
    assert command.main(["run", "--profile", "smoke", "--only", "1", "-p", "dataset", "nonsense"]) == 1
    said = capsys.readouterr().err
    assert "01_explore" in said and str(tmp_path / "executed") in said
