"""What the exercises ask of the reader's own data: their solutions are right on real collections too, and hints follow the data."""

from __future__ import annotations

import re
from collections import Counter

import nbformat
import numpy as np
import pandas as pd
import pytest

from mrg_helpers import checks, datasets, exercises, findings, paths, reports, stages
from mrg_helpers.vocabulary import SPECIAL, Vocabulary

SOLUTIONS = {
    re.search(r'checks\.check\("(\d\d\.\d)"', cell.source)[1]: exercises.solved(cell.source)
    for path in sorted((paths.project_root() / "notebooks" / "solutions").glob("*.ipynb"))
    for cell in nbformat.read(path, as_version=4).cells
    if cell.cell_type == "code" and re.search(r'checks\.check\("\d\d\.\d"', cell.source)
}
ABOUT_DATA = ["01.1", "01.2", "01.3", "03.1", "03.2", "05.1"]  # the others bring their own examples, or need a model
NORMAL = {"normal", "no finding", "no findings"}


@pytest.fixture(scope="module", params=[("iu_xray", "iu_xray"), ("folder", "cxr_notes")], ids=lambda param: param[1])
def names(request, shared):
    """What the notebooks have defined of a real collection before the exercises."""
    dataset, folder = request.param
    table = datasets.load(dataset, shared / folder, require_images=False, progress=False).table
    table["normal"] = [bool(tags) and {tag.lower() for tag in tags} <= NORMAL for tags in table["tags"]]
    raw = {split: table[table["split"] == split] for split in ("train", "val", "test")}
    texts = {split: [text for text in stages.target_texts(rows, "findings") if text] for split, rows in raw.items()}
    return {
        "checks": checks, "np": np, "pd": pd, "reports": reports, "stages": stages, "findings": findings, "Counter": Counter,
        "Vocabulary": Vocabulary, "SPECIAL": SPECIAL, "clean": reports.clean, "min_count": 3, "table": table, "raw": raw,
        "heads": table["tags"].map(lambda tags: sorted(set(tags))), "texts": texts,
        "words": lambda text: [token for token in reports.tokenize(text) if token[0].isalnum()],
        "references": stages.target_texts(raw["test"], "findings"), "train_texts": texts["train"],
    }  # fmt: skip


@pytest.mark.parametrize("name", ABOUT_DATA)
def test_the_solution_is_right_on_a_real_collection(names, name):
    body, _, last = SOLUTIONS[name].rstrip().rpartition("\n")
    defined = dict(names)
    exec(compile(body, name, "exec"), defined)
    said = eval(last, defined)
    assert said.name == name and said.status == "right", said


def test_a_rule_is_not_judged_where_none_could_be_better_than_its_rival():
    few = pd.DataFrame({"findings": ["Clear."] * 20 + ["Large effusion."] * 180, "normal": [True] * 20 + [False] * 180})
    said = checks.check("01.2", lambda text: "Clear" in text, table=few)
    assert said.status == "right" and "Only 20 of these 200 studies are normal" in said.message
    assert "right in 90%" in said.message and "not even a perfect rule" in said.message
    more = few.tail(100)
    more = pd.concat([few.head(20), more])  # now a sixth is normal: a perfect rule gains enough, another does not
    assert checks.check("01.2", lambda text: "Clear" in text, table=more).status == "right"
    assert checks.check("01.2", lambda text: False, table=more).status == "wrong"


def test_the_hint_tells_how_long_a_report_has_to_be_for_these_references():
    normal, training = "The lungs are clear and the heart is normal.", ["Something else."]
    references = [" ".join([normal] * 10)] * 3  # 90 words each
    said = checks.check("05.1", normal + " No effusion.", references=references, training=training)
    assert said.status == "wrong" and "90 on average" in said.message and "30 words at least" in said.message
    enough = " ".join([normal] * 3 + ["No effusion in there."])
    assert len(enough.split()) == 31
    assert checks.check("05.1", enough, references=references, training=training).status == "right"
    strange = " ".join(["Hier steht gar nichts auf Englisch."] * 6)  # long enough, and nothing in common
    assert "0% of its words" in checks.check("05.1", strange, references=references, training=training).message
