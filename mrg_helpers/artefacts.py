"""What a model is made from, made when it is missing: studies, features, vocabulary. The lower half of ``stages``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from . import datasets, findings, paths, phantom, pretrained, reports
from .settings import Settings, artefact_folder
from .vocabulary import SPECIAL, Vocabulary

if TYPE_CHECKING:  # these load TensorFlow; notebooks 01 and 03 do without
    from .encoders import Extractor
    from .features import FeatureCache


def say(text: str) -> None:
    print(f"[stages] {paths.shortened(text)}", flush=True)


def ensure_studies(settings: Settings) -> datasets.Studies:
    """The studies of the data set with their split; the phantom is written first if it is not there.

    Raises:
        FileNotFoundError, ValueError: if the data are not where they should be, or are not what they should be.
    """
    root = settings.root
    if settings.dataset == "phantom" and not settings.data:
        phantom.write(root, settings.n_studies, seed=settings.seed)
    elif not root.exists():
        get = "python -m mrg_helpers prepare iu_xray" if settings.dataset == "iu_xray" else "--data PATH"
        raise FileNotFoundError(f"{root}: there is no {settings.dataset} data here; get or name it with `{get}`")
    folder = artefact_folder(settings, "studies")
    with paths.locked(folder, say):
        if not (folder / "studies.json").exists():
            say(f"reading the {settings.dataset} studies -> {folder}")
            datasets.load(settings.dataset, root, seed=settings.seed).save(folder)
        return datasets.Studies.load(folder)


def ensure_features(settings: Settings) -> FeatureCache:
    """The features of one image of each study, in the order of the studies table."""
    from .extraction import extract
    from .features import CacheError, FeatureCache

    folder = artefact_folder(settings, "features")
    try:
        return FeatureCache(folder, components=settings.components)
    except CacheError:
        rows = one_image_per_study(ensure_studies(settings).table, settings.view)
        say(f"features of {len(rows)} images, layer {settings.layer} -> {folder}")
        known = pretrained.statistics(folder)
        extract(rows, folder, new_extractor(settings), settings.resize, statistics=known)
        cache = FeatureCache(folder, components=settings.components)
        if known and "statistics" not in cache.manifest:
            say("these features differ from those that the pretrained model knows, so it will not be used")
        return cache


def new_extractor(settings: Settings) -> Extractor:
    """The image network of the settings; it is tuned first if they say so and it has not been."""
    from .encoders import Extractor, find_weights

    weights = find_weights(settings.weights, settings.network, settings.layer)
    cut = (settings.layer, settings.image_size)
    if settings.fine_tune:
        path = artefact_folder(settings, "network") / "tuned.npz"
        with paths.locked(path.parent, say):
            if not path.exists():
                _tune(settings, Extractor(weights, *cut), path)
        what = f"{weights.source}, tuned after {settings.fine_tune}"
        weights = dataclasses.replace(weights, path=path, source=what, note=f"{settings.network} features: {what}")
    return Extractor(weights, *cut, settings.cells, settings.precision)


# How ``weights="phantom"`` come about: on patients that no other collection has.
TAUGHT = Settings(n_studies=4000, seed=1000, weights="random", fine_tune="all", tuning_epochs=6, tuning_rate=5e-4)


def teach_network(settings: Settings = TAUGHT) -> Path:
    """Teach an image network, from random weights on, what there is to see in phantom patients; returns the file of its weights.

    A third choice beside ImageNet's weights and random ones (``weights="phantom"``), for which nothing has to be downloaded. It
    learns from frontal images, up to the layer of the settings. The file goes before the one that comes with the project, which
    was made by this function. Explained in notebook 07.
    """
    from .encoders import Extractor, find_weights
    from .weights import taught_here

    path = taught_here(settings.network)
    with paths.locked(path.parent, say):
        random = find_weights(settings.weights, settings.network, settings.layer)
        extractor = Extractor(random, settings.layer, settings.image_size, settings.cells)
        _tune(settings, extractor, path, ("frontal",))
    return path


def _tune(settings: Settings, extractor: Extractor, path: Path, views: tuple[str, ...] = ()) -> None:
    """Teach an image network what the training reports assert; each image of a study, or each of these views, shows all of it."""
    from .tuning import tune

    table = ensure_studies(settings).table
    table = table.assign(found=[findings.abnormal(text) for text in target_texts(table, "report")])
    images = table.loc[table["split"] != "test"].explode(["images", "views"])
    images = images[images["views"].isin(views)] if views else images
    names = sorted(set().union(*images.loc[images["split"] == "train", "found"]))
    truth = np.array([[name in found for name in names] for found in images["found"]])
    say(
        f"tuning {settings.network} after {settings.fine_tune} on {len(images)} images and {len(names)} findings -> {path}"
    )
    curves = tune(
        extractor, images.rename(columns={"images": "path"}), truth, path, after=settings.fine_tune.replace("all", ""),
        resize=settings.resize, epochs=settings.tuning_epochs, learning_rate=settings.tuning_rate, seed=settings.seed,
    )  # fmt: skip
    kept = curves.loc[curves["val_loss"].idxmin()]
    say(
        f"kept: epoch {kept['epoch']:.0f}, validation AUC of the findings {kept['val_auc']:.3f} "
        f"(before it learnt: {curves['val_auc'].iloc[0]:.3f})"
    )


def one_image_per_study(table: pd.DataFrame, view: str) -> pd.DataFrame:
    """The image of each study that the model sees: the first of that view, else of an unknown view, else simply the first.

    Returns:
        DataFrame ``image_id`` (the study's), ``path``, ``split``, ``view``; one row a study, in the order of the table.
    """
    rows = []
    for study in table.itertuples():
        wanted = [view, "unknown", *study.views]
        k = min(range(len(study.images)), key=lambda k: wanted.index(study.views[k]))
        rows.append((study.study_id, study.images[k], study.split, study.views[k]))
    return pd.DataFrame(rows, columns=["image_id", "path", "split", "view"])


def ensure_vocabulary(settings: Settings) -> Vocabulary:
    """The words of the training reports' target section."""
    path = artefact_folder(settings, "vocabulary") / "vocabulary.json"
    if not path.exists():
        table = ensure_studies(settings).table
        texts = target_texts(table[table["split"] == "train"], settings.target)
        if not any(texts):
            raise ValueError(f"no training study has {settings.target!r} text; choose another target section")
        vocabulary = Vocabulary.fit(texts, settings.max_words or None, settings.min_count)
        say(f"vocabulary of {len(vocabulary) - len(SPECIAL)} words -> {path}")
        vocabulary.save(path)
    return Vocabulary.load(path)


def target_texts(table: pd.DataFrame, target: str) -> list[str]:
    """The clean target text of each study; the empty string where it has none."""
    return [reports.target_text(row, target) for row in table.to_dict("records")]
