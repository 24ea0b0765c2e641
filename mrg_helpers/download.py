"""Fetch, verify, resume and unpack archives, safely; and the two archives of the Indiana University collection."""

from __future__ import annotations

import errno
import hashlib
import json
import lzma
import os
import shutil
import stat
import tarfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import requests
from tqdm import tqdm

from . import paths

OPEN_I = "https://openi.nlm.nih.gov/imgs/collections/"
# archive, folder it goes to, suffix and number of the files in it
IU_XRAY = (("NLMCXR_reports.tgz", "NLMCXR_reports", ".xml", 3955), ("NLMCXR_png.tgz", "NLMCXR_png", ".png", 7470))
ATTEMPTS = 5  # in a row without a new byte
PAUSE = 1.0  # seconds before the second attempt, doubled each time
TIMEOUT = 30.0  # seconds without an answer
_CHUNK = 1 << 14  # bytes; a part of a chunk is lost when the connection breaks


class DownloadError(OSError):
    """A file that could not be downloaded; the message says from where, why, and what to do."""


class ArchiveError(ValueError):
    """An archive that is damaged or holds something unsafe; nothing of it was unpacked."""


def fetch(url: str, path: str | os.PathLike, sha256: str | None = None, progress: bool = True) -> Path:
    """Download a file; a file that is there already, by whatever way, is kept.

    What has arrived is kept as ``<path>.part`` and taken up again, in this call and in later ones, also where the server
    cannot resume (then it starts anew). ``path`` appears only when it is whole; its address, size and SHA-256 are
    recorded beside it as ``<path>.json``.

    Args:
        url: the address.
        path: where to put the file.
        sha256: what it must be, in hexadecimal digits; None records it without a check.
        progress: show a progress bar.

    Raises:
        DownloadError: if the server refuses, the connection keeps breaking, the disk is full, or the SHA-256 differs.
    """
    path = Path(path)
    part, record = path.with_name(path.name + ".part"), path.with_name(path.name + ".json")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        how = {"unit": "B", "unit_scale": True, "unit_divisor": 1024, "disable": not progress}
        with tqdm(desc=path.name, delay=2, **how) as bar:  # an empty bar of a machine that is offline would say nothing
            _complete(url, part, bar)
        try:
            _verify(part, sha256)
        except DownloadError:
            part.unlink()  # or the next call would go on from it
            raise
        os.replace(part, path)
    elif record.exists() and sha256 is None:
        return path
    content = {"url": url, "bytes": path.stat().st_size, "sha256": _verify(path, sha256)}
    paths.write_text(record, json.dumps(content, indent=1) + "\n")
    return path


def _complete(url: str, part: Path, bar: tqdm) -> None:
    """Ask for the rest of ``part`` until it is whole."""
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        offline = False
        try:
            if _receive(url, part, bar):
                return
            problem = "the connection broke"
        except DownloadError:
            raise
        except requests.RequestException as error:
            problem = f"{type(error).__name__}: {error}"
            offline = isinstance(error, requests.ConnectionError) and not part.exists()
        except OSError as error:
            why = "the disk is full" if error.errno == errno.ENOSPC else str(error)
            raise DownloadError(f"{part}: {why}; make room and run this again, it goes on from here") from error
        arrived = part.exists() and part.stat().st_size > before
        failures = 1 if arrived else failures + 1
        # A server that never answered will hardly do so now: most likely the machine is offline.
        if failures >= (2 if offline else ATTEMPTS):
            raise DownloadError(f"{url}: no connection after {failures} attempts ({problem}); run this again to go on")
        time.sleep(PAUSE * 2 ** (failures - 1))


def _receive(url: str, part: Path, bar: tqdm) -> bool:
    """One request for what is missing; True if the file is whole now."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        if answer.status_code == 416:  # nothing behind what we have: whole, or from another file
            total = answer.headers.get("Content-Range", "").rpartition("/")[2]
            if total == str(have):
                return True
            part.unlink(missing_ok=True)
            return False
        if answer.status_code >= 500 or answer.status_code == 429:
            answer.raise_for_status()
        if answer.status_code not in (200, 206):
            raise DownloadError(f"{url}: the server answers {answer.status_code} {answer.reason}; check the address")
        resumed = answer.status_code == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if answer.status_code == 206 and not resumed:
            part.unlink(missing_ok=True)
            return False
        start = have if resumed else 0
        length = answer.headers.get("Content-Length")
        bar.total, bar.n = (start + int(length) if length else None), start
        with part.open("ab" if resumed else "wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    return length is None or part.stat().st_size == start + int(length)


def _verify(path: Path, sha256: str | None) -> str:
    """The SHA-256 of a file, which must be the one that was asked for."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if sha256 and found != sha256.lower():
        raise DownloadError(f"{path}: SHA-256 is {found}, expected {sha256}; delete it and download it again")
    return found


