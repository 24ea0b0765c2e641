from __future__ import annotations

import io
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from PIL import Image
from test_beam_tree import small_tree

from mrg_helpers import charts, heatmaps, looking, plots

RNG = np.random.default_rng(0)
WIDE = RNG.integers(0, 256, (60, 100), dtype=np.uint8)
HISTORY = pd.DataFrame({"epoch": [1, 2, 3], "loss": [3, 2, 1.5], "val_loss": [3, 2.1, 2.2], "perplexity": [20, 7, 4]})
SCORES = pd.DataFrame({"BLEU-1": [0.4, 0.3], "CIDEr": [0.9, 0.0]}, index=["model", "most common report"])
INTERVALS = pd.DataFrame(
    {"estimate": [0.1, 0.2, 0.0, np.nan], "low": [0.05, 0.2, 0.0, np.nan], "high": [0.2, 0.2, 0.0, np.nan]},
    pd.MultiIndex.from_product([["model", "$5 or $6"], ["BLEU-4", "macro F1"]], names=["system", "score"]),
)
FREQUENT = pd.DataFrame(
    {"report": ["No effusion. " * 30, "", "$5 or $6"], "times": [1200, 2, 1], "share": [0.99, 0.01, 0.001],
     "copied": [True, False, True]}
)  # fmt: skip
RUNS = pd.DataFrame(
    {"model": ["a", "a", "b" * 200], "profile": ["demo"] * 3, "dataset": ["phantom", "phantom", "iu_xray"], "seed": ["0", "1", "0"],
     "BLEU-4": [0.1, 0.3, np.nan], "macro F1": [0.4, 0.5, 0.0]}
)  # fmt: skip
CURVE = np.array([[-1.0, -2.0, np.nan], [-3.0, np.nan, np.nan]])


def padded(row: int, column: int, grid: tuple[int, int]) -> tuple[float, float, float, float]:
    """The cells of a square around a 60 x 100 image: 20 pixels of padding above and below it."""
    height, width = 100 / grid[0], 100 / grid[1]
    return column * width, row * height - 20, (column + 1) * width, (row + 1) * height - 20


def padded_sideways(row: int, column: int, grid: tuple[int, int]) -> tuple[float, float, float, float]:
    left, top, right, bottom = padded(column, row, grid[::-1])
    return top, left, bottom, right


AGREED = pd.DataFrame(
    {"cases": [1200, 3], "precision": [0.9, np.nan], "recall": [1.0, 0.0], "F1": [0.95, 0.0]}, index=["edema", "$x$"]
)
AUDITED = pd.DataFrame(
    [("patient", "train, test", "leak", 2, 0.4), ("text", "all", "beware", 9, 1.0), ("study", "train, val", "clean", 0, 0.0),
     ("image", "", "not checked", np.nan, np.nan)],
    columns=["check", "between", "verdict", "count", "share"],
)  # fmt: skip

POINTED = pd.DataFrame(
    [[9, 0.9, 0.1, 0.2, 0.8, 0.5, 0.05, 0.1, np.nan], [9, 0.9, 0.1, 0.2, 0.8, 0.5, 0.05, 0.1, np.nan]], ["nodule", "all"],
    pd.MultiIndex.from_tuples([("namings", ""), *((game, player) for game in looking.GAMES[:2] for player in looking.PLAYERS)]),
)  # fmt: skip

SENTENCE = (["no", "zebra", "."], [2, 9, 1, 4, 3], 8)

