"""Show, Attend and Tell for chest X-rays: additive attention over the grid and a recurrent decoder.

Xu et al., "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention", ICML 2015 (arXiv:1502.03044), with the
additive attention of Bahdanau et al. (arXiv:1409.0473). In comparison with the paper: the image network is InceptionV3 and stays
as it is; the annotations carry a learnt embedding of their position, since the X-ray of a chest is always taken the same way
round; GRU or LSTM; soft attention (hard attention is in ``hard_attention.py``); the deep output layer has a tanh around its sum;
the mean annotation is normalised over the batch before it starts the state; optionally, the regions are also asked for findings.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import ops

from .base import ReportModel
from .parts import (
    NEVER,
    Recomputed,
    additive_attention,
    doubly_stochastic,
    forget,
    found_loss,
    mean_of_some,
    misplaced,
    said_loss,
    smooth_maximum,
)


@keras.saving.register_keras_serializable("mrg_helpers")
class ShowAttendTell(ReportModel):
    """The attention encoder-decoder of notebook 04.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        embedding: E, size of a word's vector.
        units: U, size of the decoder's state and of an annotation.
        attention_units: A, size of the hidden layer that scores a region.
        cell: ``"gru"`` or ``"lstm"``.
        positions: add a learnt vector for the position of each cell of the grid.
        mean_start: start from the mean annotation; otherwise from zeros.
        gate: weigh the context with a scalar beta (section 4.2.1 of the paper).
        deep_output: read the logits out of state, context and last word, as the paper does, and not out of the state alone.
        penalty: weight of the doubly stochastic penalty, which asks every region for the same attention over the whole report.
        dropout: share of the annotations', words' and outputs' entries that are dropped in training.
        feature_dropout: share of the features' entries that are dropped in training.
        word_dropout: share of the words read in training that become ``<unk>``, so that the model leans on the image.
        concepts: names of C findings that every region is asked for; training then needs ``inputs["concepts"]`` (B, C), 1 where
            the report asserts the finding. A picture has a finding if one of its regions shows it (multiple-instance learning,
            Fang et al., CVPR 2015, arXiv:1411.4952). What is found joins the first state and every word that is read (You et
            al., CVPR 2016, arXiv:1603.03925; Jing et al., ACL 2018, arXiv:1711.08195), and what the attended regions show joins
            the word that is written. A checklist (Kiddon et al., "Globally coherent text generation with neural checklist
            models", EMNLP 2016) is kept of what the ended sentences have said, and what is left to say is read with every
            word too; training then needs ``inputs["said"]`` (B, T, C), what each word's sentence asserts. Empty: the paper's
            model, for which a thousand reports are too few to learn the language *and* what to look for.
        concept_weight: of the loss of that question.
        guide: weight of a loss that draws the attention, at the words of a sentence that asserts findings, to the regions that
            answered with these findings. No box is used: where a finding lies is learnt from the reports alone (after Liu et
            al., AAAI 2017, arXiv:1605.09553, who used boxes).

    Example:
        >>> model = ShowAttendTell(vocabulary.words, grid=(8, 8), channels=2048)
        >>> logits = model({"features": features, "tokens": tokens})   # (B, T, V)
    """

    def __init__(
        self, words, grid, channels, note="", embedding=128, units=256, attention_units=256, cell="gru", positions=True,
        mean_start=True, gate=True, deep_output=True, penalty=0.0, dropout=0.3, feature_dropout=0.0, word_dropout=0.0,
        concepts: Sequence[str] = (), concept_weight=1.0, guide=0.0, **kwargs,
    ):  # fmt: skip
        super().__init__(words, grid, channels, note, **kwargs)
        if cell not in ("gru", "lstm"):
            raise ValueError(f'cell is {cell!r}; it can be "gru" or "lstm"')
        self.settings = {
            "embedding": embedding, "units": units, "attention_units": attention_units, "cell": cell, "positions": positions,
            "mean_start": mean_start, "gate": gate, "deep_output": deep_output, "penalty": penalty, "dropout": dropout,
            "feature_dropout": feature_dropout, "word_dropout": word_dropout, "concepts": list(concepts),
            "concept_weight": concept_weight, "guide": guide,
        }  # fmt: skip
        dense = keras.layers.Dense
        self.encoder = dense(units, name="encoder")
        spread = keras.initializers.RandomNormal(stddev=0.5)
        self.position = keras.layers.Embedding(self.regions, units, spread, name="position") if positions else None
        self.score_region = dense(attention_units, name="score_region")
        self.score_state = dense(attention_units, use_bias=False, name="score_state")
        spread = keras.initializers.RandomNormal(stddev=attention_units**-0.5)
        self.score = self.add_weight(shape=(attention_units,), initializer=spread, name="score")
        self.attention = Recomputed(additive_attention)
        self.gate = dense(1, activation="sigmoid", name="gate") if gate else None
        self.embed = keras.layers.Embedding(len(self.words), embedding, name="embed")
        self.cell = (keras.layers.GRUCell if cell == "gru" else keras.layers.LSTMCell)(units, name="cell")
        self.parts = 1 if cell == "gru" else 2  # of the cell's state
        self.normalise, self.start_state = None, []
        if mean_start:
            self.normalise = keras.layers.BatchNormalization(momentum=0.9, name="normalise")
            self.start_state = [dense(units, activation="tanh", name=f"start_{k}") for k in range(self.parts)]
        if deep_output:
            self.state_to_word = dense(embedding, use_bias=False, name="state_to_word")
            self.context_to_word = dense(embedding, use_bias=False, name="context_to_word")
        self.to_logits = dense(len(self.words), name="to_logits")
        self.find = dense(len(concepts), name="find") if concepts else None
        self.found_to_word = dense(embedding, name="found_to_word") if concepts else None
        self.left_to_word = dense(embedding, use_bias=False, name="left_to_word") if concepts else None
        self.was_said = dense(len(concepts), name="was_said") if concepts else None
        self.full_stop = self.words.index(".") if "." in self.words else -1  # without sentences nothing is ticked off
        if concepts and deep_output:
            self.shown_to_word = dense(embedding, use_bias=False, name="shown_to_word")
        self.drop = keras.layers.Dropout(dropout)
        self.drop_features = keras.layers.Dropout(feature_dropout)
        self.seed_generator = keras.random.SeedGenerator(0)
        if type(self) is ShowAttendTell:  # a model that builds on this one has more layers to make first
            self.make_variables()

    def encode(self, inputs, training=False):
        """Features (B, R, D) -> (B, R, U), and which regions are there, (B, R), 1 or 0; None: all."""
        return self.encoder(self.drop_features(inputs["features"], training=training)), None

    def start(self, inputs, training=False):
        """Annotations, their part of the attention's score, and the first state: (B, R, D) -> state."""
        annotations, there = self.encode(inputs, training=training)  # (B, R, U)
        if self.position is not None:
            annotations = annotations + self.position(ops.arange(self.regions))
        annotations = self.drop(ops.relu(annotations), training=training)
        memory = {"annotations": annotations, "keys": self.score_region(annotations)}
        if there is not None:
            memory["there"] = there
        if self.find is not None:
            memory["concepts"] = smooth_maximum(self.answers(memory), there)  # (B, C), logits
            memory["found"] = ops.sigmoid(memory["concepts"])
        mean = ops.mean(annotations, axis=1) if there is None else mean_of_some(annotations, there)  # (B, U)
        first = [ops.zeros_like(mean)] * self.parts
        if self.normalise is not None:
            # Of length one: with hundreds of entries of deviation one, each step of Adam would throw the state about.
            seen = self.normalise(mean, training=training) * mean.shape[-1] ** -0.5
            if self.find is not None:
                seen = ops.concatenate([seen, memory["found"]], axis=-1)
            first = [layer(seen) for layer in self.start_state]
        if self.find is not None:
            first.append(ops.zeros_like(memory["found"]))  # the checklist: nothing has been said
        return {"memory": memory, "cell": first}

    def answers(self, memory):
        """How surely each region shows each finding, as logits (B, R, C); what is not there shows none."""
        answers = self.find(memory["annotations"])
        return ops.where(memory["there"][..., None] > 0, answers, NEVER) if "there" in memory else answers

    def look(self, query, memory):
        """Projected state (B, A) and memory -> context (B, U), weights (B, R)."""
        return self.attention(query, memory["keys"], memory["annotations"], self.score)

    def attend(self, hidden, memory):
        """State (B, U) and memory -> context (B, U), weights (B, R)."""
        context, weights = self.look(self.score_state(hidden), memory)
        if self.gate is not None:
            context = self.gate(hidden) * context
        return context, weights

    def beta(self, state):
        """See :class:`ReportModel`: the gate of section 4.2.1 of the paper, which looks at the state before the word."""
        return None if self.gate is None else self.gate(state["cell"][0])[:, 0]

    def checklist(self, cell):
        """The part of a state that says which findings the ended sentences have named, (..., B, C); None for a model without."""
        return None if self.find is None else cell[self.parts]

    def read(self, embedded, said, memory):
        """What is read with a word: embedded (..., B, E) and the checklist (..., B, C), or None -> (..., B, E)."""
        if self.find is None:
            return embedded
        left = memory["found"] * (1 - said)
        return embedded + self.found_to_word(memory["found"]) + self.left_to_word(left)

    def advance(self, embedded, ended, cell, memory):
        """One word: embedded (B, E), whether it ended a sentence (B,), and the last state -> new state, context (B, U),
        weights (B, R)."""
        cell, said = cell[: self.parts], self.checklist(cell)
        if said is not None:
            said = ops.maximum(said, ended[:, None] * ops.sigmoid(self.was_said(cell[0])))
        embedded = self.read(embedded, said, memory)
        context, weights = self.attend(cell[0], memory)
        _, cell = self.cell(ops.concatenate([embedded, context], axis=-1), cell)
        return cell if said is None else [*cell, said], context, weights

    def join(self, embedded, cell, context, memory, training=False):
        """Word (..., B, E), state and context (..., B, U) -> what the logits are read of, (..., B, E), or the state."""
        if not self.settings["deep_output"]:
            return self.drop(cell[0], training=training)
        embedded = self.read(embedded, self.checklist(cell), memory)
        joint = embedded + self.state_to_word(cell[0]) + self.context_to_word(context)
        if self.find is not None:
            joint = joint + self.shown_to_word(ops.tanh(self.find(context)))  # the findings where it looks
        return self.drop(ops.tanh(joint), training=training)

    def ends(self, tokens):
        """1 where a word ends a sentence, else 0."""
        return ops.cast(ops.equal(tokens, self.full_stop), self.compute_dtype)

    def forget(self, tokens):
        """Word dropout (Bowman et al., arXiv:1511.06349): some of the words that are read become ``<unk>``."""
        return forget(tokens, self.settings["word_dropout"], self.seed_generator)

    def chances(self, words):
        """What else differs from word to word in training, each (T, B, ...): nothing; for a model that draws at random."""
        return {}

    def step(self, tokens, state):
        """See :class:`ReportModel`."""
        embedded, memory = self.embed(tokens), state["memory"]
        cell, context, weights = self.advance(embedded, self.ends(tokens), state["cell"], memory)
        logits = self.to_logits(self.join(embedded, cell, context, memory))
        return logits, {"memory": memory, "cell": cell}, weights

    def call(self, inputs, training=False):
        """See :class:`ReportModel`."""
        state = self.start(inputs, training=training)
        memory = state["memory"]
        words = ops.transpose(inputs["tokens"])  # (T, B): a scan walks along the first axis
        embedded = self.drop(self.embed(self.forget(words) if training else words), training=training)  # (T, B, E)
        each = self.chances(words) if training else {}

        def one_word(previous, word):
            *word, now = word
            return self.advance(*word, previous[0], memory | now)

        first = (state["cell"], ops.zeros_like(state["cell"][0]), ops.zeros_like(memory["keys"][..., 0]))
        # keras.ops.scan does not run on TensorFlow; everything that does not depend on the state stays outside the loop.
        cells, contexts, weights = tf.scan(one_word, (embedded, self.ends(words), each), initializer=first)
        joint = self.join(embedded, cells, contexts, memory, training=training)
        logits = self.to_logits(ops.transpose(joint, (1, 0, 2)))  # one product for all words
        if training:
            hidden, weights = (ops.transpose(all_words, (1, 0, 2)) for all_words in (cells[0], weights))
            self.add_losses(inputs, memory | each, hidden, weights, logits)
        return logits

    def add_losses(self, inputs, memory, hidden, weights, logits):
        """What training asks for besides the words; ``hidden`` (B, T, U) are the states, ``weights`` (B, T, R) the attention."""
        tokens = inputs["tokens"]
        if self.settings["penalty"]:
            self.add_loss(self.settings["penalty"] * doubly_stochastic(weights, tokens))
        if self.find is None:
            return
        self.add_loss(found_loss(inputs["concepts"], memory["concepts"], self.settings["concept_weight"]))
        ended = self.ends(tokens[:, 1:])  # (B, T - 1), the state before a full stop knows what the sentence has said
        self.add_loss(said_loss(inputs["said"][:, :-1], self.was_said(hidden[:, :-1]), ended))
        if self.settings["guide"]:
            shown = ops.stop_gradient(self.answers(memory))  # (B, R, C): attention follows, it does not lead
            self.add_loss(self.settings["guide"] * misplaced(weights, inputs["said"], shown))
