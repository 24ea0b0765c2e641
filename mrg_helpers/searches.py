"""The loops behind :func:`mrg_helpers.decoding.generate`: word by word, and with a beam; each compiled into one graph."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tensorflow as tf

from .models.base import ReportModel
from .vocabulary import END, PAD, START, UNK

if TYPE_CHECKING:
    from .decoding import Decoding

IMPOSSIBLE = -1e9  # a log-probability; finite, so that sums of two stay numbers


def never_written(vocabulary_size: int):
    """(V,) float32: what a report never contains gets IMPOSSIBLE, every other word 0."""
    return tf.reduce_sum(tf.one_hot([PAD, START, UNK], vocabulary_size), axis=0) * IMPOSSIBLE


def repeated_ngrams(history, length, n, vocabulary_size: int):
    """Which words would complete an n-gram that was already said.

    Args:
        history: (B, T) int32, of which the first ``length`` are words.
        n: an integer or a tensor; 0 forbids nothing.

    Returns:
        (B, V) bool.
    """
    places = tf.range(history.shape[1])
    same = tf.tile(((places >= n - 1) & (places < length) & (n > 0))[None], [tf.shape(history)[0], 1])

    def compare(back, same):  # do the words before this place go on like the last n - 1 words?
        last = tf.gather(history, tf.maximum(length - back, 0), axis=1)  # (B,)
        return back + 1, same & (tf.roll(history, back, axis=1) == last[:, None])

    _, same = tf.while_loop(lambda back, _: back < n, compare, (tf.constant(1), same))
    hits = tf.one_hot(history, vocabulary_size, on_value=True, off_value=False, dtype=tf.bool) & same[..., None]
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
def word_by_word(model: ReportModel, inputs: dict, settings: Decoding, seed):
    """Greedy decoding and sampling: tokens (B, T), log_probs (B, T), attention (B, T, R)."""
    state = model.start(inputs)
    batch, vocabulary_size, limit = tf.shape(inputs["features"])[0], len(model.words), settings.max_length
    forbidden = never_written(vocabulary_size)
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


def continuations(logits, scores, lengths, finished, tokens, t, block_ngrams, length_penalty):
    """What beam search compares: each of K beginnings of a report, continued with each word.

    Args:
        logits: (B, K, V), what the model says about the next word.
        scores, lengths: (B, K) float32, the log-probability and the number of the tokens so far.
        finished: (B, K) bool, whether ``<end>`` was said.
        tokens: (B, K, T) int32, of which the first ``t`` were said.
        block_ngrams, length_penalty: of :class:`mrg_helpers.decoding.Decoding`, or tensors.

    Returns:
        steps (B, K, V), the log-probability of each word, ``IMPOSSIBLE`` where it must not come; lengths (B, K) with that word;
        ranks (B, K, V), the log-probability of the whole, divided by the length penalty.
    """
    vocabulary_size = logits.shape[-1]
    steps = tf.nn.log_softmax(logits + never_written(vocabulary_size))
    if tf.is_tensor(block_ngrams) or block_ngrams:
        said = tf.reshape(tokens, [-1, tokens.shape[-1]])  # (B * K, T)
        again = repeated_ngrams(said, t, block_ngrams, vocabulary_size)
        steps += tf.where(tf.reshape(again, tf.shape(steps)), IMPOSSIBLE, 0.0)
    only_pad = tf.one_hot(PAD, vocabulary_size, on_value=0.0, off_value=IMPOSSIBLE)
    steps = tf.where(finished[..., None], only_pad, steps)  # a finished beam goes on as itself, at no cost
    lengths = lengths + tf.cast(~finished, tf.float32)
    penalty = ((5 + lengths) / 6) ** length_penalty
    return steps, lengths, (scores[..., None] + steps) / penalty[..., None]


@tf.function(reduce_retracing=True)
def beam_search(model: ReportModel, inputs: dict, settings: Decoding, seed):
    """The K best beginnings are carried along together; the same returns as :func:`word_by_word`, for the best beam."""
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
        how = settings.block_ngrams, settings.length_penalty
        steps, new_lengths, ranks = continuations(logits, scores, lengths, finished, tokens, t, *how)
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
