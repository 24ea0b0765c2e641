"""The checklist that is read from words: what ended sentences assert is no longer left to say."""

import keras
import numpy as np
import pytest

from mrg_helpers.models.checklist import Checklist
from mrg_helpers.vocabulary import START

WORDS = ["<pad>", "<unk>", "<start>", "<end>", "no", "effusion", "nodule", "."]
NO, EFFUSION, NODULE, STOP = range(4, 8)
FOUND = np.array([[0.9, 0.8]], "float32")  # effusion, nodule


@pytest.fixture
def checklist():
    """One that knows both words, and that ``no`` denies: its numbers are set by hand."""
    keras.utils.set_random_seed(0)
    made = Checklist(WORDS, ["effusion", "nodule"], units=2, past=False, hidden=3)
    made.all(np.array([[START]]), FOUND)  # makes its weights
    embedded = np.zeros((len(WORDS), 3), "float32")
    embedded[NO, 0] = embedded[EFFUSION, 1] = embedded[NODULE, 2] = 1
    made.embed.set_weights([embedded])
    made.think.set_weights([np.array([[0, -1, -1], [0, 1, 0], [0, 0, 1]], "float32"), np.zeros(3, "float32")])
    made.judge.set_weights([np.array([[0, 0], [20, 0], [0, 20]], "float32"), np.full(2, -10, "float32")])
    made.parts[1].set_weights([np.eye(2, dtype="float32")])  # it tells what is left, and nothing else
    return made


def test_what_an_ended_sentence_asserts_is_ticked_off_and_what_it_denies_is_not(checklist):
    read = np.array([[START, EFFUSION, STOP, NO, NODULE, STOP, NODULE, STOP]])
    told, _ = checklist.all(read, FOUND)
    left = np.asarray(told)[0]
    np.testing.assert_allclose(left[:2], FOUND.repeat(2, 0), atol=1e-3)  # the sentence has not ended
    np.testing.assert_allclose(left[2:7], [[0, 0.8]] * 5, atol=1e-3)  # a denied nodule is still to be asserted
    np.testing.assert_allclose(left[7], [0, 0], atol=1e-3)


def test_word_by_word_it_tells_the_same(checklist):
    read = np.array([[START, EFFUSION, STOP, NO, NODULE, STOP], [START, NODULE, NODULE, STOP, STOP, EFFUSION]])
    found = FOUND.repeat(2, 0)
    together, cell = np.asarray(checklist.all(read, found)[0]), checklist.first(2)
    for t in range(read.shape[1]):
        told, cell = checklist.advance(read[:, t], found, cell)
        np.testing.assert_allclose(told, together[:, t], atol=1e-5)


def test_its_loss_asks_at_full_stops_alone(checklist):
    tokens = np.array([[START, EFFUSION, STOP]])
    judged = checklist.all(tokens, FOUND)[1]
    said = np.array(
        [[[1, 0], [1, 0], [0, 0]]], "float32"
    )  # of the words that are to be said: effusion, the full stop, the end
    assert float(checklist.loss({"tokens": tokens, "said": said}, judged)) < 1e-3
    assert float(checklist.loss({"tokens": tokens, "said": 1 - said}, judged)) > 5
    without = np.array([[START, EFFUSION, NO]])
    assert float(checklist.loss({"tokens": without, "said": said}, checklist.all(without, FOUND)[1])) == 0


def test_at_first_it_tells_nothing():
    fresh = Checklist(WORDS, ["effusion"], units=4)
    told, _ = fresh.all(np.array([[START, EFFUSION, STOP, NODULE]]), np.ones((1, 1), "float32"))
    np.testing.assert_array_equal(told, np.zeros((1, 4, 4)))
    assert len(fresh.parts) == 3
