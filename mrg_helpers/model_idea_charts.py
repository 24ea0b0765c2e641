"""Figures that explain an idea and report no data: teacher forcing and attention (04), the beam (05), the blind twin (06).

See ``idea_charts``. The numbers in them are computed, not invented.
"""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .charts import COLOURS, GREY
from .sketch import INK, LINE, PALE, arrow, box, canvas, chest, elbow, strip, write

BLUE, ORANGE, GREEN, AMBER = COLOURS[0], COLOURS[1], COLOURS[2], COLOURS[4]
_TRUE = ["<start>", "small", "left", "effusion", ".", "<end>"]
_FORCED = [
    "<start>",
    "small",
    "right",
    "effusion",
    ".",
    "<end>",
]  # what it says, word by word, while it reads the true ones
_FREE = ["<start>", "small", "right", "nodule", ".", "<end>"]  # and while it reads its own


def teacher_forcing(title: str = "Who hands the decoder its last word?", note: str = "") -> Figure:
    """The decoder unrolled over five words: above as it is trained, below as it writes. For notebook 04."""
    figure, axis = canvas(52, title, note)
    for floor, forced in ((27, True), (0, False)):
        name = "training: teacher forcing" if forced else "writing: free-running"
        what = (
            "it reads the true words,\nwhatever it would have said"
            if forced
            else "it reads its own words:\none mistake leads to the next"
        )
        write(axis, (0.5, floor + 12.4), name, 10, align="left", fontweight="bold")
        write(axis, (0.5, floor + 8.6), what, 8.5, GREY, align="left")
        for y, label in ((1.8, "is read"), (19, "is said"), (22.6, "the loss compares with") if forced else (19, "")):
            write(axis, (25, floor + y), label, 8, GREY, align="right")
        for t in range(5):
            x, read, said = 32.5 + 12.8 * t, (_TRUE if forced else _FREE)[t], (_FORCED if forced else _FREE)[t + 1]
            colour = GREEN if said == _TRUE[t + 1] else ORANGE
            box(axis, (x, floor + 10.5), (8, 5.4), "decoder", BLUE, size=8)
            box(axis, (x, floor + 1.8), (8.8, 3.2), read, GREY if read == _TRUE[t] else ORANGE, size=8.5)
            arrow(axis, (x, floor + 3.5), (x, floor + 7.7))
            arrow(axis, (x, floor + 13.3), (x, floor + 17.3), colour)
            box(axis, (x, floor + 19), (8.8, 3.2), said, colour, size=8.5)
            if t < 4:
                arrow(axis, (x + 4.1, floor + 10.5), (x + 8.7, floor + 10.5), BLUE)
            if t < 4 and not forced:
                turn = x + 6.4
                elbow(
                    axis,
                    (x + 4.5, floor + 19),
                    (turn, floor + 19),
                    (turn, floor + 1.8),
                    (x + 8.3, floor + 1.8),
                    colour=colour,
                )
            if forced:
                write(axis, (x, floor + 22.6), _TRUE[t + 1], 8.5, colour, fontweight="bold")
    return figure


