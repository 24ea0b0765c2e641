"""The body of a phantom patient: from the patient to the list of solids that the X-ray goes through.

Lengths are in cm from the middle of the chest: x to the patient's left, y to the front, z up. ``Plan`` holds what the
findings change in the body as a whole (a larger heart, a higher diaphragm, a curved spine); what they add to it
lies in ``lesions.py``, the bones in ``skeleton.py``. Explained in ``notebooks/01_explore_reports_and_images.ipynb``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from . import lesions, skeleton
from .solids import LEVEL, SIDE, Ellipsoid, HalfSpace, Intersection, Solid, Tube, ellipsoid, tube

if TYPE_CHECKING:
    from .patients import Patient

NORMAL_RATIO = 0.444  # cardiothoracic ratio of the heart as drawn in ``heart`` below, at scale 1


@dataclass(frozen=True)
class Plan:
    """The measures of one body, after what its findings do to them."""

    ratio: float  # cardiothoracic ratio
    enlarged: bool  # whether the ratio is a finding
    lift: float  # cm that the diaphragm is raised
    doming: float  # height of the domes: 1 = normal, less = flattened
    depth: float  # lungs from front to back, 1 = normal
    spread: float  # distance between the ribs, 1 = normal
    uncoiling: float  # aorta: 0 = straight .. 1 = tortuous
    bend: float  # cm that the spine deviates to the left, at most
    bend_at: float  # z where it does

    @classmethod
    def of(cls, patient: Patient) -> Plan:
        def amount(name: str) -> float:
            """0 without the finding, else 0.3 to 1."""
            finding = patient.find(name)
            return 0.3 + 0.7 * finding.amount if finding else 0.0

        heart, over, under = patient.find("cardiomegaly"), amount("hyperinflation"), amount("low lung volumes")
        spine = patient.find("scoliosis")
        return cls(
            ratio=(0.49 + 0.22 * heart.amount if heart else patient.heart) * (1 - 0.1 * over + 0.05 * under),
            enlarged=heart is not None,
            lift=patient.breath - 3.0 * over + 4.6 * under,
            doming=1 - 0.75 * over,
            depth=1 + 0.16 * over - 0.05 * under,
            spread=1 + 0.07 * over - 0.07 * under,
            uncoiling=amount("tortuous aorta"),
            bend=SIDE[spine.side] * (1.0 + 3.0 * spine.amount) if spine else 0.0,
            bend_at=3.0 * (2 * spine.spot[0] - 1) if spine else 0.0,
        )

    def spine_x(self, z) -> np.ndarray:
        """How far the spine deviates to the left at height z: one curve, with a smaller one the other way below and above."""
        u = (np.asarray(z) - self.bend_at) / 9.0
        return self.bend * (1.25 * np.exp(-(u**2)) - 0.25)


def build(patient: Patient, view: str = "frontal") -> list[Solid]:
    """All solids of the patient, in the patient's own coordinates (before it is turned towards the film).

    ``view`` decides where the arms are: for a lateral view they are raised.
    """
    plan = Plan.of(patient)
    return [*skin(patient, plan, view), *skeleton.shoulders(view), *inside(patient)]


@lru_cache(maxsize=2)  # the two views of a patient follow each other
def inside(patient: Patient) -> tuple[Solid, ...]:
    """What is the same in every view: all but the skin and the shoulders."""
    plan, chest = Plan.of(patient), essentials(patient)
    rng = np.random.default_rng([patient.seed, patient.index, 1])
    blocked = [solid.shape for solid in chest if solid.material == "organ"]
    vessels = [vessel_tree(rng, side, solid.shape, blocked) for side, solid in zip(SIDE, chest, strict=False)]
    return (
        *chest,
        *chain(*vessels),
        *airways(),
        *bowel_gas(rng, plan),
        *skeleton.ribs(plan),
        *skeleton.breast_bone(plan),
    )


def essentials(patient: Patient) -> list[Solid]:
    """What a finding may touch: the lungs (the left one first), the organs in the chest, the spine, and the lesions."""
    plan = Plan.of(patient)
    organs = [*heart(plan), *great_vessels(plan), *diaphragm(plan), *lesions.organs(patient, plan)]
    lungs, spaces = pleura(patient, plan)
    shapes, blocked = {solid.part: solid.shape for solid in lungs}, [solid.shape for solid in organs]
    return [*lungs, *spaces, *organs, *lesions.build(patient, plan, shapes, blocked), *skeleton.spine(plan)]


def skin(patient: Patient, plan: Plan, view: str) -> list[Solid]:
    """What the skin encloses. The arms hang a little away from the body; for a lateral view they are raised."""
    fat = 0.4 + 2.4 * patient.build
    deep = 9.6 * plan.depth + fat
    trunk = ellipsoid((0, -0.3, -16), (15.4 + fat, deep, 44))
    shapes = [trunk, ellipsoid((0, -2.5, 19), (5.4 + 0.4 * fat, 5.6 + 0.3 * fat, 14))]  # and neck
    girdle = ellipsoid((0, -1.5, 5.5), (20.5, 7.6, 9.0 + 0.3 * fat))
    shapes.append(girdle if view == "frontal" else ellipsoid((0, -1.5, 7.5), (15, 7.6, 8.5)))
    for s in SIDE.values():
        if view == "frontal":
            shapes.append(ellipsoid((s * (20.3 + 0.6 * fat), -2.5, -4), (3.6 + 0.3 * fat, 4.2, 17), lean=-7 * s))
        else:
            shapes.append(ellipsoid((s * 13, 2.0, 17.5), (4.4, 5.4 + 0.4 * fat, 13), nod=24))
        if patient.sex == "F":
            droop, front = 1.3 * patient.build, 0.86 * deep
            shapes.append(ellipsoid((s * 7.6, front - 1.6, -4.2 - droop), (5.6 + droop, 3.0 + droop, 6.2), nod=-24))
    return [Solid("skin", "body", shape) for shape in shapes]


def cavity(side: str, plan: Plan) -> Intersection:
    """The room of one lung: a long ellipsoid that leans inwards and backwards at its top, rounded at the apex, with a floor."""
    s = SIDE[side]
    room = ellipsoid((s * 7.3, -0.2, -6.5), (6.8, 8.8 * plan.depth, 24.5), lean=-5 * s, nod=-4)
    apex = ellipsoid((s * 7.3, -0.8, -3.5), (8.8, 11.0, 18.2), lean=-5 * s, nod=-4)
    floor = HalfSpace(np.array([0, -0.25, -1.0]), 15.5 - plan.lift * 0.6)
    return Intersection((room, apex, floor))


def pleura(patient: Patient, plan: Plan) -> tuple[list[Solid], list[Solid]]:
    """The two lungs, and what fills the pleural space where fluid or air has taken room from them."""
    lungs, spaces = [], []
    volume = next((name for name in ("hyperinflation", "low lung volumes") if patient.find(name)), "")
    for side in SIDE:
        room = cavity(side, plan)
        lung, found = lesions.collapse(patient, side, room, plan)
        lungs.append(Solid(f"{side} lung", "lung", lung, finding=volume))
        spaces += found
    return lungs, spaces


def heart(plan: Plan) -> list[Solid]:
    """Three ellipsoids, grown about the point where the heart rests on the diaphragm."""
    grow = plan.ratio / NORMAL_RATIO
    rest, up = np.array([-0.4, 2.0, -8.0]), 0.75 * plan.lift
    chambers = [
        ellipsoid((2.5, 1.5, -4.7), (6.6, 5.2, 4.15), lean=33, nod=-8),  # left ventricle, its tip to the left and down
        ellipsoid(
            (2.3, 0.8, -2.0), (2.9, 3.6, 5.0), lean=-28
        ),  # left border, from the pulmonary trunk to the ventricle
        ellipsoid((-1.3, 0.9, -3.9), (3.2, 4.4, 4.7)),  # right atrium
    ]
    scale = np.array([grow, 0.3 + 0.7 * grow, 0.35 + 0.65 * grow])
    solids = []
    for chamber in chambers:
        centre = rest + (chamber.centre - rest) * scale + np.array([plan.spine_x(-5) * 0.3, 0, up])
        shape = Ellipsoid(centre, chamber.axes * scale[:, None])
        solids.append(Solid("heart", "organ", shape, finding="cardiomegaly" if plan.enlarged else ""))
    return solids


def great_vessels(plan: Plan) -> list[Solid]:
    t, up, bend = plan.uncoiling, 0.3 * plan.lift, plan.spine_x
    shapes = {
        "mediastinum": ellipsoid((0.1 + 0.5 * bend(4), -1.2, 4.5), (2.5, 7.3, 15.5)),
        "superior vena cava": ellipsoid((-1.9, 0.8, 4.2), (1.5, 1.6, 6.5), lean=-4),
        "ascending aorta": ellipsoid((-1.1 - 1.6 * t, 1.6, 3.0), (1.9 + 0.5 * t, 1.9, 4.2)),
        "aortic knob": ellipsoid((1.9 + 0.9 * t, -1.8, 6.6 + 0.9 * t), (1.9 + 0.6 * t, 3.0, 1.7 + 0.5 * t)),
        "descending aorta": ellipsoid((1.5 + 2.0 * t, -4.9, -2), (1.4 + 0.5 * t, 1.5, 10.5), lean=4),
        "pulmonary trunk": ellipsoid((2.0, 0.8, 2.3 + up), (2.1, 2.0, 2.4), lean=15),
    }
    aorta = ("ascending aorta", "aortic knob", "descending aorta")
    return [Solid(p, "organ", s, finding="tortuous aorta" if t and p in aorta else "") for p, s in shapes.items()]


def diaphragm(plan: Plan) -> list[Solid]:
    """The domes with all that lies under them; the right one stands higher."""
    solids = []
    for side, top in (("right", -7.6), ("left", -8.8)):
        s, rise = SIDE[side], 12.5 * plan.doming
        shape = ellipsoid((s * 6.6, 1.6, top + plan.lift - rise), (10.2, 12.6, rise))
        solids.append(Solid(f"{side} diaphragm", "organ", shape))
    return solids


def bowel_gas(rng: np.random.Generator, plan: Plan) -> list[Solid]:
    """The bubble in the stomach, cut flat by what was drunk, and some gas in the bowel."""
    x, z, width = rng.uniform(5.0, 8.0), -11.0 + plan.lift + rng.uniform(-0.3, 0.2), rng.uniform(1.6, 3.2)
    bubble = ellipsoid((x, 1.5, z), (width, 3.0, rng.uniform(0.9, 1.5)))
    level = HalfSpace(LEVEL, LEVEL @ (x, 1.5, z - 0.4))
    solids = [Solid("stomach bubble", "air", Intersection((bubble, level)))]
    for _ in range(rng.integers(1, 4)):
        at = (rng.uniform(-4, 11), rng.uniform(-2, 5), rng.uniform(-18.5, -14.5) + 0.5 * plan.lift)
        loop = ellipsoid(at, rng.uniform((0.8, 0.5, 0.5), (2.0, 1.2, 1.0)), lean=rng.uniform(-40, 40))
        solids.append(Solid("bowel gas", "air", loop))
    return solids


def airways() -> list[Solid]:
    carina = (0.1, -2.6, 4.0)
    return [
        Solid("trachea", "air", tube([(0, -0.8, 19.5), (0.1, -1.6, 12), carina], 0.9, pieces=5)),
        Solid(
            "right main bronchus",
            "air",
            tube([carina, (-1.9, -2.9, 2.3), (-3.6, -3.1, 0.2)], (0.6, 0.55, 0.4), pieces=3),
        ),
        Solid(
            "left main bronchus", "air", tube([carina, (2.2, -3.1, 2.4), (4.2, -3.6, 1.2)], (0.55, 0.5, 0.35), pieces=3)
        ),
    ]


def vessel_tree(rng: np.random.Generator, side: str, lung, blocked: list) -> list[Solid]:
    """Pulmonary vessels: from the hilum outwards, each forking into thinner ones until it reaches the edge of the lung."""
    s = SIDE[side]
    hilum = np.array([s * 3.3, -2.0, 0.6 if side == "left" else -0.3])
    fan = np.deg2rad(np.linspace(-78, 80, 9) + rng.uniform(-7, 7, 9))  # from straight down to straight up
    heading = np.stack([s * np.cos(fan), rng.uniform(-0.7, 0.7, 9), np.sin(fan)], axis=1)
    at, radius = np.tile(hilum, (9, 1)), rng.uniform(0.36, 0.5, 9)
    grown: list[tuple] = []
    for _ in range(7):
        heading /= np.linalg.norm(heading, axis=1, keepdims=True)
        end = at + heading * rng.uniform(1.3, 2.5, (len(at), 1))
        free = lung.contains(hilum + (end - hilum) * 1.04)
        if grown:  # the first pieces lie in the mediastinum: they are the hilum
            at, end, heading, radius = at[free], end[free], heading[free], radius[free]
        grown.append((at, end, radius))
        fork = rng.random(len(at)) < 0.75
        swerve = rng.normal(0, 0.38, (len(at), 3))  # the two arms of a fork part in opposite directions
        heading = np.concatenate([heading + swerve, (heading - swerve)[fork]])
        at = np.concatenate([end, end[fork]])
        radius = np.concatenate([radius * np.where(fork, 0.8, 0.9), radius[fork] * 0.7])
    start, stop, radius = (np.concatenate(column) for column in zip(*grown, strict=True))
    free = ~np.any([shape.contains(stop) for shape in blocked], axis=0)
    free[: len(fan)] = True
    shape = Tube(start[free], stop[free], radius[free])
    root = ellipsoid(hilum + (s * 0.7, 0, -0.6), (1.2, 1.3, 2.4), lean=-12 * s)
    return [Solid(f"{side} pulmonary vessels", "soft", shape), Solid(f"{side} hilum", "soft", root, 0.6)]
