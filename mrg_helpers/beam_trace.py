"""Beam search for one study with everything written down: what was considered at each word, what was kept, what came of it.

:func:`mrg_helpers.decoding.generate` searches whole batches in one compiled loop and returns the winner. The same search,
one word at a time, leaves a tree behind. Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from .decoding import Decoding
from .models.base import ReportModel
from .reports import detokenize
from .searches import IMPOSSIBLE, continuations
from .vocabulary import END, SPECIAL, START


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
    studies, beams, limit = len(inputs["features"]), settings.beams, settings.max_length
    if studies != 1:
        raise ValueError(f"a tree is drawn of one study, not of {studies}: give features of shape (1, R, D)")
    memory, cell = _begin(model, inputs, tf.constant(beams))
    penalty = tf.constant(
        settings.length_penalty, tf.float32
    )  # as a tensor: another penalty is no reason to compile anew
    tree = [Node(-1, 0, SPECIAL[START], 0.0, 0.0, 0.0, True, False)]
    history = [(0,)]
    standing = [0] * beams  # the node that each beam stands on
    tokens = np.zeros((beams, limit), "int32")
    scores = np.array([0] + [IMPOSSIBLE] * (beams - 1), "float32")  # all beams start alike: only one may count
    lengths, finished = np.zeros(beams, "float32"), np.zeros(beams, bool)
    for t in range(limit):
        so_far = [tf.constant(part) for part in (scores, lengths, finished, tokens, t)]
        found = _grow(model, memory, cell, *so_far, settings.block_ngrams, penalty, alternatives)
        cell, (steps, new_lengths, ranks, best, considered) = found[0], (part.numpy() for part in found[1:])
        size = ranks.shape[1]
        chosen = list(zip(best // size, best % size, strict=True))  # pairs of a beam and a word, the best first

        place = {}  # (beam, word) -> its node
        pairs = dict.fromkeys([*chosen, *((k, word) for k in range(beams) for word in considered[k])])
        for k, word in pairs:
            total = scores[k] + steps[k, word]
            if finished[k]:
                place[k, word] = standing[k]
            elif total > IMPOSSIBLE / 2:  # else the beam is none yet, or the word is blocked
                place[k, word] = len(tree)
                numbers = (float(value) for value in (steps[k, word], total, ranks[k, word]))
                tree.append(Node(standing[k], t + 1, model.words[word], *numbers, (k, word) in chosen, word == END))
        standing = [place.get(pair, 0) for pair in chosen]
        history.append(tuple(node for node in standing if node))

        follow, words = best // size, best % size
        scores, lengths = scores[follow] + steps[follow, words], new_lengths[follow]
        tokens, finished = tokens[follow], finished[follow] | (words == END)
        tokens[:, t] = words
        if finished.all():
            break
    return Trace(tuple(tree), tuple(history), settings)


@tf.function(reduce_retracing=True)
def _begin(model: ReportModel, inputs: dict, beams):
    """Memory and cell of the state before the first word, once for each of the K beams: tensors (K, ...)."""
    state = tf.nest.map_structure(lambda tensor: tf.repeat(tensor, beams, axis=0), model.start(inputs))
    return state["memory"], state["cell"]


@tf.function(reduce_retracing=True)
def _grow(
    model, memory, cell, scores, lengths, finished, tokens, t, block_ngrams: int, length_penalty, alternatives: int
):
    """One word more for K beginnings, compiled: a search takes dozens of them, and each would be dozens of small calls.

    Returns:
        the cell of the K best beginnings; steps (K, V), lengths (K,) and ranks (K, V) of ``searches.continuations``; the places
        (K,) of the best in the flattened ranks; the best words (K, alternatives) behind each beginning.
    """
    beams, size = tf.shape(tokens)[0], len(model.words)
    last = tf.where(t > 0, tf.gather(tokens, tf.maximum(t - 1, 0), axis=1), START)
    logits, new, _ = model.step(last, {"memory": memory, "cell": cell})
    so_far = (part[None] for part in (logits, scores, lengths, finished, tokens))
    steps, lengths, ranks = (part[0] for part in continuations(*so_far, t, block_ngrams, length_penalty))
    best = tf.math.top_k(tf.reshape(ranks, [-1]), beams).indices
    considered = tf.math.top_k(ranks, tf.minimum(size, tf.maximum(beams, alternatives))).indices
    cell = tf.nest.map_structure(lambda tensor: tf.gather(tensor, best // size), new["cell"])
    return cell, steps, lengths, ranks, best, considered
