"""What is special about templates chosen by a graph; what every model has to hold is in ``test_family.py``."""

import numpy as np
import pytest
import tensorflow as tf
from test_family import ATTEND, CHANNELS, CONCEPTS, GRID, WORDS, R, batch

from mrg_helpers import templates
from mrg_helpers.decoding import Decoding, generate
from mrg_helpers.models import RetrieveParaphrase
from mrg_helpers.models.finding_graph import together
from mrg_helpers.training import train_step
from mrg_helpers.vocabulary import END, PAD

SENTENCES = ["No effusion.", "Large effusion.", "Large."]


def make(**settings):
    given = {"concepts": CONCEPTS, "templates": SENTENCES, "dropout": 0.0}
    return RetrieveParaphrase(WORDS, GRID, CHANNELS, **ATTEND | given | settings)


def sure_of(model, *chances):
    """The model, but with these logits of the templates whatever the image."""
    model.choose.weight.assign(0 * model.choose.weight)
    model.choose.of_found.kernel.assign(0 * model.choose.of_found.kernel)
    model.choose.of_found.bias.assign(chances)
    return model


def written(model, inputs, **how):
    read = {"features": inputs["features"]}
    return generate(
        model,
        lambda rows: {name: value[rows] for name, value in read.items()},
        range(3),
        Decoding(max_length=20, **how),
    )


@pytest.mark.parametrize("how", [{}, {"method": "beam"}])
def test_pure_retrieval_writes_the_likely_templates_in_their_order(how):
    model, inputs = make(paraphrase=False), batch()
    for chances, report in (
        ((9, -9, 9), "No effusion. Large."),
        ((-9, 9, -9), "Large effusion."),
        ((-9, -8, -9), "Large effusion."),  # none is likely: the likeliest, so that nobody gets an empty report
        ((1, 3, 2), "No effusion. Large effusion. Large."),
    ):
        generation = written(sure_of(model, *chances), inputs, **how)
        assert generation.texts(model.vocabulary) == [report] * 3
    two = written(sure_of(make(paraphrase=False, retrieved=2), 1, 3, 2), inputs, **how)
    assert two.texts(model.vocabulary) == ["Large effusion. Large."] * 3


def test_the_logits_of_call_reproduce_what_is_retrieved_whatever_is_read():
    model, inputs = sure_of(make(paraphrase=False), 9, -9, 9), batch(words=7)
    ids = [WORDS.index(word) for word in ("no", "effusion", ".", "large", ".")]
    np.testing.assert_array_equal(np.argmax(model(inputs), axis=-1), [[*ids, END, PAD]] * 3)


def test_retrieval_is_explained_by_where_the_findings_were_seen():
    model, inputs = make(paraphrase=False), batch(size=1)
    model.regard.find.kernel.assign(0 * model.regard.find.kernel)
    sure_of(model, 9, 9, -9)
    memory = model.start(inputs)["memory"]
    seen = tf.one_hot([[1, 4]], R)  # the first finding in region 1, the second in region 4
    why = np.array([[[1, 0], [0, 1], [0.5, 0.5]]], "float32")
    memory["where"] = tf.einsum("bkc,bcr->bkr", why, seen)
    state = {"memory": memory, "cell": model.start(inputs)["cell"]}
    looked = []
    for _ in range(6):
        _, state, attention = model.step(np.array([WORDS.index("no")]), state)
        looked.append(int(np.argmax(attention)))
    assert looked == [1, 1, 1, 4, 4, 4]


def test_the_graph_carries_what_one_finding_means_for_another():
    model, inputs = make(layers=1), batch()
    annotations, shown = model.regard.look(inputs["features"])
    changed = shown + np.array([0, 5], "float32")  # more evidence for the second finding alone

    def judged(adjacency):
        model.graph.adjacency.assign(adjacency)
        return [model.graph.infer(annotations, some)[2][:, 0].numpy() for some in (shown, changed)]

    far, near = np.where(np.eye(2), 0, -99), np.where(np.eye(2), 0, 0)
    before, after = judged(far)
    np.testing.assert_allclose(before, after, atol=1e-5)  # cut off from each other
    before, after = judged(near)
    assert np.abs(before - after).max() > 1e-4


