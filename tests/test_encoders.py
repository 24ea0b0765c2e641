"""Image networks up to a layer: the same numbers as the plain network, whichever it is."""

import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mrg_helpers import encoders, extraction, features
from mrg_helpers.encoders import Extractor
from mrg_helpers.networks import NETWORKS, find_network
from mrg_helpers.weights import Weights, WeightsError, find_weights, random_weights, set_weights

SIZE = 75  # the least InceptionV3 takes
OTHERS = [network for network in NETWORKS if network != "inception_v3"]


def as_trained(network):
    """The same network with random weights and normalisations that have something to do, as after a training."""
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, encoders.CONVOLUTIONS):
            shape = layer.kernel.shape
            fan_in = np.prod(shape[:2] if isinstance(layer, keras.layers.DepthwiseConv2D) else shape[:-1])
            layer.kernel.assign(rng.normal(0, np.sqrt(2 / fan_in), shape).astype("float32"))
            if layer.use_bias:
                layer.bias.assign(rng.normal(0, 0.3, layer.bias.shape))
        if isinstance(layer, keras.layers.BatchNormalization):
            if layer.scale:
                layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
            layer.beta.assign(rng.normal(0, 0.3, layer.beta.shape))
            layer.moving_mean.assign(rng.normal(0, 0.3, layer.beta.shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2, layer.beta.shape))
        if isinstance(layer, keras.layers.Normalization):
            set_weights(layer, [rng.uniform(0, 1, 3), rng.uniform(0.1, 1, 3), np.array(5)])
    return network


@pytest.fixture(scope="module")
def random_file(random_folder):
    return random_weights("inception_v3", random_folder)


@pytest.fixture(scope="module")
def trained_file(tmp_path_factory):
    """Of a network: the file of one as after a training."""
    folder, made = tmp_path_factory.mktemp("trained"), {}

    def file(network):
        if network not in made:
            made[network] = folder / f"{network}.weights.h5"
            as_trained(find_network(network).build(SIZE)).save_weights(made[network])
        return Weights(made[network], "trained", network=network)

    return file


def grey(count=2, size=SIZE):
    return np.random.default_rng(0).integers(0, 256, (count, size, size)).astype("uint8")


def test_random_weights_are_made_once_and_the_same_everywhere(random_file, tmp_path):
    before = random_file.read_bytes()
    assert random_weights("inception_v3", random_file.parent) == random_file
    assert random_file.read_bytes() == before
    elsewhere = random_weights("inception_v3", tmp_path)
    one, other = (Extractor(Weights(path, "random"), "mixed0", SIZE) for path in (random_file, elsewhere))
    assert one.fingerprint == other.fingerprint
    np.testing.assert_array_equal(one(grey()), other(grey()))
    different = Extractor(Weights(random_weights("inception_v3", tmp_path, seed=1), "random"), "mixed0", SIZE)
    assert different.fingerprint != one.fingerprint


