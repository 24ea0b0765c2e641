"""What is special about two views; what every model has to hold is in ``test_family.py``."""

import numpy as np
import tensorflow as tf
from test_family import ATTEND, CHANNELS, CONCEPTS, GRID, WORDS, R, batch

from mrg_helpers.decoding import Decoding, generate
from mrg_helpers.models import ShowAttendTell, TwoView
from mrg_helpers.training import train_step

ASKED = {"concepts": CONCEPTS, "guide": 0.1}


def make(**settings):
    return TwoView(WORDS, GRID, CHANNELS, **ATTEND | {"dropout": 0.0, "view_dropout": 0.0} | settings)


def weights(model, inputs, words=3):
    state, found = model.start(inputs), []
    for t in range(words):
        _, state, attention = model.step(inputs["tokens"][:, t], state)
        found.append(attention.numpy())
    return np.stack(found, axis=1)


def test_a_missing_view_gets_no_attention_and_does_not_matter():
    for settings in ({}, ASKED):
        model, inputs = make(**settings), batch()
        inputs["has_other"] = np.array([1, 0, 1], "float32")
        found = weights(model, inputs)
        assert (found[1, :, R:] == 0).all() and (found[[0, 2], :, R:] > 0).all() and (found[..., :R] > 0).all()
        np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-5)
        changed = {**inputs, "other": inputs["other"].copy()}
        changed["other"][1] += 100
        np.testing.assert_array_equal(model(inputs)[1], model(changed)[1])
        np.testing.assert_array_equal(model.start(inputs)["cell"][0][1], model.start(changed)["cell"][0][1])
        written = generate(model, lambda rows, read=inputs: {
            name: read[name][rows] for name in ("features", "other", "has_other")}, [1], Decoding(max_length=4))  # fmt: skip
        assert (written.of_view(1).attention == 0).all()


def test_a_study_of_one_view_is_read_as_by_show_attend_and_tell():
    two, one = make(**ASKED), ShowAttendTell(WORDS, GRID, CHANNELS, **ATTEND | ASKED | {"dropout": 0.0})
    kept = {variable.path: variable for variable in two.variables}
    for variable in one.variables:
        of_two = next(value for path, value in kept.items() if path.split("/")[1:] == variable.path.split("/")[1:])
        variable.assign(of_two[:R] if "position" in variable.path else of_two)
    one.encoder.bias.assign_add(two.view(np.array(0)))
    inputs = batch() | {"has_other": np.zeros(3, "float32")}
    np.testing.assert_allclose(two(inputs), one(inputs), atol=1e-5)
    np.testing.assert_allclose(two.start(inputs)["memory"]["found"], one.start(inputs)["memory"]["found"], atol=1e-5)


def test_the_views_are_told_apart():
    model, inputs = make(positions=False), batch()
    exchanged = {**inputs, "features": inputs["other"], "other": inputs["features"]}
    assert np.abs(model(inputs) - model(exchanged)).max() > 1e-4
    model.other_encoder.kernel.assign(model.encoder.kernel)
    assert np.abs(model(inputs) - model(exchanged)).max() > 1e-4  # by their vector alone


def test_some_second_views_are_hidden_in_training_only():
    model, inputs = make(view_dropout=0.5), batch(size=200)
    there = model.encode(inputs, training=True)[1].numpy()
    hidden = (there[:, R:] == 0).all(axis=1)
    assert 0.35 < hidden.mean() < 0.65 and (there[~hidden] == 1).all() and (there[:, :R] == 1).all()
    assert (model.encode(inputs)[1] == 1).numpy().all()


def test_training_with_missing_views_stays_finite():
    model, inputs = make(**ASKED), batch()
    inputs["has_other"] = np.array([1, 0, 0], "float32")
    inputs["tokens"][:, 2] = WORDS.index(".")
    optimizer = tf.keras.optimizers.Adam(0.01)
    for _ in range(3):
        assert np.isfinite(train_step(model, optimizer, inputs, inputs["tokens"]))
    assert all(np.isfinite(variable).all() for variable in model.trainable_variables)
