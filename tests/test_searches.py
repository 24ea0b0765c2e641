"""The pieces of the searches; the searches themselves are held against plain Python in test_decoding.py."""

import numpy as np
from test_models import WORDS

from mrg_helpers.searches import repeated_ngrams


def test_repeated_ngrams_by_hand():
    history = np.array([[4, 5, 6, 4, 5, 0], [4, 4, 4, 4, 4, 0]], "int32")
    banned = repeated_ngrams(history, 5, 3, len(WORDS)).numpy()
    assert np.flatnonzero(banned[0]).tolist() == [6]
    assert np.flatnonzero(banned[1]).tolist() == [4]
    assert not repeated_ngrams(history, 2, 3, len(WORDS)).numpy().any()
    assert np.flatnonzero(repeated_ngrams(history, 3, 1, len(WORDS)).numpy()[0]).tolist() == [4, 5, 6]
