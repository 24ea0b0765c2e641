"""Studies are checked, shrunk and compared before any browser shows them."""

import numpy as np
import pytest

from mrg_helpers import browsing

GRID = (2, 4)
WORDS = ["no", "effusion", "<script>alert(1)</script>"]
BOX = (100, 60, 150, 120)  # the third cell of the second row


def halves(row: int, column: int, grid: tuple[int, int]) -> tuple[float, float, float, float]:
    return column * 50, row * 60, (column + 1) * 50, (row + 1) * 60


def written(words: list[str] = WORDS, first: int = 0, **changes) -> dict:
    """What a model wrote: word i looks at cell first + i."""
    attention = np.full((len(words), 8), 0.01)
    attention[range(len(words)), (first + np.arange(len(words))) % 8] = 0.93
    return {"words": words, "attention": attention, "log_probs": np.log(np.linspace(0.9, 0.5, len(words))), **changes}


def study(title: str = "CXR1", words: list[str] = WORDS, **changes) -> dict:
    reference = "No effusion. </title><b>bold</b>"
    image = np.full((120, 200), 90, np.uint8)
    return {"title": title, "image": image, **written(words), "rectangles": halves, "reference": reference, **changes}


def rich(title: str = "CXR3") -> dict:
    """A study with everything that one can have."""
    words = ["a", "nodule", ".", "enlarged", "heart", "."]
    choices = [[(word, 0.6), ("<b>", 0.3)] for word in words]
    choices[1] = [("mass", 0.5), ("lesion", 0.2)]
    more = {"name": "beam", **written(["a", "mass", "."], first=4)}
    other = {"view": "lateral", "image": np.full((200, 120), 40, np.uint8), "boxes": [("nodule", (20, 20, 60, 80))]}
    return study(
        title, words, name="greedy", reference="A nodule.", beta=np.linspace(0, 1, 6), alternatives=choices,
        boxes=[("nodule", BOX)], view="frontal", other=other, reports=[more],
    )  # fmt: skip


def both_views(**changes) -> dict:
    """Word i is written with an eye on cell i of the frontal view and cell i + 4 of the lateral one."""
    own, more = (
        written(attention=None),
        (written(first=first)["attention"] * share for first, share in ((0, 0.75), (4, 0.25))),
    )
    other = {"view": "lateral", "image": np.full((240, 120), 40, np.uint8), "rectangles": sideways}
    return study(**own | {"attention": np.concatenate(list(more), axis=1), "view": "frontal", "other": other} | changes)


def sideways(row: int, column: int, grid: tuple[int, int]) -> tuple[float, float, float, float]:
    return column * 30, row * 120, (column + 1) * 30, (row + 1) * 120


def prepared(*studies, size=512) -> list[browsing.Shown]:
    return browsing.prepare(studies, GRID, size)


def test_only_the_arrays_are_needed():
    (shown,) = prepared({key: value for key, value in study().items() if key != "reference"})
    (report,) = shown.reports
    assert (shown.reference, shown.other, report.beta, report.alternatives) == (None, None, None, None)
    assert report.marks == [None] * 3 and report.considered(0) == []
    np.testing.assert_allclose(report.probabilities, [0.9, 0.7, 0.5])


def test_large_images_are_shrunk_with_their_cells_and_boxes():
    (shown,) = prepared(rich(), size=100)
    assert shown.view.image.shape == (60, 100) and shown.other.image.shape == (100, 60)
    assert shown.view.boxes == (("nodule", (50, 30, 75, 60)),)
    assert shown.other.boxes == (("nodule", (10, 10, 30, 40)),)
    (cells,) = shown.reports[0].rectangles
    np.testing.assert_allclose(cells[0], [0, 0, 25, 30])
    assert browsing.frame([shown]) == (100, 100)


def test_a_sentence_shares_its_mean_attention():
    report = prepared(rich())[0].reports[0]
    assert report.sentences.tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_array_equal(report.weights(4), report.attention[4])
    for word in (3, 4, 5):
        np.testing.assert_allclose(report.weights(word, whole_sentence=True), report.attention[3:].mean(axis=0))


