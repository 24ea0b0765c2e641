"""Tags and image attended together: what the classifier thinks is there is looked at beside what the image shows.

Jing, Xie and Xing, "On the Automatic Generation of Medical Imaging Reports", ACL 2018 (arXiv:1711.08195), attend at each step to
the regions of the image and to the embeddings of the tags that a classifier predicts for it ("co-attention"); VSGRU
(omar-mohamed) conditions a GRU on visual features and on the embeddings of 105 predicted tags, weighted by their probability.
In comparison with them: the tags are the findings that the training reports assert, not the manual or automatic index terms of
the collection; they are asked of each region, and a picture has a tag if one of its regions shows it (multiple-instance
learning, Fang et al., CVPR 2015, arXiv:1411.4952), where the others classify the pooled image; the image network stays as it is;
one decoder of words attends, where Jing's attends once for each sentence; the embeddings of the tags are weighted by their
probability, as in VSGRU, so that the loss of the words reaches the classifier too; and of each tag the model keeps in mind how
much it has attended to it (coverage, See et al., ACL 2017, arXiv:1704.04368).
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import ops

from .base import ReportModel
from .parts import Recomputed, additive_attention, forget, found_loss, smooth_maximum


@keras.saving.register_keras_serializable("mrg_helpers")
class TagConditioned(ReportModel):
    """Visual and semantic attention, joined.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        embedding: E, size of a word's and of a tag's vector.
        units, attention_units, cell, dropout, feature_dropout, word_dropout: see :class:`mrg_helpers.models.ShowAttendTell`.
        concepts: names of C tags; training then needs ``inputs["concepts"]`` (B, C), 1 where the report asserts the tag. They
            teach the classifier and nothing else: the decoder reads what was predicted, in training too.
        concept_weight: of the classifier's loss.
        tags: k, how many tags are attended, those with the highest probability; no more than there are.
    """

    def __init__(
        self, words, grid, channels, note="", embedding=128, units=256, attention_units=256, cell="gru", dropout=0.3,
        feature_dropout=0.0, word_dropout=0.0, concepts: Sequence[str] = (), concept_weight=1.0, tags=10, **kwargs,
    ):  # fmt: skip
        super().__init__(words, grid, channels, note, **kwargs)
        if not concepts:
            raise ValueError(
                "this model is conditioned on tags, and there are none: set concepts, or take another model"
            )
        if cell not in ("gru", "lstm"):
            raise ValueError(f'cell is {cell!r}; it can be "gru" or "lstm"')
        self.settings = {
            "embedding": embedding, "units": units, "attention_units": attention_units, "cell": cell, "dropout": dropout,
            "feature_dropout": feature_dropout, "word_dropout": word_dropout, "concepts": list(concepts),
            "concept_weight": concept_weight, "tags": tags,
        }  # fmt: skip
        dense, spread = keras.layers.Dense, keras.initializers.RandomNormal
        self.kept = min(tags, len(concepts))
        self.encoder = dense(units, name="encoder")
        self.position = keras.layers.Embedding(self.regions, units, spread(stddev=0.5), name="position")
        self.classify = dense(len(concepts), name="classify")
        self.embed_tag = keras.layers.Embedding(len(concepts), embedding, spread(stddev=0.5), name="embed_tag")
        self.key, self.query, self.score = {}, {}, {}
        for kind in ("region", "tag"):
            self.key[kind] = dense(attention_units, name=f"{kind}_key")
            self.query[kind] = dense(attention_units, use_bias=False, name=f"{kind}_query")
            shape, first = (attention_units,), spread(stddev=attention_units**-0.5)
            self.score[kind] = self.add_weight(shape=shape, initializer=first, name=f"{kind}_score")
        self.attention = Recomputed(additive_attention)
        self.covered = dense(attention_units, use_bias=False, name="covered")
        self.join = dense(units, name="join")
        self.embed = keras.layers.Embedding(len(self.words), embedding, name="embed")
        self.cell = (keras.layers.GRUCell if cell == "gru" else keras.layers.LSTMCell)(units, name="cell")
        self.start_state = [dense(units, "tanh", name=f"start_{k}") for k in range(1 if cell == "gru" else 2)]
        self.state_to_word = dense(embedding, use_bias=False, name="state_to_word")
        self.context_to_word = dense(embedding, use_bias=False, name="context_to_word")
        self.to_logits = dense(len(self.words), name="to_logits")
        self.drop = keras.layers.Dropout(dropout)
        self.drop_features = keras.layers.Dropout(feature_dropout)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.make_variables()

    def start(self, inputs, training=False):
        """Regions, predicted tags and the first state: (B, R, D) -> state."""
        regions = self.encoder(self.drop_features(inputs["features"], training=training))  # (B, R, U)
        regions = self.drop(ops.relu(regions + self.position(ops.arange(self.regions))), training=training)
        logits = smooth_maximum(self.classify(regions))  # (B, C)
        predicted = ops.sigmoid(logits)
        chances, names = ops.top_k(predicted, self.kept)  # (B, k)
        tags = self.embed_tag(names) * chances[..., None]  # (B, k, E)
        memory = {
            "predicted": logits, "regions": regions, "region_keys": self.key["region"](regions),
            "tags": tags, "tag_keys": self.key["tag"](tags),
        }  # fmt: skip
        first = [layer(predicted) for layer in self.start_state]
        return {"memory": memory, "cell": [*first, ops.zeros_like(chances)]}

    def attend(self, hidden, covered, memory):
        """State (B, U), attention that the tags have had (B, k) -> context (B, U), weights of regions (B, R), of tags (B, k)."""
        keys = memory["tag_keys"] + self.covered(covered[..., None])  # (B, k, A)
        query = {kind: layer(hidden) for kind, layer in self.query.items()}
        seen, regions = self.attention(query["region"], memory["region_keys"], memory["regions"], self.score["region"])
        meant, tags = self.attention(query["tag"], keys, memory["tags"], self.score["tag"])
        return self.join(ops.concatenate([seen, meant], axis=-1)), regions, tags

    def advance(self, embedded, cell, memory):
        """One word: embedded (B, E) and the last state -> new state, context (B, U), weights of the regions (B, R)."""
        *cell, covered = cell
        context, weights, tags = self.attend(cell[0], covered, memory)
        _, cell = self.cell(ops.concatenate([embedded, context], axis=-1), cell)
        return [*cell, covered + tags], context, weights

    def read_out(self, embedded, cell, context, training=False):
        """Word (..., B, E), state and context (..., B, U) -> logits (..., B, V)."""
        joint = embedded + self.state_to_word(cell[0]) + self.context_to_word(context)
        return self.to_logits(self.drop(ops.tanh(joint), training=training))

    def step(self, tokens, state):
        """See :class:`ReportModel`."""
        embedded, memory = self.embed(tokens), state["memory"]
        cell, context, weights = self.advance(embedded, state["cell"], memory)
        return self.read_out(embedded, cell, context), {"memory": memory, "cell": cell}, weights

    def call(self, inputs, training=False):
        """See :class:`ReportModel`."""
        state = self.start(inputs, training=training)
        memory = state["memory"]
        words = ops.transpose(inputs["tokens"])  # (T, B): a scan walks along the first axis
        if training:
            words = forget(words, self.settings["word_dropout"], self.seed_generator)
        embedded = self.drop(self.embed(words), training=training)  # (T, B, E)

        def one_word(previous, word):
            return self.advance(word, previous[0], memory)

        first = (state["cell"], ops.zeros_like(state["cell"][0]), ops.zeros_like(memory["regions"][..., 0]))
        cells, contexts, _ = tf.scan(one_word, embedded, initializer=first)
        if training:
            self.add_loss(found_loss(inputs["concepts"], memory["predicted"], self.settings["concept_weight"]))
        return ops.transpose(self.read_out(embedded, cells, contexts, training=training), (1, 0, 2))
