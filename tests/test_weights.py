"""Which weights an image network runs with, and what files they are read from."""

import dataclasses
import hashlib
import http.server
import threading

import h5py
import keras
import numpy as np
import pytest
from test_encoders import as_trained

from mrg_helpers import networks, stages, weights
from mrg_helpers.encoders import Extractor
from mrg_helpers.networks import NETWORKS, find_network
from mrg_helpers.weights import Weights, WeightsError, find_weights, load


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No weights in Keras' cache, and an address at which nobody answers."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    serve("http://127.0.0.1:9/weights.h5", monkeypatch)
    monkeypatch.setattr(weights.download, "PAUSE", 0)
    return tmp_path


def serve(url, monkeypatch, **change):
    """All networks' weights are at this address now."""
    for name, network in NETWORKS.items():
        monkeypatch.setitem(NETWORKS, name, dataclasses.replace(network, url=url, **change))


@pytest.mark.parametrize("network", NETWORKS)
def test_auto_falls_back_loudly_to_weights_that_name_their_network(offline, random_folder, capsys, network):
    found = find_weights("auto", network, random_folder=random_folder)
    assert (found.source, found.network) == ("random", network)
    assert found.note == f"random {find_network(network).name} features (ImageNet's weights were not used)"
    said = capsys.readouterr().out
    assert "RANDOM weights" in said and "put the file there" in said


@pytest.fixture
def taught(offline, monkeypatch):
    """A file of an InceptionV3 that learnt from phantoms up to mixed1, as if it came with the project."""
    monkeypatch.setattr(weights, "TAUGHT", offline / "brought")
    monkeypatch.setenv("MRG_DATA_DIR", str(offline / "data"))
    path = offline / "brought" / "inception_v3_phantom.npz"
    whole = find_network("inception_v3").build(75)
    weights.save_part(keras.Model(whole.input, whole.get_layer("mixed1").output), "mixed1", path)
    return path


@pytest.mark.parametrize("layer", ["mixed0", "mixed1"])
def test_offline_auto_takes_what_learnt_from_phantoms_and_says_so(taught, capsys, layer):
    found = find_weights("auto", layer=layer)
    assert (found.source, found.path) == ("phantom", taught) and "taught on phantom patients" in found.note
    said = capsys.readouterr().out
    assert "TAUGHT ON PHANTOM PATIENTS" in said and "put the file there" in said
    assert Extractor(found, layer, 75).channels > 0


@pytest.mark.parametrize(
    ("network", "layer"),
    [("inception_v3", "mixed2"), ("inception_v3", ""), ("mobilenet_v3_large", "expanded_conv_2_add")],
)
def test_offline_auto_takes_random_weights_where_the_taught_ones_end_before(taught, random_folder, network, layer):
    assert find_weights("auto", network, layer, random_folder).source == "random"


def test_the_weights_that_were_taught_here_go_before_those_of_the_project(taught):
    own = taught.parents[1] / "data" / "weights" / taught.name
    own.parent.mkdir(parents=True)
    own.write_bytes(taught.read_bytes())
    assert find_weights("phantom").path == own == find_weights("auto", layer="mixed1").path


def test_the_project_brings_weights_that_reach_the_layer_of_the_demo():
    brought = weights.TAUGHT / "inception_v3_phantom.npz"
    assert brought.stat().st_size < 5 * 2**20
    extractor = Extractor(Weights(brought, "phantom"), stages.Settings().layer, 75)
    assert (extractor.layer, extractor.channels) == ("mixed3", 768)


def test_imagenet_that_cannot_be_had_says_what_to_do(offline):
    with pytest.raises(WeightsError, match="keras.*models.*put the file there"):
        find_weights("imagenet")


def test_another_folder_of_data_has_weights_of_its_own(monkeypatch, tmp_path):
    for name in ("one", "two"):
        monkeypatch.setenv("MRG_DATA_DIR", str(tmp_path / name))
        path = tmp_path / name / "weights" / "mobilenet_v3_large_random_0.weights.h5"
        assert find_weights("random", "mobilenet_v3_large").path == path and path.is_file()


