"""The image networks that there are: a table of what differs between them.

* InceptionV3: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016 (arXiv:1512.00567); the one
  that the notebooks explain;
* DenseNet121: Huang et al., "Densely Connected Convolutional Networks", CVPR 2017 (arXiv:1608.06993); CheXNet's network;
* EfficientNetB0: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019
  (arXiv:1905.11946);
* MobileNetV3Large: Howard et al., "Searching for MobileNetV3", ICCV 2019 (arXiv:1905.02244).

They are the small ones of their families, so that two cores see a thousand X-rays in minutes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/"
MEAN = np.array([0.485, 0.456, 0.406], "float32")  # of ImageNet's photographs: red, green, blue, between 0 and 1
DEVIATION = np.array([0.229, 0.224, 0.225], "float32")


@dataclass(frozen=True)
class Network:
    """An image network as Keras has it.

    Attributes:
        name: as papers write it.
        constructor: of ``keras.applications``.
        scale: grey pixels (B, S, S, 1), 0 to 255 -> what the network has learnt to see, (B, S, S, 3) float32.
        url, md5: of ImageNet's weights without the top.
        smallest: side of the smallest input, in pixels.
        ends: the last layers of its blocks, the sensible places to cut it.
    """

    name: str
    constructor: Callable[..., keras.Model]
    scale: Callable
    url: str
    md5: str
    smallest: int
    ends: tuple[str, ...]

    def build(self, size: int | None = None) -> keras.Model:
        """The network without its top, with weights that nobody trained, for square inputs of that side or of any."""
        return self.constructor(include_top=False, weights=None, input_shape=(size, size, 3))


def _colour(grey):
    """As they are, three times."""
    return ops.repeat(ops.cast(grey, "float32"), 3, axis=-1)


def _signed(grey):
    """Between -1 and 1."""
    return _colour(grey) / 127.5 - 1


def _standardised(grey):
    """Each channel as if its mean and deviation were those of photographs."""
    return (_colour(grey) / 255 - MEAN) / DEVIATION


NETWORKS = {
    "inception_v3": Network(
        "InceptionV3",
        keras.applications.InceptionV3,
        _signed,
        KERAS + "inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "bcbd6486424b2319ff4ef7d526e38f63",
        smallest=75,
        ends=tuple(f"mixed{k}" for k in range(11)),
    ),
    "densenet121": Network(
        "DenseNet121",
        keras.applications.DenseNet121,
        _standardised,
        KERAS + "densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "30ee3e1110167f948a6b9946edeeb738",
        smallest=32,
        ends=("conv2_block6_concat", "conv3_block12_concat", "conv4_block24_concat", "relu"),
    ),
    "efficientnet_b0": Network(
        "EfficientNetB0",
        keras.applications.EfficientNetB0,
        _colour,  # it scales by itself, with numbers that belong to its weights
        "https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5",
        "50bc09e76180e00e4465e1a485ddc09d",
        smallest=32,
        ends=("block2b_add", "block3b_add", "block4c_add", "block5c_add", "block6d_add", "top_activation"),
    ),
    "mobilenet_v3_large": Network(
        "MobileNetV3Large",
        functools.partial(keras.applications.MobileNetV3Large, include_preprocessing=False),
        _signed,
        KERAS + "mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        "07fb09a5933dd0c8eaafa16978110389",
        smallest=32,
        ends=tuple(f"expanded_conv_{k}_add" for k in (2, 5, 9, 11, 14)),
    ),
}


def find_network(network: str) -> Network:
    """The network of that name.

    Raises:
        ValueError: if there is none.
    """
    if network not in NETWORKS:
        raise ValueError(f"there is no image network {network!r}; there are {', '.join(NETWORKS)}")
    return NETWORKS[network]
