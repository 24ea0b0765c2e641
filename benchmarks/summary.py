"""From measurements to the rows of the table, and to what the whole of MIMIC-CXR would cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .cases import Case
from .measured import Measured

IMAGES, REGIONS, CHANNELS, EPOCHS = 377_110, 64, 2048, 30  # of MIMIC-CXR-JPG 2.0; of mixed10; of the full profile
USUAL_GPU = 50e12  # operations a second in float32, for an estimate where no GPU was measured


def rows(chosen: dict[str, Case], results: dict[str, dict[str, Measured]], limits: dict, folder: Path) -> list[dict]:
    """One dictionary a row: what, reference, ours, ratio, spread, share of the limit, peak memory, and what was aimed at."""
    made = []
    for name, case in chosen.items():
        found = results[name]
        if "ours" in found:
            made.append(_row(name, case, found["ours"], found.get("reference"), limits, folder))
            continue
        first = next(iter(found.values()))
        for variant, one in found.items():
            row = _row(name, case, one, first, limits, folder)
            own = {"what": f"{case.what}: {int(variant):,}", "count": int(variant), "reference": None}
            made.append(row | own | {"reference_memory": None})  # its ratio is that to the smallest
    return made


def _row(name: str, case: Case, ours: Measured, other: Measured | None, limits: dict, folder: Path) -> dict:
    timed = bool(ours.seconds)
    values = dict(ours.values) | (_differences(name, folder) if other else {})
    row = {
        "name": name,
        "what": case.what,
        "unit": case.unit,
        "reference": _shown(case, other),
        "ours": _shown(case, ours),
        "ratio": ours.rate / other.rate if timed and other else None,
        "spread": ours.spread if timed else None,
        "reference_spread": other.spread if timed and other else None,
        "share": ours.flop * ours.rate / limits[ours.precision] if timed and ours.flop else None,
        "memory": ours.memory,
        "reference_memory": other.memory if other else None,
        "device_memory": ours.device,
        "seconds": {"ours": ours.seconds, "reference": other.seconds if other else []},
        "values": values,
        "notes": [note for note in [ours.note, f"reference: {other.note}" if other and other.note else ""] if note],
        "aims": case.aims,
    }
    return row | {"missed": missed(row)}


def _shown(case: Case, measured: Measured | None) -> float | None:
    """A rate or a time, as the row's unit asks."""
    if measured is None or not measured.seconds:
        return None
    return measured.time if case.unit == "s" else measured.rate


def missed(row: dict) -> list[str]:
    """The names of the aims that were measured and not reached."""
    at_least = {"ratio": row["ratio"], "share": row["share"], "cosine": row["values"].get("cosine")}
    at_most = {
        "seconds": row["ours"],
        "memory": row["memory"],
        "difference": max((value for name, value in row["values"].items() if "difference" in name), default=None),
    }
    aims = row["aims"]
    few = [name for name, value in at_least.items() if name in aims and value is not None and not value >= aims[name]]
    many = [name for name, value in at_most.items() if name in aims and value is not None and not value <= aims[name]]
    return few + many


def _differences(name: str, folder: Path) -> dict[str, float]:
    """How far the two ways of a case are from each other, where they left arrays in ``folder``."""
    files = [folder / f"{name}-{variant}.npz" for variant in ("reference", "ours")]
    if not all(file.exists() for file in files):
        return {}
    with np.load(files[0]) as one, np.load(files[1]) as other:
        if "tokens" in one:
            same = [bool((a == b).all()) for a, b in zip(one["tokens"], other["tokens"], strict=True)]
            return {"same texts": sum(same), "of": len(same), "different texts": len(np.unique(one["tokens"], axis=0))}
        apart = {key: np.linalg.norm(one[key] - other[key]) / max(np.linalg.norm(one[key]), 1e-12) for key in one.files}
        loss = apart.pop("loss")
        return {"loss difference": float(loss), "gradient difference": float(max(apart.values()))}


def whole_collection(found: dict) -> str:
    """What the whole of MIMIC-CXR costs at the measured rates; empty where the rates were not measured."""
    by_name = {row["name"]: row for row in found["rows"]}
    if not {"extraction", "step", "greedy"} <= set(by_name):
        return ""
    sizes = found["sizes"]
    rate = by_name["extraction"]["ours"]
    hours = {
        "features": IMAGES / rate / 3600,
        "epoch": IMAGES / sizes["reports"] * by_name["step"]["ours"] / 3600,
        "reports": IMAGES / sizes["written"] * by_name["greedy"]["ours"] / 3600,
    }
    gigabytes = 2 * IMAGES * REGIONS * CHANNELS / 1e9
    where = found["machine"]["gpu"] or f"{found['machine']['cores']} cores"
    text = (
        f"The whole of MIMIC-CXR, {IMAGES:,} images, at these rates ({where}): features {hours['features']:.1f} hours and "
        f"{gigabytes:.1f} GB in float16; an epoch of one report an image, {sizes['words']} words each, {hours['epoch']:.1f} hours, "
        f"{EPOCHS} epochs {EPOCHS * hours['epoch']:.0f}; a report for every image {hours['reports']:.1f} hours."
    )
    if found["machine"]["gpu"]:
        return text
    faster = USUAL_GPU / found["limits"]["float32"]
    minutes = {name: 60 * value / faster for name, value in hours.items()}
    return text + (
        f" An estimate, not a measurement: a GPU that multiplies float32 at {USUAL_GPU / 1e12:.0f} TFLOP/s, {faster:.0f} times as "
        f"fast as this machine, takes {minutes['features']:.1f} minutes for the features and {minutes['epoch']:.1f} for an epoch, "
        "if it is used to the same share; run this there to know."
    )
