"""The bug museum of notebooks 01 to 03: images, patients, copies, sizes, cells, numbers and words.

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


@judges("03.A")
def without_list_numbers(answer: Callable) -> str:
    """``answer``: a text -> the same text without the numbers of its list."""
    cases = {
        "1. Stable 1.9 cm nodule. 2. No effusion.": "Stable 1.9 cm nodule. No effusion.",
        "1. Fracture of T12. 2. Two nodules of 12 mm.": "Fracture of T12. Two nodules of 12 mm.",
        "Old fracture of rib 4. No pneumothorax.": "Old fracture of rib 4. No pneumothorax.",
        "10. Heart is normal.": "Heart is normal.",
    }
    got = {text: " ".join(str(call(answer, text)).split()) for text in cases}
    first, second, rib, ten = got.values()
    need(
        "Stable .9 cm" not in first,
        "The bug is still there: a nodule of 1.9 cm has become one of .9 cm. Which numbers are those of a list,"
        " and what stands around them?",
    )
    need(
        "Stable 9 cm" not in first,
        "A nodule of 1.9 cm has become one of 9 cm: after the full stop of a list number comes a blank.",
    )
    need("Stable cm" not in first, "The measure is gone: “1.9” is a number that means something.")
    need("2." not in first, "The first list number is gone, the second one (“2. No effusion”) is still there.")
    need("T12" in second, "The twelfth thoracic vertebra, T12, has lost its number.")
    need("12 mm" in second, "The nodules have lost their size: “12 mm” does not open a sentence.")
    need("rib 4." in rib, "“rib 4.” ends a sentence; that is the number of a rib. What stands before a list number?")
    need(ten == cases["10. Heart is normal."], f"Lists can be longer than nine: “10. Heart is normal.” became {ten!r}.")
    for text, wanted in cases.items():
        need(got[text] == wanted, f"{text!r} should become {wanted!r}, and it becomes {got[text]!r}.")
    return (
        "A list number opens a sentence and ends with a full stop and a blank. Everything else is a fact about a"
        " patient."
    )


@judges("03.B")
def words_to_learn(answer: Callable) -> str:
    """``answer``: a table with ``split`` and ``findings``, and a least count -> the words, the most frequent first."""
    rows = [
        ("train", "Lungs clear. Lungs normal."),
        ("train", "Heart normal. Lungs low."),
        ("val", "Heart enlarged. Enlarged."),
        ("test", "Lungs opaque. Opaque. Clear."),
        ("test", "Opaque."),
    ]
    table = pd.DataFrame(rows, columns=["split", "findings"])
    got = [str(word) for word in call(answer, table, 2)]
    need(
        "opaque" not in got,
        "The bug is still there: “opaque” stands in test reports only, and it is in the vocabulary. Who may be asked"
        " for words?",
    )
    need(
        "enlarged" not in got,
        "“enlarged” stands in the validation reports only. They decide when to stop; they must not be fitted on.",
    )
    need("lungs" in got, f"“lungs” stands three times in training and is missing; it gives {got}.")
    need("clear" not in got, "“clear” stands once in training and once in a test report: the test report has counted.")
    need("low" not in got and "heart" not in got, "“low” and “heart” stand once in training; the least count is 2.")
    need(
        set(got) == {".", "lungs", "normal"},
        f"From this table it should learn “.”, “lungs” and “normal”; it gives {got}.",
    )
    need(got == [".", "lungs", "normal"], "The words are right, and not in the order of their frequency.")
    return "Words are counted in the training split alone: what nobody has been taught, nobody can say."
