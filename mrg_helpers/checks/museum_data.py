"""The bug museum of notebooks 01 and 02: images, patients, copies, sections, sizes and cells.

Each exhibit is a defect of published code. Its check tries the repaired function on a case in which the defect shows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from PIL import Image

from .verdicts import call, compare, judges, need, same


@judges("01.A")
def first_frontal(answer: Callable) -> str:
    """``answer``: a study (a dictionary with ``images`` and ``views``) -> the path of its first frontal image, or None."""
    usual = {"images": ["a.png", "b.png"], "views": ["frontal", "lateral"]}
    trapped = {"images": ["c.png", "d.png", "e.png"], "views": ["lateral", "frontal", "frontal"]}
    none = {"images": ["f.png"], "views": ["lateral"]}
    found = call(answer, usual)
    need(isinstance(found, str), f"Return the path of one image, a text, not a {type(found).__name__}.")
    need(found != "b.png", 'With views ["frontal", "lateral"] it returns the lateral image.')
    found = call(answer, trapped)
    need(
        found != "c.png",
        "The bug is still there. It shows in one study in ten: try one whose views are "
        '["lateral", "frontal"]. Does the place in the list say which view it is?',
    )
    need(found != "e.png", "This study has two frontal images; it should return the first, and it returns the last.")
    need(found == "d.png", f"For the views {trapped['views']} it returns {found!r} instead of 'd.png'.")
    need(
        call(answer, none, may_be_none=True) is None,
        "A study with a lateral image only: it has no frontal image to give, so return None, not another view.",
    )
    return "The view is asked for by its name, and a study without it says so."


@judges("01.B")
def split_of_patients(answer: Callable) -> str:
    """``answer``: a table with ``patient_id``, and a seed -> "train" or "test" for each row, about a fifth of them test."""
    patients = [f"P{k:02d}" for k in range(40) for _ in range(1 + k % 3)]
    table = pd.DataFrame({"patient_id": patients, "study_id": [f"S{k:02d}" for k in range(len(patients))]})
    table = table.sample(frac=1, random_state=0, ignore_index=True)
    split = np.asarray(call(answer, table, 0))
    need(split.shape == (len(table),), f"One answer for each of the {len(table)} rows, please; it gives {split.shape}.")
    need(
        set(split) == {"train", "test"},
        f'The rows should be "train" or "test"; it gives {sorted(set(map(str, split)))}.',
    )
    both = pd.Series(split).groupby(table["patient_id"]).nunique() > 1
    need(
        not both.any(),
        f"The bug is still there: of 40 made-up patients, {both.sum()} stand in both splits. "
        "What is drawn, and what has to be drawn, so that all studies of one body stay together?",
    )
    share = float(np.mean(split == "test"))
    need(
        0.1 <= share <= 0.35,
        f"No patient is in both splits, but {share:.0%} of the studies are test; about a fifth should be.",
    )
    need(
        (np.asarray(call(answer, table, 0)) == split).all(),
        "The same seed should give the same split. Where does the chance come from?",
    )
    need((np.asarray(call(answer, table, 1)) != split).any(), "Another seed gives the same split: is the seed used?")
    return "Patients are drawn, and their studies follow them."


@judges("01.C")
def copies_across(answer: Callable) -> str:
    """``answer``: a table with ``split`` and ``impression`` -> how many test studies have an impression that stands in training."""
    texts = {
        "train": ["No acute disease.", "No acute disease.", "Cardiomegaly.", "Small effusion.", ""],
        "val": ["Large nodule."],
        "test": (
            ["No acute disease.", "1. No acute disease.", "NO ACUTE DISEASE.", "No acute disease"]
            + 3 * ["Cardiomegaly."]
            + 3 * ["Large nodule."]
            + 4 * [""]
        ),
    }
    rows = [(split, text) for split, some in texts.items() for text in some]
    likely = {
        "The bug is still there. Are “1. No acute disease.” and “No acute disease” two texts? Is an empty one a text?": (
            8
        ),
        "The empty texts are out. But it still finds only the copies that agree in every letter.": 4,
        "Cleaning leaves the last full stop and the capitals as they are: what do lower() and rstrip('.') do?": 5,
        "Nearly: the last full stop still tells two equal texts apart.": 6,
        "A missing text is no copy of another missing text: leave the empty ones out.": 11,
        "Compare with the training texts only. “Large nodule.” stands in the validation split.": 10,
        "Count the test studies, not the different texts: three patients with one text are three copies.": 2,
        "A share is not asked for: return the number of studies.": 0.5,
    }
    otherwise = (
        "On a made-up table of 14 test studies there are 7 copies. Look for list numbers, capitals, the last full stop"
        " and empty texts."
    )
    compare(call(answer, pd.DataFrame(rows, columns=["split", "impression"])), 7, likely, otherwise)
    return "Texts are compared as a reader compares them: cleaned, and without regard to case."


@judges("01.D")
def studies_for(answer: Callable) -> str:
    """``answer``: a table with ``findings`` and ``impression``, and a target, one of the two -> the rows that have it."""
    texts = [
        ("Clear.", "Normal."),
        ("", "No disease."),
        ("A nodule.", ""),
        ("", ""),
        ("Edema.", "Edema."),
        ("", "Normal."),
    ]
    table = pd.DataFrame(texts, columns=["findings", "impression"])
    table.insert(0, "study_id", [f"S{k}" for k in range(1, 7)])

    def kept(target: str) -> list[str]:
        got = call(answer, table.copy(), target)
        need(
            not isinstance(got, (pd.Series, np.ndarray, list)),
            "Return the rows themselves, as a table, not a column or a mask.",
        )
        need(isinstance(got, pd.DataFrame), f"Return a table; it gives a value of the type {type(got).__name__}.")
        need(list(got.columns) == list(table.columns), "The table should keep its columns: others are needed later.")
        return list(got["study_id"])

    found = kept("impression")
    need(
        found != ["S1", "S5"],
        "The bug is still there: S2 has an impression and no findings, and nobody learns from it."
        " Which section has to be there for an impression to be learnt?",
    )
    need(
        "S4" not in found, 'S4 has no text at all, and it is kept. A missing text is the empty string "" here, not NaN.'
    )
    need("S3" not in found, "S3 has findings and no impression: there is nothing in it that teaches to write one.")
    need(found == ["S1", "S2", "S5", "S6"], f"Impressions can be learnt from S1, S2, S5 and S6; it keeps {found}.")
    found = kept("findings")
    need(
        found != ["S1", "S2", "S5", "S6"], "Asked for the findings it keeps those with an impression: is `target` used?"
    )
    need(found == ["S1", "S3", "S5"], f"Findings can be learnt from S1, S3 and S5; it keeps {found}.")
    return "A study is left out where it lacks what is to be written, and only there."


@judges("02.A")
def resized(answer: Callable) -> str:
    """``answer``: an image (H, W) uint8, a height and a width -> the image in that size."""
    image = np.zeros((60, 90), np.uint8)
    image[:, 45:] = 200  # the right half is bright
    image[:6] = 100  # and the top is marked
    got = np.asarray(call(answer, image, 40, 30))
    need(
        got.shape != (30, 40),
        "The bug is still there: asked for 40 high and 30 wide, it gives 30 high and 40 wide. On square images nobody"
        " notices. In which order does an array name its sides, and in which order does Pillow?",
    )
    need(got.shape == (40, 30), f"Asked for 40 high and 30 wide, it gives an array of shape {got.shape}.")
    need(got.dtype == np.uint8, f"The image should stay uint8; it is {got.dtype}.")
    wide = np.asarray(Image.fromarray(image).resize((40, 30)))
    need(
        not same(got, wide.T) and not same(got, np.rot90(wide)),
        "The size is right now, but the picture lies on its side: do not turn it afterwards, ask for the right size.",
    )
    need(not same(got, wide.reshape(40, 30)), "reshape puts pixels in other rows: the picture is scrambled.")
    brighter = got[:, 15:].mean() - got[:, :15].mean() > 50
    need(brighter, "The size is right, but it is not the whole picture: resizing has to make every part of it smaller.")
    need(got[:2].mean() < got[-2:, 15:].mean(), "The picture stands on its head.")
    return (
        "Arrays say (height, width), Pillow says (width, height). Try every such function with an image that is not"
        " square."
    )


@judges("02.B")
def cell_of_region(answer: Callable) -> str:
    """``answer``: the number of a region and the grid (H, W) -> its row and its column."""
    grid = (14, 18)
    got = [tuple(int(number) for number in call(answer, region, grid)) for region in range(14 * 18)]
    wanted = [divmod(region, 18) for region in range(14 * 18)]
    need(
        got != [divmod(region, 14) for region in range(14 * 18)],
        "The bug is still there. On a square grid it is invisible; on the grid of 14 x 18 cells region 251, the last"
        " one, comes out in row 17. How many regions are there in one row?",
    )
    need(got != [(column, row) for row, column in wanted], "Row and column have changed places.")
    need(
        got != [(r % 14, r // 14) for r in range(14 * 18)],
        "That counts the regions column by column; they are counted row by row.",
    )
    need(got[0] != (1, 1), "Rows and columns are counted from 0.")
    need(got == wanted, f"On a grid of 14 x 18 cells, region 40 lies in row 2, column 4; it says {got[40]}.")
    return "A row has W regions, so the row is region // W and the column is what is left."
