"""The shapes a phantom patient is made of, and how much of a ray lies inside them, in closed form.

Space is measured in cm from the middle of the chest: x to the patient's left, y to the front, z up. All rays run along
y, so a ray is a pair (x, z); for another view the shapes are turned instead. A ray meets a convex shape in one interval
of y, found by solving a quadratic equation; its length is the chord. Explained in
``notebooks/01_explore_reports_and_images.ipynb``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

SIDE = {"left": 1.0, "right": -1.0}  # the sign of x
LEVEL = np.array([0.04, 0.04, -1.0])  # normal of a level of fluid; nobody stands quite straight
FIELD_CM = 38.0  # width and height of the square that the image shows
Interval = tuple[np.ndarray, np.ndarray]  # where each ray enters and leaves; it misses where leave <= enter


@dataclass(frozen=True)
class Rays:
    """A window of the image: the x of its columns, (1, w), and the z of its rows, (h, 1), in cm."""

    x: np.ndarray
    z: np.ndarray

    @classmethod
    def grid(cls, size: int) -> Rays:
        """One ray through the middle of each pixel of a (size, size) image."""
        at = ((np.arange(size, dtype=np.float32) + 0.5) / size - 0.5) * np.float32(FIELD_CM)
        return cls(at[None, :], -at[:, None])

    def window(self, bounds: np.ndarray) -> tuple[Rays, tuple[slice, slice]]:
        """The rays inside bounds = ((x_min, x_max), (y_min, y_max), (z_min, z_max)), and their rows and columns."""
        (left, right), _, (bottom, top) = bounds
        columns = slice(*np.searchsorted(self.x[0], (left, right)).tolist())
        rows = slice(*np.searchsorted(-self.z[:, 0], (-top, -bottom)).tolist())
        return Rays(self.x[:, columns], self.z[rows]), (rows, columns)


@dataclass(frozen=True)
class Ellipsoid:
    """All points centre + axes @ u with |u| <= 1; the columns of ``axes`` are the three semi-axes."""

    centre: np.ndarray  # (3,)
    axes: np.ndarray  # (3, 3)

    def moved(self, matrix: np.ndarray) -> Ellipsoid:
        return Ellipsoid(matrix @ self.centre, matrix @ self.axes)

    def bounds(self) -> np.ndarray:  # (3, 2)
        reach = np.linalg.norm(self.axes, axis=1)
        return np.stack([self.centre - reach, self.centre + reach], axis=1)

    @cached_property
    def inverse(self) -> np.ndarray:
        return np.linalg.inv(self.axes)

    def contains(self, points: np.ndarray) -> np.ndarray:  # (..., 3) -> (...)
        return (((points - self.centre) @ self.inverse.T) ** 2).sum(-1) <= 1

    def interval(self, rays: Rays) -> Interval:
        # |S (p - c)|^2 = 1 with p = (x, y, z) is a y^2 + 2 b y + c = 0 once y is counted from the centre.
        q = (self.inverse.T @ self.inverse).astype(np.float32)
        x, z = rays.x - np.float32(self.centre[0]), rays.z - np.float32(self.centre[2])
        a, b = q[1, 1], q[0, 1] * x + q[1, 2] * z
        c = q[0, 0] * x * x + 2 * q[0, 2] * x * z + q[2, 2] * z * z - 1
        half = np.sqrt(np.maximum(b * b - a * c, 0)) / a
        middle = np.float32(self.centre[1]) - b / a
        return middle - half, middle + half


@dataclass(frozen=True)
class HalfSpace:
    """All points with normal @ point <= offset: cuts a shape, for instance at the level of a fluid."""

    normal: np.ndarray  # (3,)
    offset: float

    def moved(self, matrix: np.ndarray) -> HalfSpace:
        normal = np.linalg.inv(matrix).T @ self.normal
        return HalfSpace(normal, self.offset)

    def bounds(self) -> np.ndarray:
        return np.array([[-np.inf, np.inf]] * 3)

    def contains(self, points: np.ndarray) -> np.ndarray:
        return points @ self.normal <= self.offset

    def interval(self, rays: Rays) -> Interval:
        nx, ny, nz = (np.float32(value) for value in self.normal)
        room = np.float32(self.offset) - nx * rays.x - nz * rays.z
        if abs(ny) < 1e-6:  # the ray runs along the cut: all of it is inside, or nothing
            far = np.where(room >= 0, np.float32(1e4), np.float32(-1e4))
            return -far, far
        edge, far = room / ny, np.full_like(room, 1e4)
        return (-far, edge) if ny > 0 else (edge, far)


@dataclass(frozen=True)
class Intersection:
    """What several convex shapes have in common; again convex."""

    parts: tuple[Ellipsoid | HalfSpace, ...]

    def moved(self, matrix: np.ndarray) -> Intersection:
        return Intersection(tuple(part.moved(matrix) for part in self.parts))

    def bounds(self) -> np.ndarray:
        every = np.stack([part.bounds() for part in self.parts])
        return np.stack([every[:, :, 0].max(0), every[:, :, 1].min(0)], axis=1)

    def contains(self, points: np.ndarray) -> np.ndarray:
        return np.all([part.contains(points) for part in self.parts], axis=0)

    def interval(self, rays: Rays) -> Interval:
        enter, leave = self.parts[0].interval(rays)
        for part in self.parts[1:]:
            one, other = part.interval(rays)
            enter, leave = np.maximum(enter, one), np.minimum(leave, other)
        return enter, leave


@dataclass(frozen=True)
class Tube:
    """Straight cylinders from ``start`` to ``stop``: a bent tube is a chain of them, a tree of vessels a bundle.

    With ``core`` > 0 (a part of the radius) the inside is lighter, as a bone's is: only ``CORE_DENSITY`` of its wall's.
    """

    start: np.ndarray  # (n, 3)
    stop: np.ndarray  # (n, 3)
    radius: np.ndarray  # (n,)
    core: float = 0.0

    def moved(self, matrix: np.ndarray) -> Tube:
        scale = abs(np.linalg.det(matrix)) ** (1 / 3)
        return Tube(self.start @ matrix.T, self.stop @ matrix.T, self.radius * scale, self.core)

    def bounds(self) -> np.ndarray:
        reach, ends = self.radius[:, None], np.stack([self.start, self.stop])
        return np.stack([(ends - reach).min((0, 1)), (ends + reach).max((0, 1))], axis=1)


Shape = Ellipsoid | Intersection | Tube
CORE_DENSITY = 0.35


def ellipsoid(centre, semi_axes, lean: float = 0.0, nod: float = 0.0) -> Ellipsoid:
    """An ellipsoid along x, y, z; its top then leans to the patient's left and nods forward by so many degrees."""
    return Ellipsoid(np.asarray(centre, float), rotation(lean=lean, nod=nod) * np.asarray(semi_axes, float))


