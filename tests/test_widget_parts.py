from __future__ import annotations

import ipywidgets as ui

from mrg_helpers import widget_parts


def test_words_are_marked_whatever_their_case_and_everything_is_escaped():
    marked = widget_parts.highlighted("No Effusion <b>, effusions.", ["effusion", "<b>"])
    assert marked.count("<mark") == 3 and "&lt;b&gt;" in marked and "<b>" not in marked
    assert widget_parts.highlighted("a.c abc", ["a.c"]).count("<mark") == 1, "no pattern, the very letters"
    assert widget_parts.highlighted("<i>", []) == "&lt;i&gt;"


def test_the_longer_of_two_words_is_marked():
    assert ">effusions</mark>" in widget_parts.highlighted("effusions", ["effusion", "effusions"])


def test_labels_notes_and_numbers_are_escaped():
    assert "<script" not in widget_parts.framed("x", 10, '"<script>"')
    assert "<b>" not in widget_parts.footer("<b>") + widget_parts.heading("<b>") + widget_parts.figures(a="<b>")
    assert widget_parts.footer("random features").count("not for clinical use") == 1


def test_a_widget_in_jupyterlab_keeps_its_keys(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    some = widget_parts.Widget()
    some.widget = ui.Text()
    some._ipython_display_()
    (box,) = shown
    assert box.children[0] is some.widget and "stopPropagation" in box.children[1].value
