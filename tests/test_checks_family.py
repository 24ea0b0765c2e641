"""The exercises of notebook 07: a right answer, and likely wrong ones with a word of their hints; ``test_checks`` tries them."""

from __future__ import annotations

import numpy as np


def views(features, other, there, weigh=True, count=True):
    there = there[:, None]
    total = features.mean(1) + other.mean(1) * (there if weigh else 1)
    return total / (1 + there if count else 2)


def copying(own, copying, attention, words, add=True, rest=True):
    copied = np.zeros_like(own)
    if add:
        np.add.at(copied, words, attention)
    else:
        copied[words] = attention
    return (1 - copying if rest else 1) * own + copying * copied


def in_place(own, share, attention, words):
    own *= 1 - share
    np.add.at(own, words, share * attention)
    return own


def attend(query, key, value, keys, values, scale=True, own=True):
    all_keys, all_values = np.vstack([keys, key]), np.vstack([values, value])
    seen = all_keys if own or not len(keys) else keys
    scores = seen @ query * (len(query) ** -0.5 if scale else 1)
    weights = np.exp(scores - scores.max())
    return weights / weights.sum() @ all_values[: len(seen)], all_keys, all_values


def newest_first(query, key, value, keys, values):
    return attend(query, key, value, keys, values)[0], np.vstack([key, keys]), np.vstack([value, values])


def square(of):
    return lambda count: of(np.ones((count, count), bool))


CASES = {
    "07.1": ({}, views, [
        (lambda f, o, t: f.mean(1), "first view alone"), (lambda f, o, t: views(f, o, t, weigh=False, count=False), "all the same"),
        (lambda f, o, t: views(f, o, t, count=False), "still counts"),
        (lambda f, o, t: 2 * views(f, o, t, count=False), "sum of both"),
        (lambda f, o, t: views(f, o, t) * np.where(t > 0, 1, np.nan)[:, None], "NaN"), (lambda f, o, t: f, "One vector"),
        (lambda f, o, t: np.concatenate([f, o], 1).max(1), "mean of 2 R"),
    ]),
    "07.2": ({}, square(np.tril), [
        (square(np.triu), "changed places"), (square(lambda some: np.tril(some, -1)), "at itself"),
        (square(lambda some: some), "copies"),
        (lambda count: np.eye(count, dtype=bool), "only itself"), (lambda count: np.tril(np.ones((4, 4), bool)), "For one word"),
        (lambda count: np.where(np.tril(np.ones((count, count))), 0, -1e9), "yes or no"), (lambda count: np.ones(count), "square"),
    ]),
    "07.3": ({}, copying, [
        (lambda *a: copying(*a, add=False), "stands there twice"), (lambda o, c, a, w: copying(o, 1 - c, a, w), "changed places"),
        (lambda *a: copying(*a, rest=False), "above 1"), (in_place, "changed the probabilities"),
        (lambda o, c, a, w: o + copying(o, 1, a, w), "does not count"), (lambda o, c, a, w: a, "One probability"),
        (lambda o, c, a, w: o * copying(o, c, a, w), "sum 1"),
    ]),
    "07.4": ({}, attend, [
        (lambda *a: attend(*a, scale=False), "square root"), (lambda *a: attend(*a, own=False), "look at itself"),
        (newest_first, "order of the words"), (lambda *a: attend(*a)[0], "three things"),
        (lambda q, k, v, ks, vs: (*attend(q, k, v, ks, vs)[:1], ks, vs), "there should be 1 keys"),
        (lambda q, k, v, ks, vs: (attend(q, k, v, ks, vs)[0][:2], *attend(q, k, v, ks, vs)[1:]), "one vector"),
        (lambda q, k, v, ks, vs: (v, *attend(q, k, v, ks, vs)[1:]), "row by row"),
    ]),
}  # fmt: skip
