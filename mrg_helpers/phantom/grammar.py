"""The report of a phantom patient: a grammar over :mod:`mrg_helpers.phantom.wordings`.

The report is made the way one is dictated. What the picture shows comes first and is always stated; the length that
this radiologist has in mind (drawn from the lengths of the Indiana University collection) is then filled with normal
and negative sentences that are true of the patient; at last everything is put into anatomical order. Sections go
missing and words turn into XXXX as often as in the collection. Explained in
``notebooks/01_explore_reports_and_images.ipynb``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from . import formulas
from . import wordings as w
from .patients import Finding, Patient

# Shares of the Indiana University collection (3,851 reports).
BOTH_MISSING, FINDINGS_MISSING, IMPRESSION_MISSING = 0.0065, 0.1335, 0.0080
COMPARISON_MISSING, INDICATION_MISSING = 0.30, 0.02
XXXX_IN_FINDINGS, XXXX_IN_IMPRESSION = 0.427, 0.169

HABIT = 1.7  # exponent of Zipf's law in the choice of a wording

ORDER = {name: place for place, names in formulas.PLACE_IN_REPORT.items() for name in names}
IMPORTANT = {"cardiomegaly", "pleural effusion", "pneumothorax", "nodule", "airspace opacity", "atelectasis"}
ADVERBS = {"mild": "mildly", "moderate": "moderately", "severe": "severely"}


@dataclass(frozen=True)
class Report:
    """The four sections ("" where one is missing) and the tags in the MeSH notation of the collection."""

    indication: str
    comparison: str
    findings: str
    impression: str
    tags: tuple[str, ...]


def write_report(patient: Patient, rng: np.random.Generator) -> Report:
    """The report of ``patient``. The same patient and the same state of ``rng`` give the same report.

    Every finding of the patient is asserted in the findings section, with its side, place and degree, unless that
    section is missing; then the impression asserts them all. Nothing else is asserted.

    >>> write_report(sample_patient(seed=0, index=7), np.random.default_rng(7)).tags
    ('Scoliosis/thoracic vertebrae/right/mild',)
    """
    luck = rng.random()
    no_findings = luck < FINDINGS_MISSING
    no_impression = luck < BOTH_MISSING or luck > 1 - (IMPRESSION_MISSING - BOTH_MISSING)
    findings = "" if no_findings else _anonymise(_findings(patient, rng), XXXX_IN_FINDINGS, rng)
    impression = "" if no_impression else _anonymise(_impression(patient, rng, no_findings), XXXX_IN_IMPRESSION, rng)
    return Report(
        indication="" if rng.random() < INDICATION_MISSING else _indication(patient, rng),
        comparison="" if rng.random() < COMPARISON_MISSING else _expand(_pick(formulas.COMPARISONS, rng), rng),
        findings=findings,
        impression=impression,
        tags=tags(patient),
    )


def tags(patient: Patient) -> tuple[str, ...]:
    """The tags of the patient, such as ``("Cardiomegaly/mild", "Pleural Effusion/left/small")``, or ``("normal",)``."""
    return tuple(_tag(finding) for finding in patient.findings) or ("normal",)


def _tag(finding: Finding) -> str:
    place = f"{finding.place} lobe" if finding.place in ("upper", "middle", "lower") else finding.place
    if finding.name in ("pleural effusion", "pneumothorax"):  # one side of the chest says it all
        place = ""
    elif finding.place == "middle" and finding.side == "left":
        place = "lingula"
    name = w.MESH.get(finding.name, finding.name.title() if " " in finding.name else finding.name.capitalize())
    side = "" if place == "lingula" else finding.side
    return "/".join(part for part in (name, place, side, finding.degree) if part)


def _findings(patient: Patient, rng: np.random.Generator) -> str:
    """The findings section: what is there, then what is not, in anatomical order."""
    present = {finding.name for finding in patient.findings}
    said = [(ORDER[finding.name], _statement(finding, rng)) for finding in patient.findings]
    wanted = float(np.clip(rng.lognormal(3.22, 0.5), 10, 160))  # words
    for place, text in _normal_sentences(present, rng):
        words = sum(len(sentence.split()) for _, sentence in said)
        if words + len(text.split()) / 2 < wanted:
            said.append((place, text))
    style = rng.random()
    if style < 0.06:  # some put the abnormal first, some the devices
        return " ".join(text for _, text in said)
    if style < 0.1:
        said = [(-1 if place == formulas.DEVICES else place, text) for place, text in said]
    return " ".join(text for _, text in sorted(said, key=lambda item: item[0]))


def _statement(finding: Finding, rng: np.random.Generator) -> str:
    """One sentence (or two) that asserts the finding, at times with what it may mean."""
    text = _word(finding, w.STATEMENTS, rng)
    if finding.name in w.DIFFERENTIALS and rng.random() < 0.3:
        text += _expand(_pick(w.DIFFERENTIALS[finding.name], rng), rng)
    return _sentence(text)


def _normal_sentences(present: set[str], rng: np.random.Generator) -> Iterable[tuple[int, str]]:
    """Sentences that are true of someone with these findings and no others, the usual ones first; no topic twice."""
    candidates = [
        (place, topic, texts) for place, topic, absent, texts in formulas.NORMALS if not present & set(absent)
    ]
    usual = {
        "heart": 0.0,
        "clear": 0.4,
        "denial 1": 0.6,
        "bones": 1.0,
        "mediastinum": 1.3,
        "vessels": 1.6,
        "denial 2": 1.9,
    }
    candidates += [(formulas.PLEURA, f"denial {i}", None) for i in (1, 2)]
    # Mostly the same topics come first, as in a template that everybody has in mind.
    ranks = [usual.get(topic, 2 + place / 4) + 0.5 * rng.random() ** 2 for place, topic, _ in candidates]
    candidates = [candidates[i] for i in np.argsort(ranks)]
    deniable = [_pick(texts, rng) for absent, texts in formulas.DENIABLE if not present & set(absent)]
    deniable = [deniable[i] for i in np.argsort(np.arange(len(deniable)) + 4 * rng.random(len(deniable)))]
    told: set[str] = set()
    for place, topic, texts in candidates:
        if topic in told:
            continue
        told.add(topic)
        if texts is not None:
            yield place, _sentence(_expand(_pick(texts, rng), rng))
        elif deniable:
            count = 1 + int(rng.integers(3))
            named, deniable = deniable[:count], deniable[count:]
            text = _expand(_pick(formulas.DENIALS, rng), rng).replace("$list", _series(named))
            yield place, _sentence(text.replace("$BE", _be(named[0])).replace("$be", _be(named[-1])))


def _impression(patient: Patient, rng: np.random.Generator, everything: bool) -> str:
    """The conclusion: the findings that matter, or all of them where no findings section says them, or none."""
    said = [f for f in patient.findings if everything or f.name in IMPORTANT or rng.random() < 0.35]
    said = sorted(said, key=lambda f: (f.name not in IMPORTANT, rng.random()))
    items = []
    for finding in said:
        text = _word(finding, w.CONCLUSIONS, rng)
        if finding.name in w.DIFFERENTIALS and rng.random() < 0.33:
            text += _expand(_pick(w.DIFFERENTIALS[finding.name], rng), rng)
        items.append(_sentence(text))
    if not items:
        kinds = (
            formulas.NORMAL_IMPRESSIONS if patient.normal else formulas.NORMAL_IMPRESSIONS[:2]
        )  # the rest says "normal"
        weights = np.array([weight for weight, _ in kinds], float)
        chosen = kinds[rng.choice(len(kinds), p=weights / weights.sum())][1]
        items.append(_sentence(_expand(_pick(chosen, rng), rng)))
    elif not {f.name for f in said} & IMPORTANT or rng.random() < 0.25:
        items.append(_sentence(_expand(_pick(formulas.NO_OTHER, rng), rng)))
    if everything:
        present = {finding.name for finding in patient.findings}
        wanted = int(rng.integers(1, 8))
        items += [text for _, (_, text) in zip(range(wanted), _normal_sentences(present, rng), strict=False)]
    if rng.random() < 0.06:
        items.append(_sentence(_expand(_pick(formulas.ADVICE, rng), rng)))
    if (len(items) > 1 and rng.random() < 0.42) or rng.random() < 0.03:
        items = [f"{number}. {item}" for number, item in enumerate(items, 1)]
    return " ".join(items)


def _indication(patient: Patient, rng: np.random.Generator) -> str:
    sex = _pick(("female", "woman") if patient.sex == "F" else ("male", "man"), rng)
    reason, other = (formulas.REASONS[i] for i in rng.permutation(len(formulas.REASONS))[:2])
    text = _expand(_pick(formulas.INDICATIONS, rng), rng).replace("$sex", sex).replace("$other", other)
    return text.replace("$reason", reason).replace("$Reason", reason[0].upper() + reason[1:])


def _word(finding: Finding, table: dict[str, Sequence[str]], rng: np.random.Generator) -> str:
    """One wording of the finding, filled in with its side, place, degree and size."""
    plural = finding.name + "*"
    name = plural if finding.side == "bilateral" and plural in w.STATEMENTS else finding.name
    wordings = table.get(name) or w.STATEMENTS[name]
    needs = {"$DEG": finding.degree, "$size": finding.size_cm, "$where": finding.side, "$side": finding.side}
    missing = [slot for slot, value in needs.items() if not value]
    while True:
        text = _expand(_pick(wordings, rng), rng)
        if not any(slot in text for slot in missing):
            break
    curves = {"left": "levoscoliosis", "right": "dextroscoliosis"}
    slots = {
        "degly": ADVERBS.get(finding.degree, finding.degree),
        "deg": finding.degree,
        "DEG": finding.degree,
        "side": finding.side,
        "adj": _adjective(finding),
        "where": _where(finding),
        "curve": curves.get(finding.side, "scoliosis"),
        "size": f"{finding.size_cm:.1f} cm",
    }
    return re.sub(r"\$([a-zA-Z]+)", lambda slot: slots[slot[1]], text)


def _where(finding: Finding) -> str:
    """The place as a noun: "right upper lobe", "lung bases"."""
    side, place = finding.side, finding.place
    if side == "bilateral":
        return (
            {"apex": "lung apices", "base": "lung bases", "middle": "mid lungs", "": "both lungs"}.get(
                place, f"bilateral {place} lobes"
            )
            .replace("lung ", "bilateral lung ")
            .replace("mid ", "bilateral mid ")
        )
    if place == "middle" and side == "left":
        return "left mid lung"
    noun = {"apex": "lung apex", "base": "lung base", "": "lung"}.get(place, f"{place} lobe")
    return f"{side} {noun}".strip()


def _adjective(finding: Finding) -> str:
    """The place before a noun: "right upper lobe", "bibasilar"."""
    side, place = finding.side, finding.place
    if side == "bilateral" and place in ("base", "apex"):
        return {"base": "bibasilar", "apex": "biapical"}[place]
    if place == "middle" and side != "right":
        return f"{side} midlung"
    noun = {"apex": "apical", "base": "basilar", "": ""}.get(place, f"{place} lobe")
    return f"{side} {noun}".strip()


def _anonymise(text: str, share: float, rng: np.random.Generator) -> str:
    """``text`` with one to three harmless words eaten, in this ``share`` of the texts."""
    if rng.random() >= share:
        return text
    places = list(re.finditer(rf"(?<![\w-])(?:{'|'.join(formulas.EATEN)})(?![\w-])|(?<=x-)ray", text, re.IGNORECASE))
    if not places:
        return text + _pick((" Comparison XXXX, XXXX.", " No XXXX change.", " The XXXX are intact."), rng)
    count = min(len(places), 1 + int(rng.integers(3)))
    for i in sorted(rng.permutation(len(places))[:count], reverse=True):
        text = text[: places[i].start()] + "XXXX" + text[places[i].end() :]
    return text


def _expand(text: str, rng: np.random.Generator) -> str:
    """Every ``{a|b|}`` replaced by one of its choices, the innermost first."""
    while "{" in text:
        text = re.sub(r"\{([^{}]*)\}", lambda choice: _pick(choice[1].split("|"), rng), text)
    return text


def _sentence(text: str) -> str:
    """Single blanks, "a" or "an" as the next word wants it, a capital after each full stop, a full stop at the end."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([.,])", r"\1", text)
    text = re.sub(r"\b([Aa])n? (?=([aeiou]?))", lambda m: f"{m[1]}{'n' if m[2] else ''} ", text)
    return re.sub(r"(^|\. )([a-z])", lambda m: m[1] + m[2].upper(), text) + "."


def _be(noun: str) -> str:
    return "are" if noun.endswith(("ons", "ces", "sses")) else "is"


def _series(items: Sequence[str]) -> str:
    """["a", "b", "c"] -> "a, b, or c"."""
    return " or ".join(items) if len(items) < 3 else f"{', '.join(items[:-1])}, or {items[-1]}"


def _pick(items: Sequence, rng: np.random.Generator):
    """One of the items, the first ones the most often (Zipf's law): radiologists repeat their stock phrases."""
    weights = np.arange(1, len(items) + 1) ** -HABIT
    return items[int(np.searchsorted(np.cumsum(weights / weights.sum()), rng.random()))]
