"""An array that stays in its file: as large as the disk allows, while a program's memory holds only the rows it has just read.

Used by ``features``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


class StoredArray:
    """The array of a ``.npy`` file for reading: shape, length and indexing of an array, without its memory.

    The file is mapped for each reading and let go of afterwards. The pages of a mapping that stays open count as the memory of the
    process as soon as they were read once, until in the end the whole file seems to lie there.

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
        self.shape, self.dtype, self.nbytes = mapped.shape, mapped.dtype, mapped.nbytes

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen) -> np.ndarray:
        part = np.load(self.path, mmap_mode="r")[chosen]
        return (
            np.array(part) if isinstance(part, np.memmap) else part
        )  # a slice still is the file, a selection a copy of it

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return self[:].astype(dtype or self.dtype, copy=False)
