"""The bones of a phantom patient: spine, ribs, clavicles, shoulder blades, breast bone, upper arms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .solids import SIDE, Solid, Tube, ellipsoid, tube

if TYPE_CHECKING:
    from .anatomy import Plan

VERTEBRAE = np.arange(17.6, -20, -2.32)  # heights of the vertebral bodies, from the neck to the loins


def spine_y(z) -> np.ndarray:
    """The vertebral bodies lie behind the heart, hollow to the front in the chest and to the back in the neck and loins."""
    return -6.4 + 1.6 * np.exp(-(((np.asarray(z) - 16) / 6) ** 2)) + 2.4 * np.exp(-(((np.asarray(z) + 20) / 8) ** 2))


def spine(plan: Plan) -> list[Solid]:
    """The vertebrae, each a short cylinder between two plates with its arches and processes; all are drawn at once."""

    def line(z) -> np.ndarray:  # (n, 3)
        return np.stack([plan.spine_x(z), spine_y(z), z], axis=1)

    z = VERTEBRAE
    middle, up = line(z), line(z + 1) - line(z - 1)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    size = 1.0 + 0.012 * (4 - z)  # they grow downwards
    back = middle + size[:, None] * (0, -1.9, 0) + (0, 0, 0.2)
    bones = [(middle - 0.9 * up, middle + 0.9 * up, 1.6 * size, 0.25, 0.0)]  # start, stop, radius, density, core
    bones += [
        (middle + (at - 0.09) * up, middle + (at + 0.09) * up, 1.7 * size, 0.2, 0.0) for at in (-0.9, 0.9)
    ]  # end plates
    for s in SIDE.values():
        root = middle + size[:, None] * (s * 1.15, 0, 0) + (0, -1.2, 0.3)
        bones.append((root, root + (0, -1.3, 0), 0.42 * size, 0.3, 0.6))  # pedicles, seen end on
        bones.append((back, back + (s * 2.6, -0.9, 0.5), 0.45 * size, 0.12, 0.6))  # transverse processes
    bones.append((back, back + (0, -2.0, -1.6), 0.4 * size, 0.35, 0.6))  # spinous processes
    bent = np.abs(plan.spine_x(z)) > 0.3 * abs(plan.bend)
    solids = []
    for part, finding in ((bent, "scoliosis"), (~bent, "")):
        for start, stop, radius, density, core in bones if part.any() else ():
            solids.append(
                Solid("spine", "bone", Tube(start[part], stop[part], radius[part], core), density, finding=finding)
            )
    return solids


def chest_width(z: float) -> float:
    """How far the lungs reach sideways at height z; follows ``anatomy.cavity``."""
    return 6.73 - 0.087 * z + 6.8 * np.sqrt(max(0.0, 1 - ((z + 6.5) / 24.5) ** 2))


def ribs(plan: Plan) -> list[Solid]:
    """Ten pairs: backwards from the spine, round the side and down to the front, just outside the lungs."""
    solids = []
    for number in range(1, 11):
        z = 13.6 - 2.38 * plan.spread * (number - 1) - (0.35 if number == 1 else 0)
        deep = (8.9 if number > 3 else 6.0 + 0.75 * number) * plan.depth
        drop = (3.8, 4.6, 6.2, 7.4, 8.2, 8.6, 8.8, 8.6, 8.0, 7.0)[number - 1] * plan.spread
        width = chest_width(z - 0.5 * drop) + 0.4 if number > 1 else 7.4
        reach = (138, 146, 150, 150, 148, 142, 132, 118, 104, 90)[number - 1]  # degrees from the back to the front
        angle = np.deg2rad(np.linspace(9, reach, 22))
        fall = np.clip((angle - np.deg2rad(20)) / np.deg2rad(130), -0.05, 1) ** 1.0
        y = -0.6 - 0.13 * (z - 2) * (number <= 4) * 0.5 - deep * np.cos(angle)
        for s in SIDE.values():
            x = s * width * np.sin(angle) ** 0.85 + plan.spine_x(z) * np.cos(angle / 2) ** 2
            sink = z + 0.5 * np.sin(2 * angle) * (angle < np.pi / 2) - drop * fall
            points = np.stack([x, y, sink], axis=1)
            radius = np.interp(angle, [0.2, 0.8, 2.6], [0.55, 0.68, 0.5])
            solids.append(Solid("ribs", "bone", tube(points, radius, core=0.75), 0.7 if number > 1 else 0.5))
    return solids


def shoulders(view: str) -> list[Solid]:
    solids = []

    def bone(part, points, radius, density, core=0.7, pieces=3):
        solids.append(Solid(part, "bone", tube(points, radius, core, pieces), density))

    for s in SIDE.values():
        collar = [
            (s * 1.9, 5.5, 9.6),
            (s * 5, 5.6, 10.4),
            (s * 9, 3.0, 11.7),
            (s * 13, 0.2, 12.8),
            (s * 16.2, -1.0, 13.0),
        ]
        bone("clavicle", collar, (0.8, 0.62, 0.58, 0.62, 0.7), 0.9, pieces=4)
        blade = ellipsoid((s * 14.9, -8.2, 5.2), (3.1, 0.35, 6.4), lean=9 * s, nod=8)
        solids.append(Solid("scapula", "bone", blade, 0.6))
        bone("scapula", [(s * 16.6, -7.0, 9.8), (s * 14.7, -8.4, 3.5), (s * 13.2, -8.8, -0.6)], 0.33, 0.4)
        bone("scapula", [(s * 11.8, -7.8, 10.2), (s * 15, -5.5, 12.2), (s * 18, -3, 13.2)], 0.42, 0.6)
        if view == "frontal":
            solids.append(Solid("humerus", "bone", ellipsoid((s * 18.2, -1.5, 10.2), (2.1, 2.1, 2.2)), 0.22))
            bone(
                "humerus",
                [(s * 18.7, -1.5, 10.8), (s * 19.6, -2.2, 2), (s * 20.8, -2, -12)],
                (1.5, 1.1, 1.1),
                0.7,
                core=0.75,
            )
        else:
            bone("humerus", [(s * 14, -0.5, 10.5), (s * 13, 4, 19), (s * 12, 6, 24)], (1.4, 1.1, 1.1), 0.4, core=0.75)
    return solids


def breast_bone(plan: Plan) -> list[Solid]:
    front = 8.2 * plan.depth
    line = [
        (0, front - 2.6, 10.4),
        (0, front - 0.9, 7.0),
        (0, front, 3.0),
        (0, front + 0.5, -2.0),
        (0, front + 0.3, -5.5),
    ]
    return [
        Solid("sternum", "bone", tube(np.array(line) + (x, 0, 0), 0.6, core=0.7, pieces=2), 0.6)
        for x in (-0.9, 0.0, 0.9)
    ]
