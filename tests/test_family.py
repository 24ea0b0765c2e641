"""What every model of the family has to hold, in every variant that is listed here.

A new model adds its variants to ``VARIANTS``: the arguments of its constructor, small.
"""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mrg_helpers.batches import Examples
from mrg_helpers.decoding import Decoding, generate
from mrg_helpers.models import FAMILY, load_model, save_model
from mrg_helpers.training import train_step
from mrg_helpers.vocabulary import END, PAD, START

WORDS = ["<pad>", "<unk>", "<start>", "<end>", "no", "effusion", "large", "."]
GRID, CHANNELS = (2, 3), 5
R = GRID[0] * GRID[1]
CONCEPTS = ["effusion", "nodule"]
ATTEND = {"embedding": 6, "units": 7, "attention_units": 4}
SMALL = {"units": 8, "heads": 2}
RETRIEVE = ATTEND | {"concepts": CONCEPTS, "templates": ["No effusion.", "Large effusion."]}
VARIANTS = {
    "show_attend_tell": [
        ATTEND,
        ATTEND | {"cell": "lstm", "penalty": 0.5},
        ATTEND | {"concepts": CONCEPTS, "guide": 0.1},
        ATTEND | {"positions": False, "gate": False, "mean_start": False},
        ATTEND | {"deep_output": False},
        ATTEND | {"deep_output": False, "concepts": CONCEPTS},
    ],
    "hard_attention": [
        ATTEND,
        ATTEND | {"concepts": CONCEPTS, "guide": 0.1, "penalty": 0.5, "cell": "lstm"},
        ATTEND | {"expectation": 0.0, "reinforce": 1.0, "whole_reward": True, "deep_output": False},
    ],
    "merge_lstm": [
        {"embedding": 6, "units": 7},
        {"embedding": 6, "units": 7, "inject": "init", "cell": "gru"},
        {"embedding": 6, "units": 7, "concepts": CONCEPTS},
        {"embedding": 6, "units": 7, "inject": "init", "concepts": CONCEPTS},
        {"embedding": 6, "units": 7, "inject": "par", "concepts": CONCEPTS, "cell": "gru"},
        {"embedding": 6, "units": 7, "inject": "par"},
    ],
    "two_view": [
        ATTEND | {"view_dropout": 0.0},
        ATTEND | {"view_dropout": 0.0, "concepts": CONCEPTS, "guide": 0.1, "penalty": 0.5, "cell": "lstm"},
        ATTEND | {"view_dropout": 0.0, "positions": False, "gate": False, "mean_start": False},
    ],
    "indication": [
        ATTEND | {"indication_words": WORDS[4:]},
        ATTEND | {"indication_words": WORDS[4:], "concepts": CONCEPTS, "guide": 0.1, "cell": "lstm"},
        ATTEND | {"indication_words": WORDS[4:], "channel_attention": False, "gate": False},
    ],
    "tag_conditioned": [
        ATTEND | {"concepts": CONCEPTS},
        ATTEND | {"concepts": CONCEPTS, "tags": 9, "cell": "lstm"},
    ],
    "hierarchical": [
        ATTEND,
        ATTEND | {"concepts": CONCEPTS, "guide": 0.1},
    ],
    "retrieve_paraphrase": [
        RETRIEVE,
        RETRIEVE | {"guide": 0.1, "retrieved": 1, "layers": 1},
        RETRIEVE | {"paraphrase": False},
    ],
    "transformer": [
        SMALL,
        SMALL | {"memory": 3, "layers": 1},
        SMALL | {"memory": 2, "concepts": CONCEPTS, "guide": 0.1},
    ],
    "conditioned_gpt": [
        SMALL,
        SMALL | {"concepts": CONCEPTS, "guide": 0.1, "layers": 1},
    ],
}
ALL = [pytest.param(name, settings, id=f"{name}-{k}") for name in FAMILY for k, settings in enumerate(VARIANTS[name])]
FIRST = [pytest.param(name, VARIANTS[name][0], id=name) for name in FAMILY]


@pytest.fixture(autouse=True)
def seeded():
    """The same first weights each time."""
    keras.utils.set_random_seed(0)


def make(name, settings):
    return FAMILY[name](WORDS, GRID, CHANNELS, note="a note", **settings)


