"""What a model can learn from besides the true words: its own words, and what they are worth. Once, for all models.

Each objective is a *step* for :func:`mrg_helpers.training.fit`, ``step(model, optimizer, inputs, targets) -> loss``, to be taken
in place of ``training.train_step``. Explained in ``notebooks/08_exposure_bias.ipynb``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf

from . import findings
from .batches import Examples, pad
from .decoding import Decoding, generate
from .metrics import Cider
from .searches import never_written, word_by_word
from .training import masked_loss
from .vocabulary import PAD, START, Vocabulary

Reward = Callable[[np.ndarray, np.ndarray], np.ndarray]


def teacher_forcing(steps: int, label_smoothing: float = 0.0, scheduled_sampling: float = 0.0) -> Callable:
    """The true words, with one or both of two changes.

    Args:
        steps: of the whole training.
        label_smoothing: share of the probability that the target spreads evenly over all words (Szegedy et al.,
            arXiv:1512.00567), so that the model is never asked to be certain.
        scheduled_sampling: how likely, at the end of the training, the model reads its own word in place of the true one; from
            0 at its beginning it grows evenly (Bengio et al., NeurIPS 2015, arXiv:1506.03099). Its own words are drawn for all
            places at once from what it says under teacher forcing (Mihaylova and Martins, ACL 2019, arXiv:1906.07651), so
            that this works for every model and costs one more pass.
    """

    def step(model, optimizer, inputs, targets):
        given = inputs
        if scheduled_sampling:
            done = tf.cast(optimizer.iterations, tf.float32) / steps
            seeds = _seeds(optimizer, 2)
            said = _drawn(model(inputs, training=False), seeds[0])
            given = inputs | {"tokens": mixed(inputs["tokens"], said, scheduled_sampling * done, seeds[1])}
        with tf.GradientTape() as tape:
            logits = model(given, training=True)
            total = masked_loss(logits, targets, inputs["emphasis"]) + sum(model.losses)
            if label_smoothing:
                even = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=-1)  # (B, T), cross-entropy of all words alike
                real = tf.cast(targets != PAD, logits.dtype)
                total += label_smoothing * (
                    tf.reduce_sum(even * real) / tf.reduce_sum(real) - masked_loss(logits, targets)
                )
        _learn(model, optimizer, tape, total)
        return masked_loss(logits, targets)

    return step


def mixed(true, said, probability, seed):
    """The words to read: at each place, independently, the model's own with some probability; the start and the padding stay.

    Args:
        true: (B, T), the words that are read under teacher forcing. said: (B, T), what the model says after each of them.
        probability: a scalar. seed: (2,) int32.
    """
    own = tf.concat([true[:, :1], said[:, :-1]], axis=1)
    change = tf.random.stateless_uniform(tf.shape(true), seed) < probability
    return tf.where(change & (true != PAD), own, true)


def self_critical(reward: Reward, max_length: int, weight: float = 0.9) -> Callable:
    """Self-critical sequence training (Rennie et al., CVPR 2017, arXiv:1612.00563): REINFORCE on whole reports.

    The model draws a report and writes its likeliest one. Where the drawn one is worth more, its words become likelier, where it
    is worth less, less likely: the likeliest report is the baseline, and no critic has to be trained.

    Args:
        reward: what reports are worth, see :func:`cider_reward`.
        max_length: the most words that are drawn.
        weight: of this loss; the rest is that of the true words, which keeps the language whole (Paulus et al., ICLR 2018,
            arXiv:1705.04304).

    The loss that is returned is still that of the true words.
    """
    drawn, likeliest = Decoding("sample", max_length), Decoding("greedy", max_length)

    def step(model, optimizer, inputs, targets):
        seed = _seeds(optimizer, 1)[0]
        tokens, best = (word_by_word(model, inputs, how, seed)[0] for how in (drawn, likeliest))  # (B, S)

        def gain(tokens, best, targets):
            return (reward(tokens, targets) - reward(best, targets)).astype("float32")

        gained = tf.ensure_shape(tf.numpy_function(gain, [tokens, best, targets], tf.float32), [None])  # (B,)
        read = tf.concat([tf.fill([tf.shape(tokens)[0], 1], START), tokens[:, :-1]], axis=1)
        real = tf.cast(tokens != PAD, tf.float32)
        with tf.GradientTape() as tape:
            logits = model(inputs | {"tokens": read}, training=False)
            logits += never_written(logits.shape[-1])  # as when they were drawn
            surprise = tf.nn.sparse_softmax_cross_entropy_with_logits(tokens, logits) * real
            own = tf.reduce_sum(gained[:, None] * surprise) / tf.reduce_sum(real)
            forced = model(inputs, training=True)
            true = masked_loss(forced, targets, inputs["emphasis"]) + sum(model.losses)
            total = weight * own + (1 - weight) * true
        _learn(model, optimizer, tape, total)
        return masked_loss(forced, targets)

    return step


def cider_reward(vocabulary: Vocabulary, training_tokens: Sequence[Sequence[int]]) -> Reward:
    """Reports and true reports, ids (B, S) and (B, T) -> a tenth of the CIDEr of each, (B,); the corpus is the training reports."""
    score = Cider([[_words(vocabulary, ids)] for ids in training_tokens])

    def reward(written, true):
        truths = [[_words(vocabulary, ids)] for ids in true]
        return score(truths, [_words(vocabulary, ids) for ids in written]) / 10

    return reward


def finding_reward(vocabulary: Vocabulary) -> Reward:
    """Reports and true reports, ids (B, S) and (B, T) -> the F1 of the findings that each asserts, (B,); 1 where neither does."""

    def reward(written, true):
        pairs = [
            [findings.abnormal(vocabulary.decode(ids)) for ids in both] for both in zip(written, true, strict=True)
        ]
        return np.array([2 * len(a & b) / (len(a) + len(b)) if a or b else 1.0 for a, b in pairs])

    return reward


def shortfall(reward: Reward, examples: Examples, max_length: int) -> Callable:
    """A judge for ``training.fit``: what the reports that a model writes for some examples lack, on average, to a reward of 1."""
    true = pad(examples.tokens)

    def judge(model) -> float:
        written = generate(model, examples.read, examples.rows, Decoding(max_length=max_length))
        return 1 - float(np.mean(reward(written.tokens, true)))

    return judge


def _words(vocabulary: Vocabulary, ids: Sequence[int]) -> tuple[str, ...]:
    return tuple(vocabulary.decode(ids).lower().split())


def _drawn(logits, seed):
    """A word for each place, as likely as the model has it: (B, T, V) -> (B, T); none that is never written."""
    logits += never_written(logits.shape[-1])
    flat = tf.reshape(logits, [-1, logits.shape[-1]])
    return tf.reshape(tf.random.stateless_categorical(flat, 1, seed, tf.int32), tf.shape(logits)[:2])


def _seeds(optimizer, count: int):
    """Seeds that follow from the step, so that a training that was cut short goes on as if it had not been: (count, 2)."""
    step = tf.cast(optimizer.iterations, tf.int32)
    return [tf.stack([number, step]) for number in range(count)]


def _learn(model, optimizer, tape, total) -> None:
    gradients = tape.gradient(total, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
