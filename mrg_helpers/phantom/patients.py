"""Who the patient is and what is wrong: everything about a phantom patient that is known before the X-ray is taken.

A patient is drawn from two numbers, the seed of the collection and the index of the patient, so each patient is the
same however many others are drawn and by however many processes. "left" is always the patient's left, which is the
viewer's right in a frontal image. Explained in ``notebooks/01_explore_reports_and_images.ipynb``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from . import anatomy, physics

NORMAL_SHARE = 0.36  # of the Indiana University collection, 35.8 % of the studies are tagged normal
COUNT_SHARES = (0.36, 0.34, 0.21, 0.09)  # of the other patients: one, two, three or four findings
VIEWS = ("frontal", "lateral")

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Kind:
    """What the field says about a finding. A word that stands twice is drawn twice as often."""

    sides: tuple[str, ...] = ("",)
    places: tuple[str, ...] = ("",)
    degrees: tuple[str, ...] = ("",)  # in growing order
    weight: float = 1.0  # how often, against the others
    size_cm: tuple[float, float] = (0.0, 0.0)  # range of the diameter, where a report gives one
    views: tuple[str, ...] = VIEWS  # in which it can be seen


EITHER, ANY_SIDE = ("left", "right"), ("left", "right", "bilateral")
THIRDS = ("upper", "middle", "lower")
SEVERITY, AMOUNT = ("mild", "moderate", "severe"), ("small", "moderate", "large")

FINDINGS: dict[str, Kind] = {
    "cardiomegaly": Kind(degrees=("borderline", *SEVERITY)),
    "pleural effusion": Kind(ANY_SIDE, ("base",), AMOUNT),
    "pneumothorax": Kind(EITHER, ("apex",), AMOUNT, weight=1.1),
    "nodule": Kind(EITHER, THIRDS, size_cm=(2.0, 3.0)),
    "calcified granuloma": Kind(EITHER, THIRDS, size_cm=(1.0, 1.6)),
    "airspace opacity": Kind(("left", "left", "right", "right", "bilateral"), THIRDS, SEVERITY),
    "atelectasis": Kind(ANY_SIDE, ("base",), ("mild", "moderate")),
    "hyperinflation": Kind(degrees=SEVERITY, weight=1.1),
    "low lung volumes": Kind(degrees=("mild", "moderate"), weight=1.1),
    "tortuous aorta": Kind(degrees=("mild", "moderate")),
    "hiatal hernia": Kind(degrees=AMOUNT),
    "scoliosis": Kind(EITHER, degrees=SEVERITY, views=("frontal",)),  # the side to which the spine is convex
    "pacemaker": Kind(("left", "left", "left", "right")),
    "central line": Kind(("right", "right", "right", "left")),
    "sternotomy wires": Kind(),
}

# How much likelier the second becomes once the first is there (and the other way round); 0 = never together.
TOGETHER: dict[tuple[str, str], float] = {
    ("hyperinflation", "low lung volumes"): 0.0,
    ("hyperinflation", "cardiomegaly"): 0.5,
    ("low lung volumes", "atelectasis"): 2.5,
    ("cardiomegaly", "pleural effusion"): 2.0,
    ("cardiomegaly", "sternotomy wires"): 2.5,
    ("pacemaker", "sternotomy wires"): 2.5,
    ("cardiomegaly", "pacemaker"): 2.0,
    ("tortuous aorta", "cardiomegaly"): 1.5,
    ("pneumothorax", "central line"): 1.5,
    ("hyperinflation", "pneumothorax"): 1.5,
}


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: ``name``, ``side``, ``place`` and ``degree`` in the field's words ("" = does not apply).

    ``amount`` (0..1) grows with the degree and is how far the anatomy is changed; ``spot`` (three numbers, 0..1) says
    where exactly inside the place; ``size_cm`` is the diameter, where a report gives one. ``boxes`` holds, for each
    view in which the finding can be seen, (left, top, right, bottom) in fractions of the image.
    """

    name: str
    side: str = ""
    place: str = ""
    degree: str = ""
    amount: float = 0.5
    spot: tuple[float, float, float] = (0.5, 0.5, 0.5)
    size_cm: float = 0.0
    boxes: dict[str, Box] = field(default_factory=dict, hash=False)

    @property
    def sides(self) -> tuple[str, ...]:
        """The lungs that are touched: ("left",), ("right",) or both."""
        return EITHER if self.side == "bilateral" else (self.side,) if self.side else ()


