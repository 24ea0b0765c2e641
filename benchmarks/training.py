"""Teacher forcing: a step, the first step, an epoch of real lengths, and the memory of training on a large cache."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from mrg_helpers import training as package
from mrg_helpers.batches import batches_by_length, iterate, pad

from . import inputs, reference
from .measured import Measured, repeat
from .sizes import Sizes


def step(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """A step on reports that all have T words; leaves the loss and the gradients in ``folder`` for comparison."""
    model, (features, tokens) = inputs.model(sizes), inputs.batch(sizes)
    value, gradients = _gradients(variant, model, features, tokens)
    arrays = {f"g{k}": tf.convert_to_tensor(gradient).numpy() for k, gradient in enumerate(gradients)}
    np.savez(folder / f"step-{variant}.npz", loss=value, **arrays)
    work = _compiled(variant, model)
    return Measured(repeat(lambda: float(work(features, tokens)), sizes.repetitions), flop=operations(sizes))


def first(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """From nothing compiled to the first finished step; the reference, which takes half a minute, once."""
    model, (features, tokens) = inputs.model(sizes), inputs.batch(sizes)
    times = 1 if variant == "reference" else sizes.repetitions
    return Measured(repeat(lambda: float(_compiled(variant, model)(features, tokens)), times, warm=0))


def epoch(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """An epoch of real reports: by length, or all at the length of the longest."""
    model, (tokens, source) = inputs.model(sizes), inputs.report_tokens(sizes, sizes.epoch)
    features = np.random.default_rng(1).normal(size=(len(tokens), sizes.regions, sizes.channels)).astype("float32")
    work, longest = _compiled(variant, model), max(map(len, tokens)) - 1
    if variant == "reference":
        whole, count = pad(tokens), min(len(tokens), sizes.reports * sizes.reference_steps)
        chosen = [range(k, min(count, k + sizes.reports)) for k in range(0, count, sizes.reports)]
        seconds = repeat(lambda: [float(work(features[k], whole[k])) for k in chosen], sizes.repetitions)
        note = f"{count} of {len(tokens)} reports, each of {longest} words; {source}"
        return Measured(seconds, count, whole=len(tokens), note=note)
    examples = inputs.examples(lambda rows: {"features": features[rows]}, tokens)
    rng = np.random.default_rng(0)

    def all_batches(some: int | None = None):
        batches = batches_by_length([len(ids) for ids in tokens], sizes.reports, rng)
        for given, targets in iterate(examples, batches[:some]):
            float(work(given["features"], np.concatenate([given["tokens"], targets[:, -1:]], axis=1)))

    all_batches(3)  # of three lengths, so that it is compiled for every length
    return Measured(repeat(all_batches, sizes.repetitions, warm=0), len(tokens), note=source)


def memory(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """The whole cache is read once, as an epoch does; every sixteenth batch is trained on, the longest reports among them."""
    cache = inputs.cache(folder / "cache", sizes.cached, sizes, sparse=False)
    tokens, source = inputs.report_tokens(sizes, sizes.cached)
    read = cache.read
    if variant == "reference":
        everything = np.load(cache.folder / "features.npy")  # as it is stored, in float16

        def read(rows):
            return cache.scale(everything[rows])

    work = _compiled("ours", inputs.model(sizes, cache.channels))
    lengths = [len(ids) for ids in tokens]
    batches = batches_by_length(lengths, sizes.reports, np.random.default_rng(0))
    batches.sort(key=lambda batch: -max(lengths[k] for k in batch))  # the longest first, so that it is trained on
    for number, (given, targets) in enumerate(
        iterate(inputs.examples(lambda k: {"features": read(k)}, tokens), batches)
    ):
        if number % 16 == 0:
            work(given["features"], np.concatenate([given["tokens"], targets[:, -1:]], axis=1))
    return Measured([], note=f"{len(cache):,} images, lengths of {source}")


def _compiled(variant: str, model):
    """A step as each of the two does it: (features (B, R, D), tokens (B, T + 1)) -> loss."""
    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    optimizer.build(model.trainable_variables)
    if variant == "reference":
        decoder = reference.Decoder(model)
        return tf.function(lambda features, tokens: reference.train_step(decoder, optimizer, features, tokens))
    compiled = tf.function(
        lambda inputs, targets: package.train_step(model, optimizer, inputs, targets), reduce_retracing=True
    )

    def work(features, tokens):
        emphasis = np.ones(tokens[:, 1:].shape, "float32")
        return compiled({"features": features, "tokens": tokens[:, :-1], "emphasis": emphasis}, tokens[:, 1:])

    return work


def _gradients(variant: str, model, features, tokens):
    """The loss and its gradients before any step, (): of each trainable variable."""
    with tf.GradientTape() as tape:
        if variant == "reference":
            value = reference.loss(reference.Decoder(model), features, tokens)
        else:
            logits = model({"features": features, "tokens": tokens[:, :-1]}, training=True)
            value = package.masked_loss(logits, tokens[:, 1:])
    return float(value), tape.gradient(value, model.trainable_variables)


def operations(sizes: Sizes) -> float:
    """Floating-point operations of the products of a step, twice as many backwards as forwards: 78 GFLOP at full size.

    The features need no gradient, so what is nearest to them goes backwards once.
    """
    b, r, t, d, v = sizes.reports, sizes.regions, sizes.words, sizes.channels, sizes.vocabulary
    e, u, a = sizes.embedding, sizes.units, sizes.attention_units
    encode = 2 * b * r * d * u
    keys = 2 * b * r * u * a
    attend = 2 * b * (u * a + r * a + r * u)  # the query, the scores, the context
    cell = 2 * b * (e + u + u) * 3 * u
    read_out = 2 * b * (2 * u * e + e * v)
    return float(2 * encode + 3 * (keys + t * (attend + cell + read_out)))
