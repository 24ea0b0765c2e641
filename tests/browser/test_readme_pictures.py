"""The pictures of the README: as they are made anew, they are never out of date. CONTRIBUTING.md says how."""

from __future__ import annotations

import base64
import io

import nbformat
from PIL import Image
from seen import until

# Of the words that name a finding rightly, the one at which the model looks most at the place of that finding: [study, word].
_CLEAREST = """(one) => {
  const inside = ([from, to], low, high) => Math.max(0, Math.min(to, high) - Math.max(from, low)) / (to - from);
  const seen = (study, report, word) => {
    const boxes = study.boxes.filter(([name]) => report.marks[word]?.[0] === "agrees" && name === report.marks[word][1]);
    const share = ([, [left, top, right, bottom]]) => report.weights[word].reduce((sum, weight, cell) => sum + weight
      * inside(report.axes[0][1][cell % report.axes[0][1].length], left, right)
      * inside(report.axes[0][0][Math.floor(cell / report.axes[0][1].length)], top, bottom), 0);
    return Math.max(0, ...boxes.map(share));
  };
  const words = one.mrgBrowser.data.studies.flatMap((study, k) =>
    study.reports[0].words.map((_, word) => [seen(study, study.reports[0], word), k, word]));
  return words.reduce((a, b) => (b[0] > a[0] ? b : a)).slice(1);
}"""
LARGEST = 300_000  # bytes, so that the README loads quickly


def test_the_overview(executed, pictures):
    """The attention at the words that name the findings of a patient, as notebook 05 draws it."""
    (file,) = (executed / "executed").glob("05_*.ipynb")
    cells = nbformat.read(file, as_version=4).cells
    (cell,) = [cell for cell in cells if cell.cell_type == "code" and "plots.plot_attention(" in cell.source]
    (figure,) = [output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {})]
    path = pictures / "overview.png"
    Image.open(io.BytesIO(base64.b64decode(figure))).convert("RGB").save(path, optimize=True)
    assert path.stat().st_size < LARGEST


def test_the_attention_browser(executed, new_page, pictures):
    page = new_page(1080)
    page.goto((executed / "attention_browser.html").as_uri())
    browser = page.locator("[data-key]")
    study, word = browser.evaluate(_CLEAREST)
    browser.get_by_label("Study").select_option(index=study)
    browser.get_by_label("true boxes").check()
    browser.locator(".mrg-word").nth(word).click()
    until(page, lambda: browser.get_by_role("status").first.inner_text().startswith(f"Word {word + 1} "), "that word")
    page.mouse.move(0, 0)  # no ring round a word that the pointer happens to stand on
    path = pictures / "attention.png"
    browser.screenshot(path=path)
    Image.open(path).convert("RGB").save(path, optimize=True)
    assert path.stat().st_size < LARGEST


def test_the_draft(drafted, new_page, pictures):
    page = new_page(1000)
    page.goto(drafted.as_uri())
    last = page.locator("main > section").first.bounding_box()
    page.screenshot(
        path=pictures / "draft.png",
        full_page=True,
        clip={"x": 0, "y": 0, "width": 1000, "height": last["y"] + last["height"]},
    )
    path = pictures / "draft.png"
    Image.open(path).convert("RGB").quantize(160, dither=Image.Dither.NONE).save(
        path, optimize=True
    )  # it is nearly all grey
    assert path.stat().st_size < LARGEST