def additive_attention(title: str = "One step of additive attention", note: str = "") -> Figure:
    """Keys and query, scores, weights and context for five regions, with real numbers. For notebook 04."""
    rng = np.random.default_rng(3)
    size, regions = 6, 5
    keys, query, score = rng.normal(size=(regions, size)), rng.normal(size=size), rng.normal(size=size)
    annotations = np.tanh(rng.normal(size=(regions, size)))
    hidden = np.tanh(keys + query)
    scores = hidden @ score
    weights = np.exp(scores) / np.exp(scores).sum()
    context = weights @ annotations

    figure, axis = canvas(62, title, note)
    rows = {"keys": 52, "hidden": 37.5, "scores": 28, "weights": 20, "annotations": 6}
    labels = {
        "keys": "keys $W_k k_r$, one for each region",
        "hidden": "tanh($W_k k_r + W_q q$)",
        "scores": "scores $e_r = v \\cdot$ tanh(…)",
        "weights": "weights $\\alpha$ = softmax($e$)",
        "annotations": "annotations $a_r$",
    }
    for name, text in labels.items():
        axis.text(0.5, rows[name], text, ha="left", va="center", fontsize=9.5, color=INK)
    for k, x in enumerate(29 + 8.5 * np.arange(regions)):
        write(axis, (x, 59), f"region {k + 1}", 8.5, GREY)
        strip(axis, (x, rows["keys"]), keys[k], top=2)
        arrow(axis, (x, 46.5), (x, 43))
        strip(axis, (x, rows["hidden"]), hidden[k])
        arrow(axis, (x, 32), (x, 29.6))
        write(axis, (x, rows["scores"]), f"{scores[k]:+.2f}", 9)
        arrow(axis, (x, 26.5), (x, 24.2))
        axis.add_patch(Rectangle((x - 2.2, 16), 4.4, 7.6 * weights[k] / weights.max(), facecolor=BLUE))
        write(axis, (x, 14.2), f"{weights[k]:.2f}", 8.5, BLUE, fontweight="bold")
        strip(axis, (x, rows["annotations"]), annotations[k])
    box(axis, (80, 51), (14, 14), "", GREEN)
    strip(axis, (77, 51), query, top=2)
    axis.text(82.3, 51, "$W_q q$", ha="center", va="center", fontsize=10)
    write(axis, (80, 59.6), "the decoder's state: the query", 8.5, GREEN)
    arrow(axis, (72.6, 46), (66, 39.5), GREEN)
    write(axis, (71, 41), "the same for all regions", 8.5, GREEN, align="left")
    axis.text(66, 20, "positive, with the sum 1", ha="left", va="center", fontsize=8.5, color=BLUE)
    arrow(axis, (66, 6), (72.6, 6), BLUE)
    box(axis, (80, 6.3), (14, 12.4), "", BLUE)
    strip(axis, (77, 6.3), context)
    axis.text(82.3, 6.3, "$z$", ha="center", va="center", fontsize=10)
    axis.text(80, 14.6, "the context $z = \\sum_r \\alpha_r\\, a_r$", ha="center", va="center", fontsize=9, color=BLUE)
    return figure


# (word, its log-probability under the model) after each beginning; only the continuations that matter are listed
_TREE = {
    (): {"the": 0.50, "no": 0.40, "small": 0.10},
    ("the",): {"heart": 0.35, "lungs": 0.33, "chest": 0.32},
    ("no",): {"effusion": 0.85, "acute": 0.10, "edema": 0.05},
    ("no", "effusion"): {".": 0.92, "or": 0.08},
    ("the", "heart"): {"is": 0.95, "size": 0.05},
}


def beam_by_hand(title: str = "A beam of two", note: str = "") -> Figure:
    """Three steps of a beam search with K = 2, and what a greedy decoder does meanwhile. For notebook 05."""
    figure, axis = canvas(50, title, note)
    columns = (7, 28, 52, 78)
    for step, x in enumerate(columns[1:], 1):
        write(axis, (x, 48), f"word {step}: keep the best two", 9, GREY, fontweight="bold")
    box(axis, (columns[0], 23), (11, 4.6), "<start>", GREY)
    beams, places = {(): 0.0}, {(): 23.0}
    greedy = ((), ("the",), ("the", "heart"), ("the", "heart", "is"))
    for step in range(1, 4):
        grown = {
            (*words, word): score + np.log(share)
            for words, score in beams.items()
            for word, share in _TREE[words].items()
        }
        kept = dict(sorted(grown.items(), key=lambda one: -one[1])[:2])
        order = sorted(grown, key=lambda words: (-places[words[:-1]], -grown[words]))
        for words, y in zip(order, np.linspace(42, 8, len(order)) if step > 1 else (36, 23, 10), strict=True):
            alive, x = words in kept, columns[step]
            colour = BLUE if alive else LINE
            box(axis, (x, y), (15, 4.6), "", colour, fill=None if alive else PALE)
            write(
                axis,
                (x - 6.3, y),
                words[-1],
                9,
                INK if alive else GREY,
                align="left",
                fontweight="bold" if alive else "normal",
            )
            write(axis, (x + 6.3, y), f"{grown[words]:.2f}", 8.5, colour if alive else GREY, align="right")
            start = (columns[step - 1] + (5.7 if step == 1 else 7.7), places[words[:-1]])
            arrow(axis, start, (x - 7.8, y), colour, width=1.8 if alive else 1)
            if words in greedy:
                write(axis, (x, y + 3.4), "greedy", 7.5, ORANGE, fontweight="bold")
            places[words] = y
        beams = kept
    best = max(beams, key=beams.get)
    said = (
        f"best: “{' '.join(best)}”, {np.exp(beams[best]):.2f}; greedy: “{' '.join(greedy[-1])}”,"
        f" {np.exp(_score(greedy[-1])):.2f}"
    )
    write(
        axis,
        (0.5, 1.2),
        "blue: kept · grey: dropped · numbers: log-probability of all words so far",
        8,
        GREY,
        align="left",
    )
    write(axis, (89.5, 1.2), said, 8.5, INK, align="right", fontweight="bold")
    return figure


