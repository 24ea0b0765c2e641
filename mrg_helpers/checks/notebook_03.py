"""The checks of the exercises of notebook 03."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ..reports import tokenize
from ..vocabulary import SPECIAL, Vocabulary
from .verdicts import call, compare, judges, need


@judges("03.1")
def words_of_impressions(answer: float, impressions: Mapping[str, Sequence[str]], min_count: int) -> str:
    """``impressions``: split -> clean texts. ``answer``: how many words a vocabulary of training impressions has."""
    train = [text for text in impressions["train"] if text]
    everything = [text for some in impressions.values() for text in some if text]

    def size(texts: Sequence[str], least: int = min_count) -> int:
        return len(Vocabulary.fit(texts, min_count=least)) - len(SPECIAL)

    likely = {
        "The four special words are counted too; ask for words that stand in reports.": size(train) + len(SPECIAL),
        f"That keeps words that occur once; `min_count` is {min_count}.": size(train, 1),
        "That is fitted on all splits; only the training split may be asked.": size(everything),
        "That is the number of tokens; equal ones count once.": sum(len(tokenize(text)) for text in train),
        "That is the number of impressions, not of words.": len(train),
    }
    otherwise = (
        "Fit a vocabulary on the training impressions, with the `min_count` of this notebook, and leave the special"
        " words out."
    )
    compare(answer, size(train), likely, otherwise)
    return f"{size(train)} words are enough for the training impressions, of which there are {len(train)}."


NEGATIONS = {"no", "not", "without"}


@judges("03.2")
def share_with_negation(answer: float, texts: Sequence[str]) -> str:
    """``answer``: the share of the reports that have "no", "not" or "without" as a word."""
    tokens = [tokenize(text) for text in texts]

    def share(words: set[str]) -> float:
        return sum(bool(words & set(some)) for some in tokens) / len(tokens)

    expected = share(NEGATIONS)
    everything = [token for some in tokens for token in some]
    likely = {
        "That is in per cent; a share lies between 0 and 1.": 100 * expected,
        "That is the number of reports; divide by how many there are.": expected * len(tokens),
        "That finds “no” inside of words too, as in “nodule” and “normal”. Compare whole tokens.": (
            sum(any(word in text.lower() for word in NEGATIONS) for text in texts) / len(texts)
        ),
        "That counts “no” only; “not” and “without” deny as well.": share({"no"}),
        "That is the share of the tokens; the task asks for the share of the reports.": (
            sum(token in NEGATIONS for token in everything) / len(everything)
        ),
        "Capitals hide some of them: “No” opens many sentences.": (
            sum(bool(NEGATIONS & set(text.split())) for text in texts) / len(texts)
        ),
    }
    compare(
        answer, expected, likely, "Cut each report into tokens and ask whether any of the three words is among them."
    )
    return (
        f"{expected:.0%} of the reports deny something. A list of stop words would throw these words away, and turn “no"
        " effusion” into “effusion”."
    )


@judges("03.3")
def split_at_hyphens(answer: Callable) -> str:
    """``answer``: tokens -> tokens, with every word cut at its hyphens, which go."""
    got = list(call(answer, ["no", "x-ray", ",", "well-defined"]))
    need(all(isinstance(token, str) for token in got), "Return one flat list of words, not a list of lists.")
    need(
        got != ["no", "x-ray", ",", "well-defined"],
        "Nothing has been cut: strings do not change, so use what `.split` returns.",
    )
    need(
        got != ["no", "xray", ",", "welldefined"],
        "The hyphens are gone, but the words are glued together: “xray” is one word, not two.",
    )
    need("-" not in got, "The hyphens stand there as words of their own; they should go.")
    need(
        got == ["no", "x", "ray", ",", "well", "defined"],
        f"From no | x-ray | , | well-defined it makes {' | '.join(got)}.",
    )
    got = list(call(answer, ["a-b-c", "-", "1.9"]))
    need(got[:3] == ["a", "b", "c"], "“a-b-c” has two hyphens, and should give three words.")
    need("" not in got, "It returns empty words: a token that is nothing but a hyphen leaves nothing behind.")
    need(
        got in (["a", "b", "c", "1.9"], ["a", "b", "c", "-", "1.9"]),
        f"From a-b-c | - | 1.9 it makes {' | '.join(got)}.",
    )
    return (
        "Compare the two numbers: the compounds are gone, and their parts are a few short words, and a model that has"
        " to learn to put them together again."
    )


@judges("03.4")
def merge_once(answer: Callable) -> str:
    """``answer``: words (tuples of pieces) with their counts -> the most frequent pair, and the words with that pair merged."""
    rare = {tuple(word): 1 for word in ("sss", "is", "his", "this", "mist")}
    words = Counter({tuple("lung"): 5, tuple("lungs"): 4, tuple("run"): 2} | rare)
    before = Counter(words)
    result = call(answer, words)
    need(
        isinstance(result, (tuple, list)) and len(result) == 2 and not isinstance(result[0], str),
        "Return two things: the pair, and the words after merging it.",
    )
    pair, merged = result
    pair, merged = tuple(pair), {tuple(word): count for word, count in dict(merged).items()}
    need(words == before, "It has changed the words that it was given; build new ones.")
    need(
        pair != ("i", "s"),
        "(i, s) stands in four words that occur once, (u, n) in three that occur eleven times: count a pair as often as"
        " its word occurs.",
    )
    need(pair != ("s", "l") and pair != ("g", "r"), "Pairs must not reach from one word into the next.")
    need(pair == ("u", "n"), f"The most frequent pair is (u, n), in eleven words; it says {pair}.")
    need(("l", "u", "n", "g") not in merged, "The pair is right, but it has not been merged in every word.")
    wanted = {("l", "un", "g"): 5, ("l", "un", "g", "s"): 4, ("r", "un"): 2} | rare
    need(set(merged) != set(wanted) or merged == wanted, "The words are right, and they have lost their counts.")
    need(
        merged == wanted,
        f"“lung” should now be (l, un, g), and words without the pair stay as they are; it gives {merged}.",
    )
    twice = call(answer, Counter({("s", "s", "s", "s", "s"): 3}))[1]
    twice = [tuple(word) for word in dict(twice)]
    need(
        twice == [("ss", "ss", "s")],
        f"(s, s) in “sssss”: merge from left to right, each piece once: ss | ss | s; it gives {twice}.",
    )
    tie = tuple(call(answer, Counter({("b", "c"): 1, ("a", "b"): 1}))[0])
    need(
        tie == ("a", "b"),
        "Of equally frequent pairs take the first in the alphabet, else the result depends on the order of the words.",
    )
    return "That is the whole idea; 300 such steps make a vocabulary that needs no <unk>."
