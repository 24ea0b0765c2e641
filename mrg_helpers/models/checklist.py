"""What is left to say: a list of findings that is ticked off as a report is read, sentence by sentence.

After Kiddon, Zettlemoyer and Choi, "Globally coherent text generation with neural checklist models", EMNLP 2016. Here the list is
what was found in the image, and a tick is read from the words of a sentence alone, so it can be had for all words of a report at
once: a model without a recurrent state keeps it as well. Without one, a small model says its favourite sentence again and again.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from .parts import causal, said_loss


class Checklist(keras.layers.Layer):
    """Reads the sentences that have ended, and tells what was found, what of it is left to say, and, if asked, what was said.

    Args:
        words: the vocabulary. concepts: names of the C findings. units: U, of what it tells.
        past: tell also what was said, as the sum of the read sentences. A model that looks back at all its words, or keeps a
            state of them, has no need of it, and learns more slowly with it.
        hidden: H, size of a read sentence; the reader sees which words it has, and not their order.
    """

    def __init__(self, words: Sequence[str], concepts: Sequence[str], units: int, past: bool = True, hidden: int = 64):
        super().__init__(name="checklist")
        self.full_stop = words.index(".") if "." in words else -1  # without sentences nothing is ticked off
        self.sizes = {"sentence": hidden, "past": hidden, "said": len(concepts)}
        spread = keras.initializers.RandomNormal(stddev=0.3)
        self.embed = keras.layers.Embedding(len(words), hidden, spread, name="embed")
        self.think = keras.layers.Dense(hidden, activation="relu", name="think")
        self.judge = keras.layers.Dense(len(concepts), name="judge")
        names = ["found", "left"] + ["past"] * past
        # At first it tells nothing, else it drowns the words: after a few sentences their sum is large.
        own = {"use_bias": False, "kernel_initializer": "zeros"}
        self.parts = [keras.layers.Dense(units, name=f"tell_{name}", **own) for name in names]

    def tell(self, found, past, said):
        """What to read with a word: found and said (..., C), from 0 to 1, and the sentences of the past (..., H) -> (..., U)."""
        pieces = [found, found * (1 - said), past][: len(self.parts)]
        return sum(layer(piece) for layer, piece in zip(self.parts, pieces, strict=True))

    def first(self, batch):
        """The cell before the first word: nothing has been said."""
        return {name: ops.zeros((batch, size), self.compute_dtype) for name, size in self.sizes.items()}

    def advance(self, tokens, found, cell):
        """One word (B,) that is read, and what was found (B, C) -> what it tells (B, U), and the new cell."""
        sentence, ended = cell["sentence"] + self.embed(tokens), self.ends(tokens)[:, None]
        thought = self.think(sentence)
        tick = ended * ops.sigmoid(self.judge(thought))
        past, said = cell["past"] + ended * thought, ops.maximum(cell["said"], tick)
        return self.tell(found, past, said), {"sentence": (1 - ended) * sentence, "past": past, "said": said}

    def all(self, tokens, found):
        """The same for all words (B, T) at once -> what it tells (B, T, U), and what each sentence so far asserts, as logits
        (B, T, C)."""
        ended, before = self.ends(tokens), causal(ops.shape(tokens)[1])  # (B, T), (1, T, T)
        number = ops.cumsum(ended, axis=1) - ended  # of the sentence that a word stands in
        same = ops.logical_and(before, ops.equal(number[:, :, None], number[:, None]))  # (B, T, T)
        thoughts = self.think(ops.einsum("btu,bue->bte", ops.cast(same, self.compute_dtype), self.embed(tokens)))
        judged = self.judge(thoughts)
        ticks = ops.stop_gradient(
            ended[..., None] * ops.sigmoid(judged)
        )  # they say what is so, whatever would be handy
        said = ops.max(ops.where(before[..., None], ticks[:, None], 0), axis=2)
        return self.tell(found[:, None], ops.cumsum(ended[..., None] * thoughts, axis=1), said), judged

    def loss(self, inputs, judged):
        """What asking the ended sentences costs: ``inputs["said"]`` (B, T, C) holds what they assert. A scalar."""
        ended = self.ends(inputs["tokens"][:, 1:])  # the word that is read here is the target of the place before
        return said_loss(inputs["said"][:, :-1], judged[:, 1:], ended)

    def ends(self, tokens):
        """1 where a word ends a sentence, else 0."""
        return ops.cast(ops.equal(tokens, self.full_stop), self.compute_dtype)
