"""Where files lie, and that they are written whole or not at all, by one at a time."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mrg_helpers import paths


def test_folders_follow_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("MRG_DATA_DIR", str(tmp_path / "a"))
    monkeypatch.setenv("MRG_OUTPUTS_DIR", str(tmp_path / "b"))
    assert paths.data_dir() == tmp_path / "a" and (tmp_path / "a").is_dir()
    assert paths.outputs_dir() == tmp_path / "b"
    monkeypatch.delenv("MRG_DATA_DIR")
    assert paths.data_dir() == paths.project_root() / "data"
    assert (paths.notebooks_dir() / "profiles.yaml").is_file()


def test_messages_name_paths_as_a_reader_would(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # on Windows
    inside, home = paths.project_root() / "outputs" / "model", tmp_path / ".keras" / "weights.h5"
    assert paths.shortened(f"{home}: not here; -> {inside}") == (
        f"{Path('~', '.keras', 'weights.h5')}: not here; -> {Path('outputs', 'model')}"
    )
    assert paths.shortened("/elsewhere/file: no") == "/elsewhere/file: no"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    paths.write_text(tmp_path / "deep" / "file.txt", "old\n")
    with pytest.raises(RuntimeError), paths.replacing(tmp_path / "deep" / "file.txt") as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["file.txt"]
    assert (tmp_path / "deep" / "file.txt").read_bytes() == b"old\n"


def test_a_second_one_waits_and_says_so(tmp_path):
    order, said = [], []

    def second():
        with paths.locked(tmp_path, said.append):
            order.append("second")

    with paths.locked(tmp_path):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.5)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert len(said) == 1 and str(tmp_path) in said[0]


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    code = "import sys, time; from mrg_helpers import paths\n"
    code += "with paths.locked(sys.argv[1]): print('in', flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, cwd=paths.project_root()
    )
    assert holder.stdout.readline().strip() == b"in"
    holder.kill()
    holder.wait()
    with paths.locked(tmp_path, pytest.fail):
        pass
