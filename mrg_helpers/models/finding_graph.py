"""The graph of :mod:`mrg_helpers.models.retrieve_paraphrase`: findings that read each other, and templates that read them."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from .parts import smooth_maximum


class FindingGraph(keras.layers.Layer):
    """C nodes, each a finding with its evidence in the image, that read each other (graph attention)."""

    def __init__(self, count: int, units: int, layers: int):
        super().__init__(name="graph")
        dense, spread = keras.layers.Dense, keras.initializers.RandomNormal(stddev=0.5)
        self.own = self.add_weight(shape=(count, units), initializer=spread, name="own")
        self.adjacency = self.add_weight(shape=(count, count), initializer="zeros", name="adjacency")
        self.evidence, self.strength = dense(units, name="evidence"), dense(units, use_bias=False, name="strength")
        self.rounds = [
            [dense(units, use_bias=False, name=f"{name}_{k}") for name in ("query", "key", "value")]
            + [keras.layers.LayerNormalization(name=f"norm_{k}")]
            for k in range(layers)
        ]
        self.judge = dense(1, name="judge")

    def infer(self, annotations, shown):
        """Annotations (B, R, U) and what each shows, logits (B, R, C) -> nodes (B, C, U), where the evidence of each lies
        (B, C, R), and what is found, logits (B, C): what the regions say, corrected by what the other nodes do."""
        where, seen = ops.transpose(ops.softmax(shown, axis=1), (0, 2, 1)), smooth_maximum(shown)
        nodes = self.evidence(ops.einsum("bcr,bru->bcu", where, annotations)) + self.own
        nodes = ops.relu(nodes + self.strength(ops.tanh(seen)[..., None]))
        for query, key, value, norm in self.rounds:
            scores = ops.einsum("bcu,bdu->bcd", query(nodes), key(nodes)) * nodes.shape[-1] ** -0.5
            edges = ops.softmax(scores + self.adjacency, axis=-1)
            nodes = norm(nodes + ops.relu(ops.einsum("bcd,bdu->bcu", edges, value(nodes))))
        return nodes, where, seen + self.judge(nodes)[..., 0]


class TemplateChoice(keras.layers.Layer):
    """K templates, each of which reads the nodes of the graph."""

    def __init__(self, count: int, units: int):
        super().__init__(name="choose")
        spread = keras.initializers.RandomNormal(stddev=units**-0.5)
        self.query = self.add_weight(shape=(count, units), initializer=spread, name="query")
        self.weight = self.add_weight(shape=(count, units), initializer=spread, name="weight")
        self.of_found = keras.layers.Dense(count, name="of_found")

    def judge(self, nodes, found):
        """Nodes (B, C, U) and what is found (B, C) -> logits (B, K), and for which nodes' sake (B, K, C)."""
        why = ops.softmax(ops.einsum("ku,bcu->bkc", self.query, nodes), axis=-1)
        read = ops.einsum("bkc,bcu->bku", why, nodes)
        return ops.einsum("bku,ku->bk", read, self.weight) + self.of_found(found), why


def together(concepts: np.ndarray) -> np.ndarray:
    """Which findings the reports name together: (N, C) -> (C, C), the pointwise mutual information of each pair.

    Every pair counts once more than it is named, as by chance it would be, so that a rare one is near 0. With itself each has 0.
    """
    counts, share = concepts.T @ concepts, concepts.mean(axis=0)
    chance = np.maximum(np.outer(share, share), 1e-9)
    information = np.log((counts + 1) / (len(concepts) * chance + 1))
    return np.where(np.eye(len(share), dtype=bool), 0, information).astype("float32")
