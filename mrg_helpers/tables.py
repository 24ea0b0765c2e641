"""A table of your own: one CSV with a column of images and a column of reports, whatever they are called.

Explained in ``notebooks/01_explore_reports_and_images.ipynb`` and in ``data/README.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from .layouts import SPLITS, Drop, Found, csv_rows, path_inside, text_of, view_of
from .reports import SECTIONS, split_sections

# The names under which a column is looked for, in lower case without blanks and marks; the first that fits is taken.
COLUMNS = {
    "image": ("image", "images", "imagepath", "imagefile", "imagename", "filename", "file", "filepath", "path", "img"),
    "report": ("report", "reports", "reporttext", "text", "clinicalnotes", "clinicalnote", "notes", "note", "caption"),
    "findings": ("findings",),
    "impression": ("impression", "impressions", "conclusion"),
    "indication": ("indication", "history"),
    "comparison": ("comparison",),
    "patient": ("patient", "patientid", "subject", "subjectid"),
    "study": ("study", "studyid", "accession", "accessionnumber", "reportid"),
    "view": ("view", "views", "projection", "viewposition"),
    "split": ("split", "subset", "partition"),
    "tags": ("tags", "labels", "label", "finding", "mesh", "problems"),
}


def find_columns(header: Iterable[str], source: str = "the table") -> dict[str, str]:
    """Which column of a table means what, by the names in `COLUMNS`.

    Returns:
        meaning -> column name, for the meanings that were found.

    Raises:
        ValueError: if there is no column of images, or none of texts.
    """
    plain: dict[str, str] = {}
    for name in header:
        plain.setdefault(re.sub(r"[^a-z0-9]", "", (name or "").lower()), name)
    columns = {
        meaning: plain[next(name for name in names if name in plain)]
        for meaning, names in COLUMNS.items()
        if not plain.keys().isdisjoint(names)
    }
    for need in (("image",), ("report", "findings", "impression")):
        if columns.keys().isdisjoint(need):
            accepted = ", ".join(name for meaning in need for name in COLUMNS[meaning])
            names = ", ".join(plain.values())
            raise ValueError(f"{source}: no {need[0]} column among: {names}; rename yours to one of: {accepted}")
    return columns


def read_table(path: Path, progress: bool = True) -> Found:
    """A CSV of one's own, a row per image: see `COLUMNS` for the names of its columns.

    Rows with the same study id are one study, and without that column each row is one. A text with headings such as
    "FINDINGS:" is cut at them, and any other counts as findings. Image paths may be relative to the table or to
    ``images`` beside it and must stay inside that folder, so that a table from elsewhere cannot pull in other files;
    an absolute path is taken as it is.
    """
    found, studies = Found(f"table {path}"), {}
    header, rows = csv_rows(path)
    columns = find_columns(header, str(path))
    for number, row in enumerate(rows, 2):
        if None in row:
            found.dropped.append(Drop(1, 1, "row with more cells than the header", f"row {number}"))
            continue
        cell = {meaning: text_of(row[column]) for meaning, column in columns.items()}
        name = cell["image"].replace("\\", "/")
        if not name:
            found.dropped.append(Drop(1, 1, "row without an image name", f"row {number}"))
            continue
        study = studies.setdefault(
            cell.get("study") or f"\0{number}", {"images": [], "views": [], "texts": [], "splits": []}
        )
        study["images"].append(path_inside(path.parent, name))
        study["views"].append(view_of(cell.get("view", "")))
        sections = split_sections(cell.get("report", ""))
        study["texts"].append({s: cell.get(s) or sections[s] for s in SECTIONS})
        study.setdefault("name", cell.get("study") or name)
        study.setdefault("patient", cell.get("patient") or study["name"])
        study.setdefault("tags", [tag.strip() for tag in re.split("[;|]", cell.get("tags", "")) if tag.strip()])
        study["splits"].append(SPLITS.get(cell.get("split", "").lower(), ""))
        if cell.get("split") and not study["splits"][-1]:
            found.notes.append(Drop(0, 0, f"split {cell['split']!r} is none of train, val, test", f"row {number}"))
    for study in studies.values():
        sections = {s: " ".join(dict.fromkeys(texts[s] for texts in study["texts"] if texts[s])) for s in SECTIONS}
        split = max(study["splits"], key=("", "train", "val", "test").index)
        if len(set(study["splits"])) > 1:
            found.notes.append(Drop(1, 0, "rows of one study in several splits, put in the strictest", study["name"]))
        rest = {"tags": study["tags"], "split": split, **sections}
        found.add(study["name"], study["patient"], study["images"], study["views"], **rest)
    return found
