"""Which findings a report asserts, denies or leaves in doubt, by rules that can be read.

Four steps, in the spirit of NegEx (Chapman et al. 2001) and of the CheXpert labeller (Irvin et al. 2019): look up the
wordings of each finding (``FINDINGS``), cut the sentence into clauses, look in the clause for words of denial and of
doubt that reach the finding, and let the strongest mention decide: asserted, then uncertain, then denied. The names are
those of CheXpert and of the phantom, and frequent tags of the Indiana University collection, in lower case. Works on a
raw report, a cleaned one, and one that was cut into lower-case words. Explained in
``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .finding_rules import (
    CUES,
    DEGREE,
    DEGREES,
    DEVICES,
    FINDINGS,
    NORMAL,
    PART_OF,
    SIDES,
    STOP,
    TOGETHER,
    TURN,
    UNSIDED,
)

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["asserted", "uncertain", "denied"]
PRECEDENCE: tuple[Status, ...] = ("asserted", "uncertain", "denied")
NO_FINDING = "no finding"


@dataclass(frozen=True)
class Mention:
    """A place in a text that names a finding: ``text[start:end]``; ``side`` and ``degree`` are "" where none is given."""

    name: str
    status: Status
    start: int
    end: int
    side: str = ""
    degree: str = ""


def _compile(table: dict[str, tuple[str, ...]]) -> dict[str, re.Pattern]:
    return {name: re.compile(rf"\b(?:{'|'.join(wordings)})\b") for name, wordings in table.items()}


_WORDINGS, _NORMAL = _compile(FINDINGS), _compile(NORMAL)


def label(text: str) -> dict[str, Status]:
    """What ``text`` says about each finding that it mentions; what it does not mention is absent from the result.

    "no finding" is asserted when nothing but devices is asserted or in doubt.

    >>> label("Small left pleural effusion. No pneumothorax.")
    {'pleural effusion': 'asserted', 'pneumothorax': 'denied'}
    """
    labels: dict[str, Status] = {}
    for mention in mentions(text):
        known = labels.get(mention.name, "denied")
        labels[mention.name] = min(known, mention.status, key=PRECEDENCE.index)
    abnormal = {name for name, status in labels.items() if status != "denied"}
    if text.strip() and abnormal <= DEVICES:
        labels[NO_FINDING] = "asserted"
    return labels


def asserted(text: str) -> set[str]:
    """The findings that ``text`` asserts."""
    return {name for name, status in label(text).items() if status == "asserted"}


def abnormal(text: str) -> set[str]:
    """The findings that ``text`` asserts, "no finding" left out: empty for a normal report."""
    return asserted(text) - {NO_FINDING}


def mentions(text: str) -> list[Mention]:
    """Every mention of a finding in ``text``, in reading order.

    A mention of something special is one of the general thing too, with the same span ("nodule" and "lung lesion").

    >>> mentions("A small nodule in the left lung.")[0]
    Mention(name='nodule', status='asserted', start=8, end=14, side='left', degree='small')
    """
    text = text.lower()
    clauses = _clauses(text)
    starts = [start for start, _ in clauses]
    found = []
    for start, end, name in _named(text):
        here, stop = clauses[bisect(starts, start) - 1]
        clause, span = text[here:stop], (start - here, end - here)
        status = _status(clause, *span)
        side = "" if name in UNSIDED else _side(clause, *span)
        names = (name, *PART_OF.get(name, ())) if status != "denied" else (name,)
        found += [Mention(each, status, start, end, side, _degree(clause, *span)) for each in names]
    for name, pattern in _NORMAL.items():
        found += [Mention(name, "denied", *match.span()) for match in pattern.finditer(text)]
    return sorted(found, key=lambda mention: (mention.start, mention.end))


def _named(text: str) -> list[tuple[int, int, str]]:
    """Spans that name a finding; one that overlaps a longer one is dropped, unless both may stand ``TOGETHER``."""
    spans = [(*match.span(), name) for name, pattern in _WORDINGS.items() for match in pattern.finditer(text)]
    kept: list[tuple[int, int, str]] = []
    for start, end, name in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if all(end <= a or b <= start or (a, b) == (start, end) or {name, other} == TOGETHER for a, b, other in kept):
            kept.append((start, end, name))
    return sorted(kept)


def _clauses(text: str) -> list[tuple[int, int]]:
    """Cut at the ends of sentences and before the words after which a speaker turns to something else."""
    cuts = {0, len(text)}
    cuts.update(match.end() for match in STOP.finditer(text))
    cuts.update(match.start() for match in TURN.finditer(text))
    edges = sorted(cuts)
    return list(zip(edges, edges[1:], strict=False))


def _status(clause: str, start: int, end: int) -> Status:
    """Whether the words of the clause deny or doubt what ``clause[start:end]`` names."""
    clause = CUES["no change"].sub(lambda match: "_" * len(match[0]), clause)  # "no change in" denies nothing
    denial = max((match.start() for match in CUES["denial"].finditer(clause, 0, end)), default=-1)
    doubt = max(
        (m.end() for m in CUES["doubt"].finditer(clause, 0, start) if _reaches(clause, m.end(), start)), default=-1
    )
    if denial >= 0 and not (doubt > denial and "," in clause[denial:doubt]):  # "no opacity suspicious for" denies
        return "denied"
    if doubt >= 0:
        return "uncertain"
    for cue, status in (("doubted after", "uncertain"), ("denied after", "denied")):
        match = CUES[cue].search(clause, end)
        if match and _one_phrase(clause[end : match.start()]):
            return status
    return "asserted"


def _reaches(clause: str, cue: int, start: int) -> bool:
    """Doubt goes on to the next comma, or through a list: "may be scarring, atelectasis, or pneumonia"."""
    comma = clause.find(",", cue, start)
    return comma < 0 or bool(re.search(r"\b(?:or|versus|vs)\b", clause[comma:]))


def _one_phrase(between: str) -> bool:
    """A cue that comes later goes back to the last comma, or through a list: "a, b, or c are not seen"."""
    before, comma, last = between.rpartition(",")
    return not comma or bool(re.match(r"\s*(?:or|nor|and)\b", last))


def _side(clause: str, start: int, end: int) -> str:
    """The side that is named nearest to the finding; one that comes after "and" or a comma belongs to the next finding."""
    sides = list(SIDES.finditer(clause))
    own = [match for match in sides if not re.search(r",|\band\b", clause[end : match.start()])]
    near = min(own or sides, key=lambda match: _distance(match, start, end), default=None)
    return "" if near is None else near.lastgroup


def _degree(clause: str, start: int, end: int) -> str:
    """The degree that stands inside the wording, up to five words before it, or after it as in ", small in size"."""
    before = [
        m for m in DEGREE.finditer(clause, 0, end) if re.fullmatch(r"\s*(?:[^\s,]+\s+){0,5}", clause[m.end() : start])
    ]
    after = [match for match in DEGREE.finditer(clause, end) if clause.startswith((" in ", " on "), match.end())]
    near = min(before or after, key=lambda match: _distance(match, start, end), default=None)
    return "" if near is None else DEGREES[near[0]]


def _distance(match: re.Match, start: int, end: int) -> int:
    return max(0, start - match.end(), match.start() - end)


def clinical_scores(truth: Sequence[set[str]], predicted: Sequence[set[str]], names: Sequence[str]) -> pd.DataFrame:
    """Precision, recall and F1 of each finding over many reports.

    Args:
        truth: for each report, the findings that are there.
        predicted: for each report, the findings that are asserted, in the same order.
        names: the findings to score.

    Returns:
        One row per finding: ``cases`` (there), ``named`` (asserted), ``hits`` (both), ``precision``, ``recall``, ``F1``;
        a ratio without a denominator is NaN.
    """
    import pandas as pd

    pairs = list(zip(truth, predicted, strict=True))
    rows = [
        (
            sum(name in t for t in truth),
            sum(name in p for p in predicted),
            sum(name in t and name in p for t, p in pairs),
        )
        for name in names
    ]
    table = pd.DataFrame(rows, index=pd.Index(names, name="finding"), columns=["cases", "named", "hits"])
    table["precision"] = table.hits / table.named
    table["recall"] = table.hits / table.cases
    table["F1"] = 2 * table.hits / (table.cases + table.named)
    return table


def averages(scores: pd.DataFrame, min_cases: int = 1) -> dict[str, float]:
    """Macro and micro F1 of a table of :func:`clinical_scores`, over the findings with at least ``min_cases`` cases."""
    common = scores[scores.cases >= min_cases]
    total = common[["cases", "named", "hits"]].sum()
    return {"macro F1": float(common.F1.mean()), "micro F1": float(2 * total.hits / (total.cases + total.named))}
