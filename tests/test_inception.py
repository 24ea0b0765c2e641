"""Which weights InceptionV3 runs with, and the network up to a layer."""

import hashlib
import http.server
import threading

import keras
import numpy as np
import pytest

from mrg_helpers import inception
from mrg_helpers.inception import Extractor, Weights, WeightsError, find_weights

SIZE = 75  # the least InceptionV3 takes


@pytest.fixture(scope="module")
def random_file(tmp_path_factory):
    return inception.random_weights(tmp_path_factory.mktemp("weights"))


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No weights in Keras' cache, and an address at which nobody answers."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(inception.imagenet_weights, "__defaults__", ("http://127.0.0.1:9/weights.h5",))
    monkeypatch.setattr(inception.download, "PAUSE", 0)
    find_weights.cache_clear()
    yield tmp_path
    find_weights.cache_clear()


def grey(count=2):
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE)).astype("uint8")


def test_random_weights_are_made_once_and_the_same_everywhere(random_file, tmp_path):
    before = random_file.read_bytes()
    assert inception.random_weights(random_file.parent) == random_file
    assert random_file.read_bytes() == before
    elsewhere = inception.random_weights(tmp_path)
    one, other = (Extractor(Weights(path, "random"), "mixed0", SIZE) for path in (random_file, elsewhere))
    assert one.fingerprint == other.fingerprint
    np.testing.assert_array_equal(one(grey()), other(grey()))
    different = Extractor(Weights(inception.random_weights(tmp_path, seed=1), "random"), "mixed0", SIZE)
    assert different.fingerprint != one.fingerprint


@pytest.mark.parametrize("layer", ["mixed0", "mixed3"])
def test_regions_are_the_cells_of_the_layers_grid_row_by_row(random_file, layer):
    extractor = Extractor(Weights(random_file, "random"), layer, 139)
    images = np.random.default_rng(0).integers(0, 256, (2, 139, 139)).astype("uint8")
    features = extractor(images)
    assert features.shape == (2, extractor.grid[0] * extractor.grid[1], extractor.channels)
    colour = np.repeat(images[..., None], 3, -1).astype("float32")
    direct = extractor.network(keras.applications.inception_v3.preprocess_input(colour))
    np.testing.assert_allclose(features.reshape(direct.shape), direct, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def trained_file(tmp_path_factory):
    """Random weights whose batch normalisations have something to do, as after a training."""
    network, rng = keras.applications.InceptionV3(include_top=False, weights=None), np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D):
            fan_in = np.prod(layer.kernel.shape[:-1])
            layer.kernel.assign(rng.normal(0, np.sqrt(2 / fan_in), layer.kernel.shape).astype("float32"))
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.beta.assign(rng.normal(0, 0.3, layer.beta.shape))
            layer.moving_mean.assign(rng.normal(0, 0.3, layer.beta.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.beta.shape))
    path = tmp_path_factory.mktemp("trained") / "trained.weights.h5"
    network.save_weights(path)
    return path


@pytest.mark.parametrize("precision", inception.PRECISIONS)
def test_features_are_those_of_the_plain_network(trained_file, precision):
    extractor = Extractor(Weights(trained_file, "trained"), "mixed3", SIZE, precision=precision)
    plain = extractor.network(np.repeat(grey()[..., None], 3, axis=-1) / np.float32(127.5) - 1, training=False)
    plain, fast = np.reshape(plain, (2, -1, extractor.channels)), extractor(grey())
    cosine = (plain * fast).sum(-1) / np.linalg.norm(plain, axis=-1) / np.linalg.norm(fast, axis=-1)
    assert fast.dtype == "float32" and cosine.min() > 0.999
    assert np.allclose(fast, plain, rtol=1e-3, atol=1e-4) == (precision == "float32"), (
        "else nothing was done in 16 bits"
    )


def test_auto_falls_back_loudly(offline, capsys):
    found = find_weights("auto", offline)
    assert (found.source, found.note) == ("random", inception.RANDOM_NOTE)
    said = capsys.readouterr().out
    assert "RANDOM weights" in said and "put it at" in said


def test_imagenet_that_cannot_be_had_says_what_to_do(offline):
    with pytest.raises(WeightsError, match="put it at .*keras.*models"):
        find_weights("imagenet")


def test_imagenet_is_downloaded_checked_and_kept(offline, monkeypatch, random_file):
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
    with pytest.raises(WeightsError, match="MD5"):
        inception.imagenet_weights(url)
    path = offline / "keras" / "models" / inception.IMAGENET_FILE
    assert path.read_bytes() == content, "a file with a wrong sum is for the user to delete"
    monkeypatch.setattr(inception, "IMAGENET_MD5", hashlib.md5(content).hexdigest())
    assert inception.imagenet_weights(url) == path
    server.shutdown()
    server.server_close()
    assert find_weights("auto").source == "imagenet"


def test_weights_from_a_path_in_all_three_formats(random_file, tmp_path):
    whole = keras.applications.InceptionV3(include_top=False, weights=None)
    whole.load_weights(random_file)
    whole.save(tmp_path / "whole.keras")
    whole.save_weights(tmp_path / "whole.weights.h5")
    wanted = Extractor(Weights(random_file, "random"), "mixed0", SIZE)(grey())
    for name in ("whole.keras", "whole.weights.h5"):
        found = find_weights(str(tmp_path / name))
        assert (found.source, found.note) == (name, "")
        np.testing.assert_allclose(Extractor(found, "mixed0", SIZE)(grey()), wanted, rtol=1e-5, atol=1e-6)


def test_wrong_input_is_named(random_file, tmp_path):
    with pytest.raises(WeightsError, match="nowhere.h5"):
        find_weights(str(tmp_path / "nowhere.h5"))
    (tmp_path / "broken.weights.h5").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"broken.weights.h5.*do not fit"):
        Extractor(Weights(tmp_path / "broken.weights.h5", ""), "mixed0", SIZE)
    with pytest.raises(ValueError, match="mixed0"):
        Extractor(Weights(random_file, ""), "mixed11", SIZE)
    with pytest.raises(ValueError, match="bfloat16"):
        Extractor(Weights(random_file, ""), "mixed0", SIZE, precision="float8")
    with pytest.raises(ValueError, match="75 pixels"):
        Extractor(Weights(random_file, ""), "mixed0", 64)


def test_real_weights_fit_and_give_finite_features(shared):
    path = shared / "inception_v3" / "inception_v3_imagenet_to_mixed8.weights.h5"
    extractor = Extractor(find_weights(str(path)), "mixed8", 299)
    assert extractor.grid == (8, 8) and extractor.channels == 1280
    features = extractor(np.random.default_rng(0).integers(0, 256, (1, 299, 299)).astype("uint8"))
    assert np.isfinite(features).all() and features.std() > 0
