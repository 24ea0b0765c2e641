"""What the attention browsers show: studies checked, shrunk to the screen, and compared with their references.

The browser in a notebook (``attention_browser``) and the one without a kernel (``export``) start from the same
dictionaries, described at :func:`prepare`, and show the same. Knows arrays and words, no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .heatmaps import Box, Boxes, cell_rectangles, shrink
from .looking import entropy
from .marks import Mark, compare, per_word
from .reports import sentence_numbers

PER_REPORT = ("words", "attention", "log_probs")  # what a study must have, unless its "reports" have it


@dataclass(frozen=True)
class View:
    """An X-ray on the screen: ``name`` such as "frontal", ``image`` (H, W) uint8, ``boxes`` of true findings in it."""

    name: str
    image: np.ndarray
    boxes: tuple[tuple[str, Box], ...] = ()


@dataclass(frozen=True)
class Report:
    """One generated report of a study, ready to be walked through; T words, R cells of the view, or of both, that the model saw.

    Attributes:
        name: which model or decoding wrote it.
        words: T strings. attention: (T, R). probabilities: (T,).
        rectangles: the cells of each view in pixels of its shrunk image, one (R, 4) or two that share the R.
        entropy: (T,), of the attention, from 0 (a single cell) to 1 (all cells alike).
        beta: (T,) or None. alternatives: for each word pairs of a word and its probability, or None.
        sentences: (T,), the number of the sentence that each word stands in.
        marks: for each word the mark it lies in, or None. reference_marks: places in the reference.
    """

    name: str
    words: list[str]
    attention: np.ndarray
    probabilities: np.ndarray
    rectangles: list[np.ndarray]
    entropy: np.ndarray
    beta: np.ndarray | None
    alternatives: list[list[tuple[str, float]]] | None
    sentences: np.ndarray
    marks: list[Mark | None]
    reference_marks: list[Mark]

    def weights(self, word: int, whole_sentence: bool = False, view: int = 0) -> np.ndarray:
        """The attention on a view at a word, or its mean over the words of that word's sentence: a number for each cell."""
        words = self.sentences == self.sentences[word] if whole_sentence else [word]
        before = sum(map(len, self.rectangles[:view]))
        return self.attention[words, before : before + len(self.rectangles[view])].mean(axis=0)

    def considered(self, word: int) -> list[tuple[str, float]]:
        """The alternatives at a word, most likely first, with the written word among them; empty where unknown."""
        if self.alternatives is None:
            return []
        found = self.alternatives[word]
        if self.words[word] not in [other for other, _ in found]:
            found = [*found, (self.words[word], float(self.probabilities[word]))]
        return found


@dataclass(frozen=True)
class Shown:
    """A study on the screen. ``top`` is the strongest attention in any of its reports: they share one scale."""

    title: str
    view: View
    other: View | None
    reference: str | None
    reports: list[Report]

    @property
    def top(self) -> float:
        return max((float(report.attention.max(initial=0)) for report in self.reports), default=0.0)


def prepare(studies: Sequence[Mapping], grid: tuple[int, int], size: int) -> list[Shown]:
    """Check studies and make them ready for the screen.

    Args:
        studies: for each study a mapping with ``title``; ``image`` (H, W) uint8, the original; ``words``, T strings;
            ``attention`` (T, R); ``log_probs`` (T,), the natural logarithm of each word's probability; ``rectangles``,
            the cells in pixels of the original, row by row, or ``images.Fit.box``. It may also have

            * ``reference``: the true report, ``""`` where it is missing; without the key, nothing is compared;
            * ``beta`` (T,): how much of the context passed the gate at each word;
            * ``alternatives``: for each word, pairs of a word and its probability, most likely first
              (``likelihood.considered`` finds them);
            * ``boxes``: pairs of a true finding's name and its box in pixels of ``image``;
            * ``view``: the name of the view that the model saw, and ``other``: a mapping with ``view``, ``image`` and
              perhaps ``boxes``, another one. If the model looked at that, too, its cells are its ``rectangles``, and the
              attention is (T, 2R), first over the cells of ``image``;
            * ``name``: of the model or decoding that wrote the words, and ``reports``: further reports of this study,
              each a mapping with ``name``, ``words``, ``attention``, ``log_probs`` and perhaps ``beta``,
              ``alternatives``, or a ``grid`` and ``rectangles`` of its own.
        grid: (Hg, Wg), the true grid of the features, R = Hg * Wg.
        size: the longer side of the picture, in pixels.

    Raises:
        ValueError: if there is no study, or one whose arrays do not fit its words and the grid.
    """
    if not studies:
        raise ValueError("no studies to browse: give at least one")
    return [_shown(study, grid, size) for study in studies]


