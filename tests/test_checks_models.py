"""The checks of the exercises of notebooks 04 to 06 and 08: right answers pass, likely wrong ones get a hint of their own."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from mrg_helpers import checks, metrics, stages
from mrg_helpers.batches import Examples
from mrg_helpers.vocabulary import END, PAD, START

TOKENS = [[START, 5, 6, 6, END], [START, 5, 7, END]]
TRAIN = Examples(read=lambda rows: {}, rows=[3, 4, 5, 6, 7, 8], tokens=[[START, k, END] for k in range(6)])
REFERENCES = [
    "The heart is normal in size. The lungs are clear. No effusion.",
    "",
    "Large effusion. The heart is large.",
]
NORMAL = "The heart is normal. The lungs are clear."
SETTINGS = stages.Settings()


def entropy(ids):
    shares = np.array(list(Counter(ids).values())) / len(ids)
    return float(-(shares * np.log(shares)).sum())


SAID = [i for report in TOKENS for i in report[1:]]


def spread(losses):
    return max(losses) - min(losses)


def circle(rows):
    return [*rows[1:], rows[0]]


def mixed(true, said, probability, rng, shift=1, start=True, padding=True, size=None):
    own = np.concatenate([true[:, :1], said[:, :-1]], axis=1) if shift else said.copy()
    if start and not shift:
        own[:, 0] = true[:, 0]
    if not start:
        own[:, 0] = 99
    change = np.broadcast_to(rng.random(size(true.shape) if size else true.shape) < probability, true.shape)
    return np.where(change & ((true != PAD) | (not padding)), own, true)


def in_place(true, said, probability, rng):
    true[:] = mixed(true, said, probability, rng)
    return true


def blocking(n_before=1, every=True):
    def blocked(words, n):
        last = words[len(words) - n + n_before :] if n > n_before else []
        width = n - n_before
        found = [words[k + width] for k in range(len(words) - width) if words[k : k + width] == last]
        return set(found if every else found[:1])

    return blocked


def f1(hits, total):
    return 2 * hits / total if total else 0.0


def hits_of(said, true):
    return sum(len(a & b) for a, b in zip(said, true, strict=True)), sum(map(len, said)), sum(map(len, true))


def micro(said, true):
    hits, n_said, n_true = hits_of(said, true)
    return f1(hits, n_said + n_true)


def macro(said, true):
    of = [[[some & {name} for some in sets] for sets in (said, true)] for name in sorted(set().union(*said, *true))]
    return float(np.mean([micro(*both) for both in of]))


def per_study(said, true):
    return float(np.mean([f1(len(a & b), len(a) + len(b)) for a, b in zip(said, true, strict=True)]))


def bleu1(
    references, texts, clip=True, brief=lambda wanted, written: np.exp(min(0, 1 - wanted / written)), by="written"
):
    pairs = list(zip(references, texts, strict=True))
    hits = sum(sum((Counter(t) & Counter(r)).values()) if clip else sum(w in r for w in t) for r, t in pairs)
    wanted, written = sum(map(len, references)), sum(map(len, texts))
    return hits / (written if by == "written" else wanted) * brief(wanted, written) if written else 0.0


def cells(features, grid):
    return features.reshape(len(features), *grid, features.shape[-1])


def alike(k, named, same=(0, 1, 2)):
    """Other namings with the same finding and side, in another study; without one of these conditions where it is left out."""
    study, finding, side = named[k]
    return [j for j, other in enumerate(named) if (other[0] != study or 0 not in same)
            and (other[1] == finding or 1 not in same) and (other[2] == side or 2 not in same)]  # fmt: skip


def usual(k, named, attention, same=(0, 1, 2), reduce=np.mean):
    found = alike(k, named, same)
    return reduce(attention[found], axis=0) if found else None


def blank(features, rectangles, box, how="centre", outside=False, value=0.0):
    left, top, right, bottom = rectangles.T
    x, y = (left + right) / 2, (top + bottom) / 2
    inside = {
        "centre": (box[0] <= x) & (x <= box[2]) & (box[1] <= y) & (y <= box[3]),
        "whole": (box[0] <= left) & (right <= box[2]) & (box[1] <= top) & (bottom <= box[3]),
        "meets": (left < box[2]) & (box[0] < right) & (top < box[3]) & (box[1] < bottom),
        "swapped": (box[0] <= y) & (y <= box[2]) & (box[1] <= x) & (x <= box[3]),
    }[how]
    return np.where((inside ^ outside)[:, None], value, features)


def spoilt(features, rectangles, box):
    features[:] = blank(features, rectangles, box)
    return features


def without(state, name="found", value=0.0):
    return state | {"memory": state["memory"] | {name: state["memory"][name] * value}}


def forgetful(state):
    state["memory"]["found"] = state["memory"]["found"] * 0
    return state


def above(rewards, keep, first=0.0, late=False, sign=1):
    baseline, found = first, []
    for reward in rewards:
        before, baseline = baseline, keep * baseline + (1 - keep) * reward
        found.append(sign * (reward - (baseline if late else before)))
    return found


def overlap(written, true):
    return sum((Counter(written) & Counter(true)).values())


def word_f1(written, true):
    return 2 * overlap(written, true) / (len(written) + len(true))


def weighed(share=lambda s: (s, 1 - s), turned=False):
    def mix_rewards(first, second, s):
        a, b = share(s)
        return lambda *both: a * first(*both[:: -1 if turned else 1]) + b * second(*both)

    return mix_rewards


CASES = {
    "04.1": ({"tokens": TOKENS, "size": 9}, entropy(SAID), [
        (np.log(9), "log V"), (entropy(SAID) / np.log(2), "in bits"), (np.exp(entropy(SAID)), "perplexity"),
        (entropy([i for report in TOKENS for i in report]), "<start> is counted"),
        (entropy([i for i in SAID if i != END]), "<end> is left out"),
        (-entropy(SAID), "sign"), (0.1, "sum -p log p"),
    ]),
    "04.2": ({}, lambda a, b: bool(abs(np.mean(a) - np.mean(b)) > max(spread(a), spread(b))), [
        (lambda a, b: True, "whatever the losses"),
        (lambda a, b: np.mean(b) - np.mean(a) > max(spread(a), spread(b)), "absolute value"),
        (lambda a, b: abs(np.mean(a) - np.mean(b)) > spread(a), "both settings"),
        (lambda a, b: abs(min(a) - min(b)) > max(spread(a), spread(b)), "best of each"),
        (lambda a, b: abs(np.mean(a) - np.mean(b)) > max(abs(a[0] - a[1]), abs(b[0] - b[1])), "between any two"),
        (lambda a, b: "yes", "True or False"),
    ]),
    "04.3": ({"train": TRAIN}, lambda train, seed: dataclasses.replace(train, rows=circle(train.rows)), [
        (lambda train, seed: train, "own image"), (lambda train, seed: circle(train.rows), "not the rows alone"),
        (lambda train, seed: dataclasses.replace(train, rows=circle(train.rows), tokens=circle(train.tokens)), "moved too"),
        (lambda train, seed: dataclasses.replace(train, rows=[4, 3, 3, 3, 3, 3]), "twice"),
        (lambda train, seed: dataclasses.replace(train, rows=[3, *circle(train.rows[1:])]), "still beside"),
        (lambda train, seed: dataclasses.replace(train, rows=[4, 5]), "need 6 rows"),
    ]),
    "04.4": ({}, mixed, [
        (lambda *a: mixed(*a, shift=0), "not shifted"), (lambda *a: mixed(*a, start=False), "<start> has been replaced"),
        (lambda *a: mixed(*a, padding=False), "Padding"), (lambda t, s, p, rng: mixed(t, s, 1 - p, rng), "own word"),
        (lambda *a: mixed(*a, size=lambda shape: (shape[0], 1)), "for each report"),
        (lambda *a: mixed(*a, size=lambda shape: (1, shape[1])), "for each place"),
        (lambda t, s, p, rng: mixed(t, s, float(p > 0.4), rng), "all or none"), (lambda *a: mixed(*a)[0], "shape"),
        (in_place, "work on a copy"),
    ]),
    "05.1": ({"references": REFERENCES, "training": [NORMAL]}, NORMAL + " No effusion.", [
        (NORMAL, "training report"), ("Large effusion. The heart is large and the lungs are clear.", "tells everybody"),
        ("Clear.", "Say more"),
        (" ", "is empty"), ([NORMAL], "one text"), ("There " * 60, "costs precision"),
        ("Hier steht gar nichts auf Englisch.", "of its words stand"),
    ]),
    "05.2": ({}, blocking(), [
        (lambda words, n: set(words), "every word"), (blocking(2), "last word only"),
        (lambda words, n: set(), "forbids nothing"),
        (blocking(every=False), "all earlier places"), (lambda words, n: {"or", "edema"}, "only “or” would"),
        (lambda words, n: "or", "a set"),
        (lambda words, n: blocking()(words, n) if n > 1 else set(), "n = 1"),
        (lambda words, n: {"effusion"}, "the last word itself"),
    ]),
    "05.3": ({}, micro, [
        (lambda s, t: hits_of(s, t)[0] / hits_of(s, t)[1], "precision"),
        (lambda s, t: hits_of(s, t)[0] / hits_of(s, t)[2], "recall"),
        (per_study, "each study"),
        (lambda s, t: float(np.mean([a == b for a, b in zip(s, t, strict=True)])), "exactly right"),
        (lambda s, t: hits_of(s, t)[0] / (sum(hits_of(s, t)) - 2 * hits_of(s, t)[0]), "Jaccard"),
        (lambda s, t: micro(s, t) / 2, "half"),
        (lambda s, t: 2 * hits_of(s, t)[0] / hits_of(s, t)[1], "Here 3 hits"), (macro, "macro F1"),
    ]),
    "05.4": ({}, bleu1, [
        (lambda r, t: bleu1(r, t, brief=lambda *n: 1), "no brevity penalty"),
        (lambda r, t: bleu1(r, t, clip=False), "not clipped"),
        (lambda r, t: bleu1(r, t, clip=False, brief=lambda *n: 1), "Neither"),
        (lambda r, t: np.mean([bleu1([a], [b]) for a, b in zip(r, t, strict=True)]), "mean of each"),
        (lambda r, t: bleu1(r, t, by="wanted", brief=lambda *n: 1), "recall"),
        (lambda r, t: bleu1(r, t, brief=lambda r, w: np.exp(1 - r / w)), "no bonus"),
        (lambda r, t: bleu1(r, t, brief=lambda r, w: np.exp(1 - w / r)), "upside down"),
    ]),
    "06.1": ({}, lambda f, grid: cells(f, grid)[:, :, ::-1].reshape(f.shape), [
        (lambda f, grid: f[:, ::-1], "on its head"),
        (lambda f, grid: cells(f, grid)[:, ::-1].reshape(f.shape), "upside down"),
        (lambda f, grid: f[..., ::-1], "channels"), (lambda f, grid: f[::-1], "studies"),
        (lambda f, grid: cells(f, grid)[:, :, ::-1], "shape"),
        (lambda f, grid: cells(f, grid[::-1])[:, :, ::-1].reshape(f.shape), "changed places"),
        (lambda f, grid: f, "Nothing has moved"),
    ]),
    "06.2": ({"settings": SETTINGS}, dataclasses.replace(SETTINGS, guide=0.0), [
        (SETTINGS, "as they were"), (dataclasses.replace(SETTINGS, concepts=0.0), "`concepts`"),
        (dataclasses.replace(SETTINGS, blind=True), "blind twin"),
        (dataclasses.replace(SETTINGS, guide=0.1), "without it means"),
        (dataclasses.replace(SETTINGS, guide=0.0, epochs=5), "Besides"), (0.0, "stages.Settings"),
        (dataclasses.replace(SETTINGS, gate=False), "but not `guide`"),
    ]),
    "06.3": ({}, usual, [
        (lambda k, n, a: usual(k, n, a, (1, 2)), "naming itself"),
        (lambda k, n, a: usual(k, n, a, (0, 1)), "side does not count"),
        (lambda k, n, a: usual(k, n, a, (0, 2)), "finding does not count"),
        (lambda k, n, a: usual(k, n, a, reduce=np.sum), "take their mean"),
        (lambda k, n, a: a[[j for j in alike(k, n, (1, 2)) if j != k]].mean(axis=0), "whole study"),
        (lambda k, n, a: a[alike(k, n)].mean(axis=0) if alike(k, n) else np.zeros(a.shape[1]), "return None"),
    ]),
    "06.4": ({}, blank, [
        (lambda *a: blank(*a, how="meets"), "only meet"), (lambda *a: blank(*a, how="whole"), "lie in the box as a whole"),
        (lambda *a: blank(*a, outside=True), "outside"),
        (lambda *a: blank(*a, how="swapped"), "changed places"),
        (lambda *a: blank(*a, value=np.nan), "NaN"), (spoilt, "work on a copy"),
        (lambda f, r, b: f[blank(f, r, b).any(axis=1)], "the regions stay"),
        (lambda f, r, b: f.copy(), "No region"),
    ]),
    "06.5": ({}, without, [
        (lambda state: state, "still says something"), (lambda state: without(state, "concepts"), "`concepts`"),
        (lambda state: without(state, "annotations"), "`annotations`"),
        (lambda state: without(state, "keys"), "`keys`"), (forgetful, "has changed the state"),
        (lambda state: without(state, value=np.nan), "NaN"),
        (lambda state: state | {"memory": {k: v for k, v in state["memory"].items() if k != "found"}}, "do not take it out"),
        (lambda state: without(state)["memory"], "a whole state"),
        (lambda state: without(state) | {"cell": [state["cell"][0] * 0]}, "`cell`"),
    ]),
    "08.1": ({"words": 24, "highest": 0.4}, 4.8, [
        (9.6, "at the end"), (5.0, "<start>"), (0.2, "a share"), (19.2, "true words"), (3.84, "square"), (1.0, "grows evenly"),
    ]),
    "08.2": ({}, above, [
        (lambda rewards, keep: rewards, "without a baseline"), (lambda r, keep: above(r, keep, sign=-1), "sign"),
        (lambda r, keep: above(r, keep, late=True), "part of already"), (lambda r, keep: above(r, 1 - keep), "share `keep`"),
        (lambda r, keep: np.array(r) - np.mean(r), "later draws"), (lambda r, keep: above(r, keep, r[0]), "begins at 0"),
        (lambda r, keep: 0.5, "One number for each"), (lambda r, keep: [0.0] * len(r), "it should give"),
    ]),
    "08.3": ({}, word_f1, [
        (lambda w, t: overlap(w, t), "goes on"), (lambda w, t: sum(word in t for word in w) / max(1, len(w)), "said twice"),
        (lambda w, t: overlap(w, t) / max(1, len(w)), "stops after"), (lambda w, t: -abs(len(w) - len(t)), "have to count"),
        (lambda w, t: 1.0, "have to count"), (lambda w, t: 1.0 if w == t else 0.0, "have to count"),
        (lambda w, t: len(set(w) & set(t)) / len(set(w) | set(t) or {""}), "said twice"), (lambda w, t: "good", "is a number"),
        (lambda w, t: overlap(w, t) / len(t) if w else 9, "goes on"),
    ]),
    "08.4": ({}, weighed(), [
        (lambda first, second, share: share, "not a number"), (weighed(lambda s: (1, 1)), "sum"),
        (weighed(lambda s: (1 - s, s)), "second one has it"), (weighed(lambda s: (1, 0)), "does not count"),
        (weighed(lambda s: (s, 1)), "1 - share"), (weighed(turned=True), "should be asked"),
        (lambda f, g, s: lambda w, t: f(w, t) * g(w, t), "product"), (lambda f, g, s: lambda w, t: 0.5, "One reward for each"),
        (weighed(lambda s: (s / 2, (1 - s) / 2)), "it should give"),
    ]),
}  # fmt: skip


def test_rows_that_a_reader_shuffles_in_place_are_noticed():
    def shuffled(train, seed):
        np.random.default_rng(seed).shuffle(train.rows)
        return train

    own = dataclasses.replace(TRAIN, rows=list(TRAIN.rows))
    assert "Make a new list" in checks.check("04.3", shuffled, train=own).message


def test_our_bleu_by_hand_is_that_of_the_package():
    references, texts = [text.split() for text in ("a b c d", "a c")], [text.split() for text in ("a b b", "c")]
    assert bleu1(references, texts) == pytest.approx(metrics.bleu([[words] for words in references], texts)[0])


def test_every_exercise_is_tested():
    from test_checks_data import CASES as others
    from test_checks_family import CASES as family

    assert set(CASES) | set(others) | set(family) == {name for name in checks.names() if name[-1].isdigit()}
