"""The bug museum of notebooks 04 and 05: the loss, the start word, the heat-map, two beams, the draw, the examples. See
``museum_data``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..vocabulary import END, PAD, START
from .verdicts import call, compare, judges, need, same


@judges("04.A")
def loss_per_word(answer: Callable) -> str:
    """``answer``: losses (B, T) and targets (B, T), 0 where there is padding -> the mean loss of a real word."""
    targets = np.array([[5, 6, 7, 8, 9, END], [5, END, PAD, PAD, PAD, PAD]])
    losses = np.array([[1.0, 1.0, 1.0, 1.0, 1.0, 1.0], [4.0, 4.0, 0.5, 0.5, 0.5, 0.5]])
    likely = {
        "The bug is still there: for two reports the mean over real words is 1.75, and this says 1.17. What divides the sum?": (
            14 / 12
        ),
        "Padding still counts: its losses are in the sum.": losses.mean(),
        "That divides once more by the length; the loss per word is divided by the number of words, once.": 14 / 12 / 6,
        "That is the sum over the real words, not yet their mean.": 14.0,
        "That is the mean of two reports' means, so the words of short reports count more. Each word should count the same.": (
            2.5
        ),
        "That divides by the number of reports; the loss per word is divided by the number of words.": 7.0,
    }
    otherwise = "With six words of loss 1 and two words of loss 4 the mean is 1.75, whatever the padding."
    got = float(call(answer, losses, targets))
    compare(got, 14 / 8, likely, otherwise)
    longer = np.pad(losses, [(0, 0), (0, 20)], constant_values=0.5), np.pad(targets, [(0, 0), (0, 20)])
    need(same(float(call(answer, *longer)), got), "More padding changes the loss. It must not.")
    return "The loss of a real word stays where it is, however much padding is added."


@judges("04.B")
def read_and_say(answer: Callable) -> str:
    """``answer``: the ids of a report, ``<start>`` to ``<end>`` -> the ids that are read and the ids that are to be said."""
    ids = [START, 11, 12, 13, END]
    pair = call(answer, list(ids))
    need(isinstance(pair, tuple) and len(pair) == 2, "Return two things: what is read, and what is to be said.")
    read, say = ([int(i) for i in some] for some in pair)
    need(
        (read, say) != (ids[1:-1], ids[2:]),
        "The bug is still there. The pairs fit, so the loss will fall nicely. But a report is begun by reading <start>:"
        " how often has the model read it in training, and which word has it never learnt to say?",
    )
    need(read != say, "What is read and what is said are the same: the model would learn to repeat, not to go on.")
    need((read, say) != (ids[1:], ids[:-1]), "The wrong way round: it reads a word and says the one before.")
    need(END in say, "Nobody teaches the model to say <end>, so it will never stop.")
    need(START not in say, "The model must not learn to say <start>.")
    need(
        read and read[0] == START,
        "The first word that is read must be <start>, for that is how a report is begun later.",
    )
    need(END not in read, "<end> is read, but nothing follows it.")
    need((read, say) == (ids[:-1], ids[1:]), f"From {ids} it should read {ids[:-1]} and say {ids[1:]}.")
    return "The model reads <start> in every report, and so it knows how to begin one."


@judges("05.A")
def heat_map(answer: Callable) -> str:
    """``answer``: the weights (R,) of a word and the grid (H, W) -> the map (H, W)."""
    grid = (14, 18)
    weights = np.arange(14 * 18, dtype=float)
    weights /= weights.sum()
    got = np.asarray(call(answer, weights, grid), float)
    need(
        got.shape != (8, 8),
        "The bug is still there: for a network with a grid of 14 x 18 cells the map holds"
        f" {weights[:64].sum():.0%} of the attention. Where is the rest? Nothing warns you, for a picture comes out.",
    )
    need(got.shape != (18, 14), "Height and width have changed places: the grid is (H, W), rows first.")
    need(got.shape == grid, f"A grid of 14 x 18 cells should give a map of shape (14, 18), not {got.shape}.")
    need(
        not same(got, weights.reshape(18, 14).T) and not same(got, weights.reshape(grid, order="F")),
        "The shape is right, but the regions are counted row by row, and here they are laid out column by column.",
    )
    need(not same(got, weights.reshape(grid)[::-1]), "The map stands on its head: row 0 is the top of the image.")
    need(
        not same(got, weights.reshape(grid) / weights.max()),
        "The map is stretched so that its peak is 1. Then a word that looks everywhere seems as sure as one that looks"
        " at a point: leave the weights as they are.",
    )
    need(same(got.sum(), 1), f"The weights of a word sum to 1; those of the map sum to {got.sum():.3f}.")
    need(
        same(got, weights.reshape(grid)),
        "The shape is right, but the weights are not in their places: region r lies in row r // W.",
    )
    return "Each weight stands in its own cell, and all of them are there."


# How likely each of four words is after a beginning. The likeliest report begins with the second best word.
_NEXT = {
    (): [0.55, 0.40, 0.04, 0.01],
    (0,): [0.30, 0.25, 0.25, 0.20],
    (1,): [0.02, 0.03, 0.05, 0.90],
    (2,): [0.25, 0.25, 0.25, 0.25],
}


@judges("05.B")
def beam_step(answer: Callable) -> str:
    """``answer``: beams [(words, score), ...], a function words -> log-probabilities (V,), a width K -> the K best longer beams."""

    def next_log_probs(words: tuple) -> np.ndarray:
        return np.log(_NEXT[tuple(int(word) for word in words)])

    def step(beams: list, width: int) -> list:
        got = [
            (tuple(int(word) for word in words), float(score))
            for words, score in call(answer, beams, next_log_probs, width)
        ]
        need(
            len(got) <= width,
            f"With a width of {width} it returns {len(got)} beams: after each step only the best are kept.",
        )
        return got

    begun = [step([((), 0.0)], 2) for _ in range(12)]
    need(
        all(got == begun[0] for got in begun),
        "The bug is still there: twelve calls with the same beams do not give the same result. Should they not?",
    )
    got = begun[0]
    need(
        len(got) == 2,
        f"From one beam it makes {len(got)}, with a width of 2. Each beam can go on with any of the V words, not only"
        " with its best one.",
    )
    words = [some for some, _ in got]
    need(
        words != [(3,), (2,)] and words != [(2,), (3,)],
        "It keeps the worst beams. The greatest log-probability, nearest to zero, is the best.",
    )
    need(
        words == [(0,), (1,)],
        f"From the empty beginning the best two are (0,) and (1,), the best first; it keeps {words}.",
    )
    need(
        same([score for _, score in got], np.log([0.55, 0.40])),
        f"The score of a beam is its log-probability; it gives {[round(score, 3) for _, score in got]}.",
    )
    got = step([((0,), float(np.log(0.55))), ((1,), float(np.log(0.40)))], 2)
    words, scores = [some for some, _ in got], [score for _, score in got]
    need(
        words != [(1, 3), (0, 0)] or not same(scores, np.log([0.90, 0.30])),
        "The score of the last step has replaced that of the whole beam: add the new log-probability to the old score.",
    )
    need(
        words != [(0, 0), (0, 1)],
        "All the beams follow the first one. Put the continuations of every beam together before you choose.",
    )
    need(words == [(1, 3), (0, 0)], f"After the second step the best two are (1, 3) and (0, 0); it keeps {words}.")
    need(same(scores, np.log([0.36, 0.165])), "The scores of two words must be the sums of their log-probabilities.")
    return "The likeliest report began with the second best word, and the beam has found it. A greedy decoder cannot."


@judges("05.C")
def drawn_words(answer: Callable) -> str:
    """``answer``: log-probabilities (V,), how many words, and a seed -> so many drawn ids."""
    chances = np.array([0.5, 0.3, 0.15, 0.05])

    def draw(seed: int) -> list[int]:
        return [int(word) for word in call(answer, np.log(chances), 400, seed)]

    first, again = draw(0), draw(0)
    need(len(first) == 400, f"Asked for 400 words it draws {len(first)}.")
    need(
        first == again,
        f"The bug is still there: with one seed, twice, {sum(a != b for a, b in zip(first, again, strict=False))} of 400 words"
        " differ. Which generator gets the seed, and which one draws?",
    )
    others = [draw(seed) for seed in range(1, 6)]
    need(
        any(some != [0] * 400 for some in [first, *others]),
        "It takes the likeliest word each time. That is greedy decoding; nothing is drawn.",
    )
    need(
        all(len(set(some)) > 1 for some in others),
        "All 400 words of a draw are the same one. A generator that is made anew for each word begins anew each time.",
    )
    need(any(some != first for some in others), "Other seeds draw the same words: is `seed` used?")
    shares = np.bincount(np.concatenate(others), minlength=4) / 2000
    need(
        not np.allclose(shares, 0.25, atol=0.06),
        "Every word comes equally often. How likely each one is, the log-probabilities tell.",
    )
    need(
        np.allclose(shares, chances, atol=0.06),
        f"The words should come in shares of {chances.tolist()}; they come in {shares.round(2).tolist()}."
        " From a logarithm to a probability leads exp.",
    )
    return "One generator, made from the seed, draws everything: whoever has the seed can draw the same report again."


def _step(word: int, state: tuple) -> tuple[np.ndarray, tuple]:
    """A decoder that remembers every word it has read: its logits depend on them all, and lie at another height after each."""
    state = (*state, int(word))
    chances = np.random.default_rng([7, *state]).dirichlet(np.ones(4))
    return np.log(chances) + 3.0 * (state[-1] == 2), state


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum())


@judges("05.D")
def grown_by_a_word(answer: Callable) -> str:
    """``answer``: beams [(words, score, state), ...], a function (word, state) -> logits (V,), state; and a width K -> the K best
    longer beams."""
    beams = [((1, 0), -0.5, (1,)), ((1, 2), -1.5, (1,)), ((3, 3), -2.0, (3,))]

    def grown(log_probs, shared: str = "", new=lambda score, more: score + more) -> list[float]:
        """The scores of the best three where it is done in one way or another."""
        state, found = beams[0][2], []
        for words, score, own in beams:
            logits, state = _step(words[-1], {"chained": state, "first": beams[0][2]}.get(shared, own))
            found += [new(score, value) for value in log_probs(logits)]
        return sorted(found, reverse=True)[:3]

    got = call(answer, [tuple(beam) for beam in beams], _step, 3)
    need(len(got) == 3, f"With a width of 3 it returns {len(got)} beams: after each step only the best are kept.")
    scores, right = [float(score) for _, score, _ in got], grown(_log_softmax)
    need(
        scores == sorted(scores, reverse=True),
        "The best beam should come first, the one with the greatest log-probability.",
    )
    need(
        not same(scores, grown(lambda logits: logits, "chained")),
        "The bug is still there, or rather both are: the third beam goes on as if it had read the words of the other two, and"
        f" scores rise to {max(scores):+.2f}, which no log-probability does.",
    )
    need(
        not same(scores, grown(lambda logits: logits)),
        "Each beam has a memory of its own now. But logits are no log-probabilities: after some words all of them are higher,"
        " and then every continuation wins. What has to be taken off?",
    )
    need(
        not any(same(scores, grown(_log_softmax, shared)) for shared in ("chained", "first")),
        "The scores are log-probabilities now. But all beams still share one state, which has read words that are not theirs.",
    )
    need(
        not same(scores, grown(lambda logits: np.exp(_log_softmax(logits)))),
        "That adds a probability to a log-probability. Leave out the exp.",
    )
    need(
        not same(scores, grown(_log_softmax, new=lambda score, more: more)),
        "The score of the last step has replaced that of the whole beam: add the new log-probability to the old score.",
    )
    need(
        same(scores, right),
        f"The best three have {np.round(right, 2).tolist()}; yours have {np.round(scores, 2).tolist()}.",
    )
    for words, _, state in got:
        need(
            tuple(state) == tuple(words[:-1]),
            f"The beam {tuple(map(int, words))} goes on with a state that has read {tuple(state)}: keep the one that `step`"
            " returned for this beam, not the one from before.",
        )
    return "Each beam remembers its own words, and its score really is a sum of log-probabilities."


@judges("05.E")
def examples_to_show(answer: Callable) -> str:
    """``answer``: the scores (N,) of N reports, how many, and a seed -> the numbers of so many studies."""
    scores = np.random.default_rng(3).permutation(np.linspace(0.001, 0.999, 200))

    def chosen(seed: int) -> list[int]:
        some = [float(k) for k in call(answer, scores.copy(), 10, seed)]
        need(all(k in range(200) for k in some), "It returns numbers of studies, 0 to N - 1, not their scores.")
        return [int(k) for k in some]

    draws = [chosen(seed) for seed in range(40)]
    need(all(len(some) == 10 for some in draws), f"Asked for 10 studies it gives {len(draws[0])}.")
    need(draws[0] == chosen(0), "The same seed should give the same studies, so that a reader can check them.")
    need(any(some != draws[0] for some in draws), "Every seed gives the same studies: is it used?")
    need(
        all(len(set(some)) == 10 for some in draws),
        "A study stands twice among the examples: draw without replacement.",
    )
    better = float(np.mean(scores[np.concatenate(draws)] > 0.5))
    need(
        better < 0.95,
        f"The bug is still there: of 400 studies drawn with 40 seeds {better:.0%} lie in the better half. The seed makes it look"
        " fair. What will a reader believe who sees only these?",
    )
    need(better > 0.05, "Only failures are shown now. That is no fairer; it only flatters nobody.")
    need(
        0.4 < better < 0.6,
        f"Still chosen by the score: {better:.0%} lie in the better half, where a fair draw has 50 %. Do not look at it at all.",
    )
    need(len(set(np.concatenate(draws).tolist())) > 150, "Some studies are never shown: draw among all of them.")
    return "Whoever knows the seed can draw them again, and good reports had no advantage."
