"""The labeller: hand-written sentences and every phantom report; the real ones are in ``test_agreement.py``."""

from __future__ import annotations

import re

import numpy as np
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
    ("Axillary densities not seen on the previous exam, healed rib fracture noted.", {"fracture": "asserted"}),
    ("A calcified pleural plaque has not changed.", {"pleural other": "asserted"}),
    ("Pulmonary vascular engorgement appears within limits of normal.", {"vascular congestion": "denied"}),
    ("Almost completely resolved right pneumothorax.", {"pneumothorax": "asserted"}),
    ("The right pneumothorax has resolved, the chest tube remains.",
     {"pneumothorax": "denied", "support devices": "asserted"}),
    ("No pneumothorax. Nasogastric tube in place.", {"pneumothorax": "denied", "support devices": "asserted"}),
    ("Neither consolidation nor edema.", {"consolidation": "denied", "edema": "denied"}),
    ("There is no pleural effusion; however, atelectasis is present.",
     {"pleural effusion": "denied", "atelectasis": "asserted"}),
    ("No fracture, although the spine shows degenerative changes.",
     {"fracture": "denied", "degenerative change": "asserted"}),
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
    ("It would be difficult to completely exclude a superimposed pneumonia.", {"pneumonia": "uncertain"}),
    ("Correlate clinically for signs of pneumonia.", {"pneumonia": "uncertain"}),
    ("Correlate clinically for pneumonia.", {"pneumonia": "uncertain"}),
    ("Calcifications suggest a previous granulomatous process.", {"granulomatous disease": "uncertain"}),
    ("Opacities, favoring scar or atelectasis.",
     {"lung opacity": "asserted", "scarring": "uncertain", "atelectasis": "uncertain"}),
    ("Consider oblique views to exclude a true nodule.", {"nodule": "uncertain"}),
    ("Maybe due to scarring.", {"scarring": "uncertain"}),
    # precedence, overlap, parts of something more general
    ("No effusion. Possible effusion.", {"pleural effusion": "uncertain"}),
    ("Possible effusion. Right effusion.", {"pleural effusion": "asserted"}),
    ("Calcified nodule in the left lung.", {"calcified granuloma": "asserted"}),
    ("No nodule.", {"nodule": "denied"}),
    ("Pericardial effusion.", {}),
    ("Hydropneumothorax.", {"pleural effusion": "asserted", "pneumothorax": "asserted"}),
    ("Left pacemaker.", {"pacemaker": "asserted", "support devices": "asserted"}),
    ("Small volume of pleural fluid.", {"pleural effusion": "asserted"}),
    ("Small volume effusions.", {"pleural effusion": "asserted"}),
    ("The aorta is tortuous and calcified.", {"tortuous aorta": "asserted", "atherosclerosis": "asserted"}),
    ("No tortuosity or calcification of the aorta.", {"tortuous aorta": "denied", "atherosclerosis": "denied"}),
    ("Large lung volumes.", {"hyperinflation": "asserted"}),
    ("Mild prominence of the superior mediastinum.", {"enlarged cardiomediastinum": "asserted"}),
    ("Changes of cystic fibrosis.", {}),
    ("Interstitial fibrotic changes.", {"scarring": "asserted"}),
    ("Left IJ dual-lumen catheter.", {"central line": "asserted"}),
    ("Density in the right lower lobe.", {"lung opacity": "asserted"}),
    ("Decreased bone density.", {}),
    ("Right lower lobe collapse.", {"atelectasis": "asserted"}),
    ("Collapse of a vertebral body.", {}),
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


OBSERVATIONS = {
    "enlarged cardiomediastinum": "The mediastinum is widened.",
    "cardiomegaly": "The heart is enlarged.",
    "lung lesion": "There is a mass in the left upper lobe.",
    "lung opacity": "Right basilar opacity.",
    "edema": "Mild interstitial edema.",
    "consolidation": "Left lower lobe consolidation.",
    "pneumonia": "Findings of pneumonia.",
    "atelectasis": "Bibasilar atelectasis.",
    "pneumothorax": "Small apical pneumothorax.",
    "pleural effusion": "Left pleural effusion.",
    "pleural other": "Apical pleural thickening.",
    "fracture": "Rib fracture.",
    "support devices": "Endotracheal tube in place.",
    "no finding": "Normal chest.",
}


@pytest.mark.parametrize("name", OBSERVATIONS)
def test_the_fourteen_observations_of_chexpert_are_known(name):
    assert findings.label(OBSERVATIONS[name])[name] == "asserted"
    if name != "no finding":
        assert "no finding" not in findings.label(OBSERVATIONS[name]) or name == "support devices"
        assert findings.label(f"Possible {OBSERVATIONS[name].lower()}")[name] != "denied"


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
        ("Chronic right-sided rib fractures.", "fracture", "fractures", "right", ""),
        ("Severe edema, left effusion.", "edema", "edema", "", "severe"),
        ("Tiny right apical pneumothorax and left nodule.", "pneumothorax", "pneumothorax", "right", "small"),
        ("Left lower lobe opacity, moderate right effusion.", "pleural effusion", "effusion", "right", "moderate"),
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
