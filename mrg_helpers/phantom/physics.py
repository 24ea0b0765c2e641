"""Taking the X-ray: how thick each material is along the rays, Beer-Lambert's law, and the film.

    from mrg_helpers.phantom import anatomy, physics
    maps = physics.thickness(physics.posed(patient, "frontal"), size=512)   # cm of tissue, lung, air, bone and metal
    beam = np.exp(-physics.attenuation(maps))                               # Beer-Lambert: what arrives at the film

Explained in ``notebooks/01_explore_reports_and_images.ipynb``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from . import anatomy
from .solids import Rays, Solid, Tube, rotation, tube, union_length
from .tubes import tube_map

if TYPE_CHECKING:
    from .patients import Finding, Patient

# Attenuation coefficients in 1/cm for the X-rays of a chest film, about 60 keV on average
MU = {"tissue": 0.20, "lung": 0.06, "air": 0.0, "bone": 0.50, "metal": 5.0}
# Turns the patient so that the rays run along y. In the lateral view the patient looks to the viewer's left.
VIEWS = {"frontal": np.eye(3), "lateral": np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])}
BOX_GRID = 152  # boxes are found on a grid of this size: 2.5 mm


def posed(patient: Patient, view: str = "frontal", solids: list[Solid] | None = None) -> list[Solid]:
    """The patient's solids (or some of them) as they stand before the film: scaled, slightly turned, facing it for this view."""
    if view not in VIEWS:
        raise ValueError(f"there is no view {view!r}; choose one of: {', '.join(VIEWS)}")
    matrix = patient.height * rotation(lean=patient.tilt) @ VIEWS[view] @ rotation(turn=patient.turn)
    return [solid.moved(matrix) for solid in (anatomy.build(patient, view) if solids is None else solids)]


def path_length(solids: list[Solid], size: int, organs: list[Solid] | tuple = ()) -> np.ndarray:
    """Length in cm that each ray spends inside the given solids, (size, size); a lung loses what ``organs`` take of its room."""
    rays = Rays.grid(size)
    total = tube_map([(solid.shape, solid.density) for solid in solids if isinstance(solid.shape, Tube)], size)
    boxes = [(organ, organ.shape.bounds()) for organ in organs]
    for solid in solids:
        if isinstance(solid.shape, Tube):
            continue
        shares_room = bool(organs) and (solid.material == "lung" or solid.minus is not None)
        for region in bands(solid.shape.bounds()) if shares_room else [solid.shape.bounds()]:
            some, place = rays.window(region)
            if some.x.size == 0 or some.z.size == 0:
                continue
            near = [organ.shape.interval(some) for organ, box in boxes if meet(box, region)] if shares_room else []
            length = free_length(solid.shape, near, some)
            if solid.minus is not None:
                length = length - free_length(solid.minus, near, some)
            total[place] += np.float32(solid.density) * length
    return total


def bands(bounds: np.ndarray, count: int = 4) -> Iterator[np.ndarray]:
    """Horizontal slices of a region: each meets fewer organs than the whole, which saves half of the work."""
    edges = np.linspace(*bounds[2], count + 1)
    for bottom, top in zip(edges, edges[1:], strict=False):
        yield np.array([bounds[0], bounds[1], (bottom, top)])


def free_length(shape, near: list, rays: Rays) -> np.ndarray:
    """The chord of a shape, less what lies inside other shapes, given as intervals."""
    enter, leave = shape.interval(rays)
    leave = np.maximum(enter, leave)
    return leave - enter - (union_length(near, (enter, leave)) if near else 0)


def meet(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two boxes, (3, 2) each, overlap."""
    return bool((a[:, 0] < b[:, 1]).all() and (b[:, 0] < a[:, 1]).all())


def thickness(solids: list[Solid], size: int) -> dict[str, np.ndarray]:
    """How many cm of each material each ray goes through: five (size, size) maps that sum to the thickness of the body."""
    kinds: dict[str, list[Solid]] = {}
    for solid in solids:
        kinds.setdefault(solid.material, []).append(solid)
    organs = kinds.get("organ", [])
    coarse = Rays.grid(size // 2)
    body = resize(union_length([solid.shape.interval(coarse) for solid in kinds["body"]]), size)
    lung = np.maximum(path_length(kinds.get("lung", []), size, organs) - path_length(kinds.get("soft", []), size), 0)
    maps = {"lung": lung, **{name: path_length(kinds.get(name, []), size, organs) for name in ("air", "bone", "metal")}}
    return {"tissue": np.maximum(body - sum(maps.values()), 0), **maps}


def attenuation(maps: dict[str, np.ndarray]) -> np.ndarray:
    """Beer-Lambert's exponent, (size, size): the sum over the materials of coefficient times thickness."""
    return sum(np.float32(MU[name]) * thick for name, thick in maps.items())


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """A float map brought to (size, size), smoothly."""
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))


