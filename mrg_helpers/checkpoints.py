"""What a training that was cut short needs to go on, in one file that is replaced in one piece. Of ``training.fit``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import paths

if TYPE_CHECKING:
    from .models.base import ReportModel


class TrainingStopped(RuntimeError):
    """Training cannot go on: the loss is not a number, or the checkpoint belongs to another model."""


def _variables(model: ReportModel, optimizer) -> list:
    """All that an epoch leaves to the next; the dropout generators are set anew in every epoch."""
    return [*(v for v in model.variables if "seed_generator" not in v.path), *optimizer.variables]


def save_checkpoint(folder: Path, model: ReportModel, optimizer, history: list[dict]) -> None:
    """Write the weights, the optimizer's variables and the records of all epochs so far to ``folder/checkpoint.npz``."""
    values = {f"v{k}": v.numpy() for k, v in enumerate(_variables(model, optimizer))}
    with paths.replacing(folder / "checkpoint.npz") as temporary:
        np.savez(temporary, history=np.array(json.dumps(history)), **values)


def restore_checkpoint(folder: Path, model: ReportModel, optimizer) -> list[dict]:
    """Put the checkpoint's values into the variables and return its history; an empty one where there is no checkpoint."""
    path = folder / "checkpoint.npz"
    if not path.exists():
        return []
    variables = _variables(model, optimizer)
    with np.load(path) as stored:
        if [tuple(v.shape) for v in variables] != [stored[f"v{k}"].shape for k in range(len(stored.files) - 1)]:
            raise TrainingStopped(f"{path}: the checkpoint of another model; choose another folder or delete this one")
        for number, variable in enumerate(variables):
            variable.assign(stored[f"v{number}"])
        return json.loads(str(stored["history"]))
