"""A draft for a new X-ray: from the file to the page and the JSON, with a tiny trained model."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from pydicom.datadict import dictionary_VR, keyword_dict
from test_dicom import write as write_dicom

import mrg_helpers
from mrg_helpers import __main__ as command
from mrg_helpers import draft_page, drafting, images, paths, stages
from mrg_helpers.drafts import NOTICE
from mrg_helpers.images import ImageError
from mrg_helpers.models import save_model

SECRET = "Zyxwv"


@pytest.fixture(scope="module")
def drafter(tiny):
    return drafting.Drafter(tiny)


@pytest.fixture(scope="module")
def phantom(tiny):
    """A study that the model has not learnt from: its frontal and its lateral image."""
    table = stages.ensure_studies(tiny).table
    return next(files for files in table[table["split"] == "test"]["images"] if len(files) == 2)


@pytest.fixture(scope="module")
def draft(drafter, phantom):
    return drafter(phantom[0])


@pytest.fixture
def loaded(drafter, monkeypatch):
    """What was asked to be loaded; the one that is loaded already is given instead."""
    asked = []
    monkeypatch.setattr(drafting, "Drafter", lambda *settings: asked.append(settings) or drafter)
    return asked


def test_the_draft_is_what_the_model_writes_for_these_features(drafter, draft, tiny, phantom):
    table = stages.ensure_studies(tiny).table
    tests = table[table["split"] == "test"].reset_index(drop=True)
    place = next(k for k, files in enumerate(tests["images"]) if files[0] == phantom[0])
    known = stages.ensure_generation(tiny)
    assert draft.text == known.texts(stages.ensure_vocabulary(tiny))[place]
    count = known.lengths[place]
    assert draft.words == drafter.model.vocabulary.tokens(known.words(place))
    assert np.allclose(draft.log_probs, known.log_probs[place, :count], atol=1e-4)
    assert np.allclose(draft.attention, known.attention[place, :count], atol=1e-4)
    assert draft.attention.shape == (count, 9) and len(draft.alternatives) == count
    assert drafter(phantom[0]).to_dict()["sentences"] == draft.to_dict()["sentences"]  # the same again


def test_the_nearest_case_of_a_training_image_is_itself(drafter, tiny):
    table = stages.ensure_studies(tiny).table
    seen = stages.one_image_per_study(table, tiny.view)
    texts = np.array(stages.target_texts(table, tiny.target))
    for place in np.flatnonzero((table["split"] == "train") & (texts != ""))[:3]:
        found = drafter(seen["path"][place]).neighbour
        assert found.name == table["study_id"][place] and found.likeness == pytest.approx(1, abs=1e-3)
        assert found.report == texts[place]
        assert np.array_equal(found.image, images.read(seen["path"][place]))


def test_a_picture_that_is_no_x_ray_is_drafted_with_a_warning(drafter, tiny, tmp_path):
    seen = stages.one_image_per_study(stages.ensure_studies(tiny).table, tiny.view)
    usual = drafter(seen.loc[seen["split"] == "val", "path"].iloc[0])
    assert not usual.familiarity.unfamiliar and not any("unlike" in text for text in usual.warnings)
    Image.fromarray(np.full((90, 120), 255, np.uint8)).save(tmp_path / "paper.png")
    found = drafter(tmp_path / "paper.png")
    assert found.familiarity.unfamiliar and found.familiarity.beyond == 1
    assert "unlike the X-rays" in found.warnings[0] and "unlike the X-rays" in found.to_dict()["warnings"][0]
    assert found.text


def test_synthetic_patients_and_random_weights_are_said(draft):
    said = " ".join(draft.warnings)
    assert "synthetic patients only" in said and "random InceptionV3 features" in said
    assert "weights random" in draft.versions["image network"]


def test_the_lateral_view_is_shown_and_not_looked_at(drafter, draft, phantom):
    found = drafter(*phantom)
    assert found.text == draft.text and np.array_equal(found.other, images.read(phantom[1]))
    assert found.to_dict()["other_view"] == {"view": "lateral", "seen_by_the_model": False}
    assert draft.to_dict()["other_view"] is None


def untrained(settings):
    """A drafter whose model has its first weights, as if they had been trained."""
    folder = stages.artefact_folder(settings, "model")
    save_model(stages.new_model(settings), folder / "model.keras")
    paths.write_text(folder / "finished", "")
    return drafting.Drafter(settings)


@pytest.mark.parametrize("network, layer, name", [
    ("densenet121", "conv2_block6_concat", "DenseNet121"),
    ("efficientnet_b0", "block2b_add", "EfficientNetB0"),
    ("mobilenet_v3_large", "expanded_conv_2_add", "MobileNetV3Large"),
])  # fmt: skip
def test_a_draft_says_which_network_saw_the_image(tiny, phantom, network, layer, name):
    found = untrained(dataclasses.replace(tiny, network=network, layer=layer, image_size=32))(phantom[0])
    assert found.versions["image network"].startswith(f"{name} up to {layer} at 32 pixels, weights random")
    assert any(f"random {name} features" in text for text in found.warnings)
    assert found.attention.shape[1:] == (9,)


def place_of(settings, files):
    """The number of a test study."""
    table = stages.ensure_studies(settings).table
    return table.loc[table["split"] == "test", "images"].tolist().index(files)


def test_a_model_of_two_views_looks_at_the_lateral_one_too(tiny, phantom):
    settings = dataclasses.replace(tiny, model="two_view")
    drafter, place = untrained(settings), place_of(settings, phantom)
    known, both, one = stages.ensure_generation(settings), drafter(*phantom), drafter(phantom[0])
    count = known.lengths[place]
    assert np.allclose(both.log_probs, known.log_probs[place, :count], atol=1e-4)
    assert np.allclose(both.attention, known.attention[place, :count], atol=1e-4)
    assert both.attention.shape[1] == 2 * np.prod(both.grid) and both.attention[:, np.prod(both.grid) :].any()
    assert both.to_dict()["other_view"] == {"view": "lateral", "seen_by_the_model": True}
    assert not any("not given" in text for text in both.warnings)
    assert len(one.log_probs) != count or not np.allclose(one.log_probs, both.log_probs, atol=1e-4)
    assert any("second view of the chest, which was not given" in text for text in one.warnings)
    assert np.allclose(one.attention.sum(axis=1), 1, atol=1e-4)  # all of it on the only view


def test_a_model_of_indications_reads_the_one_that_was_given(tiny, phantom):
    settings = dataclasses.replace(tiny, model="indication")
    table = stages.ensure_studies(settings).table
    tests = table[table["split"] == "test"].reset_index(drop=True)
    known_words = set(stages.indication_words(settings))
    place = next(k for k, text in enumerate(tests["indication"]) if known_words & set(text.lower().split()))
    image, text = tests["images"][place][0], tests["indication"][place]
    drafter, known = untrained(settings), stages.ensure_generation(settings)
    told, untold = drafter(image, indication=text), drafter(image)
    assert np.allclose(told.log_probs, known.log_probs[place, : known.lengths[place]], atol=1e-4)
    assert len(told.log_probs) != len(untold.log_probs) or not np.allclose(told.log_probs, untold.log_probs, atol=1e-4)
    assert told.to_dict()["indication"] == {"text": text, "read_by_the_model": True}
    assert untold.to_dict()["indication"] is None
    assert any("why the X-ray was taken, which was not given" in one for one in untold.warnings)


def test_an_indication_that_the_model_does_not_read_changes_nothing_and_says_so(drafter, draft, phantom):
    found = drafter(phantom[0], indication="Cough.")
    assert found.text == draft.text and not any("not given" in text for text in draft.warnings)
    assert found.to_dict()["indication"] == {"text": "Cough.", "read_by_the_model": False}


def test_a_dicom_file_of_the_same_picture_gets_the_same_draft(drafter, draft, phantom, tmp_path):
    grey = images.read(phantom[0])
    window = {"WindowCenter": 128, "WindowWidth": 256}
    plain = write_dicom(tmp_path / "a.dcm", grey, 8, **window)
    turned = write_dicom(tmp_path / "b.dcm", 255 - grey, 8, PhotometricInterpretation="MONOCHROME1", **window)
    for path in (plain, turned):
        found = drafter(path)
        assert found.text == draft.text and found.kind == "DICOM"
    assert draft.kind == "PNG or JPEG"


def test_text_that_may_be_burnt_into_a_picture_is_warned_of(drafter, phantom, tmp_path):
    grey = images.read(phantom[0])
    for said, warned in (("YES", True), ("NO", False)):
        found = drafter(write_dicom(tmp_path / f"{said}.dcm", grey, 8, BurnedInAnnotation=said))
        assert any("text is burnt into its picture" in text for text in found.warnings) == warned


def full_of_names(path, grey):
    """A DICOM file with a name in every attribute that takes a text or is about a person, in its meta header and its file name."""
    texts = {}
    for name, tag in keyword_dict.items():
        if (
            name.startswith("Patient")
            or dictionary_VR(tag) == "PN"
            or name in ("AccessionNumber", "StudyID", "StationName")
        ):
            kind = dictionary_VR(tag)
            if kind in ("PN", "LO", "SH", "LT", "ST", "UT"):
                texts[name] = f"{SECRET}^{name}"[:16]
    texts |= {"PatientID": f"{SECRET}77", "StudyDate": "19121212", "PatientBirthDate": "19111111"}
    made = write_dicom(path, grey, 8, **texts)
    import pydicom

    data = pydicom.dcmread(made)
    data.file_meta.SourceApplicationEntityTitle = f"{SECRET}META"
    data.file_meta.PrivateInformationCreatorUID = "1.2.3"
    data.file_meta.PrivateInformation = SECRET.encode()
    data.preamble = (SECRET * 30).encode()[:128]
    data.private_block(0x99, SECRET, create=True).add_new(1, "LO", SECRET)
    data.save_as(made)
    return made


def test_nothing_of_the_header_and_of_the_name_gets_out_unless_asked(loaded, tiny, phantom, tmp_path):
    grey = images.read(phantom[0])
    one = full_of_names(tmp_path / f"{SECRET}.dcm", grey)
    other = full_of_names(tmp_path / f"{SECRET}-lateral.dcm", grey)
    page, data = tmp_path / "page.html", tmp_path / "draft.json"
    mrg_helpers.draft(one, lateral=other, out=page, json=data, settings=tiny)
    written = page.read_text("utf-8") + data.read_text("utf-8")
    for word in (SECRET, "19121212", "19111111", str(tmp_path), "PatientName"):
        assert word.lower() not in written.lower(), word

    mrg_helpers.draft(one, lateral=other, out=page, json=data, settings=tiny, include=["PatientID", "StudyDate"])
    assert json.loads(data.read_text("utf-8"))["header"] == {"PatientID": f"{SECRET}77", "StudyDate": "19121212"}
    for written in (page.read_text("utf-8"), data.read_text("utf-8")):
        assert written.count(SECRET) == written.count(f"{SECRET}77") == 1 and "19111111" not in written


def test_a_file_name_and_pixels_only_go_in_on_request(drafter, phantom, tmp_path):
    named = tmp_path / f"{SECRET}.png"
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Patient", SECRET)
    Image.open(phantom[0]).save(named, pnginfo=info)
    without = drafter(named)
    assert without.header == {} and SECRET not in draft_page.page(without) + json.dumps(without.to_dict())
    assert drafter(named, include=["FileName"]).header == {"FileName": f"{SECRET}.png"}


def test_the_json_holds_everything_in_plain_types(draft, tmp_path):
    draft.save_json(tmp_path / "x.json")
    found = json.loads((tmp_path / "x.json").read_text("utf-8"))
    assert found["notice"] == NOTICE and found["text"] == draft.text
    assert " ".join(one["text"] for one in found["sentences"]) == draft.text
    for one in found["sentences"]:
        assert one["sureness"] is None or 0 <= one["sureness"] <= 1
        assert one["marked"] == (one["sureness"] is not None and one["sureness"] < 0.8)
        assert all(0 < word["probability"] <= 1 for word in one["words"])
    assert set(found["findings"]) == {"asserted", "uncertain", "denied"}
    assert set(found["neighbour"]) == {"study", "report", "likeness"}
    assert found["familiarity"]["quantile"] == 0.99 and found["familiarity"]["held_out_images"] == 2
    assert found["familiarity"]["unfamiliar"] is draft.familiarity.unfamiliar
    assert {"program", "model", "trained", "training data", "image network"} <= set(found["versions"])
    assert found["image"]["sha256"] == draft.fingerprint and len(draft.fingerprint) == 12


def test_several_images_load_the_model_once(loaded, tiny, phantom, tmp_path):
    said = []
    found = mrg_helpers.draft(phantom, out=tmp_path / "pages", json=tmp_path / "data", settings=tiny, say=said.append)
    assert len(found) == 2 and loaded == [(tiny, False)] and len(said) == 4
    names = {f"draft-{one.fingerprint}" for one in found}
    assert {path.stem for path in (tmp_path / "pages").iterdir()} == names
    assert {path.stem for path in (tmp_path / "data").iterdir()} == names


def test_settings_without_a_model_are_named_with_what_to_do(tiny, phantom):
    other = dataclasses.replace(tiny, units=9)
    with pytest.raises(drafting.NotTrained, match=r"(?s)no model is trained.*--train.*mrg_helpers run"):
        mrg_helpers.draft(phantom[0], settings=other)
    assert not stages.is_trained(other) and stages.is_trained(tiny)


def test_other_weights_than_the_features_were_made_with_are_refused(tiny, monkeypatch):
    from mrg_helpers import encoders

    other = SimpleNamespace(fingerprint="0" * 16, weights=SimpleNamespace(path="new.weights.h5"))
    monkeypatch.setattr(encoders, "Extractor", lambda *settings: other)
    with pytest.raises(RuntimeError, match="other weights of InceptionV3"):
        drafting.Drafter(tiny)


def test_wrong_input_is_told_before_anything_is_loaded(phantom, tmp_path, monkeypatch):
    monkeypatch.setattr(drafting, "Drafter", None)  # whoever would load it fails otherwise
    (tmp_path / "fake.dcm").write_text("no DICOM file", encoding="utf-8")
    whole = Path(phantom[0]).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    for arguments, message in [
        ({"image": tmp_path / "nowhere.png"}, "no such image"),
        ({"image": tmp_path / "fake.dcm"}, "lacks the mark"),
        ({"image": [phantom[0], tmp_path / "cut.png"]}, "cut.png: the image is truncated"),
        ({"image": phantom[0], "lateral": tmp_path / "nowhere.png"}, "no such image"),
        ({"image": phantom, "lateral": phantom[1]}, "a lateral view belongs to one image"),
        ({"image": phantom, "indication": "Cough."}, "an indication belongs to one image"),
        ({"image": phantom[0], "out": tmp_path / "page.png"}, "end in .html"),
        ({"image": phantom[0], "json": tmp_path / "page.html"}, "end in .json"),
        ({"image": phantom, "out": tmp_path / "page.html"}, "give a folder"),
        ({"image": phantom[0], "include": ["PatientID"]}, "no DICOM file, so it has no PatientID"),
        ({"image": phantom[0], "include": ["PatientIdd"]}, "did you mean PatientID"),
    ]:
        with pytest.raises((ImageError, ValueError), match=message):
            mrg_helpers.draft(**arguments)


def options_of(settings):
    """The command line that chooses these settings over the demo profile's."""
    values = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings)}
    return [part for name, value in values.items() if value != "" for part in ("-p", name, str(value))]


