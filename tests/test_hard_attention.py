"""What is special about hard attention; what every model has to hold is in ``test_family.py``."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_family import ATTEND, CHANNELS, CONCEPTS, GRID, WORDS, R, batch

from mrg_helpers.batches import Examples
from mrg_helpers.models import HardAttention, ShowAttendTell, load_model, save_model
from mrg_helpers.models.hard_attention import drawn
from mrg_helpers.training import TrainingSettings, fit, masked_loss
from mrg_helpers.vocabulary import PAD, START

EXACT = {"expectation": 0.0, "reinforce": 1.0, "entropy": 0.0, "dropout": 0.0}


def make(grid=GRID, **settings):
    keras.utils.set_random_seed(0)
    return HardAttention(WORDS, grid, CHANNELS, **ATTEND | {"dropout": 0.0} | settings)


def test_a_region_is_drawn_as_often_as_its_weight():
    weights = np.array([[0.5, 0.0, 0.2, 0.3, 0.0]], "float32")
    chance = np.random.default_rng(0).random(20_000).astype("float32")
    regions = drawn(np.repeat(weights, len(chance), axis=0), chance).numpy()
    assert (regions.sum(axis=1) == 1).all() and set(np.unique(regions)) == {0, 1}
    np.testing.assert_allclose(regions.mean(axis=0), weights[0], atol=0.015)
    assert (regions[:, [1, 4]] == 0).all()
    for edge, region in ((0.0, 0), (np.nextafter(np.float32(1), np.float32(0)), 3)):
        assert drawn(weights, np.array([edge], "float32"))[0, region] == 1


def test_in_training_the_context_is_one_region_or_the_mean_of_all():
    model, inputs = make(gate=False), batch(size=400)
    chances = {name: value[0] for name, value in model.chances(inputs["tokens"].T).items()}
    state = model.start(inputs)
    memory, hidden = state["memory"], state["cell"][0]
    soft, weights = (value.numpy() for value in model.attend(hidden, memory))
    seen, same_weights = (value.numpy() for value in model.attend(hidden, memory | chances))
    np.testing.assert_allclose(same_weights, weights, atol=1e-6)
    draws = chances["draws"].numpy() == 1
    assert 0.4 < draws.mean() < 0.6
    np.testing.assert_allclose(seen[~draws], soft[~draws], atol=1e-6)
    distance = np.abs(seen[:, None] - memory["annotations"].numpy()).max(axis=2)  # (B, R)
    assert ((distance < 1e-6).sum(axis=1)[draws] == 1).all()
    assert len(set(distance[draws].argmin(axis=1))) == R


def test_a_report_draws_at_every_word_or_at_none():
    model, words = make(), batch(size=50, words=7)["tokens"].T
    chances = {name: value.numpy() for name, value in model.chances(words).items()}
    assert chances["chance"].shape == chances["draws"].shape == (7, 50)
    assert (chances["draws"] == chances["draws"][0]).all() and len(np.unique(chances["chance"])) == 350
    for share, draws in ((0.0, 1), (1.0, 0)):
        assert (make(expectation=share).chances(words)["draws"] == draws).numpy().all()


def test_without_draws_it_is_show_attend_and_tell():
    settings = {"concepts": CONCEPTS, "guide": 0.1}
    hard, soft = (
        make(expectation=1.0, **settings),
        ShowAttendTell(WORDS, GRID, CHANNELS, **ATTEND | {"dropout": 0.0} | settings),
    )
    for ours, theirs in zip(soft.trainable_variables, hard.trainable_variables, strict=True):
        ours.assign(theirs)
    inputs = batch()
    np.testing.assert_allclose(hard(inputs), soft(inputs), atol=1e-6)
    np.testing.assert_allclose(hard(inputs, training=True), soft(inputs, training=True), atol=1e-5)


def test_what_is_written_is_not_drawn():
    model, inputs = make(expectation=0.0), batch()
    np.testing.assert_array_equal(model(inputs), model(inputs))
    assert np.abs(model(inputs, training=True) - model(inputs, training=True)).max() > 1e-4


def test_the_same_seed_draws_the_same():
    first, again, inputs = make(expectation=0.0), make(expectation=0.0), batch()
    together = first(inputs, training=True)
    np.testing.assert_array_equal(together, again(inputs, training=True))
    again.seed_generator.state.assign([7, 7])
    assert np.abs(together - again(inputs, training=True)).max() > 1e-4


# Two regions, three words: few enough to go through all the ways to look.
WAYS = list(itertools.product(range(2), repeat=2))
TWO = {
    "features": np.random.default_rng(3).normal(size=(2, 2, CHANNELS)).astype("float32"),
    "tokens": np.array([[START, 4, 5], [START, 6, 7]], "int32"),
    "emphasis": np.array([[1, 1, 1], [5, 1, 1]], "float32"),
}


def exact_gradient(model):
    """Of the mean loss of two reports over all draws, by going through them."""
    said, counts = TWO["tokens"][:, 1:], TWO["emphasis"][:, :2]
    with tf.GradientTape() as tape:
        expected = 0.0
        for way in WAYS:
            state = model.start(TWO)
            memory, cell, probability, losses = state["memory"], state["cell"], 1.0, 0.0
            for t, region in enumerate(way):
                _, weights = model.attend(cell[0], memory)
                context = model.gate(cell[0]) * memory["annotations"][:, region]
                embedded = model.embed(TWO["tokens"][:, t])
                _, cell = model.cell(tf.concat([embedded, context], axis=1), cell)
                logits = model.to_logits(model.join(embedded, cell, context, memory))
                losses += counts[:, t] * keras.losses.sparse_categorical_crossentropy(
                    said[:, t], logits, from_logits=True
                )
                probability *= weights[:, region]
            expected += tf.reduce_sum(probability * losses) / counts.sum()
    return flat(tape.gradient(expected, model.trainable_variables), model)


def drawn_gradients(model, steps=60, copies=200):
    """(steps, weights): the gradient that training takes, of many draws for the same two reports in each step."""
    many = {name: np.tile(value, (copies,) + (1,) * (value.ndim - 1)) for name, value in TWO.items()}

    @tf.function
    def one():
        with tf.GradientTape() as tape:
            logits = model(many, training=True)[:, :2]
            total = masked_loss(logits, many["tokens"][:, 1:], many["emphasis"][:, :2]) + sum(model.losses)
        return flat(tape.gradient(total, model.trainable_variables), model)

    return np.stack([one().numpy() for _ in range(steps)])


def flat(gradients, model):
    pairs = zip(gradients, model.trainable_variables, strict=True)
    return tf.concat([tf.reshape(tf.zeros(v.shape) if g is None else g, [-1]) for g, v in pairs], axis=0)


def far(gradients, exact):
    """Which entries of their mean are not the exact ones, within five of its standard errors."""
    error = gradients.std(axis=0, ddof=1) / len(gradients) ** 0.5
    return np.abs(gradients.mean(axis=0) - exact) > 5 * error + 1e-5


@pytest.mark.parametrize("whole_reward", [False, True])
def test_the_mean_gradient_is_that_of_the_mean_loss(whole_reward):
    model = make((1, 2), mean_start=False, whole_reward=whole_reward, **EXACT)
    model.score.assign(model.score * 8)  # some regions are likelier than others
    exact = exact_gradient(model).numpy()
    assert not far(drawn_gradients(model), exact).any()
    without = make((1, 2), mean_start=False, **EXACT | {"reinforce": 0.0})
    without.set_weights(model.get_weights())
    assert far(drawn_gradients(without), exact).any()  # the words alone do not say where to look


def test_credit_for_what_follows_is_steadier_than_for_the_whole():
    noise = []
    for whole_reward in (False, True):
        model = make((1, 2), mean_start=False, whole_reward=whole_reward, **EXACT)
        noise.append(drawn_gradients(model).var(axis=0).sum())
    assert noise[0] < noise[1]


def test_padding_and_the_last_place_neither_add_a_reward_nor_get_one():
    model, inputs = make(reinforce=1.0, entropy=0.3, whole_reward=True), batch()
    rng = np.random.default_rng(0)
    logits, weights = rng.normal(size=(3, 4, len(WORDS))), rng.dirichlet(np.ones(R), (3, 4))
    chances = {"chance": rng.random((4, 3)).astype("float32"), "draws": np.ones((4, 3), "float32")}

    def losses(inputs, weights, logits, chances):
        model.baseline.assign(-2.0)
        start = len(model.losses)
        model.add_losses(inputs, chances, None, weights.astype("float32"), logits.astype("float32"))
        return np.array(model.losses[start:]), float(model.baseline)

    def longer(values, axis, by):
        return np.pad(values, [(0, by if k == axis else 0) for k in range(values.ndim)], constant_values=PAD)

    usual, average = losses(inputs, weights, logits, chances)
    padded = {name: longer(inputs[name], 1, 3) for name in ("tokens", "emphasis")}
    more = {name: longer(value, 0, 3) for name, value in chances.items()}
    # What was the last place knows its word no better among padding.
    again, same_average = losses(padded, longer(weights, 1, 3), longer(logits, 1, 3), more)
    np.testing.assert_allclose(again, usual, rtol=1e-5)
    assert same_average == pytest.approx(average, rel=1e-5)
    changed = weights.copy()
    changed[:, -1] = np.eye(R)[0]
    np.testing.assert_allclose(losses(inputs, changed, logits, chances)[0], usual, rtol=1e-5)


def test_even_attention_is_worth_its_entropy():
    model, inputs = make(entropy=0.5, expectation=1.0), batch()
    model.score.assign(np.zeros(model.score.shape))
    model(inputs, training=True)
    assert sum(map(float, model.losses)) == pytest.approx(-0.5 * np.log(R), rel=1e-4)


def test_the_baseline_follows_the_likelihood_of_a_word_in_training_only():
    model, inputs = make(), batch()
    assert float(model.baseline) == pytest.approx(-np.log(len(WORDS)))
    model(inputs)
    model.step(inputs["tokens"][:, 0], model.start(inputs))
    assert float(model.baseline) == pytest.approx(-np.log(len(WORDS)))
    average = float(model.baseline)
    inputs["emphasis"][0] = 5
    for _ in range(3):
        logits = model(inputs, training=True)
        of_a_word = -float(masked_loss(logits[:, :-1], inputs["tokens"][:, 1:], inputs["emphasis"][:, :-1]))
        average = 0.9 * average + 0.1 * of_a_word
        assert float(model.baseline) == pytest.approx(average, rel=1e-5)


def test_the_baseline_is_kept_with_the_model_and_with_its_training(tmp_path):
    model = make()
    model.baseline.assign(-1.5)
    save_model(model, tmp_path / "model.keras")
    assert float(load_model(tmp_path / "model.keras").baseline) == -1.5

    features = batch(size=8)["features"]
    some = Examples(lambda rows: {"features": features[rows]}, range(8), [[2, 6, 5, 7, 3], [2, 4, 5, 3]] * 4)
    fit(model, some, some, tmp_path, TrainingSettings(epochs=1), progress=False)
    average = model.baseline.numpy()
    with np.load(tmp_path / "checkpoint.npz") as stored:  # with which a training that was cut short goes on
        numbers = [stored[name] for name in stored.files if stored[name].shape == ()]
    assert average != -1.5 and average in numbers
