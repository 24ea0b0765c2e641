"""Everybody stands in one batch, beside similar lengths, with all that was said about them."""

import numpy as np
from test_training import examples

from mrg_helpers.batches import Examples, batches_by_length


def test_what_an_example_brings_stands_in_its_batch():
    plain = examples(4)
    twice = [[2.0] * (len(tokens) - 1) for tokens in plain.tokens]
    said = [np.full((len(weights), 4), k == 2) for k, weights in enumerate(twice)]
    inputs, targets = Examples(plain.read, plain.rows, plain.tokens, twice, np.eye(4, dtype=bool), said).batch([2, 0])
    np.testing.assert_array_equal(inputs["concepts"], np.eye(4)[[2, 0]])
    assert inputs["said"].shape == (*targets.shape, 4)
    np.testing.assert_array_equal(inputs["said"][0], np.repeat((targets[0] != 0)[:, None], 4, axis=1))
    assert not inputs["said"][1].any()
    np.testing.assert_array_equal(inputs["emphasis"], 2.0 * (targets != 0))
    inputs, targets = plain.batch([2, 0])
    np.testing.assert_array_equal(inputs["emphasis"], np.ones(targets.shape))
    assert "concepts" not in inputs


def test_batches_hold_everyone_once_and_similar_lengths():
    lengths = np.random.default_rng(0).integers(5, 60, 500)
    for rng in (None, np.random.default_rng(1)):
        batches = batches_by_length(lengths, 16, rng)
        assert sorted(np.concatenate(batches)) == list(range(500))
        assert max(map(len, batches)) == 16
        spread = np.mean([np.ptp(lengths[b]) for b in batches])
        assert spread < 0.3 * np.ptp(lengths)
    one, other = (batches_by_length(lengths, 16, np.random.default_rng(seed)) for seed in (1, 2))
    assert any((a != b).any() for a, b in zip(one, other, strict=True) if len(a) == len(b))


def test_inputs_are_shifted_against_targets():
    inputs, targets = examples().batch([0, 1, 2])
    assert (inputs["tokens"][:, 0] == 2).all()
    np.testing.assert_array_equal(
        inputs["tokens"][:, 1:], np.where(targets[:, :-1] == 3, inputs["tokens"][:, 1:], targets[:, :-1])
    )
    assert ((targets == 3).sum(axis=1) == 1).all()
