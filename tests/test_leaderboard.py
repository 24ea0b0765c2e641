from __future__ import annotations

import math
import subprocess
import sys

import pandas as pd
import pytest

from mrg_helpers import leaderboard, paths

RUN = {"model": "gru", "profile": "demo", "dataset": "phantom", "seed": 0, "BLEU-4": 0.1}


def test_a_rerun_replaces_its_own_row_and_no_other(tmp_path):
    path = tmp_path / "new folder" / "leaderboard.csv"
    for change in ({}, {"seed": 1}, {"model": 'a "b", c'}, {"dataset": "iu_xray"}, {"profile": "full"}):
        leaderboard.record(path, RUN | change)
    before = leaderboard.read(path)
    assert len(before) == 5
    value = 1 / 3
    after = leaderboard.record(path, RUN | {"seed": "1", "BLEU-4": value})
    assert after["BLEU-4"].tolist() == [0.1, value, 0.1, 0.1, 0.1]
    pd.testing.assert_frame_equal(after.drop(columns="BLEU-4"), before.drop(columns="BLEU-4"))
    pd.testing.assert_frame_equal(leaderboard.read(path), after)


def test_new_measures_add_a_column_and_missing_ones_stay_empty(tmp_path):
    path = tmp_path / "leaderboard.csv"
    leaderboard.record(path, RUN)
    table = leaderboard.record(path, {name: RUN[name] for name in leaderboard.KEYS} | {"seed": 1, "F1": 0.5})
    assert table.columns.tolist() == [*leaderboard.KEYS, "BLEU-4", "F1"]
    assert math.isnan(table["F1"][0]) and math.isnan(table["BLEU-4"][1])
    table = leaderboard.record(path, RUN | {"BLEU-4": 0.2})
    assert table["BLEU-4"][0] == 0.2 and len(table) == 2


def test_keys_stay_the_text_they_are(tmp_path):
    path = tmp_path / "leaderboard.csv"
    for seed in ("007", "7", "NA"):
        leaderboard.record(path, RUN | {"model": "none", "seed": seed})
    table = leaderboard.record(path, RUN | {"model": "none", "seed": "NA"})
    assert table["seed"].tolist() == ["007", "7", "NA"] and set(table["model"]) == {"none"}


def test_words_and_numbers_are_read_as_what_they_are(tmp_path):
    path = tmp_path / "leaderboard.csv"
    table = leaderboard.record(path, RUN | {"BLEU-4": 0.1 + 0.2, "epochs": 15, "note": "random features"})
    assert table.loc[0, ["BLEU-4", "epochs", "note"]].tolist() == [0.1 + 0.2, 15, "random features"]
    written = path.read_text(encoding="utf-8").splitlines()[1]
    leaderboard.record(path, RUN | {"seed": 1})
    assert path.read_text(encoding="utf-8").splitlines()[1] == written


def test_other_keys_can_be_chosen(tmp_path):
    path = tmp_path / "leaderboard.csv"
    for bleu in (0.1, 0.2):
        table = leaderboard.record(path, RUN | {"seed": bleu, "BLEU-4": bleu}, keys=("model",))
    assert table["BLEU-4"].tolist() == [0.2]


def test_without_a_file_there_are_no_rows(tmp_path):
    table = leaderboard.read(tmp_path / "none.csv")
    assert table.columns.tolist() == list(leaderboard.KEYS) and len(table) == 0


@pytest.mark.parametrize("row", [{**RUN, "seed": None}, {**RUN, "seed": ""}, {"model": "gru"}])
def test_a_row_without_its_keys_is_refused(tmp_path, row):
    with pytest.raises(ValueError, match="the row has no value for .*seed"):
        leaderboard.record(tmp_path / "leaderboard.csv", row)
    assert not (tmp_path / "leaderboard.csv").exists()


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b'model,profile\n"a'])
def test_a_foreign_file_is_named_and_left_alone(tmp_path, content):
    path = tmp_path / "leaderboard.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="leaderboard.csv.*move it away"):
        leaderboard.record(path, RUN)
    assert path.read_bytes() == content


def test_a_write_that_fails_leaves_the_table_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "leaderboard.csv"
    leaderboard.record(path, RUN)
    before = path.read_bytes()

    def half(self, file, **kwargs):
        file.write_text("model,prof", encoding="utf-8")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    with pytest.raises(OSError, match="disk full"):
        leaderboard.record(path, RUN | {"seed": 1})
    assert path.read_bytes() == before and not list(tmp_path.glob(f"{paths.PART}*"))


def test_processes_that_write_at_the_same_time_lose_nothing(tmp_path):
    path = tmp_path / "leaderboard.csv"
    program = (
        "import sys; from mrg_helpers import leaderboard\n"
        "for seed in range(5): leaderboard.record(sys.argv[1], {run} | {{'model': sys.argv[2], 'seed': seed}})"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program.format(run=RUN), str(path), name], cwd=paths.project_root())
        for name in ("a", "b")
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    assert len(leaderboard.read(path)) == 10
