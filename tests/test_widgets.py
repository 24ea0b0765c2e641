"""What the module of widgets offers, and the browser of disagreements; the others have test files of their own."""

from __future__ import annotations

import pandas as pd
import pytest

from mrg_helpers import widgets

CASES = pd.DataFrame(
    {
        "finding": ["edema", "nodule", "edema"],
        "study_id": ["CXR1", "CXR2", "CXR3"],
        "tag_says": ["present", "nothing", "nothing"],
        "text_says": ["nothing", "asserted", "asserted"],
        "tags": [["Pulmonary Edema"], [], ["normal"]],
        "text": ["<script>Clear.", "A nodule.", "Mild edema."],
        "spans": [[], [(2, 8)], [(5, 10)]],
    }
)


def test_disagreements_are_read_finding_by_finding():
    browser = widgets.DisagreementBrowser(CASES)
    assert [label for label, _ in browser.finding.options] == ["edema (2)", "nodule (1)"]
    assert (
        "CXR1" in browser.text.value
        and "Mild <mark style=" in browser.text.value
        and ">edema</mark>." in browser.text.value
    )
    assert "<script>" not in browser.text.value and "&lt;script&gt;" in browser.text.value
    browser.finding.value = "nodule"
    assert ">nodule</mark>." in browser.text.value and "CXR1" not in browser.text.value
    assert "CXR3" not in widgets.DisagreementBrowser(CASES, most=1).text.value
    with pytest.raises(ValueError, match="no disagreements"):
        widgets.DisagreementBrowser(CASES[:0])


def test_every_widget_that_is_offered_is_there():
    assert {"AttentionBrowser", "DisagreementBrowser"} <= set(widgets.__all__)
    for name in widgets.__all__:
        assert callable(getattr(widgets, name)), name
