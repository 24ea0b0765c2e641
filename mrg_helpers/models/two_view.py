"""Show, Attend and Tell on both views: the regions of the frontal and of the lateral X-ray are attended together.

Most published systems for this collection read the two views of a study, but as two vectors or in two decoders (Medical-Report-
Generation of shreyanshrs44; R2Gen, Chen et al., EMNLP 2020, arXiv:2010.16056, puts the regions of both side by side, as is done
here). Some findings show in one view only, a hiatal hernia behind the heart for example; and whoever attends to both can say
which one a word came from. In comparison with R2Gen: each view has an encoder of its own, since its features are whitened apart;
a vector tells the view, and another the place in it; a study without a second view is read by its first alone, and some are
read so in training, so that the model knows how; the decoder is that of :mod:`mrg_helpers.models.show_attend_tell`.
"""

from __future__ import annotations

import keras
from keras import ops

from .parts import masked
from .show_attend_tell import ShowAttendTell


@keras.saving.register_keras_serializable("mrg_helpers")
class TwoView(ShowAttendTell):
    """Attention over the 2 * H * W regions of two views, those of the first view first.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        view_dropout: share of the studies whose other view is hidden in training.
        settings: of :class:`mrg_helpers.models.ShowAttendTell`.

    The regions of a view that is missing get the weight 0, and ``inputs["other"]`` does not matter there.
    """

    needs = ("other",)
    views = 2

    def __init__(self, words, grid, channels, note="", view_dropout=0.1, **settings):
        super().__init__(words, grid, channels, note, **settings)
        self.settings["view_dropout"] = view_dropout
        units = self.settings["units"]
        self.other_encoder = keras.layers.Dense(units, use_bias=False, name="other_encoder")
        self.view = keras.layers.Embedding(2, units, keras.initializers.RandomNormal(stddev=0.5), name="view")
        self.make_variables()

    def encode(self, inputs, training=False):
        """Both views (B, R, D) -> (B, 2 R, U), and which regions are there, (B, 2 R)."""
        first, other = (self.drop_features(inputs[name], training=training) for name in ("features", "other"))
        view = self.view(ops.arange(2))  # (2, U)
        both = ops.concatenate([self.encoder(first) + view[0], self.other_encoder(other) + view[1]], axis=1)
        seen = inputs["has_other"]
        if training:
            kept = keras.random.uniform(ops.shape(seen), seed=self.seed_generator) >= self.settings["view_dropout"]
            seen = seen * ops.cast(kept, seen.dtype)
        first_is_there = ops.ones_like(first[..., 0])  # (B, R)
        return both, ops.concatenate([first_is_there, first_is_there * seen[:, None]], axis=1)

    def look(self, query, memory):
        """Over what is there, of both views."""
        return self.attention(query, memory["keys"], memory["annotations"], self.score, masked(memory["there"]))
