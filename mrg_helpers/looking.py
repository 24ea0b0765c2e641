"""Is the attention right? The words that name a finding, where the model looked at them, and what they hang on.

Takes the arrays of a ``decoding.Generation`` and rectangles in pixels of the original image; knows no model. Explained in
``notebooks/06_does_the_model_look.ipynb``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from . import findings

if TYPE_CHECKING:  # it loads TensorFlow
    from .decoding import Generation
    from .vocabulary import Vocabulary

Box = tuple[float, float, float, float]  # left, top, right, bottom
KINDS = ("names a finding that it asserts", "names a finding that it denies or doubts", "any other word")
GAMES = ("meets", "centre", "mass")
PLAYERS = ("model", "chance", "average map", "same finding, other patients")


@dataclass(frozen=True)
class Naming:
    """A place where a report rightly asserts a finding.

    Attributes:
        study: number of the report in its Generation. finding: its name.
        tokens: numbers of the tokens that name it. boxes: where the patient truly has it, none where nobody knows.
    """

    study: int
    finding: str
    tokens: tuple[int, ...]
    boxes: tuple[Box, ...] = ()


# ------------------------------------------------------------------------------------------------------------ words


def token_spans(vocabulary: Vocabulary, ids: Sequence[int]) -> list[tuple[int, int]]:
    """Where each token stands in the decoded text: T pairs (start, end) in characters, the blank before it included.

    A token ends where the text ends that is decoded up to it.
    """
    ends = [len(vocabulary.decode(ids[: t + 1])) for t in range(len(ids))]
    return list(zip([0, *ends], ends, strict=False))


def mentioned(vocabulary: Vocabulary, ids: Sequence[int]) -> list[tuple[findings.Mention, tuple[int, ...]]]:
    """Every mention of a finding in a report, with the numbers of the tokens that make it up."""
    spans = token_spans(vocabulary, ids)
    return [
        (mention, tuple(t for t, (start, end) in enumerate(spans) if start < mention.end and end > mention.start))
        for mention in findings.mentions(vocabulary.decode(ids))
    ]


def namings(
    generation: Generation, vocabulary: Vocabulary, truth: Sequence[Mapping[str, Sequence[Box]]]
) -> list[Naming]:
    """The places where the reports assert what is true.

    Args:
        truth: for each report, the true findings that count, each with its boxes (``()`` where nobody knows them).

    Returns:
        One naming per asserting mention, in the order of the reports; a finding that is named twice counts twice.

    Raises:
        ValueError: if there is not one entry of ``truth`` for each report.
    """
    if len(truth) != len(generation):
        raise ValueError(f"{len(generation)} reports, but the truth about {len(truth)}: give one entry for each")
    return [
        Naming(study, mention.name, tokens, tuple(true[mention.name]))
        for study, true in enumerate(truth)
        for mention, tokens in mentioned(vocabulary, generation.words(study))
        if mention.status == "asserted" and mention.name in true
    ]


def naming_attention(generation: Generation, named: Sequence[Naming]) -> np.ndarray:
    """The attention at each naming, the mean over its tokens: (M, R)."""
    found = [generation.attention[naming.study, list(naming.tokens)].mean(axis=0) for naming in named]
    return np.array(found).reshape(len(found), generation.attention.shape[-1])


def average_map(generation: Generation) -> np.ndarray:
    """The mean attention over all words of all reports, ``<end>`` not counted: (R,)."""
    return generation.attention[_real(generation)].mean(axis=0)


def _real(generation: Generation) -> np.ndarray:
    """(N, T): where there is a word."""
    return np.arange(generation.tokens.shape[1]) < generation.lengths[:, None]


def entropy(attention: np.ndarray) -> np.ndarray:
    """How spread out attention is, (..., R) -> (...), in nats: 0 for one region, log R for all alike."""
    attention = np.asarray(attention, float)
    return -(attention * np.log(np.where(attention > 0, attention, 1))).sum(axis=-1)


def entropy_by_kind(generation: Generation, vocabulary: Vocabulary) -> pd.DataFrame:
    """The entropy of the attention at each kind of word (``KINDS``).

    Returns:
        A row for each kind that was written: ``words`` (how many), the ``mean`` entropy in nats, ``low`` and ``high``, between
        which the middle 80 % lie.
    """
    kinds = np.where(_real(generation), 2, -1)  # (N, T)
    for study in range(len(generation)):
        for mention, tokens in mentioned(vocabulary, generation.words(study)):
            if mention.status == "asserted":
                kinds[study, list(tokens)] = 0
            else:  # what asserts one finding and denies another counts as asserting
                kinds[study, list(tokens)] = np.minimum(kinds[study, list(tokens)], 1)
    values = pd.Series(entropy(generation.attention[kinds >= 0])).groupby(kinds[kinds >= 0])
    table = pd.DataFrame({"words": values.size(), "mean": values.mean()})
    table["low"], table["high"] = values.quantile(0.1), values.quantile(0.9)
    return table.set_axis(pd.Index([KINDS[kind] for kind in table.index], name="word"))


# ---------------------------------------------------------------------------------------------------- pointing game


def pointing_game(weights: np.ndarray, rectangles: np.ndarray, box: Box) -> tuple[bool, bool]:
    """Does the peak of the attention fall into the box? (Zhang et al., "Top-down Neural Attention", ECCV 2016.)

    A peak is known to within a cell of the grid only, so there are two answers.

    Args:
        weights: (R,). rectangles: (R, 4), the cells in pixels of the original image, see ``heatmaps.cell_rectangles``.

    Returns:
        Whether the cell of the peak meets the box, and whether the centre of that cell lies in it.
    """
    left, top, right, bottom = rectangles[np.argmax(weights)]
    meets = left < box[2] and box[0] < right and top < box[3] and box[1] < bottom
    x, y = (left + right) / 2, (top + bottom) / 2
    return bool(meets), bool(box[0] <= x < box[2] and box[1] <= y < box[3])


def covered(rectangles: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """The share of each cell that lies in the boxes: (R, 4) -> (R,). Boxes of one finding hardly ever overlap each other."""
    share = np.zeros(len(rectangles))
    for box in boxes:
        width = np.minimum(rectangles[:, 2], box[2]) - np.maximum(rectangles[:, 0], box[0])
        height = np.minimum(rectangles[:, 3], box[3]) - np.maximum(rectangles[:, 1], box[1])
        share += np.clip(width, 0, None) * np.clip(height, 0, None)
    area = (rectangles[:, 2] - rectangles[:, 0]) * (rectangles[:, 3] - rectangles[:, 1])
    return np.minimum(1, share / np.where(area > 0, area, 1))  # a cell in the padding has no area, and meets nothing


def play(generation: Generation, named: Sequence[Naming], rectangles: Sequence[np.ndarray]) -> pd.DataFrame:
    """The pointing game at every naming, and the same for those who do not look at this patient.

    Args:
        named: see :func:`namings`; those without a box are left out.
        rectangles: for each report, the cells (R, 4) in pixels of its image.

    A model that looks at two views plays one at a time: ``generation.of_view(0)`` with the cells and boxes of the first.

    Raises:
        ValueError: if there are not as many cells as regions that are attended, or the model does not attend at all.

    Returns:
        A row a naming: ``study``, ``finding``, and for each pair of ``GAMES`` and ``PLAYERS`` a column such as
        ``("meets", "model")``. ``meets`` and ``centre`` are those of :func:`pointing_game`, ``mass`` is the attention inside the
        boxes. ``chance`` is a random cell (even attention); ``average map`` always looks where all words look on average;
        ``same finding, other patients`` where this finding is named in other reports (NaN if it is in none).
    """
    named = [naming for naming in named if naming.boxes]
    attention, average = naming_attention(generation, named), average_map(generation)
    if named and not generation.attention.any():
        raise ValueError("this model has no attention, so it points at nothing: there is no game to play")
    rows = []
    for naming, weights in zip(named, attention, strict=True):
        cells = rectangles[naming.study]
        if len(cells) != len(weights):
            raise ValueError(
                f"{len(cells)} cells, but attention over {len(weights)} regions: of a model that looks at two views, take one, "
                "generation.of_view(0)"
            )
        wins = np.array(  # (R, 2): the game for a peak in each cell
            [np.any([pointing_game(cell, cells, box) for box in naming.boxes], axis=0) for cell in np.eye(len(cells))]
        )
        inside = np.column_stack([wins, covered(cells, naming.boxes)])  # (R, 3), one column a game
        others = [o.finding == naming.finding and o.study != naming.study for o in named]
        usual = attention[others].mean(axis=0) if any(others) else np.full(len(cells), np.nan)
        even = inside.mean(axis=0)
        scores = np.stack([_score(weights, inside), even, _score(average, inside), _score(usual, inside)])  # (4, 3)
        rows.append([naming.study, naming.finding, *scores.T.ravel()])
    columns = pd.MultiIndex.from_tuples(
        [("study", ""), ("finding", ""), *((game, player) for game in GAMES for player in PLAYERS)]
    )
    return pd.DataFrame(rows, columns=columns)


def _score(weights: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """One player's result in the three games, (3,)."""
    if np.isnan(weights).any():
        return np.full(3, np.nan)
    return np.array([*inside[np.argmax(weights), :2], weights @ inside[:, 2]])


