"""The checks of the exercises of notebook 04."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..vocabulary import END, PAD, START
from .verdicts import call, compare, judges, need


@judges("04.1")
def loss_of_frequencies(answer: float, tokens: Sequence[Sequence[int]], size: int) -> str:
    """``tokens``: training reports, ``<start>`` to ``<end>``; ``size``: V. ``answer``: the loss that knows frequencies only."""

    def entropy(ids: list[int]) -> float:
        shares = np.array(list(Counter(ids).values()), float)
        shares /= shares.sum()
        return float(-(shares * np.log(shares)).sum())

    said = [int(i) for report in tokens for i in report[1:]]
    expected = entropy(said)
    likely = {
        "That is log V, the loss of a model that does not even know the frequencies.": np.log(size),
        "That is in bits. Take the natural logarithm, as the loss does.": expected / np.log(2),
        "That is the perplexity; the loss is its logarithm.": np.exp(expected),
        "<start> is counted, but no model ever has to say it.": entropy([int(i) for report in tokens for i in report]),
        "<end> is left out, but a model has to say it once in every report.": entropy([i for i in said if i != END]),
        "The sign is wrong: a logarithm of a share is negative, a loss is not.": -expected,
    }
    otherwise = "Take the shares p of the words that are to be said (all but <start>), and sum -p log p."
    compare(answer, expected, likely, otherwise)
    return (
        f"{expected:.2f} nats, a perplexity of {np.exp(expected):.0f}: whatever the curve says below that line, the"
        " model knows from the words before, or from the image."
    )


@judges("04.2")
def beyond_seeds(answer: Callable) -> str:
    """``answer``: the losses of two settings, each with several seeds -> is the difference of the means larger than any between two
    seeds of one setting?"""
    cases = [
        ([1.00, 1.02], [1.20, 1.21], True, "The means are 0.195 apart and the seeds 0.02 at most."),
        ([1.00, 1.20], [1.11, 1.12], False, "The means are 0.015 apart, and the seeds of the first setting 0.2."),
        (
            [1.20, 1.21],
            [1.00, 1.02],
            True,
            "The second setting can be the better one: take the absolute value of the difference.",
        ),
        ([1.00, 1.01], [0.90, 1.30], False, "Look at the seeds of both settings: those of the second are 0.4 apart."),
        (
            [1.0, 1.3],
            [1.35, 1.36],
            False,
            "The best of each setting are 0.35 apart, but their means only 0.205, less than the seeds (0.3).",
        ),
        (
            [1.00, 1.00, 1.30],
            [1.25, 1.25, 1.25],
            False,
            "With three seeds, look at the largest difference between any two of them.",
        ),
    ]
    got = [call(answer, list(a), list(b)) for a, b, _, _ in cases]
    need(all(isinstance(one, (bool, np.bool_)) for one in got), "Return True or False.")
    need(len({bool(one) for one in got}) == 2, f"It says {bool(got[0])} whatever the losses are.")
    for (a, b, wanted, hint), one in zip(cases, got, strict=True):
        need(bool(one) == wanted, f"For {a} against {b} it says {bool(one)}. {hint}")
    return "Now it can judge: train twice with gate = False and twice with gate = True, and ask it."


@judges("04.3")
def with_wrong_images(answer: Callable, train: Any) -> str:
    """``answer``: ``batches.Examples`` and a seed -> the same reports, each beside the image of another study."""
    before = list(train.rows)
    other = call(answer, train, 0)
    need(
        dataclasses.is_dataclass(other) and hasattr(other, "rows"),
        "Return Examples, not the rows alone: `dataclasses.replace(train, rows=…)`.",
    )
    rows = [int(row) for row in other.rows]
    need(list(train.rows) == before, "It has shuffled the rows of the examples that it was given. Make a new list.")
    need(rows != [int(row) for row in before], "Every report still stands beside its own image.")
    need(
        list(other.tokens) == list(train.tokens),
        "The reports have been moved too: then each one may stand beside its own image again. Move the rows only.",
    )
    need(len(rows) == len(before), f"{len(before)} reports need {len(before)} rows; there are {len(rows)}.")
    need(
        sorted(rows) == sorted(int(row) for row in before),
        "Some images are used twice and others not at all: shuffle, do not draw with replacement.",
    )
    stayed = sum(row == int(old) for row, old in zip(rows, before, strict=True))
    need(
        not stayed,
        f"{stayed} of {len(rows)} reports are still beside their own image; a random order leaves one or two. "
        "Send all of them along one circle, for example with np.roll on a random order.",
    )
    return (
        "Train on these: what is left of the fall of the loss is language. Notebook 06 calls such a model the blind"
        " twin."
    )


@judges("04.4")
def mix(answer: Callable) -> str:
    """``answer``: the true words read (B, T), the words that the model said at each place (B, T), a probability and a random
    generator -> the words read (B, T) under scheduled sampling."""
    true = np.array([[START, 10, 11, 12, 13, PAD, PAD]] * 200)
    said = np.array([[20, 21, 22, 23, 24, 25, 26]] * 200)
    true_before, said_before = true.copy(), said.copy()

    def read(probability: float, seed: int = 0) -> np.ndarray:
        got = np.asarray(call(answer, true, said, probability, np.random.default_rng(seed)))
        need(got.shape == true.shape, f"The words read should have the shape (B, T) = {true.shape}, not {got.shape}.")
        return got

    never, always = read(0.0), read(1.0)
    need((true == true_before).all() and (said == said_before).all(), "It has changed its arguments; work on a copy.")
    need(
        not (always[0, 1:5] == true[0, 1:5]).all(),
        "With probability 1 it reads the true words. The probability is that of the model's own word.",
    )
    need((never == true).all(), "With probability 0 everything must be as in teacher forcing.")
    need(
        (always[:, 0] == START).all(),
        "<start> has been replaced. Before the first word the model has said nothing yet.",
    )
    need((always[:, 5:] == PAD).all(), "Padding has been replaced: behind the end of a report nothing is read.")
    need(always[0, 1] != 21, "The own words are not shifted: what is read at place t is what was said at place t - 1.")
    need(
        (always[0, 1:5] == [20, 21, 22, 23]).all(),
        f"With probability 1 it should read 20, 21, 22, 23 after <start>; it reads {always[0, 1:5].tolist()}.",
    )
    half = read(0.5)[:, 1:5] >= 20
    need(
        half.any() and not half.all(),
        "With probability 0.5 it still takes all or none: compare a random number with the probability.",
    )
    whole_rows = half.all(axis=1) | ~half.any(axis=1)
    need(not whole_rows.all(), "It draws once for each report (or for the whole batch); draw for each place.")
    whole_columns = half.all(axis=0) | ~half.any(axis=0)
    need(not whole_columns.all(), "It draws once for each place of all reports together; draw for each word.")
    need(0.4 < half.mean() < 0.6, f"With probability 0.5, {half.mean():.0%} of the words are the model's own.")
    return (
        "That is the heart of scheduled sampling (Bengio et al., 2015). Raise the probability a little with each epoch."
    )
