"""The labeller against tags: planted agreement and disagreement, and the real collection."""

from __future__ import annotations

import pandas as pd
import pytest

from mrg_helpers import agreement, datasets, finding_rules, findings

STUDIES = [  # tags, findings, impression
    (["Cardiomegaly/mild"], "The heart is enlarged.", ""),
    (["Cardiomegaly"], "", "Heart size is normal."),  # the text denies what the tag says
    (["Nodule/lung/lingula", "Cardiomegaly"], "Possible nodule. Cardiomegaly.", ""),  # the text doubts it
    (["normal"], "Small left effusion.", ""),  # the tag is missing
    (["No Indexing"], "Pneumothorax.", ""),
    ([], "Pneumothorax.", ""),
    (["Scoliosis"], "", "XXXX."),
]


@pytest.fixture
def table():
    rows = [(f"s{i}", tags, found, impression) for i, (tags, found, impression) in enumerate(STUDIES)]
    return pd.DataFrame(rows, columns=["study_id", "tags", "findings", "impression"])


def test_every_finding_is_counted_where_both_can_speak(table):
    scores = agreement.agreement(table)
    columns = ["cases", "named", "hits", "doubted"]
    assert scores.loc["cardiomegaly", columns].tolist() == [3, 2, 2, 0]
    assert scores.loc["nodule", columns].tolist() == [1, 0, 0, 1]
    assert scores.loc["pleural effusion", columns].tolist() == [0, 1, 0, 0]
    assert scores.loc["pneumothorax", columns].tolist() == [0, 0, 0, 0]  # nobody tagged those studies
    assert scores.loc["scoliosis", "cases"] == 0  # there is no text to read
    assert set(scores.index) == set(agreement.TAGS) and scores["cases"].is_monotonic_decreasing
    assert agreement.macro_f1(scores, most=1) == pytest.approx(0.8)


def test_disagreements_show_who_says_what(table):
    differing = agreement.disagreements(table).set_index(["finding", "study_id"])
    assert differing.loc[("cardiomegaly", "s1"), ["tag_says", "text_says"]].tolist() == ["present", "denied"]
    assert differing.loc[("nodule", "s2"), ["tag_says", "text_says"]].tolist() == ["present", "uncertain"]
    assert differing.loc[("pleural effusion", "s3"), ["tag_says", "text_says"]].tolist() == ["nothing", "asserted"]
    assert ("cardiomegaly", "s0") not in differing.index and not {"s4", "s5", "s6"} & set(differing.index.levels[1])
    text, spans = differing.loc[("pleural effusion", "s3"), ["text", "spans"]]
    assert [text[start:end] for start, end in spans] == ["effusion"]


def test_disagreements_of_one_finding(table):
    assert agreement.disagreements(table, "nodule")["study_id"].tolist() == ["s2"]
    assert agreement.disagreements(table.iloc[:1]).columns.tolist() == agreement.disagreements(table).columns.tolist()
    with pytest.raises(KeyError, match="nodul"):
        agreement.disagreements(table, "nodul")


def test_tags_are_read_from_their_start_and_passed_on_to_the_general_finding():
    assert agreement.tagged(["Opacity/lung/base/left"]) == {"lung opacity"}
    assert agreement.tagged(["Lung/hyperdistention/mild", "Aorta, Thoracic/tortuous"]) == {
        "hyperinflation",
        "tortuous aorta",
    }
    assert agreement.tagged(["Catheters, Indwelling/left"]) == {"central line", "support devices"}
    assert agreement.tagged(["Granulomatous Disease"]) == {"granulomatous disease"}
    assert agreement.tagged(["Mediastinum/lymph nodes/enlarged", "Lung/azygos lobe"]) == set()
    assert set(agreement.TAGS) <= {*finding_rules.FINDINGS, "no finding"}


def test_a_table_without_tags_of_this_kind_is_no_agreement(table):
    for tags in ([], ["covid"]):
        with pytest.raises(ValueError, match=r"agreement\.TAGS"):
            agreement.agreement(table.assign(tags=[tags] * len(table)))


def test_agrees_with_the_tags_of_the_real_collection(shared):
    table = datasets.load("iu_xray", shared / "iu_xray", require_images=False, progress=False).table
    scores = agreement.agreement(table)
    assert agreement.macro_f1(scores) >= 0.85, scores
    assert scores["cases"].iloc[0] > 1000 and (scores["F1"][scores["cases"] >= 100] > 0.65).all(), scores
    differing = agreement.disagreements(table, "atelectasis")
    missed = scores.loc["atelectasis", "cases"] - scores.loc["atelectasis", "hits"]
    assert (differing["tag_says"] == "present").sum() == missed
    row = differing[differing["text_says"] == "uncertain"].iloc[0]
    assert all(row["text"][start:end].lower().startswith("atelecta") for start, end in row["spans"])
    assert findings.label(row["text"])["atelectasis"] == "uncertain"
