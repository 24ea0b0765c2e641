"""The same work as tutorials do it: one call of the decoder a word, and for decoding one study at a time.

It computes with the layers of a :class:`mrg_helpers.models.ShowAttendTell`, so its losses, gradients and texts are those of the
package; only the order of the work is another. It is not slowed down: what a tutorial compiles is compiled, and what it
computes once a report is computed once a report.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from mrg_helpers.models import ShowAttendTell
from mrg_helpers.vocabulary import END, PAD, START, UNK


class Decoder:
    """Encoder and decoder of a captioning tutorial, over the weights of a model (its paper's form: no findings are asked for)."""

    def __init__(self, model: ShowAttendTell):
        self.model = model

    def encode(self, features, training: bool = False):
        """Features (B, R, D) -> annotations (B, R, U) and the first state (B, U); once a report."""
        model = self.model
        annotations = tf.nn.relu(model.encoder(features) + model.position(tf.range(model.regions)))
        mean = tf.reduce_mean(annotations, axis=1)
        seen = model.normalise(mean, training=training) * mean.shape[-1] ** -0.5
        return annotations, model.start_state[0](seen)

    def __call__(self, words, annotations, hidden):
        """One word: (B,), (B, R, U), (B, U) -> logits (B, V), state (B, U); the annotations are projected at every word."""
        model = self.model
        scores = tf.tanh(model.score_region(annotations) + model.score_state(hidden)[:, None])  # (B, R, A)
        weights = tf.nn.softmax(tf.reduce_sum(scores * model.score, axis=-1), axis=-1)  # (B, R)
        context = model.gate(hidden) * tf.reduce_sum(weights[..., None] * annotations, axis=1)  # (B, U)
        embedded = model.embed(words)
        _, (hidden,) = model.cell(tf.concat([embedded, context], axis=-1), [hidden])
        joint = embedded + model.state_to_word(hidden) + model.context_to_word(context)
        return model.to_logits(tf.tanh(joint)), hidden


def loss(decoder: Decoder, features, tokens):
    """Teacher forcing, one call a word in a Python loop; tokens (B, T + 1) -> loss per real word, a scalar."""
    annotations, hidden = decoder.encode(features, training=True)
    total = words = 0.0
    for t in range(tokens.shape[1] - 1):
        logits, hidden = decoder(tokens[:, t], annotations, hidden)
        real = tf.cast(tokens[:, t + 1] != PAD, logits.dtype)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tokens[:, t + 1], logits)
        total, words = total + tf.reduce_sum(losses * real), words + tf.reduce_sum(real)
    return total / words


def train_step(decoder: Decoder, optimizer, features, tokens):
    """One step of training; a tutorial wraps it in ``tf.function``, which unrolls the loop."""
    with tf.GradientTape() as tape:
        value = loss(decoder, features, tokens)
    variables = decoder.model.trainable_variables
    optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
    return value


def greedy(decoder: Decoder, features, limit: int) -> list[int]:
    """The report of one study (1, R, D), word by word in Python."""
    annotations, hidden = decoder.encode(features)
    words, last = [], START
    while len(words) < limit and last != END:
        logits, hidden = decoder(tf.constant([last]), annotations, hidden)
        last = int(np.argmax(_allowed(logits)))
        words.append(last)
    return words


def beam(decoder: Decoder, features, limit: int, beams: int = 3, penalty: float = 0.7) -> list[int]:
    """The report of one study with the best log-probability for its length, one call a word and beam."""
    annotations, hidden = decoder.encode(features)
    kept = [([], 0.0, hidden)]  # words, log-probability, state
    for _ in range(limit):
        candidates = []
        for words, score, hidden in kept:
            if words and words[-1] == END:
                candidates.append((words, score, hidden))
                continue
            logits, following = decoder(tf.constant([words[-1] if words else START]), annotations, hidden)
            said = _log_softmax(_allowed(logits))
            best = np.argsort(-said, kind="stable")[:beams]
            candidates += [([*words, int(word)], score + said[word], following) for word in best]
        kept = sorted(candidates, key=lambda one: -one[1] / ((5 + len(one[0])) / 6) ** penalty)[:beams]
        if all(words[-1] == END for words, _, _ in kept):
            break
    return kept[0][0]


def _allowed(logits) -> np.ndarray:
    """Logits (1, V) -> (V,), without the words that are never written."""
    values = logits.numpy()[0].astype("float32")
    values[[PAD, START, UNK]] = -1e9
    return values


def _log_softmax(values: np.ndarray) -> np.ndarray:
    values = values - values.max()
    return values - np.log(np.exp(values).sum())


def extract(network, files: list[str], folder, size: int, batch_size: int = 16) -> None:
    """Features of PNG files: eager calls with a batch of images, and one ``.npy`` file for each image.

    Files are read and scaled in the background, as ``tf.data`` offers it.
    """

    def load(file):
        grey = tf.io.decode_png(tf.io.read_file(file), channels=3)
        return tf.image.resize(grey, (size, size), antialias=True) / 127.5 - 1, file

    images = tf.data.Dataset.from_tensor_slices(files).map(load, num_parallel_calls=tf.data.AUTOTUNE)
    for batch, names in images.batch(batch_size).prefetch(tf.data.AUTOTUNE):
        features = network(batch, training=False)
        features = tf.reshape(features, (features.shape[0], -1, features.shape[-1]))
        for one, name in zip(features, names, strict=True):
            np.save(folder / name.numpy().decode().rsplit("/", 1)[-1], one.numpy())
