"""Train, val and test: by patient, reproducible, and completed where the data bring a split of their own.

Explained in ``notebooks/01_explore_reports_and_images.ipynb``.
"""

from __future__ import annotations

import hashlib

import pandas as pd

from .reports import clean

SPLIT_NAMES = ("train", "val", "test")


def split_by_patient(table: pd.DataFrame, seed: int = 0, fractions: tuple[float, float, float] = (0.7, 0.1, 0.2)):
    """Put each patient into train, val or test.

    The patients are ordered by a hash of seed and id, and the order is cut by the fractions: it depends neither on the
    order of the rows nor on the machine. Three patients are enough for one in each split whose fraction is not 0; of
    fewer, the first goes to train and the second to test.

    Args:
        table: the studies table, or any table with ``patient_id``.
        seed: another seed gives another split.
        fractions: share of the patients in train, val and test; they add up to 1.

    Returns:
        A Series of "train", "val" or "test" with the index of the table.

    Raises:
        ValueError: if the fractions are negative, do not add up to 1, or leave nothing to train on.
    """
    if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6 or fractions[0] == 0:
        raise ValueError(f"fractions {fractions}: give three shares for train, val, test that add up to 1, train not 0")
    ids = sorted(set(table["patient_id"]), key=lambda patient: hashlib.sha256(f"{seed}:{patient}".encode()).digest())
    left, split_of = len(ids) - 1, dict.fromkeys(ids, "train")  # one patient at least stays in train
    for name, fraction in (("test", fractions[2]), ("val", fractions[1])):
        n = min(left, max(1, round(fraction * len(ids)))) if fraction else 0
        left -= n
        split_of.update(dict.fromkeys(ids[left + 1 : left + 1 + n], name))
    return table["patient_id"].map(split_of)


def complete_split(table: pd.DataFrame, seed: int, fractions: tuple[float, float, float]) -> tuple[pd.Series, list]:
    """The split that the data bring, completed; without one, `split_by_patient`.

    A patient with studies in several splits goes to the strictest (test before val before train) as a whole; patients
    without a split are spread by the fractions; a split that is missing altogether is taken from the training patients.

    Returns:
        The split as a Series, and ``(reason, studies)`` of what was changed, with the ids of the studies concerned.
    """
    given = table["split"]
    if not (given != "").any():
        return split_by_patient(table, seed, fractions), []
    rank = {name: i for i, name in enumerate(("", *SPLIT_NAMES))}
    strictest = {i: name for name, i in rank.items()}
    split = given.map(rank).groupby(table["patient_id"]).transform("max").map(strictest)
    fresh = split == ""
    split[fresh] = split_by_patient(table[fresh], seed, fractions)
    changes = [
        ("moved: the patient has studies in another split", (given != "") & (given != split)),
        ("given a split: the data bring none for them", given == ""),
    ]
    lacking = [name for name, share in zip(SPLIT_NAMES, fractions, strict=True) if share and not (split == name).any()]
    train = split == "train"
    drawn = split_by_patient(table[train], seed, fractions)
    for name in lacking:
        chosen = drawn.index[drawn == name]
        split[chosen] = name
        changes.append((f"moved from train: the data bring no {name} split", table.index.isin(chosen)))
    return split, [(reason, list(table["study_id"][which])) for reason, which in changes if which.any()]


def duplicates(table: pd.DataFrame, column: str) -> dict[str, float]:
    """How often texts repeat, after cleaning and without regard to case; empty texts are left out.

    Args:
        table: the studies table.
        column: "findings", "impression" or another column of texts.

    Returns:
        ``texts`` and ``distinct`` (numbers), ``repeated`` (share of the texts that occur more than once) and
        ``test_in_train`` (share of the test texts that stand word for word in the training split).
    """
    texts = table[column].map(lambda text: clean(text).lower())
    texts, split = texts[texts != ""], table["split"][texts != ""]
    seen = texts[split == "test"].isin(set(texts[split == "train"]))
    return {
        "texts": len(texts),
        "distinct": texts.nunique(),
        "repeated": float(texts.duplicated(keep=False).mean()) if len(texts) else 0.0,
        "test_in_train": float(seen.mean()) if len(seen) else 0.0,
    }
