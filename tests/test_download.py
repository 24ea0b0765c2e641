"""Downloads against a local server that misbehaves, archives that mean harm, and the two archives of Open-i."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import stat
import tarfile
import threading
import zipfile

import pytest

from mrg_helpers import download
from mrg_helpers.download import ArchiveError, DownloadError, fetch, prepare_iu_xray, unpack

CONTENT = bytes(range(256)) * 4000  # about 1 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves ``files``; each entry of ``plan`` spoils one answer: a number of bytes after which it hangs up, or a status."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.plan, self.ranges, self.asked = {"/x.bin": CONTENT}, [], True, []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, wanted = self.server, self.headers.get("Range")
        server.asked.append(wanted)
        spoilt = server.plan.pop(0) if server.plan else None
        body = server.files.get(self.path)
        if body is None or isinstance(spoilt, str):
            return self.send_error(int(spoilt or 404))
        start = int(wanted[6:].rstrip("-")) if wanted and server.ranges else 0
        if start >= len(body) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            return self.end_headers()
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start:] if spoilt is None else body[start : start + spoilt])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSE", 0.001)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def get(server, tmp_path, name="x.bin", **kwargs):
    return fetch(f"{server.url}/{name}", tmp_path / name, progress=False, **kwargs)


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_file_arrives_and_is_recorded(server, tmp_path):
    path = get(server, tmp_path, sha256=SHA256.upper())
    assert path.read_bytes() == CONTENT
    record = json.loads((tmp_path / "x.bin.json").read_text())
    assert record == {"url": f"{server.url}/x.bin", "bytes": len(CONTENT), "sha256": SHA256}
    assert names(tmp_path) == ["x.bin", "x.bin.json"]
    get(server, tmp_path)
    assert len(server.asked) == 1  # what is there is not fetched again


@pytest.mark.parametrize("ranges", [True, False])
def test_a_connection_that_drops_half_way_is_taken_up(server, tmp_path, ranges):
    server.plan, server.ranges = [len(CONTENT) // 2, 200_000], ranges
    assert get(server, tmp_path).read_bytes() == CONTENT
    first, second, third = server.asked
    assert first is None and 0 < len(CONTENT) // 2 - int(second[6:-1]) < 2**14
    assert (int(third[6:-1]) > int(second[6:-1])) == ranges


def test_a_later_call_goes_on_from_the_part(server, tmp_path):
    server.plan = [50_000, *[0] * download.ATTEMPTS]
    with pytest.raises(DownloadError, match="x.bin.*run this again"):
        get(server, tmp_path)
    arrived = (tmp_path / "x.bin.part").read_bytes()
    assert 30_000 < len(arrived) <= 50_000 and CONTENT.startswith(arrived) and not (tmp_path / "x.bin").exists()
    server.asked.clear()
    server.plan = []
    assert get(server, tmp_path).read_bytes() == CONTENT
    assert server.asked == [f"bytes={len(arrived)}-"]


def test_a_part_that_is_whole_or_too_long_is_sorted_out(server, tmp_path):
    (tmp_path / "x.bin.part").write_bytes(CONTENT)
    assert get(server, tmp_path).read_bytes() == CONTENT
    (tmp_path / "x.bin").unlink()
    (tmp_path / "x.bin.part").write_bytes(CONTENT + b"more")
    assert get(server, tmp_path).read_bytes() == CONTENT


def test_server_errors_are_tried_again_and_refusals_are_not(server, tmp_path):
    server.plan = ["503", "500"]
    assert get(server, tmp_path).read_bytes() == CONTENT
    server.asked.clear()
    with pytest.raises(DownloadError, match="nothing.bin.*404"):
        get(server, tmp_path, "nothing.bin")
    assert len(server.asked) == 1 and not (tmp_path / "nothing.bin").exists()


def test_a_wrong_checksum_leaves_nothing_to_go_on_from(server, tmp_path):
    with pytest.raises(DownloadError, match="SHA-256.*again"):
        get(server, tmp_path, sha256="0" * 64)
    assert names(tmp_path) == []
    (tmp_path / "x.bin").write_bytes(b"put here by hand")
    with pytest.raises(DownloadError, match="SHA-256"):
        get(server, tmp_path, sha256=SHA256)
    assert (tmp_path / "x.bin").read_bytes() == b"put here by hand"  # not ours to delete


def test_no_server_at_all_is_one_clear_error(monkeypatch, tmp_path):
    monkeypatch.setattr(download, "PAUSE", 0.001)
    with pytest.raises(DownloadError, match="no connection after"):
        fetch("http://127.0.0.1:9/x.bin", tmp_path / "x.bin", progress=False)


def tgz(path, members):
    """Write a .tgz of (name or TarInfo, content)."""
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_good_archives_are_unpacked(tmp_path):
    folder = unpack(tgz(tmp_path / "a.tgz", [("./d/x.txt", b"x"), ("y.txt", b"y")]), tmp_path / "tar", progress=False)
    assert names(folder) == ["d", "d/x.txt", "y.txt"] and (folder / "d" / "x.txt").read_bytes() == b"x"
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("d/", "")
        zipped.writestr("d/x.txt", "x")
    assert names(unpack(tmp_path / "a.zip", tmp_path / "zip", progress=False)) == ["d", "d/x.txt"]
    with pytest.raises(FileExistsError, match="tar.*delete"):
        unpack(tmp_path / "a.tgz", tmp_path / "tar", progress=False)


@pytest.mark.parametrize(
    "bad",
    [
        "../evil.txt",
        "d/../../evil.txt",
        "/evil.txt",
        "C:/evil.txt",
        "..\\evil.txt",
        special("link", tarfile.SYMTYPE, "/etc/passwd"),
        special("link", tarfile.LNKTYPE, "good.txt"),
        special("pipe", tarfile.FIFOTYPE),
        special("device", tarfile.CHRTYPE),
    ],
    ids=lambda bad: bad if isinstance(bad, str) else f"{bad.name} {bad.linkname} {bad.type}",
)
def test_a_tar_that_means_harm_is_refused_as_a_whole(tmp_path, bad):
    (tmp_path / "in").mkdir()
    archive = tgz(tmp_path / "in" / "bad.tgz", [("good.txt", b"x"), (bad, b"")])
    with pytest.raises(ArchiveError, match="bad.tgz.*not unpacked"):
        unpack(archive, tmp_path / "in" / "out", progress=False)
    assert names(tmp_path) == ["in", "in/bad.tgz"]


@pytest.mark.parametrize("bad", ["../evil.txt", "/evil.txt", "link"])
def test_a_zip_that_means_harm_is_refused_as_a_whole(tmp_path, bad):
    info = zipfile.ZipInfo(bad)
    if bad == "link":
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as zipped:
        zipped.writestr("good.txt", "x")
        zipped.writestr(info, "/etc/passwd")
    with pytest.raises(ArchiveError, match="bad.zip.*not unpacked"):
        unpack(tmp_path / "bad.zip", tmp_path / "out", progress=False)
    assert names(tmp_path) == ["bad.zip"]


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_truncated_archive_is_named_and_leaves_nothing(tmp_path, share):
    content = hashlib.shake_256(b"noise").digest(200_000)
    archive = tgz(tmp_path / "a.tgz", [(f"{i}.txt", content[i:]) for i in range(5)])
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ArchiveError, match="a.tgz.*damaged.*again"):
        unpack(archive, tmp_path / "out", progress=False)
    assert names(tmp_path) == ["a.tgz"]


@pytest.fixture
def small_collection(server, tmp_path, monkeypatch):
    """Open-i in small: 3 reports and 4 images, served; returns the folder to prepare."""
    small = [(archive, folder, suffix, 3 if suffix == ".xml" else 4) for archive, folder, suffix, _ in download.IU_XRAY]
    monkeypatch.setattr(download, "IU_XRAY", small)
    reports = tgz(tmp_path / "r", [(f"ecgen-radiology/{i}.xml", b"<x/>") for i in range(3)])
    pictures = tgz(tmp_path / "p", [(f"CXR{i}.png", b"png") for i in range(4)])
    server.files = {"/c/NLMCXR_reports.tgz": reports.read_bytes(), "/c/NLMCXR_png.tgz": pictures.read_bytes()}
    return tmp_path / "iu_xray"


def test_the_collection_is_prepared_once(server, small_collection):
    for _ in range(2):
        assert prepare_iu_xray(small_collection, f"{server.url}/c/", progress=False) == small_collection
    assert len(server.asked) == 2
    assert len(list(small_collection.rglob("*.xml"))) == 3 and len(list(small_collection.rglob("*.png"))) == 4
    record = json.loads((small_collection / "NLMCXR_png.tgz.json").read_text())
    assert record["sha256"] == hashlib.sha256(server.files["/c/NLMCXR_png.tgz"]).hexdigest()


def test_archives_placed_by_hand_need_no_network(server, small_collection):
    small_collection.mkdir()
    for name, content in server.files.items():
        (small_collection / name.rpartition("/")[2]).write_bytes(content)
    prepare_iu_xray(small_collection, "http://127.0.0.1:9/", progress=False)
    assert len(list(small_collection.rglob("*.png"))) == 4 and not server.asked


def test_without_network_the_error_says_what_to_put_where(small_collection):
    with pytest.raises(DownloadError) as error:
        prepare_iu_xray(small_collection, "http://127.0.0.1:9/c", progress=False)
    assert "http://127.0.0.1:9/c/NLMCXR_reports.tgz" in str(error.value)
    assert str(small_collection / "NLMCXR_reports.tgz") in str(error.value)


def test_wrong_counts_are_told(server, small_collection, tmp_path):
    server.files["/c/NLMCXR_reports.tgz"] = tgz(tmp_path / "r2", [("1.xml", b"")]).read_bytes()
    with pytest.raises(ArchiveError, match="1 .xml files, expected 3"):
        prepare_iu_xray(small_collection, f"{server.url}/c", progress=False)
    with pytest.raises(ArchiveError, match="holds 1 of 3 .xml files; delete"):
        prepare_iu_xray(small_collection, f"{server.url}/c", progress=False)


def test_the_real_counts_are_those_of_the_collection():
    assert {(archive, n) for archive, _, _, n in download.IU_XRAY} == {
        ("NLMCXR_reports.tgz", 3955),
        ("NLMCXR_png.tgz", 7470),
    }
    assert download.OPEN_I.startswith("https://openi.nlm.nih.gov/")
