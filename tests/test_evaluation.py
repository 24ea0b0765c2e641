from __future__ import annotations

import math

import pytest

from mrg_helpers import evaluation

TRAINING = ["The lungs are clear. No effusion.", "Cardiomegaly."]


def test_one_text_for_all_has_no_variety():
    said = evaluation.variety(["The lungs are clear. No effusion."] * 8, TRAINING)
    assert said == {"reports": 8, "distinct reports": 1, "distinct sentences": 2, "copied": 1.0, "entropy (bits)": 0.0}
    assert math.copysign(1, said["entropy (bits)"]) == 1


def test_entropy_is_that_of_the_distribution():
    assert evaluation.variety(list("abcdefgh"), [])["entropy (bits)"] == pytest.approx(3)
    assert evaluation.variety(list("aab") + ["c"], [])["entropy (bits)"] == pytest.approx(1.5)


def test_copies_are_whole_reports_and_neither_case_nor_punctuation_matters():
    texts = ["the lungs are clear, no effusion", "The lungs are clear.", "Effusion no clear are lungs the.", ""]
    assert evaluation.variety(texts, [*TRAINING, ""])["copied"] == 0.25  # an empty text is no copy


def test_the_most_frequent_reports_are_counted():
    texts = ["b"] * 3 + ["a"] * 3 + ["cardiomegaly"] * 5 + [""]
    table = evaluation.most_frequent(texts, TRAINING, n=3)
    assert table["report"].tolist() == ["cardiomegaly", "a", "b"]
    assert table["times"].tolist() == [5, 3, 3] and table["copied"].tolist() == [True, False, False]
    assert evaluation.most_frequent(texts, TRAINING)["share"].sum() == pytest.approx(1)


def test_no_reports_have_no_variety():
    with pytest.raises(ValueError, match="no reports"):
        evaluation.variety([], TRAINING)
    assert len(evaluation.most_frequent([], TRAINING)) == 0


def test_score_tables_leave_out_studies_without_a_reference():
    systems = {"same": ["clear lungs today", "x", "no effusion seen"], "other": ["a"] * 3}
    table = evaluation.score_table(systems, ["clear lungs today", "", "no effusion seen"])
    assert table.loc["same", "BLEU-1"] == 1 and table.loc["same", "distinct"] == 2
    assert table.loc["other", ["BLEU-1", "distinct", "words"]].tolist() == [0, 1, 1]
    with pytest.raises(ValueError, match="same: 3 reports for 1 studies"):
        evaluation.score_table(systems, ["clear"])
    with pytest.raises(ValueError, match="no study of this split"):
        evaluation.score_table(systems, [""] * 3)


def test_the_most_common_report_does_not_depend_on_the_order():
    texts = ["b", "a", "", "", "", "a", "b", "c"]
    assert evaluation.most_common_report(texts) == evaluation.most_common_report(texts[::-1]) == "a"


def test_clinical_table_counts_false_alarms_and_omissions():
    truth = [{"nodule"}, {"nodule", "cardiomegaly"}, set(), {"cardiomegaly"}]
    systems = {
        "says it all": ["Nodule.", "Nodule. Cardiomegaly.", "Clear lungs.", "Cardiomegaly."],
        "always a nodule": ["There is a nodule."] * 4,
        "never anything": ["Clear lungs."] * 4,
    }
    table = evaluation.clinical_table(systems, truth, min_cases=1)
    assert table.loc["says it all"].tolist() == [1, 1, 1, 1, 1, 1, 0, 0, 1]
    row = table.loc["always a nodule"]
    assert row[["micro precision", "micro recall", "micro F1"]].tolist() == [0.5, 0.5, 0.5]
    assert row[["macro precision", "macro recall"]].tolist() == [0.25, 0.5]
    assert row["macro F1"] == pytest.approx(1 / 3)
    assert row[["false alarms", "omissions", "exactly right"]].tolist() == [2, 2, 0.25]
    row = table.loc["never anything"]
    assert math.isnan(row["micro precision"]) and row["macro precision"] == row["micro F1"] == 0
    assert row[["false alarms", "omissions"]].tolist() == [0, 4]
    wider = evaluation.clinical_table({"alarm": ["Scoliosis."] * 4}, truth, ["nodule", "cardiomegaly", "scoliosis"])
    assert wider.loc["alarm", ["false alarms", "omissions", "exactly right"]].tolist() == [4, 4, 0]
    assert evaluation.clinical_table({"alarm": ["Scoliosis."] * 4}, truth).loc["alarm", "false alarms"] == 0
    many = evaluation.clinical_table(systems, truth, min_cases=9)
    assert many[["micro F1", "macro F1"]].isna().all(axis=None) and many["omissions"].tolist() == [0, 2, 4]


def test_the_label_check_leaves_out_studies_without_a_text():
    table = evaluation.label_check(["Nodule.", "", "Clear."], [{"nodule"}, {"nodule"}, {"edema"}])
    assert table.loc["nodule", ["cases", "hits", "F1"]].tolist() == [1, 1, 1]
    assert table.loc["edema", "F1"] == 0
