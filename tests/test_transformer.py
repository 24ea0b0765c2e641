"""What is special about the Transformer and its relational memory; what every model has to hold is in ``test_family.py``."""

import numpy as np
import pytest

from mrg_helpers.batches import Examples
from mrg_helpers.decoding import Decoding, generate
from mrg_helpers.models import Transformer
from mrg_helpers.models.parts import attend, causal, log_frequencies, written
from mrg_helpers.models.transformer import Norm

WORDS = ["<pad>", "<unk>", "<start>", "<end>", "no", "effusion", "large", "."]
GRID, CHANNELS = (2, 3), 5
SMALL = {"units": 8, "heads": 2, "max_length": 12}


def make(**settings):
    return Transformer(WORDS, GRID, CHANNELS, **SMALL | settings)


def batch(seed=0, size=3, words=4):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(size, 6, CHANNELS)).astype("float32")
    return {"features": features, "tokens": rng.integers(2, len(WORDS), (size, words)).astype("int32")}


def softmax(scores):
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return scores / scores.sum(axis=-1, keepdims=True)


def test_attention_with_several_heads_by_hand():
    rng = np.random.default_rng(0)
    query, keys, values = (rng.normal(size=(2, n, 6)).astype("float32") for n in (3, 3, 3))
    visible = np.tril(np.ones((3, 3), bool))[None]
    np.testing.assert_array_equal(causal(3), visible)
    context, weights = attend(query, keys, values, 2, visible)
    by_hand = []
    for part in (slice(0, 3), slice(3, 6)):
        scores = query[..., part] @ keys[..., part].transpose(0, 2, 1) / np.sqrt(3)
        by_hand.append(softmax(np.where(visible, scores, -np.inf)))
        np.testing.assert_allclose(context[..., part], by_hand[-1] @ values[..., part], atol=1e-5)
    np.testing.assert_allclose(weights, np.mean(by_hand, axis=0), atol=1e-6)


def test_each_row_of_the_cache_is_written_at_its_own_place():
    cache = written(np.zeros((2, 3, 4), "float32"), np.array([[[1.0] * 4], [[2.0] * 4]], "float32"), np.array([0, 2]))
    np.testing.assert_array_equal(np.array(cache)[..., 0], [[1, 0, 0], [0, 0, 2]])


def test_the_memory_starts_all_different_and_changes_with_every_word():
    model, inputs = make(memory=3), batch()
    state = model.start(inputs)
    np.testing.assert_array_equal(state["cell"]["slots"], np.broadcast_to(np.eye(3, 8), (3, 3, 8)))
    for t in range(3):
        before = np.array(state["cell"]["slots"])
        _, state, _ = model.step(inputs["tokens"][:, t], state)
        assert np.abs(state["cell"]["slots"] - before).max(axis=(1, 2)).min() > 1e-3
    assert "slots" not in make().start(inputs)["cell"]


def test_what_the_memory_holds_steers_what_is_said():
    model, inputs = make(memory=3), batch()
    logits = []
    for scale in (1.0, -2.0):
        state = model.start(inputs)
        state["cell"]["slots"] = state["cell"]["slots"] * scale
        logits.append(np.array(model.step(inputs["tokens"][:, 0], state)[0]))
    assert np.abs(logits[0] - logits[1]).max() > 1e-3


def test_the_gates_of_the_memory_keep_it_or_let_it_go():
    model = make(memory=2)
    memory, rng = model.slots, np.random.default_rng(0)
    word = [part[:, 0] for part in memory.read(rng.normal(size=(3, 1, 8)).astype("float32"))]
    slots = rng.normal(size=(3, 2, 8)).astype("float32")
    memory.slot_gates.kernel.assign(np.zeros((8, 16)))
    word[2] = np.repeat([[40.0] * 8 + [-40.0] * 8], 3, axis=0).astype("float32")  # keep all, take nothing
    np.testing.assert_allclose(memory.advance(slots, word), slots, atol=1e-6)
    word[2] = -word[2]  # keep nothing, take all
    assert np.abs(memory.advance(slots, word)).max() < 1
    assert np.abs(memory.advance(slots, word) - slots).max() > 0.1


def test_a_norm_that_the_memory_does_not_change_is_a_plain_one():
    rng = np.random.default_rng(0)
    words, slots = rng.normal(2, 3, size=(2, 3, 8)).astype("float32"), rng.normal(size=(2, 3, 16)).astype("float32")
    norm = Norm(8, True, "norm")
    changed = np.array(norm.normalise(words, slots))
    for layer in norm.change:
        layer.kernel.assign(layer.kernel * 0)
    plain = (words - words.mean(axis=-1, keepdims=True)) / words.std(axis=-1, keepdims=True)
    np.testing.assert_allclose(norm.normalise(words, slots), plain, atol=1e-4)
    np.testing.assert_allclose(Norm(8, False, "norm").normalise(words, None), plain, atol=1e-4)
    assert np.abs(changed - plain).max() > 1e-3


def test_the_output_starts_from_how_often_each_word_is_said():
    reports = [[2, 4, 5, 7, 3], [2, 4, 5, 3]]  # <start> is never said
    said = np.exp(log_frequencies(reports, len(WORDS)))
    np.testing.assert_allclose(said * 15, [1, 1, 1, 3, 3, 3, 1, 2], rtol=1e-5)
    model = make()
    model.adapt(Examples(lambda rows: {}, [0, 1], reports))
    np.testing.assert_allclose(np.exp(model.to_logits.bias), said, rtol=1e-5)


def test_the_places_of_regions_and_words_matter():
    model, inputs = make(), batch()
    turned = {**inputs, "features": inputs["features"][:, ::-1]}
    assert np.abs(model(inputs) - model(turned)).max() > 1e-4
    swapped = {**inputs, "tokens": inputs["tokens"][:, [1, 0, 2, 3]]}
    assert np.abs(model(inputs)[:, 3] - model(swapped)[:, 3]).max() > 1e-4


def test_what_the_regions_find_reaches_every_word():
    model, inputs = make(concepts=["effusion", "nodule"]), batch()
    kernel = model.told.parts[0].kernel  # of zeros: at first it tells nothing
    kernel.assign(np.random.default_rng(0).normal(size=kernel.shape))
    before = model(inputs).numpy()
    model.look.find.bias.assign([9.0, -9.0])
    moved = np.abs(model(inputs) - before).max(axis=(0, 2))  # (T,)
    assert (moved > 1e-3).all()


def test_sizes_that_cannot_be_are_named():
    with pytest.raises(ValueError, match="8 units cannot be shared by 3 heads"):
        make(heads=3)
    with pytest.raises(ValueError, match="places for 12 words"):
        generate(make(), lambda rows: {"features": batch()["features"][rows]}, [0], Decoding(max_length=13))
    whole = generate(make(), lambda rows: {"features": batch()["features"][rows]}, [0], Decoding(max_length=12))
    assert whole.tokens.shape[1] <= 12
