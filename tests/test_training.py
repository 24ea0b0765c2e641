"""Loss, batches, and a fit that survives being killed."""

import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from test_models import CHANNELS, GRID, SMALL, WORDS

from mrg_helpers import checkpoints, training
from mrg_helpers.models import ShowAttendTell, load_model
from mrg_helpers.training import Examples, TrainingSettings, fit, masked_loss, read_curves


def examples(count=24, seed=0):
    """Reports that follow from the image: channel 0 of region 0 says whether there is an effusion, and how long the report is."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, 6, CHANNELS)).astype("float32")
    tokens = [[2, 6, 5, 7, 3] if one[0, 0] > 0 else [2, 4, 5, 3] for one in features]
    return Examples(lambda rows: {"features": features[rows]}, range(count), tokens)


def new_model(seed=0, **settings):
    keras.utils.set_random_seed(seed)
    return ShowAttendTell(WORDS, GRID, CHANNELS, **SMALL | settings)


def test_loss_is_per_real_word():
    logits = np.random.default_rng(0).normal(size=(2, 3, 8)).astype("float32")
    targets = np.array([[4, 5, 3], [6, 0, 0]], "int32")
    by_hand = [
        -logits[i, t, targets[i, t]] + math.log(np.exp(logits[i, t]).sum()) for i, t in [(0, 0), (0, 1), (0, 2), (1, 0)]
    ]
    assert float(masked_loss(logits, targets)) == pytest.approx(np.mean(by_hand), rel=1e-5)
    more_padding = np.pad(targets, [(0, 0), (0, 9)]), np.pad(logits, [(0, 0), (0, 9), (0, 0)])
    assert float(masked_loss(more_padding[1], more_padding[0])) == pytest.approx(np.mean(by_hand), rel=1e-5)
    assert float(masked_loss(np.zeros((2, 3, 8), "float32"), targets)) == pytest.approx(math.log(8))


def test_emphasis_weighs_words_and_never_padding():
    logits = np.random.default_rng(0).normal(size=(1, 3, 8)).astype("float32")
    targets = np.array([[4, 5, 0]], "int32")
    each = [float(masked_loss(logits[:, t : t + 1], targets[:, t : t + 1])) for t in (0, 1)]
    emphasis = np.array([[3.0, 1.0, 7.0]], "float32")
    assert float(masked_loss(logits, targets, emphasis)) == pytest.approx((3 * each[0] + each[1]) / 4, rel=1e-5)
    assert float(masked_loss(logits, targets, 2.0)) == pytest.approx(float(masked_loss(logits, targets)), rel=1e-6)


def test_fit_learns_what_the_image_says_and_keeps_the_best(tmp_path):
    train, valid = examples(160), examples(40, seed=1)
    model = new_model(dropout=0.0)
    seen = []
    history = fit(model, train, valid, tmp_path, TrainingSettings(epochs=15, batch_size=8, learning_rate=0.02, patience=15),
                  progress=False, on_epoch=lambda record, model: seen.append(record["epoch"]))  # fmt: skip
    assert history["val_loss"].min() < 0.15 < history["val_loss"].iloc[0]
    assert seen == history["epoch"].tolist()
    best = load_model(tmp_path / "model.keras")
    assert training.evaluate_loss(best, valid) == pytest.approx(history["val_loss"].min(), rel=1e-4)
    np.testing.assert_array_equal(model.get_weights()[0], best.get_weights()[0])
    curves = read_curves(tmp_path)
    np.testing.assert_allclose(curves[["loss", "val_loss"]], history[["loss", "val_loss"]], rtol=1e-5)


def test_one_graph_serves_batches_of_every_size_and_length(tmp_path):
    traced, train = [], examples(21)
    sizes = {inputs["tokens"].shape for inputs, _ in training.iterate(train, np.array_split(np.arange(21), 6))}
    assert len(sizes) > 1

    def counted(*given):  # Python runs when the graph is made, and not when it is used
        traced.append(1)
        return training.train_step(*given)

    fit(new_model(), train, examples(12, seed=1), tmp_path, TrainingSettings(epochs=2, batch_size=4), progress=False,
        take_step=counted)  # fmt: skip
    assert len(traced) == 1


def test_early_stopping(tmp_path):
    settings = TrainingSettings(epochs=50, batch_size=8, learning_rate=0.5, patience=2)
    history = fit(new_model(), examples(), examples(12, seed=1), tmp_path, settings, progress=False)
    assert len(history) < 50
    assert len(history) - 1 - history["val_loss"].argmin() == 2


def test_interrupted_fit_gives_the_curve_of_an_undisturbed_one(tmp_path):
    train, valid, settings = examples(), examples(12, seed=1), TrainingSettings(epochs=6, batch_size=8, patience=9)
    whole = fit(new_model(), train, valid, tmp_path / "whole", settings, progress=False)

    class Interrupted(Exception):
        pass

    def interrupt(record, model):
        if record["epoch"] == 3:
            raise Interrupted

    with pytest.raises(Interrupted):
        fit(new_model(), train, valid, tmp_path / "parts", settings, progress=False, on_epoch=interrupt)
    resumed = fit(new_model(seed=7), train, valid, tmp_path / "parts", settings, progress=False)
    np.testing.assert_allclose(resumed[["loss", "val_loss"]], whole[["loss", "val_loss"]], rtol=1e-5)
    assert len(read_curves(tmp_path / "parts")) == 6


KILLED = """
    import sys
    sys.path.insert(0, {tests!r})
    from test_training import examples, new_model, fit, TrainingSettings
    fit(new_model(), examples(), examples(12, seed=1), {folder!r}, TrainingSettings(400, 2, patience=400), progress=False)
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX systems")
def test_a_kill_never_leaves_a_broken_checkpoint(tmp_path):
    code = textwrap.dedent(KILLED).format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    for delay in (0.3, 0.37):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parent.parent)
        before = (tmp_path / "checkpoint.npz").stat().st_mtime_ns if (tmp_path / "checkpoint.npz").exists() else 0
        deadline = time.time() + 120
        while not (tmp_path / "checkpoint.npz").exists() or (tmp_path / "checkpoint.npz").stat().st_mtime_ns == before:
            assert time.time() < deadline and process.poll() is None
            time.sleep(0.05)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        model = new_model()
        optimizer = keras.optimizers.Adam(training.learning_rate(TrainingSettings(), 1))
        optimizer.build(model.trainable_variables)
        assert len(checkpoints.restore_checkpoint(tmp_path, model, optimizer)) >= 1
        load_model(tmp_path / "model.keras")


