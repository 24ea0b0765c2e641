"""Image networks as feature extractors: a network with its weights, up to one of its layers.

Explained in ``notebooks/02_cache_inceptionv3_features.ipynb``.
"""

from __future__ import annotations

import hashlib

import keras
import numpy as np
import tensorflow as tf

from .networks import find_network
from .weights import Weights, WeightsError, find_weights, load, set_weights

__all__ = ["Extractor", "Weights", "WeightsError", "area_weights", "find_weights", "folded"]

PRECISIONS = ("float32", "bfloat16", "float16")
CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
# What scales the pixels has few numbers to do, and they count.
IN_FULL = (keras.layers.InputLayer, keras.layers.Rescaling, keras.layers.Normalization)


class Extractor:
    """An image network up to ``layer``, with everything its numbers depend on.

    Args:
        weights: from :func:`mrg_helpers.weights.find_weights`; they say which network it is.
        layer: name of any layer with a grid, best of the end of a block: for InceptionV3 ``mixed0`` ... ``mixed10``, for the
            others see ``networks.NETWORKS``.
        image_size: side of the square input in pixels; InceptionV3 needs 75, the others 32.
        cells: side of the grid that the features are averaged onto, by area; 0 keeps the layer's own grid.
        precision: in which the convolutions compute: ``"float32"``; ``"bfloat16"``, quicker on processors that multiply it
            themselves (``avx512_bf16`` or ``amx_bf16`` in ``/proc/cpuinfo``) and slow elsewhere; ``"float16"``, for GPUs.

    Attributes:
        name: of the network. network: as Keras has it, in float32. grid: (H, W) of the regions. channels: D.
        prepare: grey pixels (B, size, size, 1), 0 to 255 -> what the network has learnt to see, (B, size, size, 3).
        fingerprint: of the weights up to the layer.

    Raises:
        WeightsError: if the weights do not fit.
        ValueError: if there is no such layer or precision, or the image is too small.

    Example:
        >>> extractor = Extractor(find_weights("random"), "mixed10")
        >>> extractor(batch).shape   # batch: (16, 299, 299) uint8
        (16, 64, 2048)
    """

    def __init__(
        self,
        weights: Weights,
        layer: str = "mixed10",
        image_size: int = 299,
        cells: int = 0,
        precision: str = "float32",
    ):
        if precision not in PRECISIONS:
            raise ValueError(f"precision is {precision!r}; it can be {', '.join(PRECISIONS)}")
        network = find_network(weights.network)
        if image_size < network.smallest:
            raise ValueError(f"image_size is {image_size}: {network.name} needs at least {network.smallest} pixels")
        whole = network.build(image_size)
        if layer not in [one.name for one in whole.layers if len(one.output.shape) == 4]:
            ends = ", ".join(network.ends)
            raise ValueError(f"{network.name} has no layer {layer!r}; the ends of its blocks are {ends}")
        try:
            load(whole, weights.path, layer)
        except WeightsError:
            raise
        except Exception as error:
            raise WeightsError(f"{weights.path}: these weights do not fit {network.name} ({error})") from error
        self.name, self.prepare = network.name, network.scale
        self.network = keras.Model(whole.input, whole.get_layer(layer).output)
        self.weights, self.layer, self.image_size, self.precision = weights, layer, image_size, precision
        self._fast = folded(self.network, precision)
        *own_grid, self.channels = self.network.output.shape[1:]
        self.grid = (cells, cells) if cells else tuple(own_grid)
        self._average = [tf.constant(area_weights(*sides)) for sides in zip(own_grid, self.grid, strict=True)]
        digest = hashlib.sha256()
        for value in self.network.get_weights():
            digest.update(value.tobytes())
        self.fingerprint = digest.hexdigest()[:16]
        self._run = tf.function(self._regions, reduce_retracing=True)

    def _regions(self, batch):
        return self.pool(tf.cast(self._fast(batch, training=False), "float32"))

    def pool(self, features):
        """From the layer's own grid to the regions: (B, H', W', D) -> (B, H, W, D), averages by area."""
        return tf.einsum("hi,wj,bijd->bhwd", *self._average, features)

    def __call__(self, grey: np.ndarray) -> np.ndarray:
        """Square grey images (B, size, size) uint8 -> features (B, R, D) float32; the regions row by row."""
        features = self._run(self.prepare(grey[..., None])).numpy()
        return features.reshape(len(grey), -1, self.channels)


def folded(network: keras.Model, precision: str = "float32") -> keras.Model:
    """The same network, made for use and not for training: batch normalisations are folded into the convolutions before them.

    Once it is trained, a normalisation scales and shifts each channel by fixed numbers, and so can a convolution: with a
    scaled kernel and a bias it does both, and its output is carried through the memory once less. Where a normalisation comes
    before its convolution, as in DenseNet, or others read what it reads, it stays. ``precision`` is that of the convolutions.
    """
    policy = "float32" if precision == "float32" else f"mixed_{precision}"
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    before = {norm.name: found for norm in norms if (found := _own_convolution(norm))}
    with_bias = {convolution.name for convolution in before.values()}

    def copy(layer):
        if layer.name in before:
            return _Nothing(name=layer.name, dtype=policy)
        config = layer.get_config()
        if isinstance(layer, keras.layers.Layer) and not isinstance(layer, IN_FULL):  # the others are sums and products
            config["dtype"] = policy
        if layer.name in with_bias:
            config["use_bias"] = True
        return type(layer).from_config(config)

    fast = keras.models.clone_model(network, clone_function=copy)
    for layer in network.layers:
        if layer.weights and layer.name not in before and layer.name not in with_bias:
            set_weights(fast.get_layer(layer.name), layer.get_weights())
    for norm in norms:
        if convolution := before.get(norm.name):
            scale = 1 / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
            scale = scale * norm.gamma.numpy() if norm.scale else scale
            mean = norm.moving_mean.numpy() - (convolution.bias.numpy() if convolution.use_bias else 0)
            bias = (norm.beta.numpy() if norm.center else 0) - mean * scale
            kernel = convolution.kernel.numpy()
            if isinstance(convolution, keras.layers.DepthwiseConv2D):
                kernel = kernel * scale.reshape(kernel.shape[2:])  # (height, width, channels, outputs of each)
            else:
                kernel = kernel * scale
            fast.get_layer(convolution.name).set_weights([kernel, bias])
    return fast


def _own_convolution(norm: keras.layers.BatchNormalization):
    """The convolution that a normalisation follows at once, and nothing else does; None if there is none."""
    layer = norm.input._keras_history.operation
    plain = isinstance(layer, CONVOLUTIONS) and layer.activation is keras.activations.linear
    return layer if plain and len(layer._outbound_nodes) == 1 else None


class _Nothing(keras.layers.Layer):
    """Stands where a batch normalisation was."""

    def call(self, inputs, training=None, mask=None):
        return inputs


def area_weights(own: int, wanted: int) -> np.ndarray:
    """How much of each cell of a grid of ``own`` cells lies in each of ``wanted`` cells over the same length.

    Returns:
        (wanted, own) float32; each row sums to 1. With ``own == wanted`` it is the identity.
    """
    edges, own_edges = np.linspace(0, 1, wanted + 1), np.linspace(0, 1, own + 1)
    overlap = np.minimum(edges[1:, None], own_edges[None, 1:]) - np.maximum(edges[:-1, None], own_edges[None, :-1])
    return (np.maximum(overlap, 0) * wanted).astype("float32")
