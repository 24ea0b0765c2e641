"""The feature cache: killed, resumed, refused, full, and read."""

import errno
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mrg_helpers import extraction, features
from mrg_helpers.extraction import extract
from mrg_helpers.features import CacheError, FeatureCache
from mrg_helpers.whitening import channel_statistics, principal_components

N = 30


class TinyNetwork:
    """Stands in for an image network: a 2 x 3 grid of 4 numbers that follow from the image; ``pause`` makes it slow."""

    grid, channels, layer, image_size, fingerprint, precision = (2, 3), 4, "tiny", 12, "f0", "float32"
    name, weights = "tiny", SimpleNamespace(source="tiny", note="a note")

    def __init__(self, pause=0.0):
        self.pause = pause

    def __call__(self, grey):
        time.sleep(self.pause)
        cells = grey.reshape(len(grey), 2, 6, 3, 4).mean(axis=(2, 4)).reshape(len(grey), 6, 1).astype("float32")
        return np.concatenate([cells, cells**0.5, -cells, np.ones_like(cells)], axis=-1)


@pytest.fixture
def rows(tmp_path):
    return make_rows(tmp_path / "images")


def make_rows(folder):
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for k in range(N):
        if not (folder / f"{k}.png").exists():
            Image.fromarray(rng.integers(0, 256, (12, 12), "uint8")).save(folder / f"{k}.png")
    return pd.DataFrame(
        {
            "image_id": [f"study{k}" for k in range(N)],
            "path": [str(folder / f"{k}.png") for k in range(N)],
            "split": ["test" if k % 5 == 0 else "train" for k in range(N)],
        }
    )


def test_cache_holds_the_networks_answer_and_reads_it_standardised(rows, tmp_path):
    cache = extract(rows, tmp_path / "cache", TinyNetwork(), batch_size=7, progress=False)
    wanted = TinyNetwork()(extraction.load_images(rows["path"], 12, "pad"))
    assert cache.raw.shape == (N, 6, 4) and cache.raw.dtype == "float16"
    np.testing.assert_allclose(cache.raw, wanted, rtol=1e-3)
    train = cache.read(np.flatnonzero(rows["split"] == "train"))
    np.testing.assert_allclose(train.mean(axis=(0, 1)), 0, atol=1e-3)
    np.testing.assert_allclose(train.std(axis=(0, 1)), [1, 1, 1, 0], atol=1e-3)
    assert cache.index["study3"] == 3 and cache.grid == (2, 3) and cache.note == "a note"
    again = FeatureCache(tmp_path / "cache", {"layer": "tiny", "count": N})
    np.testing.assert_array_equal(again.raw, cache.raw)


def test_components_take_off_the_average_patient_and_whiten(tmp_path):
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(5, 4)) * [10, 1, 0.1, 0.01]
    anatomy = 30 * rng.normal(size=(6, 5))
    raw = (anatomy + rng.normal(size=(400, 6, 4)) @ mixing.T).astype("float16")  # four directions in five channels
    train = np.arange(300)
    mean, std = channel_statistics(raw, train)
    found = principal_components(raw, train, mean, std)
    assert (np.diff(found["variances"]) <= 0).all()
    np.testing.assert_allclose(found["vectors"].T @ found["vectors"], np.eye(5), atol=1e-4)
    whitened = ((raw - mean) / std - found["average"]) @ found["vectors"][:, :2] / np.sqrt(found["variances"][:2])
    np.testing.assert_allclose(np.cov(whitened[train].reshape(-1, 2).T), np.eye(2), atol=0.02)
    np.testing.assert_allclose(whitened[train].mean(axis=0), 0, atol=0.02)  # each region, over the patients


def test_a_cache_opened_with_components_reads_so_many(rows, tmp_path):
    extract(rows, tmp_path / "cache", TinyNetwork(), progress=False)
    some = FeatureCache(tmp_path / "cache", components=2)
    assert some.channels == 2 and some.read([0, 5]).shape == (2, 6, 2)
    most = FeatureCache(tmp_path / "cache", components=100)
    assert most.channels < 4, "channels that are multiples of each other, or constant, give no component"
    assert np.isfinite(most.read(range(N))).all()
    turned = np.arange(N)[::-1]
    np.testing.assert_allclose(most.read(turned), most.scale(most.raw[turned]), atol=1e-5)  # in parts and at once


KILLED = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from test_features import TinyNetwork, extract, make_rows
    extract(make_rows(Path({images!r})), {cache!r}, TinyNetwork(pause=0.02), batch_size=3, progress=False)
