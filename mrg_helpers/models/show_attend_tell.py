"""Show, Attend and Tell for chest X-rays: additive attention over the grid and a recurrent decoder.

Xu et al., "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention", ICML 2015 (arXiv:1502.03044), with the
additive attention of Bahdanau et al. (arXiv:1409.0473). In comparison with the paper: the image network is InceptionV3 and stays
as it is; the annotations carry a learnt embedding of their position, since the X-ray of a chest is always taken the same way
round; GRU or LSTM; soft attention; words are read out of state, context and last word by a sum (the paper's deep output layer).
"""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from ..vocabulary import PAD, START, UNK
from .base import ReportModel


@keras.saving.register_keras_serializable("mrg_helpers")
class ShowAttendTell(ReportModel):
    """The attention encoder-decoder of notebook 04.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        embedding: E, size of a word's vector.
        units: U, size of the decoder's state and of an annotation.
        attention_units: size of the hidden layer that scores a region.
        cell: ``"gru"`` or ``"lstm"``.
        positions: add a learnt vector for the position of each cell of the grid.
        mean_start: start from the mean annotation; otherwise from zeros.
        gate: weigh the context with a scalar beta (section 4.2.1 of the paper).
        penalty: weight of the doubly stochastic penalty, which asks every region for the same attention over the whole report.
        dropout: share of the annotations', words' and outputs' entries that are dropped in training.

    Example:
        >>> model = ShowAttendTell(vocabulary.words, grid=(8, 8), channels=2048)
        >>> logits = model({"features": features, "tokens": tokens})   # (B, T, V)
    """

    def __init__(
        self, words, grid, channels, note="", embedding=128, units=256, attention_units=256, cell="gru", positions=True,
        mean_start=True, gate=True, penalty=0.0, dropout=0.3, word_dropout=0.0, concepts=0.0, **kwargs,
    ):  # fmt: skip
        super().__init__(words, grid, channels, note, **kwargs)
        if cell not in ("gru", "lstm"):
            raise ValueError(f'cell is {cell!r}; it can be "gru" or "lstm"')
        self.settings = {
            "embedding": embedding, "units": units, "attention_units": attention_units, "cell": cell, "positions": positions,
            "mean_start": mean_start, "gate": gate, "penalty": penalty, "dropout": dropout,
            "word_dropout": word_dropout, "concepts": concepts,
        }  # fmt: skip
        dense = keras.layers.Dense
        self.encoder = dense(units, name="encoder")
        spread = keras.initializers.RandomNormal(stddev=0.5)
        self.position = keras.layers.Embedding(self.regions, units, spread, name="position") if positions else None
        self.score_region = dense(attention_units, name="score_region")
        self.score_state = dense(attention_units, use_bias=False, name="score_state")
        self.score = self.add_weight(shape=(attention_units,), initializer=keras.initializers.RandomNormal(stddev=attention_units**-0.5), name="score")
        self.gate = dense(1, activation="sigmoid", name="gate") if gate else None
        self.embed = keras.layers.Embedding(len(self.words), embedding, name="embed")
        self.cell = (keras.layers.GRUCell if cell == "gru" else keras.layers.LSTMCell)(units, name="cell")
        self.normalise = keras.layers.BatchNormalization(momentum=0.9, name="normalise")
        self.start_state = [
            dense(units, activation="tanh", name=f"start_{k}") for k in range(1 if cell == "gru" else 2)
        ]
        self.state_to_word = dense(embedding, use_bias=False, name="state_to_word")
        self.context_to_word = dense(embedding, use_bias=False, name="context_to_word")
        self.to_logits = dense(len(self.words), name="to_logits")
        self.concepts = dense(len(self.words), name="concepts") if concepts else None
        self.drop = keras.layers.Dropout(dropout)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.make_variables()

    def get_config(self) -> dict:
        """See :class:`ReportModel`."""
        return super().get_config() | self.settings

    def start(self, inputs, training=False):
        """Annotations, their part of the attention's score, and the first state: (B, R, D) -> state."""
        annotations = self.encoder(inputs["features"])  # (B, R, U)
        if self.position is not None:
            annotations = annotations + self.position(ops.arange(self.regions))
        annotations = self.drop(ops.relu(annotations), training=training)
        mean = self.normalise(ops.mean(annotations, axis=1), training=training)  # (B, U)
        first = [layer(mean) if self.settings["mean_start"] else ops.zeros_like(mean) for layer in self.start_state]
        # The regions' part of the score is the same for all words: computed once, not once a word.
        return {"memory": {"annotations": annotations, "keys": self.score_region(annotations)}, "cell": first}

    def attend(self, hidden, memory):
        """State (B, U) and memory -> context (B, U), weights (B, R)."""
        query = self.score_state(hidden)
        context, weights = additive_attention(query, memory["keys"], memory["annotations"], self.score)
        if self.gate is not None:
            context = self.gate(hidden) * context
        return context, weights

    def advance(self, embedded, cell, memory):
        """One word: embedded word (B, E) and the last state -> new state, context (B, U), weights (B, R)."""
        context, weights = self.attend(cell[0], memory)
        _, cell = self.cell(ops.concatenate([embedded, context], axis=-1), cell)
        return list(cell), context, weights

    def read_out(self, embedded, hidden, context, training=False):
        """Word, state and context (..., E), (..., U), (..., U) -> logits (..., V)."""
        joint = ops.tanh(embedded + self.state_to_word(hidden) + self.context_to_word(context))
        return self.to_logits(self.drop(joint, training=training))

    def forget(self, tokens):
        """Word dropout (Bowman et al., arXiv:1511.06349): some of the words that are read become ``<unk>``."""
        lost = keras.random.uniform(ops.shape(tokens), seed=self.seed_generator) < self.settings["word_dropout"]
        return ops.where(ops.logical_and(lost, tokens > START), UNK, tokens)

    def step(self, tokens, state):
        """See :class:`ReportModel`."""
        embedded = self.embed(tokens)
        cell, context, weights = self.advance(embedded, state["cell"], state["memory"])
        return self.read_out(embedded, cell[0], context), {"memory": state["memory"], "cell": cell}, weights

    def call(self, inputs, training=False):
        """See :class:`ReportModel`."""
        state = self.start(inputs, training=training)
        tokens = self.forget(inputs["tokens"]) if training else inputs["tokens"]
        embedded = self.drop(self.embed(tokens), training=training)  # (B, T, E)

        def one_word(previous, word):
            return self.advance(word, previous[0], state["memory"])

        first = (state["cell"], ops.zeros_like(state["cell"][0]), ops.zeros_like(state["memory"]["keys"][..., 0]))
        # keras.ops.scan does not run on TensorFlow; everything that does not depend on the state stays outside the loop.
        cells, contexts, weights = tf.scan(one_word, ops.transpose(embedded, (1, 0, 2)), initializer=first)
        hidden, contexts = ops.transpose(cells[0], (1, 0, 2)), ops.transpose(contexts, (1, 0, 2))  # (B, T, U)
        if training and self.settings["penalty"]:
            self.add_loss(
                self.settings["penalty"] * doubly_stochastic(ops.transpose(weights, (1, 0, 2)), inputs["tokens"])
            )
        if training and self.concepts is not None:
            said = ops.max(ops.one_hot(inputs["tokens"], len(self.words)), axis=1)  # (B, V), which words the report contains
            guess = self.concepts(state["cell"][0])
            losses = keras.losses.binary_crossentropy(said, guess, from_logits=True)  # (B,), a mean over the words
            self.add_loss(self.settings["concepts"] * len(self.words) * ops.mean(losses))
        return self.read_out(embedded, hidden, contexts, training=training)  # one product for all words


