"""How a trained model writes: greedy, sampling and beam search for every model, a batch at a time, in one compiled loop.

Explained in ``notebooks/05_evaluate_and_browse_attention.ipynb``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf
from tqdm import tqdm

from . import paths
from .models.base import ReportModel
from .searches import beam_search, word_by_word
from .vocabulary import END, PAD


@dataclass(frozen=True)
class Generation:
    """What a model wrote for N studies, with what it looked at.

    Attributes:
        tokens: (N, T) int32, the words; behind the last one ``<end>``, then padding.
        log_probs: (N, T) float32, of each token under the model (natural logarithm), 0 at padding.
        attention: (N, T, R) float32, the weight of each region when the token was chosen, 0 at padding.
        lengths: (N,) int32, number of words, ``<end>`` not counted.
        grid: (H, W) of one view. R = H * W; of a model that looks at two views twice that, see :meth:`of_view`.
    """

    tokens: np.ndarray
    log_probs: np.ndarray
    attention: np.ndarray
    lengths: np.ndarray
    grid: tuple[int, int]

    def __len__(self) -> int:
        return len(self.tokens)

    def words(self, study: int) -> np.ndarray:
        """The ids of one report's words, without ``<end>`` and padding: (lengths[study],)."""
        return self.tokens[study, : self.lengths[study]]

    def texts(self, vocabulary) -> list[str]:
        """The reports as text, read with :class:`mrg_helpers.vocabulary.Vocabulary`."""
        return [vocabulary.decode(self.words(study)) for study in range(len(self))]

    @property
    def views(self) -> int:
        """How many views the attention runs over."""
        return self.attention.shape[-1] // (self.grid[0] * self.grid[1])

    def of_view(self, view: int) -> Generation:
        """The same reports with the attention on one view alone: (N, T, H * W), as figures and browsers of one image take it.

        Args:
            view: 0 for the one that the model sees first (``settings.view``), 1 for the other.

        The weights stay what they are, so over the regions of one view of two they add up to the share of the attention that
        this view gets, less than 1.

        Raises:
            IndexError: if the model looks at fewer views.
        """
        if not 0 <= view < self.views:
            raise IndexError(f"the attention is over {self.views} view(s), counted from 0: there is no view {view}")
        size = self.grid[0] * self.grid[1]
        return replace(self, attention=self.attention[..., view * size : (view + 1) * size])

    def save(self, path: str | Path) -> None:
        """Write everything as one compressed ``.npz`` file."""
        with paths.replacing(Path(path).with_suffix(".npz")) as temporary:
            np.savez_compressed(temporary, **vars(self))

    @classmethod
    def load(cls, path: str | Path) -> Generation:
        """Read what :meth:`save` wrote."""
        with np.load(path) as stored:
            values = {name: stored[name] for name in stored.files}
        return cls(**values | {"grid": tuple(int(side) for side in values["grid"])})


@dataclass(frozen=True)
class Decoding:
    """How to choose words.

    Attributes:
        method: ``"greedy"``, ``"sample"`` or ``"beam"``.
        max_length: the most tokens of a report, ``<end>`` counted.
        beams: K, for ``"beam"``.
        length_penalty: exponent alpha of ((5 + length) / 6) ** alpha, by which a beam's log-probability is divided (Wu et al.,
            arXiv:1609.08144); 0 compares plain sums, which favours short reports.
        block_ngrams: n > 0 forbids that a report says the same n words twice.
        temperature, top_k, top_p: for ``"sample"``: flatten or sharpen the distribution; keep the k best words; keep the smallest
            set of words with that much probability (Holtzman et al., arXiv:1904.09751).
        seed: for ``"sample"``.
    """

    method: str = "greedy"
    max_length: int = 80
    beams: int = 3
    length_penalty: float = 0.7
    block_ngrams: int = 0
    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0

    def __post_init__(self):
        if self.method not in ("greedy", "sample", "beam"):
            raise ValueError(f'method is {self.method!r}; it can be "greedy", "sample" or "beam"')
        if self.max_length < 1 or self.beams < 1 or self.temperature <= 0 or not 0 < self.top_p <= 1:
            raise ValueError(f"max_length and beams must be at least 1, temperature above 0, top_p in (0, 1]: {self}")


def generate(
    model: ReportModel,
    read: Callable[[np.ndarray], dict],
    rows: Sequence[int],
    settings: Decoding | None = None,
    batch_size: int = 192,
    progress: bool = False,
) -> Generation:
    """Let a model write a report for each row, free-running: it reads its own words, never the true ones.

    Args:
        model: any :class:`mrg_helpers.models.base.ReportModel`.
        read: rows (B,) -> batch dictionary with ``"features"`` (B, R, D) and whatever else the model needs; it is called in
            two threads at once.
        rows: N row numbers.
        settings: how to choose words; greedy by default.
        batch_size: studies a batch (for beam search: beams a batch).

    Returns:
        A :class:`Generation` in the order of ``rows``; T is the length of the longest report.

    ``<pad>``, ``<start>`` and ``<unk>`` are never written.

    Raises:
        ValueError: if the reports may be longer than the model has places for words.
    """
    settings = settings or Decoding()
    if model.longest and settings.max_length > model.longest:
        raise ValueError(f"max_length is {settings.max_length}; this model has places for {model.longest} words")
    rows = np.asarray(rows)
    size = max(1, batch_size // settings.beams) if settings.method == "beam" else batch_size
    loop = beam_search if settings.method == "beam" else word_by_word
    unseeded = _unseeded(settings)  # the loops are compiled once for each way of choosing, not once for each seed

    def inputs(some):
        return {name: tf.convert_to_tensor(value) for name, value in read(some).items()}

    def write(start):
        written = loop(model, inputs(rows[start : start + size]), unseeded, tf.constant([settings.seed, start]))
        return [part.numpy() for part in written]

    if len(rows):  # one graph for batches of any size, the last one too
        one = inputs(rows[:1])
        shapes = {name: tf.TensorSpec([None, *value.shape[1:]], value.dtype) for name, value in one.items()}
        loop.get_concrete_function(model, shapes, unseeded, tf.TensorSpec([2], tf.int32))
    starts = range(0, len(rows), size)
    bar = functools.partial(tqdm, total=len(starts), desc="decoding", unit="batch", disable=not progress, mininterval=1)
    with ThreadPoolExecutor(2) as pool:  # a second batch fills the core that a small operation of the first leaves idle
        return _join(list(bar(pool.map(write, starts))), model)


@functools.cache
def _unseeded(settings: Decoding) -> Decoding:
    """Always the same object for equal settings: TensorFlow compiles anew for another object, even for an equal one."""
    return replace(settings, seed=0)


def _join(parts: list[list[np.ndarray]], model: ReportModel) -> Generation:
    """Batches of different T -> one Generation."""
    longest = max((part[0].shape[1] for part in parts), default=0)
    tokens, log_probs, attention = (
        np.concatenate(
            [
                np.pad(part[k], [(0, 0), (0, longest - part[k].shape[1])] + [(0, 0)] * (part[k].ndim - 2))
                for part in parts
            ]
        )
        if parts
        else np.zeros(shape, dtype)
        for k, (shape, dtype) in enumerate([((0, 0), "int32"), ((0, 0), "float32"), ((0, 0, model.regions), "float32")])
    )
    lengths = ((tokens != PAD) & (tokens != END)).sum(axis=1).astype("int32")
    return Generation(tokens, log_probs, attention, lengths, model.grid)
