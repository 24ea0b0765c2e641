"""What papers report on the Indiana University collection, and how far a text gets there that never saw an image.

The rows are no leaderboard: targets, splits, and the treatment of the references differ (see ``treatments``). Explained in
``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from . import datasets, intervals, reports, templates
from .layouts import ANNOTATIONS

_NAN = float("nan")
_COLUMNS = ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4", "METEOR", "ROUGE-L", "CIDEr", "target; split")
_A3FN, _KERP, _R2GEN = "two views, 10 % test", "7:1:2 by patient", "findings; 2069/296/590"
_ROWS = {
    "one fixed template": (0.493, 0.345, 0.248, 0.182, _NAN, 0.400, 0.298, "findings + impression; 3062/382/382"),
    "CNN-RNN": (0.309, 0.202, 0.140, 0.099, 0.153, 0.321, 0.307, "2811/300"),
    "Show, Attend and Tell": (0.327, 0.216, 0.115, 0.104, 0.157, 0.318, 0.365, "2811/300"),
    "soft attention (A3FN paper)": (0.351, 0.237, 0.161, 0.120, _NAN, 0.314, 0.278, _A3FN),
    "A3FN": (0.443, 0.337, 0.236, 0.181, _NAN, 0.347, 0.374, _A3FN),
    "CoAtt, retrained by KERP": (0.455, 0.288, 0.205, 0.154, _NAN, 0.369, 0.277, _KERP),
    "HRGR": (0.438, 0.298, 0.208, 0.151, _NAN, 0.322, 0.343, _KERP),
    "KERP": (0.482, 0.325, 0.226, 0.162, _NAN, 0.339, 0.280, _KERP),
    "CDGPT2": (0.387, 0.245, 0.166, 0.111, 0.163, 0.289, 0.257, "500 test images, 402 with a sibling in training"),
    "R2Gen": (0.470, 0.304, 0.219, 0.165, 0.187, 0.371, 0.398, _R2GEN),
    "R2GenCMN": (0.475, 0.309, 0.222, 0.170, 0.191, 0.375, _NAN, _R2GEN),
    "DART 2025": (0.486, 0.348, 0.265, 0.208, 0.205, 0.411, _NAN, _R2GEN),
}


def table() -> pd.DataFrame:
    """The published rows: a method, its scores (NaN where not reported), and "target; split" in words."""
    return pd.DataFrame.from_dict(_ROWS, orient="index", columns=_COLUMNS).rename_axis("method")


def r2gen_annotation(root: str | Path) -> Path | None:
    """The annotation file of R2Gen's copy in a folder of data, or the file itself; None where there is none."""
    root = Path(root)
    if root.suffix == ".json" and root.is_file():
        return root
    return next((root / name for name in ANNOTATIONS if (root / name).is_file()), None)


def r2gen_studies(annotation: str | Path) -> pd.DataFrame:
    """The studies table of R2Gen's copy with the paper's split, whether its images are there or not."""
    return datasets.load("iu_xray", annotation, require_images=False, progress=False).table


def fixed_text(annotation: str | Path, n: int = 1000, seed: int = 0) -> tuple[str, pd.DataFrame]:
    """Search a fixed text on R2Gen's training findings and score it on its test findings. It takes about ten seconds.

    The references are the whole findings as ``reports.clean`` leaves them. (R2Gen cuts them at 60 tokens and puts ``<unk>``
    for rare words; so the scores stand beside the published ones, not in one table with them.)

    Args:
        annotation: R2Gen's ``annotation.json``; images are not needed. n, seed: of the bootstrap.

    Returns:
        The text, and its scores: index the score, columns ``estimate``, ``low``, ``high``.
    """
    studies = r2gen_studies(annotation)
    texts = {
        split: [reports.target_text(row, "findings") for row in part.to_dict("records")]
        for split, part in studies.groupby("split")
    }
    text = templates.best_template(texts["train"])
    references = [reference for reference in texts["test"] if reference]
    scored = intervals.score_intervals({"fixed text": [text] * len(references)}, references, n=n, seed=seed)
    return text, scored.xs("fixed text", level="system")