def test_the_command_writes_page_and_json(tiny, phantom, tmp_path, capsys):
    page, data = tmp_path / "own.html", tmp_path / "own.json"
    arguments = ["draft", phantom[0], "--lateral", phantom[1], "--out", str(page), "--json", str(data)]
    arguments += ["--indication", "Cough."]
    assert command.main([*arguments, *options_of(tiny)]) == 0
    assert str(page) in capsys.readouterr().out
    assert NOTICE in page.read_text("utf-8") and json.loads(data.read_text("utf-8"))["text"]
    assert json.loads(data.read_text("utf-8"))["indication"]["text"] == "Cough."


def test_the_command_names_the_page_without_the_name_of_the_image(loaded, tiny, phantom, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command.main(["draft", phantom[0], *options_of(tiny)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == [f"draft-{drafting.fingerprint(phantom[0])}.html"]
    assert command.main(["draft", phantom[0], "--json", "only.json", "--train", *options_of(tiny)]) == 0
    assert len(list(tmp_path.iterdir())) == 2 and loaded == [(tiny, False), (tiny, True)]


def test_the_command_refuses_with_one_line(tiny, phantom, tmp_path, capsys):
    shutil.copy(phantom[0], tmp_path / "x.dcm")
    for arguments, message in [
        ([str(tmp_path / "x.dcm")], "named like a DICOM file"),
        ([phantom[0], *options_of(dataclasses.replace(tiny, units=9))], "--train"),
        ([phantom[0], "-p", "n_bootstrap", "5"], "no model depends on a parameter n_bootstrap"),
        ([phantom[0], "--dataset", "folder"], "--data PATH"),
        ([phantom[0], "--include", "Nothing"], "no attribute of a DICOM header"),
    ]:
        assert command.main(["draft", *arguments]) == 1
        said = capsys.readouterr().err
        assert message in said and said.strip().count("\n") == 0
