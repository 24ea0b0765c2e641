"""What is special about the indication; what every model has to hold is in ``test_family.py``."""

import numpy as np
import tensorflow as tf
from test_family import ATTEND, CHANNELS, CONCEPTS, GRID, WORDS, R, batch

from mrg_helpers.models import ShowAttendTell, WithIndication
from mrg_helpers.training import masked_loss, train_step
from mrg_helpers.vocabulary import END, START


def make(**settings):
    return WithIndication(WORDS, GRID, CHANNELS, **ATTEND | {"indication_words": WORDS[4:], "dropout": 0.0} | settings)


def nothing_known(inputs, length=3):
    return {**inputs, "indication": np.zeros((len(inputs["tokens"]), length), "int32")}


def test_without_an_indication_it_is_show_attend_and_tell():
    model = make(concepts=CONCEPTS, channel_attention=False)
    plain = ShowAttendTell(WORDS, GRID, CHANNELS, **ATTEND | {"concepts": CONCEPTS, "dropout": 0.0})
    own = {"/".join(variable.path.split("/")[1:]): variable for variable in model.variables}
    for variable in plain.variables:
        variable.assign(own["/".join(variable.path.split("/")[1:])])
    inputs = nothing_known(batch())
    np.testing.assert_allclose(model(inputs), plain(inputs), atol=1e-6)
    assert not np.array(model.start(inputs)["memory"]["background"]).any()
    np.testing.assert_allclose(model(nothing_known(batch(), length=1)), model(inputs), atol=1e-6)


def test_every_word_of_the_indication_and_their_order_matter():
    model, inputs = make(), batch(size=1)
    inputs["indication"] = np.array([[5, 6, 7]], "int32")
    before = model(inputs).numpy()
    for changed in ([5, 6, 4], [4, 6, 7], [7, 6, 5], [5, 6, 0]):
        moved = np.abs(model({**inputs, "indication": np.array([changed], "int32")}) - before).max(axis=(0, 2))
        assert (moved > 1e-6).all()  # at every word of the report


def test_channels_are_weighed_by_image_and_state():
    model, inputs = make(gate=False), nothing_known(batch())
    state = model.start(inputs)
    hidden, memory = state["cell"][0], state["memory"]
    weighed, weights = model.attend(hidden, memory)
    seen = np.einsum("br,bru->bu", weights, memory["annotations"])
    shares = 2 / (1 + np.exp(-(memory["channels"] + model.channel_state(hidden)).numpy()))
    np.testing.assert_allclose(weighed, seen * shares, atol=1e-5)
    model.channel_image.kernel.assign(0 * model.channel_image.kernel)
    model.channel_state.kernel.assign(0 * model.channel_state.kernel)
    np.testing.assert_allclose(model.attend(hidden, model.start(inputs)["memory"])[0], seen, atol=1e-5)


def test_it_learns_to_use_the_indication():
    """Patients whose images say nothing and whose report follows from the indication: no model of the image alone can know it."""
    rng = np.random.default_rng(0)
    large, none = ([START, 6, 5, 7], [START, 4, 5, 7])  # "large effusion .", "no effusion ."
    told = rng.integers(0, 2, 32)
    tokens = np.array([large if one else none for one in told], "int32")
    words = rng.integers(4, 6, (32, 4))
    words[np.arange(32), rng.integers(0, 4, 32)] = np.where(told, 6, 7)  # one word among others, anywhere
    inputs = {
        "features": rng.normal(size=(32, R, CHANNELS)).astype("float32"), "indication": words.astype("int32"),
        "tokens": tokens, "emphasis": np.ones(tokens.shape, "float32"),
    }  # fmt: skip
    targets = np.concatenate([tokens[:, 1:], np.full((32, 1), END)], axis=1)
    train, test = ({name: value[part] for name, value in inputs.items()} for part in (slice(0, 20), slice(20, 32)))

    def learnt(model):
        optimizer = tf.keras.optimizers.Adam(0.02, global_clipnorm=1.0)
        step = tf.function(lambda: train_step(model, optimizer, train, targets[:20]))
        for _ in range(150):
            step()
        return float(masked_loss(model(test)[:, :1], targets[20:, :1]))  # of the first word, the only one to guess

    large_enough = {"units": 16, "embedding": 12, "feature_dropout": 0.5}
    assert learnt(make(**large_enough)) < 0.2
    assert learnt(ShowAttendTell(WORDS, GRID, CHANNELS, **ATTEND | large_enough)) > 0.5
