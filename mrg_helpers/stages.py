"""Make what a notebook needs and does not find: studies -> features, vocabulary -> model -> generated reports.

Each ``ensure_...`` returns its artefact, and makes it first, with everything before it, if it is not there. Every artefact lies in
a folder whose name ends with a fingerprint of all settings it depends on, so two data sets or two settings never meet; beside it
``settings.json`` says what they were. The folders lie under ``outputs/`` and can be deleted at any time.

This is the one module that knows the names of artefacts. Used in every notebook.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from . import __version__, datasets, findings, paths, perturb, phantom, reports
from .vocabulary import Vocabulary

if TYPE_CHECKING:  # these load TensorFlow; notebooks 01 and 03 do without
    from .decoding import Decoding, Generation
    from .features import FeatureCache
    from .models.base import ReportModel
    from .training import Examples


@dataclass(frozen=True)
class Settings:
    """Everything an artefact can depend on, under the names that the notebooks' ``parameters`` cells use.

    Attributes:
        dataset: ``"phantom"``, ``"iu_xray"`` or ``"folder"``.
        data: where the data lie; empty for the usual place under ``data/`` (the phantom is written there when missing).
        n_studies: of the phantom; the other data sets are taken whole.
        seed: of the phantom, the split, the first weights and the order of the batches.
        target: the section that is written: ``"findings"``, ``"impression"`` or ``"report"`` (both).
        view: the image of a study that the model sees: the first ``"frontal"`` or the first ``"lateral"`` one.
        weights, layer, image_size, cells: see :class:`mrg_helpers.inception.Extractor`; resize: see :mod:`mrg_helpers.images`.
        components: of the features that a model reads, see :class:`mrg_helpers.features.FeatureCache`; 0 for all channels.
        max_words, min_count: see :meth:`mrg_helpers.vocabulary.Vocabulary.fit`; ``max_words`` 0 keeps all.
        max_length: the most tokens of a report that are learnt and written.
        embedding ... word_dropout: see :class:`mrg_helpers.models.ShowAttendTell`.
        concepts: weight of asking the regions for the findings that the reports assert, see :func:`concept_names`; 0 does not.
        guide: weight of drawing the attention to the regions that answered, see :class:`mrg_helpers.models.ShowAttendTell`.
        emphasis: how much a word counts in training in a sentence that asserts a finding; in any other it counts 1.
        epochs ... patience: see :class:`mrg_helpers.training.TrainingSettings`.
        blind: learn with the images of other patients (:func:`mrg_helpers.perturb.another`), so that there is nothing to see.
    """

    dataset: str = "phantom"
    data: str = ""
    n_studies: int = 1500
    seed: int = 0
    target: str = "findings"
    view: str = "frontal"
    weights: str = "auto"
    layer: str = "mixed3"
    image_size: int = 224
    resize: str = "pad"
    cells: int = 8
    components: int = 384
    max_words: int = 0
    min_count: int = 2
    max_length: int = 90
    model: str = "show_attend_tell"
    embedding: int = 128
    units: int = 192
    attention_units: int = 64
    cell: str = "gru"
    gate: bool = True
    penalty: float = 0.0
    dropout: float = 0.4
    feature_dropout: float = 0.1
    word_dropout: float = 0.3
    concepts: float = 1.0
    guide: float = 0.3
    emphasis: float = 5.0
    epochs: int = 32
    batch_size: int = 32
    learning_rate: float = 4e-3
    patience: int = 15
    blind: bool = False

    @property
    def root(self) -> Path:
        """The folder (or the CSV file) of the data set."""
        if self.data:
            return Path(self.data).expanduser().resolve()
        own = f"phantom-{self.n_studies}-seed{self.seed}" if self.dataset == "phantom" else self.dataset
        return paths.data_dir() / own


FEW = 500  # training reports, below which a model says words and no sentences

STUDIES = ("dataset", "data", "n_studies", "seed")
IMAGES = ("view", "weights", "layer", "image_size", "resize", "cells")
TEXT = ("target", "max_words", "min_count")
# What a model's constructor gets as it is.
SIZES = (
    "embedding",
    "units",
    "attention_units",
    "cell",
    "gate",
    "penalty",
    "dropout",
    "feature_dropout",
    "word_dropout",
    "guide",
)
MODEL = (
    *SIZES, "components", "max_length", "model", "concepts", "emphasis", "epochs", "batch_size", "learning_rate", "patience",
    "blind",
)  # fmt: skip


def artefact_folder(settings: Settings, kind: str) -> Path:
    """The folder of an artefact: ``kind`` is ``"studies"``, ``"features"``, ``"vocabulary"`` or ``"model"``."""
    names = {
        "studies": STUDIES,
        "features": STUDIES + IMAGES,
        "vocabulary": STUDIES + TEXT,
        "model": STUDIES + IMAGES + TEXT + MODEL,
    }[kind]
    values = {"version": __version__} | {name: getattr(settings, name) for name in names}
    if not settings.blind:
        values.pop("blind", None)  # models are not blind unless they say so
    if settings.dataset != "phantom":  # data that somebody else keeps can change under the same name
        values |= {"n_studies": 0, "data": str(settings.root), "files": _files_fingerprint(settings.root)}
    if kind in ("features", "model"):
        values["weights"] = _weights_identity(settings.weights)
    text = json.dumps(values, indent=1)
    folder = paths.outputs_dir() / f"{settings.dataset}-{kind}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    if not (folder / "settings.json").exists():
        paths.write_text(folder / "settings.json", text)
    return folder


def _files_fingerprint(root: Path) -> str:
    """Of the names, sizes and times of all files of a data set."""
    digest = hashlib.sha256()
    for folder, _, names in sorted(os.walk(root if root.is_dir() else root.parent)):
        for name in sorted(names):
            status = os.stat(os.path.join(folder, name))
            digest.update(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _weights_identity(weights: str) -> str:
    from .inception import find_weights

    found = find_weights(weights)
    if found.source in ("imagenet", "random"):
        return found.source
    status = found.path.stat()
    return f"{found.path.resolve()} {status.st_size} {status.st_mtime_ns}"


def _say(text: str) -> None:
    print(f"[stages] {text}", flush=True)


# ------------------------------------------------------------------------------------------------------------ stages


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
    with paths.locked(folder, _say):
        if not (folder / "studies.json").exists():
            _say(f"reading the {settings.dataset} studies -> {folder}")
            datasets.load(settings.dataset, root, seed=settings.seed).save(folder)
        return datasets.Studies.load(folder)


def ensure_features(settings: Settings) -> FeatureCache:
    """The InceptionV3 features of one image of each study, in the order of the studies table."""
    from .features import CacheError, FeatureCache, extract
    from .inception import Extractor, find_weights

    folder = artefact_folder(settings, "features")
    try:
        return FeatureCache(folder, components=settings.components)
    except CacheError:
        rows = one_image_per_study(ensure_studies(settings).table, settings.view)
        _say(f"features of {len(rows)} images, layer {settings.layer} -> {folder}")
        network = Extractor(find_weights(settings.weights), settings.layer, settings.image_size, settings.cells)
        extract(rows, folder, network, settings.resize)
        return FeatureCache(folder, components=settings.components)


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
        _say(f"vocabulary of {len(vocabulary)} words -> {path}")
        vocabulary.save(path)
    return Vocabulary.load(path)


def target_texts(table: pd.DataFrame, target: str) -> list[str]:
    """The clean target text of each study; the empty string where it has none."""
    return [reports.target_text(row, target) for row in table.to_dict("records")]


def concept_names(settings: Settings) -> list[str]:
    """The findings that the regions are asked for: those that at least one training report in a hundred, and two, assert."""
    if not settings.concepts:
        return []
    table = ensure_studies(settings).table
    texts = [text for text in target_texts(table[table["split"] == "train"], settings.target) if text]
    counts = Counter(name for text in texts for name in findings.abnormal(text))
    least = max(2, len(texts) / 100)
    return sorted(name for name, count in counts.items() if count >= least)


def word_labels(text: str, names: list[str], emphasis: float, max_length: int) -> tuple[list[float], np.ndarray]:
    """What the sentence of each word asserts, and how much the word therefore counts in training; ``<end>`` comes last.

    Most sentences of most reports say that something is normal. Without emphasis a model learns to say so of everybody: where a
    finding is as likely as not, its many wordings share that probability, and the one usual sentence wins.

    Returns:
        T numbers, ``emphasis`` in a sentence that asserts a finding and 1 elsewhere; and (T, C) bool, which of ``names`` it
        asserts.
    """
    weights, said = [], []
    for sentence in reports.sentences(text):
        found, count = findings.abnormal(sentence), len(reports.split_tokens(sentence))
        weights += [emphasis if found else 1.0] * count
        said += [[name in found for name in names]] * count
    kept = max_length - 2  # as the vocabulary cuts a report
    return [*weights[:kept], 1.0], np.array([*said[:kept], [False] * len(names)], bool)


def examples(settings: Settings, split: str) -> Examples:
    """What there is to learn from in a split: the studies that have the target text, with their image and its tokens.

    For a blind model each report stands beside the image of another one.
    """
    from .training import Examples

    table, cache, vocabulary = ensure_studies(settings).table, ensure_features(settings), ensure_vocabulary(settings)
    table = table[table["split"] == split]
    pairs = zip(table["study_id"], target_texts(table, settings.target), strict=True)
    kept = [(study_id, text) for study_id, text in pairs if text]
    names = concept_names(settings)
    labels = [word_labels(text, names, settings.emphasis, settings.max_length) for _, text in kept]
    found = [findings.abnormal(text) for _, text in kept]
    rows = [cache.index[study_id] for study_id, _ in kept]
    return Examples(
        reader(cache),
        rows=perturb.another(rows, settings.seed) if settings.blind else rows,
        tokens=[vocabulary.encode(text, settings.max_length) for _, text in kept],
        emphasis=[weights for weights, _ in labels],
        concepts=np.array([[name in those for name in names] for those in found]) if names else None,
        said=[said for _, said in labels] if names else None,
    )


def reader(cache: FeatureCache) -> Callable:
    """The function that turns rows of a cache into the models' batch dictionary; the one place where it is built."""
    return lambda rows: {"features": cache.read(rows)}


