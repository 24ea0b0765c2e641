"""Every layout to the same table; nothing lost silently; splits by patient; a set of studies on disk."""

from __future__ import annotations

import csv
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mrg_helpers import datasets, layouts
from mrg_helpers.datasets import Studies, duplicates, load, split_by_patient

TEXT = {"findings": "Heart normal.", "impression": "No disease."}


def png(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(value).integers(0, 255, (20, 30)).astype(np.uint8)).save(path)
    return path


def xml(path, uid, image_ids, findings="Heart normal.", impression="No disease.", tags=("normal",)):
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = {"COMPARISON": "", "INDICATION": "Cough &amp; fever", "FINDINGS": findings, "IMPRESSION": impression}
    body = "".join(f'<AbstractText Label="{label}">{text}</AbstractText>' for label, text in texts.items())
    mesh = "".join(f"<major>{tag}</major>" for tag in tags)
    shown = "".join(f'<parentImage id="{i}"><caption>PA and lateral</caption></parentImage>' for i in image_ids)
    path.write_text(
        f'<?xml version="1.0"?><eCitation><uId id="{uid}"/><MedlineCitation><Article><Abstract>{body}</Abstract></Article>'
        f"</MedlineCitation><MeSH>{mesh}<automatic>x</automatic></MeSH>{shown}</eCitation>",
        encoding="utf-8",
    )


