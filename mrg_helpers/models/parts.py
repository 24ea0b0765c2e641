"""What several models of the family are made of."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from ..vocabulary import PAD, START, UNK

NEVER = -1e9  # the logit of what cannot be; finite, so that its gradient is a number


class Regions(keras.layers.Layer):
    """What is seen: the regions of an image, each with its place, and the findings that they show.

    Args:
        count: R. units: U. concepts: names of the C findings that each region is asked for; may be empty.
        dropout, feature_dropout: shares of the regions' and of the features' entries that are dropped in training.
    """

    def __init__(self, count: int, units: int, concepts: Sequence[str], dropout: float, feature_dropout: float):
        super().__init__(name="regions")
        self.count = count
        self.encoder = keras.layers.Dense(units, name="encoder")
        spread = keras.initializers.RandomNormal(stddev=0.5)
        self.position = keras.layers.Embedding(count, units, spread, name="position")
        self.find = keras.layers.Dense(len(concepts), name="find") if concepts else None
        self.drop = keras.layers.Dropout(dropout)
        self.drop_features = keras.layers.Dropout(feature_dropout)

    def look(self, features, training=False):
        """Features (B, R, D) -> annotations (B, R, U) and, as logits, the findings that each shows (B, R, C)."""
        annotations = self.encoder(self.drop_features(features, training=training))
        annotations = self.drop(ops.relu(annotations + self.position(ops.arange(self.count))), training=training)
        return annotations, None if self.find is None else self.find(annotations)


def smooth_maximum(logits, there=None):
    """What the regions together say: (B, R, C) -> (B, C); one region that is sure is enough, as many that suspect it are.

    ``there`` (B, R) is 1 for those that count; the logits of the others have to be ``NEVER``.
    """
    count = np.log(logits.shape[1]) if there is None else ops.log(ops.sum(there, axis=1, keepdims=True))
    return ops.logsumexp(logits, axis=1) - count


def mean_of_some(annotations, there):
    """The mean over the regions that are there: (B, R, U), (B, R) -> (B, U); zeros where none is."""
    count = ops.maximum(ops.sum(there, axis=1, keepdims=True), 1)
    return ops.einsum("br,bru->bu", there, annotations) / count


def found_loss(true, logits, weight: float):
    """What asking the image for its C findings costs: the true ones and the logits, (B, C) -> a scalar."""
    losses = keras.losses.binary_crossentropy(true, logits, from_logits=True)  # (B,)
    return weight * logits.shape[-1] * ops.mean(losses)


def said_loss(said, answers, ended):
    """What it costs to ask, at each full stop, what the sentence that ends has asserted: the cross-entropy, mean over sentences.

    Args:
        said, answers: (B, T, C), 1 where it asserts the finding, and how surely, as logits. ended: (B, T), 1 at a full stop.
    """
    losses = keras.losses.binary_crossentropy(said, answers, from_logits=True)  # (B, T), mean over findings
    return said.shape[-1] * ops.sum(losses * ended) / ops.maximum(ops.sum(ended), 1)


def look_losses(inputs, shown, weights, concept_weight: float, guide: float) -> list:
    """What training asks of the regions besides the words.

    Args:
        inputs: the batch dictionary, with ``"concepts"`` (B, C) and ``"said"`` (B, T, C).
        shown: (B, R, C), of :class:`Regions`. weights: (B, T, R), the attention.
        concept_weight: of the question for the findings. guide: of :func:`misplaced`; 0 does not ask.
    """
    asked = [found_loss(inputs["concepts"], smooth_maximum(shown), concept_weight)]
    if guide:  # attention follows what the regions show, it does not lead
        asked.append(guide * misplaced(weights, inputs["said"], ops.stop_gradient(shown)))
    return asked


def misplaced(weights, said, shown):
    """How far the attention is from where a sentence's findings are shown: their cross-entropy, mean over words, a scalar.

    Args:
        weights: (B, T, R), the attention. said: (B, T, C), 1 where the word's sentence asserts the finding. shown: (B, R, C),
            how surely each region shows it, as logits. Words of sentences that assert nothing do not count.
    """
    named = ops.sum(said, axis=-1)  # (B, T)
    counts = ops.cast(named > 0, weights.dtype)
    wanted = ops.einsum("btc,brc->btr", said, ops.softmax(shown, axis=1)) / ops.maximum(named, 1)[..., None]
    losses = -ops.sum(wanted * ops.log(weights + 1e-6), axis=-1)  # (B, T)
    return ops.sum(losses * counts) / ops.maximum(ops.sum(counts), 1)


def doubly_stochastic(weights, tokens):
    """How unevenly the attention of a report covers the image (equation 14 of Show, Attend and Tell), as a scalar.

    The attention that a region gets over all words would be T / R if every region got the same; the penalty is the squared relative
    distance from that, averaged over regions and reports. Padding does not count.

    Args:
        weights: (B, T, R). tokens: (B, T), 0 where there is no word.
    """
    real = ops.cast(ops.not_equal(tokens, PAD), weights.dtype)  # (B, T)
    received = ops.sum(weights * real[..., None], axis=1)  # (B, R)
    even = ops.sum(real, axis=1, keepdims=True) / weights.shape[-1]
    return ops.mean(ops.square(received / even - 1))


def forget(tokens, share: float, seed_generator):
    """Word dropout (Bowman et al., arXiv:1511.06349): some of the words that are read become ``<unk>``."""
    lost = keras.random.uniform(ops.shape(tokens), seed=seed_generator) < share
    return ops.where(ops.logical_and(lost, tokens > START), UNK, tokens)


class Recomputed(keras.layers.Layer):
    """A function of tensors for a loop over words, whose training keeps nothing of it: for the gradient it is computed again.

    The hidden layer of additive attention, B x R x A numbers for every word, would be most of the memory of a training step. And
    most of its time, too: so it is compiled as a whole, forwards and backwards, and goes through the memory once. Compiling takes
    a tenth of a second for each new shape, which is longer than a few studies take: outside of training it is called as it is
    where there are fewer rows than ``MANY``.
    """

    MANY = 64

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.forward = forward = tf.function(function, jit_compile=True)

        @tf.function(jit_compile=True)
        def backward(tensors, upstream):
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                results = function(*tensors)
            return tape.gradient(results, tensors, output_gradients=upstream)

        @tf.custom_gradient
        def compiled(*tensors):
            return forward(*tensors), lambda *upstream: backward(tensors, upstream)

        self.compiled = compiled

    def call(self, *tensors, training=False):
        tensors = [tf.convert_to_tensor(tensor) for tensor in tensors]  # a variable among them would lose its gradient
        if training:  # which Keras passes on from the model that is called
            return self.compiled(*tensors)
        many = tf.shape(tensors[0])[0] >= self.MANY  # known only when it runs: one graph serves batches of all sizes
        return tf.cond(many, lambda: self.forward(*tensors), lambda: self.function(*tensors))


def log_frequencies(sequences: Sequence[Sequence[int]], words: int) -> np.ndarray:
    """How often each of the V words is said in the training reports, as (V,) log-probabilities: where an output bias starts.

    Every word counts once more than it is said, so that none is impossible.
    """
    counts = np.bincount(np.concatenate([ids[1:] for ids in sequences]), minlength=words) + 1.0
    return np.log(counts / counts.sum()).astype("float32")


def additive_attention(query, keys, annotations, score, mask=0.0):
    """Additive attention (Bahdanau et al., arXiv:1409.0473): where to look, and what is seen there.

    (The two products could be an einsum each; the gradient of these is quicker.)

    Args:
        query: (B, A), the decoder's state, projected. keys: (B, R, A), the regions, projected.
        annotations: (B, R, U), the regions. score: (A,), turns a hidden layer into a number.
        mask: (B, R), 0 for a region that can be looked at and ``NEVER`` for one that cannot, or 0 for all.

    Returns:
        context (B, U), the weighted mean of the annotations, and weights (B, R), positive, with the sum 1.
    """
    hidden = ops.tanh(keys + query[:, None, :])  # (B, R, A)
    scores = tf.linalg.matvec(hidden, score) + mask  # (B, R)
    weights = ops.softmax(scores, axis=-1)
    return ops.matmul(weights[:, None, :], annotations)[:, 0], weights


def masked(there):
    """From (B, R), 1 where there is something to look at, to a mask for the scores, of the same type."""
    return ops.cast(ops.where(there > 0, 0.0, NEVER), there.dtype)


def attend(query, keys, values, heads: int, visible=None):
    """Scaled dot-product attention with several heads (Vaswani et al., arXiv:1706.03762).

    Args:
        query: (B, T, U). keys, values: (B, S, U). visible: bool, to be broadcast to (B, T, S); None: all is.

    Returns:
        context (B, T, U), the heads side by side, and weights (B, T, S), the heads' mean; each row sums to 1.
    """

    def split(tensor):
        batch, length = ops.shape(tensor)[:2]
        return ops.reshape(tensor, (batch, length, heads, tensor.shape[-1] // heads))

    scores = ops.einsum("bthd,bshd->bhts", split(query), split(keys)) * (query.shape[-1] // heads) ** -0.5
    scores = ops.cast(scores, "float32")
    if visible is not None:
        scores = ops.where(visible[:, None], scores, -1e9)
    weights = tf.nn.softmax(scores)  # that of keras warns of a report of one word
    context = ops.einsum("bhts,bshd->bthd", ops.cast(weights, values.dtype), split(values))
    return ops.reshape(context, ops.shape(query)), ops.mean(weights, axis=1)


def causal(length):
    """What each of T words may look at, itself and those before it: (1, T, T) bool."""
    places = ops.arange(length)
    return (places[None, :] <= places[:, None])[None]


def written(cache, new, place):
    """The cache (B, M, U) with ``new`` (B, 1, U) at the ``place`` (B,) of each row."""
    here = ops.equal(ops.arange(cache.shape[1])[None], place[:, None])  # (B, M)
    return ops.where(here[..., None], new, cache)


class Look(keras.layers.Layer):
    """Additive attention (Bahdanau et al., arXiv:1409.0473) of a recurrent state.

    Args:
        attention_units: A, size of the hidden layer that scores a place.
    """

    def __init__(self, attention_units: int, name: str):
        super().__init__(name=name)
        self.key = keras.layers.Dense(attention_units, name="key")
        self.query = keras.layers.Dense(attention_units, use_bias=False, name="query")
        spread = keras.initializers.RandomNormal(stddev=attention_units**-0.5)
        self.score = self.add_weight(shape=(attention_units,), initializer=spread, name="score")
        self.attention = Recomputed(additive_attention)

    def look(self, hidden, keys, values, there=None):
        """Where a state (B, U) looks, by the keys (B, S, A) that ``key`` made, and what it sees there, the mean of the values.

        ``there`` (B, S) is 1 for the places that can be looked at. Returns context (B, U), weights (B, S); they sum to 1.
        """
        mask = () if there is None else (masked(there),)
        return self.attention(self.query(hidden), keys, values, self.score, *mask)
