"""Learning from more than the true words: every objective changes what it should, for any model, and nothing is left to chance."""

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from test_family import ATTEND, WORDS, batch, make

from mrg_helpers import objectives, stages
from mrg_helpers.batches import Examples
from mrg_helpers.decoding import Decoding, generate
from mrg_helpers.training import TrainingSettings, fit, train_step
from mrg_helpers.vocabulary import END, PAD, START, Vocabulary

VOCABULARY = Vocabulary(dict.fromkeys(WORDS[4:], 1))
ATTENTION = ("show_attend_tell", ATTEND | {"dropout": 0.0})
TRANSFORMER = ("transformer", {"units": 16, "heads": 2, "layers": 1, "max_length": 12, "dropout": 0.0})
BOTH = pytest.mark.parametrize("model", [ATTENTION, TRANSFORMER], ids=lambda model: model[0])


def optimizer_of(model, rate=0.01):
    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(model.trainable_variables)
    return optimizer


def reports(size=8, words=5):
    inputs = batch(size=size, words=words)
    return inputs, np.concatenate([inputs["tokens"][:, 1:], np.full((size, 1), END, "int32")], axis=1)


def after_a_step(take_step, model=ATTENTION, iterations=0):
    keras.utils.set_random_seed(0)
    model, (inputs, targets) = make(*model), reports()
    optimizer = optimizer_of(model)
    optimizer.iterations.assign(iterations)
    loss = float(take_step(model, optimizer, inputs, targets))
    return loss, np.concatenate([np.ravel(value) for value in model.get_weights()])


def test_without_its_changes_it_is_teacher_forcing():
    plain, same = after_a_step(train_step), after_a_step(objectives.teacher_forcing(10))
    assert plain[0] == pytest.approx(same[0], rel=1e-6)
    np.testing.assert_allclose(plain[1], same[1], atol=1e-6)


def test_its_own_words_are_read_more_and_more():
    sampling = objectives.teacher_forcing(10, scheduled_sampling=1.0)
    plain, first, last = after_a_step(train_step), after_a_step(sampling), after_a_step(sampling, iterations=10)
    np.testing.assert_allclose(plain[1], first[1], atol=1e-6)  # nothing is mixed in at the beginning
    assert np.abs(after_a_step(train_step, iterations=10)[1] - last[1]).max() > 1e-4
    np.testing.assert_array_equal(last[1], after_a_step(sampling, iterations=10)[1])  # the same words are drawn again


def test_mixing_moves_what_was_said_to_where_it_is_read():
    true = np.array([[START, 4, 5, 6], [START, 7, PAD, PAD]], "int32")
    said = np.array([[14, 15, 16, 17], [18, 19, 20, 21]], "int32")
    for probability, wanted in ((0.0, true), (1.0, [[START, 14, 15, 16], [START, 18, PAD, PAD]])):
        np.testing.assert_array_equal(objectives.mixed(true, said, probability, [0, 1]), wanted)
    many = np.tile(true[:1], (500, 1))
    own = np.array(objectives.mixed(many, np.tile(said[:1], (500, 1)), 0.3, [0, 1]))[:, 1:] > 10
    assert 0.25 < own.mean() < 0.35 and np.abs(np.corrcoef(own.T) - np.eye(3)).max() < 0.2


def test_a_smoothed_model_is_never_certain():
    certain = {}
    for smoothing in (0.0, 0.2):
        keras.utils.set_random_seed(0)
        model, (inputs, targets) = make(*ATTENTION), reports(size=4)
        optimizer, step = optimizer_of(model, 0.05), objectives.teacher_forcing(200, label_smoothing=smoothing)
        compiled = tf.function(lambda: step(model, optimizer, inputs, targets))  # noqa: B023
        for _ in range(150):
            compiled()
        certain[smoothing] = float(tf.reduce_max(tf.nn.softmax(model(inputs)), axis=-1).numpy().mean())
    assert certain[0.0] > 0.97 and 0.7 < certain[0.2] < 0.9  # at best 1 - 0.2 + 0.2 / V


