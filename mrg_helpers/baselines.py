"""What a model has to beat: simple systems that learn from training reports and write one for each study.

All have the same two functions: ``fit(train)`` takes the training :class:`Cases`, ``predict(studies)`` gives one text
for each study and never looks at the studies' own texts. ``LADDER`` holds them in the order of what they know: the
language of reports, the image, the truth. The model that is blind to the image is a rung too, but it is trained like
every other model.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from . import evaluation, reports, templates


@dataclass(frozen=True)
class Cases:
    """Studies as the baselines see them: sequences of one length, one entry a study.

    Attributes:
        texts: the reports; ``""`` where a study has none.
        features: (N, D), one pooled vector for each image, or None.
        tags: for each study the names of its findings, or None.

    Raises:
        ValueError: if they differ in length.
    """

    texts: Sequence[str]
    features: np.ndarray | None = None
    tags: Sequence[Set[str]] | None = None

    def __post_init__(self):
        for name in ("features", "tags"):
            values = getattr(self, name)
            if values is not None and len(values) != len(self.texts):
                raise ValueError(f"{len(self.texts)} texts and {len(values)} {name}: give one of each per study")

    def __len__(self) -> int:
        return len(self.texts)

    def with_text(self) -> Cases:
        """The studies that have a report, from which there is something to learn."""
        kept = [k for k, text in enumerate(self.texts) if text.strip()]
        if not kept:
            raise ValueError("no training report has any text, so there is nothing to learn from")
        return Cases(
            [self.texts[k] for k in kept],
            None if self.features is None else np.asarray(self.features)[kept],
            None if self.tags is None else [self.tags[k] for k in kept],
        )


class MostCommonReport:
    """The training report that stands there most often, for everybody."""

    def fit(self, train: Cases) -> MostCommonReport:
        self.text = evaluation.most_common_report(train.with_text().texts)
        return self

    def predict(self, studies: Cases) -> list[str]:
        return [self.text] * len(studies)


class BestTemplate:
    """A text put together for a high BLEU-4, for everybody (see :func:`mrg_helpers.templates.best_template`)."""

    def __init__(self, candidates: int = 200):
        self.candidates = candidates

    def fit(self, train: Cases) -> BestTemplate:
        self.text = templates.best_template(train.texts, self.candidates)
        return self

    def predict(self, studies: Cases) -> list[str]:
        return [self.text] * len(studies)


class RandomReport:
    """The report of a training study that is drawn by chance: real language, and true of somebody else."""

    def __init__(self, seed: int = 0):
        self.seed = seed

    def fit(self, train: Cases) -> RandomReport:
        self.texts = train.with_text().texts
        return self

    def predict(self, studies: Cases) -> list[str]:
        return random.Random(self.seed).choices(self.texts, k=len(studies))


class NearestNeighbour:
    """The report of the training study whose image looks most alike: the cosine between pooled features.

    Each channel is brought to mean 0 and standard deviation 1 with the training studies' numbers. Of equally near ones
    the first counts.
    """

    def fit(self, train: Cases) -> NearestNeighbour:
        train = train.with_text()
        features = _features(train)
        self.texts = train.texts
        self.mean, self.deviation = features.mean(0), features.std(0)
        self.deviation[self.deviation == 0] = 1  # a channel that never changes says nothing
        self.directions = self._direction(features)
        return self

    def predict(self, studies: Cases) -> list[str]:
        return [self.texts[k] for k in self.nearest(studies)[0]]

    def nearest(self, studies: Cases) -> tuple[np.ndarray, np.ndarray]:
        """Which training study (counted among those that have a report) is nearest to each study, and the cosine: (N,), (N,)."""
        likeness = self._direction(_features(studies)) @ self.directions.T  # (N, training studies)
        nearest = likeness.argmax(1)
        return nearest, likeness[np.arange(len(likeness)), nearest]

    def _direction(self, features: np.ndarray) -> np.ndarray:
        standard = (features - self.mean) / self.deviation
        return standard / np.maximum(np.linalg.norm(standard, axis=1, keepdims=True), 1e-12)


def _features(cases: Cases) -> np.ndarray:
    if cases.features is None:
        raise ValueError(
            "the nearest neighbour needs features: give Cases(texts, features) with one vector for each study"
        )
    features = np.asarray(cases.features, float)
    if features.ndim != 2 or not np.isfinite(features).all():
        raise ValueError(
            f"features of shape {features.shape}: they must be (N, D), pooled over the regions, and finite"
        )
    return features


class SameTags:
    """How well can retrieval do at best? It is told the true findings, which no system knows: the report of a training study
    with the same findings, otherwise with the largest overlap (Jaccard: common findings over all findings of the two).

    Among equally good studies the report that stands there most often is taken, then the first in the alphabet.
    """

    def fit(self, train: Cases) -> SameTags:
        train = train.with_text()
        groups: dict[frozenset[str], list[str]] = defaultdict(list)
        for text, tags in zip(train.texts, _tags(train), strict=True):
            groups[tags].append(text)
        self.groups = dict(groups)
        return self

    def predict(self, studies: Cases) -> list[str]:
        tags = _tags(studies)
        report = {wanted: self._report(wanted) for wanted in set(tags)}
        return [report[wanted] for wanted in tags]

    def _report(self, wanted: frozenset[str]) -> str:
        overlap = {tags: len(wanted & tags) / len(wanted | tags) if wanted | tags else 1.0 for tags in self.groups}
        best = max(overlap.values())
        return evaluation.most_common_report(
            [text for tags, texts in self.groups.items() if overlap[tags] == best for text in texts]
        )


def _tags(cases: Cases) -> list[frozenset[str]]:
    if cases.tags is None:
        raise ValueError(
            "the report with the same tags needs them: give Cases(texts, tags=...) with one set for each study"
        )
    return [frozenset(tags) for tags in cases.tags]


class NGramModel:
    """The language of reports without any image: each word is chosen by the ``order - 1`` words before it.

    The chances of several orders are interpolated as Witten and Bell (1991) have it: where a history was followed by many
    different words, more weight goes to the shorter history.

    Args:
        order: 3 for trigrams.
        sample: draw each word by its chance, so that every study gets another text; False takes the likeliest word, so
            that all get the same.
        seed: of the drawing.
        max_words: a text that has not ended by then is cut after its last full sentence.
    """

    END = "</s>"

    def __init__(self, order: int = 4, sample: bool = True, seed: int = 0, max_words: int = 120):
        if order < 1 or max_words < 1:
            raise ValueError(f"order {order} and max_words {max_words}: both must be at least 1")
        self.order, self.sample, self.seed, self.max_words = order, sample, seed, max_words

    def fit(self, train: Cases) -> NGramModel:
        self.counts: dict[tuple[str, ...], Counter[str]] = defaultdict(
            Counter
        )  # history -> what followed it, how often
        for text in train.with_text().texts:
            words = ["<s>"] * (self.order - 1) + reports.tokenize(text) + [self.END]
            for k in range(self.order - 1, len(words)):
                for n in range(self.order):
                    self.counts[tuple(words[k - n : k])][words[k]] += 1
        return self

    def predict(self, studies: Cases) -> list[str]:
        if not self.sample:
            return [self._write(None)] * len(studies)
        rng = random.Random(self.seed)
        return [self._write(rng) for _ in range(len(studies))]

    def probabilities(self, history: Sequence[str]) -> dict[str, float]:
        """The chance of each word after ``history``, of which the last ``order - 1`` words count; they add up to 1."""
        chances: dict[str, float] = {}
        for n in range(self.order):
            followed = self.counts.get(tuple(history[len(history) - n :])) if n <= len(history) else None
            if not followed:  # a history that never was: what the shorter one says stands
                break
            total = followed.total() + (len(followed) if n else 0)  # below the shortest history there is nothing
            chances = {word: chance * len(followed) / total for word, chance in chances.items()}
            for word, count in followed.items():
                chances[word] = chances.get(word, 0.0) + count / total
        return chances

    def draw(self, history: Sequence[str], rng: random.Random) -> str:
        """A word drawn by its chance. It asks the longest history first, which answers as often as it has weight: the same
        chances as :meth:`probabilities`, without adding them up for the whole vocabulary."""
        for n in reversed(range(min(self.order, len(history) + 1))):
            followed = self.counts.get(tuple(history[len(history) - n :]))
            if followed and (n == 0 or rng.random() < followed.total() / (followed.total() + len(followed))):
                return rng.choices(list(followed), list(followed.values()))[0]
        raise ValueError("the model is empty: fit it on training reports first")

    def _write(self, rng: random.Random | None) -> str:
        words = ["<s>"] * (self.order - 1)
        while len(words) < self.max_words + self.order - 1:
            if rng:
                word = self.draw(words, rng)
            else:
                chances = self.probabilities(words)
                word = min(chances, key=lambda word: (-chances[word], word))
            if word == self.END:
                break
            words.append(word)
        return _whole_sentences(words[self.order - 1 :])


def _whole_sentences(words: list[str]) -> str:
    """The text up to its last full stop; a text without one gets it."""
    stops = [k for k, word in enumerate(words) if word in (".", "?", "!")]
    return reports.detokenize(words[: stops[-1] + 1] if stops else [*words, "."])


LADDER = {
    "random report": RandomReport,
    "most common report": MostCommonReport,
    "best template": BestTemplate,
    "n-gram model": NGramModel,
    "nearest neighbour": NearestNeighbour,
    "same tags": SameTags,
}
