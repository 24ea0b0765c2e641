"""How a trained model writes: greedy, sampling and beam search for every model, a batch at a time, in one compiled loop.

Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from . import paths
from .models.base import ReportModel
from .vocabulary import END, PAD, START, UNK

IMPOSSIBLE = -1e9  # a log-probability; finite, so that sums of two stay numbers


@dataclass(frozen=True)
class Generation:
    """What a model wrote for N studies, with what it looked at.

    Attributes:
        tokens: (N, T) int32, the words; behind the last one ``<end>``, then padding.
        log_probs: (N, T) float32, of each token under the model (natural logarithm), 0 at padding.
        attention: (N, T, R) float32, the weight of each region when the token was chosen, 0 at padding.
        lengths: (N,) int32, number of words, ``<end>`` not counted.
        grid: (H, W), H * W = R.
    """

    tokens: np.ndarray
    log_probs: np.ndarray
    attention: np.ndarray
    lengths: np.ndarray
    grid: tuple[int, int]

    def __len__(self) -> int:
        return len(self.tokens)

    def words(self, study: int) -> np.ndarray:
        """The ids of one report's words, without ``<end>`` and padding: (lengths[study],)."""
        return self.tokens[study, : self.lengths[study]]

    def texts(self, vocabulary) -> list[str]:
        """The reports as text, read with :class:`mrg_helpers.vocabulary.Vocabulary`."""
        return [vocabulary.decode(self.words(study)) for study in range(len(self))]

    def save(self, path: str | Path) -> None:
        """Write everything as one compressed ``.npz`` file."""
        with paths.replacing(Path(path).with_suffix(".npz")) as temporary:
            np.savez_compressed(temporary, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> Generation:
        """Read what :meth:`save` wrote."""
        with np.load(path) as stored:
            values = {name: stored[name] for name in stored.files}
        return cls(**values | {"grid": tuple(int(side) for side in values["grid"])})


@dataclass(frozen=True)
class Decoding:
    """How to choose words.

    Attributes:
        method: ``"greedy"``, ``"sample"`` or ``"beam"``.
        max_length: the most tokens of a report, ``<end>`` counted.
        beams: K, for ``"beam"``.
        length_penalty: exponent alpha of ((5 + length) / 6) ** alpha, by which a beam's log-probability is divided (Wu et al.,
            arXiv:1609.08144); 0 compares plain sums, which favours short reports.
        block_ngrams: n > 0 forbids that a report says the same n words twice.
        temperature, top_k, top_p: for ``"sample"``: flatten or sharpen the distribution; keep the k best words; keep the smallest
            set of words with that much probability (Holtzman et al., arXiv:1904.09751).
        seed: for ``"sample"``.
    """

    method: str = "greedy"
    max_length: int = 80
    beams: int = 3
    length_penalty: float = 0.7
    block_ngrams: int = 0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self):
        if self.method not in ("greedy", "sample", "beam"):
            raise ValueError(f'method is {self.method!r}; it can be "greedy", "sample" or "beam"')
        if self.max_length < 1 or self.beams < 1 or self.temperature <= 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"max_length and beams must be at least 1, temperature above 0, top_p in (0, 1]: {self}")