def test_weights_taught_on_phantoms_that_are_not_there_say_how_to_make_them(monkeypatch, tmp_path):
    monkeypatch.setenv("MRG_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(weights, "TAUGHT", tmp_path / "nothing")
    with pytest.raises(WeightsError, match="inception_v3_phantom.npz: .* `python -m mrg_helpers prepare network`"):
        find_weights("phantom")


@pytest.mark.parametrize("network", NETWORKS)
def test_imagenets_weights_are_those_that_keras_takes(network, monkeypatch):
    class Asked(Exception):
        pass

    def get_file(name, origin, file_hash, **besides):
        raise Asked(origin, file_hash)

    monkeypatch.setattr(keras.src.utils.file_utils, "get_file", get_file)
    ours = find_network(network)
    with pytest.raises(Asked) as asked:
        ours.constructor(include_top=False, weights="imagenet", input_shape=(224, 224, 3))
    assert asked.value.args == (ours.url, ours.md5)


def test_imagenet_is_downloaded_checked_and_kept(offline, monkeypatch):
    content = b"the weights"
    folder = offline / "served"
    folder.mkdir()
    (folder / "weights.h5").write_bytes(content)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=folder)

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/weights.h5"
    serve(url, monkeypatch)
    with pytest.raises(WeightsError, match="MD5"):
        weights.imagenet_weights(find_network("densenet121"))
    path = offline / "keras" / "models" / "weights.h5"
    assert path.read_bytes() == content, "a file with a wrong sum is for the user to delete"
    serve(url, monkeypatch, md5=hashlib.md5(content).hexdigest())
    assert weights.imagenet_weights(find_network("densenet121")) == path
    server.shutdown()
    server.server_close()
    assert find_weights("auto").source == "imagenet"


@pytest.mark.parametrize("network", NETWORKS)
def test_features_of_random_weights_are_neither_nothing_nor_too_large(network, random_folder):
    """As 16-bit numbers can hold it, the deepest layers included."""
    known = find_network(network)
    size = max(64, known.smallest)
    model = known.build(size)
    model.load_weights(weights.random_weights(network, random_folder))
    grey = np.random.default_rng(0).integers(0, 256, (2, size, size)).astype("uint8")
    ends = keras.Model(model.input, [model.get_layer(end).output for end in known.ends])
    for end, features in zip(known.ends, ends(known.scale(grey[..., None])), strict=True):
        assert np.finfo("float16").smallest_normal < np.std(features) < 1e3, end


def keras_2_file(path, model, classes=0, whole=False):
    """A DenseNet121 as Keras 2 wrote it, a group for each layer; with ``classes`` it is a CheXNet."""
    layers = [(layer.name, [v.name for v in layer.weights], layer.get_weights()) for layer in model.layers]
    if classes:
        rng = np.random.default_rng(0)
        layers.append(("avg_pool", [], []))
        layers.append(("predictions", ["kernel", "bias"], [rng.normal(size=(1024, classes)), np.zeros(classes)]))
    with h5py.File(path, "w") as file:
        group = file.create_group("model_weights") if whole else file
        group.attrs["keras_version"], group.attrs["backend"] = b"2.1.3", b"tensorflow"
        old = [name.replace("conv1_conv", "conv1/conv").replace("conv1_bn", "conv1/bn") for name, *_ in layers]
        group.attrs["layer_names"] = [name.encode() for name in old]
        for name, (_, variables, values) in zip(old, layers, strict=True):
            own = group.create_group(name)
            names = [f"{name}/{variable}:0" for variable in variables]
            own.attrs["weight_names"] = [one.encode() for one in names]
            for one, value in zip(names, values, strict=True):
                own[one] = value
    return path


def with_top(model, classes):
    pooled = keras.layers.GlobalAveragePooling2D(name="avg_pool")(model.output)
    return keras.Model(model.input, keras.layers.Dense(classes, activation="sigmoid", name="predictions")(pooled))


@pytest.fixture(scope="module")
def densenet():
    return as_trained(find_network("densenet121").build(64))


