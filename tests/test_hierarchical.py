"""What is special about sentences and words at two levels; what every model has to hold is in ``test_family.py``."""

import numpy as np
import pytest
import tensorflow as tf
from test_family import ATTEND, CHANNELS, CONCEPTS, GRID, WORDS, R, batch

from mrg_helpers import reports
from mrg_helpers.models import Hierarchical
from mrg_helpers.training import masked_loss
from mrg_helpers.vocabulary import END, START

STOP = WORDS.index(".")
NO, EFFUSION, LARGE = (WORDS.index(word) for word in ("no", "effusion", "large"))


def make(**settings):
    return Hierarchical(WORDS, GRID, CHANNELS, **ATTEND | {"dropout": 0.0} | settings)


def told(*words, size=1):
    """Inputs whose reports all read <start> and these words."""
    inputs = batch(size, len(words) + 1)
    return inputs | {"tokens": np.tile(np.array([START, *words], "int32"), (size, 1))}


def walk(model, inputs):
    """The cell after every word."""
    state, cells = model.start(inputs), []
    for token in inputs["tokens"].T:
        _, state, _ = model.step(token, state)
        cells.append(tf.nest.map_structure(np.asarray, state["cell"]))
    return cells


def test_the_sentence_level_advances_where_a_sentence_ended_and_nowhere_else():
    cells = walk(make(concepts=CONCEPTS), told(NO, EFFUSION, STOP, LARGE, EFFUSION, STOP))
    for name in ("sentence", "topic", "looked"):
        moved = [not np.array_equal(one[name], other[name]) for one, other in zip(cells, cells[1:], strict=False)]
        assert moved == [False, False, True, False, False, True], name
    for cell in cells:
        np.testing.assert_allclose(cell["looked"].sum(axis=1), 1, atol=1e-5)


def test_the_words_of_a_sentence_start_from_its_topic_and_not_from_the_sentence_before():
    model, inputs = make(), told(NO, EFFUSION, STOP)
    state = model.start(inputs)
    for token in inputs["tokens"].T[:-1]:
        _, state, _ = model.step(token, state)
    # The sentence decoder reads the summary of what was said. Where it is deaf to that, nothing of it is left behind the stop.
    kernel = model.sentence_cell.kernel.numpy()
    for deaf in (False, True):
        model.sentence_cell.kernel.assign(np.where(np.arange(len(kernel))[:, None] < 7, 0, kernel) if deaf else kernel)
        other = {"memory": state["memory"], "cell": state["cell"] | {"word": -state["cell"]["word"]}}
        one, two = (model.step(np.array([STOP]), some)[0].numpy() for some in (state, other))
        assert (np.abs(one - two).max() < 1e-5) == deaf


def test_the_impression_is_conditioned_on_the_findings():
    text = reports.target_text({"findings": "Large effusion", "impression": "Effusion."}, "report")
    assert text == "Large effusion. Effusion."  # one text, so what is said of its first sentence reaches the second
    large, none = (walk(make_same(), told(word, EFFUSION, STOP))[-1] for word in (LARGE, NO))
    assert np.abs(large["topic"] - none["topic"]).max() > 1e-4


def make_same():
    tf.keras.utils.set_random_seed(0)
    return make(concepts=CONCEPTS)


def test_the_stop_control_decides_between_sentences_and_only_there():
    model, inputs = make(), told(NO, EFFUSION, STOP, LARGE)
    before = model(inputs).numpy()
    model.stop.kernel.assign(0 * model.stop.kernel)
    model.stop.bias.assign([1.5])
    after = model(inputs).numpy()
    np.testing.assert_array_equal(after[:, [1, 2, 4]], before[:, [1, 2, 4]])
    chances = tf.nn.softmax(after)[0, :, END].numpy()
    assert chances[[0, 3]] == pytest.approx(1 / (1 + np.exp(-1.5)), rel=1e-4)
    others = np.arange(len(WORDS)) != END
    np.testing.assert_array_equal(after[..., others], before[..., others])