def table_csv(path, rows, **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", **({"encoding": "utf-8"} | kwargs)) as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def quiet(name, root, **kwargs):
    studies = load(name, root, progress=False, **kwargs)
    assert_sound(studies)
    return studies


def assert_sound(studies):
    """What holds for every set of studies, whatever it came from."""
    table, log = studies.table, studies.attrition
    assert list(table.columns) == datasets.COLUMNS and table["study_id"].is_unique
    assert table["split"].isin(["train", "val", "test"]).all()
    assert (table.groupby("patient_id")["split"].nunique() == 1).all()
    for row in table.to_dict("records"):
        assert len(row["images"]) == len(row["views"]) and set(row["views"]) <= {"frontal", "lateral", "unknown"}
        assert all(isinstance(row[name], str) for name in ("findings", "impression", "indication", "comparison"))
    steps = log.groupby("step")[["studies", "images"]].sum()
    dropped = steps.loc["dropped"] if "dropped" in steps.index else 0
    assert (steps.loc["found"] - dropped == steps.loc["kept"]).all(), studies
    assert steps.loc["kept", "studies"] == len(table) and steps.loc["kept", "images"] == table["images"].map(len).sum()


def reasons(studies):
    return {
        row.reason: (row.studies, row.images, row.names) for row in studies.attrition.itertuples() if row.step != "kept"
    }


@pytest.fixture
def openi(tmp_path):
    """Five studies in Open-i's layout: one of them has no text and one a broken file."""
    png(tmp_path / "NLMCXR_png" / "CXR1_1_IM-0001-3001.png", 1)
    png(tmp_path / "NLMCXR_png" / "CXR1_1_IM-0001-4001.png", 2)
    png(tmp_path / "NLMCXR_png" / "CXR2_IM-0002-1001.png", 3)
    png(tmp_path / "NLMCXR_png" / "CXR3_IM-0003-2001.png", 4)
    png(tmp_path / "NLMCXR_png" / "CXR9_IM-0009-2001.png", 5)
    reports = tmp_path / "ecgen-radiology"
    xml(reports / "1.xml", "CXR1", ["CXR1_1_IM-0001-4001", "CXR1_1_IM-0001-3001"], tags=["Opacity/lung/left", "Nodule"])
    xml(reports / "2.xml", "CXR2", ["CXR2_IM-0002-1001", "CXR2_IM-0002-77"])
    xml(reports / "3.xml", "CXR3", ["CXR3_IM-0003-2001"])
    xml(reports / "4.xml", "CXR4", [], findings="", impression="")
    (reports / "5.xml").write_text("<eCitation><uId id='CXR5'>")
    return tmp_path


def test_open_i_reports_are_joined_to_their_images(openi):
    studies = quiet("iu_xray", openi)
    rows = studies.table.set_index("study_id")
    assert list(rows.index) == ["CXR1", "CXR2", "CXR3"]
    assert rows.loc["CXR1", "indication"] == "Cough & fever" and rows.loc["CXR1", "comparison"] == ""
    assert rows.loc["CXR1", "tags"] == ["Opacity/lung/left", "Nodule"]
    assert rows.loc["CXR1", "views"] == ["lateral", "frontal"]  # the lower number is the frontal one
    assert rows.loc["CXR2", "views"] == ["frontal"] and rows.loc["CXR3", "views"] == ["lateral"]
    assert rows.loc["CXR3", "images"] == [str(openi / "NLMCXR_png" / "CXR3_IM-0003-2001.png")]
    why = reasons(studies)
    assert why["XML file broken"] == (1, 0, ["5.xml"])
    assert why["image file missing"] == (0, 1, ["CXR2_IM-0002-77.png"])
    assert why["image file that no report names, not used"] == (0, 1, ["CXR9_IM-0009-2001.png"])
    assert why["no image listed"][0] == 1 and "5.xml" in str(studies)


def test_a_report_without_any_text_or_with_a_seen_id_is_dropped(openi):
    xml(openi / "ecgen-radiology" / "6.xml", "CXR3", ["CXR3_IM-0003-2001"])
    path = openi / "ecgen-radiology" / "4.xml"
    path.write_text(path.read_text().replace("Cough &amp; fever", " "))
    (openi / "ecgen-radiology" / "7.xml").write_text("<annotation/>")
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><eCitation><uId id="CXR8"/>&b;</eCitation>'
    (openi / "ecgen-radiology" / "8.xml").write_text(bomb)
    why = reasons(quiet("iu_xray", openi, require_images=False))
    assert why["no text in any section"] == (1, 0, ["CXR4"])
    assert why["study id occurs before"] == (1, 1, ["CXR3"])
    assert why["XML file without the uId of an Open-i report"] == (1, 0, ["7.xml"])
    assert why["XML file broken"] == (2, 0, ["5.xml", "8.xml"])


def test_broken_images_are_named_and_do_not_stop_the_run(openi):
    folder = openi / "NLMCXR_png"
    whole = (folder / "CXR2_IM-0002-1001.png").read_bytes()
    (folder / "CXR2_IM-0002-1001.png").write_bytes(whole[:200])
    (folder / "CXR3_IM-0003-2001.png").write_text("not an image")
    studies = quiet("iu_xray", openi)
    assert list(studies.table["study_id"]) == ["CXR1"]
    assert reasons(studies)["no image left"] == (2, 0, ["CXR2", "CXR3"])
    _, n, names = reasons(studies)["image file unreadable"]
    assert n == 2 and names[0].startswith("CXR2_IM-0002-1001.png: the image is truncated")
    assert len(quiet("iu_xray", openi, check_images=False).table) == 3


def test_the_phantoms_views_are_those_of_its_truth(openi):
    views = {"CXR1_1_IM-0001-4001": "frontal", "CXR1_1_IM-0001-3001": "lateral"}
    (openi / "truth.json").write_text(json.dumps({"studies": {"CXR1": {"views": views}}}))
    table = quiet("phantom", openi).table.set_index("study_id")
    assert table.loc["CXR1", "views"] == ["frontal", "lateral"]
    assert table.loc["CXR3", "views"] == ["lateral"]


@pytest.mark.parametrize("place", ["images/images_normalized", "images_normalized", "images", "."])
def test_the_kaggle_copy_is_joined_in_both_namings(tmp_path, place):
    reports = [
        {"uid": u, "MeSH": "Nodule;Opacity/lung", "indication": "", "comparison": "None.", **TEXT} for u in (1, 2, 3)
    ]
    listed = [(1, "1_IM-0001-4001.dcm.png", "Frontal"), (1, "1_IM-0001-3001.dcm.png", "Lateral")]
    listed += [(2, "2_IM-0652-1001.dcm.png", "Frontal"), (8, "8_IM-0008-1001.dcm.png", "Frontal")]
    table_csv(tmp_path / "indiana_reports.csv", reports)
    table_csv(
        tmp_path / "indiana_projections.csv",
        [dict(zip(("uid", "filename", "projection"), r, strict=True)) for r in listed],
    )
    for i, name in enumerate(["1_IM-0001-4001.dcm.png", "CXR1_1_IM-0001-3001.png", "CXR2_IM-0652-1001.png"]):
        png(tmp_path / place / name, i)
    studies = quiet("iu_xray", tmp_path)
    assert list(studies.table["study_id"]) == ["CXR1", "CXR2"]
    assert studies.table["views"].tolist() == [["frontal", "lateral"], ["frontal"]]
    assert studies.table["tags"][0] == ["Nodule", "Opacity/lung"]
    assert reasons(studies)["no image listed"] == (1, 0, ["CXR3"])
    assert reasons(studies)["images without a report"] == (0, 1, ["CXR8"])
    assert len(quiet("iu_xray", tmp_path, require_images=False).table) == 3


@pytest.mark.parametrize("name", ["annotation.json", "r2gen_annotation.json"])
def test_the_r2gen_copy_keeps_its_split(tmp_path, name):
    sizes, annotation = {"train": 6, "val": 2, "test": 3}, {}
    numbers = iter(range(11))
    for split, n in sizes.items():
        ids = [f"CXR{next(numbers)}_IM-0001" for _ in range(n)]
        annotation[split] = [
            {"id": i, "report": f"Heart {i}.", "image_path": [f"{i}/0.png", f"{i}/1.png"], "split": split} for i in ids
        ]
    for i, item in enumerate(annotation["train"] + annotation["val"] + annotation["test"]):
        for path in item["image_path"]:
            png(tmp_path / "images" / path, i)
    (tmp_path / name).write_text(json.dumps(annotation))
    studies = quiet("iu_xray", tmp_path)
    assert Counter(studies.table["split"]) == sizes
    assert studies.table["views"][0] == ["frontal", "lateral"] and studies.table["findings"][0] == "Heart CXR0_IM-0001."
    assert quiet("iu_xray", tmp_path / name).table.equals(studies.table)
    (tmp_path / name).write_text('{"train": [{"id": 3}]}')
    with pytest.raises(ValueError, match=f"{name}.*R2Gen"):
        load("iu_xray", tmp_path)


@pytest.fixture
def own(tmp_path):
    """Nine images of four patients, in a table as found in the wild."""
    rows = [
        {
            "Patient ID": i // 2,
            "FileName": f"{i}.png",
            "View": ["PA", "L", "AP Supine", ""][i % 4],
            "Clinical Notes": f"FINDINGS: Heart {i}. IMPRESSION: fine" if i % 2 else f"Note “{i}”,\nin two lines",
        }
        for i in range(9)
    ]
    for i in range(9):
        png(tmp_path / ("images" if i % 2 else ".") / f"{i}.png", i)
    table_csv(tmp_path / "notes.csv", rows)
    return tmp_path


def test_a_table_of_ones_own_is_understood(own):
    studies = quiet("folder", own)
    table = studies.table
    assert len(table) == 9 and table["patient_id"].nunique() == 5
    assert table["findings"][0] == "Note “0”,\nin two lines" and table["impression"][0] == ""
    assert table["findings"][1] == "Heart 1." and table["impression"][1] == "fine"
    assert table["views"].tolist()[:4] == [["frontal"], ["lateral"], ["frontal"], ["unknown"]]
    assert quiet("folder", own / "notes.csv").table.equals(table)


def test_rows_of_one_study_are_joined_and_a_given_split_is_kept(tmp_path):
    spelled = ["training", "Train", "valid", "TEST", "test", "dev"]
    rows = [
        {
            "study_id": f"s{i // 2}",
            "path": str(png(tmp_path / "far" / f"{i}.png", i)),
            "report": "same text",
            "subset": spelled[i // 2],
        }
        for i in range(12)
    ]
    rows[11]["report"] = "and more"
    table = quiet("folder", table_csv(tmp_path / "x" / "t.csv", rows)).table
    assert table["images"].map(len).tolist() == [2] * 6  # absolute paths are taken as they are
    assert table["findings"].tolist()[-2:] == ["same text", "same text and more"]
    assert table["split"].tolist() == ["train", "train", "val", "test", "test", "val"]


def test_odd_rows_of_a_table_are_counted(own):
    with (own / "notes.csv").open("a", encoding="utf-8", newline="") as file:
        file.write("7,,PA,no image name\n7,a.png,PA,too,many,cells\n7,../secret.png,PA,outside\n7,short.png\n")
        file.write("7,0.png,PA,listed before\n7,8.png,PA,nan\n")
    png(own.parent / "secret.png")
    why = reasons(quiet("folder", own))
    assert why["row without an image name"] == (1, 1, ["row 11"])
    assert why["row with more cells than the header"] == (1, 1, ["row 12"])
    assert why["image file missing"] == (0, 1, ["secret.png"])
    assert why["study id occurs before"] == (2, 2, ["0.png", "8.png"])
    assert why["no text in any section"] == (1, 1, ["short.png"])


def test_tables_from_spreadsheets_are_read(own):
    text = (own / "notes.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    expected = quiet("folder", own).table
    (own / "notes.csv").write_bytes(text.encode("utf-8-sig"))
    assert quiet("folder", own).table.equals(expected)
    (own / "notes.csv").write_bytes(text.encode("cp1252"))
    assert quiet("folder", own).table.equals(expected)
    lines = ["Patient ID;FileName;Clinical Notes"] + [
        f"{r['Patient ID']};{r['FileName']};n, {i}" for i, r in enumerate(rows) if r["FileName"]
    ]
    (own / "notes.csv").write_text("\r\n".join(lines), encoding="utf-8")
    assert quiet("folder", own).table["findings"][0] == "n, 0"


def test_one_clear_error_for_what_is_not_there(tmp_path, own):
    with pytest.raises(ValueError, match="phantom, iu_xray, folder"):
        load("mnist", tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    for root in (empty, tmp_path / "nowhere"):
        with pytest.raises(
            FileNotFoundError, match=rf"{root.name}.*XML.*indiana_reports.csv.*annotation.json.*prepare"
        ):
            load("iu_xray", root)
        with pytest.raises(FileNotFoundError, match="truth.json"):
            load("phantom", root)
        with pytest.raises(FileNotFoundError, match="exactly one CSV"):
            load("folder", root)
    table_csv(own / "second.csv", [{"a": 1}])
    with pytest.raises(FileNotFoundError, match="notes.csv, second.csv"):
        load("folder", own)
    with pytest.raises(ValueError, match="second.csv: no image column among: a; rename"):
        load("folder", own / "second.csv")
    table_csv(own / "second.csv", [{"Image": 1, "sex": "F"}])
    with pytest.raises(ValueError, match="no report column among: Image, sex"):
        load("folder", own / "second.csv")


def test_a_set_of_which_nothing_can_be_used_says_why(own):
    for path in own.rglob("*.png"):
        path.unlink()
    with pytest.raises(ValueError, match="(?s)no study can be used.*9  image file missing: 0.png"):
        load("folder", own, progress=False)
    assert len(load("folder", own, require_images=False, progress=False).table) == 9


def patients(n):
    return pd.DataFrame(
        {"study_id": [f"s{i}" for i in range(2 * n)], "patient_id": [f"p{i // 2}" for i in range(2 * n)]}
    )


def test_the_split_depends_on_the_patients_alone():
    table = patients(100)
    split = split_by_patient(table, seed=3)
    assert Counter(split) == {"train": 140, "val": 20, "test": 40}
    shuffled = table.sample(frac=1, random_state=0)
    assert (split_by_patient(shuffled, seed=3).sort_index() == split).all()
    assert (split_by_patient(table, seed=4) != split).any()
    assert (split.groupby(table["patient_id"]).nunique() == 1).all()
    assert (split_by_patient(table, fractions=(0.5, 0, 0.5)) != "val").all()


@pytest.mark.parametrize("n", range(3, 12))
def test_small_sets_have_something_in_every_split(n):
    assert set(split_by_patient(patients(n))) == {"train", "val", "test"}


def test_very_small_sets_keep_a_patient_to_train_on():
    assert set(split_by_patient(patients(1))) == {"train"} and set(split_by_patient(patients(2))) == {"train", "test"}
    assert len(split_by_patient(patients(0))) == 0
    for bad in [(0.5, 0.5, 0.5), (1.2, -0.1, -0.1), (0, 0.5, 0.5), (0.5, 0.5)]:
        with pytest.raises(ValueError, match="three shares"):
            split_by_patient(patients(5), fractions=bad)


def given(tmp_path, splits, patient=lambda i: i):
    rows = [
        {"image": png(tmp_path / f"{i}.png", i).name, "text": f"t{i}", "patient": patient(i), "split": split}
        for i, split in enumerate(splits)
    ]
    return quiet("folder", table_csv(tmp_path / "t.csv", rows))


def test_a_patient_astride_two_given_splits_goes_to_the_strictest(tmp_path):
    studies = given(tmp_path, ["train", "test", "train", "val", "train", "train"], patient=lambda i: i // 2)
    assert studies.table["split"].tolist() == ["test", "test", "val", "val", "train", "train"]
    assert reasons(studies)["moved: the patient has studies in another split"] == (2, 0, ["0.png", "2.png"])


def test_an_incomplete_split_is_completed_and_said(tmp_path):
    studies = given(tmp_path, ["train"] * 10 + ["test"] * 3 + ["fold7", ""])
    assert set(studies.table["split"]) == {"train", "val", "test"}
    assert (studies.table["split"][10:13] == "test").all()
    why = reasons(studies)
    assert why["given a split: the data bring none for them"][0] == 2
    assert why["moved from train: the data bring no val split"][0] >= 1
    assert why["split 'fold7' is none of train, val, test"][2] == ["row 15"]


def test_saved_and_loaded_studies_are_the_same(own, tmp_path):
    studies = quiet("folder", own)
    studies.table.loc[0, "findings"] = 'quotes " and , commas\r\nand \r line ends\n'
    folder = studies.save(tmp_path / "saved")
    again = Studies.load(folder)
    pd.testing.assert_frame_equal(again.table, studies.table)
    pd.testing.assert_frame_equal(again.attrition, studies.attrition)
    assert (again.name, again.root, str(again)) == (studies.name, studies.root, str(studies))
    assert pd.read_csv(folder / "split.csv")["split"].tolist() == studies.table["split"].tolist()
    studies.save(folder)
    assert not list(folder.glob("*.part"))
    (folder / "studies.csv").write_text("study_id\n", encoding="utf-8")
    with pytest.raises(ValueError, match="studies.csv was cut or changed"):
        Studies.load(folder)
    (folder / "attrition.csv").unlink()
    with pytest.raises(FileNotFoundError, match="attrition.csv.*save it again"):
        Studies.load(folder)
    (folder / "studies.json").write_text("{")
    with pytest.raises(ValueError, match="studies.json is broken"):
        Studies.load(folder)


def test_studies_without_the_wanted_text_are_counted(own):
    studies = quiet("folder", own)
    wanted = studies.with_text("impression")
    assert_sound(wanted)
    assert (wanted.table["impression"] != "").all() and len(wanted.table) == 4
    assert reasons(wanted)["no text for the target impression"][:2] == (5, 5)
    assert len(studies.with_text("report").table) == 9


def test_duplicates_are_counted_after_cleaning():
    table = pd.DataFrame(
        {"findings": ["1. A b.", "a b.", "C.", "", "XXXX"], "split": ["train", "test", "test", "train", "val"]}
    )
    assert duplicates(table, "findings") == {"texts": 3, "distinct": 2, "repeated": 2 / 3, "test_in_train": 0.5}


def test_the_real_collection_loads(shared):
    studies = quiet("iu_xray", shared / "iu_xray", require_images=False)
    found = studies.attrition.iloc[0]
    assert (found.studies, found.images) == (3851, 7466)
    assert reasons(studies)["no text in any section"][0] == 25 and len(studies.table) == 3826
    assert (studies.table["findings"] == "").sum() == 514 - 25 and (studies.table["impression"] == "").sum() == 31 - 25
    shares = studies.table["split"].value_counts(normalize=True)
    assert shares["train"] == pytest.approx(0.7, abs=0.01) and shares["test"] == pytest.approx(0.2, abs=0.01)


def test_the_real_images_are_joined_in_both_namings(shared):
    table = quiet("iu_xray", shared / "iu_xray").table.set_index("study_id")
    assert sorted(table.index, key=len) == ["CXR7", "CXR25", "CXR54", "CXR303", "CXR1000", "CXR1001", "CXR1900"]
    assert table["images"].map(len).sum() == 12
    assert (
        table.loc["CXR7", "images"][0].endswith("CXR7_IM-2263-1001.png") and table.loc["CXR7", "views"][0] == "frontal"
    )
    assert table.loc["CXR1000", "views"] == ["frontal", "frontal", "lateral"]


def test_the_real_r2gen_split_is_kept(shared):
    studies = quiet("iu_xray", shared / "iu_xray" / "r2gen_annotation.json", require_images=False)
    assert Counter(studies.table["split"]) == {"train": 2069, "val": 296, "test": 590}
    kaggle = quiet("iu_xray", shared / "iu_xray", require_images=False).table
    assert set(studies.table["study_id"]) < set(kaggle["study_id"])


def test_views_are_guessed_as_well_as_the_docstring_says(shared):
    with (shared / "iu_xray" / "indiana_projections.csv").open() as file:
        listed = list(csv.DictReader(file))
    by_study = {}
    for row in listed:
        by_study.setdefault(row["uid"], []).append(row)
    guesses = [
        (g, r["projection"].lower())
        for rows in by_study.values()
        for g, r in zip(layouts.guess_views([r["filename"] for r in rows]), rows, strict=True)
    ]
    sure = [(guess, truth) for guess, truth in guesses if guess != "unknown"]
    assert 1 - len(sure) / len(guesses) == pytest.approx(0.05, abs=0.005)
    assert np.mean([guess == truth for guess, truth in sure]) == pytest.approx(0.89, abs=0.005)


def test_the_notes_found_in_the_wild_load(shared):
    studies = quiet("folder", shared / "cxr_notes")
    assert len(studies.table) == 184 and studies.table["patient_id"].nunique() == 104
    assert studies.table["views"].tolist() == [["frontal"]] * 184
    assert (studies.table["findings"] != "").sum() > 175