def test_the_written_word_is_among_the_considered():
    report = prepared(rich())[0].reports[0]
    assert report.considered(0) == [("a", 0.6), ("<b>", 0.3)]
    assert report.considered(1)[:2] == [("mass", 0.5), ("lesion", 0.2)]
    assert report.considered(1)[2] == ("nodule", pytest.approx(report.probabilities[1]))


def test_entropy_goes_from_one_cell_to_all_alike():
    even, one = np.full((1, 8), 1 / 8), np.eye(8)[:1]
    for attention, expected in ((even, 1), (one, 0)):
        report = prepared(study(words=["clear"], attention=attention))[0].reports[0]
        assert report.entropy[0] == pytest.approx(expected, abs=1e-9)


def test_reports_of_one_study_share_a_scale_and_have_their_own_marks_and_grid():
    own = {"grid": (1, 1), "rectangles": [(0, 0, 200, 120)], "attention": np.ones((3, 1))}
    given = rich()
    given["reports"] = [given["reports"][0] | own]
    (shown,) = prepared(given)
    greedy, beam = shown.reports
    assert (greedy.name, beam.name, shown.top) == ("greedy", "beam", 1.0)
    assert [cells.tolist() for cells in beam.rectangles] == [[[0, 0, 200, 120]]]
    assert [mark and mark.kind for mark in greedy.marks] == [None, "agrees", None, "invented", "invented", None]
    assert [mark.kind for mark in beam.reference_marks] == ["missed"]
    assert beam.beta is None and beam.alternatives is None  # those of the first report are not its own


def test_a_model_of_two_views_looks_at_both():
    (shown,) = prepared(both_views(), size=120)
    (report,) = shown.reports
    assert shown.top == pytest.approx(0.75 * 0.93)  # one scale for both
    np.testing.assert_allclose(report.rectangles[0][:2], [(0, 0, 30, 36), (30, 0, 60, 36)])
    np.testing.assert_allclose(report.rectangles[1][:2], [(0, 0, 15, 60), (15, 0, 30, 60)])
    for view, cell, weight in ((0, 2, 0.75 * 0.93), (1, 6, 0.25 * 0.93)):
        weights = report.weights(2, view=view)
        assert len(weights) == 8 and weights.argmax() == cell and weights.max() == pytest.approx(weight)
    np.testing.assert_allclose(report.weights(0, True, 1), report.attention[:, 8:].mean(axis=0))
    np.testing.assert_allclose(prepared(both_views(attention=np.full((3, 16), 1 / 16)))[0].reports[0].entropy, 1)


def test_a_model_of_two_views_and_a_study_of_one():
    weights = both_views()["attention"] * ([1] * 8 + [0] * 8)
    (report,) = prepared(both_views(attention=weights, other=None))[0].reports
    np.testing.assert_allclose(report.attention, weights[:, :8])
    with pytest.raises(ValueError, match="give `other` its rectangles, or show one view"):
        prepared(both_views(other=None))


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="no studies"):
        prepared()
    with pytest.raises(ValueError, match=r"CXR1: 3 words on a grid of 2 x 2 need attention of shape \(3, 4\)"):
        browsing.prepare([study()], (2, 2), 512)
    with pytest.raises(ValueError, match=r"or show one view: generation.of_view\(0\)"):
        prepared(study(attention=np.tile(study()["attention"], (1, 2))))
    with pytest.raises(ValueError, match="as many log_probs"):
        prepared(study(log_probs=[-1.0]))
    with pytest.raises(ValueError, match="CXR1: 3 words need as many beta, not 2"):
        prepared(study(beta=[0, 1]))
    with pytest.raises(ValueError, match="CXR1: 3 words need as many alternatives, not 0"):
        prepared(study(alternatives=[]))
    with pytest.raises(ValueError, match="CXR1: no words, log_probs to show"):
        prepared({key: value for key, value in study().items() if key not in ("words", "log_probs")})
    with pytest.raises(ValueError, match="different names, not model, model"):
        prepared(study(reports=[{"name": "model", **written()}]))
