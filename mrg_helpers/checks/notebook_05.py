"""The checks of the exercises of notebook 05."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from .. import findings, metrics
from .verdicts import call, compare, judges, need, same


@judges("05.1")
def report_for_everybody(answer: str, references: Sequence[str], training: Sequence[str]) -> str:
    """``answer``: one text for all patients, written by the reader."""
    need(isinstance(answer, str), f"The answer is one text, not a {type(answer).__name__}.")
    need(answer.strip(), "The text is empty; BLEU gives nothing for saying nothing.")
    said = sorted(findings.abnormal(answer))
    need(
        not said,
        f"Your text tells everybody that they have: {', '.join(said)}. A false alarm for nearly all of them; deny it,"
        " or leave it out.",
    )
    words = metrics.split_words(answer)
    need(
        words not in [metrics.split_words(text) for text in training],
        "This is a training report, word for word, and no text of your own. Put one together from sentences that you"
        " have read often.",
    )
    there = [text for text in references if text]
    length = np.mean([len(metrics.split_words(text)) for text in there])
    brevity = np.exp(min(0.0, 1 - length / len(words)))
    need(
        len(words) >= length / 3,
        f"{len(words)} words; the references of this data set have {length:.0f} on average. BLEU multiplies what is shorter by"
        f" exp(1 - references / written), here by {brevity:.3f}. Say more: {np.ceil(length / 3):.0f} words at least.",
    )
    need(
        len(words) <= 3 * length,
        f"{len(words)} words; the references have {length:.0f} on average. What is not in them costs precision.",
    )
    bleu = metrics.bleu([[metrics.split_words(text)] for text in there], [words] * len(there))
    shared = bleu[0] / brevity
    need(
        shared > 0.1,
        f"Only {shared:.0%} of its words stand in the references, so that BLEU-1 is {bleu[0]:.3f}. Write as the reports of this"
        " data set are written.",
    )
    return (
        f"BLEU-1 {bleu[0]:.3f}, BLEU-4 {bleu[3]:.3f}: look for it in the table of section 2. Its F1 of findings is 0,"
        " since it names none, and it is exactly right for every healthy patient."
    )


@judges("05.2")
def blocked(answer: Callable) -> str:
    """``answer``: the words so far and n -> the words that would complete n words that were already said."""
    words = ["no", "effusion", "or", "edema", ".", "small", "effusion", "there", ".", "no", "effusion"]
    got = call(answer, list(words), 3)
    need(not isinstance(got, str), "Return a set of words, for several words may be forbidden at once.")
    got = set(got)
    need(got != set(words), "It forbids every word that was said. Only a repeated group of n words is to be avoided.")
    need(
        got != {"or", "there"},
        "That looks at the last word only: “effusion” was followed by “or” and by “there”. With n = 3 the last *two*"
        " words count.",
    )
    need(
        "effusion" not in got,
        "It forbids “effusion”, the last word itself; what counts is what followed “no effusion” before.",
    )
    need(got, "It forbids nothing. The last two words are “no effusion”, and earlier they were followed by “or”.")
    need(got == {"or"}, f"After {' '.join(words)!r} only “or” would repeat three words; it forbids {sorted(got)}.")
    need(set(call(answer, ["a", "b", "a"], 2)) == {"b"}, "With n = 2: in “a b a”, another “b” would repeat “a b”.")
    need(
        set(call(answer, ["a", "b", "a", "c", "a"], 2)) == {"b", "c"},
        "In “a b a c a” with n = 2 both “b” and “c” would repeat something: look at all earlier places.",
    )
    need(
        set(call(answer, ["a"], 3)) == set() and set(call(answer, [], 3)) == set(),
        "With fewer than n words there is nothing to repeat: an empty set.",
    )
    need(
        set(call(answer, ["a", "b"], 1)) == {"a", "b"},
        "With n = 1 every word that was said is forbidden, for then no word may come twice.",
    )
    return (
        "That is `block_ngrams`. Decode with it, and watch which scores move: sentences that a normal report rightly"
        " repeats go too."
    )


@judges("05.3")
def micro_f1(answer: Callable) -> str:
    """``answer``: for each study the findings that are said, and those that are true (sets) -> the micro F1."""
    said = [{"nodule"}, set(), {"edema", "effusion"}, {"effusion"}]
    true = [{"nodule", "effusion"}, {"edema", "nodule"}, {"effusion"}, {"effusion"}]
    likely = {
        "That is the precision: the share of what is said that is true.": 3 / 4,
        "That is the recall: the share of what is true that is said.": 3 / 6,
        "That is the mean of each study's F1, and not the micro F1: add up hits, said and true over all studies first.": (
            (2 / 3 + 0 + 2 / 3 + 1) / 4
        ),
        "That is the share of studies that are exactly right.": 1 / 4,
        "That is hits over the union (Jaccard). F1 is twice the hits over said plus true.": 3 / 7,
        "That is the mean over the findings (macro F1): each finding counts the same there, each assertion here.": (
            (2 / 3 + 0 + 0.8) / 3
        ),
        "That is half of it: F1 is *twice* the hits over said plus true.": 3 / 10,
    }
    compare(
        call(answer, said, true), 6 / 10, likely, "Here 3 hits, 4 said and 6 true make an F1 of 2 · 3 / (4 + 6) = 0.6."
    )
    need(same(call(answer, [set()], [{"edema"}]), 0), "Who says nothing and misses something has an F1 of 0.")
    need(same(call(answer, [{"edema"}], [set()]), 0), "Who says something and nothing is there has an F1 of 0.")
    return "Hits, said and true are all that it needs; it never reads the normal sentences, which are most of a report."


def _bleu1(references: list[list[str]], texts: list[list[str]], clip: bool = True, brief: bool = True) -> float:
    hits = sum(
        sum((Counter(text) & Counter(reference)).values()) if clip else sum(word in reference for word in text)
        for reference, text in zip(references, texts, strict=True)
    )
    written, wanted = sum(map(len, texts)), sum(map(len, references))
    return hits / written * (np.exp(min(0.0, 1 - wanted / written)) if brief else 1)


@judges("05.4")
def corpus_bleu1(answer: Callable) -> str:
    """``answer``: references and texts, each a list of words -> the BLEU-1 of the corpus."""
    wanted_texts, written_texts = (
        ("the heart is normal in size .", "no acute disease", "the lungs are clear"),
        (
            "the the heart",
            "no disease seen",
            "clear",
        ),
    )
    references, texts = [text.split() for text in wanted_texts], [text.split() for text in written_texts]
    expected = _bleu1(references, texts)
    each = [_bleu1([reference], [text]) for reference, text in zip(references, texts, strict=True)]
    written, wanted = 7, 14
    likely = {
        "There is no brevity penalty: these texts are half as long as the references, and pay nothing for it.": _bleu1(
            references, texts, brief=False
        ),
        "The matches are not clipped: “the the heart” says “the” twice, the reference once, so one of them counts.": (
            _bleu1(references, texts, clip=False)
        ),
        "Neither clipped nor punished for brevity.": _bleu1(references, texts, clip=False, brief=False),
        "That is the mean of each report's BLEU. Add up matches and lengths over all reports before you divide.": float(
            np.mean(each)
        ),
        "That divides by the words of the references, which is recall (or the brevity penalty is the ratio itself). BLEU divides by"
        " what was written, and its penalty is exp(1 - r / w).": 5 / wanted,
        "The brevity penalty is upside down: it is for texts that are shorter than the references.": (
            5 / written * np.exp(1 - written / wanted)
        ),
    }
    compare(
        call(answer, references, texts), expected, likely, f"For the three made-up reports it should be {expected:.4f}."
    )
    longer = [*references[0], "and", "shape"]
    got = call(answer, [references[1]], [longer + ["disease"]])
    need(
        same(got, _bleu1([references[1]], [longer + ["disease"]])),
        "A text that is longer than its reference gets no bonus: the brevity penalty is never above 1.",
    )
    need(same(call(answer, [["a"]], [[]]), 0), "An empty text scores 0; mind the division.")
    return (
        "The same number as `metrics.bleu` gives. Now you know what it rewards: words that are there, and nothing about"
        " the patient."
    )