@dataclass(frozen=True)
class Patient:
    """A phantom patient: who it is, how it is built, how it stands, and its findings."""

    index: int
    seed: int
    sex: str  # "F" or "M"
    age: int  # years
    height: float  # 1.0 = average; scales the whole body
    build: float  # 0 = slim .. 1 = stout: soft tissue around the chest
    heart: float  # normal cardiothoracic ratio, before any cardiomegaly
    breath: float  # cm that the diaphragm lies above (+) or below (-) its usual place
    turn: float  # degrees of rotation about the long axis
    tilt: float  # degrees of leaning in the plane of the image
    findings: tuple[Finding, ...] = ()

    @property
    def normal(self) -> bool:
        return not self.findings

    def find(self, name: str) -> Finding | None:
        """The finding of that name, or None."""
        return next((finding for finding in self.findings if finding.name == name), None)

    def without(self, name: str) -> Patient:
        """The same patient, in every other detail, had this finding never been there."""
        return replace(self, findings=tuple(finding for finding in self.findings if finding.name != name))


def draw_names(rng: np.random.Generator) -> list[str]:
    """Which findings the patient has: none, or one to four that go together."""
    if rng.random() < NORMAL_SHARE:
        return []
    names: list[str] = []
    for _ in range(1 + rng.choice(len(COUNT_SHARES), p=COUNT_SHARES)):
        weights = {name: kind.weight for name, kind in FINDINGS.items() if name not in names}
        for (one, other), factor in TOGETHER.items():
            for present, candidate in ((one, other), (other, one)):
                if present in names and candidate in weights:
                    weights[candidate] *= factor
        shares = np.array(list(weights.values()))
        names.append(list(weights)[rng.choice(len(shares), p=shares / shares.sum())])
    return names


def draw_finding(rng: np.random.Generator, name: str) -> Finding:
    """The details of one finding, drawn from its row of the table."""
    kind = FINDINGS[name]
    rank = int(rng.integers(len(kind.degrees)))
    inside = rng.uniform(0.15, 0.85)  # keeps clear of the neighbouring degree
    return Finding(
        name=name,
        side=str(rng.choice(kind.sides)),
        place=str(rng.choice(kind.places)),
        degree=kind.degrees[rank],
        amount=float((rank + inside) / len(kind.degrees)),
        spot=tuple(rng.random(3).tolist()),
        size_cm=round(float(rng.uniform(*kind.size_cm)), 1),
    )


def plausible(findings: tuple[Finding, ...]) -> bool:
    """Whether the details can stand together: each finding is possible, and none hides another."""
    by_name = {finding.name: finding for finding in findings}
    opacity, air = by_name.get("airspace opacity"), by_name.get("pneumothorax")
    if opacity and opacity.place == "middle" and opacity.side != "right":
        return False  # only the right lung has a middle lobe
    if air and opacity and set(air.sides) & set(opacity.sides):
        return False
    fluid = by_name.get("pleural effusion")
    if fluid is None:
        return True
    if fluid.side == "bilateral" and fluid.degree == "large":
        return False
    if air and set(air.sides) & set(fluid.sides):
        return False
    drowned = (
        ()
        if fluid.degree == "small"
        else ("lower", "base")
        if fluid.degree == "moderate"
        else ("lower", "base", "middle")
    )
    return not any(f.place in drowned and set(f.sides) & set(fluid.sides) for f in findings if f is not fluid)


def draw_findings(rng: np.random.Generator) -> tuple[Finding, ...]:
    """The findings of one patient, in the order of the table."""
    names = sorted(draw_names(rng), key=list(FINDINGS).index)
    while True:
        findings = tuple(draw_finding(rng, name) for name in names)
        if plausible(findings):
            return findings


def sample_patient(seed: int, index: int) -> Patient:
    """Patient number ``index`` of the collection ``seed``, with the boxes of its findings.

    >>> sample_patient(seed=0, index=7) == sample_patient(seed=0, index=7)
    True
    """
    rng = np.random.default_rng([seed, index])
    findings = draw_findings(rng)
    old = {"tortuous aorta", "pacemaker", "sternotomy wires", "hiatal hernia", "cardiomegaly", "hyperinflation"}
    age = rng.normal(46 + 12 * min(2, len(old & {finding.name for finding in findings})), 14)
    sex = "F" if rng.random() < 0.5 else "M"
    patient = Patient(
        index=index,
        seed=seed,
        sex=sex,
        age=int(np.clip(age, 18, 94)),
        height=float(rng.normal(0.97 if sex == "F" else 1.02, 0.025)),
        build=float(rng.beta(2, 2.5)),
        heart=float(rng.uniform(0.41, 0.48)),
        breath=float(rng.normal(0, 0.4)),
        turn=float(np.clip(rng.normal(0, 1.8), -4, 4)),
        tilt=float(np.clip(rng.normal(0, 1.0), -2.5, 2.5)),
        findings=findings,
    )
    return replace(patient, findings=tuple(boxed(patient)))


def boxed(patient: Patient) -> Iterator[Finding]:
    """The patient's findings, each with its boxes."""
    solids = anatomy.essentials(patient) if patient.findings else []
    posed = {view: physics.posed(patient, view, solids) for view in VIEWS}
    for finding in patient.findings:
        found = {view: physics.locate(finding, posed[view]) for view in FINDINGS[finding.name].views}
        yield replace(finding, boxes={view: box for view, box in found.items() if box})
