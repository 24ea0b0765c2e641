"""The bug museum of notebook 03: numbers, words and the file that keeps them. See ``museum_data``."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from .verdicts import call, judges, need


@judges("03.A")
def without_list_numbers(answer: Callable) -> str:
    """``answer``: a text -> the same text without the numbers of its list."""
    cases = {
        "1. Stable 1.9 cm nodule. 2. No effusion.": "Stable 1.9 cm nodule. No effusion.",
        "1. Fracture of T12. 2. Two nodules of 12 mm.": "Fracture of T12. Two nodules of 12 mm.",
        "Old fracture of rib 4. No pneumothorax.": "Old fracture of rib 4. No pneumothorax.",
        "10. Heart is normal.": "Heart is normal.",
    }
    got = {text: " ".join(str(call(answer, text)).split()) for text in cases}
    first, second, rib, ten = got.values()
    need(
        "Stable .9 cm" not in first,
        "The bug is still there: a nodule of 1.9 cm has become one of .9 cm. Which numbers are those of a list,"
        " and what stands around them?",
    )
    need(
        "Stable 9 cm" not in first,
        "A nodule of 1.9 cm has become one of 9 cm: after the full stop of a list number comes a blank.",
    )
    need("Stable cm" not in first, "The measure is gone: “1.9” is a number that means something.")
    need("2." not in first, "The first list number is gone, the second one (“2. No effusion”) is still there.")
    need("T12" in second, "The twelfth thoracic vertebra, T12, has lost its number.")
    need("12 mm" in second, "The nodules have lost their size: “12 mm” does not open a sentence.")
    need("rib 4." in rib, "“rib 4.” ends a sentence; that is the number of a rib. What stands before a list number?")
    need(ten == cases["10. Heart is normal."], f"Lists can be longer than nine: “10. Heart is normal.” became {ten!r}.")
    for text, wanted in cases.items():
        need(got[text] == wanted, f"{text!r} should become {wanted!r}, and it becomes {got[text]!r}.")
    return (
        "A list number opens a sentence and ends with a full stop and a blank. Everything else is a fact about a"
        " patient."
    )


@judges("03.B")
def words_to_learn(answer: Callable) -> str:
    """``answer``: a table with ``split`` and ``findings``, and a least count -> the words, the most frequent first."""
    rows = [
        ("train", "Lungs clear. Lungs normal."),
        ("train", "Heart normal. Lungs low."),
        ("val", "Heart enlarged. Enlarged."),
        ("test", "Lungs opaque. Opaque. Clear."),
        ("test", "Opaque."),
    ]
    table = pd.DataFrame(rows, columns=["split", "findings"])
    got = [str(word) for word in call(answer, table, 2)]
    need(
        "opaque" not in got,
        "The bug is still there: “opaque” stands in test reports only, and it is in the vocabulary. Who may be asked"
        " for words?",
    )
    need(
        "enlarged" not in got,
        "“enlarged” stands in the validation reports only. They decide when to stop; they must not be fitted on.",
    )
    need("lungs" in got, f"“lungs” stands three times in training and is missing; it gives {got}.")
    need("clear" not in got, "“clear” stands once in training and once in a test report: the test report has counted.")
    need("low" not in got and "heart" not in got, "“low” and “heart” stand once in training; the least count is 2.")
    need(
        set(got) == {".", "lungs", "normal"},
        f"From this table it should learn “.”, “lungs” and “normal”; it gives {got}.",
    )
    need(got == [".", "lungs", "normal"], "The words are right, and not in the order of their frequency.")
    return "Words are counted in the training split alone: what nobody has been taught, nobody can say."


_opened: list[str] = []  # what a file has done while it was read


def _open(parcel: str) -> None:
    _opened.append(parcel)


class _Parcel:
    """Unpickled, it runs a command of its sender: here a harmless one."""

    def __reduce__(self):
        return _open, ("pickle",)


def _ran(read: Callable, path: Path, content: bytes) -> bool:
    """Whether reading this file runs the command in it; a reader that refuses the file is a good one."""
    path.write_bytes(content)
    _opened.clear()
    with suppress(Exception):
        read(path)
    return bool(_opened)


@judges("03.C")
def words_on_disk(answer: tuple[Callable, Callable]) -> str:
    """``answer``: two functions: one writes a list of words to a path, the other reads it from there."""
    need(
        isinstance(answer, (tuple, list)) and len(answer) == 2,
        "Give both functions, the one that writes and the one that reads.",
    )
    write, read = answer
    one, other = ["<pad>", "<unk>", "no", "ödem", "1.9", "x-ray", "and"], ["<pad>", "<unk>", "clear"]
    with TemporaryDirectory() as folder:
        first, second = Path(folder) / "one", Path(folder) / "other"
        for words, path in ((one, first), (other, second)):
            call(write, list(words), path, may_be_none=True)
        need(first.exists() and second.exists(), "It did not write the file that it was asked for: is `path` used?")
        got = call(read, first)
        need(not isinstance(got, (str, bytes)), "It reads one long text; a list of words went in.")
        got = list(got)
        need(got != other, "Of two vocabularies in two files it reads the second from both: is `path` used?")
        need(
            got == one or sorted(got) != sorted(one),
            "The words are all there, in another order. The place of a word is its id: a model would write nonsense.",
        )
        need(got == one, f"{one} went in, and {got} came out. Did every letter survive, the ö of “ödem” too?")
        need(
            not _ran(read, Path(folder) / "parcel", pickle.dumps(_Parcel())),
            "The bug is still there: somebody sent a file, and while it was read it ran a command that the sender had put"
            " into it. A pickle is a program. Which kind of file holds words and nothing else?",
        )
        code = f"__import__('sys').modules[{__name__!r}]._open('eval')"
        need(
            not _ran(read, Path(folder) / "letter", code.encode()),
            "It is a text now, but whoever reads it with eval runs whatever stands in it.",
        )
    return "Words are kept as text. Whoever reads them gets words, with any version of any program, and nothing is run."
