"""What a reader sees: the pixels of a part of the page, where its parts lie, and whether that changed as it should."""

from __future__ import annotations

import io
import re
from contextlib import contextmanager

import numpy as np
from PIL import Image

SOON = 60_000  # milliseconds in which a change has to be there, on a machine that is busy with other things
# Where the controls (and the pictures) of a part of the page lie, from its corner: [left, top, width, height]; its own size first.
_FRAME = """(root, pictures) => {
  const parts = "select, input, .widget-hslider, .widget-dropdown, .widget-checkbox, "
    + "button:not(.mrg-word, .widget-toggle-button)" + (pictures ? ", canvas, img, svg, figcaption, .mrg-words, .mrg-line" : "");
  const own = root.getBoundingClientRect(), boxes = [...root.querySelectorAll(parts)].map((one) => one.getBoundingClientRect());
  const place = (box) => [box.left - own.left, box.top - own.top, box.width, box.height];
  return [[0, 0, own.width, own.height], ...boxes.filter((box) => box.width && box.height).map(place)];
}"""
_BOX = """(one) => {
  one.scrollIntoViewIfNeeded();
  const { x, y, width, height } = one.getBoundingClientRect();
  return { x, y, width, height };
}"""
# The texts whose contrast with their ground is below 4.5 (WCAG AA), each with that contrast; what is disabled may be faint.
_FAINT = """(root) => {
  const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].map((v) => v / 255);
  };
  const over = (top, alpha, ground) => ground.map((v, k) => alpha * top[k] + (1 - alpha) * v);
  const light = (colour) => colour.map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const found = [];
  // Of a drawing the shape that lies under the middle of a text is its ground, where there is one.
  const beneath = (text) => {
    text.scrollIntoView({ block: "center", inline: "center" });
    const { x, y, width, height } = text.getBoundingClientRect();
    const shapes = document.elementsFromPoint(x + width / 2, y + height / 2).filter((one) => one.matches("svg *:not(text, tspan)"));
    const fills = shapes.map((one) => rgba(getComputedStyle(one).fill));
    return fills.filter((colour) => colour[3] > 0).slice(0, 1);
  };
  for (const one of root.querySelectorAll("*")) {
    const text = [...one.childNodes].filter((node) => node.nodeType === 3).map((node) => node.textContent.trim()).join("");
    const drawn = one.matches("svg text, svg tspan");
    if (!text || one.closest(":disabled, [disabled], option, style, script, title") || !one.checkVisibility()) continue;
    let ground = [1, 1, 1], fade = 1;
    for (const above of [...function* () { for (let up = one; up; up = up.parentElement) yield up; }()].reverse()) {
      const style = getComputedStyle(above), [r, g, b, a] = rgba(style.backgroundColor);
      fade *= Number(style.opacity);
      ground = over([r, g, b], a * fade, ground);
    }
    if (drawn) for (const [r, g, b, a] of beneath(one)) ground = over([r, g, b], a, ground);
    const [r, g, b, a] = rgba(getComputedStyle(one)[drawn ? "fill" : "color"]);
    const [dark, bright] = [light(over([r, g, b], a * fade, ground)), light(ground)].sort((x, y) => x - y);
    const contrast = (bright + 0.05) / (dark + 0.05);
    if (contrast < 4.5) found.push([text.slice(0, 40), Math.round(100 * contrast) / 100]);
  }
  return found;
}"""


def pixels(place) -> np.ndarray:
    """A part of the page as it is on the screen: (H, W, 3)."""
    # Not place.screenshot(): what a widget draws anew is another element in the meantime, and the old one has no size.
    box = until(place.page, lambda: (box := place.evaluate(_BOX))["width"] and box, "a part of the page")
    return np.asarray(Image.open(io.BytesIO(place.page.screenshot(clip=box))).convert("RGB")).astype(int)


def colour(picture: np.ndarray) -> float:
    """How much colour there is on the average: 0 for a grey picture."""
    return float((picture.max(axis=-1) - picture.min(axis=-1)).mean())


def until(page, check, what: str):
    """Wait until a check holds, and return what it returned."""
    for _ in range(SOON // 50):
        if found := check():
            return found
        page.wait_for_timeout(50)
    raise AssertionError(f"not seen: {what}")


@contextmanager
def redraws(place):
    """What happens in the block changes the pixels of this part of the page."""
    before = pixels(place)

    def other() -> bool:
        now = pixels(place)
        return now.shape != before.shape or (now != before).any()

    yield
    until(place.page, other, "another picture")


def _at_rest(place, pictures: bool) -> list:
    """Where the parts are once nothing moves any more: what was done before may still be drawn."""
    last: list = []

    def still() -> bool:
        nonlocal last
        place.page.wait_for_timeout(200)
        same, last = (now := place.evaluate(_FRAME, pictures)) == last, now
        return same

    until(place.page, still, "a page at rest")
    return last


@contextmanager
def stays(place, pictures: bool = True):
    """No control (and no picture) in this part of the page moves or changes its size, and neither does the part itself."""
    before = _at_rest(place, pictures)
    yield
    after = place.evaluate(_FRAME, pictures)
    assert len(after) == len(before), f"{len(before)} parts became {len(after)}"
    moved = np.abs(np.array(after) - before).max(axis=1) > 1
    assert not moved.any(), [(b, a) for b, a, m in zip(before, after, moved, strict=True) if m]


def pdf_pages(pdf: bytes) -> int:
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def faint(place) -> list:
    """The texts in a part of the page that are hard to read, each with its contrast."""
    return place.evaluate(_FAINT)
