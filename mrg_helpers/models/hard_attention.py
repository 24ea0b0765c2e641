"""Show, Attend and Tell with hard attention: in training one region is drawn for each word, and the word is read out of that one.

Section 4.1 of Xu et al., "Show, Attend and Tell: Neural Image Caption Generation with Visual Attention", ICML 2015
(arXiv:1502.03044). No gradient passes through a draw, so what is learnt from is a bound of the likelihood, the mean over draws of
the words' log-likelihood, in a REINFORCE estimate (Williams, 1992). As in the paper: one draw for each word; the gradient of the
words through the regions that were drawn; to it, with a weight, that of the log-probability of the draws, times the reward, which
is the log-likelihood less a moving average of it (0.9 of the last average and 0.1 of the new value; the average before the step
counts, so that the estimate stays true); the entropy of the attention, with a weight; and one report in two reads the weighted
mean of the regions, soft attention, in place of draws, which keeps the estimate steady.

In comparison with the paper: a draw is credited with the words from its own on, since it cannot have changed those before, which
is the same on average with less noise (``whole_reward`` credits it with the report, as the paper does); the average is that of a
word, and n words are compared with n times that, since reports differ in length more than captions do; words count as they do in
the loss, by their emphasis; of the reward, reports that read the weighted mean enter the average alone; what is written is read
out of the weighted mean, so that the same image gets the same report; the penalty and the guide ask the weights, not the draws;
and the first state and the findings still come from all regions.
"""

from __future__ import annotations

import math

import keras
from keras import ops

from ..vocabulary import PAD
from .parts import Recomputed, additive_attention
from .show_attend_tell import ShowAttendTell


@keras.saving.register_keras_serializable("mrg_helpers")
class HardAttention(ShowAttendTell):
    """The decoder of notebook 04, trained to look at one region at a time.

    Args:
        words, grid, channels, note: see :class:`mrg_helpers.models.base.ReportModel`.
        expectation: share of a step's reports that read the weighted mean of the regions; with 1 the attention is soft.
        reinforce: weight of the draws' loss (lambda_r of the paper); with 1, ``expectation`` 0 and no entropy, its gradient
            and that of the words are together, on average, the gradient of the mean loss over all draws.
        entropy: weight of the attention's entropy, in nats of a word (lambda_e of the paper).
        whole_reward: credit each draw with the whole report.
        settings: of :class:`mrg_helpers.models.ShowAttendTell`.

    The reward is that of the words in ``inputs["tokens"]``, each said at the place before it, weighed by ``inputs["emphasis"]``
    (B, T). So the last place of a batch, whose word is only among the targets, neither adds a reward nor gets one; it is the end of
    the longest report. With scheduled sampling the words that are read stand for the true ones.
    """

    def __init__(
        self, words, grid, channels, note="", expectation=0.5, reinforce=0.1, entropy=0.01, whole_reward=False, **settings
    ):  # fmt: skip
        super().__init__(words, grid, channels, note, **settings)
        self.settings |= {
            "expectation": expectation, "reinforce": reinforce, "entropy": entropy, "whole_reward": whole_reward,
        }  # fmt: skip
        clueless = keras.initializers.Constant(-math.log(len(self.words)))  # every word as likely as any other
        self.baseline = self.add_weight(shape=(), initializer=clueless, trainable=False, name="baseline")
        self.drawing = Recomputed(drawing_attention)
        self.make_variables()

    def chances(self, words):
        """What a region is drawn by, and 1 for the reports that draw: (T, B) each."""
        chance = keras.random.uniform(ops.shape(words), dtype="float32", seed=self.seed_generator)
        report = keras.random.uniform(ops.shape(words[0]), dtype="float32", seed=self.seed_generator)  # (B,)
        draws = ops.cast(report >= self.settings["expectation"], "float32")
        return {"chance": chance, "draws": ops.broadcast_to(draws, ops.shape(words))}

    def look(self, query, memory):
        """Projected state (B, A) and memory -> context (B, U), in training that of one region, and weights (B, R)."""
        if "chance" not in memory:
            return super().look(query, memory)

        regions = memory["keys"], memory["annotations"]
        return self.drawing(query, *regions, self.score, memory["chance"], memory["draws"])

    def add_losses(self, inputs, memory, hidden, weights, logits):
        """As of Show, Attend and Tell; and what the draws were worth. Its memory holds the :meth:`chances` of all words."""
        super().add_losses(inputs, memory, hidden, weights, logits)
        said, logits = (
            inputs["tokens"][:, 1:],
            ops.cast(logits[:, :-1], "float32"),
        )  # of the last place the word is not known
        weights = ops.cast(weights[:, :-1], "float32")
        chance, draws = (
            ops.transpose(memory[name])[:, :-1] for name in ("chance", "draws")
        )  # (B, T - 1), as all below
        real = ops.cast(ops.not_equal(said, PAD), "float32")
        counts = real * ops.cast(inputs["emphasis"][:, :-1], "float32")
        total = ops.maximum(ops.sum(counts), 1)

        log_likelihood = -ops.stop_gradient(
            keras.losses.sparse_categorical_crossentropy(said, logits, from_logits=True)
        )
        gained = counts * (log_likelihood - self.baseline)
        reward = ops.flip(ops.cumsum(ops.flip(gained, axis=1), axis=1), axis=1)  # of the words from here on
        if self.settings["whole_reward"]:
            reward = real * ops.sum(gained, axis=1, keepdims=True)
        log_weights = ops.log(weights + 1e-9)
        of_draws = ops.sum(drawn(weights, chance) * log_weights, axis=-1)
        self.add_loss(-self.settings["reinforce"] * ops.sum(ops.stop_gradient(draws * reward) * of_draws) / total)
        entropy = -ops.sum(weights * log_weights, axis=-1)
        self.add_loss(-self.settings["entropy"] * ops.sum(real * entropy) / ops.maximum(ops.sum(real), 1))
        self.baseline.assign(
            self.baseline + 0.1 * ops.sum(gained) / total
        )  # 0.9 of it and 0.1 of a word's log-likelihood


def drawn(weights, chance):
    """One region of each R, drawn by a number: weights (..., R) and chance (...) in [0, 1) -> (..., R), 1 for it and 0 elsewhere.

    The weights lie end to end, and the region is the one in whose stretch the number falls: as likely as its weight.
    """
    ends = ops.cumsum(ops.cast(weights, "float32"), axis=-1)
    passed = ends <= chance[..., None] * ends[..., -1:]
    return ops.one_hot(ops.sum(ops.cast(passed, "int32"), axis=-1), weights.shape[-1], dtype=weights.dtype)


def drawing_attention(query, keys, annotations, score, chance, draws):
    """As :func:`.parts.additive_attention`, but where ``draws`` (B,) is 1 one region is seen, drawn by ``chance`` (B,)."""
    _, weights = additive_attention(query, keys, annotations, score)
    seen = ops.where(draws[:, None] > 0, drawn(weights, chance), weights)
    return ops.matmul(seen[:, None], annotations)[:, 0], weights
