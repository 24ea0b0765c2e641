"""The words a model can say: text to token ids and back.

Explained in ``notebooks/03_tokenize_reports.ipynb``.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

import pandas as pd

from . import paths
from .reports import detokenize, tokenize

PAD, UNK, START, END = 0, 1, 2, 3
SPECIAL = ("<pad>", "<unk>", "<start>", "<end>")


class Vocabulary:
    """A fixed list of words with their ids; a word outside it is `UNK`.

    Ids 0 to 3 are ``<pad>``, ``<unk>``, ``<start>``, ``<end>``; the words follow, the most frequent first and equally
    frequent ones in the order of the alphabet, so that the same texts always give the same ids.

    Args:
        counts: the words with their number of occurrences, in the order of their ids.

    Example:
        >>> vocabulary = Vocabulary.fit(["Lungs are clear.", "Lungs are low."])
        >>> vocabulary.encode("Lungs clear.")
        [2, 6, 7, 4, 3]
        >>> vocabulary.decode([2, 6, 7, 4, 3])
        'Lungs clear.'
    """

    def __init__(self, counts: dict[str, int]):
        self.counts = dict(counts)
        self.words = [*SPECIAL, *self.counts]
        self.ids = {word: i for i, word in enumerate(self.words)}

    @classmethod
    def fit(cls, texts: Iterable[str], max_words: int | None = None, min_count: int = 1) -> Vocabulary:
        """The words of some texts, which must be those of the training split alone.

        Args:
            texts: reports, cleaned or not.
            max_words: keep the most frequent ones only, at most so many (the four special ones not counted).
            min_count: keep words that occur at least so often.
        """
        counts = Counter(token for text in texts for token in tokenize(text) if token not in SPECIAL)
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls({word: n for word, n in ranked[:max_words] if n >= min_count})

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: str) -> bool:
        return word in self.ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and list(self.counts.items()) == list(other.counts.items())

    def __repr__(self) -> str:
        return f"Vocabulary({len(self) - len(SPECIAL)} words and {len(SPECIAL)} reserved ids, {self.fingerprint})"

    __hash__ = None  # two vocabularies compare by their words, so they do not serve as keys

    def encode(self, text: str, max_length: int | None = None) -> list[int]:
        """Text to ids, from `START` to `END`.

        Args:
            text: a report, cleaned or not.
            max_length: the most ids to return, both ends counted; a longer text loses its last words, never its `END`.
        """
        ids = [self.ids.get(token, UNK) for token in tokenize(text)]
        return [START, *ids[: None if max_length is None else max(max_length - 2, 0)], END]

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """Ids to words, one for one, the special ones included: what a figure writes under its columns."""
        return [self.words[int(i)] for i in ids]

    def decode(self, ids: Iterable[int]) -> str:
        """Ids to text that reads like a report, up to the first `END`; `PAD` and `START` say nothing.

        A known text comes back as it was, but for its case: ``decode(encode(text))`` has the tokens of ``text``.
        """
        said = []
        for i in map(int, ids):
            if i == END:
                break
            if i not in (PAD, START):
                said.append(self.words[i])
        return detokenize(said)

    def coverage(self, texts: Iterable[str], ks: Sequence[int]) -> pd.DataFrame:
        """How much of some texts the ``k`` most frequent words can say: the curve by which to choose ``max_words``.

        Args:
            texts: reports, usually those of another split than the vocabulary was fitted on.
            ks: numbers of words, the special ones not counted.

        Returns:
            One row per k: ``k``, ``coverage`` (the share of the tokens that are known), ``unk_rate`` (its complement)
            and ``complete_reports`` (the share of the reports in which every token is known).
        """
        unknown = len(self.words) - len(SPECIAL)  # a rank that no k reaches
        ranks = [[self.ids.get(t, unknown + len(SPECIAL)) - len(SPECIAL) for t in tokenize(text)] for text in texts]
        n_tokens = max(sum(map(len, ranks)), 1)
        at_rank = Counter(rank for report in ranks for rank in report)
        known = [0, *accumulate(at_rank[rank] for rank in range(unknown))]
        rarest = [max(report, default=-1) for report in ranks]
        rows = [
            {
                "k": int(k),
                "coverage": known[min(k, unknown)] / n_tokens,
                "unk_rate": 1 - known[min(k, unknown)] / n_tokens,
                "complete_reports": sum(rank < min(k, unknown) for rank in rarest) / max(len(ranks), 1),
            }
            for k in ks
        ]
        return pd.DataFrame(rows, columns=["k", "coverage", "unk_rate", "complete_reports"])

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any word or id; models and caches record them."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()[:16]

    def save(self, path: str | os.PathLike) -> Path:
        """Write the vocabulary as JSON, all or nothing: a file of this name is never half written."""
        path = Path(path)
        content = {"format": "mrg_helpers vocabulary 1", "fingerprint": self.fingerprint, "counts": self.counts}
        paths.write_text(path, json.dumps(content, ensure_ascii=False, indent=0) + "\n")
        return path

    @classmethod
    def load(cls, path: str | os.PathLike) -> Vocabulary:
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is not a vocabulary, or was cut or changed.
        """
        path = Path(path)
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            vocabulary = cls({str(word): int(n) for word, n in content["counts"].items()})
            whole = content["fingerprint"] == vocabulary.fingerprint
        except FileNotFoundError:
            raise FileNotFoundError(f"{path}: there is no vocabulary here; fit one and save it first") from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path} is not a vocabulary ({error}); delete it and fit it again") from None
        if not whole:
            raise ValueError(
                f"{path} does not match its fingerprint; it was cut or changed: delete it and fit it again"
            )
        return vocabulary
