"""The fixed text with the highest BLEU-4, and what reports say most often, once each: how far can one get without looking?

BLEU adds up matching n-grams over the corpus. For one text written for everybody, an n-gram that the text holds k times
matches as often as there are references that hold it once, plus those that hold it twice, and so on up to k. These numbers
are counted once; then a text is scored by looking up its own n-grams, whatever the number of references.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from . import findings, metrics, reports

Words = tuple[str, ...]
Choice = tuple[int, ...]  # numbers of sentences, in the order in which they are written


class FixedText:
    """BLEU-4 of one text against many references, in the time it takes to read the text.

    Args:
        references: the true reports, one a study.

    Raises:
        ValueError: if no reference has a word.
    """

    def __init__(self, references: Sequence[str]):
        words = [tuple(metrics.split_words(text)) for text in references]
        self.mean_length = sum(map(len, words)) / max(1, len(words))
        if not self.mean_length:
            raise ValueError("no training report has any text, so no template can be searched")
        holders: dict[Words, Counter[int]] = defaultdict(Counter)  # n-gram -> times -> references that hold it so often
        for report in words:
            for gram, times in _counts(report).items():
                holders[gram][times] += 1
        self._matches = {  # n-gram -> its mean matches in a reference if the text has it once, twice, ... (first: never)
            gram: [
                sum(min(k, times) * number for times, number in held.items()) / len(words) for k in range(max(held) + 1)
            ]
            for gram, held in holders.items()
        }

    def bleu4(self, words: Words, brevity: bool = True) -> float:
        """The same as ``metrics.bleu`` with ``words`` for every study and these references.

        ``brevity=False`` leaves out the penalty for short texts: how much of what the text says stands in the references.
        """
        matches = [0.0] * 5
        for gram, times in _counts(words).items():
            if held := self._matches.get(gram):
                matches[len(gram)] += held[min(times, len(held) - 1)]
        if not matches[4]:
            return 0.0
        logs = sum(math.log(matches[n] / (len(words) - n + 1)) for n in range(1, 5)) / 4
        return math.exp(logs + (min(0.0, 1 - self.mean_length / len(words)) if brevity else 0.0))


def _counts(words: Words) -> Counter[Words]:
    return Counter([words[i : i + n] for n in range(1, 5) for i in range(len(words) - n + 1)])


def best_template(texts: Sequence[str], candidates: int = 200) -> str:
    """A fixed text with a high BLEU-4 against ``texts``, put together from their most frequent sentences.

    The search is greedy, in two parts. First the text grows to the mean length of the reports: in each round the
    sentence comes in, at its best place, that keeps most of the text within the references (without the penalty for short
    texts, which would reward long sentences now and regret them later). Then sentences come in, go out or replace
    another, the best step first, as long as BLEU-4 rises. So it finds a good text, not certainly the best one.

    Args:
        texts: the training reports; empty ones are left out.
        candidates: how many of the most frequent sentences are tried. More are slower and find a little more: on 2,069 real
            reports, 200 take a few seconds.

    Raises:
        ValueError: if there is no text.
    """
    texts = [text for text in texts if text.strip()]
    scorer = FixedText(texts)
    sentences = frequent_sentences(texts, candidates)
    words = [tuple(metrics.split_words(sentence)) for sentence in sentences]

    def written(chosen: Choice) -> Words:
        return sum((words[k] for k in chosen), ())

    def best(steps: Iterable[Choice], brevity: bool) -> tuple[float, Choice]:
        return max(((scorer.bleu4(written(step), brevity), step) for step in steps), default=(0.0, ()))

    chosen: Choice = ()
    while len(written(chosen)) < scorer.mean_length and len(chosen) < len(words):
        chosen = best(_one_more(chosen, len(words)), brevity=False)[1]
    value = scorer.bleu4(written(chosen))
    while True:
        new_value, step = best(_steps(chosen, len(words)), brevity=True)
        if new_value <= value + 1e-12:  # the same text in another order can differ in the last digit
            return " ".join(sentences[k] for k in chosen)
        value, chosen = new_value, step


def frequent_sentences(texts: Sequence[str], n: int) -> list[str]:
    """The most frequent sentences, each in its most frequent spelling; of equally frequent ones the first in the alphabet."""
    spellings: dict[Words, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for sentence in reports.sentences(text):
            spellings[tuple(metrics.split_words(sentence))][sentence] += 1
    spellings.pop((), None)
    ranked = sorted(spellings.items(), key=lambda item: (-item[1].total(), item[0]))
    return [min(counts, key=lambda text: (-counts[text], text)) for _, counts in ranked[:n]]


def _one_more(chosen: Choice, n: int) -> Iterator[Choice]:
    for k in sorted(set(range(n)).difference(chosen)):
        for place in range(len(chosen) + 1):
            yield chosen[:place] + (k,) + chosen[place:]


def _steps(chosen: Choice, n: int) -> Iterator[Choice]:
    """Every text that is one step away: a sentence more, a sentence less, or another sentence in the place of one."""
    yield from _one_more(chosen, n)
    for place in range(len(chosen)):
        rest = chosen[:place] + chosen[place + 1 :]
        yield rest
        for k in sorted(set(range(n)).difference(chosen)):
            yield chosen[:place] + (k,) + chosen[place + 1 :]


# ------------------------------------------------------------------------------------- one sentence for each thing said


def what_it_says(sentence: str) -> frozenset | Words:
    """By what sentences are alike: the findings that it asserts; else those that it denies or doubts; else its words.

    >>> what_it_says("Small left effusion.") == what_it_says("There is a pleural effusion.")
    True
    """
    labels = {name: status for name, status in findings.label(sentence).items() if name != findings.NO_FINDING}
    asserted = frozenset(name for name, status in labels.items() if status == "asserted")
    return asserted or frozenset(labels.items()) or tuple(metrics.split_words(sentence))


def mined(texts: Sequence[str], least: int = 2) -> list[str]:
    """Templates: for each thing that reports say, the sentence with which they say it most often.

    Args:
        texts: the training reports. least: how often a thing has to be said.

    Returns:
        The sentences in the order in which reports say these things, by their mean place between first (0) and last (1).
    """
    spellings: dict[frozenset | Words, Counter[str]] = defaultdict(Counter)
    places: dict[frozenset | Words, list[float]] = defaultdict(list)
    for text in texts:
        said = reports.sentences(text)
        for place, sentence in enumerate(said):
            if key := what_it_says(sentence):
                spellings[key][sentence] += 1
                places[key].append(place / max(1, len(said) - 1))
    mean = {key: sum(found) / len(found) for key, found in places.items() if len(found) >= least}
    usual = {key: min(counts, key=lambda text: (-counts[text], text)) for key, counts in spellings.items()}
    return [usual[key] for key in sorted(mean, key=lambda key: (mean[key], usual[key]))]


def say(texts: Sequence[str], templates: Sequence[str]) -> np.ndarray:
    """For each report and each template, whether the report says the same thing: (N, K) bool."""
    keys = [what_it_says(template) for template in templates]
    said = [{what_it_says(sentence) for sentence in reports.sentences(text)} for text in texts]
    return np.array([[key in those for key in keys] for those in said], bool).reshape(len(texts), len(keys))
