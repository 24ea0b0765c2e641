"""Phantom patients as a collection on disk, in the layout in which Open-i hands out the Indiana University collection.

::

    root/ecgen-radiology/<k>.xml              the report of study CXR<k>: sections, tags, its images in their order
    root/images/CXR<k>_IM-<nnnn>-1001.png     frontal, as an image with the viewer's right = the patient's left
    root/images/CXR<k>_IM-<nnnn>-2001.png     lateral
    root/truth.json                           what is wrong with each patient, and where in each image
    root/phantom.json                         seed, number, size: written last, so that it stands for a complete set

As in the collection, one study in eight has one image only and one in nine lists the lateral view first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from io import BytesIO
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar
from xml.etree import ElementTree

import numpy as np
from PIL import Image
from tqdm import tqdm

from .. import paths
from .grammar import Report, write_report
from .patients import Finding, Patient, sample_patient
from .physics import render

VERSION = 1  # raised whenever the same seed gives other bytes
REPORTS, IMAGES, TRUTH = "ecgen-radiology", "images", "truth.json"
MANIFEST, UNFINISHED = "phantom.json", "phantom.part.json"
T = TypeVar("T")
ONE_IMAGE, LATERAL_FIRST = 0.12, 0.11
NUMBERS = {"frontal": "1001", "lateral": "2001"}


def write(
    root: str | Path, n: int, seed: int = 0, size: int = 512, progress: bool = True, workers: int | None = None
) -> Path:
    """Write ``n`` studies to the folder ``root`` and return it; what is there already is kept.

    Study ``k`` depends on ``seed`` and ``size`` alone, not on ``n`` or ``workers``: same seed, same bytes.
    A run that was killed is taken up where it stopped, and a complete set is returned at once (or made larger).

    Args:
        root: folder of the set; made if it is missing.
        n: number of studies, ``CXR1`` to ``CXR<n>``.
        seed: of the patients and their reports.
        size: height and width of the images in pixels.
        progress: show a bar on stderr.
        workers: processes; None takes one per CPU, 1 stays in this process.

    Raises:
        ValueError: ``root`` holds other data, or phantoms of another seed, size or version, or more than ``n``.

    >>> write("data/phantom", n=1500)  # doctest: +SKIP
    """
    root = Path(root)
    _refuse_other_data(root)
    with paths.locked(root):
        if _prepare(root, {"version": VERSION, "seed": seed, "size": size}, n):
            return root
        work = partial(_write_study, root, seed, size)
        bar = tqdm(
            _each(work, range(1, n + 1), workers),
            "phantom X-rays",
            n,
            unit="study",
            disable=not progress,
            mininterval=0.5,
        )
        _write_json(root / TRUTH, {"seed": seed, "size": size, "studies": dict(bar)})
        for part in root.rglob(f"{paths.PART}*"):  # of runs that were killed
            part.unlink(missing_ok=True)
        os.replace(root / UNFINISHED, root / MANIFEST)
    return root


def load_truth(root: str | Path) -> dict[str, list[Finding]]:
    """What is wrong in each study of a set, ``{"CXR1": [Finding, ...]}``, with the boxes in pixels of its images.

    Raises:
        FileNotFoundError: ``root`` holds no complete phantom set.
    """
    path = Path(root) / TRUTH
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: write the set with mrg_helpers.phantom.write first")
    studies = json.loads(path.read_text(encoding="utf-8"))["studies"]
    return {study_id: [_finding(**row) for row in study["findings"]] for study_id, study in studies.items()}


def _finding(name: str, side: str, place: str, degree: str, boxes: dict[str, list[float]]) -> Finding:
    return Finding(name, side, place, degree, boxes={view: tuple(box) for view, box in boxes.items()})


def _marks(root: Path) -> list[Path]:
    return [root / MANIFEST, root / UNFINISHED]


def _refuse_other_data(root: Path) -> None:
    """Looks before anything is written there, the lock included."""
    others = [path.name for path in root.iterdir() if not path.name.startswith(".")] if root.is_dir() else []
    if others and not any(mark.exists() for mark in _marks(root)):
        raise ValueError(f"{root} holds other data ({min(others)}): give an empty or a new folder for the phantoms")


def _prepare(root: Path, wanted: dict[str, int], n: int) -> bool:
    """Make the folders, or see whose they are. True when the set is complete."""
    found = next((json.loads(mark.read_text(encoding="utf-8")) for mark in _marks(root) if mark.exists()), None)
    found = found or {**wanted, "n": 0}
    if {key: found.get(key) for key in wanted} != wanted:
        raise ValueError(f"{root} holds phantoms made with {found}, not {wanted}: delete it or give another folder")
    if found["n"] > n:
        raise ValueError(f"{root} holds {found['n']} phantom studies, not {n}: delete it or give another folder")
    if found["n"] == n and (root / MANIFEST).exists():
        return True
    _write_json(root / UNFINISHED, {**wanted, "n": n})
    (root / MANIFEST).unlink(missing_ok=True)
    (root / REPORTS).mkdir(exist_ok=True)
    (root / IMAGES).mkdir(exist_ok=True)
    return False


def _each(work: Callable[[int], T], items: Sequence[int], workers: int | None) -> Iterator[T]:
    """``work(item)`` for each item, in order, in as many processes as is asked for.

    New processes are spawned, not forked, which is the same on every system and safe beside TensorFlow's threads. Where
    they cannot start (a script without ``if __name__ == "__main__"``), the rest is done in this one.
    """
    workers = workers or min(os.cpu_count() or 1, 1 + len(items) // 8)  # starting a process costs as much as 8 studies
    done = 0
    if workers > 1:
        try:
            with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
                for result in pool.map(work, items, chunksize=4):
                    yield result
                    done += 1
        except BrokenProcessPool:
            pass
    for item in items[done:]:
        yield work(item)


def _study(seed: int, k: int) -> tuple[Patient, tuple[str, ...], Report]:
    """Study ``k``: the patient, the views in the order in which they are listed, and the report."""
    patient = sample_patient(seed, k)
    rng = np.random.default_rng([seed, k, 1])  # another stream than the patient's own
    report = write_report(patient, rng)
    luck = rng.random()
    if luck < ONE_IMAGE:
        return patient, ("frontal",), report
    swapped = luck > 1 - LATERAL_FIRST * (1 - ONE_IMAGE)  # a share of those with two images
    return patient, ("lateral", "frontal") if swapped else ("frontal", "lateral"), report


def _image_id(k: int, view: str) -> str:
    return f"CXR{k}_IM-{k:04d}-{NUMBERS[view]}"


def _write_study(root: Path, seed: int, size: int, k: int) -> tuple[str, dict]:
    """Write the images and then the report of study ``k``, unless they are there; return its entry of truth.json."""
    patient, views, report = _study(seed, k)
    path = root / REPORTS / f"{k}.xml"  # the last file of a study: where it is, the images are too
    if not path.exists():
        for view in views:
            png = BytesIO()
            picture = Image.fromarray(render(patient, size, view))
            picture.save(png, format="PNG", compress_level=1, compress_type=Image.HUFFMAN_ONLY)  # noise has no repeats
            _write_bytes(root / IMAGES / f"{_image_id(k, view)}.png", png.getvalue())
        _write_bytes(path, _xml(k, report, views))
    return f"CXR{k}", _truth(patient, views, size)


def _truth(patient: Patient, views: tuple[str, ...], size: int) -> dict:
    """The entry of a study in truth.json; boxes in pixels, of the views that were written."""
    findings = [
        {
            "name": finding.name,
            "side": finding.side,
            "place": finding.place,
            "degree": finding.degree,
            "boxes": {v: [round(edge * size, 2) for edge in finding.boxes[v]] for v in views if v in finding.boxes},
        }
        for finding in patient.findings
    ]
    images = {_image_id(patient.index, view): view for view in views}
    return {"normal": patient.normal, "findings": findings, "views": images}


def _xml(k: int, report: Report, views: tuple[str, ...]) -> bytes:
    """The report in the XML of Open-i. Everything that is text is escaped by ElementTree."""
    root = ElementTree.Element("eCitation")

    def add(parent: ElementTree.Element, tag: str, text: str = "", **attributes: str) -> ElementTree.Element:
        element = ElementTree.SubElement(parent, tag, attributes)
        element.text = text or None
        return element

    add(root, "meta", type="rr")
    add(root, "uId", id=f"CXR{k}")
    add(root, "publisher", "synthetic patients, no person was X-rayed")
    add(root, "title", "Phantom chest X-ray collection")
    article = add(add(root, "MedlineCitation"), "Article")
    add(article, "ArticleTitle", "Phantom chest X-ray")
    abstract = add(article, "Abstract")
    for section in ("comparison", "indication", "findings", "impression"):
        add(abstract, "AbstractText", getattr(report, section), Label=section.upper())
    mesh = add(root, "MeSH")
    for tag in report.tags:
        add(mesh, "major", tag)
    for number, view in enumerate(views, 1):
        image = add(root, "parentImage", id=_image_id(k, view))
        add(image, "figureId", f"F{number}")
        add(image, "caption", "Xray Chest PA and Lateral")
        add(add(image, "panel", type="single"), "url", f"{IMAGES}/{_image_id(k, view)}.png")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _write_bytes(path: Path, content: bytes) -> None:
    with paths.replacing(path) as temporary:
        temporary.write_bytes(content)


def _write_json(path: Path, content: dict) -> None:
    _write_bytes(path, json.dumps(content, indent=1).encode())