def new_model(settings: Settings) -> ReportModel:
    """An untrained model that fits the features and the vocabulary; its first weights follow from the seed."""
    import keras

    from .models import FAMILY

    cache, vocabulary = ensure_features(settings), ensure_vocabulary(settings)
    keras.utils.set_random_seed(settings.seed)
    chosen = {name: getattr(settings, name) for name in SIZES}
    chosen |= {"concepts": concept_names(settings), "concept_weight": settings.concepts}
    return FAMILY[settings.model](vocabulary.words, cache.grid, cache.channels, note=cache.note, **chosen)


def is_trained(settings: Settings) -> bool:
    """Whether :func:`ensure_model` has a finished model to load, and would not train one."""
    return (artefact_folder(settings, "model") / "finished").exists()


def ensure_model(settings: Settings, **fit_arguments) -> ReportModel:
    """The trained model; a training that was cut short is gone on with.

    ``fit_arguments`` go to :func:`mrg_helpers.training.fit`.
    """
    from .models import load_model
    from .training import TrainingSettings, fit

    folder = artefact_folder(settings, "model")
    with paths.locked(folder, _say):
        if not is_trained(settings):
            names = [field.name for field in dataclasses.fields(TrainingSettings) if hasattr(settings, field.name)]
            model = new_model(settings)
            train, valid = examples(settings, "train"), examples(settings, "val")
            _say(f"training on {len(train)} reports, validating on {len(valid)} -> {folder}")
            if len(train) < FEW:
                _say(f"{len(train)} reports are few: expect fragments; whole sentences take about a thousand")
            chosen = TrainingSettings(**{name: getattr(settings, name) for name in names})
            fit(model, train, valid, folder, chosen, **fit_arguments)
            paths.write_text(folder / "finished", "the training in this folder came to its end\n")
    return load_model(folder / "model.keras")


def ensure_generation(settings: Settings, split: str = "test", decoding: Decoding | None = None) -> Generation:
    """What the trained model writes for every study of a split, in the order of the studies table."""
    from .decoding import Decoding, Generation, generate

    decoding = decoding or Decoding(max_length=settings.max_length)
    key = hashlib.sha256(repr((split, decoding)).encode()).hexdigest()[:8]
    path = artefact_folder(settings, "model") / f"{split}-{decoding.method}-{key}.npz"
    if not path.exists():
        model, cache = ensure_model(settings), ensure_features(settings)
        table = ensure_studies(settings).table
        rows = [cache.index[study_id] for study_id in table.loc[table["split"] == split, "study_id"]]
        _say(f"writing {len(rows)} reports ({decoding.method}) -> {path}")
        generate(model, reader(cache), rows, decoding, progress=True).save(path)
    return Generation.load(path)