FIGURES = {
    "additive_attention": lambda: plots.additive_attention(note="a note"),
    "agreement_dots": lambda: plots.agreement_dots(AGREED),
    "audit_bars": lambda: plots.audit_bars(AUDITED),
    "audit_bars of one check": lambda: plots.audit_bars(AUDITED.tail(1)),
    "beam_tree": lambda: plots.beam_tree(small_tree(), columns=2, note="random features"),
    "beam_tree of words that are not there": lambda: plots.beam_tree(small_tree(), first=9),
    "bar_counts": lambda: plots.bar_counts(pd.Series({"no": 9, "x" * 300: 3, "costs $5 or $6": 1}), "words", "times"),
    "beam_by_hand": lambda: plots.beam_by_hand(),
    "blind_twin": lambda: plots.blind_twin(),
    "cache_once": lambda: plots.cache_once(),
    "cache_once in one epoch": lambda: plots.cache_once(1),
    "co_occurrence": lambda: plots.co_occurrence(pd.DataFrame([[5, 2], [2, 4]], list("ab"), list("ab"))),
    "co_occurrence of nothing": lambda: plots.co_occurrence(pd.DataFrame([[3]], ["a"], ["a"])),
    "coverage_curves": lambda: plots.coverage_curves(pd.DataFrame({"k": [10, 100], "coverage": [0.5, 0.9]})),
    "family_member": lambda: plots.family_member("two_view", note="a note"),
    "family_member of one image": lambda: plots.family_member("transformer"),
    "feature_grid": lambda: plots.feature_grid(RNG.random((32, 32)), RNG.random((4, 5))),
    "finding_f1_bars": lambda: plots.finding_f1_bars(pd.DataFrame({"f1": [0.9, 0.0], "cases": [12, 3]}, ["a", "b"])),
    "finding_dots": lambda: plots.finding_dots(
        pd.DataFrame({"true": [0.9, np.nan], "$x$": [0.1, 0.0]}, ["nodule", "$y$"])
    ),
    "fit_grid": lambda: plots.fit_grid(WIDE, padded, (4, 5)),
    "leaderboard": lambda: plots.leaderboard(RUNS),
    "leaderboard of one run": lambda: plots.leaderboard(RUNS[2:]),
    "length_histograms": lambda: plots.length_histograms({"findings": [7, 31, 169], "impression": [1, 1, 5]}),
    "missing_sections": lambda: plots.missing_sections(pd.DataFrame({"a": [True, False], "b": [True, False]})),
    "most_frequent": lambda: plots.most_frequent(FREQUENT),
    "panel_row": lambda: plots.panel_row([WIDE, WIDE * 0.1], ["one", "two"], units=["cm", "cm"]),
    "parallel_rays": lambda: plots.parallel_rays(note="a note"),
    "plot_attention": lambda: plots.plot_attention(
        WIDE, ["no", "$x$"], np.full((2, 20), 0.05), (4, 5), padded, truth_boxes=[("nodule", (10, 10, 20, 20))]
    ),
    "plot_attention of an empty report": lambda: plots.plot_attention(WIDE, [], np.zeros((0, 20)), (4, 5), padded),
    "pointing_dots": lambda: plots.pointing_dots(POINTED),
    "removal_curves": lambda: plots.removal_curves(
        {"attention": (-RNG.random((3, 5)), -RNG.random((3, 5)))}, [0, 1, 4]
    ),
    "removal_curves of one naming": lambda: plots.removal_curves(
        {"$x$": (np.zeros((3, 1)), np.ones((3, 1)))}, [0, 1, 4]
    ),
    "report_to_ids": lambda: plots.report_to_ids("1. No zebra.", "No $5 or $6.", *SENTENCE),
    "score_intervals": lambda: plots.score_intervals(INTERVALS),
    "scores_table": lambda: plots.scores_table(SCORES),
    "show_studies": lambda: plots.show_studies([[WIDE, WIDE.T], [WIDE]], ["No effusion. $5 or $6.", ""]),
    "sizes_scatter": lambda: plots.sizes_scatter([60, 60, 100], [100, 100, 60]),
    "teacher_forcing": lambda: plots.teacher_forcing(),
    "three_objectives": lambda: plots.three_objectives(note="a note"),
    "treatment_dots": lambda: plots.treatment_dots(SCORES, band=(0.35, 0.45)),
    "treatment_dots of one row": lambda: plots.treatment_dots(SCORES[:1]),
    "training_curves": lambda: plots.training_curves(HISTORY),
    "word_curves": lambda: plots.word_curves(
        {
            "$x$": ("place", {"one": -RNG.random((3, 5)), "$5 or $6": np.full((1, 5), -1.0)}),
            "b": ("word", {"one": CURVE}),
        }
    ),
}


@pytest.fixture(autouse=True)
def style():
    with matplotlib.rc_context({"backend": "agg"}):
        plots.use_style()
        yield


def png(figure: Figure) -> np.ndarray:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=60)
    return np.asarray(Image.open(buffer).convert("RGB"))


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.filterwarnings("error::UserWarning")
def test_every_figure_renders_and_leaves_nothing_open(name):
    picture = png(FIGURES[name]())
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 5
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    assert (border == 255).all(), "something is cut off at the edge"
    assert not plt.get_fignums()


def test_all_figures_are_tried():
    assert {name.split(" ")[0] for name in FIGURES} == set(plots.__all__) - {"use_style"}


def test_notes_and_the_warning_stand_under_the_attention():
    even = np.full((1, 20), 0.05)
    figure = plots.plot_attention(WIDE, ["no"], even, (4, 5), padded, note="random features", what="evidence")
    assert figure.get_supxlabel() == "not for clinical use · random features"
    assert figure.axes[-1].get_xlabel() == "evidence per cell (alike everywhere: 0.050)"
    assert plots.scores_table(SCORES, note="random features").get_supxlabel() == "random features"


