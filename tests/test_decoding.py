"""Greedy, sampling and beam search, held against plain Python on a tiny model."""

import itertools
import threading

import numpy as np
import pytest
from test_models import WORDS, batch, make

from mrg_helpers import searches
from mrg_helpers.batches import pad
from mrg_helpers.decoding import Decoding, Generation, generate
from mrg_helpers.vocabulary import END, PAD, START, UNK

WORD_IDS = range(3, len(WORDS))  # what may be written: <end> and the words


@pytest.fixture(scope="module")
def model():
    """A tiny model whose words differ clearly in probability, so that ties do not decide a test."""
    model = make()
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign_add(rng.normal(0, 0.5, variable.shape).astype("float32"))
    return model


@pytest.fixture(scope="module")
def read():
    features = batch(size=5)["features"]
    return lambda rows: {"features": features[rows]}


def log_softmax(logits):
    logits = np.array(logits, "float64")
    logits[[PAD, START, UNK]] = -np.inf
    return logits - np.log(np.exp(logits - logits.max()).sum()) - logits.max()


@pytest.mark.parametrize("method", ["greedy", "beam"])
def test_one_graph_serves_batches_of_every_size(model, read, method):
    loop = searches.beam_search if method == "beam" else searches.word_by_word
    before, settings = loop.experimental_get_tracing_count(), Decoding(method, max_length=11, beams=2)
    whole = generate(model, read, range(5), settings, batch_size=4)
    alone = generate(model, read, [4], settings)
    assert loop.experimental_get_tracing_count() == before + 1
    np.testing.assert_array_equal(alone.words(0), whole.words(4))


def test_greedy_equals_the_loop_a_reader_would_write(model, read):
    written = generate(model, read, range(5), Decoding(max_length=6))
    for study in range(5):
        state, last = model.start(read([study])), START
        for t in range(6):
            logits, state, attention = model.step(np.array([last]), state)
            log_probs = log_softmax(logits[0])
            last = int(np.argmax(log_probs))
            assert written.tokens[study, t] == last
            assert written.log_probs[study, t] == pytest.approx(log_probs[last], abs=1e-4)
            np.testing.assert_allclose(written.attention[study, t], attention[0], atol=1e-5)
            if last == END:
                assert written.lengths[study] == t
                assert (written.tokens[study, t + 1 :] == PAD).all()
                break


def test_wide_beam_equals_brute_force(model, read):
    limit, beams = 3, len(WORD_IDS) ** 3
    for study in range(2):
        reports = every_report(model, read([study]), limit)
        for alpha in (0.0, 0.7):
            best = max(reports, key=lambda words: reports[words] / ((5 + len(words)) / 6) ** alpha)
            written = generate(model, read, [study], Decoding("beam", limit, beams, length_penalty=alpha))
            assert tuple(written.tokens[0][written.tokens[0] != PAD]) == best
            assert written.log_probs.sum() == pytest.approx(reports[best], abs=1e-4)


def every_report(model, inputs, limit):
    """All reports of up to ``limit`` tokens with their log-probabilities, from one teacher-forced call over all of them."""
    possible = [
        words
        for words in itertools.chain(*(itertools.product(WORD_IDS, repeat=n) for n in range(1, limit + 1)))
        if END not in words[:-1] and (len(words) == limit or words[-1] == END)
    ]
    read = pad([(START, *words[:-1]) for words in possible])
    logits = model({"features": np.repeat(inputs["features"], len(possible), 0), "tokens": read}).numpy()
    return {
        words: sum(log_softmax(logits[k, t])[word] for t, word in enumerate(words)) for k, words in enumerate(possible)
    }


def test_one_beam_is_greedy(model, read):
    greedy = generate(model, read, range(5), Decoding(max_length=8))
    beam = generate(model, read, range(5), Decoding("beam", beams=1, max_length=8))
    np.testing.assert_array_equal(greedy.tokens, beam.tokens)
    np.testing.assert_allclose(greedy.attention, beam.attention, atol=1e-5)
    np.testing.assert_allclose(greedy.log_probs, beam.log_probs, atol=1e-4)


def test_attention_and_log_probs_of_a_beam_belong_to_its_words(model, read):
    written = generate(model, read, range(5), Decoding("beam", beams=4, max_length=6))
    for study in range(5):
        state, last = model.start(read([study])), START
        for t, token in enumerate(written.tokens[study]):
            if token == PAD:
                assert written.attention[study, t].sum() == 0
                break
            logits, state, attention = model.step(np.array([last]), state)
            assert written.log_probs[study, t] == pytest.approx(log_softmax(logits[0])[token], abs=1e-4)
            np.testing.assert_allclose(written.attention[study, t], attention[0], atol=1e-5)
            last = token


