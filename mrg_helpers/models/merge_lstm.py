"""Merge and inject: the image as one vector, and no attention. What attention buys is measured against this.

Tanti, Gatt and Camilleri, "Where to put the image in an image caption generator", 2018 (arXiv:1703.09137): is a recurrent network
told of the image ("inject": in its first state, or with every word), or does it read the words alone, and is joined with the image
only where the next word is chosen ("merge")? For captions they found merge to do as well, with less. It is the design of
shreyanshrs44's Medical-Report-Generation, with the pooled features of the frontal and of the lateral view. In comparison with
both: the views have a layer each, since their features are whitened apart; a study may lack the other view; state, last word and,
in merge, the image are joined by a sum under a tanh; GRU or LSTM; optionally, the image is asked for findings, and a checklist
tells, from where the image does, what was found and what of it is left to say.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from .base import ReportModel
from .checklist import Checklist
from .parts import forget, found_loss


@keras.saving.register_keras_serializable("mrg_helpers")
class MergeLSTM(ReportModel):
    """A recurrent decoder of words and one vector for both views.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        inject: where the image comes in: ``"merge"``, only where the next word is chosen; ``"init"``, only in the first state;
            ``"par"``, with every word that is read.
        embedding: E, size of a word's vector, in and out.
        units: U, size of the decoder's state and of the image's vector.
        cell: ``"lstm"`` or ``"gru"``.
        dropout, feature_dropout, word_dropout: see :class:`mrg_helpers.models.ShowAttendTell`.
        concepts: names of C findings that the image's vector is asked for; training then needs ``inputs["concepts"]`` (B, C) and
            ``inputs["said"]`` (B, T, C). There are no regions to ask one by one, so a small finding drowns in the mean.
        concept_weight: of the loss of that question.
    """

    needs = ("other",)
    attends = False

    def __init__(
        self, words, grid, channels, note="", inject="merge", embedding=128, units=256, cell="lstm", dropout=0.3,
        feature_dropout=0.0, word_dropout=0.0, concepts: Sequence[str] = (), concept_weight=1.0, **kwargs,
    ):  # fmt: skip
        super().__init__(words, grid, channels, note, **kwargs)
        for given, allowed in ((inject, ("merge", "init", "par")), (cell, ("gru", "lstm"))):
            if given not in allowed:
                raise ValueError(f"{given!r} is none of " + ", ".join(f'"{name}"' for name in allowed))
        self.settings = {
            "inject": inject, "embedding": embedding, "units": units, "cell": cell, "dropout": dropout,
            "feature_dropout": feature_dropout, "word_dropout": word_dropout, "concepts": list(concepts),
            "concept_weight": concept_weight,
        }  # fmt: skip
        dense = keras.layers.Dense
        self.first_view = dense(units, name="first_view")
        self.other_view = dense(units, use_bias=False, name="other_view")
        self.find = dense(len(concepts), name="find") if concepts else None
        self.embed = keras.layers.Embedding(len(self.words), embedding, name="embed")
        self.cell = (keras.layers.GRUCell if cell == "gru" else keras.layers.LSTMCell)(units, name="cell")
        self.parts = 1 if cell == "gru" else 2  # of the cell's state
        self.over_words = keras.layers.RNN(self.cell, return_sequences=True, name="over_words")
        self.state_to_word = dense(embedding, name="state_to_word")
        self.told = None
        if inject == "init":
            self.start_state = [dense(units, activation="tanh", name=f"start_{k}") for k in range(self.parts)]
        else:
            self.image_to_word = dense(embedding, use_bias=False, name="image_to_word")
            self.told = Checklist(self.words, concepts, embedding, past=False) if concepts else None
        self.to_logits = dense(len(self.words), name="to_logits")
        self.drop = keras.layers.Dropout(dropout)
        self.drop_features = keras.layers.Dropout(feature_dropout)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.make_variables()

    def see(self, inputs, training=False):
        """Both views (B, R, D) -> what the image says, (B, U), and how surely it shows each finding, logits (B, C) or None."""
        first, other = (self.drop_features(inputs[name], training=training) for name in ("features", "other"))
        image = self.first_view(ops.mean(first, axis=1))
        image = image + self.other_view(ops.mean(other, axis=1)) * inputs["has_other"][:, None]
        image = self.drop(ops.relu(image), training=training)
        return image, None if self.find is None else self.find(image)

    def begin(self, image, concepts):
        """What :meth:`see` saw -> memory and the first state."""
        found = {} if concepts is None else {"found": ops.sigmoid(concepts)}
        if self.settings["inject"] == "init":
            seen = ops.concatenate([image, *found.values()], axis=-1)
            return {}, [layer(seen) for layer in self.start_state]
        return {"image": self.image_to_word(image)} | found, [ops.zeros_like(image)] * self.parts

    def start(self, inputs):
        """See :class:`ReportModel`."""
        memory, words = self.begin(*self.see(inputs))
        cell = {"words": words}
        if self.told is not None:
            cell["told"] = self.told.first(ops.shape(inputs["features"])[0])
        return {"memory": memory, "cell": cell}

    def places(self, image):
        """What is said of the image (..., E), or 0 -> what of it is read with a word, and what where the next one is chosen."""
        return (image, 0.0) if self.settings["inject"] == "par" else (0.0, image)

    def read_out(self, embedded, hidden, image, training=False):
        """Word (B, ..., E), state (B, ..., U) and the image's part of a word (B, ..., E), or 0 -> logits (B, ..., V)."""
        joint = embedded + self.state_to_word(hidden) + image
        return self.to_logits(self.drop(ops.tanh(joint), training=training))

    def step(self, tokens, state):
        """See :class:`ReportModel`."""
        embedded, memory, new = self.embed(tokens), state["memory"], {}
        image = memory.get("image", 0.0)
        if self.told is not None:
            told, new["told"] = self.told.advance(tokens, memory["found"], state["cell"]["told"])
            image = image + told
        read, chosen = self.places(image)
        hidden, new["words"] = self.cell(embedded + read, state["cell"]["words"])
        logits = self.read_out(embedded, hidden, chosen)
        nowhere = ops.zeros((ops.shape(tokens)[0], self.regions), logits.dtype)
        return logits, {"memory": memory, "cell": new}, nowhere

    def call(self, inputs, training=False):
        """See :class:`ReportModel`."""
        image, concepts = self.see(inputs, training=training)
        memory, first = self.begin(image, concepts)
        words, image = inputs["tokens"], memory["image"][:, None] if memory else 0.0
        if self.told is not None:
            told, judged = self.told.all(words, memory["found"])
            image = image + told
        if training:
            words = forget(words, self.settings["word_dropout"], self.seed_generator)
        embedded, (read, chosen) = self.drop(self.embed(words), training=training), self.places(image)  # (B, T, E)
        hidden = self.over_words(embedded + read, initial_state=first)  # (B, T, U): no loop over where the model looks
        if training and self.find is not None:
            self.add_loss(found_loss(inputs["concepts"], concepts, self.settings["concept_weight"]))
        if training and self.told is not None:
            self.add_loss(self.told.loss(inputs, judged))
        return self.read_out(embedded, hidden, chosen, training=training)
