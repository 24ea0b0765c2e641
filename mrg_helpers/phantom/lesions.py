"""What each finding adds to the body of a phantom patient. What it changes in the body as a whole is in ``anatomy.Plan``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .solids import LEVEL, SIDE, Ellipsoid, HalfSpace, Intersection, Solid, ellipsoid, tube

if TYPE_CHECKING:
    from .anatomy import Plan
    from .patients import Finding, Patient

# Where the thirds of a lung lie: from and to, in cm, of the distance from the midline, y, and z
ZONES = {"upper": ((5.0, 9.0), (-3.0, 3.0), (5.0, 10.5)), "middle": ((6.0, 11.0), (-4.0, 3.5), (-1.5, 3.5)),
         "lower": ((6.5, 11.0), (-6.0, -1.0), (-6.0, -3.0))}  # fmt: skip
# Where the lobes have their middle. The middle lobe, of the right lung only, lies in front; the lower lobes lie behind.
LOBES = {"upper": (7.0, 0.5, 7.0), "middle": (8.0, 3.0, -3.0), "lower": (9.0, -4.0, -5.0)}


def build(patient: Patient, plan: Plan, lungs: dict, blocked: list) -> list[Solid]:
    """The solids that the patient's findings add; ``lungs`` holds the shape of each lung, ``blocked`` those of the organs."""
    makers = {
        "nodule": lambda f: round_lesion(f, plan, lungs, blocked, "soft", 3.5),
        "calcified granuloma": lambda f: round_lesion(f, plan, lungs, blocked, "bone", 7.0),
        "airspace opacity": lambda f: opacity(f, plan, lungs),
        "atelectasis": lambda f: bands(f, plan),
        "hiatal hernia": lambda f: [hernia(f, plan)[1]],
        "pacemaker": lambda f: pacemaker(f, plan),
        "central line": central_line,
        "sternotomy wires": lambda f: wires(plan),
    }
    return [solid for finding in patient.findings if finding.name in makers for solid in makers[finding.name](finding)]


def organs(patient: Patient, plan: Plan) -> list[Solid]:
    """The organs that findings bring into the chest."""
    finding = patient.find("hiatal hernia")
    return hernia(finding, plan)[:1] if finding else []


def collapse(patient: Patient, side: str, room: Intersection, plan: Plan) -> tuple[Intersection, list[Solid]]:
    """The aerated lung of one side, and the pleural space that fluid or air has taken from its room.

    Fluid: the lung floats as a large ellipsoid above it, so the fluid's surface is hollow and rises along the wall
    (the meniscus). Air: the lung shrinks downwards and inwards, and its edge shows as a thin line.
    """
    for finding in (patient.find("pleural effusion"), patient.find("pneumothorax")):
        if not finding or side not in finding.sides:
            continue
        if finding.name == "pleural effusion":
            level = -14.3 + 14.0 * finding.amount + 0.6 * plan.lift
            lung = Intersection((*room.parts, ellipsoid((SIDE[side] * 5.0, 0.5, level + 20), (14.0, 16.0, 20.0))))
            return lung, [Solid("pleural fluid", "fluid", room, minus=lung, finding=finding.name)]
        lung, edge = (shrunk(room, side, 0.95 - 0.42 * finding.amount + more) for more in (0.0, 0.012))
        return lung, [
            Solid("visceral pleura", "fluid", edge, minus=lung),
            Solid("pleural air", "air", room, minus=edge, finding=finding.name),
        ]
    return room, []


def shrunk(room: Intersection, side: str, factor: float) -> Intersection:
    root = np.array([SIDE[side] * 4.0, -2.0, -11.0])  # it stays on the diaphragm and falls away from the top
    parts = (Ellipsoid(root + factor * (part.centre - root), factor * part.axes) if isinstance(part, Ellipsoid) else part
             for part in room.parts)  # fmt: skip
    return Intersection(tuple(parts))


def round_lesion(f: Finding, plan: Plan, lungs: dict, blocked: list, material: str, density: float) -> list[Solid]:
    """A ball in its third of the lung, moved towards the middle of the third until the lung holds it."""
    zone = np.array(ZONES[f.place]) * [[SIDE[f.side]], [1], [1]] + [[0], [0], [0.5 * plan.lift]]
    aim, middle, radius = (
        zone[:, 0] + np.array(f.spot) * np.ptp(zone, axis=1) * [SIDE[f.side], 1, 1],
        zone.mean(1),
        f.size_cm / 2,
    )
    around = radius * np.vstack([np.eye(3), -np.eye(3)])
    for step in np.linspace(0, 1, 8):
        centre = aim + step * (middle - aim)
        edge = centre + around
        if lungs[f"{f.side} lung"].contains(edge).all() and not any(shape.contains(edge).any() for shape in blocked):
            break
    return [Solid(f.name, material, ellipsoid(centre, radius * np.array([1, 1, 0.92])), density, finding=f.name)]


