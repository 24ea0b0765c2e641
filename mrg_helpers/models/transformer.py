"""A Transformer that reads the regions of the image with every word, with the relational memory of R2Gen as a switch.

Vaswani et al., "Attention is all you need", NeurIPS 2017 (arXiv:1706.03762); Chen et al., "Generating radiology reports via
memory-driven Transformer" (R2Gen), EMNLP 2020 (arXiv:2010.16056). In comparison with the papers: there is no encoder stack, the
regions are InceptionV3's with a learnt embedding of their place; the norms stand before the sublayers and not behind them
(Xiong et al., arXiv:2002.04745); places of words are learnt; attention weights are not dropped out; the output bias starts from
the frequencies of the words. Optionally the regions are asked for findings, and what is found is read with every word.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import keras
import tensorflow as tf
from keras import ops

from .base import ReportModel
from .checklist import Checklist
from .parts import Regions, attend, causal, forget, log_frequencies, look_losses, smooth_maximum, written


@keras.saving.register_keras_serializable("mrg_helpers")
class Transformer(ReportModel):
    """A causal decoder whose layers look back at the words and then at the regions.

    Args:
        words, grid, channels, note: see :class:`ReportModel`.
        units: U, size of all vectors. layers: number of blocks. heads: of each attention; they share the units.
        memory: S, slots of the relational memory, which steers the norms; 0: there is none, as in a plain Transformer.
        max_length: M, the most words that can be read.
        dropout: share of the annotations', words' and sublayers' entries that are dropped in training.
        feature_dropout: share of the features' entries that are dropped in training.
        word_dropout: share of the words read in training that become ``<unk>``, so that the model leans on the image.
        concepts: names of C findings that every region is asked for, see :class:`ShowAttendTell`; what is found, and
            what of it is left to say, is read with every word. Training then needs ``inputs["concepts"]`` (B, C) and
            ``inputs["said"]`` (B, T, C).
        concept_weight: of the loss of that question.
        guide: weight of a loss that draws the last layer's attention to the regions that answered, see there.

    Example:
        >>> model = Transformer(vocabulary.words, grid=(8, 8), channels=2048, memory=3)   # R2Gen
        >>> logits = model({"features": features, "tokens": tokens})   # (B, T, V)
    """

    recipe = {"learning_rate": 2e-3, "dropout": 0.2}

    def __init__(
        self, words, grid, channels, note="", units=192, layers=2, heads=4, memory=0, max_length=90, dropout=0.1,
        feature_dropout=0.0, word_dropout=0.0, concepts: Sequence[str] = (), concept_weight=1.0, guide=0.0, **kwargs,
    ):  # fmt: skip
        super().__init__(words, grid, channels, note, **kwargs)
        if units % heads:
            raise ValueError(f"{units} units cannot be shared by {heads} heads; choose a multiple")
        self.settings = {
            "units": units, "layers": layers, "heads": heads, "memory": memory, "max_length": max_length, "dropout": dropout,
            "feature_dropout": feature_dropout, "word_dropout": word_dropout, "concepts": list(concepts),
            "concept_weight": concept_weight, "guide": guide,
        }  # fmt: skip
        self.longest = max_length
        self.look = Regions(self.regions, units, concepts, dropout, feature_dropout)
        spread = keras.initializers.RandomNormal(stddev=0.2)
        self.embed = keras.layers.Embedding(len(self.words), units, spread, name="embed")
        self.place = keras.layers.Embedding(max_length, units, spread, name="place")
        self.told = Checklist(self.words, concepts, units, past=False) if concepts else None
        self.slots = RelationalMemory(memory, units, heads) if memory else None
        self.blocks = [Block(units, heads, bool(memory), dropout, f"block_{k}") for k in range(layers)]
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, name="norm")
        self.to_logits = keras.layers.Dense(len(self.words), name="to_logits")
        self.drop = keras.layers.Dropout(dropout)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.make_variables()

    def adapt(self, train) -> None:
        """The output bias: how often each word is said, so that the first thing to learn is not that."""
        self.to_logits.bias.assign(log_frequencies(train.tokens, len(self.words)))

    def regard(self, inputs, training=False):
        """What stays the same for all words: each layer's keys and values of the regions, and what was found."""
        annotations, shown = self.look.look(inputs["features"], training=training)
        memory = {"regions": [block.regard(annotations) for block in self.blocks]}
        if shown is not None:
            memory |= {"shown": shown, "found": ops.sigmoid(smooth_maximum(shown))}  # (B, R, C), (B, C)
        return memory

    def start(self, inputs):
        """See :class:`ReportModel`. The cell holds the keys and values of the words so far, in buffers of M places."""
        memory, batch = self.regard(inputs), ops.shape(inputs["features"])[0]
        empty = ops.zeros((batch, self.longest, self.settings["units"]), self.compute_dtype)
        cell = {"count": ops.zeros(batch, "int32"), "words": [(empty, empty) for _ in self.blocks]}
        if self.slots is not None:
            cell["slots"] = self.slots.first(batch)
        if self.told is not None:
            cell["told"] = self.told.first(batch)
        return {"memory": memory, "cell": cell}

    def read(self, tokens, places, told, training=False):
        """Words (..., T) at their places, with what the checklist tells (..., T, U), or None -> (..., T, U)."""
        embedded = self.embed(tokens) + self.place(places)
        return self.drop(embedded if told is None else embedded + told, training=training)

    def decode(self, words, visible, slots, memory, cached=None, place=None, training=False):
        """Words (B, T, U) -> logits (B, T, V), attention (B, T, R), and the keys and values of the words in each layer.

        ``cached`` holds those of the words before, and ``place`` (B,) says where to put the new ones.
        """
        layers = []
        for k, block in enumerate(self.blocks):
            words, pair = block.look_back(words, visible, slots, cached and cached[k], place, training=training)
            words, weights = block.look_at(words, slots, *memory["regions"][k], training=training)
            words = block.think(words, slots, training=training)
            layers.append(pair)
        return self.to_logits(self.norm(words)), weights, layers

    def step(self, tokens, state):
        """See :class:`ReportModel`."""
        cell, memory = state["cell"], state["memory"]
        place, slots, told = cell["count"], None, None  # (B,)
        new = {"count": place + 1}
        if self.told is not None:
            told, new["told"] = self.told.advance(tokens, memory["found"], cell["told"])
        words = self.read(tokens, place, told)[:, None]  # (B, 1, U)
        visible = (ops.arange(self.longest)[None] <= place[:, None])[:, None]  # (B, 1, M)
        if self.slots is not None:
            new["slots"] = self.slots.advance(cell["slots"], [part[:, 0] for part in self.slots.read(words)])
            slots = self.slots.flat(new["slots"])[:, None]
        logits, weights, new["words"] = self.decode(words, visible, slots, memory, cell["words"], place)
        return logits[:, 0], {"memory": memory, "cell": new}, weights[:, 0]

    def call(self, inputs, training=False):
        """See :class:`ReportModel`."""
        tokens, slots = inputs["tokens"], None
        memory, length = self.regard(inputs, training=training), ops.shape(tokens)[1]
        told, judged = (None, None) if self.told is None else self.told.all(tokens, memory["found"])
        if training:
            tokens = forget(tokens, self.settings["word_dropout"], self.seed_generator)
        words = self.read(tokens, ops.arange(length), told, training=training)
        if self.slots is not None:
            slots = self.slots.remember(words)
        logits, weights, _ = self.decode(words, causal(length), slots, memory, training=training)
        if training and self.told is not None:
            asked = self.settings["concept_weight"], self.settings["guide"]
            for loss in [*look_losses(inputs, memory["shown"], weights, *asked), self.told.loss(inputs, judged)]:
                self.add_loss(loss)
        return logits


