"""The checks of ``audit``, each of which looks for one kind of leak and gives rows of its table."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from textwrap import shorten
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from . import images, similar
from .reports import tokenize
from .splits import SPLIT_NAMES, duplicates

if TYPE_CHECKING:
    from .features import FeatureCache
    from .vocabulary import Vocabulary

SAME = 0.98  # similarity of two X-rays, see `similar.alike_images`
TOLERANCE = 1e-3  # of a channel's deviation: well above what float32 rounds, well below what other images would change


class Row(NamedTuple):
    """One row of the table; the fields are explained in `audit.Audit`."""

    check: str
    between: str
    verdict: str
    count: float
    share: float
    explanation: str
    examples: list[str]


COLUMNS = list(Row._fields)


def _row(check: str, between: str, bad: str, count: int, total: int, explanation: str, examples: Iterable = ()) -> Row:
    """The verdict is ``bad`` if anything was found."""
    if not count:
        return Row(check, between, "clean", 0, 0.0, f"none found; looked at {total:,}", [])
    return Row(check, between, bad, count, count / total, explanation, [str(example) for example in examples][:3])


def _unchecked(check: str, reason: str, between: str = "") -> Row:
    return Row(check, between, "not checked", np.nan, np.nan, reason, [])


def _pairs(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """Every two splits that have rows, the one that is learnt from first."""
    parts = {name: table[table["split"] == name] for name in SPLIT_NAMES}
    present = [name for name, part in parts.items() if len(part)]
    return [(f"{first}, {second}", parts[first], parts[second]) for first, second in combinations(present, 2)]


def ids(table: pd.DataFrame) -> Iterator[Row]:
    """A patient, a study or an image file in two splits."""
    files = table[["split"]].assign(file=table["images"]).explode("file").dropna()
    named = {"patient": (table, "patient_id"), "study": (table, "study_id"), "image file": (files, "file")}
    if (table["patient_id"] == table["study_id"]).all():
        reason = "patient ids are the studies' own: either every patient has one study, or nobody knows which belong together"
        yield _unchecked("patient", reason)
        del named["patient"]
    for check, (rows, key) in named.items():
        pairs = _pairs(rows)
        if not pairs:
            yield _unchecked(check, "fewer than two splits have any")
        for between, first, second in pairs:
            both = sorted(set(first[key]) & set(second[key]))
            said = f"the same {check} in both splits: a score on the second is partly a score on what was learnt"
            yield _row(check, between, "leak", len(both), second[key].nunique(), said, both)


def copied_texts(table: pd.DataFrame, texts: pd.Series, target: str, near: float) -> Iterator[Row]:
    """A report in two splits, word for word or nearly; and how often texts repeat at all.

    Args:
        texts: the clean, lower-case text of each study, with the index of the table; "" where it has none.
    """
    written = table[["split", "study_id"]].assign(text=texts)[texts != ""]
    indexes: dict[str, similar.TextIndex] = {}
    if written.empty:
        yield _unchecked(f"{target}: repeated", "no study has such a text")
    else:
        counted = duplicates(written, "text")
        often = written["text"][written["text"].duplicated(keep=False)].value_counts()
        said = f"texts that stand more than once; only {counted['distinct']:,} of {counted['texts']:,} are distinct"
        examples = [f"{shorten(text, 60, placeholder=' …')!r} {n} times" for text, n in often.head(3).items()]
        yield _row(f"{target}: repeated", "all", "beware", int(often.sum()), counted["texts"], said, examples)
    pairs = _pairs(written)
    if not pairs:
        yield _unchecked(f"{target}: copied", "fewer than two splits have such texts")
    for between, first, second in pairs:
        known = dict(zip(first["text"], first["study_id"], strict=True))
        same = second["text"].isin(list(known))
        said = "the text stands word for word in both splits, whatever the images show: score these studies apart"
        examples = [f"{study} as {known[text]}" for _, study, text in second[same].head(3).itertuples(index=False)]
        yield _row(f"{target}: word for word", between, "beware", int(same.sum()), len(second), said, examples)

        split = first["split"].iloc[0]
        if split not in indexes:  # the training texts are looked through twice
            indexes[split] = similar.TextIndex(list(known), near)
        index = indexes[split]
        learnt, rest = list(known.values()), second[~same]
        close = [(study, index.closest(text)) for study, text in zip(rest["study_id"], rest["text"], strict=True)]
        close = sorted(((study, *hit) for study, hit in close if hit), key=lambda pair: -pair[2])
        said = f"not word for word, but with at least {near:.0%} of the word sequences in common"
        examples = [f"{study} as {learnt[k]} ({alike:.0%})" for study, k, alike in close]
        yield _row(f"{target}: nearly", between, "beware", len(close), len(second), said, examples)


def copied_images(table: pd.DataFrame, read: bool, progress: bool) -> Iterator[Row]:
    """X-rays that look alike in two splits."""
    check = "image: looks alike"
    if not read:
        yield _unchecked(check, "this opens every image file: pass read_images=True")
        return
    listed = table[["split", "study_id"]].assign(file=table["images"]).explode("file").dropna()
    outlines, unread = {}, 0
    for path in tqdm(listed["file"].unique(), desc="looking at images", disable=not progress):
        try:
            outlines[path] = similar.outline(path)
        except images.ImageError:
            unread += 1
    pairs = _pairs(listed[listed["file"].isin(list(outlines))])
    if not pairs:
        yield _unchecked(check, f"fewer than two splits have image files that can be read ({unread} cannot)")
    for between, first, second in pairs:
        known, mine = (np.array([outlines[path] for path in part["file"]]) for part in (first, second))
        hits = sorted(similar.alike_images(mine, known), key=lambda hit: -hit[2])
        here, there = second["study_id"].tolist(), first["study_id"].tolist()
        surely = sum(similarity >= SAME for *_, similarity in hits)
        said = (
            f"pairs of {SAME:.0%} and more are one X-ray (here {surely}); the others may be two similar patients: look"
        )
        examples = [f"{here[k]} as {there[j]} ({similarity:.0%})" for k, j, similarity in hits]
        if unread and not hits:
            yield _unchecked(
                check, f"none found, but {unread} of {unread + len(outlines)} files could not be read", between
            )
        else:
            said += f"; {unread} files could not be read" if unread else ""
            yield _row(check, between, "leak" if surely else "beware", len(hits), len(second), said, examples)


def fitted_words(vocabulary: Vocabulary | None, texts: pd.Series, target: str) -> Row:
    """Words that were counted more often than the training texts have them."""
    check = "vocabulary: fitted on more than training"
    if vocabulary is None:
        return _unchecked(check, "no vocabulary was passed")
    there = Counter(token for text in texts for token in tokenize(text))
    more = sorted((word for word, n in vocabulary.counts.items() if n > there[word]), key=lambda word: there[word])
    fewer = sum(n < there[word] for word, n in vocabulary.counts.items())
    if not more and fewer > 0.1 * len(vocabulary.counts):
        reason = (
            f"its counts are not those of the training texts ({target}): fitted on a part of them, or on other texts"
        )
        return _unchecked(check, reason)
    said = f"words that it counts more often than the training texts ({target}) have them: it has seen other texts"
    examples = [f"{word!r} {vocabulary.counts[word]} times, in training {there[word]}" for word in more]
    return _row(check, "train", "leak", len(more), len(vocabulary.counts), said, examples)


def fitted_statistics(cache: FeatureCache | None, table: pd.DataFrame) -> Row:
    """Channels whose mean or deviation is not that of the training rows."""
    check = "features: mean and deviation of more than training"
    if cache is None:
        return _unchecked(check, "no feature cache was passed")
    from .whitening import channel_statistics

    split = cache.rows["image_id"].map(dict(zip(table["study_id"], table["split"], strict=True)))
    train = np.flatnonzero(split == "train")
    if split.isna().any() or not len(train):
        strange = f"{split.isna().sum()} of its {len(split)} rows belong to no study of this table"
        return _unchecked(
            check, strange if split.isna().any() else "none of its rows is a training study of this table"
        )
    mean, std = channel_statistics(cache.raw, train)
    wrong = np.flatnonzero(np.maximum(np.abs(mean - cache.mean), np.abs(std - cache.std)) > TOLERANCE * std)
    said = f"channels that differ from what the {len(train):,} training rows give"
    if hashlib.sha256(bytes(split == "train")).hexdigest()[:16] != cache.manifest["train_rows"]:
        said += "; the cache was made for another split"
    return _row(check, "train", "leak", len(wrong), len(mean), said, [f"channel {k}" for k in wrong[:3]])


def chosen_on(choices: Mapping[str, str] | None) -> Row:
    """What was chosen by looking at the test split."""
    check = "choice: made on test"
    if not choices:
        return _unchecked(check, "nothing was passed that says on which split the epoch or the decoding was chosen")
    unknown = [name for name, split in choices.items() if split not in SPLIT_NAMES]
    wrong = [name for name, split in choices.items() if split == "test"]
    if unknown and not wrong:
        return _unchecked(check, f"chosen on a split that is none of {', '.join(SPLIT_NAMES)}: {', '.join(unknown)}")
    said = "the best of several tries on the test split is no longer a test"
    return _row(check, "test", "leak", len(wrong), len(choices), said, wrong)