def test_not_a_number_stops_with_a_message(tmp_path):
    broken = examples()
    read = broken.read
    poisoned = Examples(lambda rows: {"features": read(rows)["features"] * np.nan}, broken.rows, broken.tokens)
    with pytest.raises(training.TrainingStopped, match="learning rate"):
        fit(new_model(), poisoned, examples(12), tmp_path, TrainingSettings(epochs=1), progress=False)


def test_checkpoint_of_another_model_and_empty_splits_are_refused(tmp_path):
    settings = TrainingSettings(epochs=1, batch_size=8)
    fit(new_model(), examples(), examples(12), tmp_path, settings, progress=False)
    with pytest.raises(training.TrainingStopped, match="another model"):
        fit(new_model(units=9), examples(), examples(12), tmp_path, settings, progress=False)
    nothing = Examples(lambda rows: {}, [], [])
    with pytest.raises(ValueError, match="validation"):
        fit(new_model(), examples(), nothing, tmp_path / "other", settings, progress=False)


def test_a_small_collection_gets_small_batches_and_so_enough_steps():
    settings = TrainingSettings(batch_size=32)
    assert [settings.batch(examples) for examples in (3, 64, 138, 512, 5000)] == [4, 4, 8, 32, 32]
    assert TrainingSettings(batch_size=2).batch(5000) == 2
