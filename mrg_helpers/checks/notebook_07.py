"""The checks of the exercises of notebook 07."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .verdicts import call, judges, need, same


@judges("07.1")
def mean_of_views(answer: Callable) -> str:
    """``answer``: features of both views (B, R, D) and whether there is another (B,) -> the mean over all regions (B, D)."""
    rng = np.random.default_rng(0)
    features, other, there = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 4, 5)), np.array([1.0, 0.0, 1.0])
    got = np.asarray(call(answer, features, other, there), float)
    need(got.shape == (3, 5), f"One vector for each study, (B, D) = (3, 5); it gives {got.shape}.")
    need(not np.isnan(got).any(), "There is a NaN in it: a study without another view divides by zero somewhere.")
    both, one, second = (features.mean(1) + other.mean(1)) / 2, features.mean(1), other.mean(1)
    need(not same(got, one), "That is the first view alone.")
    need(
        not same(got, both),
        "Study 1 has no other view, and what stands in its place (zeros, or anything) was averaged in all the same.",
    )
    half = (features.mean(1) + there[:, None] * other.mean(1)) / 2
    need(not same(got, half), "The missing view adds nothing, but it still counts: study 1 is divided by two views.")
    need(
        not same(got, one + there[:, None] * second),
        "That is the sum of both means; divide by how many views there are.",
    )
    need(
        same(got, np.where(there[:, None] > 0, both, one)),
        "With another view: the mean of 2 R regions. Without: the mean of the R regions of the first.",
    )
    return "A missing view neither adds nor counts. The attention of `two_view` does the same with its softmax."


@judges("07.2")
def may_look(answer: Callable) -> str:
    """``answer``: how many words -> bool (T, T): may the word of the row look at that of the column?"""
    got = np.asarray(call(answer, 4))
    need(got.shape == (4, 4), f"A square, (T, T) = (4, 4), is expected; it gives {got.shape}.")
    need(set(np.unique(got).tolist()) <= {0, 1}, "It should say yes or no, True or False.")
    got, right = got.astype(bool), np.tril(np.ones((4, 4), bool))
    need(
        not (got == right.T).all(),
        "Rows and columns have changed places: this word may look at all that come *after* it.",
    )
    need(
        not (got == np.tril(np.ones((4, 4), bool), -1)).all(),
        "No word may look at itself; then the first one has nothing at all to look at, and its softmax is 0 / 0.",
    )
    need(
        not got.all(), "Every word may look at all others: in training it then copies the word that it should predict."
    )
    need(not (got == np.eye(4, dtype=bool)).all(), "Each word sees only itself.")
    need((got == right).all(), "Word t may look at the words 0 to t: itself and those before it.")
    need(np.asarray(call(answer, 1)).shape == (1, 1), "For one word, as when it writes the first, it should be (1, 1).")
    return "With this mask, one pass trains all words at once, and none has seen the word that it should predict."


@judges("07.3")
def say_or_copy(answer: Callable) -> str:
    """``answer``: own (V,), the probability of copying, attention (P,) and the words there (P,) -> probabilities (V,)."""
    own, attention, words = np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.5, 0.3, 0.2]), np.array([2, 0, 2])
    before = own.copy()
    got = np.asarray(call(answer, own, 0.25, attention, words), float)
    need((own == before).all(), "It has changed the probabilities that it was given.")
    need(got.shape == (4,), f"One probability for each word of the vocabulary, (V,) = (4,); it gives {got.shape}.")
    copied, last = np.array([0.3, 0, 0.7, 0]), np.array([0.3, 0, 0.2, 0])
    need(
        not same(got, 0.75 * own + 0.25 * last),
        "Word 2 stands there twice, and only its last place counts: `a[words] = …` overwrites. Add them up (`np.add.at`).",
    )
    need(not same(got, 0.25 * own + 0.75 * copied), "The two have changed places: copying has the probability 0.25.")
    need(not same(got, own + 0.25 * copied), "The sum is above 1: what is copied has to be taken off its own words.")
    need(
        not same(got, own + copied) and not same(got, (own + copied) / 2), "The probability of copying does not count."
    )
    need(np.isclose(got.sum(), 1), f"Probabilities have the sum 1; these have {got.sum():.2f}.")
    need(
        same(got, 0.75 * own + 0.25 * copied),
        "(1 - copying) times its own words, plus copying times those it looks at.",
    )
    return "That is how `retrieve_paraphrase` can write a word of a template that it never learnt to say by itself."


@judges("07.4")
def look_back(answer: Callable) -> str:
    """``answer``: query, key and value (U,) of a new word, and the keys and values (t, U) of those before -> context (U,), and the
    keys and values (t + 1, U)."""
    rng = np.random.default_rng(1)
    queries, keys, values = rng.normal(size=(3, 5, 4))

    def whole(scale=True, own=True, shift=0):
        scores = queries @ keys.T * (4**-0.5 if scale else 1)
        scores = np.where(np.tril(np.ones((5, 5)), shift if own else -1) > 0, scores, -np.inf)
        with np.errstate(invalid="ignore"):
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (weights / weights.sum(axis=1, keepdims=True)) @ values

    past, got = (np.zeros((0, 4)), np.zeros((0, 4))), []
    for t in range(5):
        kept = [some.copy() for some in past]
        result = call(answer, queries[t], keys[t], values[t], *past)
        need(isinstance(result, tuple) and len(result) == 3, "Return three things: the context, all keys, all values.")
        need(
            all(same(some, old) for some, old in zip(past, kept, strict=True)),
            "It has changed the keys or values that it was given: another beam still needs them. Make new arrays.",
        )
        context, *past = (np.asarray(some, float) for some in result)
        need(context.shape == (4,), f"The context is one vector, (U,) = (4,); it gives {context.shape}.")
        need(
            all(some.shape == (t + 1, 4) for some in past),
            f"After {t + 1} words there should be {t + 1} keys and values of length 4, not {[some.shape for some in past]}.",
        )
        need(
            same(past[0], keys[: t + 1]) and same(past[1], values[: t + 1]),
            "Keys and values come in the order of the words.",
        )
        got.append(context)
    got = np.array(got)
    need(not same(got, whole(scale=False)), "The scores are not divided by the square root of U.")
    need(
        not same(got[1:], whole(own=False)[1:]),
        "The new word does not look at itself: put its key there before it looks.",
    )
    need(
        same(got, whole()),
        "Word by word this should be what causal attention over all words at once gives, row by row.",
    )
    return (
        "The same numbers as all at once, and each word costs one row: this is what `step` of the transformer caches."
    )
