"""Reading images of every kind, fitting them into the square, and the way back onto the original."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from mrg_helpers import images
from mrg_helpers.images import Fit, ImageError

WIDE, TALL, SQUARE = (300, 900), (1100, 400), (640, 640)


def ramp(height: int = 40, width: int = 60) -> np.ndarray:
    return np.linspace(0, 255, height * width).reshape(height, width).astype(np.uint8)


@pytest.mark.parametrize(
    "mode, suffix",
    [(m, "png") for m in ("L", "RGB", "1", "P", "LA", "RGBA")] + [(m, "jpg") for m in ("L", "RGB", "CMYK")],
)
def test_every_kind_of_8_bit_image_becomes_grey(tmp_path, mode, suffix):
    path = tmp_path / f"x.{suffix}"
    Image.fromarray(ramp()).convert(mode).save(path)
    grey = images.read(path)
    assert grey.shape == (40, 60) and grey.dtype == np.uint8
    assert grey[-5:].mean() > 200 > 55 > grey[:5].mean()


def test_16_bit_values_are_stretched_by_their_own_range(tmp_path):
    deep = np.linspace(1000, 5000, 2400).reshape(40, 60).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    grey = images.read(tmp_path / "deep.png")
    assert grey.min() == 0 and grey.max() == 255
    assert np.abs(grey.astype(int) - np.rint((deep - 1000.0) * 255 / 4000).astype(int)).max() <= 1
    Image.fromarray(np.full((5, 5), 777, np.uint16)).save(tmp_path / "flat.png")
    assert not images.read(tmp_path / "flat.png").any()


def test_8_bit_values_are_kept_as_they_are(tmp_path):
    dim = (ramp() // 4 + 50).astype(np.uint8)
    Image.fromarray(dim).save(tmp_path / "dim.png")
    assert np.array_equal(images.read(tmp_path / "dim.png"), dim)


def test_transparent_parts_are_black(tmp_path):
    pixels = np.full((10, 10, 4), 255, np.uint8)
    pixels[:, :5, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "alpha.png")
    grey = images.read(tmp_path / "alpha.png")
    assert (grey[:, :5] == 0).all() and (grey[:, 5:] == 255).all()

    palette = Image.new("P", (2, 4))
    palette.putdata([0, 1] * 4)
    palette.putpalette([255, 255, 255, 200, 200, 200])
    palette.save(tmp_path / "palette.png", transparency=0)
    assert images.read(tmp_path / "palette.png")[0].tolist() == [0, 200]


@pytest.mark.parametrize("orientation, turn", [(1, 0), (3, 2), (6, -1), (8, 1)])
def test_exif_rotation_is_applied_to_pixels_and_size(tmp_path, orientation, turn):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(ramp()).save(path, exif=exif)
    assert np.array_equal(images.read(path), np.rot90(ramp(), turn))
    assert images.size_of(path) == images.read(path).shape == np.rot90(ramp(), turn).shape


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_rotation_behind_the_pixels_of_a_png_counts(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = exif.tobytes()[6:]  # without the mark that JPEG files want
    chunk = b"eXIf" + data
    chunk = struct.pack(">I", len(data)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    path = tmp_path / "late.png"
    Image.fromarray(ramp()).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-12] + chunk + whole[-12:])  # before IEND
    assert images.size_of(path) == images.read(path).shape == ((60, 40) if orientation == 6 else (40, 60))


def test_the_size_is_told_without_the_pixels(tmp_path):
    for suffix in ("png", "jpg"):
        path = tmp_path / f"cut.{suffix}"
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300)).astype(np.uint8)).save(path)
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        assert images.size_of(path) == (200, 300)


def test_a_damaged_rotation_is_one_error_that_names_the_file(tmp_path):
    path = tmp_path / "exif.png"
    Image.fromarray(ramp()).save(path, exif=b"Exif\x00\x00no directory at all")
    for use in (images.size_of, images.read):
        with pytest.raises(ImageError, match="exif.png.*damaged"):
            use(path)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_truncated_file_is_named_by_read_and_by_check(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200)).astype(np.uint8)
    path = tmp_path / f"cut.{suffix}"
    Image.fromarray(noise).save(path)
    images.check(path)
    whole = path.read_bytes()
    for share in (0.9, 0.5, 0.1):
        path.write_bytes(whole[: int(len(whole) * share)])
        for use in (images.read, images.check):
            with pytest.raises(ImageError, match=f"cut.{suffix}.*again"):
                use(path)


def test_check_accepts_a_whole_jpeg_with_something_behind_it(tmp_path):
    path = tmp_path / "tail.jpg"
    Image.fromarray(ramp()).save(path)
    path.write_bytes(path.read_bytes() + b"\x00" * 500)
    images.check(path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"GIF89a" + b"\x00" * 40, bytes(128) + b"DICM" + bytes(99), b"\x89PNG\r\n"]
)
@pytest.mark.parametrize("use", [images.read, images.size_of, images.check])
def test_a_foreign_file_raises_one_error_that_names_it(tmp_path, content, use):
    path = tmp_path / "foreign.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match="foreign.png.*(convert|again)"):
        use(path)


def test_missing_and_dicom_files_are_called_so(tmp_path):
    with pytest.raises(ImageError, match="nowhere.png.*no such"):
        images.read(tmp_path / "nowhere.png")
    with pytest.raises(ImageError, match="no such"):
        images.read(tmp_path)
    (tmp_path / "x.png").write_bytes(bytes(128) + b"DICM" + bytes(99))
    with pytest.raises(ImageError, match="DICOM"):
        images.read(tmp_path / "x.png")


@pytest.mark.parametrize("side", [9_000, 20_000])
def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path, side):
    buffer = io.BytesIO()
    Image.new("1", (side, side)).save(buffer, "PNG")
    (tmp_path / "huge.png").write_bytes(buffer.getvalue())
    with pytest.raises(ImageError, match="huge.png.*million pixels.*smaller"):
        images.read(tmp_path / "huge.png")


@pytest.mark.parametrize("shape", [WIDE, TALL, SQUARE])
@pytest.mark.parametrize("mode", ["pad", "squash"])
@pytest.mark.parametrize("grid", [(8, 8), (5, 9), (14, 18)])
def test_a_planted_square_comes_back_within_a_pixel(shape, mode, grid):
    """Paint the rectangle of a cell white, fit, measure the white, and map it back: every edge within a pixel."""
    how = Fit(*shape, 288, mode)
    planted = 0
    for row in range(grid[0]):
        for col in range(grid[1]):
            left, top, right, bottom = how.box(row, col, grid)
            if right - left < 8 or bottom - top < 8:  # in the padding, or a sliver at the edge of it
                continue
            image = np.zeros(shape, np.uint8)
            image[round(top) : round(bottom), round(left) : round(right)] = 255
            square, same = images.fit(image, 288, mode)
            assert same == how
            white = square / 255
            height, width = white.sum(0).max(), white.sum(1).max()  # antialiased edges count as parts of pixels
            y, x = (np.indices(white.shape) + 0.5).reshape(2, -1) @ white.ravel() / white.sum()
            found = how.to_image(x - width / 2, y - height / 2) + how.to_image(x + width / 2, y + height / 2)
            assert np.allclose(found, (left, top, right, bottom), atol=1), (row, col)
            planted += 1
    assert planted >= 9


@pytest.mark.parametrize("shape", [WIDE, TALL, SQUARE])
@pytest.mark.parametrize("mode", ["pad", "squash"])
def test_a_square_planted_anywhere_is_seen_by_the_cells_that_map_to_it(shape, mode):
    image = np.zeros(shape, np.uint8)
    top, left = shape[0] // 3, shape[1] // 2
    image[top : top + 60, left : left + 60] = 255
    square, how = images.fit(image, 256, mode)
    seen = square.reshape(16, 16, 16, 16).mean((1, 3)) > 127
    for row, col in np.argwhere(seen):
        x0, y0, x1, y1 = how.box(row, col, (16, 16))
        assert x0 < left + 60 and x1 > left and y0 < top + 60 and y1 > top
    x, y = how.to_network(left + 30, top + 30)
    assert square[int(y), int(x)] == 255


@pytest.mark.parametrize("shape", [WIDE, TALL, SQUARE, (1, 500), (3, 2)])
@pytest.mark.parametrize("mode", ["pad", "squash"])
def test_points_go_there_and_back_and_the_cells_tile_the_image(shape, mode):
    how = Fit(*shape, 299, mode)
    for x, y in [(0, 0), (1.5, 0.25), (shape[1], shape[0])]:
        assert np.allclose(how.to_image(*how.to_network(x, y)), (x, y))
    assert np.allclose(how.to_network(*how.extent[:2]) + how.to_network(*how.extent[2:]), (0, 0, 299, 299))
    boxes = [how.box(row, col, (7, 11)) for row in range(7) for col in range(11)]
    assert np.isclose(sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in boxes), shape[0] * shape[1])
    assert all(0 <= x0 <= x1 <= shape[1] and 0 <= y0 <= y1 <= shape[0] for x0, y0, x1, y1 in boxes)


def test_pad_keeps_the_shape_and_squash_fills_the_square():
    white = np.full(WIDE, 255, np.uint8)
    padded, how = images.fit(white, 300, "pad")
    assert how.visible_box == (0, 100, 300, 200)
    assert (padded[100:200] == 255).all() and not padded[:100].any() and not padded[200:].any()
    assert (images.fit(white, 300, "squash")[0] == 255).all()


def test_shrinking_is_antialiased():
    stripes = np.zeros((900, 900), np.uint8)
    stripes[:, ::2] = 255
    small, _ = images.fit(stripes, 90)
    assert np.abs(small.astype(int) - 127).max() < 20


def test_fit_refuses_what_read_would_not_give():
    with pytest.raises(ValueError, match="images.read"):
        images.fit(np.zeros((4, 4, 3), np.uint8), 8)
    with pytest.raises(ValueError, match="images.read"):
        images.fit(np.zeros((4, 4)), 8)
    with pytest.raises(ValueError, match="pad, squash"):
        images.fit(np.zeros((4, 4), np.uint8), 8, "crop")


def test_real_images_are_read(shared):
    paths = [*(shared / "iu_xray" / "images").glob("*.png"), *sorted((shared / "cxr_notes" / "images").iterdir())[::8]]
    assert len(paths) > 30
    for path in paths:
        images.check(path)
        grey = images.read(path)
        assert grey.shape == images.size_of(path) and grey.std() > 10, path.name
