"""InceptionV3 as a feature extractor: which weights it runs with, and the network up to one of its layers.

Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016 (arXiv:1512.00567).
Explained in ``notebooks/02_cache_inceptionv3_features.ipynb``.
"""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from . import download, paths

IMAGENET_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
IMAGENET_URL = "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/" + IMAGENET_FILE
IMAGENET_MD5 = "bcbd6486424b2319ff4ef7d526e38f63"
PRECISIONS = ("float32", "bfloat16", "float16")
RANDOM_NOTE = "random InceptionV3 features (ImageNet's weights were not used)"


class WeightsError(RuntimeError):
    """The weights that were asked for cannot be had."""


def imagenet_weights(url: str = IMAGENET_URL) -> Path:
    """The file with InceptionV3's ImageNet weights, from Keras' cache or from the net.

    Raises:
        WeightsError: if it is neither there nor can be downloaded, or the file there is not the right one.
    """
    home = Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))
    path = home / "models" / IMAGENET_FILE
    by_hand = f"download {IMAGENET_URL} on another machine and put it at {path}"
    if not path.exists():
        try:
            download.fetch(url, path)
        except (OSError, RuntimeError, ValueError) as error:
            raise WeightsError(f"{path}: no ImageNet weights here, and they cannot be downloaded; {by_hand}") from error
    # Keras would delete a file with the wrong sum before it tries to download; the reader should decide that.
    if hashlib.md5(path.read_bytes()).hexdigest() != IMAGENET_MD5:
        raise WeightsError(
            f"{path}: not the file it should be (its MD5 is not {IMAGENET_MD5}); delete it, then {by_hand}"
        )
    return path


def random_weights(folder: str | Path | None = None, seed: int = 0) -> Path:
    """A file with seeded random weights in ``folder``; made at the first call, then always the same file.

    The kernels are drawn with He's variance (2 / fan-in) by NumPy, whose generator gives the same numbers on every machine.
    """
    path = Path(folder or paths.data_dir() / "weights") / f"inception_v3_random_{seed}.weights.h5"
    if not path.exists():
        network = keras.applications.InceptionV3(include_top=False, weights=None)
        rng = np.random.default_rng(seed)
        for layer in network.layers:
            if isinstance(layer, keras.layers.Conv2D):
                shape = layer.kernel.shape
                layer.kernel.assign(rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape).astype("float32"))
        with paths.replacing(path) as temporary:
            network.save_weights(temporary)
    return path


@dataclass(frozen=True)
class Weights:
    """A weights file: ``source`` is ``"imagenet"``, ``"random"`` or the file's name; ``note`` is what figures have to say."""

    path: Path
    source: str
    note: str = ""


@functools.cache
def find_weights(weights: str = "auto", random_folder: str | Path | None = None) -> Weights:
    """The weights file that a name stands for.

    Args:
        weights: ``"imagenet"``; ``"random"`` (seeded, kept in ``random_folder``, by default under the folder of data); the path
            of a weights file (``.h5``, ``.weights.h5`` or ``.keras``); ``"auto"`` takes ImageNet's weights where they can be had
            and otherwise random ones, which it says loudly.

    Raises:
        WeightsError: if they cannot be had.
    """
    if weights == "auto":
        try:
            return Weights(imagenet_weights(), "imagenet")
        except WeightsError as error:
            print(
                f"!! {error}.\n!! Going on with RANDOM weights: this shows the method, not what ImageNet's features can do."
            )
            weights = "random"
    if weights == "imagenet":
        return Weights(imagenet_weights(), "imagenet")
    if weights == "random":
        return Weights(random_weights(random_folder), "random", RANDOM_NOTE)
    path = Path(weights).expanduser()
    if not path.is_file():
        raise WeightsError(f'{path}: no such weights file; give the path of one, "imagenet", "random" or "auto"')
    return Weights(path, path.name)


