"""The labeller: hand-written sentences, every phantom report, and the real collection against its tags."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from mrg_helpers import findings, reports
from mrg_helpers.phantom import FINDINGS, patients
from mrg_helpers.phantom.grammar import write_report

SENTENCES = [
    # denial and its scope
    ("No pneumothorax or pleural effusion.", {"pneumothorax": "denied", "pleural effusion": "denied"}),
    ("no pneumothorax , pleural effusion , or focal consolidation is seen .",
     {"pneumothorax": "denied", "pleural effusion": "denied", "consolidation": "denied"}),
    ("No pneumothorax, but there is a small pleural effusion.",
     {"pneumothorax": "denied", "pleural effusion": "asserted"}),
    ("No edema; mild cardiomegaly.", {"edema": "denied", "cardiomegaly": "asserted"}),
    ("No acute disease. Scoliosis.", {"scoliosis": "asserted"}),
    ("Cardiomegaly without edema.", {"cardiomegaly": "asserted", "edema": "denied"}),
    ("Pleural effusion, consolidation, or pneumothorax is not seen.",
     {"pleural effusion": "denied", "consolidation": "denied", "pneumothorax": "denied"}),
    ("Small hiatal hernia, pneumothorax is not seen.", {"hiatal hernia": "asserted", "pneumothorax": "denied"}),
    ("The left effusion has resolved.", {"pleural effusion": "denied"}),
    ("Interval removal of the left PICC.", {"central line": "denied"}),
    ("The lungs are clear of consolidation.", {"consolidation": "denied"}),
    ("The heart is not enlarged.", {"cardiomegaly": "denied"}),
    ("Heart size is normal.", {"cardiomegaly": "denied"}),
    ("No change in the right pleural effusion.", {"pleural effusion": "asserted"}),
    ("Cardiomegaly, not significantly changed.", {"cardiomegaly": "asserted"}),
    ("Negative for nodule. 1.9 cm nodule in the left lung.", {"nodule": "asserted"}),
    # doubt and its scope
    ("Right lower lobe airspace opacity, which may represent pneumonia.",
     {"airspace opacity": "asserted", "pneumonia": "uncertain"}),
    ("Pneumonia cannot be excluded.", {"pneumonia": "uncertain"}),
    ("Cannot exclude pneumonia.", {"pneumonia": "uncertain"}),
    ("This does not exclude pneumonia.", {"pneumonia": "uncertain"}),
    ("Atelectasis, but pneumonia cannot be entirely excluded.", {"atelectasis": "asserted", "pneumonia": "uncertain"}),
    ("Nodule, neoplasm is not excluded.", {"nodule": "asserted", "lung lesion": "asserted"}),
    ("Atelectasis versus pneumonia.", {"atelectasis": "uncertain", "pneumonia": "uncertain"}),
    ("Possible small effusion, cardiomegaly.", {"pleural effusion": "uncertain", "cardiomegaly": "asserted"}),
    ("May represent scarring, atelectasis, or pneumonia.",
     {"scarring": "uncertain", "atelectasis": "uncertain", "pneumonia": "uncertain"}),
    ("No effusion, possible nodule.", {"pleural effusion": "denied", "nodule": "uncertain"}),
    ("No opacity to suggest a pneumonia.", {"lung opacity": "denied", "pneumonia": "denied"}),
    # precedence, overlap, parts of something more general
    ("No effusion. Possible effusion.", {"pleural effusion": "uncertain"}),
    ("Possible effusion. Right effusion.", {"pleural effusion": "asserted"}),
    ("Calcified nodule in the left lung.", {"calcified granuloma": "asserted"}),
    ("No nodule.", {"nodule": "denied"}),
    ("Pericardial effusion.", {}),
    ("Hydropneumothorax.", {"pleural effusion": "asserted", "pneumothorax": "asserted"}),
    ("Left pacemaker.", {"pacemaker": "asserted", "support devices": "asserted"}),
    ("Small volume of pleural fluid.", {"pleural effusion": "asserted"}),
    ("Unremarkable.", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SENTENCES, ids=[text for text, _ in SENTENCES])
def test_sentence(text, expected):
    named = findings.label(text)
    general = {whole for name in expected for whole in findings.PART_OF.get(name, ())} - set(expected)
    assert {name: status for name, status in named.items() if name not in general | {"no finding"}} == expected


def test_no_finding():
    assert findings.label("No acute cardiopulmonary abnormality.") == {"no finding": "asserted"}
    assert "no finding" in findings.label("Right central venous catheter. No pneumothorax.")
    assert "no finding" not in findings.label("Possible nodule.")
    assert findings.label("") == findings.label("  ") == {}


def test_names_are_lower_case_and_cover_phantom_and_chexpert():
    chexpert = {"enlarged cardiomediastinum", "cardiomegaly", "lung opacity", "lung lesion", "edema", "consolidation",
                "pneumonia", "atelectasis", "pneumothorax", "pleural effusion", "pleural other", "fracture",
                "support devices"}  # fmt: skip
    assert set(FINDINGS) | chexpert <= set(findings.FINDINGS)
    assert all(name == name.lower() for name in findings.FINDINGS)


@pytest.mark.parametrize(
    ("text", "name", "word", "side", "degree"),
    [
        ("Small left-sided pleural effusion.", "pleural effusion", "pleural effusion", "left", "small"),
        ("Moderate bibasilar atelectasis.", "atelectasis", "atelectasis", "bilateral", "moderate"),
        ("The heart is mildly enlarged, left effusion.", "cardiomegaly", "heart is mildly enlarged", "", "mild"),
        ("Severe thoracic dextroscoliosis.", "scoliosis", "dextroscoliosis", "right", "severe"),
        ("Bilateral effusions, small in size.", "pleural effusion", "effusions", "bilateral", "small"),
        ("A nodule of the lingula, large right effusion.", "nodule", "nodule", "left", ""),
        ("Left pacemaker with leads in the right atrium.", "pacemaker", "pacemaker", "left", ""),
    ],
)
def test_mention_has_its_words_side_and_degree(text, name, word, side, degree):
    mention = next(mention for mention in findings.mentions(text) if mention.name == name)
    assert text[mention.start : mention.end].lower() == word
    assert (mention.side, mention.degree) == (side, degree)


FORMS = {
    "raw": lambda text: text,
    "clean": reports.clean,
    "tokens": lambda text: " ".join(reports.tokenize(text)),
    "words back to text": lambda text: reports.detokenize(reports.tokenize(text)),
    "blanks before stops": lambda text: re.sub(r"\s*([.,;](?!\d))", r" \1", text.lower()),
}


@pytest.fixture(scope="module")
def phantoms():
    """Patients (without boxes) and their reports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patients, "boxed", lambda patient: patient.findings)
        drawn = [patients.sample_patient(21, k) for k in range(1, 801)]
    return [(patient, write_report(patient, np.random.default_rng([21, patient.index]))) for patient in drawn]


