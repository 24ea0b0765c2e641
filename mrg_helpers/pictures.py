"""The attention browser's pictures as plain arrays: heat-map, true boxes, caption.

No Matplotlib figure and no widget is needed for them, so a browser answers quickly and can be tested without a kernel.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .browsing import Report, Shown
from .heatmaps import Box, overlay, spread

BOX = (86, 180, 233)  # sky blue of Okabe and Ito


def attention_picture(
    shown: Shown,
    report: Report,
    word: int,
    opacity: float = 0.7,
    cmap: str = "plasma",
    smooth: bool = False,
    whole_sentence: bool = False,
    boxes: bool = False,
    view: int = 0,
) -> np.ndarray:
    """An X-ray of the study with the attention at one word: (H, W, 3) uint8.

    Args:
        report: one of ``shown.reports``. word: from 0 to T - 1; of an empty report the X-ray comes without a heat-map.
        opacity: of the strongest attention in the study, from 0 to 1. cmap: a name of Matplotlib's.
        smooth: interpolate between the cells. whole_sentence: the mean over the sentence of the word.
        boxes: draw where the patient truly has a finding.
        view: 0, the one that the model saw, or 1, the other: without a heat-map where it did not look at that, and with larger
            names, for it will be shown smaller.
    """
    seen = (shown.view, shown.other)[view]
    image = seen.image
    if word < len(report.words) and view < len(report.rectangles):
        heat = spread(report.weights(word, whole_sentence, view), report.rectangles[view], image.shape, smooth)
        image = overlay(image, heat, shown.top, cmap, opacity)
    return outlined(image, seen.boxes if boxes else (), letters=1 + view)


def outlined(image: np.ndarray, boxes: Sequence[tuple[str, Box]], letters: float = 1) -> np.ndarray:
    """An image, (H, W) or (H, W, 3) uint8, with named boxes, light on dark so that they show on any ground.

    ``letters`` enlarges the names on a picture that will be shown small.
    """
    picture = Image.fromarray(image).convert("RGB")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(letters * max(11, max(picture.size) // 36))
    for name, box in boxes:
        left, top, right, bottom = (round(side) for side in box)
        draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline="black", width=4)
        draw.rectangle((left, top, right, bottom), outline=BOX, width=2)
        x0, y0, x1, y1 = draw.textbbox((0, 0), name, font)
        x = max(0, min(left, picture.width - (x1 - x0) - 8))
        y = max(0, top - (y1 - y0) - 7)
        draw.rectangle((x, y, x + x1 - x0 + 8, y + y1 - y0 + 6), fill="black")
        draw.text((x + 4 - x0, y + 3 - y0), name, (143, 208, 245), font)
    return np.asarray(picture)


def captioned(image: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """An RGB image with lines of text under it: what a saved picture has to say wherever it goes."""
    size = max(11, image.shape[1] // 36)
    font = ImageFont.load_default(size)
    rows: list[str] = []
    for line in lines:
        rows.append("")
        for word in line.split():
            longer = f"{rows[-1]} {word}".strip()
            if rows[-1] and font.getlength(longer) > image.shape[1] - 12:
                longer = word
                rows.append("")
            rows[-1] = longer
    strip = Image.new("RGB", (image.shape[1], round(1.5 * size * len(rows)) + 8), "white")
    draw = ImageDraw.Draw(strip)
    for k, row in enumerate(rows):
        draw.text((6, 4 + round(1.5 * size * k)), row, "black", font)
    return np.concatenate([image, np.asarray(strip)])


def png(image: np.ndarray) -> bytes:
    """An image as PNG, to keep."""
    return _packed(image, "PNG")


def data_uri(image: np.ndarray) -> str:
    """An image to look at, inside a page: JPEG of high quality, many times faster and smaller than PNG."""
    packed = (
        _packed(image, "JPEG", quality=92, subsampling=0) if image.ndim == 3 else _packed(image, "JPEG", quality=92)
    )
    return f"data:image/jpeg;base64,{base64.b64encode(packed).decode()}"


def _packed(image: np.ndarray, kind: str, **how) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, **how)
    return buffer.getvalue()
