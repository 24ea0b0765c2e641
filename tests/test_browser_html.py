"""What the attention browser says: escaped, complete, and true of the report."""

import re

import numpy as np
import pytest
from test_browsing import prepared, rich, study

from mrg_helpers import browser_html


@pytest.fixture
def report():
    return prepared(rich())[0].reports[0]


def test_words_are_shaded_by_doubt_and_underlined_by_agreement(report):
    style = browser_html.shading(report, ".x button")
    shades = [float(shade) for shade in re.findall(r"230 159 0 / ([\d.]+)", style)]
    np.testing.assert_allclose(shades, browser_html.SHADE * (1 - report.probabilities), atol=0.006)
    assert f"calc(var(--unsure) * {browser_html.SHADE})".replace("0.", ".") in browser_html.STYLE, (
        "the page's words look the same"
    )
    assert re.findall(r"nth-of-type\((\d)\) { border-bottom: 3px (\w+)", style) == [
        ("2", "solid"), ("4", "dashed"), ("5", "dashed"),
    ]  # fmt: skip
    assert browser_html.tooltips(report)[1].endswith("; both reports assert: nodule")
    assert browser_html.tooltips(report)[0] == "probability 0.90"


def test_the_current_word_is_highlighted_and_its_sentence_outlined(report):
    assert ":nth-of-type(n+2):nth-of-type(-n+2)" in browser_html.highlight(report, 1, "b", False)
    style = browser_html.highlight(report, 4, "b", True)
    assert "b:nth-of-type(n+4):nth-of-type(-n+6)" in style and "b:nth-of-type(n+5):nth-of-type(-n+5)" in style


def test_the_state_names_the_word_its_probability_and_what_was_considered(report):
    said = browser_html.state(report, 1)
    assert f"Word 2 of 6: <b>nodule</b> · probability {report.probabilities[1]:.2f}" in said
    assert "both reports assert: nodule" in said
    assert said.count("<li") == 3 and said.count("mrg-chosen") == 1
    assert "min-height: 4.8em" in said and "min-height: 4.8em" in browser_html.state(report, 0)  # nothing jumps
    assert "&lt;b&gt;" in browser_html.state(report, 0)


def test_the_curves_are_there_for_what_is_known(report):
    drawn = browser_html.curves(report, 5)
    assert drawn.count("<polyline") == 2 and 'x1="100.00"' in drawn
    assert "gate beta <b>1.00</b>" in drawn
    plain = prepared(study())[0].reports[0]
    assert browser_html.curves(plain, 0).count("<polyline") == 1 and "beta" not in browser_html.curves(plain, 0)


def test_the_reference_has_its_marks_and_their_names(report):
    html = browser_html.comparison(report, "A nodule.")
    assert re.search(r'A <mark class="mrg-agrees" title="[\w ]+: nodule">nodule</mark>\.', html)
    said = re.sub("<[^>]+>", " ", html)
    assert re.search(r"invented by the model\s*: cardiomegaly", said) and re.search(
        r"missed by the model\s*: nothing", said
    )
    assert browser_html.comparison(report, None) == ""
    assert "no reference text" in browser_html.comparison(report, " ")


def test_text_is_escaped_everywhere():
    bad = '"<script>alert(1)</script>'
    (shown,) = prepared(
        study(words=[bad, bad], reference=f"{bad} Nodule.", alternatives=[[(bad, 0.5)]] * 2, beta=[0, 1])
    )
    report = shown.reports[0]
    image = np.zeros((4, 4), np.uint8)
    html = [browser_html.state(report, 0), browser_html.curves(report, 0), browser_html.comparison(report, shown.reference),
            browser_html.figure(image, bad, bad, (4, 4)), browser_html.shading(report, "b")]  # fmt: skip
    assert "<script" not in "".join(html) and "&lt;script&gt;" in html[0] and "&lt;script&gt;" in html[2]
    assert 'alt="&quot;&lt;script' in html[3]


def test_an_empty_report_says_so():
    report = prepared(study(words=[], reference=""))[0].reports[0]
    assert "The report is empty." in browser_html.state(report, 0)
    assert browser_html.curves(report, 0) == browser_html.highlight(report, 0, "b", True) == ""
