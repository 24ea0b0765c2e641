"""Leaks: does something that a score is computed on stand, in whole or nearly, in what the model learnt from?

`audit` looks at a table of studies and, where they are passed, at the images, the vocabulary, the feature cache and the
choices that were made. What it cannot check with what it was given it calls "not checked", never clean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent, wrap
from typing import TYPE_CHECKING

import pandas as pd

from . import audit_checks
from .reports import target_text

if TYPE_CHECKING:
    from .features import FeatureCache
    from .vocabulary import Vocabulary

VERDICTS = ("leak", "beware", "clean", "not checked")


@dataclass(frozen=True)
class Audit:
    """What was found; ``print`` shows it.

    The verdicts: "leak", what must not be in both; "beware", what two patients can honestly share, such as "no acute disease", and
    what makes scores look better than they are; "clean", looked for and not found; "not checked", with the reason.

    Attributes:
        table: one row a check and pair of splits: ``check``; ``between``, such as "train, test"; ``verdict``; ``count`` and
            ``share``, of the second split where there are two (NaN where not checked); ``explanation``; ``examples``, a list of
            at most three.
    """

    table: pd.DataFrame

    @property
    def leaks(self) -> pd.DataFrame:
        """The rows whose verdict is "leak"."""
        return self.table[self.table["verdict"] == "leak"]

    def __str__(self) -> str:
        lines = []
        for row in self.table.itertuples():
            number = "" if row.verdict == "not checked" else f": {row.count:,.0f} ({row.share:.1%})"
            where = f" [{row.between}]" if row.between else ""
            lines.append(f"{row.verdict.upper():12}{row.check}{where}{number}")
            said = [row.explanation] + ([f"for example {'; '.join(row.examples)}"] if row.examples else [])
            lines += [indent(line, " " * 12) for text in said for line in wrap(text, 108)]
        verdicts = self.table["verdict"].value_counts()
        lines.append(", ".join(f"{verdicts.get(name, 0)} {name}" for name in VERDICTS))
        return "\n".join(lines)


def audit(
    table: pd.DataFrame,
    target: str = "findings",
    *,
    read_images: bool = False,
    vocabulary: Vocabulary | None = None,
    cache: FeatureCache | None = None,
    choices: Mapping[str, str] | None = None,
    near: float = 0.7,
    progress: bool = True,
) -> Audit:
    """Look for leaks between the splits of a data set, and from them into what was fitted and chosen.

    Args:
        table: the studies table (see `datasets.Studies`), also one with a split of somebody else's.
        target: the text that is compared: "findings", "impression" or "report".
        read_images: open every image file to look for near copies; a few dozen files a second.
        vocabulary: to be compared with the training texts of ``target``.
        cache: whose channels' mean and deviation are computed anew from the rows that the table calls training. (Its
            principal components were fitted on the same rows; they are not computed anew.)
        choices: what was chosen on which split, such as ``{"epoch": "val", "beam width": "test"}``.
        near: how alike two texts are that count as near copies, see `similar.TextIndex`.
        progress: show a bar while images are read.

    Raises:
        ValueError: for another target, or a ``near`` that is no share.

    >>> print(audit(studies.table, choices={"epoch": "val"}))  # doctest: +SKIP
    """
    texts = [target_text(row, target).lower() for row in table.to_dict("records")]
    texts = pd.Series(texts, table.index, dtype=str)
    rows = [
        *audit_checks.ids(table),
        *audit_checks.copied_texts(table, texts, target, near),
        *audit_checks.copied_images(table, read_images, progress),
        audit_checks.fitted_words(vocabulary, texts[table["split"] == "train"], target),
        audit_checks.fitted_statistics(cache, table),
        audit_checks.chosen_on(choices),
    ]
    return Audit(pd.DataFrame(rows, columns=audit_checks.COLUMNS))
