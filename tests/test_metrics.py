from __future__ import annotations

import itertools
import json
import math
import random
import warnings

import numpy as np
import pytest

from mrg_helpers import metrics

WORDS = [
    "the",
    "heart",
    "is",
    "normal",
    "no",
    "acute",
    "pleural",
    "effusion",
    "seen",
    "in",
    "left",
    "lung",
    "1.9",
    "cm",
]


def random_corpus(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """References of 8 to 30 words, and hypotheses that repeat a part of them among other words."""
    rng = random.Random(seed)
    references = [rng.choices(WORDS, k=rng.randint(8, 30)) for _ in range(n)]
    hypotheses = [words[rng.randint(0, 3) : -2] + rng.choices(WORDS, k=rng.randint(0, 9)) for words in references]
    return [" ".join(words) for words in references], [" ".join(words) for words in hypotheses]


def reference_scores(references: list[list[str]], hypotheses: list[str]) -> dict[str, float]:
    """What pycocoevalcap makes of texts that are already cut into words."""
    pytest.importorskip("pycocoevalcap")
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    truth = dict(enumerate(references))
    guess = {i: [text] for i, text in enumerate(hypotheses)}
    bleu, _ = Bleu(4).compute_score(truth, guess, verbose=0)
    scores = {f"BLEU-{n}": value for n, value in enumerate(bleu, start=1)}
    return scores | {"ROUGE-L": Rouge().compute_score(truth, guess)[0], "CIDEr": Cider().compute_score(truth, guess)[0]}


def test_tokenisation_keeps_words_and_numbers_and_drops_punctuation():
    text = "1. Nodule of 1.9 cm, L1-L2; follow-up X-ray.Normal heart (XXXX) at 10,000 ft."
    expected = "1 nodule of 1.9 cm l1-l2 follow-up x-ray normal heart xxxx at 10,000 ft"
    assert " ".join(metrics.split_words(text)) == expected


def test_hand_worked_example():
    # 3 of 4 words, 2 of 3 bigrams, 1 of 2 trigrams match; no 4-gram; 5 reference words against 4: penalty exp(1 - 5/4)
    scores = metrics.corpus_scores(["the heart is normal today"], ["The heart is large."])
    penalty = math.exp(-0.25)
    assert scores["BLEU-1"] == pytest.approx(penalty * 3 / 4)
    assert scores["BLEU-2"] == pytest.approx(penalty * math.sqrt(3 / 4 * 2 / 3))
    assert scores["BLEU-3"] == pytest.approx(penalty * (3 / 4 * 2 / 3 * 1 / 2) ** (1 / 3))
    assert scores["BLEU-4"] == 0
    precision, recall = 3 / 4, 3 / 5
    assert scores["ROUGE-L"] == pytest.approx(2.44 * precision * recall / (recall + 1.44 * precision))
    assert scores["CIDEr"] == 0  # in a corpus of one study no word is rare


def test_identical_texts_score_highest_and_disjoint_ones_nothing():
    references, _ = random_corpus(5)
    best = metrics.corpus_scores(references, references)
    assert best == pytest.approx({**dict.fromkeys(best, 1.0), "CIDEr": 10.0})
    worst = metrics.corpus_scores(references, ["banana split"] * 5)
    assert worst == dict.fromkeys(best, 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_equals_pycocoevalcap(seed):
    references, hypotheses = random_corpus(40, seed)
    expected = reference_scores([[text] for text in references], hypotheses)
    assert metrics.corpus_scores(references, hypotheses, tokenise=False) == pytest.approx(expected, abs=1e-6)


def test_equals_pycocoevalcap_with_several_references():
    references, hypotheses = random_corpus(20)
    _, more = random_corpus(20, seed=9)
    pairs = [list(pair) for pair in zip(references, more, strict=True)]
    expected = reference_scores(pairs, hypotheses)
    assert metrics.corpus_scores(pairs, hypotheses) == pytest.approx(expected, abs=1e-6)


def test_equals_pycocoevalcap_on_empty_and_one_word_texts():
    references = ["", "normal", "the heart is normal", "normal", "", "no acute effusion"]
    hypotheses = ["", "normal", "", "heart", "normal", "no effusion"]
    expected = reference_scores([[text] for text in references], hypotheses)
    scores = metrics.corpus_scores(references, hypotheses)
    assert [scores[name] for name in ("ROUGE-L", "CIDEr")] == pytest.approx(
        [expected[name] for name in ("ROUGE-L", "CIDEr")], abs=1e-6
    )
    assert 0 < scores["BLEU-1"] <= expected["BLEU-1"]  # to nltk an empty hypothesis is one word that does not match


# corpora that are odd in one way each; every hypothesis has four words or more, since shorter ones are counted otherwise
ODD = {
    "identical": (["no acute pleural effusion", "the heart is normal in size"],) * 2,
    "one word said again": (["the heart is normal"], ["normal normal normal normal"]),
    "disjoint": (["the heart is normal", "no acute pleural effusion"], ["a b c d", "e f g h i j k l m"]),
    "half empty references": (["", "the heart is normal"], ["the heart is large", "the heart is normal"]),
    "much too long": (
        ["the heart is normal", "clear"],
        [" ".join(["the heart is normal"] * 9), "clear lungs on both sides"],
    ),
    "much too short": (
        [" ".join(["the heart is normal and the lungs are clear"] * 4)] * 2,
        ["the heart is normal", "a b c d"],
    ),
    "one study": (["the heart is normal in size"], ["the heart is normal"]),
    "the same study again": (["the heart is normal in size"] * 3, ["the heart is normal"] * 3),
}


@pytest.mark.parametrize("name", ODD)
def test_equals_pycocoevalcap_on_odd_corpora(name):
    references, hypotheses = ODD[name]
    expected = reference_scores([[text] for text in references], hypotheses)
    assert metrics.corpus_scores(references, hypotheses) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    "reference, hypothesis", list(itertools.product(["", "normal", "clear lungs today"], repeat=2))
)
def test_short_texts_differ_from_pycocoevalcap_in_bleu_only_and_are_never_above_it(reference, hypothesis):
    # nltk counts an n-gram that cannot match where a text is shorter than n words, pycocoevalcap leaves that order out
    expected = reference_scores([[reference], ["no effusion"]], [hypothesis, "no effusion"])
    scores = metrics.corpus_scores([reference, "no effusion"], [hypothesis, "no effusion"])
    for name, value in scores.items():
        if name.startswith("BLEU"):
            assert value <= expected[name] + 1e-6
        else:
            assert value == pytest.approx(expected[name], abs=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_the_statistics_of_reports_add_up_to_bleu(seed):
    references, hypotheses = ([text.split() for text in texts] for texts in random_corpus(30, seed))
    truths = [[a, b] for a, b in zip(references, reversed(references), strict=True)]
    parts = metrics.bleu_statistics(truths, hypotheses)
    assert parts.shape == (30, 10)
    assert metrics.bleu_of_statistics(parts.sum(0)) == pytest.approx(metrics.bleu(truths, hypotheses), abs=1e-9)
    some = [3, 3, 7, 29]
    sums = np.stack([parts[some].sum(0), parts[:5].sum(0)])
    expected = [metrics.bleu([truths[k] for k in ks], [hypotheses[k] for k in ks]) for ks in (some, range(5))]
    np.testing.assert_allclose(metrics.bleu_of_statistics(sums), expected, atol=1e-9)


@pytest.mark.parametrize(
    "reference, hypothesis", list(itertools.product(["", "normal", "a b c d e", "a b c"], repeat=2))
)
@pytest.mark.filterwarnings("error")
def test_the_statistics_hold_for_empty_and_short_reports(reference, hypothesis):
    truths, hypotheses = [[reference.split()]], [hypothesis.split()]
    parts = metrics.bleu_statistics(truths, hypotheses)
    expected = metrics.bleu(truths, hypotheses)
    np.testing.assert_allclose(metrics.bleu_of_statistics(parts.sum(0)), expected, atol=1e-9)


def test_zero_scores_come_without_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metrics.corpus_scores(["clear lungs", "x"], ["", ""]) == pytest.approx(
            dict.fromkeys(["BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "ROUGE-L", "CIDEr"], 0.0)
        )


def test_tokenise_false_takes_the_text_as_it_is():
    assert metrics.corpus_scores(["Clear ."], ["clear ."], tokenise=False)["BLEU-1"] == pytest.approx(0.5)
    assert metrics.corpus_scores(["Clear ."], ["clear ."])["BLEU-1"] == 1


def test_scores_per_study_have_the_length_of_the_corpus():
    references, hypotheses = ([text.split() for text in texts] for texts in random_corpus(7))
    truths = [[words] for words in references]
    assert metrics.rouge_l(truths, hypotheses).shape == metrics.cider(truths, hypotheses).shape == (7,)
    assert np.all(metrics.cider(truths, references) > metrics.cider(truths, hypotheses))


@pytest.mark.parametrize(
    "references, hypotheses, message",
    [(["a"], [], "1 references and 0"), ([], [], "no reports"), ([[]], ["a"], "study 0")],
)
def test_refuses_what_cannot_be_scored(references, hypotheses, message):
    with pytest.raises(ValueError, match=message):
        metrics.corpus_scores(references, hypotheses)


def test_real_reports_equal_the_reference_implementation(shared):
    test = json.loads((shared / "iu_xray" / "r2gen_annotation.json").read_text(encoding="utf-8"))["test"]
    references = [" ".join(metrics.split_words(study["report"])) for study in test]
    hypotheses = references[1:] + references[:1]
    expected = reference_scores([[text] for text in references], hypotheses)
    assert metrics.corpus_scores(references, hypotheses) == pytest.approx(expected, abs=1e-6)