@pytest.mark.parametrize("shape, boxes", [((60, 100), padded), ((100, 60), padded_sideways)])
def test_the_peak_lies_in_the_rectangle_of_its_cell(shape, boxes):
    rectangles = heatmaps.cell_rectangles(boxes, (5, 5))
    inside = [(t >= 0) & (b <= shape[0]) & (left >= 0) & (r <= shape[1]) for left, t, r, b in rectangles]
    assert sum(inside) == 15  # the other ten lie in the padding
    for cell in np.flatnonzero(inside):
        left, top, right, bottom = rectangles[cell]
        heat = heatmaps.spread(np.eye(25)[cell], rectangles, shape)
        ys, xs = np.nonzero(heat)
        assert heat.shape == shape and heat.max() == 1
        assert (xs.min(), xs.max() + 1, ys.min(), ys.max() + 1) == (left, right, top, bottom)
        smooth = heatmaps.spread(np.eye(25)[cell], rectangles, shape, smooth=True)
        y, x = np.unravel_index(smooth.argmax(), shape)
        assert left <= x < right and top <= y < bottom and smooth.max() > 0.9


def test_attention_in_the_padding_is_cut_off_and_uniform_attention_is_uniform():
    rectangles = heatmaps.cell_rectangles(padded, (5, 5))
    assert heatmaps.spread(np.eye(25)[2], rectangles, (60, 100)).max() == 0  # the first row lies above the image
    for smooth in (False, True):
        np.testing.assert_allclose(heatmaps.spread(np.full(25, 0.04), rectangles, (60, 100), smooth), 0.04)


def test_the_map_on_the_figure_is_where_the_cell_is():
    weights = np.zeros((1, 25))
    weights[0, 13] = 1  # row 2, column 3: x from 60 to 80, y from 20 to 40
    black = np.zeros((60, 100), np.uint8)
    figure = plots.plot_attention(black, ["effusion"], weights, (5, 5), padded, columns=2)
    axis = figure.axes[1]
    (image,) = axis.get_images()
    ys, xs = np.nonzero(image.get_array().sum(-1))
    assert axis.get_title() == "effusion"
    assert list(image.get_extent()) == [0, 100, 60, 0]
    assert (xs.min(), xs.max(), ys.min(), ys.max()) == (60, 79, 20, 39)


def test_each_true_box_has_its_letter_on_the_xray_and_its_name_below():
    boxes = [(f"finding {k}", (k, 20, k + 30, 50)) for k in range(28)]
    figure = plots.plot_attention(WIDE, ["no"], np.full((1, 20), 0.05), (4, 5), padded, truth_boxes=boxes)
    written = [(text.get_text(), text.xy) for text in figure.axes[0].texts]
    assert written[0] == ("A", (0, 20)) and written[25:] == [("Z", (25, 20)), ("AA", (26, 20)), ("AB", (27, 20))]
    below = re.sub(r"\s+", " ", figure.get_supxlabel())
    assert "truly has A finding 0, B finding 1," in below and below.endswith("AA finding 26, AB finding 27")
    assert not figure.axes[1].texts and len(figure.axes[1].patches) == 28  # on the words' pictures: the boxes alone


def test_equal_marks_stand_beside_each_other():
    assert [charts.dodged(k, 3, 0.4) for k in range(3)] == pytest.approx([-0.2, 0, 0.2])
    assert charts.dodged(0, 1, 0.4) == 0
    figure = plots.finding_dots(pd.DataFrame({"one": [0.5, 0.5], "two": [0.5, 0.5]}, ["nodule", "effusion"]))
    one, two = (np.asarray(marks.get_offsets()) for marks in figure.axes[0].collections[-2:])
    assert (one[:, 0] == two[:, 0]).all() and (two[:, 1] - one[:, 1] == pytest.approx(0.4))


def test_overlay_leaves_what_got_no_attention_as_it_was():
    heat = np.zeros(WIDE.shape)
    heat[:, :50] = 0.3
    blended = heatmaps.overlay(WIDE, heat, top=0.3)
    assert (blended[:, 50:] == WIDE[:, 50:, None]).all()
    assert (blended[:, :50] != WIDE[:, :50, None]).any()
    assert (heatmaps.overlay(WIDE, heat, top=0.3, opacity=0) == WIDE[..., None]).all()