def unpack(archive: str | os.PathLike, folder: str | os.PathLike, progress: bool = True) -> Path:
    """Unpack a tar (plain or compressed) or zip file into a new folder, all or nothing.

    Only plain files and folders with names that stay inside are accepted; owners, permissions and dates are not taken
    over. Everything goes to ``<folder>.part`` first, which is renamed at the end.

    Args:
        archive: the file.
        folder: a folder that does not exist yet.
        progress: show a progress bar.

    Raises:
        ArchiveError: for a damaged archive, or one with ``../``, an absolute name, a link or a device in it.
        FileExistsError: if the folder is there already.
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} is there already; delete it to unpack {archive.name} again")
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        for name, content in tqdm(_members(archive), desc=f"unpack {archive.name}", unit="", disable=not progress):
            target = part.joinpath(*PurePosixPath(name).parts)
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)
        os.replace(part, folder)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        number = getattr(error, "errno", None)  # gzip's own errors are OSErrors without a number
        if number == errno.ENOSPC:
            raise OSError(number, "the disk is full; make room and unpack again", str(folder)) from None
        if number is not None:
            raise
        why = str(error).partition("\n")[0].rstrip(":")
        raise ArchiveError(f"{archive} is truncated or damaged ({why}); delete it and download it again") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _members(archive: Path) -> Iterator[tuple[str, BinaryIO | None]]:
    """Name and content of each file in an archive, None for a folder; refuses everything else."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            for info in zipped.infolist():
                kind = stat.S_IFMT(info.external_attr >> 16)
                _refuse_unsafe(archive, info.filename, kind in (0, stat.S_IFREG, stat.S_IFDIR))
                yield info.filename, None if info.is_dir() else zipped.open(info)
    else:
        with tarfile.open(archive) as tar:
            for info in tar:
                _refuse_unsafe(archive, info.name, info.isfile() or info.isdir())
                yield info.name, None if info.isdir() else tar.extractfile(info)


def _refuse_unsafe(archive: Path, name: str, plain: bool) -> None:
    if not plain:
        raise ArchiveError(f"{archive} holds {name!r}, a link or device; such an archive is not unpacked")
    if name.startswith("/") or "\\" in name or ":" in name or ".." in PurePosixPath(name).parts:
        raise ArchiveError(f"{archive} holds {name!r}, which leads out of the folder; such an archive is not unpacked")


def prepare_iu_xray(root: str | os.PathLike, base_url: str = OPEN_I, progress: bool = True) -> Path:
    """Download and unpack the Indiana University collection from Open-i: 3,955 reports, 7,470 images, about 1.4 GB.

    What is there is kept: files that are unpacked already, an archive put into ``root`` by hand, half a download.

    Returns:
        ``root``, ready for ``datasets.load("iu_xray", root)``.

    Raises:
        DownloadError: if the network fails; it says which file to put where by hand.
        ArchiveError: if an archive is damaged, unsafe, or holds another number of files.
    """
    root = Path(root)
    root.mkdir(parents=True, exist_ok=True)
    for archive, folder, suffix, expected in IU_XRAY:
        if _count(root, suffix) == expected:
            continue
        path, url = root / archive, base_url.rstrip("/") + "/" + archive
        if (root / folder).exists():
            found = _count(root / folder, suffix)
            raise ArchiveError(
                f"{root / folder} holds {found:,} of {expected:,} {suffix} files; delete it, run this again"
            )
        try:
            fetch(url, path, progress=progress)
        except DownloadError as error:
            hint = f"Or download {url} in another way, put it at {path} and run this again."
            raise DownloadError(f"{error}\n{hint}") from error
        unpack(path, root / folder, progress)
        if (found := _count(root / folder, suffix)) != expected:
            raise ArchiveError(
                f"{path} holds {found:,} {suffix} files, expected {expected:,}; delete it and its folder, run this again"
            )
    return root


def _count(folder: Path, suffix: str) -> int:
    return sum(name.lower().endswith(suffix) for _, _, names in os.walk(folder) for name in names)
