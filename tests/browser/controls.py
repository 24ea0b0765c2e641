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


# What has the focus: its name, as a screen reader says it, and where it is, with room for a ring around it.
_FOCUSED = """() => {
  const one = document.activeElement, { x, y, width, height } = one.getBoundingClientRect();
  const labels = [...(one.labels || [])].map((label) => label.textContent).join();
  const name = one.getAttribute("aria-label") || labels || one.textContent;
  return [name.trim(), { x: x - 6, y: y - 6, width: width + 12, height: height + 12 }];
}"""


def tabbed(place, first, count: int) -> list[str]:
    """The names of what the Tab key leads to, beginning with one control; what has the focus has to look otherwise than without."""
    page, names = place.page, []
    first.scroll_into_view_if_needed()
    first.focus()
    page.keyboard.press("Shift+Tab")  # so that all of them are reached by the key
    page.keyboard.press("Tab")
    for _ in range(5):  # the toolbar of a cell may have come between, which JupyterLab shows when it pleases
        if first.evaluate("(one) => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    for _ in range(count):
        name, box = page.evaluate(_FOCUSED)
        page.mouse.move(0, 0)
        with_focus = page.screenshot(clip=box, animations="disabled", caret="hide")
        page.evaluate("() => document.activeElement.blur()")  # the next Tab goes on from here
        assert page.screenshot(clip=box, animations="disabled", caret="hide") != with_focus, (
            f"{name}: no sign of the focus"
        )
        names.append(name)
        page.keyboard.press("Tab")
    return names


def press(control, *keys: str) -> None:
    """Give a control the focus and press keys."""
    control.focus()
    control.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    for key in keys:
        control.press(key)  # which gives it the focus again, should JupyterLab have chosen a cell meanwhile