def test_the_adjacency_starts_from_what_reports_name_together():
    named = np.array([[1, 1, 0]] * 20 + [[0, 0, 1]] * 20 + [[0, 0, 0]] * 60, float)
    near = together(named)
    assert near[0, 1] > 1 and near[0, 2] < -1
    np.testing.assert_array_equal(near, near.T)
    assert not np.diag(near).any()
    assert np.isfinite(together(np.zeros((5, 2)))).all()


def test_templates_and_findings_teach_and_only_what_was_predicted_is_read():
    for model in (make(guide=0.1), make(paraphrase=False)):
        inputs = batch()
        unlike = {**inputs, **{name: 1 - inputs[name] for name in ("concepts", "templates", "said")}}
        unlike["templates"] = np.pad(unlike["templates"], [(0, 0), (0, 1)])
        inputs["templates"] = np.pad(inputs["templates"], [(0, 0), (0, 1)])
        logits, losses = model(inputs, training=True), list(map(float, model.losses))
        np.testing.assert_array_equal(model(unlike, training=True), logits)
        assert losses[:2] != pytest.approx(list(map(float, model.losses))[:2])


def test_pure_retrieval_learns_which_templates_belong_to_which_image():
    model, inputs = make(paraphrase=False, units=16, templates=SENTENCES[:2]), batch(size=12)
    inputs["templates"] = np.eye(2, dtype="float32")[np.arange(12) % 2]
    optimizer = tf.keras.optimizers.Adam(0.02)
    optimizer.build(model.trainable_variables)
    step = tf.function(lambda: train_step(model, optimizer, inputs, inputs["tokens"]))
    for _ in range(150):
        step()
    read = generate(model, lambda rows: {"features": inputs["features"][rows]}, range(12), Decoding(max_length=9))
    assert read.texts(model.vocabulary) == [SENTENCES[k % 2] for k in range(12)]


def test_words_of_the_templates_are_copied_where_the_copy_gate_is_open():
    model, inputs = sure_of(make(retrieved=1), 9, -9, -9), batch()
    model.copy.bias.assign([30.0])
    chances = tf.nn.softmax(model(inputs), axis=-1).numpy()
    of_template = [WORDS.index(word) for word in ("no", "effusion", ".")]
    np.testing.assert_allclose(chances[..., of_template].sum(axis=-1), 1, atol=1e-4)
    model.copy.bias.assign([-30.0])
    assert tf.nn.softmax(model(inputs), axis=-1).numpy()[..., of_template].sum(axis=-1).max() < 0.99


def test_the_decoder_knows_where_it_has_read():
    model, inputs = make(), batch()
    state = model.start(inputs)
    for t in range(3):
        np.testing.assert_allclose(np.sum(state["cell"]["covered"], axis=1), t, atol=1e-5)
        _, state, _ = model.step(inputs["tokens"][:, t], state)
    there = state["memory"]["there"].numpy()
    assert there.sum(axis=1).tolist() == [8] * 3  # 3 + 3 + 2 words
    assert not (state["cell"]["covered"].numpy() * (1 - there)).any()


def test_without_findings_or_templates_it_is_another_model():
    for missing in ({"concepts": []}, {"templates": []}):
        with pytest.raises(ValueError, match="set concepts"):
            make(**missing)


TEXTS = [
    "Heart size is normal. Small left effusion. Lines are in place.",
    "The heart is normal in size. There is a small effusion.",
    "Heart size is normal. Small left effusion.",
    "Large right pneumothorax. Heart size is normal.",
]


def test_templates_are_one_sentence_for_each_thing_that_reports_say():
    mined = templates.mined(TEXTS, 2)
    assert mined == ["Heart size is normal.", "Small left effusion."]
    assert "Large right pneumothorax." in templates.mined(TEXTS, 1)
    assert templates.mined(TEXTS[::-1], 1) == templates.mined(TEXTS, 1)
    assert templates.say(TEXTS, mined).tolist() == [[True, True], [True, True], [True, True], [True, False]]
    assert templates.say([""], mined).tolist() == [[False, False]]


def test_sentences_are_alike_by_what_they_assert():
    say = templates.what_it_says
    assert say("Small left effusion.") == say("A large effusion on the right, no pneumothorax.")
    assert say("No effusion.") != say("Small effusion.")
    assert say("No effusion.") == say("There is no pleural effusion.")
    assert say("Lines are in place.") == ("lines", "are", "in", "place")