def rotation(turn: float = 0.0, lean: float = 0.0, nod: float = 0.0) -> np.ndarray:
    """Rotation matrix for degrees about z (turn), y (lean: the top goes to +x) and x (nod: the top goes to +y)."""
    t, a, n = np.deg2rad([turn, lean, nod])
    about_z = np.array([[np.cos(t), -np.sin(t), 0], [np.sin(t), np.cos(t), 0], [0, 0, 1]])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(n), np.sin(n)], [0, -np.sin(n), np.cos(n)]])
    return about_y @ about_x @ about_z


def tube(points, radius, core: float = 0.0, pieces: int = 0) -> Tube:
    """A tube through points, (n, 3), with one radius or one a point; ``pieces`` > 0 bends each stretch in so many pieces."""
    knots = np.column_stack([np.asarray(points, float), np.broadcast_to(np.asarray(radius, float), len(points))])
    if pieces:
        knots = smooth(knots, pieces)
    return Tube(knots[:-1, :3], knots[1:, :3], (knots[:-1, 3] + knots[1:, 3]) / 2, core)


def smooth(knots: np.ndarray, pieces: int) -> np.ndarray:
    """A Catmull-Rom curve through the knots, (n, d) -> ((n - 1) * pieces + 1, d)."""
    knots = np.vstack([2 * knots[0] - knots[1], knots, 2 * knots[-1] - knots[-2]])
    p, q, r, s = (knots[i : len(knots) - 3 + i, None] for i in range(4))  # each stretch runs from q to r
    t = (np.arange(pieces) / pieces)[:, None]
    curve = 0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
    return np.vstack([curve.reshape(-1, knots.shape[1]), knots[-2]])


def chord(shape: Ellipsoid | Intersection, rays: Rays) -> np.ndarray:
    """Length in cm of each ray inside a convex shape, (h, w)."""
    enter, leave = shape.interval(rays)
    return np.maximum(leave - enter, 0)


def union_length(intervals: list[Interval], within: Interval | None = None) -> np.ndarray:
    """Length of each ray that lies in at least one of the intervals (and inside ``within``): what overlaps counts once.

    Sort the entries and the exits, each by themselves: the ray is outside all intervals exactly where the next entry
    comes after the exit of the same rank.
    """
    if within is not None:
        intervals = [(np.clip(enter, *within), np.clip(leave, *within)) for enter, leave in intervals]
    enters = in_order([enter for enter, _ in intervals])
    leaves = in_order([np.maximum(enter, leave) for enter, leave in intervals])
    total = leaves[-1] - enters[0]
    for enter, leave in zip(enters[1:], leaves, strict=False):
        total -= np.maximum(enter - leave, 0)
    return total


def in_order(maps: list[np.ndarray]) -> list[np.ndarray]:
    """The maps sorted pixel by pixel. For a dozen maps, exchanging neighbours beats ``np.sort`` along the first axis."""
    maps = list(maps)
    for last in range(len(maps) - 1, 0, -1):
        for i in range(last):
            maps[i], maps[i + 1] = np.minimum(maps[i], maps[i + 1]), np.maximum(maps[i], maps[i + 1])
    return maps


@dataclass(frozen=True)
class Solid:
    """One piece of the patient: which body part it is, what it is made of, its shape, and the finding it belongs to.

    Materials: "body" (all that the skin encloses), "lung", "organ" (tissue that pushes the lung aside), "soft" (thin or
    patchy tissue inside the lung), "fluid", "air", "bone", "metal". ``minus`` is the aerated lung that a pleural space leaves
    over. ``density`` scales the material.
    """

    part: str
    material: str
    shape: Shape
    density: float = 1.0
    minus: Ellipsoid | Intersection | None = None
    finding: str = ""

    def moved(self, matrix: np.ndarray) -> Solid:
        minus = self.minus and self.minus.moved(matrix)
        return Solid(self.part, self.material, self.shape.moved(matrix), self.density, minus, self.finding)