def marker(rng: np.random.Generator) -> Solid:
    """A lead letter L on the film beside the patient's left shoulder, which is at the viewer's right."""
    x, z, high = rng.uniform(15.2, 16.8), rng.uniform(14.6, 16.6), rng.uniform(1.1, 1.5)
    stroke = [(x, 0, z + high), (x, 0, z), (x + 0.62 * high, 0, z)]
    return Solid("L marker", "metal", tube(stroke, 0.15))


def film(depth: np.ndarray, lung: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """From attenuation to the grey of a radiograph, both (size, size): dense is bright, 0..1.

    Like the software of a real machine, it evens out the large differences and stretches what is left. ``lung`` (cm)
    carries the texture of the vessels that are too small to be drawn.
    """
    size = len(depth)
    for cells, weight in ((12, 0.004), (60, 0.002), (160, 0.0015)):
        depth = depth + np.float32(weight) * resize(rng.standard_normal((cells, cells), np.float32), size) * lung
    even = depth - np.float32(rng.uniform(0.34, 0.42)) * resize(resize(depth, 16), size)
    body, sample = depth[::3, ::3] > 0.8, even[::3, ::3]
    low, high = np.percentile(sample[body], (3, 97)).tolist() if body.any() else (0, 1)
    grey = rng.uniform(0.09, 0.15) + rng.uniform(0.72, 0.80) * (even - low) / (high - low)
    return np.clip(grey, 0, 1) ** rng.uniform(0.85, 1.1) * np.clip(depth / 0.8, 0, 1)


def collimate(grey: np.ndarray, rng: np.random.Generator) -> None:
    """Blackens, in some films, a narrow border that the beam did not reach."""
    size = len(grey)
    left, right, top, bottom = (rng.random(4) < 0.2) * rng.uniform(0.005, 0.03, 4) * size
    grey[: int(top)] = grey[size - int(bottom) :] = 0.02
    grey[:, : int(left)] = grey[:, size - int(right) :] = 0.02


def render(patient: Patient, size: int = 512, view: str = "frontal") -> np.ndarray:
    """The X-ray of a patient: (size, size) uint8, bright = dense. The same patient always gives the same picture."""
    solids = posed(patient, view)
    rng = np.random.default_rng([patient.seed, patient.index, 2 + list(VIEWS).index(view)])
    if view == "frontal":
        solids.append(marker(rng))
    metal = [solid for solid in solids if solid.material == "metal"]
    soft = [solid for solid in solids if solid.material != "metal"]
    maps = thickness(soft, size * 3 // 8)  # the body has no sharper edges: this saves most of the time
    grey = resize(film(attenuation(maps), maps["lung"], rng), size)
    if metal:
        grey = grey + np.minimum(np.float32(MU["metal"]) * path_length(metal, size), 1)
    # Few photons get through where it is bright, and few photons make a noisy picture.
    level = np.float32(rng.uniform(0.006, 0.012)) * (0.4 + np.minimum(grey, 1))
    noise = level * rng.standard_normal((size, size), np.float32)
    grey = np.clip(grey + noise, 0, 1)
    collimate(grey, rng)
    return (grey * 255 + 0.5).astype(np.uint8)


def locate(finding: Finding, solids: list[Solid]) -> tuple[float, float, float, float] | None:
    """The box of a finding in a view, in fractions of the image: where its own solids are thick. None if that is nowhere."""
    organs = [solid for solid in solids if solid.material == "organ"]
    own = path_length([solid for solid in solids if solid.finding == finding.name], BOX_GRID, organs)
    metal = any(solid.material == "metal" and solid.finding == finding.name for solid in solids)
    rows, columns = np.nonzero(own > (0.03 if metal else 0.2 * own.max()))  # of metal, even a thin wire shows
    if len(rows) == 0:
        return None
    edges = columns.min() - 0.5, rows.min() - 0.5, columns.max() + 1.5, rows.max() + 1.5
    return tuple(float(np.clip(edge / BOX_GRID, 0, 1)) for edge in edges)
