"""Make what a notebook needs and does not find: studies -> features, vocabulary -> model -> generated reports.

Each ``ensure_...`` returns its artefact, and makes it first, with everything before it, if it is not there. The artefacts lie in
the folders that ``settings`` gives them, under ``outputs/``, and can be deleted at any time.

This is the one module that knows the names of artefacts. Used in every notebook.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from . import datasets, findings, paths, perturb, phantom, pretrained, reports, templates
from .inputs import Inputs
from .settings import SIZES, Settings, artefact_folder
from .vocabulary import SPECIAL, Vocabulary

if TYPE_CHECKING:  # these load TensorFlow; notebooks 01 and 03 do without
    from .batches import Examples
    from .decoding import Decoding, Generation
    from .encoders import Extractor
    from .features import FeatureCache
    from .models.base import ReportModel
    from .training import TrainingSettings

FEW = 500  # training reports, below which a model says words and no sentences


def _say(text: str) -> None:
    print(f"[stages] {text}", flush=True)


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
    """The features of one image of each study, in the order of the studies table."""
    from .features import CacheError, FeatureCache, extract

    folder = artefact_folder(settings, "features")
    try:
        return FeatureCache(folder, components=settings.components)
    except CacheError:
        rows = one_image_per_study(ensure_studies(settings).table, settings.view)
        _say(f"features of {len(rows)} images, layer {settings.layer} -> {folder}")
        known = pretrained.statistics(folder)
        extract(rows, folder, new_extractor(settings), settings.resize, statistics=known)
        return FeatureCache(folder, components=settings.components)


def new_extractor(settings: Settings) -> Extractor:
    """The image network of the settings."""
    from .encoders import Extractor, find_weights

    weights = find_weights(settings.weights, settings.network)
    return Extractor(weights, settings.layer, settings.image_size, settings.cells, settings.precision)


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


def template_sentences(settings: Settings) -> list[str]:
    """One sentence for each thing that training reports say, at least one in a hundred, and two; see :func:`templates.mined`."""
    table = ensure_studies(settings).table
    texts = [text for text in target_texts(table[table["split"] == "train"], settings.target) if text]
    return templates.mined(texts, max(2, len(texts) // 100))


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
    from . import models
    from .batches import Examples

    table, cache, vocabulary = ensure_studies(settings).table, ensure_features(settings), ensure_vocabulary(settings)
    table = table[table["split"] == split]
    pairs = zip(table["study_id"], target_texts(table, settings.target), strict=True)
    kept = [(study_id, text) for study_id, text in pairs if text]
    names = concept_names(settings)
    labels = [word_labels(text, names, settings.emphasis, settings.max_length) for _, text in kept]
    found = [findings.abnormal(text) for _, text in kept]
    sentences = template_sentences(settings) if "templates" in models.named(settings.model).arguments() else []
    rows, read = [cache.index[study_id] for study_id, _ in kept], reader(settings)
    return Examples(
        perturb.permuted(read, rows, settings.seed) if settings.blind else read,
        rows=rows,
        tokens=[vocabulary.encode(text, settings.max_length) for _, text in kept],
        emphasis=[weights for weights, _ in labels],
        concepts=np.array([[name in those for name in names] for those in found]) if names else None,
        said=[said for _, said in labels] if names else None,
        templates=templates.say([text for _, text in kept], sentences) if sentences else None,
    )


def reader(settings: Settings) -> Inputs:
    """What turns rows (of the studies table), or a new X-ray, into the batch dictionary of ``settings.model``: the features of
    every model, and whatever else its class attribute ``needs`` names."""
    from . import models

    needs, cache, besides = models.named(settings.model).needs, ensure_features(settings), {}
    if "other" in needs:
        other, table = other_view(settings), ensure_studies(settings).table
        first, second = (one_image_per_study(table, some.view)["path"].to_numpy() for some in (settings, other))
        besides |= {"other": ensure_features(other), "there": first != second}
    if "indication" in needs:
        words = Vocabulary(dict.fromkeys(indication_words(settings), 0))
        besides |= {"words": words, "indications": ensure_studies(settings).table["indication"]}
    return Inputs(cache, **besides)


def other_view(settings: Settings) -> Settings:
    """The settings of the images that the model does not see first."""
    return dataclasses.replace(settings, view="frontal" if settings.view == "lateral" else "lateral")


def indication_words(settings: Settings) -> list[str]:
    """The words of the training studies' indications that occur at least twice, for models that read them."""
    table = ensure_studies(settings).table
    texts = table.loc[table["split"] == "train", "indication"].map(reports.clean)
    return Vocabulary.fit(texts, min_count=2).words[len(SPECIAL) :]


# What some models take that is no setting of a model: most of it follows from the training reports.
LEARNT = {
    "concepts": concept_names,
    "concept_weight": lambda settings: settings.concepts,
    "max_length": lambda settings: settings.max_length,
    "indication_words": indication_words,
    "templates": template_sentences,
}


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
    with paths.locked(folder, _say):
        untouched = not (is_trained(settings) or fit_arguments or (folder / "checkpoint.npz").exists())
        if untouched and pretrained.take_model(folder, ensure_features(settings).manifest):
            _say(f"the pretrained model that came with the project -> {folder}")
        if not is_trained(settings):
            names = [field.name for field in dataclasses.fields(TrainingSettings) if hasattr(settings, field.name)]
            values = {name: getattr(settings, name) for name in names} | {"seed": settings.training_seed}
            if settings.reward:
                model = ensure_model(without_reward(settings))
                values |= {"epochs": settings.reward_epochs, "learning_rate": settings.reward_rate}
            else:
                model = new_model(settings)
            train, valid = examples(settings, "train"), examples(settings, "val")
            _say(f"training on {len(train)} reports, validating on {len(valid)} -> {folder}")
            if len(train) < FEW:
                _say(f"{len(train)} reports are few: expect fragments; whole sentences take about a thousand")
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
        _say(f"writing {len(rows)} reports ({decoding.method}) -> {path}")
        generate(model, reader(settings), rows, decoding, progress=True).save(path)
    return Generation.load(path)


def keep_pretrained(settings: Settings) -> None:
    """Train a model and keep it as the one that comes with the project, see :mod:`mrg_helpers.pretrained`."""
    ensure_model(settings)
    folders = (artefact_folder(settings, kind) for kind in ("features", "model"))
    pretrained.make(*folders, "python -m mrg_helpers prepare pretrained")
