"""Where everything stands in a drawing of a beam search's tree: the arithmetic that the widget and the figure share.

A column is a word of the report, a row a rank: above the K beginnings that were kept, the best first, below them the best
of those that were dropped. A line leads from each beginning to the one that it came from, so crossing lines are overtaking.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .beam_trace import Trace

ROWS = 8


class Box(NamedTuple):
    """One place of the drawing.

    Attributes:
        column, row: from 0.
        node: its place in ``Trace.nodes``.
        kind: ``"kept"``, ``"end"`` (kept, and finished with this word), ``"waits"`` (finished before, still among the best)
            or ``"dropped"``.
        best: whether it leads to the winner.
    """

    column: int
    row: int
    node: int
    kind: str
    best: bool


class Link(NamedTuple):
    """A line from a row of one column (-1: the one before the first) to a row of the next."""

    column: int
    from_row: int
    to_row: int
    kind: str
    best: bool


class Window(NamedTuple):
    """The part of a tree from one word to another: its boxes, its lines, and for each column what found no room."""

    boxes: list[Box]
    links: list[Link]
    hidden: list[int]


def window(trace: Trace, steps: Sequence[int], rows: int = ROWS) -> Window:
    """The part of a tree with some words.

    Args:
        trace: what ``beam_trace.trace`` returns.
        steps: numbers of words in a row, from 1; those beyond the last are left out.
        rows: of the drawing. The kept ones stand above, all of them; the dropped ones fill what is left.
    """
    dropped: dict[int, list[int]] = {step: [] for step in steps}
    for place, node in enumerate(trace.nodes):
        if not node.kept and node.step in dropped:
            dropped[node.step].append(place)
    winner = set(trace.path(trace.beams[-1][0])) | {0}
    boxes, links, hidden = [], [], []
    for column, step in enumerate(step for step in steps if step < len(trace.beams)):
        beams, before = trace.beams[step], {node: row for row, node in enumerate(trace.beams[step - 1])}
        lost = sorted(dropped[step], key=lambda place: -trace.nodes[place].score)
        room = max(rows - len(beams), 0)
        hidden.append(max(len(lost) - room, 0))
        for row, place in enumerate([*beams, *lost[:room]]):
            node = trace.nodes[place]
            waits = node.step < step
            kind = "waits" if waits else "dropped" if not node.kept else "end" if node.finished else "kept"
            best = place in winner
            boxes.append(Box(column, row, place, kind, best))
            links.append(Link(column, before[place if waits else node.parent], row, kind, best))
    return Window(boxes, links, hidden)


def fitted(word: str, room: float = 13.2, smallest: float = 0.77) -> tuple[str, float]:
    """A word that fits into a box with ``room`` for so many letters, and its size against the usual one.

    It is written smaller before it loses letters: "cardiomediastinal" is among the first words of many reports.
    """
    most = int(room / smallest)
    fits = word if len(word) <= most else word[: most - 1] + "…"
    return fits, min(1.0, room / max(len(fits), 1))
