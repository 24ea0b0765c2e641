"""How likely a model finds a report that is already written, word by word, and what else it considered.

Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb`` and ``notebooks/06_does_the_model_look.ipynb``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from .batches import batches_by_length
from .models.base import ReportModel
from .searches import never_written
from .vocabulary import PAD, START


def word_log_probs(
    model: ReportModel, features: np.ndarray, tokens: np.ndarray, batch_size: int = 64, **besides: np.ndarray
) -> np.ndarray:
    """The log-probability of each word of given reports, under teacher forcing.

    Args:
        features: (N, R, D). tokens: (N, T), the words of the reports, ``<start>`` not among them, padded at the end.
        besides: what else the model needs, such as ``indication=`` (N, L); see :class:`mrg_helpers.models.base.ReportModel`.

    Returns:
        (N, T) float32, in nats, among the words that a report may contain; 0 at padding. For a report that the model wrote from
        the same features these are the ``log_probs`` of its ``decoding.Generation``.
    """
    read = np.concatenate([np.full((len(tokens), 1), START, "int32"), tokens[:, :-1]], axis=1)
    found = np.zeros(tokens.shape, "float32")
    lengths = (np.asarray(tokens) != PAD).sum(axis=1)
    for some in batches_by_length(lengths, batch_size):
        longest = max(1, lengths[some].max())
        inputs = {"features": features[some].astype("float32"), "tokens": read[some, :longest].astype("int32")}
        inputs |= {name: value[some] for name, value in besides.items()}
        batch = {name: tf.convert_to_tensor(value) for name, value in inputs.items()}
        found[some, :longest] = _of_batch(model, batch, tf.convert_to_tensor(tokens[some, :longest], tf.int32))
    return found


@tf.function(reduce_retracing=True)
def _of_batch(model: ReportModel, inputs: dict, said):
    logits = model(inputs, training=False)  # (B, T, V)
    found = tf.gather(tf.nn.log_softmax(logits + never_written(len(model.words))), said, batch_dims=2)
    return tf.where(said == PAD, 0.0, found)


@dataclass(frozen=True)
class Considered:
    """What a model had in mind at each word of N reports, under teacher forcing.

    Attributes:
        tokens: (N, T, k) int32, the k likeliest words there, the likeliest first.
        probabilities: (N, T, k) float32.
        beta: (N, T) float32, how much of the context passed the gate; None for a model without a gate.
    """

    tokens: np.ndarray
    probabilities: np.ndarray
    beta: np.ndarray | None

    def alternatives(self, vocabulary, study: int, length: int) -> list[list[tuple[str, float]]]:
        """The words and their probabilities at the first ``length`` words of a report, as the attention browser takes them."""
        return [
            list(zip(vocabulary.tokens(ids), map(float, chances), strict=True))
            for ids, chances in zip(self.tokens[study, :length], self.probabilities[study, :length], strict=True)
        ]


def considered(
    model: ReportModel, read: Callable[[np.ndarray], dict], rows: Sequence[int], tokens: np.ndarray, k: int = 5
) -> Considered:
    """Run a model once over reports that are written, and note what else it considered at each word.

    Args:
        read, rows: see :func:`mrg_helpers.decoding.generate`; one row for each report. All reports are read at once.
        tokens: (N, T), as in a ``decoding.Generation``. k: alternatives a word.
    """
    inputs = {name: tf.convert_to_tensor(value) for name, value in read(np.asarray(rows)).items()}
    kept = min(k, len(model.words) - 3)
    found, chances, gates = _look(model, inputs, tf.convert_to_tensor(tokens, tf.int32), kept)
    return Considered(found.numpy(), chances.numpy(), gates[0].numpy() if gates else None)


@tf.function(reduce_retracing=True)
def _look(model: ReportModel, inputs: dict, tokens, k: int):
    """Tokens (N, T) -> the k likeliest words at each place and their probabilities, (N, T, k), and a list with beta (N, T), empty
    for a model without a gate. Compiled: word by word in Python it takes longer than all the rest of a draft."""
    state = model.start(inputs)
    memory, never = state["memory"], never_written(len(model.words))
    read = tf.concat([tf.fill(tf.shape(tokens[:, :1]), START), tokens[:, :-1]], axis=1)

    def gates(state):
        beta = model.beta(state)
        return [] if beta is None else [beta]

    def look(before, word):
        state = {"memory": memory, "cell": before[0]}
        logits, new, _ = model.step(word, state)
        best = tf.math.top_k(tf.nn.softmax(logits + never), k)
        return new["cell"], best.indices, best.values, gates(state)

    nothing = tf.repeat(tf.zeros_like(read[:, :1]), k, axis=1)  # (N, k)
    first = state["cell"], nothing, tf.cast(nothing, tf.float32), [tf.zeros_like(gate) for gate in gates(state)]
    _, found, chances, beta = tf.scan(look, tf.transpose(read), initializer=first)  # each (T, N, ...)
    return *(tf.transpose(one, [1, 0, 2]) for one in (found, chances)), [tf.transpose(gate) for gate in beta]
