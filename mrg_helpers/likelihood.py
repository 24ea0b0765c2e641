"""How likely a model finds a report that is already written, word by word.

Explained in ``notebooks/06_does_the_model_look.ipynb``.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from .models.base import ReportModel
from .vocabulary import PAD, START, UNK


def word_log_probs(model: ReportModel, features: np.ndarray, tokens: np.ndarray, batch_size: int = 64) -> np.ndarray:
    """The log-probability of each word of given reports, under teacher forcing.

    Args:
        features: (N, R, D). tokens: (N, T), the words of the reports, ``<start>`` not among them, padded at the end.

    Returns:
        (N, T) float32, in nats, among the words that a report may contain; 0 at padding. For a report that the model wrote from
        the same features these are the ``log_probs`` of its ``decoding.Generation``.
    """
    read = np.concatenate([np.full((len(tokens), 1), START, "int32"), tokens[:, :-1]], axis=1)
    found = np.zeros(tokens.shape, "float32")
    for first in range(0, len(tokens), batch_size):
        some = slice(first, first + batch_size)
        inputs = {"features": features[some].astype("float32"), "tokens": read[some].astype("int32")}
        batch = {name: tf.convert_to_tensor(value) for name, value in inputs.items()}
        found[some] = _of_batch(model, batch, tf.convert_to_tensor(tokens[some], tf.int32))
    return found


@tf.function(reduce_retracing=True)
def _of_batch(model: ReportModel, inputs: dict, said):
    logits = model(inputs, training=False)  # (B, T, V)
    never = tf.reduce_sum(tf.one_hot([PAD, START, UNK], len(model.words)), axis=0) * -1e9
    found = tf.gather(tf.nn.log_softmax(logits + never), said, batch_dims=2)
    return tf.where(said == PAD, 0.0, found)
