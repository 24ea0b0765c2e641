"""The checks of the exercises of notebook 06."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from .verdicts import call, judges, need, same


@judges("06.1")
def flipped(answer: Callable) -> str:
    """``answer``: features (B, R, D) and the grid (H, W) -> the features of the images turned left to right."""
    grid = (2, 3)
    features = np.arange(2 * 6 * 4, dtype=float).reshape(2, 6, 4)
    before, cells = features.copy(), features.reshape(2, 2, 3, 4)
    got = np.asarray(call(answer, features, grid), float)
    need((features == before).all(), "It has changed the features that it was given.")
    need(
        got.shape == features.shape,
        f"The result should have the shape (B, R, D) = {features.shape}, as before, not {got.shape}.",
    )
    need(not same(got, features), "Nothing has moved.")
    need(
        not same(got, features[:, ::-1]),
        "Turning round the whole list of regions also puts the image on its head. Turn each row of the grid.",
    )
    need(
        not same(got, cells[:, ::-1].reshape(2, 6, 4)),
        "That turns the image upside down: the rows have changed places, not the columns.",
    )
    need(
        not same(got, features[..., ::-1]),
        "That turns round the channels of each region; the regions themselves should change places.",
    )
    need(not same(got, features[::-1]), "That turns round the order of the studies.")
    swapped = features.reshape(2, 3, 2, 4)[:, :, ::-1].reshape(2, 6, 4)
    need(
        not same(got, swapped),
        "The grid is (H, W) = rows, columns; here the two have changed places, which nobody notices on a square one.",
    )
    need(
        same(got, cells[:, :, ::-1].reshape(2, 6, 4)),
        "Bring the regions to (B, H, W, D), turn round the axis W, and bring them back.",
    )
    return (
        "The regions have changed places, and each still shows what it showed. Which of the two do the sides in the"
        " reports follow?"
    )


@judges("06.2")
def without_guide(answer: Any, settings: Any) -> str:
    """``answer``: the settings of the same model, trained without the guide."""
    need(type(answer) is type(settings), f"The answer is a `stages.Settings`, not a {type(answer).__name__}.")
    changed = {name for name, value in dataclasses.asdict(settings).items() if getattr(answer, name) != value}
    if settings.guide == 0:
        return "The model of this notebook was trained without the guide already."
    need(changed, "These are the settings as they were.")
    need(
        "concepts" not in changed,
        "`concepts` asks the regions for findings. It stays; only the guide, which draws the attention there, goes.",
    )
    need("blind" not in changed, "That would be the blind twin; this model may see.")
    need("guide" in changed, f"This changes {', '.join(sorted(changed))}, but not `guide`.")
    need(answer.guide == 0, f"`guide` is {answer.guide}; without it means 0.0.")
    need(
        changed == {"guide"},
        f"Besides `guide` this changes {', '.join(sorted(changed - {'guide'}))}. Then nobody knows what made the "
        "difference. Use `dataclasses.replace(settings, guide=0.0)`.",
    )
    return "One thing is changed and nothing else; `ensure_model` trains such a model, beside the other one."


@judges("06.3")
def usual_map(answer: Callable) -> str:
    """``answer``: the number k of a naming, all namings as (study, finding, side), and their attention (M, R) -> the mean map of
    the *other* studies' namings with the same finding and side, or None."""
    named = [
        (0, "nodule", "left"),
        (1, "nodule", "left"),
        (2, "nodule", "right"),
        (0, "nodule", "left"),
        (3, "edema", "left"),
        (4, "nodule", "left"),
        (5, "scoliosis", "left"),
    ]
    attention = np.eye(len(named)) * 0.5 + 0.5 / len(named)

    def mean(*rows: int) -> np.ndarray:
        return attention[list(rows)].mean(axis=0)

    got = np.asarray(call(answer, 0, named, attention), float)
    need(got.shape == (len(named),), f"One weight for each region, (R,) = ({len(named)},); it gives {got.shape}.")
    need(not same(got, mean(0, 1, 3, 5)), "The naming itself is among them: then the player has seen this very image.")
    need(
        not same(got, mean(1, 3, 5)),
        "Naming 3 is another sentence of the *same* study: leave out the whole study, not only the naming.",
    )
    need(
        not same(got, mean(1, 2, 5)),
        "The side does not count yet: a nodule on the right is no help for one on the left.",
    )
    need(
        not same(got, mean(1, 4, 5, 6)) and not same(got, mean(1, 4, 5)),
        "The finding does not count: edema and scoliosis are among them.",
    )
    need(not same(got, attention[[1, 5]].sum(axis=0)), "That is the sum of the maps; take their mean.")
    need(same(got, mean(1, 5)), "For naming 0 these should be the maps of namings 1 and 5.")
    alone = call(answer, 6, named, attention, may_be_none=True)
    need(alone is None, "No other patient has a scoliosis to the left; then return None, not a map of nothing.")
    return (
        "A stronger player: it knows the side. By as much as the model is still ahead, it has looked at *this* patient."
    )


