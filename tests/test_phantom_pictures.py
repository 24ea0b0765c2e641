"""The patients, their X-rays and the boxes of their findings."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache
from multiprocessing import get_context

import numpy as np
import pytest

from mrg_helpers.phantom import anatomy, physics
from mrg_helpers.phantom.patients import FINDINGS, VIEWS, Finding, Patient, boxed, sample_patient
from mrg_helpers.phantom.solids import (
    FIELD_CM,
    HalfSpace,
    Intersection,
    Rays,
    Tube,
    chord,
    ellipsoid,
    rotation,
    union_length,
)
from mrg_helpers.phantom.tubes import tube_map

SIZE = 192


@cache
def patients(count: int = 400) -> tuple[Patient, ...]:
    return tuple(sample_patient(0, index) for index in range(count))


def healthy(**changes) -> Patient:
    """A standard patient without findings, standing straight."""
    plain = {"sex": "M", "age": 40, "height": 1.0, "build": 0.3, "heart": 0.45, "breath": 0.0, "turn": 0.0, "tilt": 0.0}
    return Patient(index=0, seed=0, **{**plain, **changes})


def with_finding(name: str, **details) -> Patient:
    kind = FINDINGS[name]
    usual = {"side": kind.sides[0], "place": kind.places[0], "degree": kind.degrees[-1], "size_cm": kind.size_cm[1]}
    patient = replace(healthy(), findings=(Finding(name, **{**usual, "amount": 0.8, **details}),))
    return replace(patient, findings=tuple(boxed(patient)))


def attenuation(patient: Patient, view: str = "frontal", size: int = SIZE) -> np.ndarray:
    """The picture without film, noise and marker."""
    return physics.attenuation(physics.thickness(physics.posed(patient, view), size))


def marched(contains, x: float, z: float, step: float = 0.002) -> float:
    """Length of a ray inside a shape, by walking along it."""
    y = np.arange(-30, 30, step)
    return step * float(contains(np.stack([np.full_like(y, x), y, np.full_like(y, z)], axis=1)).sum())


@pytest.mark.parametrize("seed", range(5))
def test_chord_of_an_ellipsoid_equals_ray_marching(seed):
    rng = np.random.default_rng(seed)
    ball = ellipsoid(rng.uniform(-4, 4, 3), rng.uniform(2, 7, 3), lean=rng.uniform(-90, 90), nod=rng.uniform(-90, 90))
    half = Intersection((ball, HalfSpace(rng.normal(size=3), float(rng.normal()))))
    for shape in (ball, half, half.moved(1.1 * rotation(turn=20, lean=5))):
        for x, z in rng.uniform(-5, 5, (12, 2)):
            rays = Rays(np.array([[x]], np.float32), np.array([[z]], np.float32))
            assert chord(shape, rays).item() == pytest.approx(marched(shape.contains, x, z), abs=0.02)


@pytest.mark.parametrize("direction", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 2, -1), (-0.3, -2, 0.5)])
def test_chord_of_a_tube_equals_ray_marching(direction):
    axis = np.array(direction) / np.linalg.norm(direction)
    middle, length, radius, size = np.array([1.5, 2.0, -3.03]), 5.0, 1.7, 256
    drawn = tube_map([(Tube((middle - 2.5 * axis)[None], (middle + 2.5 * axis)[None], np.array([radius])), 1.0)], size)

    def contains(points):
        along = (points - middle) @ axis
        return (np.abs(along) <= length / 2) & (((points - middle) ** 2).sum(1) - along**2 <= radius**2)

    rays = Rays.grid(size)
    rows, columns = np.nonzero(drawn)
    for row, column in list(zip(rows, columns, strict=True))[:: len(rows) // 60]:
        expected = marched(contains, rays.x[0, column], rays.z[row, 0], 0.004)
        assert drawn[row, column] == pytest.approx(expected, abs=0.08)
    assert drawn.sum() * (FIELD_CM / size) ** 2 == pytest.approx(np.pi * radius**2 * length, rel=0.03)  # its volume


def test_a_tube_may_stick_out_of_the_image_and_a_hollow_one_is_lighter():
    across = (np.array([[-40.0, 0, 1.0]]), np.array([[40.0, 0, 1.0]]), np.array([1.5]))
    solid, hollow = tube_map([(Tube(*across), 1.0)], 64), tube_map([(Tube(*across, core=0.8), 1.0)], 64)
    assert np.allclose(solid.max(0), solid.max(), rtol=1e-3) and solid.max() == pytest.approx(3, abs=0.1)
    assert 0 < hollow.max() < solid.max() and (hollow <= solid + 1e-4).all()
    assert not tube_map([(Tube(across[0] + 90, across[1] + 90, across[2]), 1.0)], 64).any()


def test_union_counts_what_overlaps_once():
    rng = np.random.default_rng(0)
    ends = np.sort(rng.uniform(0, 10, (5, 2, 40)), axis=1).astype(np.float32)
    steps = np.linspace(0, 10, 20001)
    for ray in range(40):
        covered = np.any([(steps > a) & (steps < b) & (steps > 2) & (steps < 9) for a, b in ends[:, :, ray]], axis=0)
        length = union_length(
            [(a[ray : ray + 1], b[ray : ray + 1]) for a, b in ends], (np.float32([2]), np.float32([9]))
        )
        assert length.item() == pytest.approx(covered.mean() * 10, abs=0.01)


def test_the_thicknesses_sum_to_the_body():
    maps = physics.thickness(physics.posed(healthy()), SIZE)
    assert set(maps) == set(physics.MU)
    assert all(thick.shape == (SIZE, SIZE) and thick.min() > -0.2 for thick in maps.values())
    middle = sum(maps.values())[SIZE // 2, SIZE // 2]
    assert 15 < middle < 30  # cm from back to front


def test_same_seed_same_patient_in_any_order_and_process():
    forwards = [sample_patient(3, index) for index in range(12)]
    assert [sample_patient(3, index) for index in reversed(range(12))][::-1] == forwards
    assert sample_patient(4, 0) != forwards[0]
    here = [physics.render(patient, 64, view).tobytes() for patient in forwards[:3] for view in VIEWS]
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert list(pool.map(picture_bytes, [(3, index, view) for index in range(3) for view in VIEWS])) == here


def picture_bytes(job: tuple[int, int, str]) -> bytes:
    return physics.render(sample_patient(job[0], job[1]), 64, job[2]).tobytes()


def test_shares_of_normals_and_of_each_finding():
    drawn = patients()
    assert 0.30 < np.mean([patient.normal for patient in drawn]) < 0.42
    assert {len(patient.findings) for patient in drawn} == {0, 1, 2, 3, 4}
    counts = Counter(finding.name for patient in drawn for finding in patient.findings)
    assert set(counts) == set(FINDINGS) and min(counts.values()) >= 20 and max(counts.values()) <= 60


def test_the_details_are_those_of_the_table_and_go_together():
    for patient in patients():
        names = [finding.name for finding in patient.findings]
        assert len(set(names)) == len(names) and not {"hyperinflation", "low lung volumes"} <= set(names)
        for f in patient.findings:
            kind = FINDINGS[f.name]
            assert f.side in kind.sides and f.place in kind.places and f.degree in kind.degrees
            assert kind.size_cm[0] <= f.size_cm <= kind.size_cm[1]
            assert not (f.name == "airspace opacity" and f.place == "middle" and f.side != "right")
        air, fluid = patient.find("pneumothorax"), patient.find("pleural effusion")
        assert not (air and fluid and set(air.sides) & set(fluid.sides))


def test_every_finding_has_a_box_in_each_view_where_it_can_be_seen():
    for patient in patients():
        for finding in patient.findings:
            assert set(finding.boxes) == set(FINDINGS[finding.name].views)
            for left, top, right, bottom in finding.boxes.values():
                assert 0 <= left < right <= 1 and 0 <= top < bottom <= 1


LOCAL = ["pleural effusion", "pneumothorax", "nodule", "calcified granuloma", "airspace opacity", "atelectasis", "hiatal hernia",
         "pacemaker", "central line", "sternotomy wires"]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", LOCAL)
def test_the_box_holds_what_the_finding_changes(name, view):
    patient = with_finding(name, spot=(0.3, 0.5, 0.6))
    change = np.abs(attenuation(patient, view) - attenuation(patient.without(name), view))
    left, top, right, bottom = patient.findings[0].boxes[view]
    margin = 0.02
    at = (np.arange(SIZE) + 0.5) / SIZE
    inside = ((at > top - margin) & (at < bottom + margin))[:, None] & ((at > left - margin) & (at < right + margin))
    assert change.sum() > 1
    assert change[inside].sum() > 0.85 * change.sum()


@pytest.mark.parametrize("name", sorted(FINDINGS))
def test_every_finding_changes_the_picture_and_nothing_else_in_the_patient(name):
    patient = with_finding(name)
    assert patient.without(name) == healthy()
    assert np.abs(attenuation(patient) - attenuation(healthy())).max() > 0.15


def test_left_is_at_the_viewers_right():
    for name in ("nodule", "pleural effusion", "pneumothorax", "airspace opacity", "atelectasis"):
        left, _, right, _ = with_finding(name, side="left", place=FINDINGS[name].places[0]).findings[0].boxes["frontal"]
        assert (left + right) / 2 > 0.5
        left, _, right, _ = with_finding(name, side="right").findings[0].boxes["frontal"]
        assert (left + right) / 2 < 0.5


def test_the_marker_stands_at_the_viewers_right_of_the_frontal_view():
    for patient in patients()[:10]:
        image = physics.render(patient, 256).astype(int)
        corners = image[:44, 218:], image[:44, :38]
        assert corners[0].max() > 230 and (corners[0] > 230).sum() > (corners[1] > 230).sum() + 10


def cardiothoracic_ratio(patient: Patient) -> float:
    """The widest part of the heart over the widest part of the lungs."""
    solids = physics.posed(patient)
    heart = physics.path_length([solid for solid in solids if solid.part == "heart"], SIZE)
    organs = [solid for solid in solids if solid.material == "organ"]
    lungs = physics.path_length([solid for solid in solids if solid.material == "lung"], SIZE, organs)
    widths = [np.ptp(np.flatnonzero((part > 0.3).any(0))) for part in (heart, lungs)]
    return widths[0] / widths[1]


def test_the_heart_widens_with_the_degree_of_cardiomegaly():
    assert 0.40 < cardiothoracic_ratio(healthy()) < 0.50
    ratios = [cardiothoracic_ratio(with_finding("cardiomegaly", amount=amount)) for amount in (0.12, 0.37, 0.62, 0.87)]
    assert ratios == sorted(ratios) and 0.48 < ratios[0] < 0.55 and 0.62 < ratios[-1] < 0.75


def test_effusion_brightens_the_base_of_its_side_and_rises_at_the_wall():
    change = attenuation(with_finding("pleural effusion", side="right", amount=0.5)) - attenuation(healthy())
    third = SIZE // 3
    base = change[2 * third - 20 : 2 * third + 20]
    assert base[:, : SIZE // 2].mean() > 20 * abs(base[:, SIZE // 2 :].mean())
    tops = [np.flatnonzero(change[:, column] > 0.3).min() for column in (SIZE // 5, SIZE // 3)]
    assert tops[0] < tops[1]  # the meniscus: higher at the wall than in the middle


def test_pneumothorax_is_darker_and_has_no_vessels():
    solids = anatomy.build(with_finding("pneumothorax", side="left", amount=0.8))
    lung = next(solid.shape for solid in solids if solid.part == "left lung")
    vessels = next(solid.shape for solid in solids if solid.part == "left pulmonary vessels")
    assert lung.contains(vessels.stop[9:]).all()
    change = attenuation(with_finding("pneumothorax", side="left", amount=0.8)) - attenuation(healthy())
    assert change[SIZE // 6 : SIZE // 3, SIZE * 6 // 10 : SIZE * 7 // 10].mean() < -0.2


def test_volume_moves_the_diaphragm():
    def lung_height(patient: Patient) -> int:
        lung = physics.thickness(physics.posed(patient), SIZE)["lung"][:, SIZE * 3 // 10]
        return int((lung > 3).sum())

    low, usual, high = map(lung_height, (with_finding("low lung volumes"), healthy(), with_finding("hyperinflation")))
    assert low + 8 < usual < high - 4


def test_a_view_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="frontal, lateral"):
        physics.render(healthy(), 64, "oblique")
