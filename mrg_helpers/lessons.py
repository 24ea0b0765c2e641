"""What there is to learn from in a collection, and what a model reads: examples with their labels, the batch dictionary, and what
follows from the training reports. The middle of ``stages``."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from . import findings, perturb, reports, templates
from .artefacts import ensure_features, ensure_studies, ensure_vocabulary, one_image_per_study, target_texts
from .inputs import Inputs
from .settings import Settings
from .vocabulary import SPECIAL, Vocabulary

if TYPE_CHECKING:  # it loads TensorFlow
    from .batches import Examples


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
