"""The trained model that comes with the project, so that what needs a model opens at once: ``data/pretrained/``.

It is used where it fits and nowhere else: for the phantom and the settings that it was trained with, on features that were brought
to scale by the same statistics (their principal components are the axes that the model knows). Everything else is trained.
``python -m mrg_helpers prepare pretrained`` makes the files again. Used by ``stages``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd

from . import paths

FOLDER = Path(__file__).resolve().parent.parent / "data" / "pretrained"
INDEX, STATISTICS, MODEL, CURVES = "index.json", "statistics.npz", "model.keras", "curves.csv"


def index(folder: Path = FOLDER) -> dict:
    """What there is: ``"features"`` and ``"model"``, the names of the artefacts that the files are of, ``"made with"`` and
    ``"files"``, a checksum (SHA-256) for each. Empty where there is nothing, as in an installation without the data.

    Raises:
        ValueError: if a file is not what it should be.
    """
    path = folder / INDEX
    if not path.is_file():
        return {}
    found = json.loads(path.read_text(encoding="utf-8"))
    for name, wanted in found["files"].items():
        if not (folder / name).is_file() or checksum(folder / name) != wanted:
            raise ValueError(
                f"{folder / name}: not the file that the index of pretrained weights names; restore it, or delete the folder "
                "and go on without"
            )
    return found


def checksum(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def statistics(features: Path, folder: Path = FOLDER) -> Path | None:
    """The statistics for a folder of features (:func:`.extraction.extract` takes them), if there are some of that name."""
    return folder / STATISTICS if index(folder).get("features") == features.name else None


def take_model(model: Path, manifest: dict, folder: Path = FOLDER) -> bool:
    """Copy the trained model into the folder of a model, if it is that one; whether it was.

    Args:
        manifest: of the features that it will read; they have to be on the scale that it knows.
    """
    found = index(folder)
    if found.get("model") != model.name or manifest.get("statistics") != found["files"][STATISTICS]:
        return False
    from .training import write_curves

    with paths.replacing(model / MODEL) as temporary:
        shutil.copyfile(folder / MODEL, temporary)
    write_curves(model, pd.read_csv(folder / CURVES))
    paths.write_text(model / "finished", f"a pretrained model that came with the project: {found['made with']}\n")
    return True


def make(features: Path, model: Path, made_with: str, folder: Path = FOLDER) -> None:
    """Keep a finished model and the statistics of the features that it reads in ``folder``, with their index.

    Args:
        features, model: folders of these artefacts.
        made_with: the command that makes them.
    """
    from .training import read_curves

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    manifest = json.loads((features / "manifest.json").read_text(encoding="utf-8"))
    with np.load(features / "components.npz") as stored, paths.replacing(folder / STATISTICS) as temporary:
        np.savez_compressed(
            temporary, mean=manifest["mean"], std=manifest["std"],
            **{name: stored[name].astype("float16") if name == "vectors" else stored[name] for name in stored.files},
        )  # fmt: skip
    shutil.copyfile(model / MODEL, folder / MODEL)
    read_curves(model).to_csv(folder / CURVES, index=False, lineterminator="\n")
    files = {path.name: checksum(path) for path in sorted(folder.iterdir())}
    found = {"features": features.name, "model": model.name, "made with": made_with, "files": files}
    paths.write_text(folder / INDEX, json.dumps(found, indent=1) + "\n")
