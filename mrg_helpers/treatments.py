"""The preprocessing lab: the same reports, compared with differently treated references.

Whoever computes a BLEU has decided before what a word is. Papers decide differently and seldom say how. A `Treatment` makes
the decisions explicit, and `bleu4` tells how far the score moves with each of them while not one word of the reports
changes. Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from . import metrics, reports

_STOP = re.compile(r"(?<!\d)\.|\.(?!\d)")  # the point of "1.9" is none


@dataclass(frozen=True)
class Treatment:
    """How a text becomes words, for references and generated reports alike.

    Attributes:
        xxxx: the marks of the anonymisation: ``"rules"`` cleans as :func:`mrg_helpers.reports.clean` does, ``"stay"`` leaves the
            text as it was distributed, ``"cut"`` takes out the four letters and nothing else.
        lower: lower-case everything.
        stops: a full stop is a word.
        numbers: False takes out every word with a digit.
        min_count: words that stand less often in the training texts become ``<unk>``; 0 changes nothing.
        longest: cut after so many words; 0 does not cut.
    """

    xxxx: str = "rules"
    lower: bool = True
    stops: bool = False
    numbers: bool = True
    min_count: int = 0
    longest: int = 0

    def __post_init__(self):
        if self.xxxx not in ("rules", "stay", "cut"):
            raise ValueError(f'xxxx is {self.xxxx!r}; it can be "rules", "stay" or "cut"')

    def words(self, text: str, counts: Mapping[str, int] | None = None) -> list[str]:
        """The words of a text as it was distributed.

        Args:
            counts: word -> how often it stands in the training texts, treated alike; needed for ``min_count`` only.
        """
        text = reports.clean(text) if self.xxxx == "rules" else text.replace("XXXX", "") if self.xxxx == "cut" else text
        if self.stops:
            text = _STOP.sub(" fullstop ", text)
        words = metrics.split_words(text) if self.lower else metrics.WORD.findall(text)
        if not self.numbers:
            words = [word for word in words if not any(letter.isdigit() for letter in word)]
        if self.min_count:
            words = [word if (counts or {}).get(word, 0) >= self.min_count else "<unk>" for word in words]
        return words[: self.longest or None]


TREATMENTS = {
    "as in this notebook": Treatment(),
    "as distributed, with XXXX": Treatment(xxxx="stay"),
    "only the letters XXXX cut out": Treatment(xxxx="cut"),
    "capitals count": Treatment(lower=False),
    "full stops count as words": Treatment(stops=True),
    "numbers taken out": Treatment(numbers=False),
    "rarer than 10 times: <unk>": Treatment(min_count=10),
    "rarer than 100 times: <unk>": Treatment(min_count=100),
    "cut after 60 words": Treatment(longest=60),
    "cut after 20 words": Treatment(longest=20),
    "stops, <unk> below 100, cut after 60": Treatment(stops=True, min_count=100, longest=60),
}


def raw_texts(table: pd.DataFrame, target: str) -> list[str]:
    """The target text of each study as it was distributed, before any cleaning; ``""`` where :func:`target_text` has none."""
    rows = table.to_dict("records")
    sections = reports.TARGETS[:2] if target == "report" else (target,)
    joined = [" ".join(part for section in sections if (part := row[section])) for row in rows]
    return [text if reports.target_text(row, target) else "" for row, text in zip(rows, joined, strict=True)]


def bleu4(
    systems: Mapping[str, Sequence[str]],
    references: Sequence[str],
    training: Sequence[str],
    treatments: Mapping[str, Treatment] = TREATMENTS,
) -> pd.DataFrame:
    """BLEU-4 of each system under each treatment.

    Args:
        systems: name -> one report a study; they stay the same throughout.
        references: the true texts as distributed (see :func:`raw_texts`); a study without one is left out.
        training: the training texts as distributed, in which words are counted.

    Returns:
        One row a treatment, one column a system.

    Raises:
        ValueError: if no study has a reference, or a system has another number of reports.
    """
    known = [k for k, reference in enumerate(references) if reference]
    if not known:
        raise ValueError("no study has a reference report, so there is nothing to compare with")
    rows = {}
    for name, treatment in treatments.items():
        counting = replace(treatment, min_count=0, longest=0)
        counts = Counter(word for text in (training if treatment.min_count else ()) for word in counting.words(text))
        truths = [[treatment.words(references[k], counts)] for k in known]
        rows[name] = {}
        for system, texts in systems.items():
            if len(texts) != len(references):
                raise ValueError(f"{system}: {len(texts)} reports for {len(references)} studies")
            rows[name][system] = metrics.bleu(truths, [treatment.words(texts[k], counts) for k in known])[3]
    return pd.DataFrame(rows).T.rename_axis("treatment")
