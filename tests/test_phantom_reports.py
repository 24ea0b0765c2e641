"""Reports of phantom patients against the statistics of the Indiana University collection, and the files on disk."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from defusedxml import ElementTree
from PIL import Image

from mrg_helpers import phantom
from mrg_helpers.phantom import patients, writer
from mrg_helpers.phantom.grammar import Report, write_report

ROOT = Path(__file__).resolve().parent.parent
N = 1500


@pytest.fixture(scope="module")
def studies():
    """1,500 patients with their reports; the boxes, which take long and which no report mentions, are left out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patients, "boxed", lambda patient: patient.findings)
        drawn = [patients.sample_patient(11, k) for k in range(1, N + 1)]
    return [(patient, write_report(patient, np.random.default_rng([11, patient.index]))) for patient in drawn]


def words(text):
    return re.findall(r"[a-z][a-z-]*|\d+\.\d", text.lower())


@pytest.mark.parametrize(
    ("section", "missing", "mean", "xxxx"), [("findings", 0.133, 31.4, 0.43), ("impression", 0.008, 10.6, 0.17)]
)
def test_lengths_gaps_and_xxxx_are_those_of_the_collection(studies, section, missing, mean, xxxx):
    texts = [getattr(report, section) for _, report in studies]
    there = [text for text in texts if text]
    lengths = [len(text.split()) for text in there]
    assert 1 - len(there) / N == pytest.approx(missing, abs=0.025)
    assert np.mean(lengths) == pytest.approx(mean, abs=2)
    assert np.mean(["XXXX" in text for text in there]) == pytest.approx(xxxx, abs=0.04)
    assert min(lengths) <= 10 and 1.5 * mean < np.percentile(lengths, 97) < max(lengths) <= 170


def test_both_sections_are_seldom_missing(studies):
    share = np.mean([not report.findings and not report.impression for _, report in studies])
    assert 0.001 < share < 0.015


def test_words_are_many_and_reports_differ(studies):
    texts = [f"{report.findings} {report.impression}" for _, report in studies]
    assert len(set(words(" ".join(texts)))) >= 350
    assert len({report.findings for _, report in studies}) > 0.75 * N
    impressions = Counter(report.impression for _, report in studies if report.impression)
    assert impressions.most_common(1)[0][0] == "No acute cardiopulmonary abnormality."
    assert 0.1 < np.mean([text.startswith("1. ") for text in impressions.elements()]) < 0.35


def test_sentences_are_well_formed(studies):
    for _, report in studies:
        for text in (report.findings, report.impression):
            assert not re.search(r"[${}|]|\s\s|\s[.,]|\.\.|\ba [aeio]|\bnone\b", text), text
            assert not text or (text[-1] == "." and not re.search(r"(?:^|[a-z]\. )[a-z]", text)), text


def test_hedges_numbers_and_denials_occur(studies):
    text = " ".join(f"{report.findings} {report.impression}" for _, report in studies)
    for expected in ("may represent", "cannot be excluded", "possibly", "No evidence of", "Negative for", " 2. "):
        assert text.count(expected) >= 3, expected


def test_side_place_and_degree_are_said(studies):
    place_words = {"upper": "upper", "lower": "lower", "middle": "mid", "base": "basilar|base|effusion|pleural fluid"}
    for patient, report in studies:
        if not report.findings:
            continue
        text = report.findings.lower()
        for finding in patient.findings:
            both = "both|bilateral|bibasilar"
            side = {"left": "left|levo", "right": "right|dextro", "bilateral": both, "": ""}[finding.side]
            degree = finding.degree
            assert re.search(side, text) and re.search(place_words.get(finding.place, ""), text), (finding, text)
            assert degree in text, (finding, text)


def test_tags_are_in_the_notation_of_the_collection(studies):
    tags = Counter(tag for _, report in studies for tag in report.tags)
    assert tags["normal"] == sum(patient.normal for patient, _ in studies)
    for expected in ("Cardiomegaly/mild", "Pleural Effusion/left/small", "Aorta/tortuous/mild", "Hernia, Hiatal/large",
                     "Nodule/lung/upper lobe/right", "Pulmonary Atelectasis/base/bilateral/mild"):  # fmt: skip
        assert tags[expected], expected


def test_a_report_depends_on_the_seed_only(studies):
    patient, report = studies[5]
    assert write_report(patient, np.random.default_rng([11, patient.index])) == report
    assert write_report(patient, np.random.default_rng([12, patient.index])) != report


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def small_set(tmp_path_factory):
    return phantom.write(tmp_path_factory.mktemp("phantom") / "set", n=10, seed=3, size=64, progress=False, workers=1)


