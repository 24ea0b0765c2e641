"""Show, Attend and Tell with the indication: why the X-ray was taken joins every word, and the channels are attended too.

Huang, Yan, Xu and Li, "Multi-Attention and Incorporating Background Information Model for Chest X-Ray Image Report Generation",
IEEE Access 7 (2019), doi:10.1109/ACCESS.2019.2947134: the patient's background is encoded by a recurrent network, made one vector
by a perceptron and added to the embedding of each word; attention weighs the channels of the image as well as its regions. In
comparison with the paper: words are embedded by this model alone, none is trained elsewhere; one decoder of words, that of
:mod:`mrg_helpers.models.show_attend_tell`, in place of a sentence and a word decoder; both attentions look at the same state at
the same time, so the regions are scored before the channels are weighed and nothing has to be projected anew for each word; an
indication that is missing adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from ..vocabulary import PAD, SPECIAL
from .parts import mean_of_some
from .show_attend_tell import ShowAttendTell


@keras.saving.register_keras_serializable("mrg_helpers")
class WithIndication(ShowAttendTell):
    """The decoder of notebook 04, told why the X-ray was taken.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        indication_words: the words of the indications in the order of their ids, behind the four special ones.
        channel_attention: weigh the channels of what is seen at each word.
        settings: of :class:`mrg_helpers.models.ShowAttendTell`.

    ``inputs["indication"]`` is (B, L). Where it is all padding, the model is Show, Attend and Tell.
    """

    needs = ("indication",)

    def __init__(
        self, words, grid, channels, note="", indication_words: Sequence[str] = (), channel_attention=True, **settings
    ):
        super().__init__(words, grid, channels, note, **settings)
        self.settings |= {"indication_words": list(indication_words), "channel_attention": channel_attention}
        size, units, layers = self.settings["embedding"], self.settings["units"], keras.layers
        self.read_word = layers.Embedding(len(SPECIAL) + len(indication_words), size, name="read_word")
        self.read_indication = layers.RNN(layers.GRUCell(size), return_sequences=True, name="read_indication")
        self.background = [
            layers.Dense(size, activation, name=f"background_{activation}") for activation in ("relu", "tanh")
        ]
        self.channel_image = self.channel_state = None
        if channel_attention:
            self.channel_image = layers.Dense(units, name="channel_image")
            self.channel_state = layers.Dense(units, use_bias=False, name="channel_state")
        self.make_variables()

    def fuse(self, indication, training=False):
        """The indication (B, L) -> what it adds to each word, (B, E); zeros where nothing is known."""
        known = ops.cast(ops.not_equal(indication, PAD), self.compute_dtype)  # (B, L)
        embedded = self.drop(self.read_word(indication), training=training)
        read = self.read_indication(embedded, mask=ops.not_equal(indication, PAD), training=training)  # (B, L, E)
        vector = mean_of_some(read, known)
        for layer in self.background:
            vector = layer(vector)
        return vector * ops.max(known, axis=1, keepdims=True)

    def start(self, inputs, training=False):
        """As of Show, Attend and Tell; the memory holds the background and the channels' part of their attention too."""
        state = super().start(inputs, training=training)
        memory = state["memory"] | {"background": self.fuse(inputs["indication"], training=training)}
        if self.channel_image is not None:
            memory["channels"] = self.channel_image(ops.mean(memory["annotations"], axis=1))
        return {"memory": memory, "cell": state["cell"]}

    def read(self, embedded, said, memory):
        """What is read with a word: the background, and what Show, Attend and Tell reads."""
        return super().read(embedded, said, memory) + memory["background"]

    def attend(self, hidden, memory):
        """State (B, U) and memory -> context (B, U), weights of the regions (B, R)."""
        context, weights = super().attend(hidden, memory)
        if self.channel_state is not None:
            context = (
                context * 2 * ops.sigmoid(memory["channels"] + self.channel_state(hidden))
            )  # 1 for all is the usual
        return context, weights
