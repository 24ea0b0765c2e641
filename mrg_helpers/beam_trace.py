"""Beam search for one study with everything written down: what was considered at each word, what was kept, what came of it.

:func:`mrg_helpers.decoding.generate` searches whole batches in one compiled loop and returns the winner. The same loop for one
study, which also notes what it looks at, leaves a tree behind. Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import tensorflow as tf

from .decoding import Decoding
from .models.base import ReportModel
from .reports import detokenize
from .searches import IMPOSSIBLE, continuations
from .vocabulary import END, PAD, SPECIAL, START


class Node(NamedTuple):
    """A beginning of a report: that of its parent and one word more.

    Attributes:
        parent: its place in ``Trace.nodes``; -1 for the start.
        step: which word it ends with, from 1; 0 for the start.
        word: that word.
        log_prob: of the word behind its parent (natural logarithm).
        total: of the whole beginning.
        score: ``total`` divided by the length penalty, by which beginnings are compared.
        kept: whether it was among the K best after this word.
        finished: whether the word is ``<end>``.
    """

    parent: int
    step: int
    word: str
    log_prob: float
    total: float
    score: float
    kept: bool
    finished: bool


@dataclass(frozen=True)
class Trace:
    """A beam search as it went.

    Attributes:
        nodes: all beginnings that were kept, and the best of those that were dropped; the start is the first.
        beams: for each number of words, 0 to T, the places in ``nodes`` of the K best beginnings, the best first. A finished
            report keeps its place among them until better ones push it out.
        settings: how it was searched.
    """

    nodes: tuple[Node, ...]
    beams: tuple[tuple[int, ...], ...]
    settings: Decoding

    def path(self, node: int) -> list[int]:
        """The nodes from the first word to this one."""
        places = []
        while node > 0:
            places.append(node)
            node = self.nodes[node].parent
        return places[::-1]

    def text(self, node: int) -> str:
        """A beginning as it reads in a report."""
        words = (self.nodes[place].word for place in self.path(node))
        return detokenize([word for word in words if word not in SPECIAL])


def trace(model: ReportModel, inputs: dict, settings: Decoding, alternatives: int = 4) -> Trace:
    """Search the report of one study with a beam, and keep the tree.

    Args:
        model: any :class:`mrg_helpers.models.base.ReportModel`.
        inputs: the batch dictionary of one study: ``"features"`` (1, R, D) and whatever else the model needs.
        settings: with the method ``"beam"``.
        alternatives: how many ways to go on are written down for each beginning; K at least.

    Returns:
        A :class:`Trace`. The first of its last beams is the report that ``decoding.generate`` gives with the same settings.

    Raises:
        ValueError: if the settings are not those of a beam, or the batch is not of one study.
    """
    if settings.method != "beam":
        raise ValueError(f'only a beam leaves a tree: the method is {settings.method!r}, it has to be "beam"')
    studies = len(inputs["features"])
    if studies != 1:
        raise ValueError(f"a tree is drawn of one study, not of {studies}: give features of shape (1, R, D)")
    # As tensors: another setting is no reason to compile anew.
    how = (
        tf.constant([settings.beams, settings.block_ngrams, alternatives]),
        tf.constant(float(settings.length_penalty)),
    )
    inputs = {name: tf.convert_to_tensor(value) for name, value in inputs.items()}
    written = [part.numpy() for part in _search(model, inputs, *how, settings.max_length)]

    tree = [Node(-1, 0, SPECIAL[START], 0.0, 0.0, 0.0, True, False)]
    history = [(0,)]
    standing = [0]  # the node that each beam stands on; before the first word there is only one beam
    for step, (best, words, *numbers) in enumerate(zip(*written, strict=True), 1):
        chosen = [tuple(pair) for pair in best.tolist()]  # a beam and its next word, the best first
        place = {}  # (beam, word) -> its node
        for k, node in enumerate(standing):
            if tree[node].finished:
                place[k, PAD] = node
                continue
            for word, log_prob, total, score in zip(*(part[k].tolist() for part in (words, *numbers)), strict=True):
                if total > IMPOSSIBLE / 2:  # else the word must not come
                    place[k, word] = len(tree)
                    kept, ends = (k, word) in chosen, word == END
                    tree.append(Node(node, step, model.words[word], log_prob, total, score, kept, ends))
        standing = [place[pair] for pair in chosen if pair in place]
        history.append(tuple(standing))
    return Trace(tuple(tree), tuple(history), settings)


@tf.function(reduce_retracing=True)
def _search(model: ReportModel, inputs: dict, sizes, length_penalty, limit: int):
    """The search in one compiled loop, with what it considered at each word.

    Args:
        sizes: (3,) int32: K, the n of the n-grams that are blocked, and how many ways to go on are written down.

    Returns:
        For each of T words: the beams that were gone on with and their next words (T, K, 2), the best first; and of the likeliest
        words (T, K, A) behind each beam their log-probability, that of the whole beginning, and its score, (T, K, A) each.
    """
    beams, block_ngrams, alternatives = tf.unstack(sizes)
    size = len(model.words)
    considered = tf.minimum(size, tf.maximum(beams, alternatives))
    state = tf.nest.map_structure(lambda tensor: tf.repeat(tensor, beams, axis=0), model.start(inputs))  # (K, ...)
    written = tuple(
        tf.TensorArray(kind, size=0, dynamic_size=True)
        for kind in (tf.int32, tf.int32, tf.float32, tf.float32, tf.float32)
    )

    def going(t, scores, lengths, finished, tokens, cell, written):
        return (t < limit) & ~tf.reduce_all(finished)

    def extend(t, scores, lengths, finished, tokens, cell, written):
        last = tf.where(t > 0, tf.gather(tokens, tf.maximum(t - 1, 0), axis=1), START)
        logits, new, _ = model.step(last, {"memory": state["memory"], "cell": cell})
        so_far = (part[None] for part in (logits, scores, lengths, finished, tokens))
        steps, lengths, ranks = (part[0] for part in continuations(*so_far, t, block_ngrams, length_penalty))
        best = tf.math.top_k(tf.reshape(ranks, [-1]), beams).indices  # (K,)
        parent, token = best // size, best % size
        likely = tf.math.top_k(ranks, considered).indices  # (K, A)
        log_probs = tf.gather(steps, likely, batch_dims=1)
        totals, scored = scores[:, None] + log_probs, tf.gather(ranks, likely, batch_dims=1)
        now = (tf.stack([parent, token], axis=1), likely, log_probs, totals, scored)
        return (
            t + 1,
            tf.gather(scores, parent) + tf.gather(tf.gather(steps, parent), token, batch_dims=1),
            tf.gather(lengths, parent),
            tf.gather(finished, parent) | (token == END),
            tf.where(tf.range(limit)[None] == t, token[:, None], tf.gather(tokens, parent)),
            tf.nest.map_structure(lambda tensor: tf.gather(tensor, parent), new["cell"]),
            tuple(array.write(t, value) for array, value in zip(written, now, strict=True)),
        )

    first = (
        tf.constant(0),
        tf.where(tf.range(beams) == 0, 0.0, IMPOSSIBLE),  # all beams start alike: only one may count
        tf.zeros([beams]),
        tf.zeros([beams], tf.bool),
        tf.zeros([beams, limit], tf.int32),
        state["cell"],
        written,
    )
    return tuple(array.stack() for array in tf.while_loop(going, extend, first)[-1])