def generate(
    model: ReportModel,
    read: Callable[[np.ndarray], dict],
    rows: Sequence[int],
    settings: Decoding | None = None,
    batch_size: int = 64,
    progress: bool = False,
) -> Generation:
    """Let a model write a report for each row, free-running: it reads its own words, never the true ones.

    Args:
        model: any :class:`mrg_helpers.models.base.ReportModel`.
        read: rows (B,) -> batch dictionary with ``"features"`` (B, R, D) and whatever else the model needs.
        rows: N row numbers.
        settings: how to choose words; greedy by default.
        batch_size: studies a batch (for beam search: beams a batch).

    Returns:
        A :class:`Generation` in the order of ``rows``; T is the length of the longest report.

    ``<pad>``, ``<start>`` and ``<unk>`` are never written.
    """
    settings = settings or Decoding()
    rows = np.asarray(rows)
    size = max(1, batch_size // settings.beams) if settings.method == "beam" else batch_size
    loop = _beam_search if settings.method == "beam" else _word_by_word
    unseeded = _unseeded(settings)  # the loops are compiled once for each way of choosing, not once for each seed
    parts = []
    for start in tqdm(range(0, len(rows), size), desc="decoding", unit="batch", disable=not progress, mininterval=1):
        inputs = {name: tf.convert_to_tensor(value) for name, value in read(rows[start : start + size]).items()}
        parts.append([part.numpy() for part in loop(model, inputs, unseeded, tf.constant([settings.seed, start]))])
    return _join(parts, model)


@functools.cache
def _unseeded(settings: Decoding) -> Decoding:
    """Always the same object for equal settings: TensorFlow compiles anew for another object, even for an equal one."""
    return replace(settings, seed=0)


def _join(parts: list[list[np.ndarray]], model: ReportModel) -> Generation:
    """Batches of different T -> one Generation."""
    longest = max((part[0].shape[1] for part in parts), default=0)
    tokens, log_probs, attention = (
        np.concatenate(
            [
                np.pad(part[k], [(0, 0), (0, longest - part[k].shape[1])] + [(0, 0)] * (part[k].ndim - 2))
                for part in parts
            ]
        )
        if parts
        else np.zeros(shape, dtype)
        for k, (shape, dtype) in enumerate([((0, 0), "int32"), ((0, 0), "float32"), ((0, 0, model.regions), "float32")])
    )
    lengths = ((tokens != PAD) & (tokens != END)).sum(axis=1).astype("int32")
    return Generation(tokens, log_probs, attention, lengths, model.grid)


def _forbidden(vocabulary_size: int):
    """(V,) float32: what a report never contains gets IMPOSSIBLE, every other word 0."""
    return tf.reduce_sum(tf.one_hot([PAD, START, UNK], vocabulary_size), axis=0) * IMPOSSIBLE


def repeated_ngrams(history, length, n: int, vocabulary_size: int):
    """Which words would complete an n-gram that was already said.

    Args:
        history: (B, T) int32, of which the first ``length`` are words. n: at least 1.

    Returns:
        (B, V) bool.
    """
    windows = history.shape[1] - n + 1
    starts = tf.range(windows)
    same = tf.ones_like(
        history[:, :windows], tf.bool
    )  # does the window that starts here begin with the last n - 1 words?
    for k in range(n - 1):
        last = tf.gather(history, tf.maximum(length - n + 1 + k, 0), axis=1)  # (B,)
        same &= history[:, k : windows + k] == last[:, None]
    same &= (starts <= length - n)[None]
    hits = (
        tf.one_hot(history[:, n - 1 :], vocabulary_size, on_value=True, off_value=False, dtype=tf.bool)
        & same[..., None]
    )
    return tf.reduce_any(hits, axis=1)


def _keep_likely(logits, settings: Decoding):
    """Temperature, top-k and top-p: (B, V) logits -> logits with the unlikely words made impossible."""
    logits = logits / settings.temperature
    if settings.top_k:
        least = tf.math.top_k(logits, min(settings.top_k, logits.shape[-1])).values[:, -1:]
        logits = tf.where(logits < least, IMPOSSIBLE, logits)
    if settings.top_p < 1:
        ordered = tf.sort(logits, direction="DESCENDING")
        probabilities = tf.nn.softmax(ordered)
        before = tf.cumsum(probabilities, axis=-1, exclusive=True)  # the first word is always kept
        least = tf.reduce_min(tf.where(before < settings.top_p, ordered, math.inf), axis=-1, keepdims=True)
        logits = tf.where(logits < least, IMPOSSIBLE, logits)
    return logits


@tf.function(reduce_retracing=True)
def _word_by_word(model: ReportModel, inputs: dict, settings: Decoding, seed):
    """Greedy decoding and sampling: tokens (B, T), log_probs (B, T), attention (B, T, R)."""
    state = model.start(inputs)
    batch, vocabulary_size, limit = tf.shape(inputs["features"])[0], len(model.words), settings.max_length
    forbidden = _forbidden(vocabulary_size)
    grow = {"size": 0, "dynamic_size": True}
    written = (tf.TensorArray(tf.int32, **grow), tf.TensorArray(tf.float32, **grow), tf.TensorArray(tf.float32, **grow))

    def going(t, last, finished, history, cell, written):
        return (t < limit) & ~tf.reduce_all(finished)

    def write(t, last, finished, history, cell, written):
        logits, new, attention = model.step(last, {"memory": state["memory"], "cell": cell})
        logits += forbidden
        log_probs = tf.nn.log_softmax(logits)
        if settings.block_ngrams:
            logits += tf.where(repeated_ngrams(history, t, settings.block_ngrams, vocabulary_size), IMPOSSIBLE, 0.0)
        if settings.method == "sample":
            drawn = tf.random.stateless_categorical(
                _keep_likely(logits, settings), 1, seed=seed + [0, t], dtype=tf.int32
            )[:, 0]
        else:
            drawn = tf.argmax(logits, axis=-1, output_type=tf.int32)
        token = tf.where(finished, PAD, drawn)
        said = tf.where(finished, 0.0, tf.gather(log_probs, drawn, batch_dims=1))
        looked = tf.where(finished[:, None], 0.0, attention)
        written = tuple(array.write(t, value) for array, value in zip(written, (token, said, looked), strict=True))
        history = tf.where(tf.range(limit)[None] == t, token[:, None], history)
        return t + 1, token, finished | (token == END), history, new["cell"], written

    first = (
        tf.constant(0),
        tf.fill([batch], START),
        tf.zeros([batch], tf.bool),
        tf.zeros([batch, limit], tf.int32),
        state["cell"],
        written,
    )
    written = tf.while_loop(going, write, first)[-1]
    tokens, log_probs, attention = (array.stack() for array in written)
    return tf.transpose(tokens), tf.transpose(log_probs), tf.transpose(attention, [1, 0, 2])


def continuations(logits, scores, lengths, finished, tokens, t, settings: Decoding):
    """What beam search compares: each of K beginnings of a report, continued with each word.

    Args:
        logits: (B, K, V), what the model says about the next word.
        scores, lengths: (B, K) float32, the log-probability and the number of the tokens so far.
        finished: (B, K) bool, whether ``<end>`` was said.
        tokens: (B, K, T) int32, of which the first ``t`` were said.

    Returns:
        steps (B, K, V), the log-probability of each word, ``IMPOSSIBLE`` where it must not come; lengths (B, K) with that word;
        ranks (B, K, V), the log-probability of the whole, divided by the length penalty.
    """
    vocabulary_size = logits.shape[-1]
    steps = tf.nn.log_softmax(logits + _forbidden(vocabulary_size))
    if settings.block_ngrams:
        said = tf.reshape(tokens, [-1, tokens.shape[-1]])  # (B * K, T)
        again = repeated_ngrams(said, t, settings.block_ngrams, vocabulary_size)
        steps += tf.where(tf.reshape(again, tf.shape(steps)), IMPOSSIBLE, 0.0)
    only_pad = tf.one_hot(PAD, vocabulary_size, on_value=0.0, off_value=IMPOSSIBLE)
    steps = tf.where(finished[..., None], only_pad, steps)  # a finished beam goes on as itself, at no cost
    lengths = lengths + tf.cast(~finished, tf.float32)
    penalty = ((5 + lengths) / 6) ** settings.length_penalty
    return steps, lengths, (scores[..., None] + steps) / penalty[..., None]


@tf.function(reduce_retracing=True)
def _beam_search(model: ReportModel, inputs: dict, settings: Decoding, seed):
    """The K best beginnings are carried along together; the same returns as :func:`_word_by_word`, for the best beam."""
    beams, limit, vocabulary_size = settings.beams, settings.max_length, len(model.words)
    batch = tf.shape(inputs["features"])[0]
    state = tf.nest.map_structure(lambda tensor: tf.repeat(tensor, beams, axis=0), model.start(inputs))  # (B * K, ...)
    here = tf.range(limit)[None, None]

    def going(t, scores, lengths, finished, tokens, log_probs, attention, cell):
        return (t < limit) & ~tf.reduce_all(finished)

    def extend(t, scores, lengths, finished, tokens, log_probs, attention, cell):
        last = tf.where(t > 0, tf.gather(tokens, tf.maximum(t - 1, 0), axis=2), START)  # (B, K)
        logits, new, looked = model.step(tf.reshape(last, [-1]), {"memory": state["memory"], "cell": cell})
        logits = tf.reshape(logits, [batch, beams, vocabulary_size])
        steps, new_lengths, ranks = continuations(logits, scores, lengths, finished, tokens, t, settings)
        best = tf.math.top_k(tf.reshape(ranks, [batch, beams * vocabulary_size]), beams).indices  # (B, K)
        parent, token = best // vocabulary_size, best % vocabulary_size

        def follow(tensor):
            return tf.gather(tensor, parent, batch_dims=1)

        def follow_flat(tensor):
            apart = tf.reshape(tensor, tf.concat([[batch, beams], tf.shape(tensor)[1:]], axis=0))
            return tf.reshape(follow(apart), tf.shape(tensor))

        step = tf.gather(follow(steps), token, batch_dims=2)
        was_finished = follow(finished)
        looked = tf.where(was_finished[..., None], 0.0, follow(tf.reshape(looked, [batch, beams, model.regions])))
        return (
            t + 1,
            follow(scores) + step,
            follow(new_lengths),
            was_finished | (token == END),
            tf.where(here == t, token[..., None], follow(tokens)),
            tf.where(here == t, step[..., None], follow(log_probs)),
            tf.where(here[..., None] == t, looked[:, :, None], follow(attention)),
            tf.nest.map_structure(follow_flat, new["cell"]),
        )

    first = (
        tf.constant(0),
        tf.tile([[0.0] + [IMPOSSIBLE] * (beams - 1)], [batch, 1]),  # all beams start alike: only one may count
        tf.zeros([batch, beams]),
        tf.zeros([batch, beams], tf.bool),
        tf.zeros([batch, beams, limit], tf.int32),
        tf.zeros([batch, beams, limit]),
        tf.zeros([batch, beams, limit, model.regions]),
        state["cell"],
    )
    t, _, _, _, tokens, log_probs, attention, _ = tf.while_loop(going, extend, first)
    return tokens[:, 0, :t], log_probs[:, 0, :t], attention[:, 0, :t]
