"""The checks of the exercises of notebook 01."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ..phantom import Patient
from ..reports import clean, tokenize
from .verdicts import Wrong, call, compare, judges, need, same


@judges("01.1")
def longest_findings(answer: str, heads: pd.Series, findings: pd.Series, least: int = 10) -> str:
    """``heads``: for each study its tags; ``findings``: its text. ``answer``: the tag with the longest texts, by the median."""
    words = findings.map(lambda text: sum(token[0].isalnum() for token in tokenize(text)))
    frame = pd.DataFrame({"tag": heads, "words": words})[findings != ""].explode("tag").dropna()
    grouped = frame.groupby("tag")["words"]
    common = grouped.size() >= least
    if not common.any():
        return f"This data set has no tag that {least} studies have, so there is nothing to compare; try the phantom."
    need(isinstance(answer, str), f"The answer is the name of a tag, a text, not a {type(answer).__name__}.")
    medians, means = grouped.median(), grouped.mean()
    if common.get(answer, False) and medians[answer] == medians[common].max():
        return f"The findings of these studies have {medians[answer]:g} words, by the median."
    need(
        answer in grouped.groups,
        f"{answer!r} is none of the tags in `heads`. Use the short names of section 6, not the whole tag of the table.",
    )
    need(
        common[answer],
        f"Only {grouped.size()[answer]} studies with findings have {answer!r}: its median is luck. Ask for {least} of"
        " them.",
    )
    need(
        answer != means[common].idxmax(),
        f"{answer!r} is first by the mean, which a few very long texts pull up. Take the median.",
    )
    need(
        medians[answer] > medians[common].min(),
        f"{answer!r} goes along with the shortest findings. Did you sort the other way round?",
    )
    need(
        answer != grouped.size().idxmax(),
        f"{answer!r} is the most frequent tag, and not the one with the longest findings.",
    )
    raise Wrong(
        f"The findings with {answer!r} have {medians[answer]:g} words by the median; another frequent tag has more."
    )


GAIN = 0.08  # by how much more often than its rival a rule has to be right; less may be luck


@judges("01.2")
def looks_normal(answer: Callable, table: pd.DataFrame) -> str:
    """``table``: ``findings`` and ``normal`` of each study. ``answer``: the text of the findings -> is the study tagged normal?"""
    some = table[table["findings"] != ""]
    truth = some["normal"].to_numpy(bool)
    if min(truth.sum(), (~truth).sum()) < 5:
        return (
            "In this data set too few studies are normal, or too few are not, to judge a rule by them; try the phantom."
        )
    never = (~truth).mean()  # how often the rival is right; a perfect rule gains what is left
    if 1 - never < 2 * GAIN:
        return (
            f"Only {truth.sum()} of these {len(truth)} studies are normal, so always “not normal” is right in {never:.0%}, and "
            "not even a perfect rule could be much better. A share of right guesses cannot judge a rule here; try the phantom."
        )
    said = [call(answer, text) for text in some["findings"]]
    need(
        all(isinstance(one, (bool, np.bool_)) for one in said),
        "Return True or False, for example by `bool(…)`, not the words that were found.",
    )
    said = np.array(said)
    right = (said == truth).mean()
    need(said.any(), f"It never says “normal”: that is the rival itself, right in {never:.0%} of the studies.")
    need(not said.all(), f"It always says “normal”, and is right in {truth.mean():.0%} of the studies.")
    need(
        right > 1 - right, f"It is right in {right:.0%} of the studies only. The opposite of your rule would do better."
    )
    caught = said[truth].mean()
    need(
        right >= never + GAIN,
        f"It is right in {right:.0%}, while always “not normal” is right in {never:.0%}: no real gain. "
        + (
            "It calls many ill patients normal: calm words such as “clear” stand in their reports too. Look for the"
            " words that only the ill have."
            if said[~truth].mean() > 0.3
            else f"It finds only {caught:.0%} of the normal ones. Which of its words do normal reports have too?"
        ),
    )
    return f"It is right in {right:.0%} of the studies that have findings; always “not normal” is right in {never:.0%}."


@judges("01.3")
def copies_of_the_commonest(answer: float, table: pd.DataFrame) -> str:
    """``answer``: the number of test studies whose impression is, word for word, the most common one of training."""

    def plain(split: str) -> pd.Series:
        texts = table.loc[table["split"] == split, "impression"].map(lambda text: clean(text).lower().rstrip("."))
        return texts[texts != ""]

    train, test = plain("train"), plain("test")
    if train.empty or test.empty:
        return "There are no impressions in training or test here, so nothing can be counted; try the phantom."
    most = train.value_counts()
    best = [text for text, count in most.items() if count == most.iloc[0]]  # equally frequent ones are all right
    expected = int((test == best[0]).sum())
    if any(same(answer, (test == text).sum()) for text in best[1:]):
        expected = answer
    everywhere = pd.concat([plain(split) for split in table["split"].unique()])
    raw = table.loc[table["split"] == "test", "impression"]
    raw_best = (
        table.loc[(table["split"] == "train") & (table["impression"] != ""), "impression"].value_counts().index[0]
    )
    likely = {
        "That is a share; the task asks for a number of studies.": expected / len(test),
        "That is a percentage; the task asks for a number of studies.": 100 * expected / len(test),
        "That counts the training studies that have the text. The rival is tried on the test studies.": int(
            (train == best[0]).sum()
        ),
        "That counts all studies with the text. The rival is tried on the test studies alone.": int(
            (everywhere == best[0]).sum()
        ),
        "That compares raw texts: list numbers, capitals and the last full stop hide some copies.": int(
            (raw == raw_best).sum()
        ),
        "That counts the studies without an impression: the most common text must not be the empty one.": int(
            (raw == "").sum()
        ),
        "That counts every test study whose text stands anywhere in training; take the most common one.": int(
            test.isin(set(train)).sum()
        ),
    }
    compare(
        answer,
        expected,
        likely,
        "Not the number. Clean, lower-case and strip the full stop; find the most common training text; count it in"
        " test.",
    )
    return f"{expected} of {len(test)} test impressions are {best[0]!r}, and nobody has looked at an image."


@judges("01.4")
def with_nodule(answer: Callable, patient: Patient) -> str:
    """``patient`` has a nodule. ``answer``: the patient and a diameter in cm -> the same patient with a nodule of that size."""
    before = dataclasses.replace(patient)
    nodule, others = patient.find("nodule"), patient.without("nodule").findings
    changed = call(answer, patient, 0.7)
    need(
        isinstance(changed, Patient),
        f"Return a Patient, not a {type(changed).__name__}: `dataclasses.replace(patient, findings=…)`.",
    )
    need(
        patient == before,
        "It has changed the patient that it was given. Patients are frozen; make a new one with `dataclasses.replace`.",
    )
    new = changed.find("nodule")
    need(new is not None, "The nodule is gone: the new finding has to stand among the findings.")
    need(
        changed != patient,
        "It returns the patient as it was. `dataclasses.replace` returns a new object; use what it returns.",
    )
    need(not same(new.size_cm, 7.0), "The diameter is in millimetres; `size_cm` wants centimetres.")
    need(not same(new.size_cm, 0.35), "That is the radius; `size_cm` is the diameter.")
    need(
        same(new.size_cm, 0.7),
        f"The nodule should measure 0.7 cm; it measures {new.size_cm}. The field is called `size_cm`.",
    )
    need(isinstance(changed.findings, tuple), "`findings` is a tuple, not a list.")
    need(
        changed.without("nodule").findings == others,
        "The other findings have changed or are gone; keep them as they are.",
    )
    rest = dataclasses.replace(new, size_cm=nodule.size_cm)
    need(
        rest == nodule,
        "Something else about the nodule has changed: keep its side, place, spot and amount, so that only the size"
        " differs.",
    )
    return "The same patient, the same place, another size: what no hospital can show you."


@judges("01.5")
def shadow(answer: Callable) -> str:
    """``answer``: x and z of rays (arrays, cm), centre (x, y, z) and radius of a ball, the view -> the chord of each ray."""
    x, z = np.meshgrid(np.linspace(-6, 6, 25), np.linspace(-6, 6, 25))
    centre, radius = (1.0, 2.0, -1.0), 2.5

    def chord(view: str, at: Sequence[float]) -> np.ndarray:
        across = at[0] if view == "frontal" else -at[1]
        return 2 * np.sqrt(np.maximum(radius**2 - (x - across) ** 2 - (z - at[2]) ** 2, 0))

    got, wanted = np.asarray(call(answer, x, z, centre, radius, "frontal"), float), chord("frontal", centre)
    need(got.shape == x.shape, f"One length for each ray, an array of shape {x.shape}; it gives {got.shape}.")
    need(not np.isnan(got).any(), "Rays that miss the ball give NaN, the root of a negative number. Their chord is 0.")
    need(not same(got, wanted / 2), "That is half of the chord: the ray goes in at one side and out at the other.")
    need(
        not same(got, (wanted / 2) ** 2) and not same(got, wanted**2), "That is the square of a length: take the root."
    )
    need(
        not same(got, np.where(wanted > 0, 2 * radius, 0)),
        "Only the ray through the middle is as long as the diameter; Pythagoras knows the others.",
    )
    need(
        same(got, wanted),
        "The frontal shadow is not right. With d the distance of the ray from the centre, half of the chord is"
        " √(radius² − d²).",
    )
    moved = (centre[0], centre[1] + 5, centre[2])
    need(
        same(call(answer, x, z, moved, radius, "frontal"), wanted),
        "Moved along y, the direction of the frontal rays, the frontal shadow must stay as it is: y has no business"
        " there.",
    )
    side = np.asarray(call(answer, x, z, centre, radius, "lateral"), float)
    need(
        not same(side, wanted),
        "The lateral view is the frontal one again: there, y takes the place of x, and the patient looks to the left.",
    )
    mirrored = 2 * np.sqrt(np.maximum(radius**2 - (x - centre[1]) ** 2 - (z - centre[2]) ** 2, 0))
    need(
        not same(side, mirrored),
        "The lateral view is the wrong way round: the patient looks to the viewer's left, so the front (+y) lies"
        " at −x.",
    )
    need(same(side, chord("lateral", centre)), "The lateral shadow is not right: put −y where the frontal view has x.")
    return (
        "Five centimetres along the rays leave no trace in the frontal view: a model that sees only that one cannot"
        " know the depth."
    )
