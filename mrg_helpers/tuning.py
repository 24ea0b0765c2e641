"""Teach the image network itself: findings from whole pictures, before its features are put into the cache.

The features of a network that has learnt something about X-rays are worth more than those of one that has not. Two ways to
get them without a box and without a doctor's labels: go on with the last block of a network that knows photographs
("fine-tuning"), or train the first blocks from random weights, if there are enough pictures. Both ask each region for the
findings that the training reports assert, as the decoder will (multiple-instance learning, Fang et al., CVPR 2015,
arXiv:1411.4952). The question is first learnt alone, from the features as they are (Kumar et al., ICLR 2022, arXiv:2202.10054).

Explained in ``notebooks/07_the_family.ipynb``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm.keras import TqdmCallback

from .encoders import Extractor
from .extraction import load_images
from .models.parts import smooth_maximum
from .weights import put, save_part
from .whitening import channel_statistics

SHIFT = 1 / 32  # of a picture's side, the most that it is moved in training
KNOWN = 1000  # pictures from which the question, and the statistics of the normalisations, are first learnt


class Pictures(keras.utils.PyDataset):
    """Batches of pictures with what is to be seen on them, read while the network computes.

    Args:
        files: N image files. truth: (N, C), which findings each shows. size, resize: see :func:`mrg_helpers.images.fit`.
        seed: of the order, another one each epoch; None: as they are.
    """

    def __init__(self, files: Sequence[str], truth, size: int, resize: str, batch_size: int, seed: int | None = None):
        super().__init__(workers=2, max_queue_size=8)
        self.files, self.truth = np.asarray(files), np.asarray(truth, "float32")
        self.size, self.resize, self.batch_size = size, resize, batch_size
        self.rng = None if seed is None else np.random.default_rng(seed)
        self.order = np.arange(len(self.files))
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        if self.rng is not None:
            self.order = self.rng.permutation(len(self.files))

    def __len__(self) -> int:
        return -(-len(self.files) // self.batch_size)

    def __getitem__(self, number: int):
        some = self.order[number * self.batch_size : (number + 1) * self.batch_size]
        return load_images(self.files[some], self.size, self.resize), self.truth[some]


class Held(keras.layers.Layer):
    """A network that learns and holds the statistics of its batch normalisations.

    A picture then looks the same whatever others are in its batch, and what the question has learnt is still true when the
    network begins to. (To call the network with ``training=False`` where a model is put together does not hold them: ``fit``
    calls the whole model with ``training=True``, and Keras 3 hands that down, see keras-team/keras issue 20285.)
    """

    def __init__(self, network: keras.Model):
        super().__init__(name="network")
        self.network = network

    def call(self, pixels):
        return self.network(pixels, training=False)


def tune(
    extractor: Extractor,
    images: pd.DataFrame,
    truth: np.ndarray,
    path: str | Path,
    after: str = "",
    resize: str = "pad",
    epochs: int = 8,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    seed: int = 0,
    progress: bool = True,
) -> pd.DataFrame:
    """Train the layers of an extractor's network and write its weights to a file that ``find_weights`` takes.

    Args:
        extractor: the network with the weights to begin with; it is left as it is.
        images: a row a picture, ``path`` and ``split``; those of ``"train"`` are learnt, those of ``"val"`` judge each epoch.
        truth: (N, C), which of C findings each picture shows.
        path: of the file to write, ``.npz``: the weights of the epoch with the best validation loss, which may be those that
            it began with.
        after: the layer after which the network learns; what comes before stays. Empty: everything learns, from whatever
            weights, and the batch normalisations take the statistics of the training pictures first.
        resize: see :mod:`mrg_helpers.images`.
        learning_rate: the highest; up in the first tenth of the steps, then down along a cosine.

    Returns:
        a row an epoch: ``epoch``, ``loss``, ``auc``, ``val_loss``, ``val_auc``; the first, 0, is the network before it learns.

    Raises:
        ValueError: if there is nothing to learn from or to judge by, or no layer ``after``.
    """
    keras.utils.set_random_seed(seed)
    splits = {name: np.flatnonzero(images["split"] == name) for name in ("train", "val")}
    for name, rows in splits.items():
        if not len(rows):
            raise ValueError(f"there is no picture in the split {name!r}; an image network cannot be tuned without")
    files, size = images["path"].to_numpy(), extractor.image_size
    some = splits["train"][:KNOWN]
    shown = [load_images(files[some[k : k + batch_size]], size, resize) for k in range(0, len(some), batch_size)]
    network = keras.models.clone_model(extractor.network)
    put(network, extractor.network.get_weights())
    if after:
        _freeze(network, after)
    else:
        _calibrate(network, (extractor.prepare(grey[..., None]) for grey in shown))
    pixels = keras.Input((size, size))
    seen = keras.layers.Reshape((size, size, 1))(pixels)
    seen = keras.layers.RandomTranslation(SHIFT, SHIFT, fill_mode="nearest", seed=seed)(seen)
    seen = keras.layers.RandomContrast(0.2, value_range=(0, 255), seed=seed)(seen)
    grid = keras.layers.Lambda(extractor.pool)(Held(network)(extractor.prepare(seen)))  # (B, H, W, D)
    regions = keras.Model(pixels, keras.layers.Reshape((-1, grid.shape[-1]))(grid))  # (B, R, D)
    # Moved, as they will be seen in training.
    known = np.concatenate([regions(grey, training=True) for grey in shown])
    scale, find = _question(known, truth[some], batch_size)
    answers = find(keras.layers.Dropout(0.2, seed=seed)(scale(regions.output)))  # (B, R, C)
    model = keras.Model(pixels, keras.layers.Lambda(smooth_maximum)(answers))

    training, validation = (
        Pictures(files[rows], truth[rows], size, resize, batch_size, order)
        for rows, order in ((splits["train"], seed), (splits["val"], None))
    )
    steps = epochs * len(training)
    rate = keras.optimizers.schedules.CosineDecay(
        learning_rate / 10, max(1, steps - steps // 10), warmup_target=learning_rate, warmup_steps=max(1, steps // 10)
    )
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=1e-4, global_clipnorm=1.0),
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.AUC(multi_label=True, num_labels=truth.shape[1], from_logits=True, name="auc")],
    )
    before = {f"val_{name}": value for name, value in model.evaluate(validation, verbose=0, return_dict=True).items()}
    start = network.get_weights()
    best = keras.callbacks.EarlyStopping("val_loss", patience=epochs, restore_best_weights=True)
    bars = [TqdmCallback(verbose=1, desc="tuning")] if progress else []
    history = model.fit(training, validation_data=validation, epochs=epochs, verbose=0, callbacks=[best, *bars]).history
    if before["val_loss"] <= min(history["val_loss"]):
        put(network, start)
    save_part(network, extractor.layer, path)
    return (
        pd.concat([pd.DataFrame([before]), pd.DataFrame(history)], ignore_index=True).rename_axis("epoch").reset_index()
    )


def _freeze(network: keras.Model, after: str) -> None:
    """Let only what comes after a layer learn."""
    if after not in [one.name for one in network.layers]:
        raise ValueError(
            f"there is no layer {after!r} before the one that is wanted; the network cannot learn after it"
        )
    before = {one.name for one in keras.Model(network.input, network.get_layer(after).output).layers}
    for one in network.layers:
        one.trainable = one.name not in before


def _calibrate(network: keras.Model, batches: Iterable) -> None:
    """Let the batch normalisations know the mean and the variance of these batches, and nothing else."""
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for k, batch in enumerate(batches):
        for norm in norms:
            norm.momentum = k / (k + 1)  # the mean of all batches so far
        network(batch, training=True)


def _question(raw: np.ndarray, truth: np.ndarray, batch_size: int):
    """Two layers that ask the regions for findings, and have learnt to from what the network says before it learns.

    A question that knows nothing yet would send the network gradients that mean nothing, and would spoil it first.

    Args:
        raw: (N, R, D), the regions of some training pictures. truth: (N, C).

    Returns:
        (B, R, D) -> (B, R, D), how far each region is from what the average picture shows there, in deviations of the channel;
        and (B, R, D) -> (B, R, C), with logits.
    """
    _, std = channel_statistics(raw, np.arange(len(raw)))
    scale = keras.layers.Normalization((1, 2), raw.mean(axis=0), np.broadcast_to(std**2, raw.shape[1:]), name="scale")
    find = keras.layers.Dense(truth.shape[1], name="find")
    probe = keras.Sequential([keras.Input(raw.shape[1:]), scale, find, keras.layers.Lambda(smooth_maximum)])
    probe.compile(keras.optimizers.AdamW(1e-2, weight_decay=0.1), keras.losses.BinaryCrossentropy(from_logits=True))
    probe.fit(raw, truth.astype("float32"), batch_size, epochs=40, verbose=0)
    return scale, find
