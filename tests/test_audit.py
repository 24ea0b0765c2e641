"""Every check finds its planted leak, is silent on a clean table, and says what it could not check."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mrg_helpers import datasets, extraction, features, whitening
from mrg_helpers.audit import VERDICTS, audit
from mrg_helpers.audit_checks import COLUMNS
from mrg_helpers.vocabulary import Vocabulary

SPLITS = ["train"] * 10 + ["val"] * 4 + ["test"] * 6


def soft_picture(seed):
    values = np.random.default_rng([9, seed]).integers(20, 230, (7, 6)).astype("uint8")
    return Image.fromarray(values).resize((240, 200), Image.Resampling.BICUBIC)


@pytest.fixture
def table(tmp_path):
    """Ten patients with two studies each; no text, patient or picture stands in two splits."""
    rng, rows = np.random.default_rng(4), []
    for k, split in enumerate(SPLITS):
        soft_picture(k).save(tmp_path / f"{k}.png")
        text = " ".join(f"w{n}" for n in rng.integers(0, 200, 20))
        rows.append((f"s{k}", f"p{k // 2}", [str(tmp_path / f"{k}.png")], text.capitalize() + ".", "", split))
    return pd.DataFrame(rows, columns=["study_id", "patient_id", "images", "findings", "impression", "split"])


def verdicts(table, **kwargs):
    """(check, between) -> the row."""
    found = audit(table, progress=False, **kwargs)
    assert list(found.table.columns) == COLUMNS and found.table["verdict"].isin(VERDICTS).all()
    assert (found.table["explanation"] != "").all() and str(found)
    assert (found.table["share"].dropna().between(0, 1)).all()
    return {(row.check, row.between): row for row in found.table.itertuples()}


def test_a_clean_table_is_clean_and_the_rest_is_not_checked(table):
    rows = verdicts(table, read_images=True)
    said = {}
    for (check, _), row in rows.items():
        said.setdefault(check.split(":")[0], set()).add(row.verdict)
    assert said == {"patient": {"clean"}, "study": {"clean"}, "image file": {"clean"}, "findings": {"clean"},
                    "image": {"clean"}, "vocabulary": {"not checked"}, "features": {"not checked"},
                    "choice": {"not checked"}}  # fmt: skip
    assert audit(table, progress=False).leaks.empty
    assert rows["image: looks alike", "train, test"].explanation == "none found; looked at 6"


@pytest.mark.parametrize(
    ("column", "check"), [("patient_id", "patient"), ("study_id", "study"), ("images", "image file")]
)
def test_the_same_id_in_two_splits(table, column, check):
    table.at[19, column] = table.at[3, column]
    row = verdicts(table)[check, "train, test"]
    assert (row.verdict, row.count) == ("leak", 1) and 0 < row.share <= 0.25
    assert verdicts(table)[check, "train, val"].verdict == verdicts(table)[check, "val, test"].verdict == "clean"
    assert len(row.examples) == 1 and audit(table, progress=False).leaks["check"].eq(check).sum() == 1


def test_a_table_without_patients_is_not_called_clean(table):
    rows = verdicts(table.assign(patient_id=table["study_id"]))
    assert rows["patient", ""].verdict == "not checked" and ("patient", "train, test") not in rows


def test_a_text_in_two_splits_word_for_word_and_nearly(table):
    table.loc[14, "findings"] = "1. " + table.loc[2, "findings"].upper()  # cleaning and case do not hide it
    words = table.loc[5, "findings"].split()
    table.loc[15, "findings"] = " ".join([*words[:18], "other", "words."])
    table.loc[11, "findings"] = table.loc[5, "findings"]
    rows = verdicts(table)
    exact, close = rows["findings: word for word", "train, test"], rows["findings: nearly", "train, test"]
    assert (exact.verdict, exact.count, exact.share, exact.examples) == ("beware", 1, 1 / 6, ["s14 as s2"])
    assert (close.verdict, close.count) == ("beware", 1) and close.examples[0].startswith("s15 as s5 (8")
    assert rows["findings: word for word", "train, val"].examples == ["s11 as s5"]
    assert rows["findings: nearly", "val, test"].examples[0].startswith("s15 as s11")
    assert rows["findings: repeated", "all"].count == 4
    assert verdicts(table, near=0.95)["findings: nearly", "train, test"].verdict == "clean"


def test_texts_that_nobody_has_are_not_checked(table):
    rows = audit(table, "impression", progress=False).table
    assert set(rows["verdict"][rows["check"].str.startswith("impression")]) == {"not checked"}
    with pytest.raises(ValueError, match="findings, impression, report"):
        audit(table, "summary")


def test_a_picture_that_was_resized_and_stored_again(table, tmp_path):
    soft_picture(1).resize((200, 170)).save(tmp_path / "18.png", "JPEG", quality=60)
    rows = verdicts(table, read_images=True)
    row = rows["image: looks alike", "train, test"]
    assert (row.verdict, row.count) == ("leak", 1) and row.examples[0].startswith("s18 as s1 (")
    assert "(here 1)" in row.explanation
    assert rows["image: looks alike", "train, val"].verdict == "clean"
    assert verdicts(table)["image: looks alike", ""].verdict == "not checked"


def test_pictures_that_cannot_be_read_are_not_called_clean(table, tmp_path):
    (tmp_path / "12.png").write_bytes(b"broken")
    rows = verdicts(table, read_images=True)
    assert rows["image: looks alike", "train, test"].verdict == "not checked"
    assert "1 of 20 files" in rows["image: looks alike", "train, test"].explanation
    for k in range(20):
        (tmp_path / f"{k}.png").unlink()
    assert verdicts(table, read_images=True)["image: looks alike", ""].verdict == "not checked"


def test_a_vocabulary_of_all_texts(table):
    training = table["findings"][table["split"] == "train"]
    check = "vocabulary: fitted on more than training"
    assert verdicts(table, vocabulary=Vocabulary.fit(training, max_words=50))[check, "train"].verdict == "clean"
    row = verdicts(table, vocabulary=Vocabulary.fit(table["findings"]))[check, "train"]
    assert row.verdict == "leak" and row.count > 20 and "in training 0" in row.examples[0]
    part = Vocabulary.fit(training.head(4))
    assert verdicts(table, vocabulary=part)[check, ""].verdict == "not checked"


def made_cache(table, folder, train):
    """A cache of random numbers, whose patients differ, as if the studies of ``train`` (N,) had been its training split."""
    rng = np.random.default_rng(0)
    raw = (rng.normal(5, 1, (len(table), 6, 4)) + rng.normal(0, 1, (len(table), 1, 4))).astype("float16")
    rows = pd.DataFrame({"image_id": table["study_id"], "path": "", "split": np.where(train, "train", "test")})
    mean, std = whitening.channel_statistics(raw, np.flatnonzero(train))
    folder.mkdir()
    np.save(folder / "features.npy", raw)
    rows.to_csv(folder / "rows.csv", index=False)
    np.savez(folder / "components.npz", **whitening.principal_components(raw, np.flatnonzero(train), mean, std))
    manifest = {"grid": [2, 3], "note": "", "done": len(table), "count": len(table), "train_rows": "",
                "mean": mean.tolist(), "std": std.tolist()}  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return features.FeatureCache(folder)


def test_statistics_of_all_rows(table, tmp_path):
    check = "features: mean and deviation of more than training"
    own = made_cache(table, tmp_path / "own", table["split"] == "train")
    assert verdicts(table, cache=own)[check, "train"].verdict == "clean"
    of_all = made_cache(table, tmp_path / "all", table["split"] != "")
    row = verdicts(table, cache=of_all)[check, "train"]
    assert (row.verdict, row.count) == ("leak", 4) and row.examples[0] == "channel 0"
    of_some = table.assign(study_id="x" + table["study_id"])
    assert verdicts(of_some, cache=own)[check, ""].verdict == "not checked"


def test_the_extractors_cache_passes(table, tmp_path):
    """The fingerprint of the training rows is written by one module and read by another."""

    class Network:
        grid, channels, layer, image_size, fingerprint, precision = (2, 3), 2, "tiny", 12, "f0", "float32"
        name, weights = "tiny", SimpleNamespace(source="tiny", note="")

        def __call__(self, grey):
            cells = grey.reshape(len(grey), 2, 6, 3, 4).mean(axis=(2, 4)).reshape(len(grey), 6, 1).astype("float32")
            return np.concatenate([cells, cells**0.5], axis=-1)

    rows = pd.DataFrame(
        {"image_id": table["study_id"], "path": [files[0] for files in table["images"]], "split": table["split"]}
    )
    cache = extraction.extract(rows, tmp_path / "cache", Network(), progress=False)
    check = "features: mean and deviation of more than training"
    assert verdicts(table, cache=cache)[check, "train"].verdict == "clean"
    row = verdicts(table.assign(split=SPLITS[::-1]), cache=cache)[check, "train"]
    assert row.verdict == "leak" and "another split" in row.explanation


def test_choices(table):
    check = "choice: made on test"
    assert verdicts(table, choices={"epoch": "val"})[check, "test"].verdict == "clean"
    row = verdicts(table, choices={"epoch": "val", "beam width": "test"})[check, "test"]
    assert (row.verdict, row.count, row.examples) == ("leak", 1, ["beam width"])
    assert verdicts(table, choices={"epoch": ""})[check, ""].verdict == "not checked"
    assert verdicts(table, choices={"epoch": "", "beam width": "test"})[check, "test"].verdict == "leak"


@pytest.mark.parametrize("rows", [slice(0, 10), slice(0, 0)])
def test_one_split_alone_cannot_be_checked(table, rows):
    found = audit(table.iloc[rows], read_images=True, progress=False).table
    said = found[~found["check"].str.contains("repeated")]
    assert (said["verdict"] == "not checked").all() and audit(table.iloc[rows], progress=False).leaks.empty


def test_the_audit_prints_what_it_found(table):
    table.at[19, "patient_id"] = table.at[3, "patient_id"]
    text = str(audit(table, progress=False))
    assert "LEAK        patient [train, test]: 1 (25.0%)" in text and "for example p1" in text
    assert text.endswith("1 leak, 0 beware, 15 clean, 4 not checked")
    assert max(map(len, text.splitlines())) <= 120


def test_facts_of_the_real_collection_are_found_again(shared):
    r2gen = datasets.load(
        "iu_xray", shared / "iu_xray" / "r2gen_annotation.json", require_images=False, progress=False
    ).table
    rows = verdicts(r2gen)
    copied = rows["findings: word for word", "train, test"]
    assert copied.verdict == "beware" and copied.share == pytest.approx(0.47, abs=0.01)
    assert rows["findings: nearly", "train, test"].count > 10
    assert rows["study", "train, test"].verdict == "clean" and rows["patient", ""].verdict == "not checked"

    kaggle = datasets.load("iu_xray", shared / "iu_xray", require_images=False, progress=False).table
    whole = kaggle[(kaggle["findings"] != "") & (kaggle["impression"] != "")]
    assert len(whole) == 3331
    repeated = audit(whole, "impression", progress=False).table.set_index("check").loc["impression: repeated"]
    assert repeated["share"] == pytest.approx(0.64, abs=0.02)  # 63 % before cleaning


def test_a_patient_published_twice_is_found_among_real_images(shared):
    table = datasets.load("folder", shared / "cxr_notes", progress=False).table
    twice = table[table["patient_id"].isin(["178", "97"])]
    table = pd.concat([twice, table[~table.index.isin(twice.index)].head(60)])
    first = (table["patient_id"] == "97") | ~table.index.isin(twice.index)
    table["split"] = np.where(first, "train", "test")
    row = verdicts(table, read_images=True)["image: looks alike", "train, test"]
    assert (row.verdict, row.count) == ("leak", 4)
