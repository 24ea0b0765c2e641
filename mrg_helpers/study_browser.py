"""Page through studies: filter, search, read every section, zoom into the images."""

from __future__ import annotations

import base64
import io
import itertools
from collections import Counter
from html import escape

import ipywidgets as ui
import numpy as np
import pandas as pd
from PIL import Image

from . import images
from .heatmaps import shrink
from .reports import SECTIONS
from .widget_parts import INK, LINE, RAISED, SOFT, Widget, framed, heading, highlighted, row, soft

SMALL, LARGE = 640, 1800  # pixels of the longer side, as it is sent for reading and for zooming
HEIGHT, TEXT_HEIGHT = 400, 250
ALL = ("all", "")  # a filter that is off; with None for its value ipywidgets shows an empty menu in every other session
_numbers = itertools.count(1)


class StudyBrowser(Widget):
    """Look through a table of studies, however long: an image is read when it is shown, and only then.

    Args:
        table: the studies table: ``study_id``, ``patient_id``, ``images``, ``views``, the four sections, ``tags``, ``split``.

    Filter by tag, split and view, and search for words in the texts, the tags and the ids: every word has to occur. An image that
    cannot be read shows its error in its place. The images zoom in about a point, which two sliders move.

    The static twin is ``plots.show_studies``.

    Raises:
        ValueError: if the table has no study, lacks a column, or holds a section that is no text.
    """

    def __init__(self, table: pd.DataFrame):
        columns = ("study_id", "patient_id", "images", "views", *SECTIONS, "tags", "split")
        missing = [name for name in columns if name not in table]
        if missing:
            raise ValueError(f"the studies table has no column {', '.join(missing)}; see data/README.md")
        if not len(table):
            raise ValueError("no studies to browse: the table is empty")
        self.studies = table[list(columns)].to_dict("records")
        for study in self.studies:
            if not all(isinstance(study[name], str) for name in SECTIONS):
                raise ValueError(f"study {study['study_id']}: a section is no text; a missing one is the empty string")
        self._haystacks = [_searchable(study) for study in self.studies]
        self._tags = [{_head(tag) for tag in study["tags"]} for study in self.studies]
        self.matches: list[int] = []
        self._shown: tuple = ()
        self._name = f"mrg-study-{next(_numbers)}"  # of this browser's images on the page

        counts = Counter(tag for tags in self._tags for tag in tags)
        tags = [(f"{tag} ({n:,})", tag) for tag, n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
        splits = [name for name in dict.fromkeys(study["split"] for study in self.studies) if name]
        views = sorted({view for study in self.studies for view in study["views"]})
        style, layout = {"description_width": "58px"}, {"width": "290px", "margin": "2px 6px 2px 0"}
        self.search = ui.Text(
            description="search", placeholder="words, such as: effusion left", style=style, layout=ui.Layout(**layout)
        )
        self.tag = ui.Dropdown(options=[ALL, *tags], description="tag", style=style, layout=ui.Layout(**layout))
        narrow = {**layout, "width": "190px"}
        self.split = ui.Dropdown(
            options=[ALL, *((name, name) for name in splits)], description="split", style=style,
            layout=ui.Layout(**narrow),
        )  # fmt: skip
        self.view = ui.Dropdown(
            options=[ALL, *((name, name) for name in views)], description="view", style=style,
            layout=ui.Layout(**narrow),
        )  # fmt: skip
        button = {"layout": ui.Layout(width="110px")}
        self.previous = ui.Button(description="◀ previous", tooltip="the study before", **button)
        self.following = ui.Button(description="next ▶", tooltip="the next study", **button)
        self.place = ui.BoundedIntText(
            1, min=1, max=1, description="study", style=style, layout=ui.Layout(width="150px")
        )
        slider = {"style": style, "layout": ui.Layout(**{**layout, "width": "228px"})}
        self.zoom = ui.FloatSlider(1, min=1, max=5, step=0.25, description="zoom", readout_format=".2f", **slider)
        self.across = ui.IntSlider(50, 0, 100, 5, description="across", disabled=True, **slider)
        self.down = ui.IntSlider(50, 0, 100, 5, description="down", disabled=True, **slider)
        self.count = ui.HTML(layout=ui.Layout(min_width="180px"))
        self.pictures, self.text, self._lens = ui.HTML(), ui.HTML(), ui.HTML()
        filters = row(self.search, self.tag, self.split, self.view)
        pager = row(self.previous, self.place, self.following, self.count)
        lens = row(self.zoom, self.across, self.down)
        self.widget = ui.VBox(
            [filters, pager, self.pictures, lens, self.text, self._lens], layout=ui.Layout(max_width="1000px")
        )

        for control in (self.search, self.tag, self.split, self.view):
            control.observe(self._filter, "value")
        self.place.observe(self._draw, "value")
        for control in (self.zoom, self.across, self.down):
            control.observe(self._look, "value")
        self.previous.on_click(lambda _: self._turn(-1))
        self.following.on_click(lambda _: self._turn(1))
        self._filter()

    @property
    def study(self) -> dict | None:
        """The study that is shown; None where none matches."""
        return self.studies[self.matches[self.place.value - 1]] if self.matches else None

    def _words(self) -> list[str]:
        return self.search.value.lower().split()

    def _filter(self, _change=None) -> None:
        words, tag, split, view = self._words(), self.tag.value, self.split.value, self.view.value
        self.matches = [
            number
            for number, study in enumerate(self.studies)
            if (not tag or tag in self._tags[number])
            and (not split or study["split"] == split)
            and (not view or view in study["views"])
            and all(word in self._haystacks[number] for word in words)
        ]
        with self.place.hold_trait_notifications():
            self.place.max = max(len(self.matches), 1)
            self.place.value = 1
        for control in (self.place, self.previous, self.following):
            control.disabled = not self.matches
        self._draw()

    def _turn(self, by: int) -> None:
        if self.matches:
            self.place.value = (self.place.value - 1 + by) % len(self.matches) + 1

    def _draw(self, _change=None) -> None:
        found, every = len(self.matches), len(self.studies)
        self.count.value = f'<b aria-live="polite">{found:,}</b> of {every:,} studies match'
        study = self.study
        if study is None:
            said = "No study matches. Take a word out of the search, or set tag, split and view to “all”."
            self.text.value = framed(f'<div role="status">{said}</div>', TEXT_HEIGHT)
        else:
            self.text.value = framed(study_html(study, self._words()), TEXT_HEIGHT, "the report")
        self._look()

    def _look(self, _change=None) -> None:
        """Zoom in about the chosen point. An image is sent once for reading and once for zooming, not for every move."""
        zoom = self.zoom.value
        self.across.disabled = self.down.disabled = zoom == 1
        move = f"transform: scale({zoom:g}); transform-origin: {self.across.value}% {self.down.value}%"
        self._lens.value = f"<style>.{self._name} img {{ {move} }}</style>"
        study, size = self.study, SMALL if zoom == 1 else LARGE
        shown = (study and self.matches[self.place.value - 1], self.view.value, size)
        if shown != self._shown:
            self._shown = shown
            self.pictures.value = self._frames(study, size) if study else framed(soft("no image"), HEIGHT)

    def _frames(self, study: dict, size: int) -> str:
        pairs = zip(study["images"], study["views"], strict=True)
        chosen = [(path, view) for path, view in pairs if self.view.value in ("", view)]
        frames = "".join(frame_html(path, view, size, study["study_id"]) for path, view in chosen)
        return f'<div class="{self._name}" style="display: flex; gap: 6px; overflow-x: auto">{frames}</div>'


def frame_html(path: str, view: str, size: int, study_id: str) -> str:
    """One image in a frame of fixed height, with its view and size below; where it cannot be read, its error."""
    label = escape(f"{view} image of {study_id}")
    box = f"flex: 1 0 200px; height: {HEIGHT}px; box-sizing: border-box; border: 1px solid {LINE}; border-radius: 6px"
    try:
        image = images.read(path)
    except images.ImageError as error:
        said = f"<b>This image cannot be read.</b><br>{escape(str(error))}"
        style = f"{box}; padding: 10px; overflow: auto; overflow-wrap: anywhere; color: {INK}"
        return f'<div role="alert" style="{style}">{said}</div>'
    source = base64.b64encode(png(image, size)).decode()
    caption = f"{escape(view)}, {image.shape[1]} × {image.shape[0]} pixels"
    return (
        f'<figure style="flex: 1 0 200px; margin: 0">'
        f'<div style="{box}; overflow: hidden; background: black; height: {HEIGHT - 24}px">'
        f'<img alt="{label}" style="object-fit: contain; width: 100%; height: 100%; max-width: none; display: block" '
        f'src="data:image/png;base64,{source}"></div>'
        f'<figcaption style="color: {SOFT}; font-size: 0.92em; line-height: 24px">{caption}</figcaption></figure>'
    )


def png(image: np.ndarray, size: int) -> bytes:
    """An image as PNG, its longer side at most ``size`` pixels."""
    buffer = io.BytesIO()
    Image.fromarray(shrink(image, size)[0]).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def study_html(study: dict, words: list[str]) -> str:
    """All sections, tags and names of a study; the words that were searched are marked."""
    names = [study["study_id"], f"patient {study['patient_id']}", f"split: {study['split'] or 'none'}"]
    chip = f"background: {RAISED}; border-radius: 10px; padding: 1px 9px; margin: 0 4px 4px 0; display: inline-block"
    tags = "".join(f'<span style="{chip}">{highlighted(tag, words)}</span>' for tag in study["tags"])
    parts = [f"<b>{highlighted(names[0], words)}</b> · {' · '.join(highlighted(name, words) for name in names[1:])}"]
    for section in SECTIONS:
        said = highlighted(study[section], words) or f'<span style="color: {SOFT}">(missing)</span>'
        parts.append(f"{heading(section.capitalize())}<div>{said}</div>")
    parts.append(f"{heading('Tags')}<div>{tags or '(none)'}</div>")
    top, *rest = parts
    columns = "".join(f'<div style="break-inside: avoid">{part}</div>' for part in rest)
    return f'{top}<div style="columns: 2 320px; column-gap: 24px">{columns}</div>'


def _head(tag: str) -> str:
    """What a tag such as ``Opacity/lung/left`` is about."""
    return tag.split("/")[0].strip()


def _searchable(study: dict) -> str:
    texts = [study["study_id"], str(study["patient_id"]), *(study[name] for name in SECTIONS), *study["tags"]]
    return "\n".join(texts).lower()
