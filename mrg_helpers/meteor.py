"""METEOR 1.5 (Denkowski and Lavie, 2014), where its Java program is there; nothing else of this package needs it.

METEOR also counts word stems, synonyms and paraphrases as matches. The program (a jar) comes with the package
``pycocoevalcap`` and needs Java; it reads a table of paraphrases when it starts, which takes up to half a minute.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

_JAR = "meteor/meteor-1.5.jar"


def _jar() -> Path | None:
    found = importlib.util.find_spec("pycocoevalcap")  # looked for, not imported
    folders = (found.submodule_search_locations or []) if found else []
    return next((path for folder in folders if (path := Path(folder, _JAR)).is_file()), None)


def missing() -> str:
    """Why METEOR cannot be computed here, in words; the empty string if it can."""
    if not _jar():
        return "METEOR needs the package pycocoevalcap (pip install pycocoevalcap), which brings its program"
    if not shutil.which("java"):
        return "METEOR needs Java (the command `java`), which is not on this machine"
    return ""


def _command() -> list[str]:
    return ["java", "-Xmx2G", "-Dfile.encoding=UTF-8", "-jar", str(_jar()), "-", "-", "-stdio", "-l", "en", "-norm"]


def scores(references: Sequence[Sequence[str]], systems: Sequence[Sequence[str]], seconds: float = 600) -> list[float]:
    """METEOR of the corpus, between 0 and 1, for each system; the program is started once for all of them, and is always
    ended.

    Args:
        references: for each of N studies, one or several true reports, cut into words that are joined by blanks.
        systems: for each system N reports, cut in the same way.
        seconds: after this time the program is ended.

    Raises:
        RuntimeError: if the program is not there (the reason is :func:`missing`), fails or takes too long.
    """
    if reason := missing():
        raise RuntimeError(reason)
    program = subprocess.Popen(
        _command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a full pipe that nobody reads would stop the program
        encoding="utf-8",
    )
    watch = threading.Timer(seconds, program.kill)
    watch.start()
    try:
        return [_score(program, references, texts) for texts in systems]
    except (OSError, ValueError) as error:
        raise RuntimeError(f"METEOR's Java program gave no score within {seconds:g} s, or failed: {error}") from error
    finally:
        watch.cancel()
        program.kill()
        program.communicate()  # closes the pipes and waits, so that no process is left behind


def _score(program: subprocess.Popen, references: Sequence[Sequence[str]], texts: Sequence[str]) -> float:
    """The program answers a report with its statistics, and the statistics of all with a score each and one for all."""
    statistics = [_answer(program, ["SCORE", *report, text]) for report, text in zip(references, texts, strict=True)]
    _answer(program, ["EVAL", *statistics])  # the first report's own score
    for _ in statistics[1:]:
        program.stdout.readline()
    return float(program.stdout.readline())


def _answer(program: subprocess.Popen, parts: Sequence[str]) -> str:
    plain = (" ".join(part.replace("|||", " ").split()) for part in parts)
    program.stdin.write(" ||| ".join(plain) + "\n")
    program.stdin.flush()
    answer = program.stdout.readline().strip()
    if not answer:
        raise ValueError("it ended before the last report")
    return answer
