from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from mrg_helpers.svg import Axis, line_chart


def lines(chart: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'points="([^"]*)"', chart)
    return [[tuple(map(float, point.split(","))) for point in some.split()] for some in found]


def test_values_lie_in_proportion():
    chart = line_chart({"a": ([1, 2, 3], [0, 1, 0.5])}, Axis("x"), Axis("y"), size=(400, 200))
    ((x1, y1), (x2, y2), (x3, y3)) = lines(chart)[0]
    assert x1 < x2 < x3 and x2 - x1 == pytest.approx(x3 - x2, abs=0.2)
    assert y2 < y3 < y1 and y3 == pytest.approx((y1 + y2) / 2, abs=0.2), "up is more"


def test_a_logarithmic_axis_has_equal_steps_for_equal_factors():
    chart = line_chart({"a": ([1, 10, 100], [0, 1, 2])}, Axis("k", log=True), Axis("y"))
    (x1, _), (x2, _), (x3, _) = lines(chart)[0]
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.2)


@pytest.mark.parametrize("series", [
    {}, {"a": ([], [])}, {"a": ([1], [2.0])}, {"a": ([1, 2], [math.nan, 3.0])}, {"<b>": ([1, 2], [5.0, 5.0])},
])  # fmt: skip
def test_little_to_show_is_still_a_drawing(series):
    drawn = line_chart(series, Axis("epoch <1>"), Axis("loss & more"), {"best": 1} if series else {})
    ElementTree.fromstring(drawn)  # well formed, so everything in it is escaped
    assert "nan" not in drawn


def test_marks_stand_at_their_value_inside_the_drawing():
    chart = line_chart({"a": ([0, 10], [0, 1])}, Axis("x"), Axis("y"), {"left": 0, "right": 10}, size=(400, 200))
    marks = [float(x) for x in re.findall(r'<line x1="([\d.]+)"[^>]*stroke-dasharray', chart)]
    assert marks == [lines(chart)[0][0][0], lines(chart)[0][1][0]]
    assert 'text-anchor="start"  style' in chart and chart.count('text-anchor="end"') > 1