def opacity(f: Finding, plan: Plan, lungs: dict) -> list[Solid]:
    """A cloud of half-dense balls in a lobe."""
    rng = np.random.default_rng([int(1e6 * u) for u in f.spot])
    solids = []
    for side in f.sides:
        x, y, z = LOBES[f.place]
        middle = np.array([SIDE[side] * x, y, z + 0.5 * plan.lift]) + (np.array(f.spot) - 0.5) * 1.5
        centres = middle + rng.normal(0, 1, (90, 3)) * (1.0 + 1.0 * f.amount)
        centres = centres[lungs[f"{side} lung"].contains(centres)][: 32 + int(14 * f.amount)]
        for centre in centres:
            ball = ellipsoid(centre, rng.uniform(0.8, 2.1, 3) * (0.8 + 0.5 * f.amount), lean=rng.uniform(-90, 90))
            solids.append(Solid("airspace opacity", "soft", ball, 0.36 + 0.14 * f.amount, finding=f.name))
    return solids


def bands(f: Finding, plan: Plan) -> list[Solid]:
    """Plates of collapsed lung just above the diaphragm, seen edge on."""
    solids = []
    for side in f.sides:
        s = SIDE[side]
        for number in range(1 + round(2 * f.amount)):
            z = -6.0 - 0.8 * (side == "left") + plan.lift + (1.2 + 0.6 * f.spot[0]) * number
            lean = s * (9 - 22 * f.spot[1] + 9 * number)
            shape = (2.4 + 1.6 * f.amount - 0.5 * number, 2.6, 0.35 + 0.25 * f.amount)
            plate = ellipsoid((s * (8.6 + f.spot[2] - 0.7 * number), -1.5, z), shape, lean=lean)
            solids.append(Solid("plate of atelectasis", "soft", plate, 0.9, finding=f.name))
    return solids


def hernia(f: Finding, plan: Plan) -> list[Solid]:
    """Stomach above the diaphragm, behind the heart, and the air in it above a level of fluid."""
    radius = 2.5 + 2.1 * f.amount
    centre = np.array([0.9 + 0.8 * f.spot[0], -4.0, -8.4 + 0.9 * plan.lift + 0.75 * radius])
    sac = ellipsoid(centre, radius * np.array([1.05, 0.9, 0.9]))
    level = HalfSpace(LEVEL, LEVEL @ centre - 0.1 * radius)
    air = Intersection((ellipsoid(centre, radius * np.array([0.9, 0.76, 0.76])), level))
    return [
        Solid("hiatal hernia", "organ", sac, finding=f.name),
        Solid("air in the hernia", "air", air, finding=f.name),
    ]


def pacemaker(f: Finding, plan: Plan) -> list[Solid]:
    """A flat box under the skin of the chest, and two leads through the vein to the right atrium and ventricle."""
    s, front = SIDE[f.side], 7.2 * plan.depth
    x, z = s * (9.3 + 1.2 * f.spot[0]), 8.2 + 1.8 * f.spot[1]
    wide, tall = (ellipsoid((x, front, z), size, lean=20 * s) for size in ((3.0, 0.45, 2.3), (2.2, 2.0, 2.9)))
    case = Intersection((wide, tall))
    vein = [
        (x - s * 0.5, front, z + 1.6),
        (s * 7.0, 5.0, z + 3.0),
        (s * 3.0, 2.5, 11.0),
        (-1.9, 1.0, 7.0),
        (-2.3, 0.8, 1.0),
    ]
    atrium = [*vein, (-2.4, 1.0, -3.0 + plan.lift), (-2.9, 3.0, -3.6 + plan.lift)]
    ventricle = [*[np.add(p, (0.35, 0.2, 0.2)) for p in vein], (-1.8, 1.5, -4.5 + plan.lift),
                 (1.0, 3.0, -7.0 + plan.lift), (4.0, 4.0, -7.6 + plan.lift)]  # fmt: skip
    leads = [Solid("lead", "metal", tube(path, 0.1, pieces=6), 0.7, finding=f.name) for path in (atrium, ventricle)]
    return [Solid("pacemaker", "metal", case, finding=f.name), *leads]


def central_line(f: Finding) -> list[Solid]:
    """A catheter from the neck or from under the collar bone into the superior vena cava."""
    s, tip = SIDE[f.side], 3.5 - 3.5 * f.spot[0]
    start = (
        [(s * 4.2, 0.5, 19.5), (s * 3.6, 1.0, 14.0)] if f.spot[1] < 0.6 else [(s * 12, 7.0, 9.0), (s * 8, 5.0, 11.8)]
    )
    path = [*start, (s * 2.6 - 0.4, 1.5, 10.3), (-2.2, 1.2, 7.0), (-2.4, 0.9, tip)]
    return [Solid("catheter", "metal", tube(path, 0.16, pieces=8), 0.32, finding=f.name)]


def wires(plan: Plan) -> list[Solid]:
    """Six loops of steel round the breast bone."""
    turn = np.linspace(0, 2 * np.pi, 25)
    solids = []
    for number, z in enumerate(np.linspace(8.3, -4.5, 6)):
        y = (8.2 - 0.022 * (z - 0.5) ** 2) * plan.depth
        loop = np.stack(
            [0.95 * np.cos(turn), y + 0.65 * np.sin(turn), z + 0.5 * np.sin(turn) * np.cos(turn / 2 + number)], axis=1
        )
        solids.append(Solid("sternal wire", "metal", tube(loop, 0.07), finding="sternotomy wires"))
        knot = [(0.1, y + 0.7, z), (0.3, y + 0.9, z - 0.5)]
        solids.append(Solid("sternal wire", "metal", tube(knot, 0.11), finding="sternotomy wires"))
    return solids
