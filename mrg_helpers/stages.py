"""Make what a notebook needs and does not find: studies -> features, vocabulary -> model -> generated reports.

Each ``ensure_...`` returns its artefact, and makes it first, with everything before it, if it is not there. The artefacts lie in
the folders that ``settings`` gives them, under ``outputs/``, and can be deleted at any time.

This is the one module that knows the names of artefacts: what a model is made from lies in ``artefacts``, what it learns from in
``lessons``, and all of it is offered here. Used in every notebook.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

from . import paths, pretrained
from .artefacts import (
    ensure_features,
    ensure_studies,
    ensure_vocabulary,
    new_extractor,
    one_image_per_study,
    say,
    target_texts,
    teach_network,
)
from .lessons import (
    LEARNT,
    concept_names,
    examples,
    indication_words,
    other_view,
    reader,
    template_sentences,
    word_labels,
)
from .settings import SIZES, Settings, artefact_folder

if TYPE_CHECKING:  # these load TensorFlow; notebooks 01 and 03 do without
    from .batches import Examples
    from .decoding import Decoding, Generation
    from .models.base import ReportModel
    from .training import TrainingSettings

__all__ = [
    "Settings", "artefact_folder", "concept_names", "ensure_features", "ensure_generation", "ensure_model", "ensure_studies",
    "ensure_vocabulary", "examples", "for_model", "indication_words", "is_trained", "keep_pretrained", "new_extractor", "new_model",
    "one_image_per_study", "other_view", "reader", "target_texts", "teach_network", "template_sentences", "without_reward",
    "word_labels",
]  # fmt: skip

FEW = 500  # training reports, below which a model says words and no sentences


def for_model(settings: Settings, model: str, **changes) -> Settings:
    """The settings with another model and what it needs to learn well, its ``recipe``; ``changes`` go over both."""
    from . import models

    return dataclasses.replace(settings, **{"model": model} | models.named(model).recipe | changes)


def new_model(settings: Settings) -> ReportModel:
    """An untrained model that fits the features and the vocabulary; its first weights follow from ``training_seed``.

    Raises:
        ValueError: if there is no such model, or it does not take one of the ``options``.
    """
    import keras

    from . import models

    family = models.named(settings.model)
    takes = family.arguments()
    if wrong := set(settings.options) - takes:
        raise ValueError(
            f"{settings.model} does not take {', '.join(sorted(wrong))}; it takes {', '.join(sorted(takes))}"
        )
    cache, vocabulary = ensure_features(settings), ensure_vocabulary(settings)
    keras.utils.set_random_seed(settings.training_seed)
    given = {name: getattr(settings, name) for name in SIZES if name in takes}
    given |= {name: learnt(settings) for name, learnt in LEARNT.items() if name in takes}
    return family(vocabulary.words, cache.grid, cache.channels, note=cache.note, **given | settings.options)


def is_trained(settings: Settings) -> bool:
    """Whether :func:`ensure_model` has a finished model to load, and would not train one."""
    return (artefact_folder(settings, "model") / "finished").exists()


def ensure_model(settings: Settings, **fit_arguments) -> ReportModel:
    """The trained model; a training that was cut short is gone on with. The one that came with the project is taken where it fits.

    ``fit_arguments`` go to :func:`mrg_helpers.training.fit`; who gives some wants to see a training, and gets one.
    """
    from .models import load_model
    from .training import TrainingSettings, fit

    folder = artefact_folder(settings, "model")
    with paths.locked(folder, say):
        untouched = not (is_trained(settings) or fit_arguments or (folder / "checkpoint.npz").exists())
        if untouched and pretrained.take_model(folder, ensure_features(settings).manifest):
            say(f"the pretrained model that came with the project -> {folder}")
        if not is_trained(settings):
            names = [field.name for field in dataclasses.fields(TrainingSettings) if hasattr(settings, field.name)]
            values = {name: getattr(settings, name) for name in names} | {"seed": settings.training_seed}
            if settings.reward:
                model = ensure_model(without_reward(settings))
                values |= {"epochs": settings.reward_epochs, "learning_rate": settings.reward_rate}
            else:
                model = new_model(settings)
            train, valid = examples(settings, "train"), examples(settings, "val")
            say(f"training on {len(train)} reports, validating on {len(valid)} -> {folder}")
            if len(train) < FEW:
                say(f"{len(train)} reports are few: expect fragments; whole sentences take about a thousand")
            how = TrainingSettings(**values)
            fit(model, train, valid, folder, how, **_objective(settings, train, valid, how) | fit_arguments)
            paths.write_text(folder / "finished", "the training in this folder came to its end\n")
    return load_model(folder / "model.keras")


def without_reward(settings: Settings) -> Settings:
    """The settings of the model that a training with a reward begins with."""
    usual = {name: getattr(Settings, name) for name in ("reward", "reward_epochs", "reward_rate")}
    return dataclasses.replace(settings, **usual)


def _objective(settings: Settings, train: Examples, valid: Examples, how: TrainingSettings) -> dict:
    """What ``fit`` gets besides where the model learns from more than the true words."""
    from . import objectives

    if settings.reward:
        vocabulary = ensure_vocabulary(settings)
        known = {
            "cider": lambda: objectives.cider_reward(vocabulary, train.tokens),
            "findings": lambda: objectives.finding_reward(vocabulary),
        }
        if settings.reward not in known:
            raise ValueError(f"reward is {settings.reward!r}; it can be {' or '.join(known)}")
        reward = known[settings.reward]()
        return {
            "take_step": objectives.self_critical(reward, settings.max_length),
            "judge": objectives.shortfall(reward, valid, settings.max_length),
        }
    changes = {"label_smoothing": settings.label_smoothing, "scheduled_sampling": settings.scheduled_sampling}
    if not any(changes.values()):
        return {}
    return {"take_step": objectives.teacher_forcing(how.epochs * how.steps(len(train)), **changes)}


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
        say(f"writing {len(rows)} reports ({decoding.method}) -> {path}")
        generate(model, reader(settings), rows, decoding, progress=True).save(path)
    return Generation.load(path)


def keep_pretrained(settings: Settings) -> None:
    """Train a model and keep it as the one that comes with the project, see :mod:`mrg_helpers.pretrained`."""
    ensure_model(settings)
    folders = (artefact_folder(settings, kind) for kind in ("features", "model"))
    pretrained.make(*folders, "python -m mrg_helpers prepare pretrained")
