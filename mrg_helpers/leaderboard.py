"""Results of several runs side by side: a CSV with one row per model, profile, data set and seed.

A rerun replaces its own row and no other. The file is written whole or not at all, by one process at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from . import paths

KEYS = ("model", "profile", "dataset", "seed")


def record(path: str | Path, row: Mapping[str, object], keys: Sequence[str] = KEYS) -> pd.DataFrame:
    """Put the result of one run into the table, in the place of an earlier one with the same keys.

    Args:
        path: the CSV; it is made if it is not there.
        row: the keys and what was measured, such as ``{"model": ..., "seed": 0, "BLEU-4": 0.12}``. A measure that is new
            adds a column; one that is left out stays empty.
        keys: the columns that say which run it was.

    Returns:
        The whole table, as :func:`read` gives it.

    Raises:
        ValueError: if a key is missing in the row or empty, or the file is no such table. It then stays as it was.
    """
    if lacking := [key for key in keys if row.get(key) is None or str(row[key]) == ""]:
        raise ValueError(f"the row has no value for {', '.join(lacking)}: without it a rerun cannot find its own row")
    path = Path(path)
    fresh = dict(row) | {key: str(row[key]) for key in keys}
    with paths.locked(path.parent):
        table = _cells(path, keys)
        same = (table[list(keys)] == [fresh[key] for key in keys]).all(axis=1)
        rows = [fresh if own else old for own, old in zip(same, table.to_dict("records"), strict=True)]
        columns = [*table.columns, *(name for name in fresh if name not in table.columns)]
        whole = pd.DataFrame(rows if same.any() else [*rows, fresh], columns=columns)
        with paths.replacing(path) as temporary:
            whole.to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")
        return read(path, keys)


def read(path: str | Path, keys: Sequence[str] = KEYS) -> pd.DataFrame:
    """The table, in the order in which the runs came first: the keys as text, then what was measured.

    Without a file it has no rows.

    Raises:
        ValueError: if the file cannot be read or lacks a key.
    """
    table = _cells(Path(path), keys)
    for name in table.columns.drop(list(keys)):
        try:
            table[name] = pd.to_numeric(table[name])
        except ValueError:  # a column of words
            continue
    return table


def _cells(path: Path, keys: Sequence[str]) -> pd.DataFrame:
    """The table as it is written, every cell a text or missing: what is not replaced is written again to the letter."""
    if not path.exists():
        return pd.DataFrame({key: pd.Series(dtype=str) for key in keys})
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])  # "none" may well be a model
    except ValueError as error:  # so are pandas' own errors, and UnicodeDecodeError
        raise ValueError(f"{path}: this is no leaderboard ({error}); move it away, and a new one is made") from error
    if lacking := [key for key in keys if key not in table]:
        raise ValueError(
            f"{path}: the leaderboard has no column {', '.join(lacking)}; move it away, and a new one is made"
        )
    return table