def test_layout_and_truth(small_set):
    truth = json.loads((small_set / "truth.json").read_text(encoding="utf-8"))
    assert truth["size"] == 64 and list(truth["studies"]) == [f"CXR{k}" for k in range(1, 11)]
    listed = set()
    for k in range(1, 11):
        tree = ElementTree.parse(small_set / "ecgen-radiology" / f"{k}.xml")
        study = truth["studies"][tree.find("uId").get("id")]
        labels = {text.get("Label") for text in tree.iter("AbstractText")}
        assert labels == {"COMPARISON", "INDICATION", "FINDINGS", "IMPRESSION"}
        assert [image.get("id") for image in tree.iter("parentImage")] == list(study["views"])
        assert study["normal"] == (tree.find("MeSH/major").text == "normal") == (not study["findings"])
        for finding in study["findings"]:
            assert set(finding["boxes"]) <= set(study["views"].values())
            for left, top, right, bottom in finding["boxes"].values():
                assert 0 <= left < right <= 64 and 0 <= top < bottom <= 64
        for image_id, view in study["views"].items():
            assert image_id.endswith({"frontal": "1001", "lateral": "2001"}[view])
            with Image.open(small_set / "images" / f"{image_id}.png") as image:
                assert (image.size, image.mode) == ((64, 64), "L")
            listed.add(f"{image_id}.png")
    assert listed == {path.name for path in (small_set / "images").iterdir()}


def test_load_truth(small_set):
    truth = phantom.load_truth(small_set)
    patient = phantom.sample_patient(3, 2)
    assert [(f.name, f.side, f.degree) for f in truth["CXR2"]] == [(f.name, f.side, f.degree) for f in patient.findings]
    boxes = [box for findings in truth.values() for finding in findings for box in finding.boxes.values()]
    assert boxes and max(max(box) for box in boxes) > 1
    with pytest.raises(FileNotFoundError, match="truth.json is missing"):
        phantom.load_truth(small_set / "images")


def test_two_processes_write_the_same_bytes(small_set, tmp_path):
    assert files(phantom.write(tmp_path / "set", n=10, seed=3, size=64, progress=False, workers=2)) == files(small_set)


def test_a_larger_set_begins_with_the_smaller_one(small_set, tmp_path):
    root = phantom.write(tmp_path / "set", n=4, seed=3, size=64, progress=False, workers=1)
    phantom.write(root, n=10, seed=3, size=64, progress=False, workers=1)
    assert files(root) == files(small_set)


def test_a_complete_set_is_not_touched(small_set, monkeypatch):
    monkeypatch.setattr(writer, "render", lambda *_: pytest.fail("rendered again"))
    before = {path: path.stat().st_mtime_ns for path in small_set.rglob("*")}
    phantom.write(small_set, n=10, seed=3, size=64, progress=False)
    assert {path: path.stat().st_mtime_ns for path in small_set.rglob("*")} == before


def test_a_killed_run_leaves_no_half_file_and_is_taken_up(small_set, tmp_path):
    root = tmp_path / "set"
    code = f"from mrg_helpers import phantom; phantom.write({str(root)!r}, 10, 3, 64, progress=False, workers=1)"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    try:
        while not (root / "ecgen-radiology" / "2.xml").exists() and process.poll() is None:
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert not (root / "phantom.json").exists()
    whole = files(small_set)
    left = {name: content for name, content in files(root).items() if not Path(name).name.startswith(".")}
    left.pop("phantom.part.json")
    assert left and all(whole[name] == content for name, content in left.items())
    assert files(phantom.write(root, n=10, seed=3, size=64, progress=False, workers=1)) == whole


def test_a_script_without_a_main_guard_works(small_set, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"from mrg_helpers import phantom\nphantom.write({str(tmp_path / 'set')!r}, 10, 3, 64, False, workers=2)\n",
        encoding="utf-8",
    )
    subprocess.run([sys.executable, str(script)], check=True, capture_output=True)
    assert files(tmp_path / "set") == files(small_set)


def test_foreign_folders_and_other_phantoms_are_refused(small_set, tmp_path):
    (tmp_path / "thesis.docx").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match=r"holds other data \(thesis.docx\)"):
        phantom.write(tmp_path, n=2, size=64)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.docx"]
    with pytest.raises(ValueError, match="'seed': 3.*delete it or give another folder"):
        phantom.write(small_set, n=10, seed=4, size=64)
    with pytest.raises(ValueError, match="holds 10 phantom studies, not 5"):
        phantom.write(small_set, n=5, seed=3, size=64)


def test_special_characters_survive_the_xml():
    nasty = 'Effusion < 2 cm & "stable"; 5 > 3, größer — XXXX </AbstractText>'
    tree = ElementTree.fromstring(writer._xml(1, Report(nasty, "", nasty, "ok", (nasty,)), ("frontal",)))
    texts = {text.get("Label"): text.text for text in tree.iter("AbstractText")}
    assert texts == {"INDICATION": nasty, "COMPARISON": None, "FINDINGS": nasty, "IMPRESSION": "ok"}
    assert tree.find("MeSH/major").text == nasty


def test_views_are_missing_and_swapped_as_often_as_in_the_collection(monkeypatch):
    monkeypatch.setattr(patients, "boxed", lambda patient: patient.findings)
    views = [writer._study(1, k)[1] for k in range(1, 801)]
    both = [pair for pair in views if len(pair) == 2]
    assert 1 - len(both) / len(views) == pytest.approx(0.12, abs=0.04)
    assert np.mean([pair[0] == "lateral" for pair in both]) == pytest.approx(0.11, abs=0.04)
    assert all(pair == ("frontal",) for pair in views if len(pair) == 1)
