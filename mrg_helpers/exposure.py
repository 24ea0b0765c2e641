"""What a model does with words that it would not have read in training: how exposure bias shows in what it writes.

Ranzato et al., "Sequence level training with recurrent neural networks", ICLR 2016 (arXiv:1511.06732) gave it the name; whether
it does the harm that it is blamed for is asked by He et al., "Exposure bias versus self-recovery", EMNLP 2021
(arXiv:1905.10617). Everything here is about texts. Explained in ``notebooks/08_exposure_bias.ipynb``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from . import findings, reports


def repeats(text: str) -> int:
    """How many sentences of a report stand in it already."""
    said = [sentence.lower() for sentence in reports.sentences(text)]
    return len(said) - len(set(said))


def contradictions(text: str) -> set[str]:
    """The findings that a report asserts in one place and denies in another; "none on the left" does not deny one on the right."""
    sides: dict[str, dict[str, set[str]]] = {"asserted": {}, "denied": {}}
    for mention in findings.mentions(text):
        if mention.status in sides:
            sides[mention.status].setdefault(mention.name, set()).add(mention.side)
    both = sides["asserted"].keys() & sides["denied"].keys()
    return {name for name in both if _meet(sides["asserted"][name], sides["denied"][name])}


def _meet(a: set[str], b: set[str]) -> bool:
    """Whether two sets of sides can be about one place; "" is any."""
    return "" in a or "" in b or bool(a & b)


def habits(systems: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """What free-running text shows of its writer, whatever the patient has.

    Returns:
        One row a system: the share of its reports with a sentence that ``repeats`` another and with a finding that
        ``contradicts`` another place, mean ``words`` (punctuation counts), ``distinct`` reports.
    """
    rows = {
        name: {
            "repeats": np.mean([repeats(text) > 0 for text in texts]),
            "contradicts": np.mean([bool(contradictions(text)) for text in texts]),
            "words": np.mean([len(reports.tokenize(text)) for text in texts]),
            "distinct": len(set(texts)),
        }
        for name, texts in systems.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("system")


# ------------------------------------------------------------------------------------------- a mistake, put in on purpose


KINDS = ("as it is", "the same finding", "another finding")


@dataclass(frozen=True)
class Swap:
    """A true report in which one sentence, of a finding, can be exchanged.

    Attributes:
        study: its number.
        before, after: the sentences in front of it and behind it.
        there: the findings that it asserts; other: those that the sentence of another finding does.
        sentences: one of each of :data:`KINDS`: the sentence itself, one of the same findings (the side and the degree can be
            others), one of other findings.
    """

    study: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    there: frozenset[str]
    other: frozenset[str]
    sentences: Mapping[str, str]

    def beginning(self, kind: str) -> str:
        """The text up to the exchanged sentence, one of :data:`KINDS`."""
        return " ".join([*self.before, self.sentences[kind]])

    @property
    def rest(self) -> str:
        """What the true report goes on with."""
        return " ".join(self.after)


def swaps(texts: Sequence[str], donors: Iterable[str], seed: int = 0) -> list[Swap]:
    """The first sentence of each report that asserts a finding, beside two sentences of other reports.

    Args:
        texts: true reports. donors: reports (those of the training) whose sentences are put in.

    Returns:
        One swap for each report that has such a sentence with something behind it, for which the donors have another
        sentence of the same findings, and one of findings that this report mentions nowhere.
    """
    known: dict[frozenset[str], set[str]] = {}
    for text in donors:
        for sentence in reports.sentences(text):
            if said := frozenset(findings.abnormal(sentence)):
                known.setdefault(said, set()).add(sentence)
    rng, found = np.random.default_rng(seed), []
    for study, text in enumerate(texts):
        sentences = reports.sentences(text)
        asserted = [frozenset(findings.abnormal(sentence)) for sentence in sentences]
        place = next((k for k, said in enumerate(asserted) if said), len(sentences))
        if place + 1 >= len(sentences):
            continue
        there, mentioned = asserted[place], set(findings.label(text))
        alike = sorted(known.get(there, set()) - {sentences[place]})
        others = sorted((sorted(said) for said in known if not said & mentioned), key=str)
        if alike and others:
            other = frozenset(others[rng.integers(len(others))])
            put_in = (sentences[place], alike[rng.integers(len(alike))], rng.choice(sorted(known[other])))
            around = tuple(sentences[:place]), tuple(sentences[place + 1 :])
            found.append(Swap(study, *around, there, other, dict(zip(KINDS, map(str, put_in), strict=True))))
    return found


def aligned(log_probs: np.ndarray, begins: Sequence[int], lengths: Sequence[int], width: int) -> np.ndarray:
    """Numbers (N, T) of the words of reports, moved so that each row begins at a word of its own -> (N, width), NaN behind its end.

    Args:
        begins: (N,), the word that comes first. lengths: (N,), how many words a report has.
    """
    moved = np.full((len(log_probs), width), np.nan)
    for row, (begin, length) in enumerate(zip(begins, lengths, strict=True)):
        kept = log_probs[row, begin : min(length, begin + width)]
        moved[row, : len(kept)] = kept
    return moved


def afterwards(swapped: Sequence[Swap], continuations: Sequence[str]) -> pd.Series:
    """What a model writes after the sentence of another finding: shares of the continuations that ...

    Returns:
        ``says it again``: assert what the wrong sentence did; ``takes it back``: deny it; ``says what was replaced``: assert
        what stood in its place; ``repeats a sentence``: their own, or one that stands before; and their mean ``words``.
    """
    labels = [findings.label(text) for text in continuations]

    def share(wanted: Sequence[Iterable[str]], status: str) -> float:
        pairs = zip(wanted, labels, strict=True)
        return float(np.mean([any(said.get(name) == status for name in names) for names, said in pairs]))

    wholes = [f"{one.beginning(KINDS[2])} {text}" for one, text in zip(swapped, continuations, strict=True)]
    return pd.Series(
        {
            "says it again": share([one.other for one in swapped], "asserted"),
            "takes it back": share([one.other for one in swapped], "denied"),
            "says what was replaced": share([one.there for one in swapped], "asserted"),
            "repeats a sentence": float(np.mean([repeats(whole) > 0 for whole in wholes])),
            "words": float(np.mean([len(reports.tokenize(text)) for text in continuations])),
        }
    )