@pytest.mark.parametrize("method", ["greedy", "sample", "beam"])
def test_batches_change_nothing_and_blocked_ngrams_never_repeat(model, read, method):
    settings = Decoding(method, max_length=12, block_ngrams=2)
    written = generate(model, read, range(5), settings)
    for tokens, length in zip(written.tokens, written.lengths, strict=True):
        pairs = list(itertools.pairwise(tokens[:length].tolist()))
        assert len(pairs) == len(set(pairs))
    if method != "sample":
        apart = generate(model, read, range(5), settings, batch_size=2)
        np.testing.assert_array_equal(written.tokens, apart.tokens)


def test_reports_keep_their_order_when_a_later_batch_is_written_first(model, read):
    second = threading.Event()

    def slow(rows):
        if rows[0] == 0 and len(rows) == 2:  # the first batch waits for the second one to be read
            assert second.wait(30)
        elif rows[0] == 2:
            second.set()
        return read(rows)

    settings = Decoding(max_length=6)
    whole = generate(model, read, range(5), settings)
    np.testing.assert_array_equal(generate(model, slow, range(5), settings, batch_size=2).tokens, whole.tokens)


def test_what_reading_a_batch_raises_is_raised(model, read):
    def broken(rows):
        if rows[0] == 4:
            raise OSError("row 4: the disk is gone")
        return read(rows)

    with pytest.raises(OSError, match="row 4: the disk"):
        generate(model, broken, range(5), Decoding(max_length=6), batch_size=2)


def test_sampling_follows_seed_top_k_and_top_p(model, read):
    greedy = generate(model, read, range(5), Decoding(max_length=8)).tokens
    for narrow in (
        Decoding("sample", 8, top_k=1),
        Decoding("sample", 8, top_p=1e-6),
        Decoding("sample", 8, temperature=1e-4),
    ):
        np.testing.assert_array_equal(generate(model, read, range(5), narrow).tokens, greedy)
    one, same, other = (
        generate(model, read, range(5), Decoding("sample", 8, temperature=2.0, seed=s)).tokens for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or (one != other).any()


def test_samples_come_as_often_as_the_model_says(model, read):
    written = generate(model, lambda rows: {"features": np.repeat(read([0])["features"], len(rows), 0)}, range(4000),
                       Decoding("sample", max_length=1), batch_size=4000)  # fmt: skip
    logits, _, _ = model.step(np.array([START]), model.start(read([0])))
    wanted = np.exp(log_softmax(logits[0]))
    found = np.bincount(written.tokens[:, 0], minlength=len(WORDS)) / 4000
    np.testing.assert_allclose(found, wanted, atol=0.04)


def test_special_words_are_never_written_and_a_generation_round_trips(model, read, tmp_path):
    written = generate(model, read, range(5), Decoding("sample", 10, temperature=5.0))
    for study in range(5):
        assert not set(written.words(study)) & {PAD, UNK, START, END}
    assert len(written.texts(model.vocabulary)) == 5
    written.save(tmp_path / "generation.npz")
    again = Generation.load(tmp_path / "generation.npz")
    for name in ("tokens", "log_probs", "attention", "lengths"):
        np.testing.assert_array_equal(getattr(written, name), getattr(again, name))
    assert again.grid == written.grid == (2, 3)


def test_no_rows_and_wrong_settings(model, read):
    assert generate(model, read, []).tokens.shape == (0, 0)
    with pytest.raises(ValueError, match="greedy"):
        Decoding("best")
    with pytest.raises(ValueError, match="beams"):
        Decoding(beams=0)


def test_the_loop_is_compiled_once_for_equal_settings(model, read):
    generate(model, read, range(3), Decoding("sample", max_length=6))
    before = searches.word_by_word.experimental_get_tracing_count()
    for seed in range(3):
        generate(model, read, range(3), Decoding("sample", max_length=6, seed=seed))
    assert searches.word_by_word.experimental_get_tracing_count() == before


def test_the_attention_of_a_model_of_two_views_is_taken_apart():
    attention = np.arange(24, dtype="float32").reshape(1, 2, 12) / 100
    written = Generation(
        np.ones((1, 2), "int32"), np.zeros((1, 2), "float32"), attention, np.array([2], "int32"), (2, 3)
    )
    assert written.views == 2
    first, other = written.of_view(0), written.of_view(1)
    np.testing.assert_array_equal(first.attention[0, 1], attention[0, 1, :6])
    np.testing.assert_array_equal(np.concatenate([first.attention, other.attention], axis=-1), attention)
    assert first.views == other.views == 1
    np.testing.assert_array_equal(other.of_view(0).attention, other.attention)
    np.testing.assert_array_equal(first.tokens, written.tokens)
    for view in (2, -1):
        with pytest.raises(IndexError, match="over 2 view"):
            written.of_view(view)
