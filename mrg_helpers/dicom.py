"""An X-ray from a DICOM file, as grey values; and from its header nothing but what is asked for by name.

pydicom does the reading. It is imported when the first DICOM file is met, so PNG and JPEG need no pydicom at all.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID

SUFFIXES = {".dcm", ".dicom"}
GREY = ("MONOCHROME1", "MONOCHROME2")  # the first value is white, or black
PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
# What reads the compressed kinds that pydicom, NumPy and Pillow do not read alone; by the beginning of the kind's name.
DECODERS = {
    "JPEG-LS": "pylibjpeg pylibjpeg-libjpeg",
    "JPEG 2000": "pylibjpeg pylibjpeg-openjpeg",
    "High-Throughput JPEG 2000": "pylibjpeg pylibjpeg-openjpeg",
    "JPEG": "pylibjpeg pylibjpeg-libjpeg",
}


class DicomError(ValueError):
    """A DICOM file that cannot be used; the message names it, says what is wrong and what to do."""


def is_dicom(path: str | os.PathLike) -> bool:
    """Whether a file carries DICOM's mark: "DICM" behind 128 bytes of anything. Its name does not matter."""
    with open(path, "rb") as file:
        return file.read(132)[128:] == b"DICM"


def read(path: str | os.PathLike) -> np.ndarray:
    """An X-ray as grey values, the way a DICOM viewer shows it at first.

    In this order: decompression; the modality's table or line (rescale); the first VOI table, else the first window, else the
    range of the values that are there; black and white exchanged for MONOCHROME1; padding black.

    Args:
        path: a DICOM file with one frame of grey values, of 8 to 16 bits or floating-point, plain or compressed.

    Returns:
        Grey values, (height, width) uint8.

    Raises:
        DicomError: for a file that is no image, has several frames or colours, is damaged, or is compressed in a way for which
            no decoder is installed.
    """
    from pydicom.pixels import apply_modality_lut

    data = _open(path)
    _need_decoder(path, data)
    try:
        stored = data.pixel_array
        padding = _padding(data, stored)
        shown = _windowed(data, apply_modality_lut(stored, data), padding)
    except DicomError as error:
        raise DicomError(f"{path}: {error}") from None
    except Exception as error:  # pydicom and the decoders raise nearly everything
        reason = " ".join(str(error).split())  # a decoder's reason may have several lines
        raise DicomError(
            f"{path}: the pixels of this DICOM file cannot be read ({reason}); {_do_instead(data)}"
        ) from None
    if data.PhotometricInterpretation == "MONOCHROME1":
        shown = 1 - shown
    shown[padding] = 0
    return np.rint(shown * 255).astype(np.uint8)


def size_of(path: str | os.PathLike) -> tuple[int, int]:
    """Height and width, from the header alone.

    Raises:
        DicomError: for a file that is no image, has several frames or colours, or is damaged.
    """
    data = _open(path, pixels=False)
    return int(data.Rows), int(data.Columns)


def header(path: str | os.PathLike, names: Sequence[str]) -> dict[str, str]:
    """The attributes of a DICOM header that are asked for, and no others.

    Args:
        path: a DICOM file.
        names: keywords of DICOM's dictionary, such as ``"PatientID"`` or ``"StudyDate"``.

    Returns:
        name -> text; the empty string where the file does not have the attribute.

    Raises:
        DicomError: for a name that DICOM does not know, an attribute that is no text, or a damaged file.
    """
    for name in names:
        check_name(name)
    data = _open(path, pixels=False)
    return {name: _text(data, name) for name in names}


def check_name(name: str) -> None:
    """Raise `DicomError` if a name is no keyword of DICOM's dictionary, or does not stand for a text or a number."""
    from pydicom.datadict import dictionary_VR, keyword_dict

    if name not in keyword_dict:
        close = difflib.get_close_matches(name, keyword_dict, 3)
        hint = f"did you mean {' or '.join(close)}?" if close else "give a keyword such as PatientID or StudyDate"
        raise DicomError(f"{name!r} is no attribute of a DICOM header; {hint}")
    if dictionary_VR(keyword_dict[name]) in ("SQ", "OB", "OW", "OB or OW", "OF", "OD", "OL", "OV", "UN"):
        raise DicomError(f"{name!r} is not a text that could be shown; leave it out")


def text_may_be_burnt_in(path: str | os.PathLike) -> bool:
    """Whether the file says that text is part of its picture, which may name the patient."""
    return _text(_open(path, pixels=False), "BurnedInAnnotation").upper() == "YES"


def _text(data: Dataset, name: str) -> str:
    value = data.get(name)
    if value is None:
        return ""
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) or data[name].VM > 1 else str(value)


