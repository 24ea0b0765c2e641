"""Tables in which a model's scores stand beside what they have to be measured against.

Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from . import findings, metrics


def most_common_report(texts: Sequence[str]) -> str:
    """The report that stands most often among the training reports; of equally frequent ones the first in the alphabet.

    Written for every patient, it is the baseline that never looks at an image.

    Raises:
        ValueError: if there is no text.
    """
    counts = Counter(text for text in texts if text)
    if not counts:
        raise ValueError("no training report has any text, so there is no most common one")
    return min(counts, key=lambda text: (-counts[text], text))


def score_table(systems: Mapping[str, Sequence[str]], references: Sequence[str]) -> pd.DataFrame:
    """Text scores of several systems on the same studies.

    Args:
        systems: name -> one report a study. references: the true reports; a study without one (``""``) is left out.

    Returns:
        One row a system: BLEU-1 to 4, ROUGE-L, CIDEr, ``distinct`` (number of different reports it wrote for these studies) and
        ``words`` (mean length).

    Raises:
        ValueError: if no study has a reference, or a system has another number of reports.
    """
    known = [k for k, reference in enumerate(references) if reference]
    if not known:
        raise ValueError("no study of this split has a reference report, so there is nothing to compare with")
    rows = {}
    for name, texts in systems.items():
        if len(texts) != len(references):
            raise ValueError(f"{name}: {len(texts)} reports for {len(references)} studies")
        chosen = [texts[k] for k in known]
        scores = metrics.corpus_scores([references[k] for k in known], chosen)
        lengths = [len(metrics.split_words(text)) for text in chosen]
        rows[name] = scores | {"distinct": len(set(chosen)), "words": sum(lengths) / len(lengths)}
    return pd.DataFrame(rows).T.rename_axis("system").astype({"distinct": int})


def true_findings(references: Sequence[str], truth: Sequence[set[str]] | None = None) -> list[set[str]]:
    """What each patient has: the known truth where there is one (the phantom), else what the reference asserts."""
    return list(truth) if truth is not None else [findings.asserted(reference) for reference in references]


def finding_table(texts: Sequence[str], truth: Sequence[set[str]]) -> pd.DataFrame:
    """How well the findings that the texts assert agree with the truth: one row a finding, the most frequent first.

    Returns:
        The columns of :func:`mrg_helpers.findings.clinical_scores`; an F1 is 0 where no hit was made.
    """
    names = sorted({name for found in truth for name in found})
    table = findings.clinical_scores(truth, [findings.asserted(text) for text in texts], names)
    return table.sort_values(["cases", "F1"], ascending=False)


def mean_finding_f1(table: pd.DataFrame, min_cases: int = 10) -> float:
    """Mean F1 over the findings with at least ``min_cases`` cases; NaN if there are none."""
    return findings.averages(table, min_cases)["macro F1"] if (table["cases"] >= min_cases).any() else float("nan")
