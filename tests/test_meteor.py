"""METEOR: the real program where it is, and a stand-in that speaks its language for what goes wrong."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mrg_helpers import evaluation, meteor, metrics

REFERENCES = ["The heart is normal.", ["No pleural effusion.", "There is no effusion!"], "clear lungs"]
HYPOTHESES = ["the heart is normal", "No effusion", "pneumothorax"]

# answers as the program does: a line of numbers for a report; for all of them, one score each and one for the corpus
STAND_IN = """
import sys
for line in sys.stdin:
    kind, *parts = line.strip().split(" ||| ")
    if kind == "SCORE":
        {answer}
    else:
        scores = [float(part.split()[0]) for part in parts]
        print(*scores, sum(scores) / len(scores), sep="\\n", flush=True)
"""


@pytest.fixture
def started(monkeypatch):
    """The processes that were started; all must have ended."""
    processes = []

    class Watched(subprocess.Popen):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Watched)
    yield processes
    assert processes and all(process.returncode is not None for process in processes)


@pytest.fixture
def stand_in(monkeypatch, tmp_path, started):
    """Puts a program in the place of Java; `stand_in(answer)` says what it does with a report."""

    def make(answer: str) -> None:
        program = tmp_path / "program.py"
        program.write_text(STAND_IN.format(answer=answer), encoding="utf-8")
        monkeypatch.setattr(meteor, "missing", lambda: "")
        monkeypatch.setattr(meteor, "_command", lambda: [sys.executable, str(program)])

    return make


def test_texts_reach_the_program_cut_into_words_and_every_system_gets_its_score(stand_in):
    # the share of the report's words that stand in the first reference
    stand_in("print(sum(word in parts[0].split() for word in parts[-1].split()) / len(parts[-1].split()), flush=True)")
    scores = metrics.meteor(REFERENCES, HYPOTHESES, ["heart ||| heart", "No\neffusion", "CLEAR!"])
    assert scores == pytest.approx([2 / 3, 1.0])


def test_a_program_that_fails_or_hangs_is_ended_and_said(stand_in, started):
    stand_in("sys.exit(1)")
    with pytest.raises(RuntimeError, match="METEOR's Java program .* ended before the last report"):
        metrics.meteor(REFERENCES, HYPOTHESES)
    stand_in("import time; time.sleep(60)")
    with pytest.raises(RuntimeError, match="within 0.5 s"):
        meteor.scores([["a"]], [["a"]], seconds=0.5)
    stand_in("print('no number', flush=True)")
    with pytest.raises(RuntimeError, match="METEOR's Java program"):
        meteor.scores([["a"]], [["a"]])
    assert len(started) == 3


def test_without_the_program_there_is_a_reason_and_no_column(monkeypatch, capsys):
    monkeypatch.setattr(meteor, "_jar", lambda: None)
    assert "pip install pycocoevalcap" in meteor.missing()
    with pytest.raises(RuntimeError, match="pip install pycocoevalcap"):
        metrics.meteor(REFERENCES, HYPOTHESES)
    table = evaluation.score_table({"a": ["x"]}, ["x"], with_meteor=True)
    assert "METEOR" not in table and "METEOR is left out" in capsys.readouterr().out
    monkeypatch.undo()
    monkeypatch.setenv("PATH", "")
    assert "needs" in meteor.missing()


def test_score_tables_show_it_where_it_is(stand_in):
    stand_in("print(len(parts[-1].split()), flush=True)")
    table = evaluation.score_table({"a": ["x", "x y", "z"], "b": ["x"] * 3}, ["x", "y", ""], with_meteor=True)
    assert table["METEOR"].tolist() == [1.5, 1.0]  # the study without a reference is left out
    assert "METEOR" not in evaluation.score_table({"a": ["x"]}, ["x"])


@pytest.mark.parametrize("references, hypotheses", [(["a"], []), ([], []), ([[]], ["a"])])
def test_refuses_what_cannot_be_scored(references, hypotheses):
    with pytest.raises(ValueError, match="reference"):
        metrics.meteor(references, hypotheses)


def test_the_real_program(started):
    if reason := meteor.missing():
        started.append(subprocess.run([sys.executable, "-c", ""]))
        pytest.skip(reason)
    empty = ["", "", ""]
    exact = ["the heart is normal", "no pleural effusion", "clear lungs"]
    same, partly, nothing = metrics.meteor(REFERENCES, exact, HYPOTHESES, empty)
    assert same == pytest.approx(1.0, abs=0.01) and nothing == 0 and 0.3 < partly < same
