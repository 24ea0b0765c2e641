"""The pictures of the README: as they are made anew, they are never out of date. CONTRIBUTING.md says how."""

from __future__ import annotations

from PIL import Image
from seen import until

# The study in whose report most of what was found is true, and the first word that says so: [study, word].
_TRUEST = """(one) => {
  const true_words = (study) => study.reports[0].marks.flatMap((mark, k) => (mark && mark[0] === "agrees" ? [k] : []));
  const found = (study) => study.boxes.length && new Set(true_words(study).map((k) => study.reports[0].marks[k][1])).size;
  const studies = one.mrgBrowser.data.studies, best = studies.reduce((a, b) => (found(b) > found(a) ? b : a));
  return [studies.indexOf(best), true_words(best).at(-1) ?? 0];
}"""


def _keep(path, most: int = 300_000) -> None:
    """Fewer colours, so that the picture loads quickly."""
    Image.open(path).convert("RGB").quantize(160, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < most, f"{path.name}: {path.stat().st_size} bytes"


def test_the_attention_browser(executed, new_page, pictures):
    page = new_page(1080)
    page.goto((executed / "attention_browser.html").as_uri())
    browser = page.locator("[data-key]")
    study, word = browser.evaluate(_TRUEST)
    browser.get_by_label("Study").select_option(index=study)
    browser.get_by_label("true boxes").check()
    browser.locator(".mrg-word").nth(word).click()
    until(page, lambda: browser.get_by_role("status").first.inner_text().startswith(f"Word {word + 1} "), "that word")
    browser.screenshot(path=pictures / "attention.png")
    _keep(pictures / "attention.png")


def test_the_draft(drafted, new_page, pictures):
    page = new_page(1000)
    page.goto(drafted.as_uri())
    last = page.locator("main > section").first.bounding_box()
    page.screenshot(
        path=pictures / "draft.png",
        full_page=True,
        clip={"x": 0, "y": 0, "width": 1000, "height": last["y"] + last["height"]},
    )
    _keep(pictures / "draft.png")