@pytest.mark.parametrize("layer", ["mixed0", "mixed3"])
def test_regions_are_the_cells_of_the_layers_grid_row_by_row(random_file, layer):
    extractor = Extractor(Weights(random_file, "random"), layer, 139)
    images = grey(size=139)
    found = extractor(images)
    assert found.shape == (2, extractor.grid[0] * extractor.grid[1], extractor.channels)
    colour = np.repeat(images[..., None], 3, -1).astype("float32")
    direct = extractor.network(keras.applications.inception_v3.preprocess_input(colour))
    np.testing.assert_allclose(found.reshape(direct.shape), direct, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("network", NETWORKS)
def test_features_are_those_of_the_plain_network(trained_file, network):
    known = find_network(network)
    extractor = Extractor(trained_file(network), known.ends[-1], SIZE)
    plain = np.reshape(extractor.network(known.scale(grey()[..., None]), training=False), (2, -1, extractor.channels))
    found = extractor(grey())
    assert plain.std() > 1e-3, "there is something to compare"
    assert np.abs(found - plain).max() < 1e-4 * np.abs(plain).max()


@pytest.mark.parametrize("network, kept", [
    ("inception_v3", 0), ("efficientnet_b0", 0), ("mobilenet_v3_large", 0),
    ("densenet121", 58 + 3 + 1),  # of its layers, of the transitions between its blocks, of the end
])  # fmt: skip
def test_normalisations_behind_convolutions_are_folded_and_no_others(network, kept):
    model = find_network(network).build(SIZE)
    fast = encoders.folded(model)
    norms = [layer for layer in fast.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == kept


def test_a_convolution_that_others_read_too_keeps_its_normalisation():
    inputs = keras.Input((8, 8, 3))
    read_twice = keras.layers.Conv2D(4, 3)(inputs)
    bent = keras.layers.Conv2D(4, 3, activation="relu")(inputs)
    outputs = [read_twice, *(keras.layers.BatchNormalization()(one) for one in (read_twice, bent))]
    model = as_trained(keras.Model(inputs, keras.layers.Concatenate()(outputs)))
    image = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(encoders.folded(model)(image), model(image), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "network, precision",
    [
        *(("inception_v3", precision) for precision in encoders.PRECISIONS),
        *((network, "bfloat16") for network in OTHERS),
    ],
)
def test_features_in_16_bits_are_near_and_not_the_same(trained_file, network, precision):
    known = find_network(network)
    extractor = Extractor(trained_file(network), known.ends[1], SIZE, precision=precision)
    plain, fast = extractor.network(known.scale(grey()[..., None]), training=False), extractor(grey())
    plain = np.reshape(plain, fast.shape)
    cosine = (plain * fast).sum(-1) / np.linalg.norm(plain, axis=-1) / np.linalg.norm(fast, axis=-1)
    assert fast.dtype == "float32" and cosine.min() > 0.999
    assert np.allclose(fast, plain, rtol=1e-3, atol=1e-4) == (precision == "float32"), (
        "else nothing was done in 16 bits"
    )


def test_mobilenet_sees_pixels_as_in_keras(trained_file):
    known = find_network("mobilenet_v3_large")
    whole = keras.applications.MobileNetV3Large(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    whole.load_weights(trained_file("mobilenet_v3_large").path)
    layer = whole.get_layer(known.ends[0])
    direct = keras.Model(whole.input, layer.output)(np.repeat(grey()[..., None], 3, -1).astype("float32"))
    found = Extractor(trained_file("mobilenet_v3_large"), known.ends[0], SIZE)(grey())
    np.testing.assert_allclose(found.reshape(direct.shape), direct, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("network, name", [
    ("inception_v3", "InceptionV3"),  # as caches have it that were made before there were others
    ("densenet121", "DenseNet121"), ("efficientnet_b0", "EfficientNetB0"), ("mobilenet_v3_large", "MobileNetV3Large"),
])  # fmt: skip
def test_each_network_fills_a_cache_at_its_smallest_size(network, name, random_folder, tmp_path):
    known, size = find_network(network), find_network(network).smallest
    for k in range(3):
        Image.fromarray(grey(3, size)[k]).save(tmp_path / f"{k}.png")
    files = [str(tmp_path / f"{k}.png") for k in range(3)]
    rows = pd.DataFrame({"image_id": list("abc"), "path": files, "split": ["train", "train", "test"]})
    found = find_weights("random", network, random_folder=random_folder)
    extractor = Extractor(found, known.ends[1], size)
    extraction.extract(rows, tmp_path / "cache", extractor, progress=False)
    cache = features.FeatureCache(tmp_path / "cache", {"network": name, "layer": known.ends[1]})
    assert cache.note == f"random {name} features (ImageNet's weights were not used)"
    np.testing.assert_allclose(cache.raw[:], extractor(grey(3, size)), rtol=1e-3, atol=1e-3)
    assert np.isfinite(cache.read([0, 1, 2])).all() and cache.raw[:].max() > cache.raw[:].min()
    with pytest.raises(ValueError, match=f"{name} needs at least {size} pixels"):
        Extractor(found, known.ends[1], size - 1)


def test_wrong_input_is_named(random_file, tmp_path):
    (tmp_path / "broken.weights.h5").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match=r"broken.weights.h5.*do not fit InceptionV3"):
        Extractor(Weights(tmp_path / "broken.weights.h5", ""), "mixed0", SIZE)
    with pytest.raises(ValueError, match="mixed0"):
        Extractor(Weights(random_file, ""), "mixed11", SIZE)
    with pytest.raises(ValueError, match="bfloat16"):
        Extractor(Weights(random_file, ""), "mixed0", SIZE, precision="float8")
    with pytest.raises(ValueError, match="there is no image network 'vgg'; there are inception_v3, densenet121"):
        find_weights("random", "vgg")


@pytest.mark.parametrize("network", NETWORKS)
def test_a_wrong_layer_is_answered_with_layers_that_there_are(network):
    known = find_network(network)
    with pytest.raises(ValueError, match=rf"{known.name} has no layer 'nowhere'.*{known.ends[0]}.*{known.ends[-1]}"):
        Extractor(Weights("never read", "", network=network), "nowhere", SIZE)


def test_real_weights_fit_and_give_finite_features(shared):
    path = shared / "inception_v3" / "inception_v3_imagenet_to_mixed8.weights.h5"
    extractor = Extractor(find_weights(str(path)), "mixed8", 299)
    assert extractor.grid == (8, 8) and extractor.channels == 1280
    found = extractor(grey(1, 299))
    assert np.isfinite(found).all() and found.std() > 0
