"""What the widgets share: how they are shown, and colours that follow JupyterLab's light and dark theme.

The colours are JupyterLab's own CSS variables, each with one to fall back to where there is no JupyterLab, as on Colab.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

import ipywidgets as ui

INK = "var(--jp-ui-font-color1, currentColor)"
SOFT = "var(--jp-ui-font-color2, #808080)"
LINE = "var(--jp-border-color1, #9ca3af)"
PAPER = "var(--jp-layout-color1, transparent)"
RAISED = "var(--jp-layout-color2, rgba(128, 128, 128, 0.14))"
ACCENT = "var(--jp-brand-color1, #0072B2)"
MARK = "background: #E69F00; color: black; border-radius: 3px; padding: 0 3px;"  # legible on light and on dark
# JupyterLab takes keys as commands if they get to it: in a menu an arrow would go to the next cell, and a letter could insert one.
# And neither a slider's handle and number nor the buttons that play have a name that a screen reader could say. No ipywidget can
# change that. This element does, when it is shown, and again when there are further ones.
_SCRIPT = """
const all = this.closest('.widget-vbox');
const icons = { play: 'play', pause: 'pause', stop: 'stop', repeat: 'repeat', retweet: 'repeat' };
const name = () => {
  for (const slider of all.querySelectorAll('.widget-hslider')) {
    const label = slider.querySelector('label').textContent;
    slider.querySelector('[role=slider], .ui-slider-handle')?.setAttribute('aria-label', label);
    slider.querySelector('.widget-readout')?.setAttribute('aria-label', label + ', as a number');
  }
  for (const icon of all.querySelectorAll('.widget-play i')) {
    const found = Object.keys(icons).find((one) => icon.classList.contains('fa-' + one));
    icon.parentElement.setAttribute('aria-label', icons[found] || 'play');
    icon.parentElement.title = icons[found] || 'play';
  }
};
name();
all.onkeydown = (event) => event.ctrlKey || event.metaKey || event.stopPropagation();
new MutationObserver(name).observe(all, { childList: true, subtree: true, attributes: true, attributeFilter: ['class'] });
"""
ONCE_SHOWN = f'<style onload="{_SCRIPT}">/**/</style>'
NOT_CLINICAL = "not for clinical use"


class Widget:
    """Something that a notebook shows when it is the last line of a cell; ``widget`` is the ipywidget to show."""

    widget: ui.Widget

    def _ipython_display_(self) -> None:
        from IPython.display import display

        helper = ui.HTML(ONCE_SHOWN, layout=ui.Layout(width="0", height="0", margin="0"))
        display(ui.VBox([self.widget, helper]))


def row(*children: ui.Widget, **layout) -> ui.HBox:
    """Controls side by side; on a narrow page they wrap."""
    return ui.HBox(list(children), layout=ui.Layout(flex_flow="row wrap", align_items="center", **layout))


def framed(html: str, height: int | None = None, label: str = "") -> str:
    """HTML in a box of one height, which scrolls by mouse and keyboard where it does not fit: nothing jumps.

    Args:
        html: HTML already; whatever comes from a report must be escaped in it.
        height: in pixels; None: as high as it is.
        label: what a screen reader calls the box.
    """
    size = f"height: {height}px; overflow: auto;" if height else ""
    focus = f'tabindex="0" role="region" aria-label="{escape(label)}"' if label else ""
    return (
        f'<div {focus} style="{size} box-sizing: border-box; padding: 8px 12px; line-height: 1.5; color: {INK}; '
        f'background: {PAPER}; border: 1px solid {LINE}; border-radius: 6px">{html}</div>'
    )


def heading(text: str) -> str:
    """A small heading over a part of a widget."""
    return f'<div style="font-weight: 600; margin: 6px 0 2px">{escape(text)}</div>'


def soft(text: str) -> str:
    """A line that stands back, such as a note."""
    return f'<div style="color: {SOFT}; font-size: 0.92em; line-height: 1.5">{escape(text)}</div>'


def footer(note: str = "") -> str:
    """The warning under whatever shows a generated report, with the caller's note."""
    return soft(" · ".join(filter(None, [NOT_CLINICAL, note])))


def figures(**named: str) -> str:
    """A few numbers side by side, each with its name below."""
    cells = (
        f'<div style="min-width: 78px"><div style="font-size: 1.5em; font-weight: 600; font-variant-numeric: tabular-nums">'
        f'{escape(value)}</div><div style="color: {SOFT}; font-size: 0.92em">{escape(name.replace("_", " "))}</div></div>'
        for name, value in named.items()
    )
    return f'<div style="display: flex; flex-wrap: wrap; gap: 6px 18px; line-height: 1.4; margin: 8px 0">{"".join(cells)}</div>'


def highlighted(text: str, words: Sequence[str]) -> str:
    """A text as HTML with every occurrence of some words marked, whatever their case."""
    if not words:
        return escape(text)
    pattern = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    parts = re.split(f"({pattern})", text, flags=re.IGNORECASE)  # what is found stands at the odd places
    return "".join(
        f'<mark style="{MARK}">{escape(part)}</mark>' if k % 2 else escape(part) for k, part in enumerate(parts)
    )
