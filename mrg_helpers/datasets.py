"""X-rays and their reports, from any supported layout to one table of studies, with a count of what was left out.

Explained in ``notebooks/01_explore_reports_and_images.ipynb``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from . import images, layouts, paths, tables
from .reports import SECTIONS, target_text
from .splits import SPLIT_NAMES, complete_split, duplicates, split_by_patient

__all__ = ["NAMES", "Studies", "duplicates", "load", "split_by_patient"]

NAMES = ("phantom", "iu_xray", "folder")
COLUMNS = ["study_id", "patient_id", "images", "views", *SECTIONS, "tags", "split"]
ATTRITION = ["step", "studies", "images", "reason", "names"]
_LISTS = ("images", "views", "tags", "names")


@dataclass
class Studies:
    """A data set, ready for everything that follows.

    Args:
        table: one row per study with the columns ``study_id``, ``patient_id``, ``images`` (list of absolute paths),
            ``views`` (list of frontal, lateral, unknown), ``indication``, ``comparison``, ``findings``, ``impression``
            (the empty string where missing), ``tags`` (list) and ``split`` (train, val, test).
        attrition: what was found, dropped (and why, with the ``names`` concerned) and kept: studies and images.
            "found" less all that was "dropped" is "kept"; "note" rows tell of what was changed or not used.
        name: ``"phantom"``, ``"iu_xray"`` or ``"folder"``.
        root: the folder or file it was loaded from.
    """

    table: pd.DataFrame
    attrition: pd.DataFrame
    name: str
    root: Path

    def summary(self) -> str:
        """The attrition table and the size of the splits as text; at most three names for each reason."""
        lines = [f"{self.name}: {self.root}", f"{'':8}{'studies':>9}{'images':>9}"]
        for row in self.attrition.itertuples():
            some = ", ".join(row.names[:3]) + (" …" if len(row.names) > 3 else "")
            reason = row.reason + (f": {some}" if some else "")
            lines.append(f"{row.step:8}{row.studies:9,}{row.images:9,}  {reason}".rstrip())
        sizes = self.table["split"].value_counts()
        lines.append("split   " + ", ".join(f"{name} {sizes.get(name, 0):,}" for name in SPLIT_NAMES))
        return paths.shortened("\n".join(lines))

    __str__ = summary

    def with_text(self, target: str) -> Studies:
        """The studies in which `reports.target_text` has something to say; the others are counted as dropped."""
        texts = self.table.apply(target_text, axis=1, target=target)
        log = self.attrition[self.attrition["step"] != "kept"].to_dict("records")
        table = _drop(self.table, texts == "", log, f"no text for the target {target}")
        return Studies(table, _attrition(log, table), self.name, self.root)

    def save(self, folder: str | os.PathLike) -> Path:
        """Write ``studies.csv``, ``attrition.csv`` and ``split.csv`` to a folder; `load` gives back exactly the same.

        ``studies.json`` goes last and holds their checksums, so that a set which was cut while writing is noticed.
        """
        folder = Path(folder)
        contents = {
            "studies.csv": _to_csv(self.table),
            "attrition.csv": _to_csv(self.attrition),
            "split.csv": _to_csv(self.table[["study_id", "patient_id", "split"]]),
        }
        checksums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        manifest = {"name": self.name, "root": str(self.root), "sha256": checksums}
        contents["studies.json"] = (json.dumps(manifest, indent=1) + "\n").encode()
        for name, content in contents.items():
            with paths.replacing(folder / name) as temporary:
                temporary.write_bytes(content)
        return folder

    @classmethod
    def load(cls, folder: str | os.PathLike) -> Studies:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: if nothing was saved there.
            ValueError: if the files do not belong together, because writing them was cut or one was changed.
        """
        folder = Path(folder)
        try:
            manifest = json.loads((folder / "studies.json").read_text(encoding="utf-8"))
            contents = {name: (folder / name).read_bytes() for name in manifest["sha256"]}
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"{error.filename}: no complete set of studies is saved here; save it again"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{folder / 'studies.json'} is broken ({error}); delete it and save it again") from None
        for name, content in contents.items():
            if hashlib.sha256(content).hexdigest() != manifest["sha256"][name]:
                raise ValueError(
                    f"{folder / name} was cut or changed since it was saved; delete the folder, save again"
                )
        attrition = _from_csv(contents["attrition.csv"], ATTRITION)
        attrition = attrition.astype({"studies": "int64", "images": "int64"})
        return cls(_from_csv(contents["studies.csv"], COLUMNS), attrition, manifest["name"], Path(manifest["root"]))


