"""A report that is read again gets the probabilities with which it was written."""

import numpy as np
from test_models import batch, make

from mrg_helpers.decoding import Decoding, generate
from mrg_helpers.likelihood import considered, word_log_probs
from mrg_helpers.models import FAMILY

CONCEPTS = {"concepts": ["effusion", "nodule"]}


def test_what_was_written_is_read_again_with_the_same_probabilities():
    model, features = make(**CONCEPTS), batch(size=5)["features"]
    written = generate(model, lambda rows: {"features": features[rows]}, range(5), Decoding(max_length=7))
    again = word_log_probs(model, features, written.tokens, batch_size=2)
    np.testing.assert_allclose(again, written.log_probs, atol=1e-5)


def test_what_else_a_model_needs_is_read_too():
    words = ["<pad>", "<unk>", "<start>", "<end>", "no", "effusion", "large", "."]
    model = FAMILY["two_view"](words, (2, 3), 5, embedding=6, units=7, attention_units=4)
    inputs = {
        "features": batch(size=5)["features"],
        "other": batch(1, 5)["features"],
        "has_other": np.ones(5, "float32"),
    }
    read = {"features": inputs.pop("features")}
    written = generate(model, lambda rows: read | inputs, range(5), Decoding(max_length=7))
    again = word_log_probs(model, read["features"], written.tokens, batch_size=2, **inputs)
    np.testing.assert_allclose(again, written.log_probs, atol=1e-5)


def test_other_features_or_another_word_give_another_probability_and_padding_none():
    model, inputs = make(**CONCEPTS), batch(size=2)
    tokens = np.array([[4, 5, 3, 0], [5, 6, 7, 3]])
    before = word_log_probs(model, inputs["features"], tokens)
    assert (before[tokens > 0] < 0).all() and before[0, 3] == 0
    assert (word_log_probs(model, inputs["features"] * 0, tokens) != before)[tokens > 0].all()
    changed = word_log_probs(model, inputs["features"], np.array([[4, 6, 3, 0], [5, 6, 7, 3]]))
    # a word does not change what stood before it
    assert changed[0, 0] == before[0, 0] and changed[0, 1] != before[0, 1]
    np.testing.assert_array_equal(changed[1], before[1])


def test_the_words_that_a_report_may_contain_share_all_probability():
    model, features = make(), np.repeat(batch(size=1)["features"], 5, axis=0)
    first = word_log_probs(model, features, np.array([[word] for word in (3, 4, 5, 6, 7)]))
    np.testing.assert_allclose(np.exp(first).sum(), 1, rtol=1e-5)


def test_what_was_considered_holds_the_greedy_words_with_their_probabilities():
    model, features = make(**CONCEPTS), batch(size=5)["features"]
    rows = [4, 0, 2]

    def read(some):
        return {"features": features[some]}

    written = generate(model, read, rows, Decoding(max_length=7))
    found = considered(model, read, rows, written.tokens, k=3)
    real = written.tokens > 0
    assert found.tokens.shape == (*written.tokens.shape, 3) and found.beta.shape == written.tokens.shape
    np.testing.assert_array_equal(found.tokens[..., 0][real], written.tokens[real])  # greedy: always the likeliest
    np.testing.assert_allclose(found.probabilities[..., 0][real], np.exp(written.log_probs[real]), atol=1e-5)
    assert (np.diff(found.probabilities) <= 0).all() and not np.isin(found.tokens, (0, 1, 2)).any()
    listed = found.alternatives(model.vocabulary, 1, 1)
    assert [word for word, _ in listed[0]] == model.vocabulary.tokens(found.tokens[1, 0]) and len(listed) == 1


def test_the_gate_and_the_words_are_those_of_single_steps_whatever_the_number_of_reports_and_words():
    model, features = make(**CONCEPTS), batch(size=3)["features"]
    for rows, tokens in (([2], [[5]]), ([1, 0], [[4, 6, 3], [7, 5, 3]]), ([0, 1, 2], [[6, 3], [5, 3], [3, 0]])):
        tokens = np.array(tokens)
        found = considered(model, lambda some: {"features": features[some]}, rows, tokens, k=2)
        state, last = model.start({"features": features[rows]}), np.full(len(rows), 2)
        for t in range(tokens.shape[1]):
            np.testing.assert_allclose(found.beta[:, t], model.beta(state), atol=1e-6)
            logits, state, _ = model.step(last, state)
            likeliest = np.argsort(-np.asarray(logits)[:, 3:], axis=1)[:, :2] + 3  # 0 to 2 are never written
            np.testing.assert_array_equal(found.tokens[:, t], likeliest)
            last = tokens[:, t]


def test_a_small_vocabulary_and_a_model_without_a_gate():
    model, features = make(gate=False), batch(size=2)["features"]
    found = considered(model, lambda rows: {"features": features[rows]}, [0, 1], np.array([[4, 3], [5, 3]]), k=50)
    assert found.beta is None and found.tokens.shape == (2, 2, 5)  # <pad>, <unk> and <start> are never written
    np.testing.assert_allclose(found.probabilities.sum(axis=-1), 1, rtol=1e-5)