def pointing_table(games: pd.DataFrame) -> pd.DataFrame:
    """The results of :func:`play`: a row for each finding, the most frequent first, and the row ``all`` over all namings.

    Returns:
        Columns ``("namings", "")``, and the mean for each pair of game and player.
    """
    values, names = games.drop(columns=[("study", ""), ("finding", "")]), games[("finding", "")]
    table = values.groupby(names).mean()
    table.insert(0, ("namings", ""), names.value_counts())
    table = table.sort_values(("namings", ""), ascending=False, kind="stable")
    table.loc["all"] = [len(games), *values.mean()]
    return table.astype({("namings", ""): int}).rename_axis("finding")


# ------------------------------------------------------------------------------------------- deletion and insertion


def ranked(weights: np.ndarray) -> np.ndarray:
    """The regions in the order of their weight, the greatest first: (M, R) -> (M, R)."""
    return np.argsort(-np.asarray(weights), axis=-1, kind="stable")


def deletion_insertion(
    score: Callable[[np.ndarray], np.ndarray], features: np.ndarray, order: np.ndarray, counts: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """How a score falls while regions are taken away, and grows while they are put in (Petsiuk et al., RISE, 2018,
    arXiv:1806.07421). What is taken away becomes zero: with whitened features the average patient's.

    Args:
        score: features (M, R, D) -> (M,), for example the log-probability of a word.
        features: (M, R, D). order: (M, R), the regions in the order in which they go or come.
        counts: S numbers of regions.

    Returns:
        The scores after deleting, and after inserting, so many regions: two arrays (S, M).
    """
    place = np.argsort(order, axis=1)  # (M, R): the place of each region in the order
    touched = [(place < count)[..., None] for count in counts]
    deleted = [score(np.where(some, 0, features)) for some in touched]
    inserted = [score(np.where(some, features, 0)) for some in touched]
    return np.array(deleted), np.array(inserted)


def area(curves: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """The mean height of each curve over the share of regions: (S, M) -> (M,). ``counts`` goes from 0 to R."""
    steps = np.diff(counts) / counts[-1]
    return ((curves[1:] + curves[:-1]) / 2 * steps[:, None]).sum(axis=0)
