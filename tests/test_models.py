"""What is special about Show, Attend and Tell; what every model has to hold is in ``test_family.py``."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from mrg_helpers import stages
from mrg_helpers.models import ShowAttendTell, load_model
from mrg_helpers.models.parts import Recomputed, additive_attention
from mrg_helpers.models.show_attend_tell import doubly_stochastic, misplaced, smooth_maximum

WORDS = ["<pad>", "<unk>", "<start>", "<end>", "no", "effusion", "large", "."]
GRID, CHANNELS = (2, 3), 5
SMALL = {"embedding": 6, "units": 7, "attention_units": 4}
CONCEPTS = {"concepts": ["effusion", "nodule"]}


def make(**settings):
    return ShowAttendTell(WORDS, GRID, CHANNELS, note="a note", **SMALL | settings)


def batch(seed=0, size=3, words=4):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(size, 6, CHANNELS)).astype("float32")
    tokens = rng.integers(2, len(WORDS), (size, words)).astype("int32")
    said = rng.integers(0, 2, (size, words, 2)).astype("float32")
    return {"features": features, "tokens": tokens, "said": said, "concepts": said.max(axis=1)}


def test_beta_is_what_the_next_step_lets_through():
    inputs = {"features": batch()["features"]}
    assert make(gate=False).beta(make(gate=False).start(inputs)) is None
    model = make()
    before = model.beta(model.start(inputs)).numpy()
    assert before.shape == (3,) and ((before > 0) & (before < 1)).all()
    model.gate.bias.assign([-50.0])  # closed: the context no longer counts
    state = model.start(inputs)
    np.testing.assert_allclose(model.beta(state), 0, atol=1e-6)
    context, _ = model.attend(state["cell"][0], state["memory"])
    np.testing.assert_allclose(context, 0, atol=1e-6)


def test_attention_is_compiled_in_training_and_for_many_reports_and_nowhere_else(monkeypatch):
    model, inputs = make(), batch()

    def refuse(*tensors):
        raise RuntimeError("compiled")

    monkeypatch.setattr(model.attention, "compiled", refuse)
    monkeypatch.setattr(model.attention, "forward", refuse)
    model.step(inputs["tokens"][:, 0], model.start(inputs))
    model(inputs)
    with pytest.raises(RuntimeError, match="compiled"):
        model(inputs, training=True)
    many = batch(size=Recomputed.MANY)
    with pytest.raises(RuntimeError, match="compiled"):
        model.step(many["tokens"][:, 0], model.start(many))


def test_compiled_attention_and_its_gradient_are_those_of_the_function():
    rng, results = np.random.default_rng(0), []
    shapes = ((2, 4), (2, 6, 4), (2, 6, 7), (4,), (2, 6))  # query, keys, annotations, score, mask
    tensors = [tf.constant(rng.normal(size=shape), "float32") for shape in shapes]
    weigh = [rng.normal(size=shape).astype("float32") for shape in ((2, 7), (2, 6))]
    for many, training in ((64, False), (0, False), (64, True)):
        attention = Recomputed(additive_attention)
        attention.MANY = many
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            found = attention(*tensors, training=training)
            total = sum(tf.reduce_sum(one * by) for one, by in zip(found, weigh, strict=True))
        results.append([*found, *tape.gradient(total, tensors)])
    for plain, *compiled in zip(*results, strict=True):
        assert np.abs(plain).max() > 1e-3
        for one in compiled:
            np.testing.assert_allclose(one, plain, atol=1e-5)


def test_the_image_and_its_places_matter():
    model, inputs = make(), batch()
    turned = {**inputs, "features": inputs["features"][:, ::-1]}
    assert np.abs(model(inputs) - model(turned)).max() > 1e-4
    without = make(positions=False)
    np.testing.assert_allclose(without(inputs), without(turned), atol=1e-5)  # a bag of regions


def test_doubly_stochastic_penalty_is_zero_for_even_attention_and_ignores_padding():
    tokens = np.array([[2, 4, 5, 0]])
    even = np.full((1, 4, 6), 1 / 6, "float32")
    assert float(doubly_stochastic(even, tokens)) == pytest.approx(0, abs=1e-6)
    padded = even.copy()
    padded[0, 3] = [1, 0, 0, 0, 0, 0]
    assert float(doubly_stochastic(padded, tokens)) == pytest.approx(0, abs=1e-6)
    peaked = np.zeros((1, 4, 6), "float32")
    peaked[:, :, 0] = 1
    assert float(doubly_stochastic(peaked, tokens)) == pytest.approx((5**2 + 5) / 6, rel=1e-5)


def test_word_dropout_hides_words_in_training_only():
    tokens = batch(size=200)["tokens"]
    hidden = np.array(make(word_dropout=0.3).forget(tokens))
    words = tokens > 2
    assert 0.2 < (hidden[words] == 1).mean() < 0.4
    np.testing.assert_array_equal(hidden[~words], tokens[~words])
    np.testing.assert_array_equal(hidden[hidden != 1], tokens[hidden != 1])
    np.testing.assert_array_equal(make().forget(tokens), tokens)


def test_concepts_are_asked_of_the_regions_and_one_sure_region_is_enough():
    inputs = batch()
    plain, asked = make(dropout=0.0), make(dropout=0.0, **CONCEPTS)
    plain(inputs, training=True)
    assert not plain.losses
    asked(inputs, training=True)
    logits = asked.start(inputs)["memory"]["concepts"].numpy()
    assert logits.shape == (3, 2)
    by_hand = np.log1p(np.exp(-np.where(inputs["concepts"] == 1, logits, -logits))).sum(axis=1).mean()
    assert float(asked.losses[0]) == pytest.approx(by_hand, rel=1e-4)
    sure = np.full((1, 6, 1), -9.0, "float32")
    sure[0, 4] = 9
    assert 9 - np.log(6) - 0.01 < float(smooth_maximum(sure)[0, 0]) < 9


def test_attention_is_misplaced_unless_it_lies_where_the_sentences_findings_are_shown():
    shown = np.full((1, 6, 2), -9.0, "float32")
    shown[0, 1, 0] = shown[0, 4, 1] = 9  # the first finding in region 1, the second in region 4
    said = np.array([[[1, 0], [0, 1], [0, 0]]], "float32")

    def looking_at(*regions):
        return np.eye(6, dtype="float32")[None, list(regions)]

    assert float(misplaced(looking_at(1, 4, 0), said, shown)) == pytest.approx(0, abs=1e-3)
    assert float(misplaced(looking_at(1, 4, 5), said, shown)) == pytest.approx(0, abs=1e-3)  # the third says nothing
    assert float(misplaced(looking_at(4, 1, 0), said, shown)) > 5
    assert float(misplaced(looking_at(1, 1, 1), said * 0, shown)) == 0


def test_the_guide_is_a_loss_of_its_own_and_moves_the_attention():
    inputs = batch()
    unguided, guided = (make(dropout=0.0, concept_weight=0.0, guide=weight, **CONCEPTS) for weight in (0.0, 1.0))
    unguided(inputs, training=True)
    assert len(unguided.losses) == 2  # of the concepts and of the checklist
    with tf.GradientTape() as tape:
        guided(inputs, training=True)
        total = sum(guided.losses)
    assert len(guided.losses) == 3 and float(total) > 0
    assert np.abs(tape.gradient(total, guided.score)).max() > 0


def test_what_the_regions_find_reaches_every_word():
    model, inputs = make(**CONCEPTS), batch()
    before = model(inputs).numpy()
    model.find.bias.assign([9.0, -9.0])
    moved = np.abs(model(inputs) - before).max(axis=(0, 2))  # (T,)
    assert (moved > 1e-3).all()


def test_without_the_deep_output_the_words_are_read_out_of_the_state_alone():
    for settings in ({}, CONCEPTS):
        model, inputs = make(deep_output=False, **settings), batch()
        assert not any(
            name in one.path for one in model.variables for name in ("state_to_word", "context_to_word", "shown")
        )
        state = model.start(inputs)
        logits, after, _ = model.step(inputs["tokens"][:, 0], state)
        np.testing.assert_allclose(logits, model.to_logits(after["cell"][0]), atol=1e-6)
        turned = {**inputs, "features": inputs["features"][:, ::-1]}
        assert np.abs(model(inputs) - model(turned)).max() > 1e-5  # the image reaches them through the state


SWITCHES = [
    {"cell": "lstm"}, {"gate": False}, {"penalty": 0.5}, {"positions": False}, {"mean_start": False}, {"deep_output": False},
    {"model": "hard_attention"},
]  # fmt: skip


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda switch: "-".join(map(str, *switch.items())))
def test_each_switch_is_a_setting_or_an_option_and_trains(switch, tiny):
    own = {name: value for name, value in switch.items() if hasattr(tiny, name)}
    settings = dataclasses.replace(tiny, **own, options={name: switch[name] for name in switch if name not in own})
    model, usual = stages.ensure_model(settings), stages.ensure_model(tiny)
    assert {"model": settings.model, **model.settings}.items() >= switch.items()
    first, inputs = stages.new_model(settings), stages.examples(tiny, "val").batch([0])[0]
    assert np.isfinite(model(inputs)).all()
    assert np.abs(model(inputs) - first(inputs)).max() > 1e-4  # it has learnt something
    assert (
        np.abs(model(inputs)[..., :4] - usual(inputs)[..., :4]).max() > 1e-6
    )  # and something else than without the switch


def test_unknown_cell_and_unreadable_files_are_named(tmp_path):
    with pytest.raises(ValueError, match='"gru" or "lstm"'):
        ShowAttendTell(WORDS, GRID, CHANNELS, cell="rnn")
    with pytest.raises(FileNotFoundError, match="none.keras"):
        load_model(tmp_path / "none.keras")
    (tmp_path / "broken.keras").write_bytes(b"not a model")
    with pytest.raises(ValueError, match="broken.keras"):
        load_model(tmp_path / "broken.keras")


def test_the_checklist_is_ticked_where_a_sentence_ends_and_what_is_left_is_read_on():
    model, stop = make(**CONCEPTS), WORDS.index(".")
    model.was_said.kernel.assign(np.zeros((7, 2)))
    model.was_said.bias.assign([40.0, -40.0])  # every sentence says the first finding, none the second
    inputs = batch(size=1)
    inputs["tokens"] = np.array([[2, 5, stop, 4]], "int32")
    state = model.start(inputs)
    ticked = []
    for token in inputs["tokens"][0]:
        _, state, _ = model.step(np.array([token]), state)
        ticked.append(np.round(state["cell"][-1][0]).tolist())
    assert ticked == [[0, 0], [0, 0], [1, 0], [1, 0]]

    word, memory = np.zeros((1, 6), "float32"), state["memory"]
    nothing, all_ = (model.read(word, np.full((1, 2), ticks, "float32"), memory) for ticks in (0, 1))
    model.left_to_word.kernel.assign(model.left_to_word.kernel + 1)
    assert np.abs(model.read(word, np.zeros((1, 2), "float32"), memory) - nothing).min() > 1e-3
    np.testing.assert_array_equal(model.read(word, np.ones((1, 2), "float32"), memory), all_)


def test_the_checklist_learns_from_what_the_sentences_assert():
    model, stop = make(dropout=0.0, concept_weight=0.0, **CONCEPTS), WORDS.index(".")
    inputs = batch(size=1)
    inputs["tokens"] = np.array([[2, 5, stop, 4]], "int32")
    inputs["said"] = np.array([[[0, 1], [1, 0], [0, 0], [1, 1]]], "float32")
    model.was_said.kernel.assign(np.zeros((7, 2)))
    losses = {}
    for bias in ([9.0, -9.0], [-9.0, 9.0]):
        model.was_said.bias.assign(bias)
        model(inputs, training=True)
        losses[bias[0]] = sum(map(float, model.losses))
    assert losses[9.0] < 0.01 and losses[-9.0] > 17  # at the full stop the first was asserted and the second was not
