"""Each artefact has the folder of its settings, and no two share one."""

import dataclasses
import json

import pytest

from mrg_helpers import settings
from mrg_helpers.settings import Settings, artefact_folder


def test_each_setting_has_its_own_folder_only_where_it_matters(tiny):
    def folders(**change):
        settings = dataclasses.replace(tiny, **change)
        return [artefact_folder(settings, kind).name for kind in ("studies", "features", "vocabulary", "model")]

    base = folders()
    assert folders() == base
    for change, changed in [
        ({"seed": 1}, [1, 1, 1, 1]),
        ({"n_studies": 25}, [1, 1, 1, 1]),
        ({"layer": "mixed1"}, [0, 1, 0, 1]),
        ({"cells": 0}, [0, 1, 0, 1]),
        ({"precision": "bfloat16"}, [0, 1, 0, 1]),
        ({"network": "mobilenet_v3_large"}, [0, 1, 0, 1]),
        ({"components": 0}, [0, 0, 0, 1]),
        ({"target": "impression"}, [0, 0, 1, 1]),
        ({"units": 9}, [0, 0, 0, 1]),
        ({"training_seed": 1}, [0, 0, 0, 1]),
    ]:
        assert [a != b for a, b in zip(base, folders(**change), strict=True)] == [bool(c) for c in changed], change


def test_every_setting_belongs_to_an_artefact():
    names = {field.name for field in dataclasses.fields(Settings)}
    assert names == {*settings.STUDIES, *settings.IMAGES, *settings.TEXT, *settings.MODEL}


def test_usual_values_of_later_settings_are_in_no_name(tiny):
    for kind in ("features", "model"):
        named = json.loads((artefact_folder(tiny, kind) / "settings.json").read_text(encoding="utf-8"))
        assert "layer" in named and not set(named) & set(settings.LATER)


@pytest.mark.parametrize(("kind", "done", "how"), [
    ("model", {"reward": "cider"}, {"reward_epochs": 9, "reward_rate": 0.1}),
    ("features", {"fine_tune": "mixed2"}, {"tuning_epochs": 9, "tuning_rate": 0.1}),
])  # fmt: skip
def test_how_something_is_done_is_in_a_name_only_where_it_is_done(tiny, kind, done, how):
    for name, value in how.items():
        assert artefact_folder(dataclasses.replace(tiny, **{name: value}), kind) == artefact_folder(tiny, kind)
        some = dataclasses.replace(tiny, **done)
        assert artefact_folder(dataclasses.replace(some, **{name: value}), kind) != artefact_folder(some, kind)


def test_a_collection_is_named_by_its_studies_and_their_split(tiny):
    assert tiny.collection == "phantom-24-seed0" and tiny.root.name == tiny.collection
    names = [
        dataclasses.replace(tiny, **change).collection
        for change in (
            {"n_studies": 25},
            {"seed": 1},
            {"dataset": "iu_xray"},
            {"dataset": "folder", "data": "x/a"},
            {"dataset": "folder", "data": "x/b.csv"},
        )
    ]
    assert names == ["phantom-25-seed0", "phantom-24-seed1", "iu_xray-seed0", "a-seed0", "b-seed0"]


def test_data_that_change_under_the_same_name_get_a_new_folder(tiny, tmp_path):
    (tmp_path / "table.csv").write_text("image,report\n", encoding="utf-8")
    own = dataclasses.replace(tiny, dataset="folder", data=str(tmp_path))
    before = artefact_folder(own, "studies")
    (tmp_path / "another.png").write_bytes(b"a picture")
    assert artefact_folder(own, "studies") != before


def test_weights_are_what_stands_in_their_file_wherever_it_lies(tiny, tmp_path):
    one, other = tmp_path / "one.weights.h5", tmp_path / "elsewhere" / "two.weights.h5"
    other.parent.mkdir()
    one.write_bytes(b"weights")
    other.write_bytes(b"weights")

    def folder(path, kind="features"):
        return artefact_folder(dataclasses.replace(tiny, weights=str(path)), kind)

    assert folder(one) == folder(other) and folder(one, "model") == folder(other, "model")
    before = folder(one)
    one.write_bytes(b"Weights of another training")
    assert folder(one) != before and folder(other) == before


def test_a_language_models_weights_are_what_stands_in_their_file(tiny, tmp_path):
    one, other = tmp_path / "gpt.safetensors", tmp_path / "copy.safetensors"

    def folder(path):
        return artefact_folder(
            dataclasses.replace(tiny, model="conditioned_gpt", options={"weights": str(path)}), "model"
        )

    for path in (one, other):
        path.write_bytes(b"weights")
    assert folder(one) == folder(other)
    before = folder(one)
    one.write_bytes(b"other weights")
    assert folder(one) != before
