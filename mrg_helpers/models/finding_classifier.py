"""Which findings does the image show? No words, only probabilities, and where they come from.

Rajpurkar et al., "CheXNet: Radiologist-level pneumonia detection on chest X-rays with deep learning", 2017 (arXiv:1711.05225): a
DenseNet121, the mean over its last grid, one linear layer with a logit for each finding, and a heat-map of each: the class
activation map (Zhou et al., CVPR 2016, arXiv:1512.04150). The pneumonia detection article that students follow draws the same
from one label. In comparison with them: the image network stays as it is and the features come from the cache, of whatever
extractor filled it; the labels are the findings that the training reports assert; in place of the mean, the regions can also be
asked one by one, since a small finding drowns in a mean.

It writes no report, so it is no :class:`mrg_helpers.models.base.ReportModel`: what a report model has to beat, and could be told.
:mod:`mrg_helpers.classification` measures it and puts its maps where attention is drawn and judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from .. import paths
from .parts import found_loss, smooth_maximum

if TYPE_CHECKING:
    from ..batches import Examples

POOLS = ("mean", "maximum")


class FindingClassifier:
    """A linear layer on the regions' features.

    Args:
        names: of the C findings.
        channels: D.
        pool: how the regions (B, R, C) become one answer (B, C): ``"mean"``, as in CheXNet, or ``"maximum"``, a smooth one: one
            region that is sure is enough (multiple-instance learning).
        seed: of the first weights and the order of the batches.

    Example:
        >>> train, valid = stages.examples(settings, "train"), stages.examples(settings, "val")
        >>> classifier = FindingClassifier(stages.concept_names(settings), cache.channels).fit(train, valid)
        >>> classifier.predict(train.read, rows)   # (N, C)
    """

    def __init__(self, names: Sequence[str], channels: int, pool: str = "mean", seed: int = 0):
        if pool not in POOLS:
            raise ValueError(f'pool is {pool!r}; it can be "mean" or "maximum"')
        if not names:
            raise ValueError("there is no finding to look for: give the name of one")
        self.names, self.channels, self.pool, self.seed = list(names), channels, pool, seed
        first = keras.initializers.GlorotUniform(seed=seed)
        self.layer = keras.layers.Dense(len(self.names), kernel_initializer=first)
        self.layer.build((None, channels))

    def logits(self, features):
        """Features (B, R, D) -> (B, C)."""
        answers = self.layer(features)  # (B, R, C)
        return ops.mean(answers, axis=1) if self.pool == "mean" else smooth_maximum(answers)

    def fit(
        self, train: Examples, valid: Examples, epochs: int = 40, batch_size: int = 32, learning_rate: float = 3e-3,
        decay: float = 0.1, patience: int = 8,
    ) -> FindingClassifier:  # fmt: skip
        """Learn from the examples' ``concepts`` (N, C), and keep the epoch with the lowest loss on ``valid``.

        Args:
            epochs, patience: at most so many, and so many without a better one. decay: of the weights (Loshchilov and Hutter,
                arXiv:1711.05101): a few hundred channels and a thousand patients learn by heart.
        """
        optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=decay)
        optimizer.build(self.layer.trainable_variables)

        @tf.function(reduce_retracing=True)
        def step(features, true):
            with tf.GradientTape() as tape:
                loss = found_loss(true, self.logits(features), 1.0)
            variables = self.layer.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

        rows, true, rng = (
            np.asarray(train.rows),
            np.asarray(train.concepts, "float32"),
            np.random.default_rng(self.seed),
        )
        losses, best = [], self.layer.get_weights()
        while len(losses) < epochs and len(losses) - int(np.argmin(losses or [0])) <= patience:
            order = rng.permutation(len(rows))
            for chosen in np.split(order, range(batch_size, len(order), batch_size)):
                step(train.read(rows[chosen])["features"], true[chosen])
            predicted = np.clip(self.predict(valid.read, valid.rows), 1e-7, 1 - 1e-7)
            losses.append(-np.log(np.where(valid.concepts, predicted, 1 - predicted)).mean())
            if losses[-1] == min(losses):
                best = self.layer.get_weights()
        self.layer.set_weights(best)
        return self

    def predict(self, read: Callable[[np.ndarray], dict], rows: Sequence[int]) -> np.ndarray:
        """The probability of each finding, (N, C); ``read`` and ``rows`` as in :class:`mrg_helpers.batches.Examples`."""
        return self._each(read, rows, lambda features: ops.sigmoid(self.logits(features)))

    def maps(self, read: Callable[[np.ndarray], dict], rows: Sequence[int]) -> np.ndarray:
        """Where each finding is seen, if it is: the class activation maps, as weights (N, C, R) that sum to 1 over the regions.

        A map holds what a region adds to the logit, w . f, where that is positive, in shares of the whole; if no region speaks
        for the finding, all have the same weight. Under the mean this is Grad-CAM (Selvaraju et al., arXiv:1610.02391): the
        gradient of the logit by a region's features is w / R, in every region. Features are whitened, so that what adds
        nothing is the average patient.
        """
        return self._each(read, rows, lambda features: shares(ops.relu(ops.matmul(features, self.layer.kernel))))

    def _each(self, read, rows, function, batch_size: int = 64) -> np.ndarray:
        rows = np.asarray(rows)
        batches = np.split(rows, range(batch_size, len(rows), batch_size))
        return np.concatenate([np.asarray(function(read(some)["features"])) for some in batches])

    def save(self, path: str | Path) -> None:
        """Write names, weights and pool as one ``.npz`` file, whole or not at all."""
        kernel, bias = self.layer.get_weights()
        with paths.replacing(Path(path).with_suffix(".npz")) as temporary:
            np.savez_compressed(temporary, names=self.names, pool=self.pool, kernel=kernel, bias=bias)

    @classmethod
    def load(cls, path: str | Path) -> FindingClassifier:
        """Read what :meth:`save` wrote."""
        with np.load(path) as stored:
            model = cls(stored["names"].tolist(), len(stored["kernel"]), str(stored["pool"]))
            model.layer.set_weights([stored["kernel"], stored["bias"]])
        return model


def shares(evidence):
    """Positive numbers (B, R, C) -> (B, C, R), each row with the sum 1; one of zeros becomes even."""
    evidence = ops.transpose(evidence, (0, 2, 1))
    total = ops.sum(evidence, axis=-1, keepdims=True)
    return ops.where(total > 0, evidence / ops.where(total > 0, total, 1.0), 1 / evidence.shape[-1])