class Block(keras.layers.Layer):
    """Look back at the words, look at the regions, think: each behind a norm and added to what was there."""

    def __init__(self, units: int, heads: int, conditional: bool, dropout: float, name: str):
        super().__init__(name=name)
        dense = functools.partial(keras.layers.Dense, units)
        self.heads = heads
        self.norms = [Norm(units, conditional, f"norm_{name}") for name in ("back", "at", "think")]
        # A bias of the keys would change no attention: it adds the same to all scores of a row.
        self.back = [dense(name="query"), dense(use_bias=False, name="key"), dense(name="value"), dense(name="join")]
        self.at = [dense(name=f"{layer.name}_at", use_bias=layer.use_bias) for layer in self.back]
        self.wide = keras.layers.Dense(4 * units, activation="relu", name="wide")
        self.narrow = dense(name="narrow")
        self.drop = keras.layers.Dropout(dropout)

    def regard(self, annotations):
        """Annotations (B, R, U) -> their keys and values, each (B, R, U)."""
        return self.at[1](annotations), self.at[2](annotations)

    def look_back(self, words, visible, slots, cached, place, training=False):
        """Self-attention: (B, T, U) -> (B, T, U), and the keys and values of all words so far."""
        query, key, value, join = self.back
        seen = self.norms[0].normalise(words, slots)
        keys, values = key(seen), value(seen)
        if cached:
            keys, values = (written(old, new, place) for old, new in zip(cached, (keys, values), strict=True))
        context, _ = attend(query(seen), keys, values, self.heads, visible)
        return words + self.drop(join(context), training=training), (keys, values)

    def look_at(self, words, slots, keys, values, training=False):
        """Cross-attention: (B, T, U) and the regions -> (B, T, U), weights (B, T, R)."""
        query, _, _, join = self.at
        context, weights = attend(query(self.norms[1].normalise(words, slots)), keys, values, self.heads)
        return words + self.drop(join(context), training=training), weights

    def think(self, words, slots, training=False):
        """The feed-forward part: (B, T, U) -> (B, T, U)."""
        return words + self.drop(self.narrow(self.wide(self.norms[2].normalise(words, slots))), training=training)