def load(
    name: str,
    root: str | os.PathLike,
    *,
    seed: int = 0,
    fractions: tuple[float, float, float] = (0.7, 0.1, 0.2),
    require_images: bool = True,
    check_images: bool = True,
    progress: bool = True,
) -> Studies:
    """Load a data set from disk, whatever its layout, and split it by patient.

    Args:
        name: ``"phantom"``; ``"iu_xray"`` in the layout of Open-i, Kaggle or R2Gen, found out from the files;
            ``"folder"`` for a table of your own (see `tables.read_table`).
        root: the folder of the data; or, to choose between several, a CSV or an annotation file itself.
        seed: of the split, where the data bring none.
        fractions: share of the patients in train, val and test.
        require_images: leave out studies without an image file. Without it every report is kept, and the paths of
            images say where they are expected: for work on the texts alone.
        check_images: look whether each image file is whole (only with ``require_images``).
        progress: show progress bars.

    Returns:
        The studies. Nothing is left out silently: ``print(studies)`` shows the attrition table.

    Raises:
        FileNotFoundError: if there is no such folder, or nothing of a supported layout in it.
        ValueError: for another name, a table or annotation file that cannot be read, or if no study is left.
    """
    if name not in NAMES:
        raise ValueError(f"data set {name!r}: choose one of {', '.join(NAMES)}")
    root = Path(os.path.abspath(Path(root).expanduser()))
    found = _reader(name, root)(progress)
    table = pd.DataFrame(found.studies, columns=COLUMNS)
    log: list[dict] = []
    n_studies = len(table) + sum(drop.studies for drop in found.dropped)
    n_images = _n_images(table) + sum(drop.images for drop in found.dropped)
    _log(log, "found", n_studies, n_images, found.source)
    _log_drops(log, "dropped", found.dropped)
    table = _drop(table, table["study_id"].duplicated(), log, "study id occurs before")
    table = _drop(table, (table[list(SECTIONS)] == "").all(axis=1), log, "no text in any section")
    seen: set[str] = set()
    table = _drop_images(table, lambda path: path in seen or seen.add(path), log, "image listed more than once")
    if require_images:
        table = _drop(table, table["images"].map(len) == 0, log, "no image listed")
        table = _drop_images(table, lambda path: not Path(path).is_file(), log, "image file missing")
        if check_images:
            broken = _unreadable([path for files in table["images"] for path in files], progress)
            table = _drop_images(table, broken.get, log, "image file unreadable")
        table = _drop(table, table["images"].map(len) == 0, log, "no image left")
    _log_drops(log, "note", found.notes)
    table["split"], changes = complete_split(table, seed, fractions)
    for reason, studies in changes:
        _log(log, "note", len(studies), 0, reason, studies)
    studies = Studies(table, _attrition(log, table), name, root)
    if table.empty:
        raise ValueError(f"no study can be used, see what was dropped and why:\n{studies}")
    return studies


