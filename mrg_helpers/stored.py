"""An array that stays in its file: as large as the disk allows, while a program's memory holds only the rows it has just read.

Used by ``features``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


class StoredArray:
    """The array of a ``.npy`` file for reading: shape, length and indexing of an array, without its memory.

    Rows are read from the file when they are asked for. A memory map (``numpy.load(..., mmap_mode="r")``) does the same in pieces
    of four kilobytes, and what it has read counts as the memory of the process, until in the end the whole file seems to lie there.

    Args:
        path: of the ``.npy`` file.

    Attributes:
        shape, dtype, nbytes: as of an array.

    Example:
        >>> raw = StoredArray(cache.folder / "features.npy")
        >>> raw[[3, 5]].shape   # an ordinary array, (2, R, D)
        (2, 64, 768)
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        mapped = np.load(self.path, mmap_mode="r")
        self.shape, self.dtype, self.nbytes, self._offset = mapped.shape, mapped.dtype, mapped.nbytes, mapped.offset

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen) -> np.ndarray:
        first, *rest = chosen if isinstance(chosen, tuple) else (chosen,)
        rows = np.arange(len(self))[first]
        found = np.empty((rows.size, *self.shape[1:]), self.dtype)
        with open(self.path, "rb") as file:
            for place, row in zip(found, rows.ravel().tolist(), strict=True):
                file.seek(self._offset + row * place.nbytes)
                file.readinto(place.data.cast("B"))
        found = found.reshape(rows.shape + self.shape[1:])
        return found[(slice(None),) * rows.ndim + tuple(rest)] if rest else found

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)
