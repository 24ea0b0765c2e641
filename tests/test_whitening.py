"""Mean and deviation of the channels, whatever the pieces they are computed in."""

import numpy as np

from mrg_helpers.whitening import channel_statistics


def test_statistics_come_from_the_training_split_alone_and_in_pieces():
    raw = np.random.default_rng(0).normal(3000, 2, (50, 6, 3)).astype("float16")
    train = np.arange(0, 50, 2)
    for chunk in (1, 7, 100):
        mean, std = channel_statistics(raw, train, chunk)
        np.testing.assert_allclose(mean, raw[train].astype("float64").mean(axis=(0, 1)))
        np.testing.assert_allclose(std, raw[train].astype("float64").std(axis=(0, 1)), rtol=1e-6)
    constant = channel_statistics(np.ones((4, 6, 2), "float16"), np.arange(4))
    np.testing.assert_array_equal(constant, [[1, 1], [1, 1]])