@pytest.mark.parametrize("classes", [0, 14, 2])
def test_a_densenet_is_read_with_or_without_a_top_from_files_of_every_kind(densenet, tmp_path, classes):
    model = with_top(densenet, classes) if classes else densenet
    model.save(tmp_path / "new.keras")
    model.save_weights(tmp_path / "new.weights.h5")
    files = [
        tmp_path / "new.keras",
        tmp_path / "new.weights.h5",
        keras_2_file(tmp_path / "brucechou1983_CheXNet_Keras_0.3.0_weights.h5", densenet, classes),
        keras_2_file(tmp_path / "old.weights.h5", densenet, classes),  # Keras 2 cared for no suffix
        keras_2_file(tmp_path / "whole.h5", densenet, classes, whole=True),
    ]
    other = find_network("densenet121").build(64)
    for path in files:
        for variable in other.weights:
            variable.assign(np.zeros(variable.shape))
        load(other, path)
        for ours, wanted in zip(other.get_weights(), densenet.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, wanted, path.name)


def test_features_of_a_chexnet_file_are_those_of_its_network(densenet, tmp_path):
    path = keras_2_file(tmp_path / "CheXNet.h5", densenet, 14)
    found = find_weights(str(path), "densenet121")
    assert (found.source, found.note) == ("CheXNet.h5", "")
    grey = np.random.default_rng(0).integers(0, 256, (2, 64, 64)).astype("uint8")
    extractor = Extractor(found, "relu", 64)
    colour = np.repeat(grey[..., None], 3, -1).astype("float32")
    direct = densenet(keras.applications.densenet.preprocess_input(colour))
    np.testing.assert_allclose(extractor(grey).reshape(direct.shape), direct, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["another network", "too short", "no weights"])
def test_a_file_that_does_not_fit_is_named(densenet, tmp_path, kind):
    path = keras_2_file(tmp_path / "CheXNet.h5", densenet, 14)
    network = "mobilenet_v3_large" if kind == "another network" else "densenet121"
    if kind == "too short":
        with h5py.File(path, "r+") as file:
            file.attrs["layer_names"] = file.attrs["layer_names"][:-4]
    elif kind == "no weights":
        path.write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=rf"CheXNet.h5.*do not fit {find_network(network).name}"):
        Extractor(Weights(path, "", network=network), find_network(network).ends[0], 64)


def test_a_path_to_nothing_is_named(tmp_path):
    with pytest.raises(WeightsError, match="nowhere.h5"):
        find_weights(str(tmp_path / "nowhere.h5"))


@pytest.mark.parametrize("kind", ["keras", "weights.h5"])
def test_efficientnet_sees_pixels_as_it_was_trained(tmp_path, kind):
    """Its file holds deviations where variances belong; Keras mends it in the network that it makes for this file alone."""
    network = find_network("efficientnet_b0")
    model = as_trained(network.build(32))
    normalisation = next(layer for layer in model.layers if isinstance(layer, keras.layers.Normalization))
    weights.set_weights(normalisation, [networks.MEAN, networks.DEVIATION, np.array(0)])
    model.save(tmp_path / "a.keras")
    model.save_weights(tmp_path / "a.weights.h5")
    other = network.build(32)
    load(other, tmp_path / f"a.{kind}")
    grey = np.arange(2 * 32 * 32, dtype="uint8").reshape(2, 32, 32)
    scaled = keras.Model(other.input, other.get_layer("stem_conv_pad").input)
    wanted = find_network("densenet121").scale(grey[..., None])
    np.testing.assert_allclose(scaled(network.scale(grey[..., None])), wanted, rtol=1e-4, atol=1e-5)
    other.save_weights(tmp_path / "again.weights.h5")
    third = network.build(32)
    load(third, tmp_path / "again.weights.h5")
    for ours, theirs in zip(third.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("network", ["efficientnet_b0", "mobilenet_v3_large"])
def test_a_part_that_was_tuned_is_read_back(network, tmp_path):
    known = find_network(network)
    first, second, third = known.ends[:3]
    model = as_trained(known.build(32))
    weights.save_part(keras.Model(model.input, model.get_layer(second).output), second, tmp_path / "part.npz")
    other = known.build(32)
    load(other, tmp_path / "part.npz", first)
    grey = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1))
    wanted, found = (keras.Model(one.input, one.get_layer(second).output)(known.scale(grey)) for one in (model, other))
    assert np.abs(found - wanted).max() < 0.02 * np.abs(wanted).max()  # the kernels were rounded to 16 bits
    with pytest.raises(WeightsError, match=rf"part.npz: these weights end at {second}; .* not {third}"):
        load(other, tmp_path / "part.npz", third)
