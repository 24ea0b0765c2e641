"""What needs no network: scores, phantoms, the import, the command line; and the whole demo."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from mrg_helpers import metrics, paths, phantom

from . import inputs
from .measured import Measured, repeat
from .sizes import Sizes


def scores(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """All text scores of the test findings, against the findings of somebody else."""
    texts, source = inputs.findings(sizes, "test")
    texts = [text for text in texts if text][: sizes.scored]
    others = texts[1:] + texts[:1]
    return Measured(repeat(lambda: metrics.corpus_scores(texts, others), sizes.repetitions), note=source)


def phantoms(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """Phantom studies with pictures of 512 pixels; 1,500 of them are the demo's."""

    def work():
        phantom.write(folder / "phantoms", sizes.studies, progress=False)
        shutil.rmtree(folder / "phantoms")

    seconds = repeat(work, sizes.repetitions, warm=0)
    return Measured(seconds, sizes.studies, whole=1500, note=f"{sizes.studies} of 1,500 studies")


def importing(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """``import mrg_helpers`` in a fresh Python."""
    return Measured(repeat(lambda: _python("-c", "import mrg_helpers"), sizes.repetitions))


def helping(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """``python -m mrg_helpers --help`` in a fresh Python."""
    return Measured(repeat(lambda: _python("-m", "mrg_helpers", "--help"), sizes.repetitions))


def demo(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """All notebooks from an empty folder, once: it takes minutes."""
    empty = {"MRG_DATA_DIR": str(folder / "data"), "MRG_OUTPUTS_DIR": str(folder / "outputs")}
    seconds = repeat(lambda: _python("-m", "mrg_helpers", "run", "--profile", "demo", **empty), 1, warm=0)
    return Measured(seconds, note="one run")


def _python(*arguments: str, **environment: str) -> None:
    subprocess.run(
        [sys.executable, *arguments], check=True, capture_output=True, cwd=paths.project_root(),
        env=os.environ | environment,
    )  # fmt: skip
