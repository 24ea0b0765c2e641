"""``python -m benchmarks``: measure everything, print one table, and write it with a figure to ``outputs``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tqdm import tqdm

from mrg_helpers import paths

from . import machine, report, summary
from .cases import Case, cases
from .measured import Measured
from .sizes import FULL, QUICK, Sizes

LIMIT = Case("machine", "limit", "the limit")
DESCRIBED = Case("machine", "described", "the machine")


class BenchmarkFailed(RuntimeError):
    """A measurement's process ended before it had an answer."""


def main(arguments: list[str] | None = None) -> int:
    """Measure and report; returns the exit status."""
    options = _parser().parse_args(arguments)
    known = cases(machine.has_bfloat16())
    chosen = {name: case for name, case in known.items() if _wanted(name, case, options)}
    if not chosen:
        names = sorted({*known, *(case.module for case in known.values())})
        print(f"benchmarks: no case is called {options.only!r}; there are: {', '.join(names)}", file=sys.stderr)
        return 1
    sizes, began = QUICK if options.quick else FULL, time.perf_counter()
    found = {"machine": machine.describe(), "mixed": options.mixed, "sizes": dataclasses.asdict(sizes)}
    with tempfile.TemporaryDirectory(prefix=".benchmarks-", dir=paths.outputs_dir()) as folder:
        try:
            limits, results = measure(chosen, sizes, Path(folder), options.mixed, found["machine"])
        except BenchmarkFailed as error:
            print(f"benchmarks: {error}", file=sys.stderr)
            return 1
        found["limits"] = limits
        found["rows"] = summary.rows(chosen, results, limits, Path(folder))
    found["seconds"] = round(time.perf_counter() - began, 1)
    found["growth"] = summary.whole_collection(found)
    print(report.text(found))
    for path in report.write(found, paths.outputs_dir()):
        print(f"written: {path}")
    return 0


def measure(
    chosen: dict[str, Case], sizes: Sizes, folder: Path, mixed: bool, described: dict
) -> tuple[dict[str, float], dict[str, dict[str, Measured]]]:
    """Run every variant of every case, one after the other.

    Returns:
        The limits, operations a second by type, the better of a measurement before and one after; and the measurements by
        case and variant. ``described`` learns what only a process with TensorFlow can say.
    """
    runs = [(name, case, variant) for name, case in chosen.items() for variant in case.runs(sizes)]
    bar = tqdm(total=len(runs) + 3, unit="measurement", mininterval=0.5)
    with bar:
        said = _run(DESCRIBED, "", sizes, folder, mixed, bar).note.split("|")
        described |= {"gpu": said[0], "software": said[1]}
        types = ["float32"] + ["bfloat16"] * bool(described["bfloat16"] or described["gpu"])
        bar.total += 2 * (len(types) - 1)
        limits = [(one, _run(LIMIT, one, sizes, folder, mixed, bar)) for one in types]
        results: dict[str, dict[str, Measured]] = {}
        for name, case, variant in runs:
            results.setdefault(name, {})[variant] = _run(case, variant, sizes, folder, mixed, bar)
        limits += [(one, _run(LIMIT, one, sizes, folder, mixed, bar)) for one in types]
    best = {one: max(found.flop * found.rate for other, found in limits if other == one) for one in types}
    return best, results


def _run(case: Case, variant: str, sizes: Sizes, folder: Path, mixed: bool, bar: tqdm) -> Measured:
    """One measurement in a process of its own."""
    name = f"{case.function} {variant}".strip()
    bar.set_description(name)
    answer, log = folder / "answer.json", folder / "log.txt"
    answer.unlink(missing_ok=True)
    request = {"module": case.module, "function": case.function, "variant": variant, "mixed": mixed}
    request |= {"sizes": dataclasses.asdict(sizes), "folder": str(folder), "answer": str(answer)}
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", json.dumps(request)],
            stdout=file, stderr=subprocess.STDOUT, cwd=paths.project_root(),
        )  # fmt: skip
        try:
            while process.poll() is None:
                time.sleep(0.2)
                if sys.stderr.isatty():
                    bar.refresh()  # the clock goes on
        finally:
            process.kill()
            process.wait()
    if process.returncode or not answer.exists():
        last = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise BenchmarkFailed(f"{name} ended with status {process.returncode}:\n{last}")
    bar.update()
    return Measured(**json.loads(answer.read_text(encoding="utf-8")))


def _wanted(name: str, case: Case, options: argparse.Namespace) -> bool:
    if options.only:
        return options.only in (name, case.module)
    return name != "demo" or options.demo


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Speed and memory of this package, each against a plain reference, in under a quarter of an hour.",
    )
    parser.add_argument("--only", metavar="NAME", help="one case, or all cases of a module, such as decoding")
    parser.add_argument(
        "--demo", action="store_true", help="also run all notebooks in the demo profile, which takes minutes"
    )
    parser.add_argument("--mixed", action="store_true", help="train and decode in mixed precision")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: does everything work? The numbers mean nothing"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
