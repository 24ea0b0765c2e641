"""The model that comes with the project: it is taken where it fits, and nowhere else."""

import dataclasses
import json

import numpy as np
import pytest

from mrg_helpers import audit_checks, features, pretrained, stages, training
from mrg_helpers.settings import artefact_folder

MB = 2**20


@pytest.fixture
def kept(tiny, tmp_path, monkeypatch):
    """A trained model kept as the project keeps its own, and outputs that are empty again (the patients stay)."""
    stages.ensure_model(tiny)
    folder, (of_features, of_model) = (
        tmp_path / "pretrained",
        (artefact_folder(tiny, kind) for kind in ("features", "model")),
    )
    pretrained.make(of_features, of_model, "a command", folder)
    monkeypatch.setenv("MRG_OUTPUTS_DIR", str(tmp_path / "outputs"))
    monkeypatch.setattr(pretrained, "FOLDER", folder)
    for function in (pretrained.index, pretrained.statistics, pretrained.take_model):
        monkeypatch.setattr(function, "__defaults__", (folder,))
    return folder


def changed(folder, mean) -> dict:
    """The kept statistics, once their mean is another."""
    with np.load(folder / "statistics.npz") as stored:
        values = dict(stored)
    values["mean"] = mean(values["mean"], values["std"])
    np.savez(folder / "statistics.npz", **values)
    found = json.loads((folder / "index.json").read_text())
    found["files"]["statistics.npz"] = pretrained.checksum(folder / "statistics.npz")
    (folder / "index.json").write_text(json.dumps(found))
    return values


def test_what_the_project_brings_is_whole_small_and_for_the_settings_of_the_demo():
    found = pretrained.index()
    settings = dataclasses.replace(stages.Settings(), weights="phantom")
    assert found["features"] == artefact_folder(settings, "features").name
    assert found["model"] == artefact_folder(settings, "model").name, "run `python -m mrg_helpers prepare pretrained`"
    assert sum(path.stat().st_size for path in pretrained.FOLDER.iterdir()) < 5 * MB


def test_where_it_fits_nothing_is_trained_and_it_writes_the_same(tiny, kept, capsys):
    again = stages.ensure_model(tiny)
    said = capsys.readouterr().out
    assert "the pretrained model that came with the project" in said and "training on" not in said
    cache = stages.ensure_features(tiny)
    assert cache.manifest["statistics"] == pretrained.index()["files"]["statistics.npz"]
    folder = artefact_folder(tiny, "model")
    assert len(training.read_curves(folder)) == tiny.epochs
    assert again.count_params() > 0 and "a command" in (folder / "finished").read_text()


def test_another_setting_other_features_or_a_wish_to_see_it_trains(tiny, kept, capsys):
    other = dataclasses.replace(tiny, units=tiny.units + 1)
    stages.ensure_model(other)
    assert "training on" in capsys.readouterr().out
    seen = []
    stages.ensure_model(tiny, on_epoch=lambda record, model: seen.append(record))
    assert len(seen) == tiny.epochs


def test_another_processor_rounds_otherwise_and_has_its_own_mean_with_the_axes_of_the_model(tiny, kept):
    values = changed(kept, lambda mean, std: mean + 0.005 * std)
    cache = stages.ensure_features(tiny)
    assert "statistics" in cache.manifest
    found = audit_checks.fitted_statistics(cache, stages.ensure_studies(tiny).table)
    assert found.verdict == "clean", found.explanation
    with np.load(cache.folder / "components.npz") as stored:
        np.testing.assert_array_equal(stored["vectors"], values["vectors"].astype("float32"))


def test_features_of_another_network_keep_their_own_statistics(tiny, kept, capsys):
    changed(kept, lambda mean, std: mean + std)
    cache = stages.ensure_features(tiny)
    assert "statistics" not in cache.manifest
    assert "differ from those that the pretrained model knows" in capsys.readouterr().out
    assert np.abs(cache.read([0, 1])).mean() < 3
    stages.ensure_model(tiny)
    assert "training on" in capsys.readouterr().out


def test_a_file_that_was_changed_is_named(tiny, kept):
    (kept / "model.keras").write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"model.keras: not the file .* restore it, or delete the folder"):
        stages.ensure_model(tiny)


def test_without_the_folder_all_is_as_it_was(tmp_path):
    assert pretrained.index(tmp_path) == {}
    assert pretrained.statistics(tmp_path / "phantom-features-0", tmp_path) is None
    assert not pretrained.take_model(tmp_path / "phantom-model-0", {}, tmp_path)


def test_the_kept_statistics_scale_as_those_that_were_computed(tiny, kept):
    """Float16 axes are a little coarser, and the mean and the deviation are the same."""
    own = stages.ensure_features(tiny)
    with np.load(own.folder / "components.npz") as stored:
        computed = dict(stored)
    assert computed["vectors"].dtype == "float32" and isinstance(own, features.FeatureCache)
    identity = computed["vectors"].T @ computed["vectors"]
    np.testing.assert_allclose(identity, np.eye(len(identity)), atol=5e-3)
