"""The edges of a grid, also where its cells lie in the padding; more about heat-maps stands in test_plots.py."""

import numpy as np
import pytest

from mrg_helpers import heatmaps, images


@pytest.mark.parametrize("shape", [(30, 100), (100, 30), (64, 64)])
def test_the_rows_and_columns_of_a_padded_image_are_found(shape):
    fit = images.Fit(*shape, 224, "pad")
    rectangles = heatmaps.cell_rectangles(fit.box, (8, 8))
    rows, columns = heatmaps.edges(rectangles)
    assert rows.shape == columns.shape == (8, 2)
    assert (rows[0, 0], rows[-1, 1], columns[0, 0], columns[-1, 1]) == (0, shape[0], 0, shape[1])
    for smooth in (False, True):
        heat = heatmaps.spread(np.full(64, 1 / 64), rectangles, shape, smooth)
        assert heat.shape == shape
        np.testing.assert_allclose(heat, 1 / 64, rtol=1e-5)


@pytest.mark.parametrize("grid", [(1, 3), (3, 1), (1, 1)])
def test_a_single_row_or_column(grid):
    boxes = [(c * 5, r * 5, c * 5 + 5, r * 5 + 5) for r in range(grid[0]) for c in range(grid[1])]
    rows, columns = heatmaps.edges(np.array(boxes, float))
    assert (len(rows), len(columns)) == grid


# What somebody sees who has no red or no green cones, from linear RGB (Machado et al., 2009).
SEEN = {
    "all colours": np.eye(3),
    "no red cones": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "no green cones": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


@pytest.mark.parametrize("eyes", SEEN)
@pytest.mark.parametrize("name", heatmaps.COLOUR_MAPS[:3])
def test_more_attention_is_lighter_for_all_eyes(name, eyes):
    linear = (heatmaps.colours_of(name) / 255.0) ** 2.2  # (256, 3)
    light = linear @ np.transpose(SEEN[eyes]) @ [0.2126, 0.7152, 0.0722]
    steps = np.diff(light[::15])
    assert len(steps) == 17 and (steps > 0).all(), f"{name}: not lighter step by step"


def test_what_got_no_attention_stays_as_it_was():
    image = np.full((4, 6), 120, np.uint8)
    heat = np.zeros((4, 6))
    heat[1, 2] = 0.5
    painted = heatmaps.overlay(image, heat, top=0.5, opacity=1)
    assert painted[1, 2].tolist() == heatmaps.colours_of("plasma")[255].tolist()
    painted[1, 2] = 120
    assert (painted == 120).all()
    assert (heatmaps.overlay(image, heat * 0, top=0) == 120).all()