@BOTH
def test_a_reward_that_likes_a_word_makes_it_likely(model):
    keras.utils.set_random_seed(0)
    model, (inputs, targets) = make(*model), reports()
    liked = WORDS.index("large")

    def reward(written, true):
        return (written == liked).mean(axis=1)

    optimizer, step = optimizer_of(model, 0.02), objectives.self_critical(reward, 6, weight=1.0)
    compiled = tf.function(lambda: step(model, optimizer, inputs, targets))
    judge = objectives.shortfall(
        reward, Examples(lambda rows: {k: v[rows] for k, v in inputs.items()}, np.arange(8), inputs["tokens"]), 6
    )
    before = judge(model)
    for _ in range(60):
        compiled()
    assert judge(model) < 0.2 < before


def test_rewards_are_the_scores_of_the_evaluation():
    ids = [VOCABULARY.encode(text) for text in ("Large effusion.", "No effusion.", "Large.", "No.")]
    written, true = objectives.pad(ids[:2] + ids[2:3]), objectives.pad([ids[0], ids[0], ids[3]])
    cider = objectives.cider_reward(VOCABULARY, ids)(written, true)
    assert cider[0] > cider[1] and cider[2] == 0 and cider.shape == (3,)
    np.testing.assert_allclose(objectives.finding_reward(VOCABULARY)(written, true), [1, 0, 1])


def test_the_average_of_the_weights_is_what_is_kept(tmp_path):
    inputs, targets = reports()
    rows = {name: inputs[name] for name in ("features",)}
    tokens = np.concatenate([inputs["tokens"], targets[:, -1:]], axis=1).tolist()
    examples = Examples(lambda chosen: {name: value[chosen] for name, value in rows.items()}, np.arange(8), tokens)
    kept, last = {}, {}
    for share in (0.0, 0.9):
        keras.utils.set_random_seed(0)
        model, seen = make(*ATTENTION), []
        settings = TrainingSettings(epochs=2, batch_size=4, learning_rate=0.01, weight_average=share)
        fit(model, examples, examples, tmp_path / str(share), settings, progress=False,
            on_epoch=lambda record, model: seen.append(model.get_weights()))  # noqa: B023  # fmt: skip
        kept[share], last[share] = model.get_weights(), seen[-1]
    np.testing.assert_allclose(last[0.0][0], last[0.9][0], atol=1e-6)  # the steps themselves are the same
    assert np.abs(kept[0.9][0] - last[0.9][0]).max() > 1e-4


def test_stages_go_on_from_the_trained_model(tiny):
    rewarded = dataclasses.replace(tiny, reward="findings", reward_epochs=1)
    assert stages.without_reward(rewarded) == tiny
    model = stages.ensure_model(rewarded)
    folder, before = (stages.artefact_folder(some, "model") for some in (rewarded, tiny))
    assert folder != before
    weights = (some.trainable_variables for some in (model, stages.ensure_model(tiny)))
    apart = [np.abs(a.numpy() - b.numpy()).max() for a, b in zip(*weights, strict=True)]
    assert 0 < max(apart) < 0.2  # a few small steps away
    with pytest.raises(ValueError, match="cider or findings"):
        stages.ensure_model(dataclasses.replace(tiny, reward="money"))


@pytest.mark.parametrize("change", [{"scheduled_sampling": 0.5}, {"label_smoothing": 0.1}, {"weight_average": 0.9}])
def test_each_setting_is_another_model(tiny, change):
    other = dataclasses.replace(tiny, epochs=1, **change)
    assert stages.artefact_folder(other, "model") != stages.artefact_folder(
        dataclasses.replace(tiny, epochs=1), "model"
    )
    written = generate(stages.ensure_model(other), stages.reader(other), [0], Decoding(max_length=8))
    assert len(written) == 1
