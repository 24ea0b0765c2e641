"""Figures that explain an idea and report no data: parallel rays (01), the cache (02), from a report to ids (03).

The numbers in them are computed, not invented. ``model_idea_charts`` holds those of notebooks 04 to 06,
``objective_idea_charts`` that of 08; ``plots`` offers all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle

from .charts import COLOURS, GREY, new_figure
from .sketch import INK, LINE, PALE, arrow, box, canvas, chest, write

# A slice through a chest, seen from above: centre (x to the patient's left, y to the front) and half axes in cm, attenuation
# in 1/cm. Where two overlap, the later one counts.
_ORGANS = {
    "body": ((0, 0), (16, 10.5), 0.20, "#D1D5DB"),
    "right lung": ((-7.4, 0.3), (5.6, 8), 0.06, "#374151"),
    "left lung": ((7.6, 0.3), (5.4, 8), 0.06, "#374151"),
    "heart": ((2.4, 2.6), (5, 4.4), 0.20, "#9CA3AF"),
    "spine": ((0, -6.6), (2.2, 2.2), 0.50, "#F9FAFB"),
    "nodule": ((5.0, -4.2), (1.5, 1.5), 0.20, COLOURS[1]),
}
_NAMES = {"heart": (2.4, -2.6), "spine": (0, 6.6), "right lung": (-7.4, 0), "left lung": (9.4, 0.4)}


def _profile(turned: bool, without: str = "") -> np.ndarray:
    """The sum of coefficient times thickness along each of the rays in ``_AT``; ``without`` leaves an organ out."""
    across, along = np.meshgrid(_AT, _AT)
    x, y = (along, -across) if turned else (across, along)
    mu = np.zeros_like(x)
    for organ, ((cx, cy), (a, b), coefficient, _) in _ORGANS.items():
        if organ != without:
            mu[((x - cx) / a) ** 2 + ((y - cy) / b) ** 2 <= 1] = coefficient
    return mu.sum(axis=0) * (_AT[1] - _AT[0])


_AT = np.linspace(-18, 18, 721)  # cm


def parallel_rays(title: str = "Parallel rays add up what they cross", note: str = "") -> Figure:
    """A slice through a chest seen from above, the rays of both views, and what each ray has crossed, with and without a nodule.

    For notebook 01. A heart that hides the nodule in one view does not in the other.
    """
    ratios = {"height_ratios": [2.05, 1]}
    figure, axes = new_figure(2, 2, 6.2, title, note, sharex=True, sharey="row", gridspec_kw=ratios)
    for column, name in enumerate(
        ("frontal: the rays come from behind", "lateral: the patient has turned, the rays have not")
    ):
        body, film = axes[:, column]
        for (x, y), (a, b), _, colour in _ORGANS.values():
            if column:  # the front of the patient to the viewer's left
                x, y, a, b = -y, x, b, a
            body.add_patch(Ellipse((x, -y), 2 * a, 2 * b, facecolor=colour, edgecolor="white", linewidth=0.8))
        for ray in np.linspace(-15, 15, 13):
            body.annotate("", (ray, -18.3), (ray, 18.8), arrowprops={"arrowstyle": "-|>", "color": COLOURS[5], "lw": 1})
        body.set_title(name, fontsize=10)
        body.set(xlim=(-20, 20), ylim=(-18.5, 19), aspect="equal", anchor="S")
        body.axis("off")
        whole, healthy = _profile(bool(column)), _profile(bool(column), "nodule")
        film.plot(_AT, whole, color=COLOURS[0], label="with the nodule")
        film.plot(_AT, healthy, color=INK, linewidth=1.2, linestyle="--", label="without")
        film.fill_between(_AT, healthy, whole, color=COLOURS[1], alpha=0.5, linewidth=0, label="what it adds")
        film.set(xlabel="place on the film (cm)", ylim=(0, 6.8))
        film.grid(axis="y")
    for organ, place in _NAMES.items():
        colour = "white" if "lung" in organ else INK
        axes[0, 0].text(*place, organ, ha="center", va="center", fontsize=8, color=colour)
    axes[0, 0].text(0, -9.4, "front", ha="center", va="center", fontsize=8, color=GREY)
    axes[0, 1].text(-9.3, 0, "front", ha="center", va="center", fontsize=8, color=GREY, rotation=90)
    line = {"arrowstyle": "-", "color": INK, "lw": 0.8}
    for axis, tip, place in ((axes[0, 0], (6.2, 4.9), (17, 13)), (axes[0, 1], (5.4, -5.6), (16, -12))):
        axis.annotate("nodule", tip, place, fontsize=9, ha="center", va="center", arrowprops=line)
    axes[1, 0].set_ylabel("sum of coefficient x cm")
    axes[1, 0].legend(loc="upper left", ncols=3, fontsize=8)
    return figure


def cache_once(
    epochs: int = 8, title: str = "The network looks once, the training reads many times", note: str = ""
) -> Figure:
    """What is computed in a training without and with a cache of features, as two time lines, and what the cache consists of.

    For notebook 02. The lengths stand as 8 to 1: in the default profile, on two cores, the network takes 47 s and an epoch of the
    decoder 5.6 s.
    """
    figure, axis = canvas(40, title, note)
    network, decoder = COLOURS[4], COLOURS[0]
    for k in range(3):
        chest(axis, (7 + 1.2 * k, 33 - 1.2 * k), 6.5)
    write(axis, (8.2, 25.6), "N images", 8.5, GREY)
    arrow(axis, (13.6, 32), (19, 32), network)
    box(axis, (26, 32), (13.5, 8), "InceptionV3\ncut at a layer", network)
    arrow(axis, (33, 32), (38.5, 32), network)
    write(axis, (35.7, 34), "once", 8.5, fontweight="bold")
    box(axis, (48, 32), (18, 11), "", COLOURS[2])
    write(axis, (48, 34.6), "features.npy\n(N, R, D), 16 bit", 9)
    write(axis, (48, 29.4), "rows.csv · manifest.json:\nwhat the numbers depend on", 7.5)
    for k in range(3):
        arrow(axis, (57.4, 32 + 2.6 * (k - 1)), (66, 32 + 2.6 * (k - 1)), decoder)
    write(axis, (61.7, 37.2), "every epoch", 8.5, decoder, fontweight="bold")
    box(axis, (74.5, 32), (16, 8), "decoder\nlearns", decoder)

    left, unit = 18, 68 / (9 * epochs)
    rows = {"without a cache": (17, True), "with a cache": (8.5, False)}
    for name, (y, again) in rows.items():
        write(axis, (left - 1.5, y), name, 9, align="right")
        x = left
        for epoch in range(epochs):
            for kind, length in ((network, 8), (decoder, 1)):
                if kind == network and not again and epoch:
                    continue
                axis.add_patch(
                    Rectangle((x, y - 1.9), length * unit, 3.8, facecolor=kind, edgecolor="white", linewidth=1)
                )
                x += length * unit
            if again:
                write(axis, (x - 4.5 * unit, y + 3), f"epoch {epoch + 1}", 7.5, GREY)
        if not again:
            arrow(axis, (x + 6, y), (x + 1, y), GREY)
            write(axis, (x + 7, y), f"{epochs} epochs are done here", 8.5, GREY, align="left")
    for x, colour, name in ((left, network, "the network looks"), (left + 20, decoder, "the decoder learns")):
        axis.add_patch(Rectangle((x, 2.2), 2, 2, facecolor=colour))
        write(axis, (x + 3, 3.2), name, 8.5, align="left")
    arrow(axis, (74, 3.2), (86, 3.2), GREY)
    write(axis, (73, 3.2), "time", 8.5, GREY, align="right")
    return figure


def report_to_ids(
    raw: str,
    cleaned: str,
    tokens: Sequence[str],
    ids: Sequence[int],
    length: int,
    title: str = "From a report to ids",
    note: str = "",
) -> Figure:
    """One sentence on its way: as it was written, cleaned, cut into tokens, as ids with padding.

    For notebook 03.

    Args:
        raw, cleaned: the text before and after cleaning.
        tokens: those of the cleaned text.
        ids: the tokens' ids with ``<start>`` and ``<end>``, two more than the tokens; 1 is the unknown word.
        length: T of the batch; the rest is padding.

    Raises:
        ValueError: if the ids do not fit the tokens, or the sentence does not fit into ``length``.
    """
    if len(ids) != len(tokens) + 2 or len(ids) > length:
        raise ValueError(
            f"{len(tokens)} tokens need {len(tokens) + 2} ids and a length of at least that, not {len(ids)} and"
            f" {length}"
        )
    figure, axis = canvas(34, title, note)
    for y, name in zip((31.5, 24.5, 17, 8.5), ("written", "clean", "tokens", "ids (T,)"), strict=True):
        write(axis, (0.5, y), name, 9, GREY, align="left", fontweight="bold")
    for y, text, colour in ((31.5, raw, GREY), (24.5, cleaned, COLOURS[0])):
        box(axis, (50, y), (78, 4.4), "", colour)
        write(axis, (12.5, y), text, 9.5, align="left", family="monospace")
    for high, low, what in ((29, 27, "list numbers go, x-XXXX is x-ray"), (22, 19.8, "lower-case, cut")):
        arrow(axis, (50, high), (50, low))
        write(axis, (51.5, (high + low) / 2), what, 8, GREY, align="left")
    shown = [*zip(["<start>", *tokens, "<end>"], ids, strict=True), *[("<pad>", 0)] * (length - len(ids))]
    widths = np.array([4.6 if word.startswith("<") else max(4.3, 1.6 + 0.8 * len(word)) for word, _ in shown])
    widths *= 78 / widths.sum()
    for (word, number), right, width in zip(shown, 11 + widths.cumsum(), widths, strict=True):
        x, special = right - width / 2, word.startswith("<")
        colour = COLOURS[1] if number == 1 else COLOURS[2] if number in (2, 3) else LINE if number == 0 else COLOURS[0]
        if not special:
            box(axis, (x, 17), (width - 0.7, 4), word, colour, size=8)
            arrow(axis, (x, 14.6), (x, 11.2), LINE, width=0.9)
        fill = PALE if number == 0 else None
        box(axis, (x, 8.5), (width - 0.7, 4.6), str(number), colour, fill=fill, size=9, fontweight="bold")
        if special or number == 1:
            write(axis, (x, 4.7), word if special else "<unk>", 7.5, GREY if number == 0 else INK)
    said = (
        "orange: not in the vocabulary · green: where the report begins and ends · grey: padding, which must count"
        " nothing"
    )
    write(axis, (11, 1.2), said, 8, GREY, align="left")
    return figure
