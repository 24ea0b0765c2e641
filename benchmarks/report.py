"""The table on the screen, the JSON file and the figure."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill

from mrg_helpers import paths

COLUMNS = ["what", "reference", "ours", "ratio", "spread", "share of limit", "peak memory", "aim"]


def text(found: dict) -> str:
    """Everything that was found, for a terminal."""
    computer = found["machine"]
    device = f", {computer['gpu']}" if computer["gpu"] else ""
    limits = ", ".join(f"{rate / 1e9:,.0f} GFLOP/s in {name}" for name, rate in found["limits"].items())
    lines = [
        f"{computer['processor']}, {computer['cores']} cores{device}, {computer['memory_gb']} GB, {computer['system']}; "
        f"Python {computer['python']}, {computer['software']}; load at the start {computer['load']}",
        f"limit, a large matrix product on all cores: {limits}" + ("; mixed precision" if found["mixed"] else ""),
        "",
        table(found["rows"]),
        "",
    ]
    for row in found["rows"]:
        values = [f"{name} {value:.6g}" for name, value in row["values"].items()]
        if values or row["notes"]:
            lines.append(f"{row['what']}: {'; '.join(values + row['notes'])}")
    if found["growth"]:
        lines += ["", fill(found["growth"], 120)]
    return "\n".join([*lines, f"measured in {found['seconds'] / 60:.1f} minutes"])


def table(rows: list[dict]) -> str:
    """The rows in columns of equal width; an aim that was missed says so."""
    cells = [COLUMNS] + [_cells(row) for row in rows]
    widths = [max(len(line[k]) for line in cells) for k in range(len(COLUMNS))]
    sides = [str.ljust if name in ("what", "aim") else str.rjust for name in COLUMNS]
    lines = ["  ".join(side(*cell) for side, *cell in zip(sides, line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _cells(row: dict) -> list[str]:
    def quantity(value):
        return "" if value is None else f"{value:.3g} {row['unit']}"

    shown = "cosine" if row["name"] == "nearness" else None
    memory = " / ".join(f"{size / 1e9:.2f}" for size in (row["reference_memory"], row["memory"]) if size)
    return [
        row["what"],
        quantity(row["reference"]),
        f"{row['values'][shown]:.6f}" if shown else quantity(row["ours"]),
        "" if row["ratio"] is None else f"{row['ratio']:.3g}",
        "" if row["spread"] is None else f"±{row['spread']:.0%}",
        "" if row["share"] is None else f"{row['share']:.0%}",
        f"{memory} GB" if memory else "",
        aim(row),
    ]


def aim(row: dict) -> str:
    """What was aimed at, in words, and what of it was missed."""
    words = {
        "ratio": "ratio {:g}", "share": "{:.0%} of the limit", "seconds": "{:g} s", "memory": "{:.2g} bytes",
        "cosine": "cosine {:g}", "difference": "difference {:g}",
    }  # fmt: skip
    said = ", ".join(words[name].format(value) for name, value in row["aims"].items())
    return said + (f"; missed: {', '.join(row['missed'])}" if row["missed"] else "")


def write(found: dict, folder: Path) -> list[Path]:
    """``benchmarks.json`` and ``benchmarks.png`` in a folder."""
    from . import figure

    paths.write_text(folder / "benchmarks.json", json.dumps(found, indent=1))
    with paths.replacing(folder / "benchmarks.png") as temporary:
        figure.draw(found).savefig(temporary, dpi=150)
    return [folder / "benchmarks.json", folder / "benchmarks.png"]
