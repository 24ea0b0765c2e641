"""Teacher forcing: the loss of a real word, one step, and a training loop that can be killed and resumed.

Explained in ``notebooks/04_train_the_attention_model.ipynb``.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from .batches import Examples, batches_by_length, iterate
from .checkpoints import TrainingStopped, restore_checkpoint, save_checkpoint
from .models.base import ReportModel, save_model
from .vocabulary import PAD


@dataclass(frozen=True)
class TrainingSettings:
    """How to train.

    ``batch_size`` is the most examples of a step (:meth:`batch`); ``learning_rate`` is the highest of its schedule
    (:func:`learning_rate`); ``patience`` counts epochs without a better validation loss; ``clip`` bounds the gradients' global
    norm; ``weight_average`` is the share that a moving average of the weights keeps at each step (0.99, say): what is
    validated and kept is then the average and not the last weights (Polyak and Juditsky, 1992); 0: none.
    """

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 2e-3
    patience: int = 5
    clip: float = 1.0
    weight_average: float = 0.0
    seed: int = 0

    def batch(self, examples: int) -> int:
        """How many examples a step takes of so many: a small collection needs steps more than it needs large batches, so an epoch
        has sixteen of them, as long as four examples are left for each."""
        return min(self.batch_size, max(4, examples // 16))

    def steps(self, examples: int) -> int:
        """How many steps an epoch has with so many examples."""
        return math.ceil(examples / self.batch(examples))


# ------------------------------------------------------------------------------------------------- loss and one step


def masked_loss(logits, targets, emphasis=1.0):
    """Mean cross-entropy of a real word: (B, T, V), (B, T) -> scalar, in nats. Padding neither counts nor dilutes.

    ``emphasis`` (B, T) says how much each word counts.
    """
    weights = tf.cast(targets != PAD, logits.dtype) * emphasis  # (B, T)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)  # (B, T)
    return tf.reduce_sum(losses * weights) / tf.reduce_sum(weights)


def train_step(model, optimizer, inputs, targets):
    """One step of teacher forcing: the model reads the true words, its gradient moves the weights.

    Returns the loss per real word, every word counting the same.
    """
    with tf.GradientTape() as tape:
        logits = model(inputs, training=True)
        total = masked_loss(logits, targets, inputs["emphasis"]) + sum(model.losses)
    gradients = tape.gradient(total, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
    return masked_loss(logits, targets)


def evaluate_loss(model: ReportModel, examples: Examples, batch_size: int = 64, predict=None) -> float:
    """Loss per real word over all examples, under teacher forcing and without dropout."""
    predict = predict or _predict(model, examples)
    total = words = 0.0
    for inputs, targets in iterate(examples, batches_by_length([len(t) for t in examples.tokens], batch_size)):
        real = int((targets != PAD).sum())
        total += float(masked_loss(predict(inputs), targets)) * real
        words += real
    return total / words


def _predict(model: ReportModel, examples: Examples) -> Callable:
    return tf.function(lambda inputs: model(inputs, training=False), input_signature=open_shapes(examples)[:1])


def open_shapes(examples: Examples) -> tuple[dict, tf.TensorSpec]:
    """What the batches of some examples look like, with size and length left open: one graph serves them all, traced once."""
    lengths = [len(tokens) for tokens in examples.tokens]
    shortest, longest = (examples.batch([int(choose(lengths))]) for choose in (np.argmin, np.argmax))

    def spec(short, long):
        same = (here if here == there else None for here, there in zip(short.shape[1:], long.shape[1:], strict=True))
        return tf.TensorSpec([None, *same], long.dtype)

    return tf.nest.map_structure(spec, shortest, longest)


# ------------------------------------------------------------------------------------------------------------- fit


def fit(
    model: ReportModel,
    train: Examples,
    valid: Examples,
    folder: str | Path,
    settings: TrainingSettings | None = None,
    progress: bool = True,
    on_epoch: Callable[[dict, ReportModel], None] | None = None,
    take_step: Callable = train_step,
    judge: Callable[[ReportModel], float] | None = None,
) -> pd.DataFrame:
    """Train until the validation loss stops falling, and leave the best model in ``folder/model.keras``.

    After every epoch ``folder/checkpoint.npz`` holds all that training needs to go on, and is replaced in one piece: a run that was
    killed, started again with the same arguments, gives the same curve as an undisturbed one. Event files for TensorBoard lie in
    ``folder/logs``. ``model`` ends with the weights of the best epoch.

    Args:
        train, valid: what is learnt from, and what decides when to stop.
        on_epoch: called with the epoch's record and the model, e.g. to show a report that gets better.
        take_step: how to learn from a batch: :func:`train_step`, or one of :mod:`mrg_helpers.objectives`.
        judge: what is to become small, in place of the validation loss; it stands as ``val_loss``.

    Returns:
        One row an epoch: ``epoch``, ``loss``, ``val_loss`` (nats per real word), ``seconds``.

    Raises:
        TrainingStopped: if the loss is not a number, or the checkpoint there fits another model.
        ValueError: if there is nothing to learn from, or nothing to decide with.
    """
    settings = settings or TrainingSettings()
    folder = Path(folder)
    for name, examples in (("training", train), ("validation", valid)):
        if not len(examples):
            raise ValueError(
                f"no report to learn from in the {name} split; use more studies, or another target section"
            )
    batch_size = settings.batch(len(train))
    per_epoch = settings.steps(len(train))
    average = {"use_ema": True, "ema_momentum": settings.weight_average} if settings.weight_average else {}
    optimizer = keras.optimizers.Adam(learning_rate(settings, per_epoch), global_clipnorm=settings.clip, **average)
    optimizer.build(model.trainable_variables)
    step = tf.function(
        lambda inputs, targets: take_step(model, optimizer, inputs, targets), input_signature=open_shapes(train)
    )
    predict = _predict(model, valid)
    judge = judge or (lambda model: evaluate_loss(model, valid, predict=predict))
    history = restore_checkpoint(folder, model, optimizer)
    if not history:
        model.adapt(train)
    lengths = [len(tokens) for tokens in train.tokens]
    writer = tf.summary.create_file_writer(str(folder / "logs"))
    bar = tqdm(desc="training", unit="batch", disable=not progress, mininterval=1)
    bar.total = settings.epochs * per_epoch
    bar.update(len(history) * per_epoch)
    with bar, writer.as_default():
        while len(history) < settings.epochs and not _stale(history, settings.patience):
            epoch, began = len(history), time.perf_counter()
            _reseed(model, settings.seed, epoch)
            batches = batches_by_length(lengths, batch_size, np.random.default_rng([settings.seed, epoch]))
            total = words = 0.0
            for inputs, targets in iterate(train, batches):
                loss, real = float(step(inputs, targets)), int((targets != PAD).sum())
                if not math.isfinite(loss):
                    raise TrainingStopped(
                        f"the loss became {loss} in epoch {epoch + 1}; lower the learning rate (now {settings.learning_rate}) "
                        f"or look for wrong values in the features. {folder} holds the state after epoch {epoch}"
                    )
                total, words = total + loss * real, words + real
                bar.set_postfix(epoch=epoch + 1, loss=f"{total / words:.3f}", refresh=False)
                bar.update()
            with _averaged(model, optimizer):
                record = {"epoch": epoch + 1, "loss": total / words, "val_loss": judge(model)}
                if record["val_loss"] < min((past["val_loss"] for past in history), default=math.inf):
                    save_model(model, folder / "model.keras")
            for name in ("loss", "val_loss"):
                tf.summary.scalar(name, record[name], step=epoch + 1)
            writer.flush()
            history.append(record | {"seconds": time.perf_counter() - began})
            save_checkpoint(folder, model, optimizer, history)
            if on_epoch:
                on_epoch(history[-1], model)
    model.set_weights(keras.saving.load_model(folder / "model.keras", compile=False).get_weights())
    return pd.DataFrame(history)


def learning_rate(settings: TrainingSettings, per_epoch: int):
    """Up in a tenth of the steps, then down to nothing along a cosine: large steps first, small ones at the end."""
    steps = settings.epochs * per_epoch
    warm = max(1, steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        settings.learning_rate / 10, max(1, steps - warm), warmup_target=settings.learning_rate, warmup_steps=warm
    )


@contextlib.contextmanager
def _averaged(model: ReportModel, optimizer) -> Iterator[None]:
    """Inside, the model has the moving average of its weights, if the optimizer keeps one."""
    if not optimizer.use_ema:
        yield
        return
    own = [variable.numpy() for variable in model.trainable_variables]
    optimizer.finalize_variable_values(model.trainable_variables)
    yield
    for variable, value in zip(model.trainable_variables, own, strict=True):
        variable.assign(value)


def _stale(history: list[dict], patience: int) -> bool:
    losses = [record["val_loss"] for record in history]
    return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= patience


def _reseed(model: ReportModel, seed: int, epoch: int) -> None:
    """Set the dropout generators to a state that depends on seed and epoch alone, so that a resumed epoch drops the same."""
    for number, variable in enumerate(v for v in model.variables if "seed_generator" in v.path):
        variable.assign(
            np.random.default_rng([seed, epoch, number]).integers(0, 2**31, variable.shape).astype(variable.dtype)
        )


def write_curves(folder: str | Path, curves: pd.DataFrame) -> None:
    """Event files for TensorBoard in ``folder/logs``, of curves as :func:`read_curves` gives them."""
    with tf.summary.create_file_writer(str(Path(folder) / "logs")).as_default():
        for record in curves.to_dict("records"):
            for name in ("loss", "val_loss"):
                tf.summary.scalar(name, record[name], step=int(record["epoch"]))


def read_curves(folder: str | Path) -> pd.DataFrame:
    """The curves as TensorBoard's event files in ``folder/logs`` hold them: one row an epoch, columns ``loss``, ``val_loss``.

    An epoch that was computed twice because a run was killed counts once, as it was last.

    Raises:
        FileNotFoundError: if there are no event files.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    folder = Path(folder) / "logs"
    files = sorted(folder.glob("events.*"), key=lambda file: file.stat().st_mtime)
    if not files:
        raise FileNotFoundError(f"{folder}: no event files here; train a model first (notebook 04)")
    curves: dict[str, dict[int, float]] = {}
    for file in files:
        events = EventAccumulator(str(file), size_guidance={"tensors": 0}).Reload()
        for name in events.Tags()["tensors"]:
            for event in events.Tensors(name):
                curves.setdefault(name, {})[event.step] = float(make_ndarray(event.tensor_proto))
    return pd.DataFrame(curves).rename_axis("epoch").sort_index().reset_index()
