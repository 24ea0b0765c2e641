"""The attention browser's pictures."""

import base64
import io

import numpy as np
import pytest
from PIL import Image
from test_browsing import prepared, rich, study

from mrg_helpers import pictures


def changed(picture, ground=90):
    """left, right, top, bottom of what is no longer the X-ray."""
    ys, xs = np.nonzero(np.abs(picture.astype(float) - ground).sum(-1) > 60)
    return xs.min(), xs.max(), ys.min(), ys.max()


@pytest.mark.parametrize("word, left", [(0, 0), (1, 50), (2, 100)])
def test_the_attention_lies_in_the_cell_of_its_word(word, left):
    (shown,) = prepared(study())
    assert changed(pictures.attention_picture(shown, shown.reports[0], word)) == (left, left + 49, 0, 59)


def test_smooth_attention_reaches_beyond_its_cell():
    (shown,) = prepared(study())
    smooth = pictures.attention_picture(shown, shown.reports[0], 1, smooth=True)
    left, right, top, bottom = changed(smooth)
    assert left < 45 and right > 105 and bottom > 65


def test_a_sentence_shows_the_cells_of_all_its_words():
    (shown,) = prepared(study())
    together = pictures.attention_picture(shown, shown.reports[0], 0, whole_sentence=True)
    assert changed(together) == (0, 149, 0, 59)


def test_without_opacity_or_words_it_is_the_xray():
    shown, empty = prepared(study(), study(words=[], reference=""))
    assert (pictures.attention_picture(shown, shown.reports[0], 0, opacity=0) == 90).all()
    assert (pictures.attention_picture(empty, empty.reports[0], 0) == 90).all()


def test_true_boxes_lie_where_the_finding_is():
    (shown,) = prepared(rich())
    plain, boxed = (pictures.attention_picture(shown, shown.reports[0], 0, opacity=0, boxes=on) for on in (False, True))
    assert (plain == 90).all()
    left, top, right, bottom = (int(side) for side in shown.view.boxes[0][1])
    assert (boxed[top + 5 : bottom - 20, [left, right]] == pictures.BOX).all()
    assert (boxed[bottom - 10, left + 6 : right - 5] == 90).all()  # inside it is the X-ray
    assert (boxed[:30] == 90).all()


def test_a_caption_stands_below_and_wraps():
    image = np.full((50, 200, 3), 90, np.uint8)
    one, many = (pictures.captioned(image, ["not for clinical use " * n]) for n in (1, 12))
    for picture in (one, many):
        assert (picture[:50] == image).all() and picture.shape[1] == 200
        assert picture[50:].min() < 60 and (picture[50:, -4:] == 255).all()  # written, and within the width
    assert many.shape[0] > one.shape[0] + 40


def test_pictures_are_packed_as_they_should_be():
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(pictures.png(image)))) == image).all()
    for some in (image, image[..., 0]):
        kind, _, packed = pictures.data_uri(some).partition(",")
        assert kind == "data:image/jpeg;base64"
        assert Image.open(io.BytesIO(base64.b64decode(packed))).size == (30, 20)
