"""Tables in which a model's scores stand beside what they have to be measured against.

Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from . import findings, meteor, metrics, reports


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


def score_table(
    systems: Mapping[str, Sequence[str]], references: Sequence[str], with_meteor: bool = False
) -> pd.DataFrame:
    """Text scores of several systems on the same studies.

    Args:
        systems: name -> one report a study. references: the true reports; a study without one (``""``) is left out.
        with_meteor: add a column ``METEOR`` where its Java program is there (it takes about half a minute); where it is not,
            the column is left out, and a printed line says why.

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
    table = pd.DataFrame(rows).T.rename_axis("system").astype({"distinct": int})
    if with_meteor and (reason := meteor.missing()):
        print(f"The column METEOR is left out: {reason}.")
    elif with_meteor:
        chosen = [[texts[k] for k in known] for texts in systems.values()]
        table.insert(4, "METEOR", metrics.meteor([references[k] for k in known], *chosen))
    return table


def variety(texts: Sequence[str], training_texts: Sequence[str]) -> dict[str, float]:
    """How much of its own a system says: scores look alike for one that writes and one that repeats.

    Args:
        texts: what the system wrote, one report a study. training_texts: what it learnt from.

    Returns:
        ``reports``, how many it wrote, ``distinct reports`` and ``distinct sentences`` among them; ``copied``, the share of
        reports that are a whole training report word for word (case and punctuation do not count); ``entropy (bits)`` of
        the distribution over reports: 0 if all are the same, log2 of their number if each is another.

    Raises:
        ValueError: if there is no text.
    """
    if not len(texts):
        raise ValueError("no reports: give at least one")
    counts = Counter(texts)
    shares = [count / len(texts) for count in counts.values()]
    known = _known(training_texts)
    return {
        "reports": len(texts),
        "distinct reports": len(counts),
        "distinct sentences": len({sentence for text in counts for sentence in reports.sentences(text)}),
        "copied": sum(count for text, count in counts.items() if _words(text) in known) / len(texts),
        "entropy (bits)": sum(-share * math.log2(share) for share in shares) + 0.0,  # no "-0.0"
    }


def most_frequent(texts: Sequence[str], training_texts: Sequence[str], n: int = 10) -> pd.DataFrame:
    """The reports that a system writes most often; of equally frequent ones the first in the alphabet.

    Returns:
        At most ``n`` rows: ``report``, ``times``, ``share`` of all reports, ``copied`` (a training report word for word).
    """
    known = _known(training_texts)
    ranked = sorted(Counter(texts).items(), key=lambda item: (-item[1], item[0]))[:n]
    rows = [(text, times, times / len(texts), _words(text) in known) for text, times in ranked]
    return pd.DataFrame(rows, columns=["report", "times", "share", "copied"])


def _words(text: str) -> tuple[str, ...]:
    return tuple(metrics.split_words(text))


def _known(training_texts: Sequence[str]) -> set[tuple[str, ...]]:
    return {words for text in set(training_texts) if (words := _words(text))}


def true_findings(references: Sequence[str], truth: Sequence[set[str]] | None = None) -> list[set[str]]:
    """What each patient has: the known truth where there is one (the phantom), else what the reference asserts."""
    return list(truth) if truth is not None else [findings.abnormal(reference) for reference in references]


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


def clinical_table(
    systems: Mapping[str, Sequence[str]],
    truth: Sequence[set[str]],
    names: Sequence[str] | None = None,
    min_cases: int = 10,
) -> pd.DataFrame:
    """The findings of whole systems, one row each: do they say what is there, and only that?

    Args:
        systems: name -> one report a study. truth: for each study its findings.
        names: the findings that the truth could tell of, by default those that it does; what a report asserts beyond them does
            not count.
        min_cases: precision, recall and F1 are over the findings with at least so many cases; NaN where none has.

    Returns:
        ``micro`` precision, recall and F1, of all assertions together, and ``macro``, the means over findings, in which a
        rare finding counts as much as a frequent one (a finding that is never named has the precision 0);
        ``false alarms``, named and not there, and ``omissions``, there and not named, over all ``names``;
        ``exactly right``, the share of studies with neither.
    """
    names = sorted({name for found in truth for name in found}) if names is None else list(names)
    rows = {}
    for system, texts in systems.items():
        said = [findings.asserted(text).intersection(names) for text in texts]
        table = findings.clinical_scores(truth, said, names)
        common = table[table["cases"] >= min_cases]
        cases, named, hits = common[["cases", "named", "hits"]].sum()
        rows[system] = {
            "micro precision": _share(hits, named),
            "micro recall": _share(hits, cases),
            "micro F1": _share(2 * hits, cases + named),
            "macro precision": common["precision"].fillna(0).mean(),
            "macro recall": common["recall"].mean(),
            "macro F1": common["F1"].mean(),
            "false alarms": int((table["named"] - table["hits"]).sum()),
            "omissions": int((table["cases"] - table["hits"]).sum()),
            "exactly right": sum(a == b for a, b in zip(said, truth, strict=True)) / len(texts),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("system")
    return table.astype({"false alarms": int, "omissions": int})


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def label_check(texts: Sequence[str], truth: Sequence[set[str]]) -> pd.DataFrame:
    """Does the labeller read from the true reports what the patients have? The table of :func:`finding_table` for studies
    whose truth is known; those without a text are left out, since there is nothing to read."""
    known = [(text, found) for text, found in zip(texts, truth, strict=True) if text]
    return finding_table([text for text, _ in known], [found for _, found in known])