class Extractor:
    """InceptionV3 up to ``layer``, with everything its numbers depend on.

    Args:
        weights: from :func:`find_weights`.
        layer: name of any layer with a grid; ``mixed0`` ... ``mixed10`` are the ends of the inception blocks.
        image_size: side of the square input in pixels, at least 75.
        cells: side of the grid that the features are averaged onto, by area; 0 keeps the layer's own grid.
        precision: in which the convolutions compute: ``"float32"``; ``"bfloat16"``, quicker on processors that multiply it
            themselves (``avx512_bf16`` or ``amx_bf16`` in ``/proc/cpuinfo``) and slow elsewhere; ``"float16"``, for GPUs.

    Attributes:
        network: the network as Keras has it, in float32. grid: (H, W) of the regions. channels: D.
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
        if image_size < 75:
            raise ValueError(f"image_size is {image_size}: InceptionV3 needs at least 75 pixels")
        whole = keras.applications.InceptionV3(include_top=False, weights=None, input_shape=(image_size, image_size, 3))
        if layer not in [one.name for one in whole.layers if len(one.output.shape) == 4]:
            raise ValueError(f"InceptionV3 has no layer {layer!r}; the ends of its blocks are mixed0 ... mixed10")
        try:
            if weights.path.suffix == ".npz":
                load_part(whole, layer, weights.path)
            elif weights.path.suffix == ".keras":
                whole.set_weights(keras.saving.load_model(weights.path, compile=False).get_weights())
            else:
                whole.load_weights(weights.path)
        except WeightsError:
            raise
        except Exception as error:
            raise WeightsError(
                f"{weights.path}: these weights do not fit InceptionV3 without its top ({error})"
            ) from error
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

    @staticmethod
    def prepare(grey):
        """Grey pixels (B, size, size, 1), 0 to 255 -> what the network was trained with, (B, size, size, 3)."""
        return keras.ops.repeat(keras.ops.cast(grey, "float32") / 127.5 - 1, 3, axis=-1)

    def _regions(self, batch):
        features = tf.cast(self._fast(batch, training=False), "float32")
        return tf.einsum("hi,wj,bijd->bhwd", *self._average, features)

    def __call__(self, grey: np.ndarray) -> np.ndarray:
        """Square grey images (B, size, size) uint8 -> features (B, R, D) float32; the regions row by row."""
        scaled = grey[..., None].astype("float32") / 127.5 - 1  # to [-1, 1], as InceptionV3 was trained
        features = self._run(tf.constant(np.repeat(scaled, 3, axis=-1))).numpy()
        return features.reshape(len(grey), -1, self.channels)


def save_part(network: keras.Model, layer: str, path: str | Path) -> None:
    """Write the weights of a network that ends at ``layer`` as one ``.npz`` file, its kernels in float16."""
    values = [value.astype("float16") if value.ndim > 1 else value for value in network.get_weights()]
    with paths.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, layer=layer, **{f"w{k}": value for k, value in enumerate(values)})


def load_part(whole: keras.Model, layer: str, path: str | Path) -> None:
    """Put the weights that :func:`save_part` wrote into the whole network, of which the part up to ``layer`` is wanted.

    Raises:
        WeightsError: if the file ends before that layer.
    """
    with np.load(path) as stored:
        end = str(stored["layer"])
        known = keras.Model(whole.input, whole.get_layer(end).output)
        known.set_weights([stored[f"w{k}"].astype("float32") for k in range(len(known.weights))])
    names = {one.name for one in known.layers}
    if any(one.name not in names for one in keras.Model(whole.input, whole.get_layer(layer).output).layers):
        raise WeightsError(f"{path}: these weights end at {end}; choose that layer or one before it, not {layer}")


def folded(network: keras.Model, precision: str = "float32") -> keras.Model:
    """The same network, made for use and not for training: each batch normalisation is folded into the convolution before it.

    Once it is trained, a normalisation scales and shifts each channel by fixed numbers, and so can a convolution: with a
    scaled kernel and a bias it does both, and its output is carried through the memory once less. ``precision`` is that
    of the convolutions.
    """
    policy = "float32" if precision == "float32" else f"mixed_{precision}"

    def copy(layer):
        if isinstance(layer, keras.layers.BatchNormalization):
            return _Nothing(name=layer.name, dtype=policy)
        config = layer.get_config()
        if not isinstance(layer, keras.layers.InputLayer):
            config["dtype"] = policy
        if isinstance(layer, keras.layers.Conv2D):
            config["use_bias"] = True
        return type(layer).from_config(config)

    fast = keras.models.clone_model(network, clone_function=copy)
    for norm in network.layers:
        if isinstance(norm, keras.layers.BatchNormalization):
            convolution = norm.input._keras_history.operation
            scale = 1 / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)  # InceptionV3 has no gamma
            bias = norm.beta.numpy() - norm.moving_mean.numpy() * scale
            fast.get_layer(convolution.name).set_weights([convolution.kernel.numpy() * scale, bias])
    return fast


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
