"""Which findings a report asserts, denies or leaves in doubt, by rules that can be read.

Four steps, in the spirit of NegEx (Chapman et al. 2001) and of the CheXpert labeller (Irvin et al. 2019): look up the
wordings of each finding (``FINDINGS``), cut the sentence into clauses, look in the clause for words of denial and of
doubt that reach the finding, and let the strongest mention decide: asserted, then uncertain, then denied. The names are
those of CheXpert and of the phantom, and frequent tags of the Indiana University collection, in lower case. Works on a
raw report, a cleaned one, and one that was cut into lower-case words. Explained in
``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["asserted", "uncertain", "denied"]
PRECEDENCE: tuple[Status, ...] = ("asserted", "uncertain", "denied")


def _few(n: int) -> str:
    """Up to ``n`` words between two that belong together."""
    return rf"(?:[\w,/-]+ ){{0,{n}}}?"


_HEART = (
    r"(?:heart(?: size| shadow)?|cardiac(?: silhouette| shadow| size| contours?)?|cardio-?\s?mediastinal silhouette)"
)
_TO_LARGE = r"(?:(?!normal|with|limits|lungs?)[\w,/-]+ ){0,6}?(?:enlarged|enlargement|large|widened|borderline)"
_AIR = r"(?:air-?\s?space|alveolar|patchy|hazy|confluent|ill-defined|focal)"
_BENT = r"(?:tort[ur]o?us|torturous|tortuosity|unfold\w+|ectatic|ectasia|elongated)"
_GRANULOMA = r"(?:granulomas?|granulomata)"
_SMALL = r"(?:low(?:er)?|decreased|reduced|diminished|small|shallow)"

# name -> wordings. Where two overlap, the longer one counts: a "calcified nodule" is no nodule.
FINDINGS: dict[str, tuple[str, ...]] = {
    "cardiomegaly": ("cardiomegaly", "cardiac enlargement", rf"{_HEART} {_TO_LARGE}",
        rf"(?:enlarged|enlargement of|borderline) {_few(4)}(?:heart|cardiac)"),
    "enlarged cardiomediastinum": (rf"mediastin\w+ {_few(3)}(?:widen\w+|enlarged|prominent)",
        rf"(?:widen\w+|enlarged|prominent) {_few(2)}mediastin\w+"),
    "tortuous aorta": (rf"{_BENT} {_few(4)}aort(?:a|ic)", rf"aort(?:a|ic) {_few(6)}{_BENT}"),
    "hiatal hernia": ("(?:hiatal|hiatus|diaphragmatic|paraesophageal) hernias?",),
    "hyperinflation": (r"hyper-?\s?(?:inflat|expan|aerat|disten)\w+",),
    "low lung volumes": (rf"{_SMALL} {_few(2)}volumes?(?! of| pleural)", rf"volumes? (?!.{{0,15}}normal){_few(3)}{_SMALL}",
        r"(?:hypo-?|under)(?:inflat|expan|aerat|ventil)\w+", r"(?:poor|low|suboptimal|shallow) inspirat\w+"),
    "nodule": ("nodules?",),
    "lung lesion": (r"nodular (?:opacit\w+|densit\w+|lesions?)", "mass(?:es)?", "lesions?", "neoplasms?", "tumors?",
        "malignancy", "carcinoma"),
    "calcified granuloma": (rf"calcified {_few(5)}(?:{_GRANULOMA}|nodules?)", rf"{_GRANULOMA} {_few(3)}calcified"),
    "granuloma": (_GRANULOMA,),
    "granulomatous disease": (r"granulomatous (?:disease|process|infection|change\w*|calcification\w*)", "histoplasmosis"),
    "airspace opacity": (rf"{_AIR} {_few(2)}(?:opacit\w+|opacification|disease|process|densit\w+)", r"infiltrat\w+"),
    "consolidation": (r"consolidat\w+",),
    "lung opacity": (r"opacit\w+", "opacification"),
    "pneumonia": ("(?:broncho)?pneumonias?", "infectious process", "pulmonary infection"),
    "atelectasis": (r"atelecta\w+",),
    "edema": ("edema",),
    "vascular congestion": (r"(?:vascular|venous|pulmonary) (?:\w+ )?(?:congestion|engorgement)", "heart failure"),
    "pleural effusion": ("(?:pleural )?(?<!pericardial )(?<!joint )effusions?", "pleural fluid", "hydropneumothorax"),
    "pneumothorax": (r"(?:hydro|hemo)?pneumo-?\s?thora(?:x|ces)\w*", "pleural air(?: collections?)?"),
    "pleural other": (r"pleural (?:\w+ )?(?:thickening|scarring|plaques?|calcifications?)", "fibrothorax"),
    "emphysema": (r"(?<!subcutaneous )emphysema\w*", "copd", r"chronic obstructive \w+(?: disease)?"),
    "scarring": ("scar(?:ring|s)?", r"cicatri\w+", "fibros[ie]s"),
    "elevated diaphragm": (rf"(?:elevat\w+|eventration) {_few(4)}(?:hemi)?diaphragms?",
        rf"(?:hemi)?diaphragms? {_few(3)}(?:elevat\w+|eventration)"),
    "atherosclerosis": (r"atheroscler\w+", rf"calcifi\w+ {_few(4)}aort\w+", rf"aort\w+ {_few(3)}calcifi\w+"),
    "degenerative change": (r"degenerative (?:\w+ )?(?:changes?|disease|disc|spurring)", "spondylosis", r"osteophyt\w+",
        "arthritic changes?"),
    "scoliosis": (r"(?:dextro|levo)?-?scolio\w+(?: curvature)?", "(?:dextro|levo)curvature",
        r"curvature of (?:the )?(?:\w+ ){0,2}?spine", "(?:right|left)ward curvature"),
    "fracture": (r"fractur\w+",),
    "pacemaker": (r"(?:(?:cardiac )?pace-?\s?makers?|aicd|icd|defibrillator)(?: generator| device| leads?)*",),
    "central line": ("central (?:venous )?(?:catheters?|lines?)", "picc(?: line| catheter)?", r"port-?a-?cath\w*",
        "(?:venous|(?:hemo)?dialysis|jugular|subclavian|ij|pic|indwelling|port) catheters?", "mediport", "catheter tip"),
    "sternotomy wires": ("sternotomy(?: (?:wires?|sutures?))?", "sternal (?:wires?|sutures?)"),
    "support devices": ("(?:endotracheal|tracheostomy|nasogastric|enteric|feeding|chest) tubes?", "stents?", r"prosthe\w+"),
}  # fmt: skip

# What is a case of something more general. Only what is asserted or doubted is passed on: "no nodule" denies no lesion.
PART_OF: dict[str, tuple[str, ...]] = {
    "nodule": ("lung lesion",),
    "airspace opacity": ("lung opacity",),
    "consolidation": ("airspace opacity", "lung opacity"),
    "pacemaker": ("support devices",),
    "central line": ("support devices",),
    "sternotomy wires": ("support devices",),
}
DEVICES = {"support devices", *(name for name, whole in PART_OF.items() if "support devices" in whole)}

# Wordings that deny without a word of denial.
NORMAL: dict[str, tuple[str, ...]] = {
    "cardiomegaly": (r"(?:heart|cardiac|cardio-?\s?mediastinal)\b[^.;]{0,60}?\b(?:normal|unremarkable|within)\b",
        rf"normal {_few(3)}(?:heart|cardiac|cardio-?\s?mediastinal)\b"),
    "pleural effusion": (r"(?:costophrenic|pleural) (?:angles?|spaces?|sulci) (?:are|is) (?:clear|sharp|preserved)",),
    "lung opacity": (rf"lungs? {_few(4)}clear\b", r"clear (?:\w+ )?lungs\b"),
    "low lung volumes": (r"normal lung volumes\b", r"lungs are (?:normally|well) (?:inflated|expanded|aerated)"),
}  # fmt: skip

# Cues before a finding reach it from anywhere in its clause; cues after it, only within its phrase.
_NO_CHANGE = r"\b(?:no|not|without)(?: \w+){0,2}? (?:chang\w+|increase|decrease|improvement)\b|\bnot only\b"
_DENIAL = r"""\b(?:no\ longer|no|not(?!\ exclude)|without|absence\ of|absent|free\ of|clear\ of|negative\ for|neither|nor|lack\ of
    |rather\ than|(?<!near-complete\ )resolution\ of|(?<!has\ )(?<!have\ )resolved|removal\ of|excludes|denies)\b"""
_DOUBT = r"""\b(?:may|might|could|possib\w+|probab\w+|likely|perhaps|presum\w+|potential\w*|suspicious\ for|suspect\w*
    |suspicion|(?<!to\ )suggest\w+|concern\w*\ (?:for|of)|worrisome\ for|question\w*|equivocal|versus|vs|rule\ out
    |(?:can\ ?)?not\ (?:\w+\ )?exclude|difficult\ to\ exclude|evaluate\ for|differential|correlate\ for)\b"""
_DENIED_AFTER = r"""\b(?:(?:not|no\ longer)\ (?:\w+\ ){0,2}?(?:seen|identified|present|evident|visuali[sz]ed|appreciated|noted
    |demonstrated|observed|apparent|visible|enlarged|xxxx)|(?:has|have)\ (?:been\ )?(?:resolved|removed|cleared)
    |(?:is|are)\ absent|(?:is|are|been)\ (?:excluded|removed))\b"""
_DOUBTED_AFTER = r"""\b(?:(?:can\ ?not|could\ not|not|difficult\ to|hard\ to)(?:\ be)?(?:\ \w+)??\ exclude\w*|suspected
    |(?:is|are)\ (?:\w+\ )?(?:possible|questioned|considered|unlikely|likely)|could\ have|versus|vs)\b"""
_CUES = {
    name: re.compile(cue, re.VERBOSE)
    for name, cue in {
        "no change": _NO_CHANGE.replace(" ", r"\ "),
        "denial": _DENIAL,
        "doubt": _DOUBT,
        "denied after": _DENIED_AFTER,
        "doubted after": _DOUBTED_AFTER,
    }.items()
}
_STOP = re.compile(r"\.(?!\d)|[!?\n;]")
_TURN = re.compile(  # the speaker turns to something else
    r"\b(?:but|however|although|though|except|apart from|aside from|other than|otherwise|which|there (?:is|are)"
    r"|(?<!consistent )(?<!compatible )(?<!keeping )(?<!associated )with)\b"
)
_SIDES = re.compile(
    r"(?P<bilateral>\b(?:bilateral\w*|both|bibasilar|bibasal|biapical|(?:right|left) and (?:the )?(?:left|right))\b)"
    r"|(?P<left>\bleft|\blingula|levo)|(?P<right>\bright|dextro)"
)
_DEGREES = {word: degree for degree, words in {
    "borderline": "borderline", "mild": "mild mildly minimal minimally slight slightly", "moderate": "moderate moderately",
    "severe": "severe severely marked markedly", "small": "small tiny trace", "large": "large massive",
}.items() for word in words.split()}  # fmt: skip
_DEGREE = re.compile(rf"\b(?:{'|'.join(_DEGREES)})\b")
_UNSIDED = {"cardiomegaly", "enlarged cardiomediastinum", "tortuous aorta", "hiatal hernia", "hyperinflation", "edema",
            "low lung volumes", "sternotomy wires", "degenerative change", "vascular congestion", "emphysema"}  # fmt: skip


@dataclass(frozen=True)
class Mention:
    """A place in a text that names a finding: ``text[start:end]``; ``side`` and ``degree`` are "" where none is given."""

    name: str
    status: Status
    start: int
    end: int
    side: str = ""
    degree: str = ""


def _compile(table: dict[str, tuple[str, ...]]) -> dict[str, re.Pattern]:
    return {name: re.compile(rf"\b(?:{'|'.join(wordings)})\b") for name, wordings in table.items()}


_WORDINGS, _NORMAL = _compile(FINDINGS), _compile(NORMAL)


def label(text: str) -> dict[str, Status]:
    """What ``text`` says about each finding that it mentions; what it does not mention is absent from the result.

    "no finding" is asserted when nothing but devices is asserted or in doubt.

    >>> label("Small left pleural effusion. No pneumothorax.")
    {'pleural effusion': 'asserted', 'pneumothorax': 'denied'}
    """
    labels: dict[str, Status] = {}
    for mention in mentions(text):
        known = labels.get(mention.name, "denied")
        labels[mention.name] = min(known, mention.status, key=PRECEDENCE.index)
    abnormal = {name for name, status in labels.items() if status != "denied"}
    if text.strip() and abnormal <= DEVICES:
        labels["no finding"] = "asserted"
    return labels


def asserted(text: str) -> set[str]:
    """The findings that ``text`` asserts."""
    return {name for name, status in label(text).items() if status == "asserted"}


def mentions(text: str) -> list[Mention]:
    """Every mention of a finding in ``text``, in reading order.

    A mention of something special is one of the general thing too, with the same span ("nodule" and "lung lesion").

    >>> mentions("A small nodule in the left lung.")[0]
    Mention(name='nodule', status='asserted', start=8, end=14, side='left', degree='small')
    """
    text = text.lower()
    clauses = _clauses(text)
    starts = [start for start, _ in clauses]
    found = []
    for start, end, name in _named(text):
        here, stop = clauses[bisect(starts, start) - 1]
        clause, span = text[here:stop], (start - here, end - here)
        status = _status(clause, *span)
        side = "" if name in _UNSIDED else _side(clause, *span)
        names = (name, *PART_OF.get(name, ())) if status != "denied" else (name,)
        found += [Mention(each, status, start, end, side, _degree(clause, *span)) for each in names]
    for name, pattern in _NORMAL.items():
        found += [Mention(name, "denied", *match.span()) for match in pattern.finditer(text)]
    return sorted(found, key=lambda mention: (mention.start, mention.end))


def _named(text: str) -> list[tuple[int, int, str]]:
    """Spans that name a finding, the longest first; a span that overlaps a longer one is dropped."""
    spans = [(*match.span(), name) for name, pattern in _WORDINGS.items() for match in pattern.finditer(text)]
    kept: list[tuple[int, int, str]] = []
    for start, end, name in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if all(end <= a or b <= start or (a, b) == (start, end) for a, b, _ in kept):
            kept.append((start, end, name))
    return sorted(kept)


def _clauses(text: str) -> list[tuple[int, int]]:
    """Cut at the ends of sentences and before the words after which a speaker turns to something else."""
    cuts = {0, len(text)}
    cuts.update(match.end() for match in _STOP.finditer(text))
    cuts.update(match.start() for match in _TURN.finditer(text))
    edges = sorted(cuts)
    return list(zip(edges, edges[1:], strict=False))


def _status(clause: str, start: int, end: int) -> Status:
    """Whether the words of the clause deny or doubt what ``clause[start:end]`` names."""
    clause = _CUES["no change"].sub(lambda match: "_" * len(match[0]), clause)  # "no change in" denies nothing
    denial = max((match.start() for match in _CUES["denial"].finditer(clause, 0, end)), default=-1)
    doubt = max(
        (m.end() for m in _CUES["doubt"].finditer(clause, 0, start) if _reaches(clause, m.end(), start)), default=-1
    )
    if denial >= 0 and not (doubt > denial and "," in clause[denial:doubt]):  # "no opacity suspicious for" denies
        return "denied"
    if doubt >= 0:
        return "uncertain"
    for cue, status in (("doubted after", "uncertain"), ("denied after", "denied")):
        match = _CUES[cue].search(clause, end)
        if match and _one_phrase(clause[end : match.start()]):
            return status
    return "asserted"


def _reaches(clause: str, cue: int, start: int) -> bool:
    """Doubt goes on to the next comma, or through a list: "may be scarring, atelectasis, or pneumonia"."""
    comma = clause.find(",", cue, start)
    return comma < 0 or bool(re.search(r"\b(?:or|versus|vs)\b", clause[comma:]))


def _one_phrase(between: str) -> bool:
    """A cue that comes later goes back to the last comma, or through a list: "a, b, or c are not seen"."""
    before, comma, last = between.rpartition(",")
    return not comma or bool(re.match(r"\s*(?:or|nor|and)\b", last))


def _side(clause: str, start: int, end: int) -> str:
    """The side that is named nearest to the finding."""
    near = min(_SIDES.finditer(clause), key=lambda match: _distance(match, start, end), default=None)
    return "" if near is None else near.lastgroup


def _degree(clause: str, start: int, end: int) -> str:
    """The degree that stands inside the wording, up to five words before it, or after it as in ", small in size"."""
    before = [
        m for m in _DEGREE.finditer(clause, 0, end) if re.fullmatch(r"\s*(?:[^\s,]+\s+){0,5}", clause[m.end() : start])
    ]
    after = [match for match in _DEGREE.finditer(clause, end) if clause.startswith((" in ", " on "), match.end())]
    near = min(before or after, key=lambda match: _distance(match, start, end), default=None)
    return "" if near is None else _DEGREES[near[0]]


def _distance(match: re.Match, start: int, end: int) -> int:
    return max(0, start - match.end(), match.start() - end)


def clinical_scores(truth: Sequence[set[str]], predicted: Sequence[set[str]], names: Sequence[str]) -> pd.DataFrame:
    """Precision, recall and F1 of each finding over many reports.

    Args:
        truth: for each report, the findings that are there.
        predicted: for each report, the findings that are asserted, in the same order.
        names: the findings to score.

    Returns:
        One row per finding: ``cases`` (there), ``named`` (asserted), ``hits`` (both), ``precision``, ``recall``, ``F1``;
        a ratio without a denominator is NaN.
    """
    import pandas as pd

    pairs = list(zip(truth, predicted, strict=True))
    rows = [
        (
            sum(name in t for t in truth),
            sum(name in p for p in predicted),
            sum(name in t and name in p for t, p in pairs),
        )
        for name in names
    ]
    table = pd.DataFrame(rows, index=pd.Index(names, name="finding"), columns=["cases", "named", "hits"])
    table["precision"] = table.hits / table.named
    table["recall"] = table.hits / table.cases
    table["F1"] = 2 * table.hits / (table.cases + table.named)
    return table


def averages(scores: pd.DataFrame, min_cases: int = 1) -> dict[str, float]:
    """Macro and micro F1 of a table of :func:`clinical_scores`, over the findings with at least ``min_cases`` cases."""
    common = scores[scores.cases >= min_cases]
    total = common[["cases", "named", "hits"]].sum()
    return {"macro F1": float(common.F1.mean()), "micro F1": float(2 * total.hits / (total.cases + total.named))}
