"""The controls of ipywidgets, found by their label and moved as a reader moves them."""

from __future__ import annotations


def slider(place, name: str):
    """The handle of a slider, by the name that a screen reader says: it takes the keys."""
    return place.get_by_role("slider", name=name, exact=True)


def value(handle) -> float:
    return float(handle.get_attribute("aria-valuenow"))


def drag(handle, by: float) -> None:
    """Drag a handle to the right by some pixels, to the left for a negative number."""
    handle.scroll_into_view_if_needed()
    box, mouse = handle.bounding_box(), handle.page.mouse
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + by / 2, y)
    mouse.move(x + by, y)
    mouse.up()


def press(control, *keys: str) -> None:
    """Give a control the focus and press keys."""
    control.focus()
    for key in keys:
        control.page.keyboard.press(key)
