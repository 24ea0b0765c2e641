"""What somebody waits for at the screen: a widget that follows its control, and the draft for a new X-ray."""

from __future__ import annotations

import os
import statistics
from pathlib import Path
from unittest.mock import patch

import numpy as np

from . import inputs
from .measured import Measured, repeat
from .sizes import Sizes


def redraw(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """The attention browser: the slowest of its controls, from the new value to what is sent to the screen."""
    from mrg_helpers import widgets
    from mrg_helpers.images import Fit

    rng, side = np.random.default_rng(0), sizes.picture
    words = ["there", "is", "a", "small", "effusion", "."] * (sizes.words // 6 + 1)
    regions, boxes = 64, [("effusion", (10, 10, 30, 30))]

    def written(name: str) -> dict:
        attention = rng.dirichlet(np.ones(regions), len(words))
        return {"name": name, "words": words, "attention": attention, "log_probs": np.log(rng.random(len(words)))}

    def study(number: int) -> dict:
        image, other = rng.integers(0, 256, (2, side, side), dtype=np.uint8)
        more = {"title": f"CXR{number}", "image": image, "rectangles": Fit(side, side, 224, "pad").box, "boxes": boxes}
        further = {"view": "lateral", "image": other, "boxes": boxes}
        return {
            **written("greedy"),
            **more,
            "reports": [written("beam")],
            "other": further,
            "reference": "No effusion.",
        }

    browser = widgets.AttentionBrowser([study(k) for k in range(2)], (8, 8))
    moves = {
        browser.word: range(1, 9), browser.opacity: [0.1, 0.5, 0.9], browser.cmap: ["viridis", "cividis", "plasma"],
        browser.smooth: [True, False], browser.sentence: [True, False], browser.boxes: [True, False],
        browser.report: [1, 0], browser.study: [1, 0], browser.beside: [1, -1],
    }  # fmt: skip
    seconds = {}
    for control, values in moves.items():
        every = iter([*values, *values])
        moved = repeat(lambda control=control, every=every: control.set_trait("value", next(every)), 2 * len(values), 0)
        seconds[control.description] = moved
    slowest = max(seconds, key=lambda name: statistics.median(seconds[name]))
    note = f"{slowest!r}, the slowest of {len(seconds)} controls, at {side} pixels; without the way to the screen"
    return Measured(seconds[slowest], note=note)


def search(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """The beam explorer: a search with a new length penalty, and its drawing."""
    from mrg_helpers import widgets
    from mrg_helpers.beam_trace import trace
    from mrg_helpers.decoding import Decoding

    model = inputs.model(sizes)
    features = np.random.default_rng(0).normal(size=(1, sizes.regions, sizes.channels)).astype("float32")
    read = {"features": features}

    def searched(width: int, length_penalty: float, block_ngrams: int):
        wanted = Decoding("beam", sizes.words, beams=width, length_penalty=length_penalty, block_ngrams=block_ngrams)
        return trace(model, read, wanted)

    explorer = widgets.BeamExplorer(searched, 3)
    penalties = iter(np.linspace(0, 1, sizes.repetitions + 1))
    seconds = repeat(lambda: setattr(explorer.length_penalty, "value", float(next(penalties))), sizes.repetitions)
    return Measured(seconds, note=f"3 beams, {sizes.words} words; without the way to the screen")


def draft(variant: str, sizes: Sizes, folder: Path) -> Measured:
    """A draft for an X-ray with its page, once the model is loaded: the model of the demo, which has hardly learnt."""
    empty = {"MRG_DATA_DIR": str(folder / "drafts"), "MRG_OUTPUTS_DIR": str(folder / "drafts")}
    from mrg_helpers import draft_page, drafting, stages

    settings = stages.Settings(
        n_studies=sizes.drafted,
        epochs=1,
        weights="random",
        image_size=sizes.seen,
        components=0,
        max_length=sizes.words + 30,
    )
    with patch.dict(os.environ, empty):
        table = stages.ensure_studies(settings).table
        stages.ensure_model(settings)
        drafter = drafting.Drafter(settings)
        image = table.loc[table["split"] == "test", "images"].iloc[0][0]
        seconds = repeat(lambda: draft_page.write(drafter(image), folder / "draft.html"), sizes.repetitions)
    return Measured(seconds, note=f"{settings.max_length} words at most, 1 + 32 reports")
