"""The bug museum: as it is shown it fails with a hint, repaired it passes, and repaired wrongly it gets another hint."""

from __future__ import annotations

import json
import re
from collections import Counter

import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mrg_helpers import checks, exercises, paths, reports
from mrg_helpers.reports import clean, tokenize
from mrg_helpers.vocabulary import END, PAD, START

SOLUTIONS = sorted((paths.project_root() / "notebooks" / "solutions").glob("*.ipynb"))
EXHIBITS = {
    re.search(r'checks\.check\("(\d\d\.[A-Z])"', cell.source)[1]: cell.source
    for path in SOLUTIONS
    for cell in nbformat.read(path, as_version=4).cells
    if cell.cell_type == "code" and re.search(r'checks\.check\("\d\d\.[A-Z]"', cell.source)
}


def verdict(source: str) -> checks.Verdict:
    """What the last line of a cell says, given what its notebook has defined before."""
    table = pd.DataFrame({"split": ["train", "test"], "impression": ["Clear.", "Clear."], "findings": ["", "Low."]})
    names = {"np": np, "pd": pd, "re": re, "Counter": Counter, "reports": reports, "clean": clean, "table": table}
    names |= {"checks": checks, "PAD": PAD, "START": START, "END": END, "image": np.zeros((9, 9), np.uint8)}
    body, _, last = source.rstrip().rpartition("\n")
    exec(compile(body, "cell", "exec"), names)
    return eval(last, names)


def test_every_defect_has_its_exhibit_and_its_check():
    assert set(EXHIBITS) == {name for name in checks.names() if name[-1].isalpha()}
    assert Counter(name[:2] for name in EXHIBITS) == {"01": 4, "02": 2, "03": 3, "04": 2, "05": 5}


@pytest.mark.parametrize("name", sorted(EXHIBITS))
def test_as_shown_the_bug_is_found_and_repaired_it_is_gone(name):
    shown, repaired = verdict(exercises.for_reader(EXHIBITS[name])), verdict(exercises.solved(EXHIBITS[name]))
    assert (shown.name, shown.status) == (name, "wrong")
    assert shown.message.startswith("The bug is still there"), shown
    assert repaired.status == "right", repaired


def frontal(study):
    return [path for path, view in zip(study["images"], study["views"], strict=True) if view == "frontal"]


def by_patient(table, seed, share=0.2, rng=None):
    patients = (rng or np.random.default_rng(seed)).permutation(sorted(set(table["patient_id"])))
    return np.where(table["patient_id"].isin(patients[: int(len(patients) * share)]), "test", "train")


def copies(prepare, split="train", keep_empty=False):
    def count(table):
        texts = table["impression"].map(prepare)
        known, test = set(texts[table["split"] == split]), texts[table["split"] == "test"]
        return int(test[(test != "") | keep_empty].isin(known).sum())

    return count


def plain(text):
    return clean(text).lower().rstrip(".")


def counted(splits, least=None):
    def words(table, min_count):
        texts = table.loc[table["split"].isin(splits), "findings"]
        counts = Counter(token for text in texts for token in tokenize(text))
        return [word for word in sorted(counts, key=lambda w: (-counts[w], w)) if counts[word] >= (least or min_count)]

    return words


def beam(score=None, chosen=None, cut=True, best=1):
    """A beam step with one thing changed."""

    def step(beams, next_log_probs, width):
        grown = []
        for words, old in beams:
            log_probs = next_log_probs(words)
            for word in chosen(log_probs) if chosen else range(len(log_probs)):
                grown.append(((*words, word), score(old, log_probs[word]) if score else old + log_probs[word]))
        return sorted(grown, key=lambda one: -best * one[1])[: width if cut else None]

    return step


def first_beam_only(beams, next_log_probs, width):
    return beam()(beams[:1], next_log_probs, width)


def mask(targets):
    return targets != PAD


def with_text(table, *columns):
    return (table[list(columns)] != "").all(axis=1)


def disk(write, read):
    """The two functions of a vocabulary on the disk, made of what is written and what is made of it."""

    def put(words, path):
        path.write_text(write(words), encoding="utf-8")

    return put, lambda path: read(path.read_text(encoding="utf-8"))


KEPT = {}


def draw(words=range(4), chances=np.exp, seed=lambda seed: seed, length=0):
    """A draw with one thing changed."""

    def drawn(log_probs, count, given):
        rng, shares = np.random.default_rng(seed(given)), chances(log_probs)
        return rng.choice(list(words), count - length, p=shares / shares.sum()).tolist()

    return drawn


def anew_for_each(log_probs, count, seed):
    return [draw()(log_probs, 1, seed)[0] for _ in range(count)]