"""


def start_writer(tmp_path, cache):
    code = textwrap.dedent(KILLED).format(
        tests=str(Path(__file__).parent), images=str(tmp_path / "images"), cache=str(cache)
    )
    return subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parent.parent)


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX systems")
def test_ten_kills_and_a_resume_give_the_bytes_of_an_undisturbed_run(rows, tmp_path):
    whole = extract(rows, tmp_path / "whole", TinyNetwork(), batch_size=3, progress=False)
    folder, rng = tmp_path / "killed", np.random.default_rng(0)
    seen = []
    for _ in range(10):
        writer = start_writer(tmp_path, folder)
        deadline = time.time() + 60
        while not (folder / ".lock").exists() and time.time() < deadline:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.12))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        if (folder / "manifest.json").exists():
            seen.append(features.read_manifest(folder)["done"])
            if seen[-1] < N:
                with pytest.raises(CacheError, match=f"only {seen[-1]} of {N}"):
                    FeatureCache(folder)
    assert seen == sorted(seen)
    resumed = extract(rows, folder, TinyNetwork(), batch_size=3, progress=False)
    assert (folder / "features.npy").read_bytes() == (tmp_path / "whole" / "features.npy").read_bytes()
    assert resumed.manifest == whole.manifest


def test_a_second_writer_waits_and_says_so(rows, tmp_path, capsys):
    folder = tmp_path / "cache"
    writer = start_writer(tmp_path, folder)
    deadline = time.time() + 60
    while not (folder / "manifest.json").exists() and time.time() < deadline:
        time.sleep(0.01)
    cache = extract(rows, folder, TinyNetwork(), batch_size=3, progress=False)
    assert writer.wait() == 0
    assert cache.manifest["done"] == N
    assert "another process is working here" in capsys.readouterr().out


def test_a_full_disk_is_reported_and_what_is_done_stays(rows, tmp_path, monkeypatch):
    whole = extract(rows, tmp_path / "whole", TinyNetwork(), batch_size=4, progress=False)
    calls, fsync = [], os.fsync

    def full(number):
        calls.append(number)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(number)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError, match="disk is full after 8 of 30 images"):
        extract(rows, tmp_path / "cache", TinyNetwork(), batch_size=4, progress=False)
    resumed = extract(rows, tmp_path / "cache", TinyNetwork(), batch_size=4, progress=False)
    np.testing.assert_array_equal(resumed.raw, whole.raw)


def test_too_little_room_is_said_before_anything_is_written(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(extraction.shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(CacheError, match="make room"):
        extract(rows, tmp_path / "cache", TinyNetwork(), progress=False)
    assert not (tmp_path / "cache" / "features.npy").exists()


@pytest.mark.parametrize("change", ["image", "split", "layer", "network", "resize", "precision", "none"])
def test_a_cache_of_something_else_is_refused(rows, tmp_path, change):
    extract(rows, tmp_path / "cache", TinyNetwork(), progress=False)
    network, resize = TinyNetwork(), "pad"
    if change == "image":
        Image.fromarray(np.zeros((12, 12), "uint8")).save(rows["path"][7])
    elif change == "split":
        rows.loc[1, "split"] = "test"
    elif change == "layer":
        network.layer = "other"
    elif change == "network":
        network.name = "other"
    elif change == "precision":
        network.precision = "bfloat16"
    elif change == "none":  # a cache from before there was another precision
        manifest = features.read_manifest(tmp_path / "cache")
        del manifest["precision"]
        features.write_manifest(tmp_path / "cache", manifest)
    else:
        resize = "squash"
    with pytest.raises(CacheError, match="was made with"):
        extract(rows, tmp_path / "cache", network, resize, progress=False)


def test_wrong_input_is_named(rows, tmp_path):
    with pytest.raises(CacheError, match="no feature cache"):
        FeatureCache(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="training split"):
        extract(rows.assign(split="test"), tmp_path / "cache", TinyNetwork())
    with pytest.raises(ValueError, match="stands twice"):
        extract(pd.concat([rows, rows]), tmp_path / "cache", TinyNetwork())
    Path(rows["path"][4]).write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"4\.png"):
        extract(rows, tmp_path / "cache", TinyNetwork(), progress=False)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(CacheError, match="manifest.json"):
        FeatureCache(broken)


def test_features_that_do_not_fit_float16_are_refused(rows, tmp_path):
    class Loud(TinyNetwork):
        def __call__(self, grey):
            return super().__call__(grey) * 1e6

    with pytest.raises(CacheError, match="beyond float16"):
        extract(rows, tmp_path / "cache", Loud(), progress=False)


@pytest.mark.parametrize("components", [0, 2])
def test_pooled_features_are_the_mean_of_what_is_read_and_new_images_are_scaled_alike(rows, tmp_path, components):
    extract(rows, tmp_path / "cache", TinyNetwork(), progress=False)
    cache = FeatureCache(tmp_path / "cache", components=components)
    some = [3, 0, 29, 3]
    assert np.allclose(cache.pooled(some, chunk=2), cache.read(some).mean(axis=1), atol=1e-4)
    assert cache.pooled([]).shape == (0, cache.channels)
    assert np.array_equal(cache.scale(cache.raw[some].astype("float32")), cache.read(some))
