"""The layouts in which X-rays and their reports are handed out: one reader each, all giving the same `Found`.

==========  ======================================================================================================
Open-i      ``ecgen-radiology/*.xml`` (or XML anywhere below) and PNG in any folder; the original, and the phantom's
Kaggle      ``indiana_reports.csv``, ``indiana_projections.csv`` and images in any folder
R2Gen       ``annotation.json`` or ``r2gen_annotation.json`` with its own split, and ``images/``
==========  ======================================================================================================

A table of your own is read by `mrg_helpers.tables`. Readers open no image and judge no text; `mrg_helpers.datasets` does.
Explained in ``notebooks/01_explore_reports_and_images.ipynb``.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from defusedxml import DefusedXmlException, ElementTree
from tqdm import tqdm

from . import dicom
from .reports import SECTIONS

ANNOTATIONS = ("annotation.json", "r2gen_annotation.json")
REPORTS_CSV, PROJECTIONS_CSV = "indiana_reports.csv", "indiana_projections.csv"
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", *dicom.SUFFIXES}
SPLITS = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("val", "valid", "validate", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "tst", "holdout"), "test"),
}
_MISSING = {"", "nan", "null", "<na>"}


class Drop(NamedTuple):
    """Numbers of studies and images, why, and the name of the file, row or study concerned."""

    studies: int
    images: int
    reason: str
    name: str


@dataclass
class Found:
    """What a reader found.

    Args:
        source: the layout and where it lies, in words.
        studies: dicts with the columns of the studies table; ``images`` are absolute paths that need not exist.
        dropped: what was found and cannot be used.
        notes: what was changed or is not used, though nothing was dropped.
    """

    source: str
    studies: list[dict] = field(default_factory=list)
    dropped: list[Drop] = field(default_factory=list)
    notes: list[Drop] = field(default_factory=list)

    def add(self, study_id: str, patient_id: str, images: list, views: list[str], **rest) -> None:
        """Append one study; sections and tags that are not given are empty."""
        empty = {**dict.fromkeys(SECTIONS, ""), "tags": [], "split": ""}
        study = {
            "study_id": study_id,
            "patient_id": patient_id,
            "images": [str(path) for path in images],
            "views": views,
        }
        self.studies.append(study | empty | rest)


def csv_rows(path: Path, needed: tuple[str, ...] = ()) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows of a CSV in UTF-8 or, as spreadsheets write it, in Windows' encoding, with semicolons or tabs.

    Raises:
        ValueError: if the file is no CSV or a needed column is missing.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    first_line = text.partition("\n")[0]
    csv.field_size_limit(2**24)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first_line.count), restval="")
    try:
        header, rows = list(reader.fieldnames or ()), list(reader)
    except csv.Error as error:
        raise ValueError(f"{path} cannot be read as a CSV ({error}); save it again as CSV in UTF-8") from None
    missing = [name for name in needed if name not in header]
    if missing:
        raise ValueError(f"{path}: the column {missing[0]} is missing among: {', '.join(header)}; download it again")
    return header, rows


def text_of(cell: str | None) -> str:
    """A cell's text without blanks around it; the empty string for the ways in which tables write a missing value."""
    return "" if cell is None or cell.strip().lower() in _MISSING else cell.strip()


def view_of(name: str) -> str:
    """``"frontal"``, ``"lateral"`` or ``"unknown"`` for the ways in which tables write a view: PA, AP supine, LL…"""
    name = name.strip().lower()
    if re.search(r"\b(?:frontal|pa|ap|postero|antero)", name):
        return "frontal"
    return "lateral" if re.search(r"\bl(?:at|l)?(?:eral)?\b", name) else "unknown"


def path_inside(folder: Path, name: str) -> Path:
    """The path of an image that a table names: in ``folder``, else in its ``images``; an absolute name stays as it is.

    A relative name that leads out of the folder gets a path that does not exist.
    """
    if Path(name).is_absolute():
        return Path(name)
    candidates = [Path(os.path.normpath(base / name)) for base in (folder, folder / "images")]
    candidates = [path for path in candidates if path.is_relative_to(folder)]
    existing = [path for path in candidates if path.is_file()]
    return (existing or candidates or [folder / "images" / "(outside of the folder)" / Path(name).name])[0]


class ImageFiles:
    """The image files below a folder, found by name in either naming of the Indiana University collection.

    The original names ``CXR1_1_IM-0001-3001.png`` and ``CXR7_IM-2263-1001.png`` are the Kaggle copy's
    ``1_IM-0001-3001.dcm.png`` and ``7_IM-2263-1001.dcm.png``.
    """

    def __init__(self, root: Path):
        self.root = root
        self.by_name: dict[str, Path] = {}
        self.by_key: dict[str, Path] = {}
        self.used: set[Path] = set()
        paths = (Path(folder, name) for folder, _, names in os.walk(root) for name in names if name[0] != ".")
        for path in sorted(path for path in paths if path.suffix.lower() in IMAGE_SUFFIXES):
            self.by_name.setdefault(path.name, path)
            self.by_key.setdefault(self.key(path.name), path)

    @staticmethod
    def key(name: str) -> str:
        """The part that both namings share: "7_IM-2263-1001"."""
        stem = re.sub(r"(\.dcm)?(\.png|\.jpe?g)?$", "", name, flags=re.IGNORECASE)
        return re.sub(r"^(\d+)_\1_", r"\1_", stem.removeprefix("CXR"))

    def find(self, name: str) -> Path:
        """The file of that name, or the path where it was expected."""
        path = self.by_name.get(name) or self.by_key.get(self.key(name)) or self.root / "images" / name
        self.used.add(path)
        return path

    def unused(self) -> list[Drop]:
        """A note for each file that was never asked for."""
        left = sorted(path.name for path in {*self.by_key.values()} - self.used)
        return [Drop(0, 1, "image file that no report names, not used", name) for name in left]