def test_shrink_keeps_the_shape_and_scales_other_types_to_grey():
    small, factor = heatmaps.shrink(np.linspace(-1, 1, 20000).reshape(100, 200), 50)
    assert (small.shape, small.dtype, factor) == ((25, 50), np.uint8, 0.25)
    assert small.min() < 5 and small.max() > 250
    assert heatmaps.shrink(WIDE, 500)[0] is WIDE


def test_refuses_attention_that_does_not_fit_the_grid():
    with pytest.raises(ValueError, match=r"need attention of shape \(2, 20\), not \(2, 64\)"):
        plots.plot_attention(WIDE, ["a", "b"], np.zeros((2, 64)), (4, 5), padded)
    with pytest.raises(ValueError, match="needs 20 rectangles"):
        plots.fit_grid(WIDE, [(0, 0, 1, 1)], (4, 5))


def test_the_leaderboard_stands_in_the_order_of_the_means_and_without_runs_that_lack_the_score():
    runs = pd.concat(
        [RUNS, pd.DataFrame({"model": ["c"], "profile": "demo", "dataset": "phantom", "seed": "0", "macro F1": 0.46})]
    )
    figure = plots.leaderboard(runs)
    assert [axis.get_title("left") for axis in figure.axes] == ["iu_xray, profile demo", "phantom, profile demo"]
    phantom = figure.axes[1]
    assert [label.get_text() for label in phantom.get_yticklabels()] == ["c", "a"]
    assert [text.get_text() for text in phantom.texts] == ["0.460", "0.450  (0.400 to 0.500, 2 seeds)"]
    bands, _, means = phantom.collections[:3]  # from the lowest to the highest seed; of one there is no mean
    np.testing.assert_allclose(means.get_offsets(), [[0.45, 1]])
    assert [segment[:, 0].tolist() for segment in bands.get_segments()] == [[0.46, 0.46], [0.4, 0.5]]
    assert len(plots.leaderboard(RUNS, "BLEU-4").axes) == 1
    with pytest.raises(ValueError, match="no run of the leaderboard has the score 'CIDEr'"):
        plots.leaderboard(RUNS, "CIDEr")


def test_the_intervals_lie_where_the_table_says():
    figure = plots.score_intervals(INTERVALS, ["macro F1", "CIDEr", "BLEU-4"], note="random features")
    assert [axis.get_title() for axis in figure.axes] == ["macro F1", "BLEU-4"]
    line, dot = figure.axes[1].lines[:2]
    assert list(line.get_xdata()) == [0.05, 0.2] and list(dot.get_xdata()) == [0.1]
    assert "95% interval" in figure.get_supxlabel() and figure.get_supxlabel().endswith("random features")
    with pytest.raises(ValueError, match="none of CIDEr is in the table"):
        plots.score_intervals(INTERVALS, ["CIDEr"])


def test_copied_reports_have_a_colour_of_their_own():
    axis = plots.most_frequent(FREQUENT).axes[0]
    first, second, third = (bar.get_facecolor() for bar in axis.patches)
    assert first == third != second
    assert [label.get_text() for label in axis.get_yticklabels()][1] == "(empty)"


def test_the_pointing_figure_shows_the_table_and_who_does_not_look():
    left, right = plots.pointing_dots(POINTED).axes[:2]
    assert [bar.get_width() for bar in left.patches] == [0.9, 0.9] and [bar.get_width() for bar in right.patches] == [
        0.5
    ] * 2
    assert [label.get_text() for label in left.get_yticklabels()] == ["nodule (9)", "all (9)"]
    marks = [marks.get_offsets()[0][0] for marks in left.collections]
    assert marks == [0.1, 0.2, 0.8]


def test_removal_curves_are_means_over_the_namings():
    deleted, inserted = np.array([[0.0, -2.0], [-3.0, -5.0]]), np.array([[-3.0, -5.0], [0.0, -2.0]])
    left, right = plots.removal_curves({"attention": (deleted, inserted)}, [0, 4]).axes
    assert list(left.lines[0].get_ydata()) == [-1, -4] and list(right.lines[0].get_ydata()) == [-4, -1]
    assert list(left.lines[0].get_xdata()) == [0, 4]


def test_curves_of_words_are_means_over_the_reports_that_go_on():
    (axis,) = plots.word_curves({"a": ("word", {"one": CURVE})}).axes
    assert list(axis.lines[0].get_xdata()) == [1, 2] and list(axis.lines[0].get_ydata()) == [-2, -2]
    few_go_on = np.concatenate([np.tile(CURVE[1:], (90, 1)), np.tile(CURVE[:1], (19, 1))])
    (axis,) = plots.word_curves({"a": ("word", {"one": few_go_on})}).axes
    assert list(axis.lines[0].get_xdata()) == [1]  # nineteen are too few where there are a hundred