def _reader(name: str, root: Path) -> Callable[[bool], layouts.Found]:
    """The reader for what lies in ``root``; one clear error if nothing does."""
    looked_for = {
        "phantom": "ecgen-radiology/*.xml with truth.json, as phantom.write makes them",
        "iu_xray": "XML files (Open-i), or indiana_reports.csv with indiana_projections.csv (Kaggle), or annotation.json "
        "(R2Gen); `python -m mrg_helpers prepare iu_xray` downloads the first",
        "folder": "exactly one CSV file with a column of images and a column of reports",
    }[name]
    if name == "folder":
        candidates = [root] if root.is_file() else sorted(root.glob("*.csv"))
        if len(candidates) == 1:
            return lambda progress: tables.read_table(candidates[0], progress)
        if candidates:
            looked_for += "; there are " + ", ".join(path.name for path in candidates) + ": name the one to use"
    elif root.is_file():
        if name == "iu_xray" and root.suffix == ".json":
            return lambda progress: layouts.read_r2gen(root, progress)
    elif root.is_dir():
        here = (root / "ecgen-radiology").is_dir()
        if name == "phantom" and here and (root / "truth.json").is_file() or name == "iu_xray" and here:
            return lambda progress: layouts.read_openi(root, progress)
        if name == "iu_xray" and all(
            (root / file).is_file() for file in (layouts.REPORTS_CSV, layouts.PROJECTIONS_CSV)
        ):
            return lambda progress: layouts.read_kaggle(root, progress)
        for annotation in (root / file for file in layouts.ANNOTATIONS):
            if name == "iu_xray" and annotation.is_file():
                return lambda progress: layouts.read_r2gen(annotation, progress)
        if name == "iu_xray" and next(root.rglob("*.xml"), None):
            return lambda progress: layouts.read_openi(root, progress)
    raise FileNotFoundError(f"{root}: found no data set {name!r} here; looked for {looked_for}")


def _n_images(table: pd.DataFrame) -> int:
    return int(table["images"].map(len).sum())


def _log(log: list[dict], step: str, studies: int, n_images: int, reason: str, names: Iterable[str] = ()) -> None:
    log.append({"step": step, "studies": studies, "images": n_images, "reason": reason, "names": list(names)})


def _log_drops(log: list[dict], step: str, drops: list[layouts.Drop]) -> None:
    """One row for each reason."""
    for reason in dict.fromkeys(drop.reason for drop in drops):
        same = [drop for drop in drops if drop.reason == reason]
        counts = sum(drop.studies for drop in same), sum(drop.images for drop in same)
        _log(log, step, *counts, reason, [drop.name for drop in same])


def _drop(table: pd.DataFrame, which: pd.Series, log: list[dict], reason: str) -> pd.DataFrame:
    """The table without some studies, which are logged with their images."""
    if which.any():
        _log(log, "dropped", int(which.sum()), _n_images(table[which]), reason, table["study_id"][which])
    return table[~which.astype(bool)].reset_index(drop=True)


def _drop_images(table: pd.DataFrame, wrong: Callable[[str], object], log: list[dict], reason: str) -> pd.DataFrame:
    """The table without some images, which are logged; ``wrong(path)`` may answer with a better name than the path's."""
    table, names, rows = table.copy(), [], []
    for files, views in zip(table["images"], table["views"], strict=True):
        answers = [wrong(path) for path in files]
        names += [why if isinstance(why, str) else Path(p).name for p, why in zip(files, answers, strict=True) if why]
        rows.append([pair for pair, why in zip(zip(files, views, strict=True), answers, strict=True) if not why])
    if names:
        _log(log, "dropped", 0, len(names), reason, names)
        table["images"] = [[path for path, _ in row] for row in rows]
        table["views"] = [[view for _, view in row] for row in rows]
    return table


def _unreadable(files: list[str], progress: bool) -> dict[str, str]:
    """path -> its name and what is wrong with it, for the image files that cannot be read."""

    def problem(path: str) -> str:
        try:
            images.check(path)
        except images.ImageError as error:
            return str(error).replace(path, Path(path).name)
        return ""

    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        work = tqdm(pool.map(problem, files), total=len(files), desc="images", unit="", disable=not progress)
        return {path: wrong for path, wrong in zip(files, work, strict=True) if wrong}


def _attrition(log: list[dict], table: pd.DataFrame) -> pd.DataFrame:
    _log(log, "kept", len(table), _n_images(table), "")
    return pd.DataFrame(log, columns=ATTRITION)


def _to_csv(table: pd.DataFrame) -> bytes:
    """UTF-8 with plain line ends on every system; lists as JSON."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.to_dict("records"):
        writer.writerow([json.dumps(v, ensure_ascii=False) if k in _LISTS else v for k, v in row.items()])
    return text.getvalue().encode()


def _from_csv(content: bytes, columns: list[str]) -> pd.DataFrame:
    csv.field_size_limit(2**24)  # the names of thousands of missing images stand in one cell
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    records = [{k: json.loads(v) if k in _LISTS else v for k, v in row.items()} for row in rows]
    return pd.DataFrame(records, columns=columns)
