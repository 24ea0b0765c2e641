"""How well the labeller reads: its labels against the tags that people gave the Indiana University reports.

Two trained indexers gave each report its MeSH tags (Demner-Fushman et al. 2016). They read the text, not the image, so the
tags measure exactly what ``findings.label`` does: reading. They are no last word either. A tag can be missing; indexers
tagged what a report only suspects as well as what it asserts; and where the anonymisation put XXXX, they had seen the
word that we have not. `disagreements` shows every case with its text, for the reader to decide who is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from . import findings
from .finding_rules import PART_OF
from .reports import target_text

if TYPE_CHECKING:
    import pandas as pd

# finding -> the tags that say it, as patterns from the start of a tag. A tag reads "Opacity/lung/base/left/streaky": what,
# where, which. What `finding_rules.PART_OF` calls a case of something general counts as the general thing too.
TAGS: dict[str, str] = {
    "cardiomegaly": r"Cardiomegaly|Cardiac Shadow/.*enlarged",
    "enlarged cardiomediastinum": r"Mediastinum/(?!lymph).*(?:enlarged|prominent)",
    "tortuous aorta": r"Aorta(?:, Thoracic)?/.*tortuous",
    "atherosclerosis": r"Atherosclerosis|Calcinosis/.*(?:aorta|blood vessels)",
    "hiatal hernia": r"Hernia, Hiatal",
    "hyperinflation": r"Lung/.*hyperdistention",
    "low lung volumes": r"Lung/.*hypoinflation",
    "nodule": r"Nodule",
    "lung lesion": r"Mass|(?:Opacity|Density)/.*round",  # the texts say "nodular opacity"
    "calcified granuloma": r"Calcified Granuloma",
    "granuloma": r"Granuloma(?!tous)",
    "granulomatous disease": r"Granulomatous Disease|Histoplasmosis",
    "airspace opacity": r"Airspace Disease|Infiltrate",  # "patchy opacity" is airspace opacity to us, Opacity to them
    "consolidation": r"Consolidation",
    "lung opacity": r"Opacity|Density",
    "pneumonia": r"Pneumonia",
    "atelectasis": r"Pulmonary Atelectasis",
    "edema": r"Pulmonary Edema",
    "vascular congestion": r"Pulmonary Congestion|Heart Failure",
    "pleural effusion": r"Pleural Effusion|Hydropneumothorax",
    "pneumothorax": r"Pneumothorax|Hydropneumothorax",
    "pleural other": r"(?:Thickening|Calcinosis|Cicatrix)/.*pleura",
    "emphysema": r"(?:Pulmonary |Bullous )?Emphysema|Pulmonary Disease, Chronic Obstructive",
    "scarring": r"Cicatrix|(?:Pulmonary )?Fibrosis",
    "elevated diaphragm": r"Diaphragm/.*elevated|Diaphragmatic Eventration",
    "degenerative change": r"(?:.*Vertebrae|Spine|Shoulder)/.*degenerative|Spondylosis|Osteophyte|Arthritis",
    "scoliosis": r"Scoliosis",
    "fracture": r"Fractures, Bone",
    "central line": r"Catheters, Indwelling",
    "support devices": r"(?:Implanted )?Medical Device|Tube, Inserted|Stents",  # no tag tells of sternotomy wires
    "no finding": r"normal",
}
NOT_TAGGED = "No Indexing"  # stands where a report was not read by the indexers
_TAGS = {name: re.compile(f"(?:{pattern})") for name, pattern in TAGS.items()}


def tagged(tags: Iterable[str]) -> set[str]:
    """The findings that the tags of one study name.

    >>> sorted(tagged(["Nodule/lung/lingula", "Cardiomegaly/mild"]))
    ['cardiomegaly', 'lung lesion', 'nodule']
    """
    named = {name for name, pattern in _TAGS.items() if any(pattern.match(tag) for tag in tags)}
    return named | {general for name in named for general in PART_OF.get(name, ())}


def agreement(table: pd.DataFrame) -> pd.DataFrame:
    """Precision, recall and F1 of the labeller for each finding, with the tags as the truth.

    Args:
        table: the studies table (see `datasets.Studies`) of a collection whose ``tags`` are MeSH headings. Studies without
            tags or text, and those that were not indexed, are left out.

    Returns:
        The columns of `findings.clinical_scores` for each finding of `TAGS`, the most frequent first: ``cases`` (tagged),
        ``named`` (asserted by the text), ``hits`` (both), ``precision``, ``recall``, ``F1``; and ``doubted``: tagged, but
        only suspected by the text, which counts as a miss here.

    Raises:
        ValueError: if no study has tags that can be compared.
    """
    studies = _comparable(table)
    truth = [tagged(tags) for tags in studies["tags"]]
    labels = [findings.label(text) for text in studies["text"]]
    said = [{name for name, status in labelled.items() if status == "asserted"} for labelled in labels]
    scores = findings.clinical_scores(truth, said, list(TAGS))
    scores["doubted"] = [
        sum(name in there and labelled.get(name) == "uncertain" for there, labelled in zip(truth, labels, strict=True))
        for name in TAGS
    ]
    return scores.sort_values("cases", ascending=False, kind="stable")


def macro_f1(scores: pd.DataFrame, most: int = 10) -> float:
    """Mean F1 over the ``most`` most frequently tagged findings of `agreement`.

    "no finding" is left out: no text asserts it, it is read from what a text does not say.
    """
    return float(scores.drop("no finding").nlargest(most, "cases")["F1"].mean())


def disagreements(table: pd.DataFrame, name: str | None = None) -> pd.DataFrame:
    """Every case in which the tags and the text differ about a finding, to be read.

    Args:
        table: as for `agreement`.
        name: one finding of `TAGS`; all of them by default.

    Returns:
        One row a case, by finding and study: ``finding``, ``study_id``, ``tag_says`` ("present" or "nothing"),
        ``text_says`` ("asserted", "uncertain", "denied", or "nothing"), ``tags`` (list), ``text`` (cleaned), and ``spans``:
        a list of ``(start, end)`` in that text where the finding is mentioned.

    Raises:
        ValueError: as `agreement`; KeyError for a name that is not in `TAGS`.
    """
    import pandas as pd

    names = list(TAGS) if name is None else [name]
    _ = [TAGS[each] for each in names]  # an unknown name must not read as perfect agreement
    rows = []
    for study in _comparable(table).itertuples():
        there, labelled = tagged(study.tags), findings.label(study.text)
        differing = [each for each in names if (each in there) != (labelled.get(each) == "asserted")]
        mentions = findings.mentions(study.text) if differing else []
        for each in differing:
            spans = [(mention.start, mention.end) for mention in mentions if mention.name == each]
            says = ("present" if each in there else "nothing", labelled.get(each, "nothing"))
            rows.append((each, study.study_id, *says, study.tags, study.text, spans))
    columns = ["finding", "study_id", "tag_says", "text_says", "tags", "text", "spans"]
    return pd.DataFrame(rows, columns=columns).sort_values("finding", kind="stable", ignore_index=True)


def _comparable(table: pd.DataFrame) -> pd.DataFrame:
    """The studies that people have tagged, with their findings and impression as one clean ``text``."""
    studies = table[table["tags"].map(lambda tags: bool(tags) and NOT_TAGGED not in tags)]
    studies = studies.assign(text=[target_text(row, "report") for row in studies.to_dict("records")])
    studies = studies[studies["text"] != ""]
    if not any(tagged(tags) for tags in studies["tags"]):
        raise ValueError(
            "no study has both text and tags of the kinds in agreement.TAGS, so there is nothing to compare"
        )
    return studies
