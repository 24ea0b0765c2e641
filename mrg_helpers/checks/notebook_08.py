"""The checks of the exercises of notebook 08."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .verdicts import Wrong, call, compare, judges, need, same


@judges("08.1")
def own_words_read(answer: float, words: int, highest: float) -> str:
    """``words``: of a report; ``highest``: the probability at the end of the training. ``answer``: how many own words are read in
    the report, on average over the training."""
    expected = words * highest / 2
    likely = {
        "So many there are at the end of the training; at its beginning there are none.": words * highest,
        "<start> is counted, but it is never replaced.": (words + 1) * highest / 2,
        "That is a share. How many words are it?": highest / 2,
        "These are the true words that are read.": words - expected,
        "The probability grows evenly from 0, so its mean is a half of the highest, not its square.": words
        * highest**2,
    }
    compare(answer, expected, likely, "A word is its own with a probability that grows evenly from 0 to the highest.")
    return f"{expected:g} of {words} words on average, {words * highest:g} at the end, and none in the first step."


@judges("08.2")
def advantages(answer: Callable) -> str:
    """``answer``: the rewards of one draw after the other and the share that a moving average keeps -> what each reward is above
    the average of those before it, which begins at 0."""
    rewards, keep = [1.0, 0.5, 1.0, 0.0], 0.75

    def moved(share: float, first: float = 0.0, late: bool = False) -> list[float]:
        baseline, found = first, []
        for reward in rewards:
            new = share * baseline + (1 - share) * reward
            found.append(reward - (new if late else baseline))
            baseline = new
        return found

    given = list(rewards)
    got = np.asarray(call(answer, given, keep), float)
    need(given == rewards, "It has changed the rewards that it was given.")
    need(got.shape == (4,), f"One number for each reward, (4,), not {got.shape}.")
    need(not same(got, rewards), "Nothing is taken away: that is REINFORCE without a baseline.")
    expected = moved(keep)
    need(
        not same(got, np.negative(expected)),
        "The sign is wrong: this would make likelier what was worth less than usual.",
    )
    need(
        not same(got, moved(keep, late=True)),
        "Each reward is compared with an average that it is part of already. Compare first, then move the average.",
    )
    need(not same(got, moved(1 - keep)), "The average keeps the share `keep` of what it was, and takes the rest anew.")
    need(
        not same(got, np.array(rewards) - np.mean(rewards)),
        "That is the mean of all rewards, those of later draws too, which nobody has seen yet.",
    )
    need(not same(got, moved(keep, rewards[0])), "The average begins at 0, not at the first reward.")
    need(
        same(got, expected),
        f"For the rewards {rewards} and keep = {keep} it should give {np.round(expected, 4).tolist()}.",
    )
    return "A baseline that costs no second decoding. It is the same for easy and hard patients; the likeliest report is not."


@judges("08.3")
def fair_reward(answer: Callable) -> str:
    """``answer``: the words of a report and those of the true one -> what the report is worth; best where both are the same, and
    no better for being longer or shorter."""
    true = ["small", "left", "effusion", ".", "the", "heart", "is", "normal", "."]

    def worth(words: list[str]) -> float:
        got = call(answer, list(words), list(true))
        try:
            return float(got)
        except (TypeError, ValueError):
            raise Wrong(f"A reward is a number, not a {type(got).__name__}.") from None

    whole = worth(true)
    right, wrong = worth(true[:4]), worth(["large", "right", "nodule", "."])
    cases = (
        (right > wrong, "Four true words are worth no more than four words of which one is true: the words have to count."),
        (whole > worth([*true, "no", "scoliosis", "is", "seen", "."]), "A report that says everything and then goes on is worth as "
         "much as the true one, or more. What is said beyond the true words has to cost something."),
        (whole > worth([*true, *true]), "The true report said twice is worth as much as said once, or more: a word that stands "
         "once in the true report may count once."),
        (whole > right, "A report that stops after the first sentence is worth as much as the whole one, or more. What is left "
         "out has to cost something."),
        (whole > worth(["effusion"]), "A single true word is worth as much as the true report."),
        (worth([]) < right, "An empty report is worth as much as one with a true sentence."),
    )  # fmt: skip
    for holds, hint in cases:
        need(holds, hint)
    need(np.isfinite([whole, worth([])]).all(), "A reward has to be a number for every report, the empty one too.")
    return "Neither a longer nor a shorter report is rewarded for its length. Now, what does *this* reward not see?"


@judges("08.4")
def mixed_reward(answer: Callable) -> str:
    """``answer``: two rewards and the share of the first -> one reward, their mean with that weight."""
    asked: list[Any] = []

    def first(written: np.ndarray, true: np.ndarray) -> np.ndarray:
        asked.append((written.copy(), true.copy()))
        return np.array([1.0, 0.2])

    def second(written: np.ndarray, true: np.ndarray) -> np.ndarray:
        return np.array([0.0, 0.6])

    both = call(answer, first, second, 0.75)
    need(
        callable(both),
        "A reward is a function of written and true reports; return such a function, not a number.",
    )
    written, true = np.array([[5, 3], [6, 3]]), np.array([[5, 3], [7, 3]])
    got = np.asarray(call(both, written, true), float)
    need(got.shape == (2,), f"One reward for each report, (B,) = (2,), not {got.shape}.")
    need(
        asked and same(asked[-1][0], written),
        "The first reward should be asked for the written reports, then the true.",
    )
    need(same(asked[-1][1], true), "The second argument of a reward are the true reports.")
    a, b = np.array([1.0, 0.2]), np.array([0.0, 0.6])
    need(not same(got, a + b), "That is the sum; with it the share changes nothing.")
    need(not same(got, 0.25 * a + 0.75 * b), "The share belongs to the first reward; here the second one has it.")
    need(not same(got, a) and not same(got, b), "One of the two rewards does not count.")
    need(
        not same(got, a * b),
        "A product is 0 as soon as one of them is: the model would be told nothing about the other.",
    )
    need(not same(got, 0.75 * a + b), "The second one should count with what the first one leaves, 1 - share.")
    need(same(got, 0.75 * a + 0.25 * b), f"With the share 0.75 it should give {(0.75 * a + 0.25 * b).tolist()} here.")
    return "Now choose the share, on the validation reports, and before you look at the test reports."