def _open(path: str | os.PathLike, pixels: bool = True) -> Dataset:
    """The data set of a file, which is sure to be one grey image."""
    import pydicom

    path = Path(path)
    try:
        data = pydicom.dcmread(path, defer_size=None if pixels else "1 KB")
        frames = int(data.get("NumberOfFrames") or 1)
        colours = data.get("PhotometricInterpretation", "")
        whole = all(data.get(name) for name in ("Rows", "Columns"))
        empty = not any(name in data and _length(data, name) for name in PIXELS)
    except Exception as error:
        raise DicomError(f"{path}: this DICOM file is damaged ({error}); copy or download it again") from None
    if empty:
        kind = getattr(data.get("SOPClassUID"), "name", "an object without pixels")
        raise DicomError(
            f"{path}: this DICOM file holds no image ({kind}); give the file of the X-ray itself, or copy it again"
        )
    if frames > 1:
        raise DicomError(
            f"{path}: this DICOM file holds {frames} frames, a film or a scan in layers; export the one X-ray as a file"
        )
    if not whole or not colours:
        raise DicomError(
            f"{path}: this DICOM file does not say how its pixels are meant (Rows, Columns, PhotometricInterpretation); "
            "export it again"
        )
    if colours not in GREY:
        raise DicomError(
            f"{path}: this DICOM file holds colours ({colours}), so it is a photograph or a picture of a screen, not the X-ray "
            "itself; export the X-ray, or convert the picture to PNG"
        )
    return data


def _length(data: Dataset, name: str) -> int:
    element = data.get_item(name)
    return element.length if hasattr(element, "length") else len(element.value or b"")


def _need_decoder(path: str | os.PathLike, data: Dataset) -> None:
    """One clear message, with the command that helps, where a compressed file cannot be decoded here."""
    from pydicom.pixels import get_decoder

    kind = _kind(data)
    if not kind.is_compressed:
        return
    try:
        if get_decoder(kind).is_available:
            return
    except NotImplementedError:  # pydicom knows no decoder for this kind, installed or not
        pass
    raise DicomError(f"{path}: no decoder for {kind.name} is installed; {_do_instead(data)}")


def _kind(data: Dataset) -> UID:
    """How the file is encoded."""
    from pydicom.uid import UID

    return UID(data.file_meta.get("TransferSyntaxUID", ""))


def _do_instead(data: Dataset) -> str:
    """What helps where pixels cannot be read. Pillow reads some files of a compressed kind and not others: JPEG of 12 bits."""
    kind = _kind(data)
    if not kind.is_compressed:
        return "export it again"
    package = next((package for start, package in DECODERS.items() if kind.name.startswith(start)), None)
    install = f"`python -m pip install {package}`, or " if package else ""
    return f"{install}export it without compression"


def _windowed(data: Dataset, values: np.ndarray, padding: np.ndarray) -> np.ndarray:
    """What is shown of the values: (height, width) float, 0 for the darkest and 1 for the brightest (before any inversion).

    DICOM PS3.3, C.11.2: a table, or a window of centre and width with one of three functions.
    """
    from pydicom.pixels import apply_voi

    if data.get("VOILUTSequence"):
        low, high = _table_range(data.VOILUTSequence[0])
        entries = apply_voi(np.rint(values).astype(np.int64), data).astype(np.float64)
        return np.clip((entries - low) / max(high - low, 1), 0, 1)
    values = values.astype(np.float64)
    centre, width = (_first(data, f"Window{part}") for part in ("Center", "Width"))
    if centre is None or width is None:
        inside = values[~padding]
        low, high = (inside.min(), inside.max()) if inside.size else (0.0, 0.0)
        return np.clip((values - low) / ((high - low) or 1), 0, 1)
    function = (data.get("VOILUTFunction") or "LINEAR").upper()
    if width <= 0 or function == "LINEAR" and width < 1:
        raise DicomError(f"its window has a width of {width:g}; set a window in a viewer and export it again")
    if function == "SIGMOID":
        return 1 / (1 + np.exp(-4 * (values - centre) / width))
    if function == "LINEAR_EXACT":
        return np.clip((values - centre) / width + 0.5, 0, 1)
    if function != "LINEAR":
        raise DicomError(
            f"its window has the unknown function {function}; set a window in a viewer and export it again"
        )
    return np.clip((values - (centre - 0.5)) / max(width - 1, 1e-9) + 0.5, 0, 1)


def _table_range(table: Dataset) -> tuple[float, float]:
    """The least and the largest entry of a VOI table."""
    entries = table.LUTData
    if isinstance(entries, bytes):
        entries = np.frombuffer(entries, "<u2" if table.LUTDescriptor[2] > 8 else "u1")
    return float(np.min(entries)), float(np.max(entries))


def _first(data: Dataset, name: str) -> float | None:
    """The first of the values of an attribute; None where it has none."""
    value = data.get(name)
    if isinstance(value, (list, tuple)) or hasattr(value, "__iter__") and not isinstance(value, str):
        value = next(iter(value), None)
    return None if value in (None, "") else float(value)


def _padding(data: Dataset, stored: np.ndarray) -> np.ndarray:
    """(height, width) bool: the pixels that only fill the rectangle, by the stored values that the file sets aside for them."""
    one = data.get("PixelPaddingValue")
    if one is None:
        return np.zeros(stored.shape, bool)
    other = data.get("PixelPaddingRangeLimit", one)
    return (stored >= min(one, other)) & (stored <= max(one, other))