def _score(words: tuple[str, ...]) -> float:
    return float(sum(np.log(_TREE[words[:k]][words[k]]) for k in range(len(words))))


_PATIENTS = {"A": ("nodule,\nright", (0.3, 0.66)), "B": ("lungs\nclear", None), "C": ("nodule,\nleft", (0.74, 0.62))}


def blind_twin(title: str = "Two questions to a model that writes well", note: str = "") -> Figure:
    """Left, what the model and its blind twin learn from; right, deletion and insertion on a small grid. For notebook 06."""
    figure, axis = canvas(46, title, note)
    write(axis, (21, 44.5), "Has it learnt to look?", 10, fontweight="bold")
    names = list(_PATIENTS)
    for left, twin, colour in ((0, False, BLUE), (23, True, ORANGE)):
        write(axis, (left + 11, 40.5), "blind twin" if twin else "model", 9.5, colour, fontweight="bold")
        for k, name in enumerate(names):
            y = 34 - 9.8 * k
            chest(axis, (left + 4.5, y), 8, _PATIENTS[name][1])
            write(axis, (left + 1.5, y + 3), name, 8, "white", fontweight="bold")
            arrow(axis, (left + 8.8, y), (left + 12.4, 34 - 9.8 * ((k + 1) % 3 if twin else k)), colour, width=1.6)
            box(axis, (left + 16.9, y), (8.4, 5.4), f"{name}: {_PATIENTS[name][0]}", GREY, size=8)
    write(
        axis,
        (21, 4.4),
        "The same reports, the same images, only wrongly paired:\nwhat the twin can do too, needs no eye.",
        8.5,
        GREY,
    )
    axis.plot([45.5, 45.5], [1.5, 45.5], color=LINE, linewidth=0.8)

    write(axis, (68, 44.5), "Does the word hang on where it looks?", 10, fontweight="bold")
    weights = np.random.default_rng(1).dirichlet(np.full(16, 0.35))
    order = np.argsort(-weights)
    for row, (name, floor) in enumerate((("deletion", 29.5), ("insertion", 12))):
        write(axis, (47, floor + 5.2), name, 9.5, align="left", fontweight="bold")
        write(axis, (47, floor - 2.4), "how sure is\nthe word?", 8, GREY, align="left")
        for step, count in enumerate((0, 1, 2, 4, 16)):
            gone = set(order[:count].tolist()) if row == 0 else set(order[count:].tolist())
            x = 57.2 + 6.6 * step
            for cell in range(16):
                shade = "white" if cell in gone else colormaps["Blues"](0.15 + 0.8 * weights[cell] / weights.max())
                place = (x + 1.4 * (cell % 4), floor + 6.2 - 1.4 * (cell // 4))
                axis.add_patch(Rectangle(place, 1.4, 1.4, facecolor=shade, edgecolor=LINE, linewidth=0.5))
            sure = sum(weights[cell] for cell in range(16) if cell not in gone)
            axis.add_patch(Rectangle((x + 1.7, floor - 4.6), 2.2, 5 * sure, facecolor=ORANGE if row == 0 else GREEN))
            axis.plot([x + 0.4, x + 5.2], [floor - 4.6] * 2, color=LINE, linewidth=0.8)
            write(axis, (x + 2.8, floor + 8.8), f"{count} {'gone' if row == 0 else 'in'}", 7.5, GREY)
    said = "The most attended cells go first, or come first.\n(A sketch of a word that hangs on its attention alone.)"
    write(axis, (68, 3.6), said, 8.5, GREY)
    return figure
