"""Which weights an image network runs with: ImageNet's, random ones, or those of a file.

Explained in ``notebooks/02_cache_inceptionv3_features.ipynb``.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np

from . import download, paths
from .networks import DEVIATION, Network, find_network


class WeightsError(RuntimeError):
    """The weights that were asked for cannot be had, or are of something else."""


@dataclass(frozen=True)
class Weights:
    """A weights file of ``network``: ``source`` is ``"imagenet"``, ``"phantom"``, ``"random"`` or the file's name; ``note`` is
    what figures have to say."""

    path: Path
    source: str
    note: str = ""
    network: str = "inception_v3"


TAUGHT = Path(__file__).resolve().parent.parent / "data" / "networks"  # what comes with the project


def find_weights(
    weights: str = "auto", network: str = "inception_v3", layer: str = "", random_folder: str | Path | None = None
) -> Weights:
    """The weights file that a name stands for.

    Args:
        weights: ``"imagenet"``; ``"random"`` (seeded, kept in ``random_folder``, by default under the folder of data);
            ``"phantom"``, those that ``artefacts.teach_network`` made here, else those that come with the project; the path of a
            weights file, see :func:`load`; ``"auto"`` takes ImageNet's weights where they can be had, otherwise the phantom's if
            they reach up to ``layer``, otherwise random ones, and says so loudly.
        network: a name of ``networks.NETWORKS``.
        layer: one of the network's ``ends``, up to which weights are wanted; empty: all of it.

    Raises:
        WeightsError: if they cannot be had.
        ValueError: if there is no such network.
    """
    return _found(
        weights,
        network,
        layer,
        Path(random_folder or paths.data_dir() / "weights"),
        _keras_home(),
        phantom_weights(network),
    )


@functools.cache  # else "auto" would ask the net, and say what came of it, again and again
def _found(weights: str, network: str, layer: str, random_folder: Path, home: Path, phantom: Path) -> Weights:
    known = find_network(network)
    if weights == "auto":
        try:
            return Weights(imagenet_weights(known, home), "imagenet", network=network)
        except WeightsError as error:
            weights = "phantom" if _reaches(known, phantom, layer) else "random"
            instead = {
                "phantom": "weights TAUGHT ON PHANTOM PATIENTS: they know what to look for in those, and nothing about people",
                "random": "RANDOM weights: this shows the method, not what ImageNet's features can do",
            }
            print(f"!! {paths.shortened(str(error))}.\n!! Going on with {instead[weights]}.")
    if weights == "imagenet":
        return Weights(imagenet_weights(known, home), "imagenet", network=network)
    if weights == "random":
        note = f"random {known.name} features (ImageNet's weights were not used)"
        return Weights(random_weights(network, random_folder), "random", note, network)
    if weights == "phantom":
        if not phantom.is_file():
            raise WeightsError(
                f"{phantom}: {known.name} has not been taught on phantom patients here; `python -m mrg_helpers prepare "
                "network` does it for InceptionV3, in a quarter of an hour to one on two cores"
            )
        note = f"{known.name} features, taught on phantom patients (ImageNet's weights were not used)"
        return Weights(phantom, "phantom", note, network)
    path = Path(weights).expanduser()
    if not path.is_file():
        raise WeightsError(
            f'{path}: no such weights file; give the path of one, "imagenet", "phantom", "random" or "auto"'
        )
    return Weights(path, path.name, network=network)


def _keras_home() -> Path:
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras"))


def imagenet_weights(network: Network, home: Path | None = None) -> Path:
    """The file with a network's ImageNet weights, from Keras' cache (in its folder ``home``) or from the net.

    Raises:
        WeightsError: if it is neither there nor can be downloaded, or the file there is not the right one.
    """
    path = (home or _keras_home()) / "models" / network.url.rpartition("/")[2]
    by_hand = f"download {network.url} on another machine and put the file there"
    if not path.exists():
        try:
            download.fetch(network.url, path)
        except (OSError, RuntimeError, ValueError) as error:
            raise WeightsError(
                f"{path}: no ImageNet weights here, and this machine cannot download them; {by_hand}"
            ) from error
    # Keras would delete a file with the wrong sum before it tries to download; the reader should decide that.
    if hashlib.md5(path.read_bytes()).hexdigest() != network.md5:
        raise WeightsError(
            f"{path}: not the file it should be (its MD5 is not {network.md5}); delete it, then {by_hand}"
        )
    return path


def phantom_weights(network: str) -> Path:
    """The weights of a network that learnt from phantom patients: those taught here, else those that come with the project.

    Where there are neither, the path is that of the first.
    """
    own, brought = taught_here(network), TAUGHT / taught_here(network).name
    return brought if brought.is_file() and not own.is_file() else own


def taught_here(network: str) -> Path:
    """Where the weights come to lie that ``artefacts.teach_network`` makes."""
    return paths.data_dir() / "weights" / f"{network}_phantom.npz"


def _reaches(network: Network, part: Path, layer: str) -> bool:
    """Whether a file of :func:`save_part` goes up to that one of the network's ends."""
    if not part.is_file() or layer not in network.ends:
        return False
    with np.load(part) as stored:
        return network.ends.index(layer) <= network.ends.index(str(stored["layer"]))


