"""The interface between a model and everything that trains, decodes, scores or draws it."""

from __future__ import annotations

import inspect
from pathlib import Path

import keras
import numpy as np

from .. import paths
from ..vocabulary import SPECIAL, Vocabulary


class ReportModel(keras.Model):
    """What every model of this package is: three methods over one batch dictionary.

    The batch dictionary holds at least ``"features"`` (B, R, D) float32. A model whose class attribute ``needs`` names

    * ``"other"``, also gets ``"other"`` (B, R, D) float32, the study's image of the other view, and ``"has_other"`` (B,) float32,
      1 where there is one;
    * ``"indication"``, also gets ``"indication"`` (B, L) int32, why the X-ray was taken, as ids of a vocabulary of its own, padded
      at the end, all padding where nothing is known.

    Training adds ``"tokens"`` (B, T) int32, the words that are read: ``<start>`` first, padded at the end; and what
    :meth:`mrg_helpers.batches.Examples.batch` says.

    * ``call(inputs, training=False) -> logits (B, T, V)``: teacher forcing over the whole sequence at once. ``logits[:, t]``
      is about the word that follows ``tokens[:, t]``.
    * ``start(inputs) -> state``: what is known before the first word, a nested structure of tensors in two parts:
      ``state["memory"]`` stays the same while a report is written, ``state["cell"]`` changes with every word; each tensor has
      the batch as its first axis.
    * ``step(tokens (B,), state) -> logits (B, V), state, attention (B, R)``: one word. ``attention`` sums to 1 over the regions;
      a model with the class attribute ``attends = False`` gives zeros. A model that has only so many places for words says so
      in its attribute ``longest``.

    ``call`` and ``step`` repeated must give the same logits (a test holds this for every model). A model keeps its words, so that
    its ``.keras`` file is all that is needed to read its output.

    Args:
        words: the vocabulary's words in the order of their ids, the four special ones first.
        grid: (H, W) of the regions of one view. R = H * W, or with the class attribute ``views = 2`` twice that: the attention
            of such a model runs over the regions of the first view and then over those of the other.
        channels: D.
        note: what figures and pages made with this model have to say about its features.

    The class attribute ``recipe`` names settings with which a model learns better than with those of notebook 04, such as
    ``{"learning_rate": 1e-3}``; :func:`mrg_helpers.stages.for_model` takes them.

    A model sets ``self.settings``, the arguments of its own constructor, so that its file holds them.

    Explained in ``notebooks/04_train_the_attention_model.ipynb``.
    """

    needs: tuple[str, ...] = ()
    views = 1
    attends = True
    longest: int | None = None
    recipe: dict = {}

    def __init__(self, words: list[str], grid: tuple[int, int], channels: int, note: str = "", **kwargs):
        super().__init__(**kwargs)
        self.words = list(words)
        self.grid = tuple(grid)
        self.channels = channels
        self.note = note
        self.settings: dict = {}

    @classmethod
    def arguments(cls) -> set[str]:
        """The names of all that the constructor takes, what a model hands on to the one it builds on included."""
        ours = [family for family in cls.__mro__ if issubclass(family, ReportModel)]
        named = {name: one for family in ours for name, one in inspect.signature(family.__init__).parameters.items()}
        return {name for name, one in named.items() if name != "self" and one.kind is one.POSITIONAL_OR_KEYWORD}

    @property
    def vocabulary(self) -> Vocabulary:
        """The words of this model, to encode and decode with."""
        return Vocabulary(dict.fromkeys(self.words[len(SPECIAL) :], 0))

    @property
    def regions(self) -> int:
        """R, the length of the attention."""
        return self.grid[0] * self.grid[1] * self.views

    def start(self, inputs: dict):
        """See the class."""
        raise TypeError(f"{type(self).__name__} does not say how a report starts: give it a method `start`")

    def step(self, tokens, state):
        """See the class."""
        raise TypeError(f"{type(self).__name__} does not say how a report goes on: give it a method `step`")

    def beta(self, state):
        """How much of the context the next ``step`` from this state lets through: (B,) from 0 to 1.

        Optional: a model that weighs its context with a gate says so here, for the figures; None says that there is no gate.
        """
        return None

    def get_config(self) -> dict:
        """The constructor's arguments, as Keras stores them in the ``.keras`` file."""
        own = {"words": self.words, "grid": self.grid, "channels": self.channels, "note": self.note}
        return super().get_config() | own | self.settings

    def adapt(self, train) -> None:
        """Look once at the :class:`mrg_helpers.batches.Examples` to learn from, before the first step of the first training.

        Optional: for what no gradient has to find, such as the frequencies of the words.
        """

    def make_variables(self) -> None:
        """Call the model once on zeros, so that all its variables exist; the last line of a model's constructor."""
        features = np.zeros((1, self.grid[0] * self.grid[1], self.channels), "float32")
        nothing = np.zeros((1, 1), "int32")
        inputs = {"features": features, "tokens": nothing}
        if "other" in self.needs:
            inputs |= {"other": features, "has_other": np.zeros(1, "float32")}
        if "indication" in self.needs:
            inputs["indication"] = nothing
        self(inputs)

    def build(self, input_shape=None) -> None:
        """Nothing to do: the constructor has made all variables."""


def save_model(model: ReportModel, path: str | Path) -> None:
    """Write a model with its words and settings as one ``.keras`` file, whole or not at all."""
    with paths.replacing(Path(path).with_suffix(".keras")) as temporary:
        model.save(temporary)


def load_model(path: str | Path) -> ReportModel:
    """Read a model that :func:`save_model` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a model of this package.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such model file; run notebook 04 to train one")
    try:
        model = keras.saving.load_model(path, compile=False)
    except Exception as error:
        raise ValueError(f"{path}: not readable as a model of this package ({error}); train it again") from error
    if not isinstance(model, ReportModel):
        raise ValueError(f"{path}: holds a {type(model).__name__}, not a report model of this package")
    return model