class Norm(keras.layers.Layer):
    """Layer norm; with a memory its scale and shift follow from the slots (memory-driven conditional layer norm, R2Gen)."""

    def __init__(self, units: int, conditional: bool, name: str):
        super().__init__(name=name)
        own = not conditional
        self.norm = keras.layers.LayerNormalization(epsilon=1e-5, center=own, scale=own, name="norm")
        self.change = []
        if conditional:
            small = keras.initializers.RandomNormal(stddev=0.02)  # the norms start almost as plain ones
            for name in ("scale", "shift"):
                hidden = keras.layers.Dense(units, activation="relu", name=f"{name}_hidden")
                self.change += [hidden, keras.layers.Dense(units, kernel_initializer=small, name=name)]

    def normalise(self, words, slots):
        """Words (B, T, U) and the memory at each (B, T, S * U), or None -> (B, T, U)."""
        if slots is None:
            return self.norm(words)
        words, (scale_hidden, scale, shift_hidden, shift) = self.norm(words), self.change
        return words * (1 + scale(scale_hidden(slots))) + shift(shift_hidden(slots))


class RelationalMemory(keras.layers.Layer):
    """S slots that attend to themselves and to each word as it comes, behind gates (section 2.3 of R2Gen): a recurrence."""

    def __init__(self, slots: int, units: int, heads: int):
        super().__init__(name="memory")
        self.size, self.heads = (slots, units), heads
        dense = keras.layers.Dense
        self.query, self.key = (dense(units, use_bias=False, name=name) for name in ("query", "key"))
        self.value, self.narrow = (dense(units, name=name) for name in ("value", "narrow"))
        self.wide = dense(units, activation="relu", name="wide")
        self.word_gates = dense(2 * units, name="word_gates")
        self.slot_gates = dense(2 * units, use_bias=False, name="slot_gates")

    def first(self, batch):
        """The slots before the first word (B, S, U): all different, so that they can come to hold different things."""
        return ops.broadcast_to(ops.eye(*self.size, dtype=self.compute_dtype), (batch, *self.size))

    def read(self, words):
        """What does not depend on the slots: words (..., U) -> keys and values (..., U), gates (..., 2 U)."""
        return self.key(words), self.value(words), self.word_gates(words)

    def advance(self, slots, word):
        """Slots (B, S, U) and one word's (B, ...) of :meth:`read` -> slots (B, S, U)."""
        key, value, gates = (part[:, None] for part in word)
        keys = ops.concatenate([self.key(slots), key], axis=1)
        values = ops.concatenate([self.value(slots), value], axis=1)
        mixed = slots + attend(self.query(slots), keys, values, self.heads)[0]
        new = mixed + self.narrow(self.wide(mixed))
        keep, take = ops.split(ops.sigmoid(gates + self.slot_gates(ops.tanh(slots))), 2, axis=-1)
        return keep * slots + take * ops.tanh(new)

    def remember(self, words):
        """The memory at each of the words (B, T, U) -> (B, T, S * U)."""
        parts = [ops.transpose(part, (1, 0, 2)) for part in self.read(words)]  # a scan walks along the first axis
        slots = tf.scan(self.advance, tuple(parts), initializer=self.first(ops.shape(words)[0]))
        return ops.transpose(self.flat(slots), (1, 0, 2))

    def flat(self, slots):
        """(..., S, U) -> (..., S * U)."""
        return ops.reshape(slots, (*ops.shape(slots)[:-2], self.size[0] * self.size[1]))