def random_weights(network: str, folder: str | Path | None = None, seed: int = 0) -> Path:
    """A file with seeded random weights in ``folder``; made at the first call, then always the same file.

    The kernels are drawn with He's variance (2 / fan-in) by NumPy, whose generator gives the same numbers on every machine.
    """
    path = Path(folder or paths.data_dir() / "weights") / f"{network}_random_{seed}.weights.h5"
    if not path.exists():
        model = find_network(network).build()
        rng = np.random.default_rng(seed)
        for layer in model.layers:
            if isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
                shape = layer.kernel.shape
                one_by_one = isinstance(layer, keras.layers.DepthwiseConv2D)  # each channel has a kernel of its own
                fan_in = np.prod(shape[:2] if one_by_one else shape[:-1])
                layer.kernel.assign(rng.normal(0, np.sqrt(2 / fan_in), shape).astype("float32"))
        with paths.replacing(path) as temporary:
            model.save_weights(temporary)
    return path


def load(model: keras.Model, path: Path, layer: str = "") -> None:
    """Put the weights of a file into a network.

    Args:
        model: from :meth:`mrg_helpers.networks.Network.build`.
        layer: up to which weights are wanted; those of :func:`save_part` need not go on after it.
        path: a model or its weights as Keras 3 writes them (``.keras``, ``.weights.h5``) or as Keras 2 did (``.h5``, such as
            ImageNet's). What comes after the network's own weights is its top, and left out: a CheXNet, which is a DenseNet121
            with an output for each of its diseases, is read as it is.

    Raises:
        WeightsError: if the file ends before that layer.
        Exception: any other, if the weights do not fit.
    """
    if path.suffix == ".npz":
        _load_part(model, path, layer)
    elif path.suffix == ".keras":
        put(model, keras.saving.load_model(path, compile=False).get_weights())
    elif values := _of_keras_2(path):
        put(model, values)
    else:
        model.load_weights(path)
    for one in model.layers:
        # EfficientNet's file holds ImageNet's deviations where Keras reads variances, and Keras' own network for these weights
        # therefore divides by their root a second time: github.com/tensorflow/tensorflow/issues/49930. The square does both.
        if isinstance(one, keras.layers.Normalization) and np.allclose(one.adapt_variance, DEVIATION):
            mean, variance, count = one.get_weights()
            set_weights(one, [mean, variance**2, count])


def _of_keras_2(path: Path) -> list[np.ndarray]:
    """All arrays of a file as Keras 2 wrote it, layer by layer; none if it is laid out in another way."""
    with h5py.File(path) as file:
        group = file.get("model_weights", file)  # of a whole model or of its weights alone
        layers = [group[name] for name in group.attrs.get("layer_names", [])]
        return [np.asarray(layer[name]) for layer in layers for name in layer.attrs["weight_names"]]


def save_part(model: keras.Model, layer: str, path: str | Path) -> None:
    """Write the weights of a network that ends at ``layer`` as one ``.npz`` file, its kernels in float16."""
    values = [value.astype("float16") if value.ndim > 1 else value for value in model.get_weights()]
    with paths.replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, layer=layer, **{f"w{k}": value for k, value in enumerate(values)})


def _load_part(whole: keras.Model, path: Path, layer: str) -> None:
    """Put the weights that :func:`save_part` wrote into the whole network, of which the part up to ``layer`` is wanted."""
    with np.load(path) as stored:
        end = str(stored["layer"])
        known = keras.Model(whole.input, whole.get_layer(end).output)
        put(known, [stored[f"w{k}"].astype("float32") for k in range(len(known.weights))])
    names = {one.name for one in known.layers}
    if any(one.name not in names for one in keras.Model(whole.input, whole.get_layer(layer).output).layers):
        raise WeightsError(f"{path}: these weights end at {end}; choose that layer or one before it, not {layer}")


def put(model: keras.Model, values: Sequence[np.ndarray]) -> None:
    """Give a network its weights, in the order of ``get_weights``; what is left over is left out."""
    needed = len(model.weights)
    if len(values) < needed:
        raise ValueError(f"{len(values)} arrays where the network has {needed}")
    rest = iter(values)
    for layer in model.layers:
        set_weights(layer, [next(rest) for _ in layer.weights])


def set_weights(layer: keras.layers.Layer, values: Sequence[np.ndarray]) -> None:
    layer.set_weights(values)
    if isinstance(layer, keras.layers.Normalization):
        layer.finalize_state()  # it goes on with the old numbers otherwise