def guess_views(names: list[str]) -> list[str]:
    """Views of one study's images by their numbers, where the collection does not tell them.

    Of two images the one with the lower number counts as frontal, the other as lateral. Otherwise a name that ends in
    1001 counts as frontal, in 1002 or 2001 as lateral, and any other as unknown. Against the 7,466 views that the
    Kaggle copy gives, 5 % stay unknown and 89 % of the others are right. The captions are of no help: the images of
    a study share one.
    """
    stems = [ImageFiles.key(name) for name in names]
    if len(stems) == 2:
        return ["frontal" if stem == min(stems) else "lateral" for stem in stems]
    known = {"1001": "frontal", "1002": "lateral", "2001": "lateral"}
    return [known.get(stem.rpartition("-")[2], "unknown") for stem in stems]


def read_openi(root: Path, progress: bool = True) -> Found:
    """XML reports and PNG images as Open-i distributes them; also the phantom's, with the views of ``truth.json``."""
    folder = root / "ecgen-radiology" if (root / "ecgen-radiology").is_dir() else root
    reports = sorted(folder.rglob("*.xml"), key=lambda path: (len(path.stem), path.name))
    files, found = ImageFiles(root), Found(f"Open-i layout, {len(reports):,} XML files in {folder}")
    truth_file = root / "truth.json"
    truth = json.loads(truth_file.read_text(encoding="utf-8"))["studies"] if truth_file.is_file() else {}
    for path in tqdm(reports, desc="reports", unit="", disable=not progress):
        try:
            xml = ElementTree.parse(path).getroot()
            study_id = xml.find(".//uId").attrib["id"]
        except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError, OSError):
            found.dropped.append(Drop(1, 0, "XML file broken", path.name))
            continue
        except AttributeError:
            found.dropped.append(Drop(1, 0, "XML file without the uId of an Open-i report", path.name))
            continue
        sections = dict.fromkeys(SECTIONS, "")
        for part in xml.iter("AbstractText"):
            label = part.get("Label", "").lower()
            if label in sections:
                sections[label] = f"{sections[label]} {''.join(part.itertext())}".strip()
        names = [image.get("id", "") for image in xml.iter("parentImage")]
        known = truth.get(study_id, {}).get("views", {})
        views = [known[name] for name in names] if set(names) <= set(known) else guess_views(names)
        tags = [tag.text.strip() for tag in xml.iterfind(".//MeSH/major") if tag.text]
        found.add(study_id, study_id, [files.find(f"{name}.png") for name in names], views, tags=tags, **sections)
    found.notes += files.unused()
    return found


def read_kaggle(root: Path, progress: bool = True) -> Found:
    """The Kaggle copy: one CSV of reports, one of images with their views."""
    files, found = ImageFiles(root), Found(f"Kaggle layout, {REPORTS_CSV} and {PROJECTIONS_CSV} in {root}")
    images: dict[str, list[tuple[Path, str]]] = {}
    for row in csv_rows(root / PROJECTIONS_CSV, ("uid", "filename", "projection"))[1]:
        images.setdefault(row["uid"], []).append((files.find(row["filename"]), view_of(row["projection"])))
    for row in csv_rows(root / REPORTS_CSV, ("uid", "findings", "impression"))[1]:
        paths, views = zip(*images.pop(row["uid"], []), strict=True) if row["uid"] in images else ((), ())
        sections = {name: text_of(row.get(name)) for name in SECTIONS}
        tags = [tag.strip() for tag in (row.get("MeSH") or "").split(";") if tag.strip()]
        found.add(f"CXR{row['uid']}", f"CXR{row['uid']}", list(paths), list(views), tags=tags, **sections)
    for uid, listed in images.items():
        found.dropped.append(Drop(0, len(listed), "images without a report", f"CXR{uid}"))
    found.notes += files.unused()
    return found


def read_r2gen(path: Path, progress: bool = True) -> Found:
    """The R2Gen copy: findings, two images a study (``0.png`` frontal, ``1.png`` lateral) and the paper's split."""
    found = Found(f"R2Gen layout, {path}")
    try:
        items = [
            (split, item) for split, items in json.loads(path.read_text(encoding="utf-8")).items() for item in items
        ]
        for split, item in items:
            study_id = re.sub(r"^(CXR\d+)_.*", r"\1", item["id"])
            names = item["image_path"]
            views = ["frontal", "lateral"] if len(names) == 2 else ["unknown"] * len(names)
            found.add(
                study_id,
                study_id,
                [path_inside(path.parent / "images", name) for name in names],
                views,
                findings=text_of(item["report"]),
                split=SPLITS.get(split.lower(), ""),
            )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not an annotation file of R2Gen ({error!r}); download it again") from None
    return found
