"""Where two reports of one patient agree about a finding, and where they do not: places in a text, and their HTML.

Only what a text *asserts* is marked, as in the scores of ``evaluation``: a finding that is denied or doubted is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from . import findings

AGREES, MISSED, INVENTED = "agrees", "missed", "invented"


@dataclass(frozen=True)
class Mark:
    """``text[start:end]`` asserts a finding; ``kind`` is one of the three above, ``name`` what a reader is told."""

    start: int
    end: int
    kind: str
    name: str


def compare(generated: str, reference: str) -> tuple[list[Mark], list[Mark]]:
    """The findings that two texts assert, marked by whether the other one asserts them too.

    Args:
        generated, reference: texts of any case, clean or cut into words and joined by blanks.

    Returns:
        The marks of the generated text (it ``agrees`` or has ``invented`` a finding) and of the reference (the
        generated text ``agrees`` or has ``missed`` it), in reading order. Where a wording names something special and
        so something general too ("nodule", "lung lesion"), the special one decides. A finding that both assert, but one
        on the left and one on the right, agrees and is named with "(other side)". A generated text has no marks where
        there is no reference to compare with.

    >>> [mark.kind for mark in compare("Small effusion.", "Large effusion. A nodule.")[1]]
    ['agrees', 'missed']
    """
    said, true = _asserted(generated), _asserted(reference)
    of_generated = _marks(said, true, INVENTED) if reference.strip() else []
    return of_generated, _marks(true, said, MISSED)


def _asserted(text: str) -> list[findings.Mention]:
    return [mention for mention in findings.mentions(text) if mention.status == "asserted"]


def _marks(own: list[findings.Mention], other: list[findings.Mention], alone: str) -> list[Mark]:
    found: dict[tuple[int, int], Mark] = {}
    for mention in own:
        sides = [also.side for also in other if also.name == mention.name]
        crossed = mention.side and sides and all({mention.side, side} == {"left", "right"} for side in sides)
        name = f"{mention.name} (other side)" if crossed else mention.name
        mark = Mark(mention.start, mention.end, AGREES if sides else alone, name)
        found.setdefault((mention.start, mention.end), mark)
    return list(found.values())


def per_word(words: Sequence[str], marks: Iterable[Mark]) -> list[Mark | None]:
    """The mark that each word lies in, if any; ``marks`` are places in the words joined by single blanks."""
    marks, found, start = list(marks), [], 0
    for word in words:
        end = start + len(word)
        found.append(next((mark for mark in marks if mark.start < end and start < mark.end), None))
        start = end + 1
    return found


def pieces(text: str, marks: Iterable[Mark]) -> list[tuple[str, Mark | None]]:
    """A text cut where its marks begin and end; where two overlap, the first one counts."""
    marks = list(marks)
    owners = [next((mark for mark in marks if mark.start <= k < mark.end), None) for k in range(len(text))]
    cuts = [0, *(k for k in range(1, len(text)) if owners[k] is not owners[k - 1]), len(text)]
    return [(text[a:b], owners[a]) for a, b in zip(cuts, cuts[1:], strict=False) if b > a]


def marked_html(text: str, spans: Sequence[tuple[int, int]], style: str = "") -> str:
    """A text as HTML with some places marked, in this CSS; ``spans`` are (start, end), and may overlap."""
    merged: list[list[int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([start, end])
    parts = pieces(text, [Mark(start, end, "", "") for start, end in merged])
    tag = f'<mark style="{style}">' if style else "<mark>"
    return "".join(f"{tag}{escape(part)}</mark>" if mark else escape(part) for part, mark in parts)