def grow(log_probs=None, shared=False, score=lambda old, new: old + new, keep=lambda old, new: new, cut=True):
    def grown(beams, step, width):
        found, state = [], beams[0][2]
        for words, old, own in beams:
            before = state if shared else own
            logits, state = step(words[-1], before)
            values = (log_probs or (lambda z: z - np.log(np.exp(z).sum())))(logits)
            found += [((*words, word), score(old, values[word]), keep(before, state)) for word in range(len(values))]
        return sorted(found, key=lambda beam: -beam[1])[: width if cut else None]

    return grown


def examples(among=lambda scores: range(len(scores)), replace=False):
    return lambda scores, count, seed: np.random.default_rng(seed).choice(among(scores), count, replace=replace)


WRONG = {
    "01.A": [
        (lambda study: study["images"][-1], "returns the lateral image"),
        (lambda study: frontal(study)[-1], "returns the last"),
        (lambda study: frontal(study), "not a list"),
        (lambda study: frontal(study)[0], "IndexError"),
        (lambda study: (frontal(study) or study["images"])[0], "return None"),
    ],
    "01.B": [
        (lambda t, seed: by_patient(t, seed)[:-1], "One answer for each"),
        (lambda t, seed: np.where(by_patient(t, seed) == "test", "Test", "Train"), 'should be "train" or "test"'),
        (lambda t, seed: by_patient(t, seed, 0.6), "about a fifth"),
        (lambda t, seed: by_patient(t, seed, rng=np.random.default_rng(SEEDS.pop())), "The same seed should give"),
        (lambda t, seed: by_patient(t, 0), "is the seed used"),
        (lambda t, seed: np.array(["train"] * len(t)), 'should be "train" or "test"'),
    ],
    "01.C": [
        (copies(lambda text: text), "every letter"),
        (copies(clean), "lower()"),
        (copies(lambda text: clean(text).lower()), "full stop"),
        (copies(plain, keep_empty=True), "empty ones"),
        (lambda t: copies(plain)(t) + copies(plain, "val")(t), "training texts only"),
        (lambda t: copies(plain)(t) / 14, "number of studies"),
        (lambda t: len(set(t["impression"].map(plain)[t["split"] == "test"]) & {"no acute disease", "cardiomegaly"}), "different"),
    ],
    "01.D": [
        (lambda t, target: t[(t["findings"] != "") | (t["impression"] != "")], "teaches to write one"),
        (lambda t, target: t.dropna(subset=[target]), "not NaN"),
        (lambda t, target: t[with_text(t, "impression")], "is `target` used"),
        (lambda t, target: with_text(t, target), "not a column or a mask"),
        (lambda t, target: t.loc[with_text(t, target), ["study_id", target]], "keep its columns"),
        (lambda t, target: t[with_text(t, target)].drop_duplicates(target), "S2, S5 and S6"),
        (lambda t, target: len(t[with_text(t, target)]), "of the type int"),
    ],
    "02.A": [
        (lambda image, h, w: np.asarray(Image.fromarray(image).resize((h, w))).T, "on its side"),
        (lambda image, h, w: np.asarray(Image.fromarray(image).resize((h, w))).reshape(h, w), "scrambled"),
        (lambda image, h, w: np.resize(image, (h, w)), "whole picture"),
        (lambda image, h, w: np.asarray(Image.fromarray(image).resize((w, h)))[::-1], "on its head"),
        (lambda image, h, w: np.asarray(Image.fromarray(image).resize((w, h))) / 255, "uint8"),
    ],
    "02.B": [
        (lambda region, grid: (region % grid[1], region // grid[1]), "changed places"),
        (lambda region, grid: (region % grid[0], region // grid[0]), "column by column"),
        (lambda region, grid: (region // grid[1] + 1, region % grid[1] + 1), "from 0"),
        (lambda region, grid: (region // grid[1], region % grid[0]), "region 40"),
        (lambda region, grid: region // grid[1], "cannot read"),
    ],
    "03.A": [
        (lambda text: re.sub(r"\d\. ?", "", text), "has become"),
        (lambda text: re.sub(r"\d+\.\s*", "", text), "one of 9 cm"),
        (lambda text: re.sub(r"\d+\.\d+|\d+\. ", "", text), "measure is gone"),
        (lambda text: re.sub(r"^\d+\.\s", "", text), "second one"),
        (lambda text: re.sub(r"\b\d+\.\s", "", text), "rib 4"),
        (lambda text: re.sub(r"(^|\. )\d\. ", r"\1", text), "longer than nine"),
    ],
    "03.B": [
        (counted(["train", "val"]), "validation"),
        (counted(["train"], 1), "once in training"),
        (counted(["test"]), "in test reports only"),
        (counted(["val"]), "validation"),
        (lambda t, n: counted(["train"])(t, n)[::-1], "order of their frequency"),
        (lambda t, n: [word for word in counted(["train"])(t, n) if word != "."], "should learn"),
    ],
    "03.C": [
        (disk(repr, eval), "runs whatever stands in it"),
        (disk(lambda words: "\n".join(sorted(words)), str.split), "another order"),
        (disk("\n".join, str), "one long text"),
        (disk(lambda words: json.dumps(words).replace("\\u00f6", "?"), json.loads), "every letter"),
        ((lambda words, path: KEPT.update(words=words) or path.touch(), lambda path: KEPT["words"]), "from both"),
        ((lambda words, path: None, lambda path: []), "did not write the file"),
        (disk(json.dumps, json.loads)[1], "both functions"),
    ],
    "04.A": [
        (lambda losses, targets: losses.mean(), "Padding still counts"),
        (lambda losses, targets: (losses * mask(targets)).mean() / losses.shape[1], "divides once more"),
        (lambda losses, targets: (losses * mask(targets)).sum(), "the sum"),
        (lambda losses, targets: ((losses * mask(targets)).sum(1) / mask(targets).sum(1)).mean(), "short reports"),
        (lambda losses, targets: (losses * mask(targets)).sum() / len(losses), "number of reports"),
    ],
    "04.B": [
        (lambda ids: (ids, ids), "repeat"),
        (lambda ids: (ids[1:], ids[:-1]), "wrong way round"),
        (lambda ids: (ids[:-2], ids[1:-1]), "never stop"),
        (lambda ids: (ids[1:], ids[2:] + [END]), "must be <start>"),
        (lambda ids: (ids, ids[1:] + [PAD]), "nothing follows"),
    ],
    "05.A": [
        (lambda weights, grid: np.reshape(weights, grid[::-1]), "changed places"),
        (lambda weights, grid: np.reshape(weights, grid[::-1]).T, "column by column"),
        (lambda weights, grid: np.reshape(weights, grid)[::-1], "on its head"),
        (lambda weights, grid: np.reshape(weights, grid) / weights.max(), "stretched"),
        (lambda weights, grid: np.resize(weights[:64], grid), "sum to 1"),
    ],
    "05.B": [
        (beam(chosen=lambda p: [int(np.argmax(p))]), "Each beam can go on"),
        (beam(cut=False), "only the best are kept"),
        (beam(best=-1), "worst"),
        (beam(score=lambda old, new: new), "replaced"),
        (beam(score=lambda old, new: old + np.exp(new)), "log-probability"),
        (first_beam_only, "follow the first"),
    ],
    "05.C": [
        (draw(length=1), "it draws 399"),
        (lambda log_probs, count, seed: [int(np.argmax(log_probs))] * count, "greedy decoding"),
        (anew_for_each, "made anew for each word"),
        (draw(seed=lambda seed: 0), "is `seed` used"),
        (draw(chances=lambda log_probs: np.ones(4)), "equally often"),
        (draw(chances=lambda log_probs: -log_probs), "leads exp"),
        (draw(seed=lambda seed: None), "Which generator gets the seed"),
    ],
    "05.D": [
        (grow(log_probs=lambda logits: logits), "logits are no log-probabilities"),
        (grow(shared=True), "share one state"),
        (lambda beams, *rest: grow()([(words, score, beams[0][2]) for words, score, _ in beams], *rest), "share one state"),
        (lambda *given: grow()(*given)[::-1], "should come first"),
        (grow(log_probs=lambda logits: np.exp(logits) / np.exp(logits).sum()), "Leave out the exp"),
        (grow(score=lambda old, new: new), "has replaced"),
        (grow(keep=lambda old, new: old), "not the one from before"),
        (grow(cut=False), "only the best are kept"),
        (grow(log_probs=lambda logits: logits - logits.max()), "The best three have"),
    ],
    "05.E": [
        (lambda scores, count, seed: np.argsort(scores)[-count:], "is it used"),
        (examples(lambda scores: np.argsort(scores)[:40]), "failures"),
        (examples(lambda scores: np.argsort(scores)[80:]), "by the score"),
        (examples(lambda scores: range(100)), "never shown"),
        (examples(lambda scores: range(20), replace=True), "twice"),
        (lambda scores, count, seed: examples()(scores, count, len(SEEDS) + SEEDS.pop()), "same seed"),
        (examples(lambda scores: scores), "not their scores"),
        (lambda scores, count, seed: [seed % 200], "it gives 1"),
    ],
}  # fmt: skip
SEEDS = list(range(100))


@pytest.mark.parametrize(("name", "k"), [(name, k) for name, some in WRONG.items() for k in range(len(some))])
def test_a_wrong_repair_gets_a_hint_of_its_own(name, k):
    answer, hint = WRONG[name][k]
    said = checks.check(name, answer)
    assert said.status == "wrong" and hint in said.message, said


def test_each_exhibit_has_five_wrong_repairs():
    assert set(WRONG) == set(EXHIBITS) and min(map(len, WRONG.values())) >= 5
    for name, some in WRONG.items():
        messages = [checks.check(name, answer).message for answer, _ in some]
        assert len(set(messages)) >= 5, f"{name}: the hints are not specific\n" + "\n".join(messages)