def additive_attention(query, keys, annotations, score):
    """Additive attention (Bahdanau et al., arXiv:1409.0473): where to look, and what is seen there.

    Args:
        query: (B, A), the decoder's state, projected. keys: (B, R, A), the regions, projected.
        annotations: (B, R, U), the regions. score: (A,), turns a hidden layer into a number.

    Returns:
        context (B, U), the weighted mean of the annotations, and weights (B, R), positive, with the sum 1.
    """
    hidden = ops.tanh(keys + query[:, None, :])  # (B, R, A)
    scores = ops.einsum("bra,a->br", hidden, score)  # (B, R)
    weights = ops.softmax(scores, axis=-1)
    return ops.einsum("br,bru->bu", weights, annotations), weights


def doubly_stochastic(weights, tokens):
    """How unevenly the attention of a report covers the image (equation 14 of Show, Attend and Tell), as a scalar.

    The attention that a region gets over all words would be T / R if every region got the same; the penalty is the squared relative
    distance from that, averaged over regions and reports. Padding does not count.

    Args:
        weights: (B, T, R). tokens: (B, T), 0 where there is no word.
    """
    real = ops.cast(ops.not_equal(tokens, PAD), weights.dtype)  # (B, T)
    received = ops.sum(weights * real[..., None], axis=1)  # (B, R)
    even = ops.sum(real, axis=1, keepdims=True) / weights.shape[-1]
    return ops.mean(ops.square(received / even - 1))
