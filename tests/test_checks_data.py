"""The checks of the exercises of notebooks 01 to 03: right answers pass, likely wrong ones get a hint of their own."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from mrg_helpers import checks, phantom
from mrg_helpers.checks import verdicts
from mrg_helpers.images import Fit
from mrg_helpers.reports import clean, tokenize

PATIENT = next(
    p for p in (phantom.sample_patient(0, k) for k in itertools.count(1)) if p.find("nodule") and len(p.findings) > 1
)
HEADS = pd.Series([["a"]] * 10 + [["b"]] * 11 + [["c"]] * 2 + [["d"]] * 10 + [["e"]] * 14)
FINDINGS = pd.Series(
    ["w " * 9] * 10 + ["w " * 8] * 6 + ["w " * 40] * 5 + ["w " * 80] * 2 + ["w " * 4] * 10 + ["w " * 7] * 14
)  # medians 9, 8, 80, 4, 7
TAGGED = pd.DataFrame({
    "findings": ["Lungs are clear. Normal heart."] * 10 + ["Mild opacity. Lungs are otherwise clear."] * 14
    + ["Left effusion."] * 6 + [""],
    "normal": [True] * 10 + [False] * 20 + [True],
})  # fmt: skip
SPLIT = pd.DataFrame(
    [("train", "Clear.")] * 5 + [("train", "1. Heart large.")] * 3 + [("test", text) for text in
     ["Clear.", "1. Clear", "CLEAR.", "Clear.", "Heart large.", "Other.", "", "", ""]] + [("val", "Clear.")] * 3,
    columns=["split", "impression"],
)  # fmt: skip
MANIFEST = dict.fromkeys(
    ["network", "layer", "weights", "weights_fingerprint", "image_size", "resize", "grid", "images_fingerprint"], 0
)
TEST = pd.DataFrame({"study_id": list("ABCDE"), "findings": ["Clear."] * 5})
FEATURES = np.random.default_rng(10).normal(size=(5, 6, 3)).astype("float32")
UNIT = FEATURES.mean(axis=1) / np.linalg.norm(FEATURES.mean(axis=1), axis=1, keepdims=True)
IMPRESSIONS = {"train": ["Clear lungs.", "Clear heart.", "Clear low.", "Clear.", ""], "test": ["Large heart."]}
TEXTS = [
    "No effusion.",
    "A nodule.",
    "Not large.",
    "Clear, without edema.",
    "Normal.",
    "There is no opacity.",
    "No edema.",
]


def nodule(patient, cm, **other):
    """The patient with a nodule of that size, and with something else changed."""
    found = [dataclasses.replace(f, size_cm=cm, **other) if f.name == "nodule" else f for f in patient.findings]
    return dataclasses.replace(patient, findings=tuple(found))


def alone(patient, cm):
    return dataclasses.replace(patient, findings=tuple(f for f in nodule(patient, cm).findings if f.name == "nodule"))


def ball(x, z, centre, radius, view, power=0.5, factor=2, front=-1, down=1):
    across = centre[0] if view == "frontal" else front * centre[1]
    with np.errstate(invalid="ignore"):
        return factor * (radius**2 - (x - across) ** 2 - down * (z - centre[2]) ** 2) ** power


def whole(*arguments, **changed):
    return np.nan_to_num(ball(*arguments, **changed))


def cell(x, y, fit, grid, fitted=True, shift=0, end=1e-9):
    x, y = fit.to_network(x, y) if fitted else (x, y)
    return int(y / fit.size * grid[0] - end) + shift, int(x / fit.size * grid[1] - end) + shift


def of_image(x, y, fit, grid):
    return int(y / fit.height * grid[0]), int(x / fit.width * grid[1])


def nearest(vectors, sign=1):
    apart = sign * np.linalg.norm(vectors[:, None] - vectors[None], axis=-1)
    apart[np.tril_indices(len(apart))] = np.inf
    return ["ABCDE"[k] for k in np.unravel_index(apart.argmin(), apart.shape)]


def merge(words, counted=True, ties=min, glue=None, keep=True):
    counts = Counter()
    for word, n in words.items():
        for pair in itertools.pairwise(word):
            counts[pair] += n if counted else 1
    best = ties(counts, key=lambda pair: (-counts[pair], pair) if ties is min else counts[pair])
    merged = {}
    for word, n in words.items():
        new, k = [], 0
        while k < len(word):
            both = tuple(word[k : k + 2]) == best
            new.append("".join(best) if both else word[k])
            k += (1 if glue == "twice" else 2) if both else 1
        merged[tuple(new)] = n if keep else 1
    return best, merged


def first_only(words):
    best, merged = merge(words)
    return best, {**words, **dict(list(merged.items())[:1])}


CASES = {
    "01.1": ({"heads": HEADS, "findings": FINDINGS}, "a", [
        ("c", "Only 2 studies"), ("b", "by the mean"), ("d", "shortest"), ("e", "most frequent"),
        ("Opacity/lung", "none of the tags"), (9, "the name of a tag"),
    ]),
    "01.2": ({"table": TAGGED}, lambda text: "Mild" not in text and "Left" not in text, [
        (lambda text: False, "rival itself"), (lambda text: True, "always says"),
        (lambda text: "clear" in text, "no real gain"),
        (lambda text: "Mild" in text, "opposite"), (lambda text: len(text), "True or False"),
        (lambda text: text.index("Mild") > 0, "ValueError"),
    ]),
    "01.3": ({"table": SPLIT}, 4, [
        (2, "raw texts"), (4 / 6, "a share"), (5, "counts the training studies|stands anywhere"), (12, "all studies"),
        (3, "without an impression"),
        ("4", "should be a number"),
    ]),
    "01.4": ({"patient": PATIENT}, nodule, [
        (lambda p, cm: nodule(p, 10 * cm), "millimetres"), (lambda p, cm: nodule(p, cm / 2), "radius"),
        (lambda p, cm: p, "as it was"),
        (lambda p, cm: nodule(p, cm).findings, "Return a Patient"), (alone, "other findings"),
        (lambda p, cm: p.without("nodule"), "is gone"),
        (lambda p, cm: nodule(p, cm, amount=0.9), "Something else"),
        (lambda p, cm: dataclasses.replace(p, findings=list(nodule(p, cm).findings)), "tuple"),
    ]),
    "01.5": ({}, whole, [
        (ball, "NaN"), (lambda *a: whole(*a, factor=1), "half of the chord"),
        (lambda *a: np.maximum(ball(*a, power=1, factor=1), 0), "square"),
        (lambda *a: whole(*a[:4], "frontal"), "frontal one again"), (lambda *a: whole(*a, front=1), "wrong way round"),
        (lambda *a: np.where(whole(*a) > 0, 2 * a[3], 0), "Pythagoras"),
        (lambda x, z, c, r, v: whole(x, z, c, r, v) - 0.1 * (c[1] - 2), "along y"),
    ]),
    "02.1": ({"manifest": MANIFEST}, {"resize"}, [
        (set(), "nobody would notice"), ({"resize", "image_size"}, "same square"),
        ({"images_fingerprint"}, "no file has changed"),
        ({"grid", "resize"}, "network's"), ({"layer"}, "where the network is cut"), ({"squash"}, "no line squash"),
        ({"network"}, "is missing"),
    ]),
    "02.2": ({}, lambda n, g, c: n * g[0] * g[1] * c * 2, [
        (lambda n, g, c: n * g[0] * g[1] * c, "two bytes"), (lambda n, g, c: n * g[0] * g[1] * c * 4, "32-bit"),
        (lambda n, g, c: n * c * 2, "single region"),
        (lambda n, g, c: n * g[0] * g[1] * c * 2 / 1e6, "megabytes"),
        (lambda n, g, c: n * g[0] ** 2 * c * 2, "need not be square"),
        (lambda n, g, c: n * g[0] * g[1] * c * 2 + 128, "header"),
        (lambda n, g, c: n * g[0] * g[1] * c * 16, "bits"), (lambda n, g, c: g[0] * g[1] * c * 2, "one image"),
    ]),
    "02.3": ({}, lambda x, y, fit, grid: tuple(max(0, number) for number in cell(x, y, fit, grid)), [
        (lambda *a: cell(*a)[::-1], "changed places"), (of_image, "dark bars"),
        (lambda *a: cell(*a, fitted=False), "pixels of the square"),
        (lambda *a: cell(*a, shift=1), "from 0"), (lambda *a: cell(*a, end=0), "right edge"),
        (lambda x, y, fit, grid: (fit.to_network(x, y)[1] / 30 + 0.1, 1), "whole numbers"),
        (lambda *a: cell(*a, end=-0.5), "Rounding to the nearest"),
    ]),
    "02.4": ({"features": FEATURES, "test": TEST}, nearest(FEATURES.mean(axis=1)), [
        (["A", "A"], "diagonal"), (nearest(FEATURES.mean(axis=1), -1), "least alike"),
        (nearest(FEATURES.reshape(5, -1)), "region by region"),
        (nearest(FEATURES.mean(axis=2)), "over the channels"), ("A", "a pair"), (["A", "CXR9"], "CXR9"),
        (nearest(UNIT), "cosine"),
    ]),
    "03.1": ({"impressions": IMPRESSIONS, "min_count": 2}, 2, [
        (6, "special words"), (5, "occurs? once"), (3, "all splits"), (11, "number of tokens"), (4, "number of impressions"),
        (7, "Fit a vocabulary"), ("2", "should be a number"),
    ]),
    "03.2": ({"texts": TEXTS}, 5 / 7, [
        (500 / 7, "per cent"), (5, "divide by how many"), (1.0, "inside of words"), (3 / 7, "only"), (2 / 7, "Capitals"),
        (5 / sum(len(tokenize(text)) for text in TEXTS), "of the tokens"), (0.5, "Cut each report"),
    ]),
    "03.3": ({}, lambda tokens: [part for token in tokens for part in token.split("-") if part], [
        (lambda tokens: tokens, "Nothing has been cut"), (lambda tokens: [t.replace("-", "") for t in tokens], "glued"),
        (lambda tokens: [t.split("-") for t in tokens], "list of lists"),
        (lambda tokens: " ".join(tokens).replace("-", " - ").split(), "words of their own"),
        (lambda tokens: [p for t in tokens for p in t.split("-", 1)], "two hyphens"),
        (lambda tokens: [p for t in tokens for p in t.split("-")], "empty words"),
    ]),
    "03.4": ({}, merge, [
        (lambda words: merge(words, counted=False), "as often as its word"), (first_only, "not been merged in every"),
        (lambda words: merge(words, keep=False), "lost their counts"),
        (lambda words: merge(words, glue="twice"), "should now be"), (lambda words: merge(words)[0], "two things"),
        (lambda words: (("s", "l"), merge(words)[1]), "into the next"), (lambda words: merge(words, ties=max), "alphabet"),
    ]),
}  # fmt: skip


def test_answers_of_the_notebook_may_be_ties_or_missing():
    few = pd.Series([["a"], ["b"]])
    assert checks.check("01.1", "none", heads=few, findings=pd.Series(["x", "y"])).status == "right"
    nobody = TAGGED[~TAGGED["normal"]]
    assert checks.check("01.2", lambda text: False, table=nobody).status == "right"
    assert checks.check("02.4", ["A", "A"], features=FEATURES[:1], test=TEST[:1]).status == "right"
    none = SPLIT.assign(impression="")
    assert checks.check("01.3", 0, table=none).status == "right"
    tie = SPLIT.drop(SPLIT.index[3:5])  # two texts are now equally frequent in training
    plain = tie["impression"].map(lambda text: clean(text).lower().rstrip("."))
    for text in ("clear", "heart large"):
        number = int((plain[tie["split"] == "test"] == text).sum())
        assert checks.check("01.3", number, table=tie).status == "right"


def test_the_cell_of_the_check_is_the_box_of_the_fit():
    fit, grid = Fit(200, 400, 240, "pad"), (8, 8)
    left, top, right, bottom = fit.box(2, 7, grid)
    assert cell((left + right) / 2, (top + bottom) / 2, fit, grid) == (2, 7)


# ---------------------------------------------------------------------------------------------------------- verdicts


def test_a_verdict_is_shown_as_text_and_as_a_page_and_escapes_what_it_quotes():
    said = checks.Verdict("01.2", "wrong", "<script>alert(1)</script> is no tag.")
    assert repr(said).startswith("✗ 01.2 not yet.")
    page = said._repr_html_()
    assert "&lt;script&gt;" in page and "<script>" not in page and 'role="status"' in page


def test_unknown_and_double_names_are_refused():
    with pytest.raises(KeyError, match=r"09\.9.*01\.1"):
        checks.check("09.9", 1)
    with pytest.raises(ValueError, match=r"two checks '01\.1'"):
        verdicts.judges("01.1")(lambda answer: "")