@judges("06.4")
def blank_inside(answer: Callable) -> str:
    """``answer``: features (R, D), cells (R, 4) and a box -> the features, with the regions whose centre lies in the box at 0."""
    cells = np.array([[x, y, x + 10, y + 10] for y in (0, 10, 20) for x in (0, 10, 20)], float)
    features = np.ones((9, 4))
    # The centres of cells 1, 2, 4 and 5 lie in it; it meets cells 0 and 3 as well, and only 1 and 2 lie in it as a whole.
    box = (8, 0, 30, 17)
    got = np.asarray(call(answer, features, cells, box), float)
    need(
        (features == 1).all(),
        "It has changed the features that it was given; work on a copy, for the next box needs them whole.",
    )
    need(
        got.shape == features.shape,
        f"The result should have the shape {features.shape}, not {got.shape}: the regions stay, they only say nothing.",
    )
    need(
        not np.isnan(got).any(),
        "A blank region is 0, which in whitened features is the average patient; NaN would spoil everything.",
    )
    need(((got == 0) | (got == 1)).all(), "A region is blank or as it was, nothing in between.")
    blank = (got == 0).all(axis=1)
    need(not (got == 0).any(axis=1)[~blank].any(), "Some channels are blanked and not others; blank whole regions.")
    chosen = set(np.flatnonzero(blank).tolist())
    need(chosen, "No region is blank.")
    need(chosen != {0, 3, 6, 7, 8}, "The regions *outside* of the box are blank.")
    need(chosen != {0, 1, 2, 3, 4, 5}, "Cells that only meet the box are blank too; the centre decides.")
    need(chosen != {1, 2}, "It takes only cells that lie in the box as a whole; the centre decides.")
    need(chosen != {3, 6, 4, 7}, "x and y have changed places: a box is (left, top, right, bottom).")
    need(chosen == {1, 2, 4, 5}, f"The centres of cells 1, 2, 4 and 5 lie in the box; blank are {sorted(chosen)}.")
    return (
        "Now blank as many regions outside the box, and compare: only the difference says that the finding was there."
    )


@judges("06.5")
def without_found(answer: Callable) -> str:
    """``answer``: a model's state -> the same state, in which the findings are no longer handed to every word."""
    rng = np.random.default_rng(0)
    names = ("annotations", "keys", "concepts", "found")
    state = {"memory": {name: rng.normal(size=(2, 3)) for name in names}, "cell": [rng.normal(size=(2, 3))]}
    before = {name: value.copy() for name, value in state["memory"].items()}
    got = call(answer, state)
    need(isinstance(got, dict) and set(got) == {"memory", "cell"}, 'Return a whole state: {"memory": …, "cell": …}.')
    whole = set(state["memory"]) == set(names) and all(same(state["memory"][name], before[name]) for name in names)
    need(
        whole,
        "It has changed the state that it was given: `state | {…}` makes a new dictionary, `state[…] = …` does not.",
    )
    memory = got["memory"]
    for name, what in {"annotations": "what attention reads", "keys": "what attention looks for"}.items():
        need(name in memory and same(memory[name], before[name]), f"`{name}` is {what}, the first way. It has to stay.")
    need(
        "concepts" in memory and same(memory["concepts"], before["concepts"]),
        "`concepts` is what the regions answered; what is handed to every word is `found`.",
    )
    need(
        all(same(a, b) for a, b in zip(got["cell"], state["cell"], strict=True)),
        "`cell` is the decoder's state and has to stay.",
    )
    need(
        "found" in memory and np.shape(memory["found"]) == before["found"].shape,
        "The model reads `found` with every word: put zeros of the same shape in its place, do not take it out.",
    )
    need(not np.isnan(memory["found"]).any(), "NaN instead of the findings would spoil every logit; put zeros there.")
    need(not np.any(memory["found"]), "`found` still says something: put zeros in its place.")
    return "The second way is cut when decoding. The words that are left, the model has from where it looks."
