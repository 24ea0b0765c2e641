"""Teaching the image network findings: it learns, it leaves alone what it should, and its file can be used."""

import dataclasses

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mrg_helpers import artefacts, images, tuning
from mrg_helpers.encoders import Extractor
from mrg_helpers.weights import Weights, WeightsError, find_weights, random_weights

SIZE = 75


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """48 grey pictures; every second one shows a bright square, somewhere: what there is to find."""
    folder, rng, rows = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0), []
    for k in range(48):
        picture = rng.integers(0, 60, (SIZE, SIZE)).astype("uint8")
        if k % 2:
            x, y = rng.integers(5, 45, 2)
            picture[y : y + 25, x : x + 25] = 230
        Image.fromarray(picture).save(folder / f"{k}.png")
        rows.append((str(folder / f"{k}.png"), "train" if k < 32 else "val"))
    return pd.DataFrame(rows, columns=["path", "split"]), np.arange(48)[:, None] % 2


@pytest.fixture(scope="module")
def extractor(random_folder):
    return Extractor(Weights(random_weights("inception_v3", random_folder), "random"), "mixed1", SIZE)


def values(extractor):
    return {layer.name: layer.get_weights() for layer in extractor.network.layers if layer.weights}


@pytest.fixture(scope="module")
def tuned(pictures, extractor, tmp_path_factory):
    path = tmp_path_factory.mktemp("tuned") / "square.npz"
    before = extractor.network.get_weights()
    curves = tuning.tune(extractor, *pictures, path, epochs=5, batch_size=8, learning_rate=3e-3, progress=False)
    for old, new in zip(before, extractor.network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)  # the one that was given is left as it is
    return path, curves


def test_it_learns_what_the_pictures_show(tuned):
    curves = tuned[1]
    assert curves["epoch"].tolist() == [0, 1, 2, 3, 4, 5]
    assert curves["val_loss"].min() < 0.2
    assert curves["loss"].iloc[-1] < curves["loss"].iloc[1] / 2
    assert curves["val_auc"].max() > 0.9


def test_it_begins_with_a_question_that_has_learnt_its_answers(tuned):
    """As it is, the random network lets a linear question find the square; to begin with less would be to unlearn it."""
    curves = tuned[1]
    assert curves["val_auc"].iloc[0] > 0.9 and np.isnan(curves["loss"].iloc[0])


def test_the_file_is_taken_for_the_layer_and_for_those_before_it(tuned, extractor, pictures):
    found = find_weights(str(tuned[0]))
    assert found.source == "square.npz"
    learnt = Extractor(found, "mixed1", SIZE)
    assert learnt.fingerprint != extractor.fingerprint
    grey = np.asarray(Image.open(pictures[0]["path"][1]))[None]
    assert np.abs(learnt(grey) - extractor(grey)).max() > 1e-3
    direct = learnt.network.get_layer("mixed0").output
    shallow = Extractor(found, "mixed0", SIZE)
    part = keras.Model(learnt.network.input, direct)(learnt.prepare(grey[..., None]))
    np.testing.assert_allclose(shallow(grey).reshape(part.shape), part, rtol=1e-3, atol=1e-3)
    with pytest.raises(WeightsError, match=r"square.npz: these weights end at mixed1; choose .* not mixed2"):
        Extractor(found, "mixed2", SIZE)


def test_what_comes_before_stays_and_so_do_the_statistics(pictures, extractor, tmp_path):
    tuning.tune(extractor, *pictures, tmp_path / "part.npz", after="mixed0", epochs=4, batch_size=8, progress=False)
    learnt = Extractor(find_weights(str(tmp_path / "part.npz")), "mixed1", SIZE)
    first = len(keras.Model(extractor.network.input, extractor.network.get_layer("mixed0").output).layers)
    changed = []
    for number, layers in enumerate(zip(extractor.network.layers, learnt.network.layers, strict=True)):
        old, new = (layer.get_weights() for layer in layers)
        if any(np.abs(a - b).max() > 2e-3 * np.abs(a).max() for a, b in zip(old, new, strict=True)):  # float16 rounds
            changed.append(number)
        if isinstance(layers[0], keras.layers.BatchNormalization):
            np.testing.assert_array_equal(old[-2:], new[-2:])  # mean and variance
    assert changed and min(changed) >= first


