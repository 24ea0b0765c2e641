"""Near copies of texts and of X-rays."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mrg_helpers import images, similar


def invented(rng, words=60, low=0, high=40):
    """A text of random words out of few, so that some texts share some sequences."""
    return " ".join(f"w{k}" for k in rng.integers(0, words, rng.integers(low, high)))


def alike(first, second):
    a, b = similar.shingles(first), similar.shingles(second)
    return len(a & b) / len(a | b) if a and b else 0.0


@pytest.mark.parametrize("threshold", [0.3, 0.56, 0.7, 1.0])
def test_the_index_finds_what_comparing_everything_finds(threshold):
    rng = np.random.default_rng(0)
    pool = [invented(rng) for _ in range(120)]
    copies = []
    for text in pool[:80]:  # up to four words replaced, some cut
        words = text.split()
        for k in rng.integers(0, max(len(words), 1), rng.integers(0, 5)) if words else ():
            words[k] = "new"
        copies.append(" ".join(words[rng.integers(0, 3) :]))
    index = similar.TextIndex(pool, threshold)
    found = 0
    for text in copies + pool[80:90] + [invented(rng) for _ in range(40)]:
        best = max(alike(text, other) for other in pool)
        hit = index.closest(text)
        assert (hit is not None) == (best >= threshold), (text, best, hit)
        if hit:
            found += 1
            assert hit[1] == pytest.approx(best) and alike(text, pool[hit[0]]) == pytest.approx(best)
    assert 5 < found < 120


def test_texts_without_words_have_no_copy():
    index = similar.TextIndex(["", ".", "No acute disease."])
    assert index.closest("") is None and index.closest(" . ") is None
    assert index.closest("no acute disease") == (2, 1.0)
    assert similar.TextIndex([]).closest("No acute disease.") is None


@pytest.mark.parametrize("threshold", [0, -1, 1.5])
def test_a_threshold_is_a_share(threshold):
    with pytest.raises(ValueError, match="share"):
        similar.TextIndex([], threshold)


def picture(seed, size=(300, 240)):
    """Soft blobs with some grain, as grey values."""
    rng = np.random.default_rng(seed)
    soft = Image.fromarray(rng.integers(30, 200, (7, 6)).astype("uint8")).resize(size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(soft) + rng.normal(0, 3, size[::-1]), 0, 255).astype("uint8")


def changed(grey, how):
    image = Image.fromarray(grey)
    if how == "smaller":
        return image.resize((90, 72), Image.Resampling.BILINEAR)
    if how == "larger":
        return image.resize((500, 500))
    if how == "jpeg":
        poor = io.BytesIO()
        image.save(poor, "JPEG", quality=30)
        return Image.open(poor)
    if how == "brighter":
        return Image.fromarray(np.clip(grey * 0.8 + 40, 0, 255).astype("uint8"))
    return Image.fromarray(np.rint(255 * (grey / 255) ** 0.8).astype("uint8"))


@pytest.mark.parametrize("how", ["smaller", "larger", "jpeg", "brighter", "gamma"])
def test_a_changed_copy_looks_like_its_original_and_like_no_other(tmp_path, how):
    for seed in range(6):
        Image.fromarray(picture(seed)).save(tmp_path / f"{seed}.png")
        changed(picture(seed), how).save(tmp_path / f"{seed}-copy.png")
    originals = np.array([similar.outline(tmp_path / f"{seed}.png") for seed in range(6)])
    copies = np.array([similar.outline(tmp_path / f"{seed}-copy.png") for seed in range(6)])
    assert [(row, match) for row, match, _ in similar.alike_images(copies, originals)] == [(k, k) for k in range(6)]
    for k in range(6):
        assert similar.alike_images(copies[[k]], np.delete(originals, k, axis=0), least=0.7) == []


def test_the_most_similar_is_found_whatever_the_blocks():
    rng = np.random.default_rng(0)
    pool = rng.normal(size=(50, 40))
    mine = np.concatenate([pool[[49, 3]] + 0.1 * rng.normal(size=(2, 40)), rng.normal(size=(1, 40))])
    pool[20] = mine[1]
    mine, pool = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in (mine, pool))
    for block in (1, 7, 100):
        found = similar.alike_images(mine, pool, block=block)
        assert [hit[:2] for hit in found] == [(0, 49), (1, 20)]
        assert found[1][2] == pytest.approx(1) and 0.9 < found[0][2] < 1
    assert similar.alike_images(mine, pool[:0]) == []


def test_a_uniform_image_looks_like_nothing(tmp_path):
    Image.new("L", (80, 80), 7).save(tmp_path / "black.png")
    black = similar.outline(tmp_path / "black.png")
    assert not black.any() and similar.alike_images(black[None], black[None]) == []


def test_a_broken_file_is_no_picture(tmp_path):
    (tmp_path / "x.png").write_bytes(b"no picture")
    with pytest.raises(images.ImageError, match=r"x\.png"):
        similar.outline(tmp_path / "x.png")
