"""What a model learns from, in batches of similar length.

Explained in ``notebooks/04_train_the_attention_model.ipynb``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .vocabulary import PAD


@dataclass(frozen=True)
class Examples:
    """What a model learns from: one report and one image each.

    Attributes:
        read: rows (B,) -> batch dictionary without the tokens, e.g. ``lambda rows: {"features": cache.read(rows)}``.
        rows: N row numbers for ``read``.
        tokens: N lists of ids, each ``<start>`` ... ``<end>``.
        emphasis: N lists of numbers, how much each word counts in training (one less than the tokens: ``<start>`` is never
            said); None: all the same.
        concepts: (N, C), 1 where the report asserts a finding; for models that ask for ``inputs["concepts"]``.
        said: N arrays, (words, C), 1 where the sentence of a word asserts a finding; for models that ask for ``inputs["said"]``.
        templates: (N, K), 1 where the report says what a template says; for models that ask for ``inputs["templates"]``.
    """

    read: Callable[[np.ndarray], dict]
    rows: Sequence[int]
    tokens: Sequence[Sequence[int]]
    emphasis: Sequence[Sequence[float]] | None = None
    concepts: np.ndarray | None = None
    said: Sequence[np.ndarray] | None = None
    templates: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.tokens)

    def batch(self, chosen: Sequence[int]) -> tuple[dict, np.ndarray]:
        """The inputs and targets of some examples.

        The inputs are what ``read`` gives, ``"tokens"`` (B, T), the words that are read, ``"emphasis"`` (B, T), and where
        there are concepts ``"concepts"`` (B, C) and ``"said"`` (B, T, C), where there are templates ``"templates"`` (B, K); the
        targets (B, T) are the words that are to be said.
        """
        ids = pad([self.tokens[k] for k in chosen])
        inputs = self.read(np.asarray([self.rows[k] for k in chosen]))
        if self.emphasis is None:
            emphasis = np.ones(ids[:, 1:].shape, "float32")
        else:
            emphasis = pad([self.emphasis[k] for k in chosen], "float32")
        inputs |= {"tokens": ids[:, :-1], "emphasis": emphasis}
        if self.concepts is not None:
            inputs["concepts"] = self.concepts[np.asarray(chosen)].astype("float32")
        if self.said is not None:
            inputs["said"] = pad([self.said[k] for k in chosen], "float32")
        if self.templates is not None:
            inputs["templates"] = self.templates[np.asarray(chosen)].astype("float32")
        return inputs, ids[:, 1:]


def pad(sequences: Sequence[Sequence[float]], dtype: str = "int32") -> np.ndarray:
    """Lists of ids (or of other things of one shape) -> (B, T, ...), filled up with ``<pad>`` (0) at the end."""
    ids = np.full((len(sequences), max(map(len, sequences)), *np.shape(sequences[0])[1:]), PAD, dtype)
    for row, sequence in enumerate(sequences):
        ids[row, : len(sequence)] = sequence
    return ids


def batches_by_length(
    lengths: Sequence[int], batch_size: int, rng: np.random.Generator | None = None
) -> list[np.ndarray]:
    """Index batches whose members have similar lengths, so that little padding is computed.

    With ``rng`` the order is shuffled: examples are drawn in random pools of 16 batches, sorted inside the pool, and the batches
    shuffled again. Without, they are simply sorted by length. Every example stands in exactly one batch.
    """
    lengths = np.asarray(lengths)
    order = rng.permutation(len(lengths)) if rng else np.arange(len(lengths))
    pool = 16 * batch_size if rng else max(1, len(lengths))
    order = np.concatenate(
        [np.sort(lengths[order[k : k + pool]] * 10**9 + order[k : k + pool]) for k in range(0, len(order), pool)]
    )
    order %= 10**9
    batches = [order[k : k + batch_size] for k in range(0, len(order), batch_size)]
    if rng:
        rng.shuffle(batches)
    return batches


def iterate(examples: Examples, batches: Sequence[np.ndarray]) -> Iterator[tuple[dict, np.ndarray]]:
    """The batches' inputs and targets; the next one is read in a thread while the current one is used."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(examples.batch, batches[0])
        for following in batches[1:]:
            ready, coming = coming.result(), reader.submit(examples.batch, following)
            yield ready
        yield coming.result()