def test_learning_that_makes_it_worse_is_not_kept(pictures, extractor, tmp_path):
    curves = tuning.tune(
        extractor,
        *pictures,
        tmp_path / "same.npz",
        after="mixed0",
        epochs=1,
        batch_size=8,
        learning_rate=0.3,
        progress=False,
    )
    assert curves["val_loss"].iloc[1] > curves["val_loss"].iloc[0]
    same = Extractor(find_weights(str(tmp_path / "same.npz")), "mixed1", SIZE)
    for old, new in zip(extractor.network.get_weights(), same.network.get_weights(), strict=True):
        np.testing.assert_allclose(old, new, rtol=2e-3, atol=1e-6)  # float16 rounds


def test_a_network_that_learns_as_a_whole_first_knows_what_its_pictures_are_like(pictures, extractor, tmp_path):
    """A normalisation that knew photographs, or nothing, now has the mean and the variance of the training pictures."""
    tuning.tune(
        extractor, *pictures, tmp_path / "known.npz", epochs=1, batch_size=8, learning_rate=1e-9, progress=False
    )
    known = Extractor(find_weights(str(tmp_path / "known.npz")), "mixed1", SIZE)
    train = pictures[0].loc[pictures[0]["split"] == "train", "path"]
    grey = np.stack([np.asarray(Image.open(path)) for path in train])[..., None]
    for old, new in list(zip(extractor.network.layers, known.network.layers, strict=True))[:6]:
        if isinstance(new, keras.layers.BatchNormalization):
            given = keras.Model(known.network.input, new.input)(known.prepare(grey))
            np.testing.assert_allclose(new.moving_mean, np.mean(given, axis=(0, 1, 2)), atol=0.05)
            np.testing.assert_allclose(new.moving_variance, np.var(given, axis=(0, 1, 2)), rtol=0.1)
            assert not np.allclose(old.moving_variance, new.moving_variance, rtol=0.2)


def test_what_cannot_be_tuned_is_refused(pictures, extractor, tmp_path):
    table, truth = pictures
    with pytest.raises(ValueError, match="no picture in the split 'val'"):
        tuning.tune(extractor, table.assign(split="train"), truth, tmp_path / "a.npz")
    with pytest.raises(ValueError, match="no layer 'mixed7'"):
        tuning.tune(extractor, table, truth, tmp_path / "a.npz", after="mixed7")
    assert not list(tmp_path.iterdir())


def test_a_network_is_taught_on_phantom_patients_and_found_by_its_name(monkeypatch, tmp_path):
    for variable in ("MRG_DATA_DIR", "MRG_OUTPUTS_DIR"):
        monkeypatch.setenv(variable, str(tmp_path))
    few = dataclasses.replace(artefacts.TAUGHT, n_studies=24, image_size=SIZE, layer="mixed0", cells=2, tuning_epochs=1)
    path = artefacts.teach_network(few)
    found = find_weights("phantom")
    assert (found.path, found.source) == (path, "phantom") and "phantom patients" in found.note
    table = artefacts.ensure_studies(few).table
    frontal = [
        path
        for row in table.itertuples()
        for path, view in zip(row.images, row.views, strict=True)
        if view == "frontal"
    ]
    read = images.read(frontal[0])
    grey, _ = images.fit(read, SIZE, "pad")
    taught, random = (Extractor(one, "mixed0", SIZE, 2) for one in (found, find_weights("random")))
    assert np.abs(taught(grey[None]) - random(grey[None])).max() > 1e-3
