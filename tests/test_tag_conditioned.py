"""What is special about tags attended with the image; what every model has to hold is in ``test_family.py``."""

import numpy as np
import pytest
import tensorflow as tf
from test_family import ATTEND, CHANNELS, GRID, WORDS, batch

from mrg_helpers.models import TagConditioned
from mrg_helpers.training import masked_loss

TAGS = ["effusion", "nodule", "pneumothorax"]


def make(**settings):
    return TagConditioned(WORDS, GRID, CHANNELS, **ATTEND | {"concepts": TAGS, "dropout": 0.0} | settings)


def with_tags(size=3):
    inputs = batch(size)
    return inputs | {"concepts": np.random.default_rng(1).integers(0, 2, (size, 3)).astype("float32")}


def test_true_tags_teach_the_classifier_and_are_never_read():
    model, inputs = make(), with_tags()
    unlike = {**inputs, "concepts": 1 - inputs["concepts"]}
    logits, losses = model(inputs, training=True), float(model.losses[0])
    np.testing.assert_array_equal(model(unlike, training=True), logits)
    assert float(model.losses[0]) != pytest.approx(losses)
    without = {name: value for name, value in inputs.items() if name not in ("concepts", "said")}
    np.testing.assert_allclose(model(without), model(inputs), atol=1e-6)
    np.testing.assert_allclose(model.start(without)["memory"]["tags"], model.start(inputs)["memory"]["tags"], atol=1e-6)


def test_the_likeliest_tags_are_attended_weighted_by_their_probability():
    model, inputs = make(tags=2), with_tags()
    model.classify.kernel.assign(0 * model.classify.kernel)
    model.classify.bias.assign([-1.0, 3.0, 0.0])
    memory = model.start(inputs)["memory"]
    chances = 1 / (1 + np.exp(-np.array([3.0, 0.0])))
    expected = model.embed_tag.embeddings.numpy()[[1, 2]] * chances[:, None]
    np.testing.assert_allclose(memory["tags"], np.tile(expected, (3, 1, 1)), atol=1e-5)
    assert make(tags=9).kept == 3  # no more than there are


def test_the_attention_to_the_tags_adds_up_and_what_was_attended_counts():
    model, inputs = make(), with_tags()
    state = model.start(inputs)
    for t in range(3):
        np.testing.assert_allclose(np.sum(state["cell"][-1], axis=1), t, atol=1e-5)
        _, state, _ = model.step(inputs["tokens"][:, t], state)
    hidden, memory = state["cell"][0], state["memory"]
    before = model.attend(hidden, np.zeros((3, 3), "float32"), memory)
    after = model.attend(hidden, np.tile(np.array([[9, 0, 0]], "float32"), (3, 1)), memory)
    assert np.abs(before[2] - after[2]).max() > 1e-4  # the tags are attended anew
    np.testing.assert_array_equal(before[1], after[1])  # and the regions as before


def test_what_is_predicted_reaches_every_word_and_words_teach_the_classifier():
    model, inputs = make(concept_weight=0.0), with_tags()
    before = model(inputs).numpy()
    model.classify.bias.assign([9.0, -9.0, 0.0])
    assert (np.abs(model(inputs) - before).max(axis=(0, 2)) > 1e-4).all()
    with tf.GradientTape() as tape:
        loss = masked_loss(model(inputs, training=True), inputs["tokens"])
    assert np.abs(tape.gradient(loss, model.classify.kernel)).max() > 0


def test_without_tags_it_is_another_model():
    with pytest.raises(ValueError, match="there are none"):
        make(concepts=[])
    with pytest.raises(ValueError, match='"gru" or "lstm"'):
        make(cell="rnn")