def batch(size=3, words=4, seed=0):
    """Inputs with everything that any model reads: whole reports without padding, and the emphasis of training."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(END + 1, len(WORDS), (size, words)).astype("int32")
    tokens[:, 0] = START
    said = rng.integers(0, 2, (size, words, len(CONCEPTS))).astype("float32")
    return {
        "features": rng.normal(size=(size, R, CHANNELS)).astype("float32"),
        "other": rng.normal(size=(size, R, CHANNELS)).astype("float32"),
        "has_other": np.ones(size, "float32"),
        "indication": rng.integers(1, len(WORDS), (size, 3)).astype("int32"),
        "tokens": tokens,
        "emphasis": np.ones(tokens.shape, "float32"),
        "said": said,
        "concepts": said.max(axis=1),
        "templates": said.max(axis=1),
    }


@pytest.mark.parametrize("name, settings", ALL)
def test_call_equals_unrolled_step(name, settings):
    model, inputs = make(name, settings), batch()
    together = model(inputs).numpy()
    assert together.shape == (3, 4, len(WORDS))
    state = model.start(inputs)
    assert set(state) == {"memory", "cell"}
    for t in range(4):
        logits, state, attention = model.step(inputs["tokens"][:, t], state)
        np.testing.assert_allclose(logits, together[:, t], atol=1e-4)
        assert attention.shape == (3, model.regions)
        np.testing.assert_allclose(np.sum(attention, axis=1), float(model.attends), atol=1e-5)


@pytest.mark.parametrize("name, settings", ALL)
def test_every_state_has_the_batch_first(name, settings):
    model = make(name, settings)
    for tensor in tf.nest.flatten(model.start(batch(size=5))):
        assert tensor.shape[0] == 5


@pytest.mark.parametrize("name, settings", ALL)
def test_padding_changes_nothing(name, settings):
    model, inputs = make(name, settings), batch()
    longer = {**inputs, "tokens": np.pad(inputs["tokens"], [(0, 0), (0, 3)], constant_values=PAD)}
    longer["indication"] = np.pad(inputs["indication"], [(0, 0), (0, 2)], constant_values=PAD)
    np.testing.assert_allclose(model(longer)[:, :4], model(inputs), atol=1e-4)


@pytest.mark.parametrize("name, settings", ALL)
def test_the_future_does_not_leak_into_the_past(name, settings):
    model, inputs = make(name, settings), batch()
    changed = {**inputs, "tokens": inputs["tokens"].copy()}
    changed["tokens"][:, 2:] = np.where(inputs["tokens"][:, 2:] == 4, 5, 4)
    np.testing.assert_allclose(model(inputs)[:, :2], model(changed)[:, :2], atol=1e-5)


@pytest.mark.parametrize("name, settings", ALL)
def test_one_study_alone_and_among_others_is_the_same(name, settings):
    model, inputs = make(name, settings), batch()
    alone = {key: value[1:2] for key, value in inputs.items()}
    np.testing.assert_allclose(model(alone)[0], model(inputs)[1], atol=1e-4)
    read = {key: inputs[key] for key in ("features", "other", "has_other", "indication")}
    written = generate(
        model, lambda rows: {key: value[rows] for key, value in read.items()}, [1], Decoding(max_length=5)
    )
    assert written.attention.shape == (1, written.tokens.shape[1], model.regions)


@pytest.mark.parametrize("name, settings", ALL)
def test_saved_and_loaded_it_says_the_same(name, settings, tmp_path):
    model, inputs = make(name, settings), batch()
    save_model(model, tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(inputs), again(inputs))
    assert (again.words, again.grid, again.channels, again.note) == (WORDS, GRID, CHANNELS, "a note")
    assert again.get_config() == model.get_config()


@pytest.mark.parametrize("name, settings", ALL)
def test_every_weight_learns(name, settings):
    model, inputs = make(name, settings), batch(words=6)
    inputs["tokens"][:, 2] = WORDS.index(".")  # so that there are sentences
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model(inputs, training=True) ** 2) + sum(model.losses)
    gradients = tape.gradient(total, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients, strict=True):
        assert gradient is not None, variable.path
        assert np.abs(tf.convert_to_tensor(gradient)).max() > 0, variable.path


@pytest.mark.parametrize("name, settings", FIRST)
def test_the_image_matters(name, settings):
    model, inputs = make(name, settings), batch()
    changed = {**inputs, "features": inputs["features"] + 1}
    assert np.abs(model(inputs) - model(changed)).max() > 1e-4


@pytest.mark.parametrize("name, settings", FIRST)
def test_it_can_learn_sixteen_studies_by_heart(name, settings):
    """Each with an image and a report of its own: a model that cannot do that cannot learn anything."""
    model, inputs = make(name, settings | BY_HEART.get(name, {})), batch(size=16, words=5)
    targets = np.concatenate([inputs["tokens"][:, 1:], np.full((16, 1), END)], axis=1)
    rows = np.arange(16)
    read = {key: inputs[key] for key in ("features", "other", "has_other", "indication")}
    model.adapt(Examples(lambda chosen: read, rows, [[*ids, END] for ids in inputs["tokens"].tolist()]))
    optimizer = tf.keras.optimizers.Adam(0.02, global_clipnorm=1.0)
    optimizer.build(model.trainable_variables)
    step = tf.function(lambda: train_step(model, optimizer, inputs, targets))
    losses = [float(step()) for _ in range(400)]
    assert losses[0] > 1
    assert min(losses) < 0.1


# What that test needs besides: nothing may be dropped, and a model has to be large enough for sixteen reports.
LARGE = {"dropout": 0.0, "units": 24, "embedding": 16}
BY_HEART = dict.fromkeys(["show_attend_tell", "merge_lstm", "two_view", "indication", "tag_conditioned"], LARGE)
BY_HEART |= dict.fromkeys(["hard_attention", "hierarchical", "retrieve_paraphrase"], LARGE)
BY_HEART |= dict.fromkeys(["transformer", "conditioned_gpt"], {"dropout": 0.0, "units": 24})