@pytest.mark.parametrize("form", FORMS)
def test_exact_on_phantom_reports(phantoms, form):
    checked = 0
    for patient, report in phantoms:
        text = FORMS[form](report.findings or report.impression)
        if text:
            truth = {finding.name for finding in patient.findings}
            assert findings.asserted(text) & set(FINDINGS) == truth, text
            assert findings.asserted(FORMS[form](report.impression)) & set(FINDINGS) <= truth, report.impression
            checked += bool(report.findings)
    assert checked >= 500


def test_side_and_degree_are_exact_on_phantom_reports(phantoms):
    for patient, report in phantoms:
        found = findings.mentions(report.findings)
        for finding in patient.findings if report.findings else ():
            said = [m for m in found if m.name == finding.name and m.status == "asserted"]
            assert finding.side in {mention.side for mention in said}, (finding, report.findings)
            assert {mention.degree for mention in said} - {""} <= {finding.degree}, (finding, report.findings)


def test_clinical_scores():
    truth = [{"nodule", "edema"}, {"nodule"}, set(), {"edema"}]
    predicted = [{"nodule"}, {"nodule", "edema"}, {"nodule"}, set()]
    table = findings.clinical_scores(truth, predicted, ["nodule", "edema", "scoliosis"])
    assert table.loc["nodule", ["cases", "named", "hits"]].tolist() == [2, 3, 2]
    assert table.loc["nodule", ["precision", "recall", "F1"]].tolist() == pytest.approx([2 / 3, 1, 0.8])
    assert table.loc["edema", "F1"] == 0 and np.isnan(table.loc["scoliosis", "F1"])
    assert findings.averages(table) == pytest.approx({"macro F1": 0.4, "micro F1": 0.5})
    with pytest.raises(ValueError, match="zip"):
        findings.clinical_scores(truth, predicted[:2], ["nodule"])


TAGS = {
    "cardiomegaly": "Cardiomegaly|Cardiac Shadow/enlarged",
    "pleural effusion": "Pleural Effusion",
    "calcified granuloma": "Calcified Granuloma",
    "atelectasis": "Pulmonary Atelectasis",
    "nodule": "Nodule",
    "scoliosis": "Scoliosis",
    "tortuous aorta": "Aorta(, Thoracic)?/tortuous",
    "low lung volumes": "Lung.*/hypoinflation",
    "hyperinflation": "Lung.*/hyperdistention",
}


def test_agrees_with_the_tags_of_the_real_collection(shared):
    table = pd.read_csv(shared / "iu_xray" / "indiana_reports.csv").fillna("")
    tagged = [{name for name, tag in TAGS.items() if re.search(rf"(?:^|;){tag}", row)} for row in table.MeSH]
    said = [findings.asserted(text) for text in table.findings + " . " + table.impression]
    scores = findings.clinical_scores(tagged, said, list(TAGS))
    assert (scores.drop("nodule").F1 > 0.9).all(), scores
    assert scores.F1["nodule"] > 0.7, scores
