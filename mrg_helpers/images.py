"""One image: from its file to what the network sees, and from a cell of the grid back onto the image.

Explained in ``notebooks/01_explore_reports_and_images.ipynb`` and ``notebooks/02_cache_inceptionv3_features.ipynb``.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from . import dicom

FORMATS = ("PNG", "JPEG")
MAX_PIXELS = 64_000_000  # 8,000 x 8,000, twice the side of the largest X-ray detectors; protects the memory
MODES = ("pad", "squash")
_TOO_LARGE = f"more than {MAX_PIXELS // 10**6} million pixels; make a smaller copy of it"
_EXIF_ORIENTATION = 0x0112
_DECODING_ERRORS = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)

Box = tuple[float, float, float, float]


class ImageError(ValueError):
    """A file that cannot be used as an image; the message names it, says what is wrong and what to do."""


def is_dicom(path: str | os.PathLike) -> bool:
    """Whether an image file is a DICOM file, by its content.

    Raises:
        ImageError: for a file that is missing or empty, or is named like a DICOM file and is none.
    """
    path = Path(path)
    if not path.is_file():
        raise ImageError(f"{path}: there is no such image file; check the name and the folder")
    if path.stat().st_size == 0:
        raise ImageError(f"{path}: the file is empty; copy or download it again")
    found = dicom.is_dicom(path)
    if not found and path.suffix.lower() in dicom.SUFFIXES:
        raise ImageError(
            f"{path}: named like a DICOM file, but it lacks the mark of one; export it again, or name a PNG or JPEG by its kind"
        )
    return found


def _open(path: str | os.PathLike) -> Image.Image:
    """A PNG or JPEG file, opened but not decoded."""
    try:
        image = Image.open(path, formats=FORMATS)
    except Image.DecompressionBombError:
        raise ImageError(f"{path}: the image has {_TOO_LARGE}") from None
    except _DECODING_ERRORS:
        raise ImageError(
            f"{path}: this is no PNG, JPEG or DICOM file, or broken at its start; convert it to PNG or JPEG, or copy it again"
        ) from None
    if image.width * image.height > MAX_PIXELS:
        image.close()
        raise ImageError(f"{path}: {image.width} x {image.height} is {_TOO_LARGE}")
    return image


def _damaged(path: str | os.PathLike, error: Exception) -> ImageError:
    return ImageError(f"{path}: the image is truncated or damaged ({error}); copy or download it again")


def _dicom_size(path: str | os.PathLike) -> tuple[int, int]:
    try:
        height, width = dicom.size_of(path)
    except dicom.DicomError as error:
        raise ImageError(str(error)) from None
    if height * width > MAX_PIXELS:
        raise ImageError(f"{path}: {width} x {height} is {_TOO_LARGE}")
    return height, width


def read(path: str | os.PathLike) -> np.ndarray:
    """An image file as grey values, the way a viewer shows it.

    Colour and palettes become grey; transparency lies on black; 16-bit values are stretched from their own minimum and
    maximum to 0 and 255 (their absolute scale differs from machine to machine); the EXIF rotation is applied. DICOM files
    are shown by their own window or table, see :func:`mrg_helpers.dicom.read`.

    Args:
        path: a PNG, JPEG or DICOM file.

    Returns:
        Grey values, (height, width) uint8.

    Raises:
        ImageError: for a file that is missing, empty, truncated, too large, or no PNG, JPEG or DICOM image.
    """
    if is_dicom(path):
        _dicom_size(path)
        try:
            return dicom.read(path)
        except dicom.DicomError as error:
            raise ImageError(str(error)) from None
    with _open(path) as image:
        try:
            image.load()
            image = ImageOps.exif_transpose(image)
            if image.mode.startswith(("I", "F")):
                values = np.asarray(image).astype(np.float32)
                low, high = float(values.min()), float(values.max())
                return np.rint((values - low) * (255 / max(high - low, 1))).astype(np.uint8)
            if "A" in image.mode or "transparency" in image.info:
                image = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
            return np.array(image.convert("L"))
        except _DECODING_ERRORS as error:
            raise _damaged(path, error) from None


def size_of(path: str | os.PathLike) -> tuple[int, int]:
    """Height and width of an image as it is displayed, without decoding it.

    (A PNG file that says something behind its pixels is decoded: its rotation may stand there.)

    Raises:
        ImageError: for a file that is missing, empty, too large, or no PNG, JPEG or DICOM image, or whose rotation is damaged.
    """
    if is_dicom(path):
        return _dicom_size(path)
    with _open(path) as image:
        if image.format == "PNG" and _says_more_behind(path):
            return read(path).shape
        try:
            exif = Image.Image.getexif(image)  # `image.getexif` decodes a PNG file to see what is behind its pixels
        except _DECODING_ERRORS as error:
            raise _damaged(path, error) from None
        turned = exif.get(_EXIF_ORIENTATION, 1) >= 5
        return (image.width, image.height) if turned else (image.height, image.width)


def _says_more_behind(path: str | os.PathLike) -> bool:
    """Whether anything stands between the pixels and the end of a PNG file: the rotation, perhaps."""
    with open(path, "rb") as file:
        file.seek(8)  # the mark of a PNG file; then chunks: length, name, data, checksum
        pixels = False
        while len(head := file.read(8)) == 8:
            length, name = struct.unpack(">I4s", head)
            if pixels and name not in (b"IDAT", b"IEND"):
                return True
            pixels = pixels or name == b"IDAT"
            file.seek(length + 4, os.SEEK_CUR)
    return False


def check(path: str | os.PathLike) -> None:
    """Raise `ImageError` if the file cannot be read; thousands of files take seconds.

    The header and the mark at the end of the file tell a whole file from a truncated one without decoding it. A file
    without that mark may still be whole, so it is decoded; so is a DICOM file, which has no such mark.
    """
    if is_dicom(path):
        read(path)
        return
    with _open(path) as image:
        mark = b"IEND" if image.format == "PNG" else b"\xff\xd9"
    with Path(path).open("rb") as file:
        file.seek(-min(64, Path(path).stat().st_size), os.SEEK_END)
        whole = mark in file.read()
    if not whole:
        read(path)


@dataclass(frozen=True)
class Fit:
    """How an original image was brought into the square that the network sees, and the way back.

    Coordinates are in pixels, ``x`` to the right and ``y`` downwards, and continuous: pixel 0 reaches from 0 to 1.

    Args:
        height, width: size of the original image.
        size: side of the square.
        mode: ``"pad"`` keeps the shape and centres it on black; ``"squash"`` stretches both sides to the square.
    """

    height: int
    width: int
    size: int
    mode: str

    def __post_init__(self):
        if self.mode not in MODES:
            raise ValueError(f"resize mode {self.mode!r}: choose one of {', '.join(MODES)}")
        if min(self.height, self.width, self.size) < 1:
            raise ValueError(
                f"an image of {self.height} x {self.width} cannot be fitted into {self.size} x {self.size}"
            )

    @property
    def inner(self) -> tuple[int, int]:
        """Height and width that the image takes up within the square."""
        if self.mode == "squash":
            return self.size, self.size
        longest = max(self.height, self.width)
        return max(1, round(self.height * self.size / longest)), max(1, round(self.width * self.size / longest))

    @property
    def visible_box(self) -> tuple[int, int, int, int]:
        """Where the image lies within the square: left, top, right, bottom in pixels of the square."""
        height, width = self.inner
        left, top = (self.size - width) // 2, (self.size - height) // 2
        return left, top, left + width, top + height

    @property
    def extent(self) -> Box:
        """The whole square in pixels of the original: left, top, right, bottom; beyond the image where it was padded.

        A heat-map of the square drawn with ``imshow(extent=(left, right, bottom, top))`` lies right on the original.
        """
        return *self.to_image(0, 0), *self.to_image(self.size, self.size)

    def to_network(self, x: float, y: float) -> tuple[float, float]:
        """A point of the original image in pixels of the square. Arrays work as well."""
        left, top, right, bottom = self.visible_box
        return left + x * (right - left) / self.width, top + y * (bottom - top) / self.height

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """A point of the square in pixels of the original image; in the padding it lies outside of the image."""
        left, top, right, bottom = self.visible_box
        return (x - left) * self.width / (right - left), (y - top) * self.height / (bottom - top)

    def box(self, row: int, col: int, grid: tuple[int, int]) -> Box:
        """The rectangle of the original image that a cell of the grid looks at.

        Args:
            row, col: the cell, counted from the top left.
            grid: rows and columns of the grid (H, W) that the network lays over the square.

        Returns:
            left, top, right, bottom in pixels of the original, cut at its edges: a cell that lies in the padding
            altogether has no width or no height.
        """
        rows, cols = grid
        left, top = self.to_image(col * self.size / cols, row * self.size / rows)
        right, bottom = self.to_image((col + 1) * self.size / cols, (row + 1) * self.size / rows)
        left, right = (min(max(x, 0.0), float(self.width)) for x in (left, right))
        top, bottom = (min(max(y, 0.0), float(self.height)) for y in (top, bottom))
        return left, top, right, bottom


def fit(image: np.ndarray, size: int, mode: str = "pad") -> tuple[np.ndarray, Fit]:
    """Bring an image into the square that the network sees, with antialiasing.

    Args:
        image: grey values, (height, width) uint8, as from `read`.
        size: side of the square in pixels.
        mode: ``"pad"`` or ``"squash"``, see `Fit`.

    Returns:
        The square, (size, size) uint8, and the `Fit` that leads back.

    Raises:
        ValueError: for an array that is not (height, width) uint8, or for another mode.
    """
    if image.ndim != 2 or image.dtype != np.uint8:
        raise ValueError(
            f"expected grey values (height, width) uint8, got {image.dtype} {image.shape}; use images.read"
        )
    how = Fit(*image.shape, size, mode)
    left, top, right, bottom = how.visible_box
    # Pillow widens the bilinear kernel by the scale, so every original pixel counts when an image shrinks.
    small = Image.fromarray(image).resize((right - left, bottom - top), Image.Resampling.BILINEAR)
    square = np.zeros((size, size), np.uint8)
    square[top:bottom, left:right] = np.asarray(small)
    return square, how