def test_stopping_has_a_loss_of_its_own_and_learns_from_the_words_too():
    model, inputs = make(), told(NO, EFFUSION, STOP)  # <start> goes on, the full stop is the last word
    model.stop.kernel.assign(0 * model.stop.kernel)
    for bias in (-2.0, 0.0, 3.0):
        model.stop.bias.assign([bias])
        model(inputs, training=True)
        assert float(model.losses[0]) == pytest.approx((np.logaddexp(0, bias) + np.logaddexp(0, -bias)) / 2, rel=1e-4)
    quiet, targets = make(stop_weight=0.0), np.array([[NO, EFFUSION, STOP, END]])
    with tf.GradientTape() as tape:
        loss = masked_loss(quiet(inputs, training=True), targets) + sum(quiet.losses)
    assert np.abs(tape.gradient(loss, quiet.stop.bias)).max() > 0


def test_a_shorter_report_stops_at_its_own_end():
    model = make()
    model.stop.kernel.assign(0 * model.stop.kernel)
    model.stop.bias.assign([50.0])  # always stops: wrong at <start>, right behind the last word
    inputs = told(NO, STOP, LARGE, STOP, size=2)
    inputs["tokens"][1, 3:] = [END, 0]  # as a batch pads a shorter one
    model(inputs, training=True)
    assert float(model.losses[0]) == pytest.approx(50 * 3 / 5, rel=1e-4)  # of five places, three go on


def test_the_checklist_is_ticked_where_a_sentence_ends_and_not_at_the_start():
    model = make(concepts=CONCEPTS)
    model.told.judge.kernel.assign(0 * model.told.judge.kernel)
    model.told.judge.bias.assign([40.0, -40.0])
    ticked = [np.round(cell["told"]["said"][0]).tolist() for cell in walk(model, told(LARGE, EFFUSION, STOP, NO))]
    assert ticked == [[0, 0], [0, 0], [0, 0], [1, 0], [1, 0]]


def test_what_is_found_is_predicted_and_reaches_every_word():
    model, inputs = make(concepts=CONCEPTS, guide=0.1), batch()
    before = model(inputs, training=True).numpy()
    unlike = {**inputs, "concepts": 1 - inputs["concepts"], "said": 1 - inputs["said"]}
    np.testing.assert_array_equal(model(unlike, training=True), before)  # the true ones teach and are not read
    model.regard.find.bias.assign([9.0, -9.0])
    assert (np.abs(model(inputs) - before).max(axis=(0, 2)) > 1e-4).all()


def test_a_topic_learns_what_its_sentence_will_say_and_the_checklist_what_it_said():
    model, inputs = make(concepts=CONCEPTS, concept_weight=0.0, stop_weight=0.0), told(LARGE, EFFUSION, STOP)
    # The words that follow <start>, "large" and "effusion" are of a sentence that asserts the first finding.
    inputs["said"] = np.array([[[1, 0]] * 3 + [[0, 0]]], "float32")
    for head in (model.will_say, model.told.judge):
        head.kernel.assign(0 * head.kernel)
    model.told.judge.bias.assign([20.0, -20.0])
    for bias, expected in (([20.0, -20.0], 20 / 2), ([-20.0, 20.0], (20 + 20 + 20) / 2)):
        model.will_say.bias.assign(bias)  # for two sentences, of which the second says nothing
        model(inputs, training=True)
        assert sum(map(float, model.losses)) == pytest.approx(expected, rel=1e-3)


def test_a_vocabulary_without_full_stop_makes_one_sentence():
    model = Hierarchical([word if word != "." else "stop" for word in WORDS], GRID, CHANNELS, **ATTEND)
    cells = walk(model, told(NO, EFFUSION, STOP))
    np.testing.assert_array_equal(cells[0]["topic"], cells[-1]["topic"])
    assert cells[0]["looked"].shape == (1, R)
