"""Everything an artefact can depend on, and the folder that follows from it.

The folder's name ends with a fingerprint of the settings that the artefact depends on, so two data sets or two settings never meet;
beside the artefact ``settings.json`` says what they were. Offered as ``stages.Settings``. Used in every notebook.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from . import __version__, paths


@dataclass(frozen=True)
class Settings:
    """Everything an artefact can depend on, under the names that the notebooks' ``parameters`` cells use.

    Attributes:
        dataset: ``"phantom"``, ``"iu_xray"`` or ``"folder"``.
        data: where the data lie; empty for the usual place under ``data/`` (the phantom is written there when missing).
        n_studies: of the phantom; the other data sets are taken whole.
        seed: of the phantom and the split.
        target: the section that is written: ``"findings"``, ``"impression"`` or ``"report"`` (both).
        view: the image of a study that the model sees: the first ``"frontal"`` or the first ``"lateral"`` one.
        weights, layer, image_size, cells, precision: see :class:`mrg_helpers.encoders.Extractor`.
        network: a name of ``networks.NETWORKS``; another one than the usual wants a ``layer`` of its own.
        resize: see :mod:`mrg_helpers.images`.
        fine_tune: the layer after which the image network itself first learns the findings of the training reports, or ``"all"``
            to learn it from its beginning on, see :func:`mrg_helpers.tuning.tune`; empty: it stays as it is. ``tuning_epochs`` and
            ``tuning_rate``, the highest learning rate, are of that.
        components: of the features that a model reads, see :class:`mrg_helpers.features.FeatureCache`; 0 for all channels.
        max_words, min_count: see :meth:`mrg_helpers.vocabulary.Vocabulary.fit`; ``max_words`` 0 keeps all.
        max_length: the most tokens of a report that are learnt and written.
        model: a name of ``models.FAMILY``.
        embedding ... word_dropout: see :class:`mrg_helpers.models.ShowAttendTell`; a model gets those of them that it takes.
        options: what the model's constructor gets besides, such as ``{"layers": 3}``; they go before the others.
        concepts: weight of asking the regions for the findings that the reports assert, see :func:`concept_names`; 0 does not.
        guide: weight of drawing the attention to the regions that answered, see :class:`mrg_helpers.models.ShowAttendTell`.
        emphasis: how much a word counts in training in a sentence that asserts a finding; in any other it counts 1.
        epochs ... patience, weight_average: see :class:`mrg_helpers.training.TrainingSettings`.
        label_smoothing, scheduled_sampling: see :func:`mrg_helpers.objectives.teacher_forcing`.
        reward: ``"cider"`` or ``"findings"``: the trained model goes on with this reward, see
            :func:`mrg_helpers.objectives.self_critical`, for ``reward_epochs`` at ``reward_rate``, its highest learning rate.
        training_seed: of the first weights and the order of the batches: the same patients, learnt once more.
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
    precision: str = "float32"
    network: str = "inception_v3"
    fine_tune: str = ""
    tuning_epochs: int = 4
    tuning_rate: float = 3e-4
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
    training_seed: int = 0
    blind: bool = False
    options: dict = field(default_factory=dict)
    weight_average: float = 0.0
    label_smoothing: float = 0.0
    scheduled_sampling: float = 0.0
    reward: str = ""
    reward_epochs: int = 4
    reward_rate: float = 4e-4

    @property
    def root(self) -> Path:
        """The folder (or the CSV file) of the data set."""
        if self.data:
            return Path(self.data).expanduser().resolve()
        return paths.data_dir() / (self.collection if self.dataset == "phantom" else self.dataset)

    @property
    def collection(self) -> str:
        """The name of the studies and their split, such as ``"phantom-1500-seed0"``; under it a run stands in the leaderboard."""
        own = {"phantom": f"phantom-{self.n_studies}", "folder": Path(self.data).stem or "folder"}
        return f"{own.get(self.dataset, self.dataset)}-seed{self.seed}"


STUDIES = ("dataset", "data", "n_studies", "seed")
IMAGES = (
    "view", "weights", "layer", "image_size", "resize", "cells", "precision", "network", "fine_tune", "tuning_epochs",
    "tuning_rate",
)  # fmt: skip
NETWORK = tuple(name for name in IMAGES if name not in ("view", "cells"))
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
    "training_seed", "blind", "options", "weight_average", "label_smoothing", "scheduled_sampling", "reward", "reward_epochs",
    "reward_rate",
)  # fmt: skip
# What came later. The usual values leave a name as it was before.
LATER = (
    "training_seed", "blind", "precision", "options", "weight_average", "label_smoothing", "scheduled_sampling", "reward",
    "reward_epochs", "reward_rate", "network", "fine_tune", "tuning_epochs", "tuning_rate",
)  # fmt: skip
# What says how something is done says nothing where it is not done.
HOW = {"reward": ("reward_epochs", "reward_rate"), "fine_tune": ("tuning_epochs", "tuning_rate")}


def artefact_folder(settings: Settings, kind: str) -> Path:
    """The folder of an artefact: ``kind`` is ``"studies"``, ``"network"``, ``"features"``, ``"vocabulary"`` or
    ``"model"``."""
    names = {
        "studies": STUDIES,
        "network": STUDIES + NETWORK,
        "features": STUDIES + IMAGES,
        "vocabulary": STUDIES + TEXT,
        "model": STUDIES + IMAGES + TEXT + MODEL,
    }[kind]
    values = {"version": __version__} | {name: getattr(settings, name) for name in names}
    for name in LATER:
        if getattr(settings, name) == getattr(Settings(), name):
            values.pop(name, None)
    for name, others in HOW.items():
        if not getattr(settings, name):
            values = {key: value for key, value in values.items() if key not in others}
    if settings.dataset != "phantom":  # data that somebody else keeps can change under the same name
        values |= {"n_studies": 0, "data": str(settings.root), "files": _files_fingerprint(settings.root)}
    if kind in ("network", "features", "model"):
        values["weights"] = _weights_identity(settings)
    if kind == "model" and Path(own := settings.options.get("weights", "")).is_file():  # of the language model
        values["options"] = settings.options | {"weights": _content(own)}
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


def _weights_identity(settings: Settings) -> str:
    from .weights import find_weights

    found = find_weights(settings.weights, settings.network, settings.layer)
    if found.source in ("imagenet", "random"):
        return found.source
    return _content(found.path)


def _content(path: str | Path) -> str:
    """Of what stands in a file, wherever it lies: the same weights give the same artefacts when they are copied."""
    status = os.stat(path)
    return _digest(str(path), status.st_size, status.st_mtime_ns)


@functools.cache
def _digest(path: str, size: int, changed: int) -> str:
    """Read once for each file, and again when it has changed."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
