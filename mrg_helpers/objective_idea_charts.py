"""The figure that explains an idea of notebook 08: three ways to train one decoder. See ``idea_charts``."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .charts import COLOURS, GREY
from .sketch import INK, LINE, arrow, box, canvas, elbow, write

BLUE, ORANGE, GREEN = COLOURS[0], COLOURS[1], COLOURS[2]
_TRUE = ("small", "left", "effusion", ".", "<end>")
_SAID = ("small", "right", "effusion", "or", "<end>")  # after each of the true words
_OWN = {2, 4}  # the places at which scheduled sampling reads what was said
_DRAWN = ("small", "right", "nodule", ".", "<end>")
_LIKELIEST = ("small", "left", "nodule", ".", "<end>")
_X = [29 + 9.8 * t for t in range(5)]


def three_objectives(title: str = "One decoder, three things to learn from", note: str = "") -> Figure:
    """Teacher forcing, scheduled sampling and self-critical training, the decoder unrolled over five words. For notebook 08.

    The reward in it is the share of the true words that a report says.
    """
    figure, axis = canvas(73, title, note)
    mixed = ["<start>", *(_SAID[t - 1] if t in _OWN else _TRUE[t - 1] for t in range(1, 5))]
    _row(axis, 51, "teacher forcing", "it reads the true words", ["<start>", *_TRUE[:-1]], _SAID, set(), True)
    _row(axis, 25.5, "scheduled sampling", "now and then it reads\nits own word", mixed, _SAID, _OWN, True)
    drawn = ["<start>", *_DRAWN[:-1]]
    _row(axis, 0, "self-critical", "it reads all its own words:\na report is drawn", drawn, _DRAWN, {1, 2, 3, 4}, False)
    for floor in (51, 25.5):
        write(axis, (80.8, floor + 15.4), "each place: make\nthe true word likelier", 8.5, GREEN)
    worth = {name: _worth(words) for name, words in (("drawn", _DRAWN), ("likeliest", _LIKELIEST))}
    gain = worth["drawn"] - worth["likeliest"]
    write(axis, (80.8, 20.6), "the whole report:\nreward of the drawn one", 8.5, GREY)
    write(axis, (80.8, 16.4), f"{worth['drawn']:.2f}", 10, INK, fontweight="bold")
    write(axis, (80.8, 12.6), f"minus that of its likeliest,\n“{' '.join(_LIKELIEST[:-1])}”", 8.5, GREY)
    write(axis, (80.8, 8.4), f"{worth['likeliest']:.2f}", 10, INK, fontweight="bold")
    less = "less likely" if gain < 0 else "likelier"
    write(axis, (80.8, 3.4), f"= {gain:+.2f}: all its\nwords become {less}", 8, ORANGE, fontweight="bold")
    for y in (23.8, 49.3):
        axis.plot([0.5, 89.5], [y, y], color=LINE, linewidth=0.8)
    return figure


def _worth(words: tuple[str, ...]) -> float:
    return sum(word in words for word in _TRUE[:-1]) / len(_TRUE[:-1])


def _row(axis: Axes, floor: float, name: str, what: str, read, said, own: set[int], judged: bool) -> None:
    """One decoder: what it reads, what it says, and whether each word is compared with the true one."""
    write(axis, (0.5, floor + 11.6), name, 10, align="left", fontweight="bold")
    write(axis, (0.5, floor + 7.8), what, 8.5, GREY, align="left")
    labels = ((1.9, "is read"), (16.4, "is said" if judged else "is drawn"), (20.4, "is true" if judged else ""))
    for y, label in labels:
        write(axis, (23.3, floor + y), label, 8, GREY, align="right")
    for t, x in enumerate(_X):
        wrong = ORANGE if said[t] != _TRUE[t] else GREEN
        box(axis, (x, floor + 9.4), (7.6, 4.8), "decoder", BLUE, size=7.5)
        box(axis, (x, floor + 1.9), (7.6, 3.2), read[t], ORANGE if t in own else GREY, size=8)
        arrow(axis, (x, floor + 3.6), (x, floor + 6.9))
        arrow(axis, (x, floor + 11.9), (x, floor + 14.7), wrong if judged else GREY)
        box(axis, (x, floor + 16.4), (7.6, 3.2), said[t], wrong if judged else GREY, size=8)
        if judged:
            write(axis, (x, floor + 20.4), _TRUE[t], 8, wrong, fontweight="bold")
        if t < 4:
            arrow(axis, (x + 3.9, floor + 9.4), (x + 5.9, floor + 9.4), BLUE)
        if t + 1 in own:
            turn, into = x + 4.9, _X[t + 1] - 3.9
            corners = (x + 3.9, floor + 16.4), (turn, floor + 16.4), (turn, floor + 1.9), (into, floor + 1.9)
            elbow(axis, *corners, colour=ORANGE)