def frame(studies: Sequence[Shown]) -> tuple[int, int]:
    """The width and height of a frame that every X-ray fits in: with it, the page keeps its place from study to study."""
    shapes = [view.image.shape for shown in studies for view in (shown.view, shown.other) if view]
    return max(shape[1] for shape in shapes), max(shape[0] for shape in shapes)


def _shown(study: Mapping, grid: tuple[int, int], size: int) -> Shown:
    missing = [key for key in ("title", "image", "rectangles", *PER_REPORT) if key not in study]
    if missing:
        raise ValueError(f"study {study.get('title', '(without a title)')}: no {', '.join(missing)} to show")
    image, factor = shrink(np.asarray(study["image"]), size)
    view = View(study.get("view", ""), image, _scaled(study.get("boxes", ()), factor))
    other, cells = None, [(study["rectangles"], factor)]
    if (further := study.get("other")) is not None:
        second, its_factor = shrink(np.asarray(further["image"]), size)
        other = View(further.get("view", ""), second, _scaled(further.get("boxes", ()), its_factor))
        cells += [(further["rectangles"], its_factor)] if "rectangles" in further else []
    own = {"name": study.get("name", "model"), "grid": grid}
    versions = [{**study, **own}, *({**own, **more} for more in study.get("reports", ()))]
    names = [version["name"] for version in versions]
    if len(set(names)) < len(names):
        raise ValueError(f"study {study['title']}: its reports need different names, not {', '.join(names)}")
    reference = study.get("reference")
    return Shown(
        study["title"], view, other, reference, [_report(study["title"], one, reference, cells) for one in versions]
    )


def _scaled(boxes: Sequence[tuple[str, Box]], factor: float) -> tuple[tuple[str, Box], ...]:
    return tuple((name, tuple(float(side) * factor for side in box)) for name, box in boxes)


def _report(title: str, version: Mapping, reference: str | None, cells: Sequence[tuple[Boxes, float]]) -> Report:
    """``cells``: for each view whose cells are known these, in pixels of the original, and how much it was shrunk."""
    words, attention, grid = list(version["words"]), np.asarray(version["attention"], float), version["grid"]
    size, count = grid[0] * grid[1], len(words)
    two, known = attention.shape == (count, 2 * size), len(cells) == 2
    if two and not known and not attention[:, size:].any():  # a model of two views, and a study that has one
        attention, two = attention[:, :size], False
    fits = two and known or attention.shape == (count, size)
    if not fits or len(version["log_probs"]) != count:
        both = "; of a model of two views give `other` its rectangles, or show one view: generation.of_view(0)"
        raise ValueError(
            f"study {title}: {count} words on a grid of {grid[0]} x {grid[1]} need attention of shape ({count}, {size}) "
            f"and as many log_probs, not {attention.shape} and {len(version['log_probs'])}{both * two}"
        )
    own = [(version.get("rectangles", cells[0][0]), cells[0][1]), *cells[1:]][: 1 + two]
    for key in ("beta", "alternatives"):
        if version.get(key) is not None and len(version[key]) != count:
            raise ValueError(f"study {title}: {count} words need as many {key}, not {len(version[key])}")
    beta, alternatives = version.get("beta"), version.get("alternatives")
    of_words, of_reference = compare(" ".join(words), reference or "")
    return Report(
        name=version["name"],
        words=words,
        attention=attention,
        probabilities=np.exp(np.asarray(version["log_probs"], float)),
        rectangles=[cell_rectangles(boxes, grid) * factor for boxes, factor in own],
        entropy=entropy(attention) / (np.log(attention.shape[1]) or 1),
        beta=None if beta is None else np.asarray(beta, float),
        alternatives=None if alternatives is None else [[(w, float(p)) for w, p in at] for at in alternatives],
        sentences=np.array(sentence_numbers(words), int),
        marks=per_word(words, of_words),
        reference_marks=of_reference,
    )
