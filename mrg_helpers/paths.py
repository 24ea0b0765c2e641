"""Where data and outputs lie, and how files are written there: whole or not at all, one writer at a time.

Two environment variables move them: ``MRG_DATA_DIR`` (downloads, synthetic patients, weights) and ``MRG_OUTPUTS_DIR``
(everything that can be made again). Without them both folders lie beside the notebooks, or in the current folder when
the package was installed without its notebooks.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PART = ".part-"  # how the names of files begin that are still being written
_HOLDER = "MRG_LOCK_HOLDER"  # process id and folder, for the processes that the holder starts


def project_root() -> Path:
    """The folder that holds ``notebooks/``, or the current folder for an installed package without notebooks."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "notebooks").is_dir() else Path.cwd()


def notebooks_dir() -> Path:
    """The folder of the numbered notebooks.

    Raises:
        FileNotFoundError: if the package was installed without its notebooks.
    """
    folder = project_root() / "notebooks"
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder}: the notebooks are not installed with the package; clone the project and run this command there"
        )
    return folder


def _folder(variable: str, name: str) -> Path:
    chosen = os.environ.get(variable)
    folder = Path(chosen).expanduser().resolve() if chosen else project_root() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def data_dir() -> Path:
    """The folder of input data: ``$MRG_DATA_DIR``, by default ``data/`` of the project. It is made if missing."""
    return _folder("MRG_DATA_DIR", "data")


def outputs_dir() -> Path:
    """The folder of everything that can be made again: ``$MRG_OUTPUTS_DIR``, by default ``outputs/``. Made if missing."""
    return _folder("MRG_OUTPUTS_DIR", "outputs")


def shortened(text: str) -> str:
    """A message as a reader wants it: a path inside the project begins there, one inside the home folder with ``~``."""
    for folder, short in ((project_root(), ""), (os.path.expanduser("~"), f"~{os.sep}")):
        text = text.replace(f"{folder}{os.sep}", short)
    return text


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write a file so that readers see the old one or the whole new one, never a half.

    Yields a temporary path of the same folder and the same ending; when the block ends well it takes the place of
    ``path``, when it fails it is removed and ``path`` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{PART}{os.getpid()}-{threading.get_ident()}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8 with ``\\n`` line ends, whole or not at all (see :func:`replacing`)."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8"))


@contextmanager
def locked(folder: str | Path, waiting: Callable[[str], None] = print) -> Iterator[None]:
    """Let one process at a time work in ``folder``; a second one says so through ``waiting`` and waits.

    The lock belongs to the operating system, so a process that is killed releases it. A process that the holder started does not
    wait: its parent waits for it.
    """
    folder = Path(folder).resolve()
    if (
        f"{folder}" == os.environ.get(_HOLDER, "").partition(" ")[2]
        and f"{os.getpid()}" != os.environ[_HOLDER].split()[0]
    ):
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a+b") as handle:
        said = False
        while not _try_lock(handle):
            if not said:
                waiting(f"{folder}: another process is working here; waiting for it to finish")
                said = True
            time.sleep(0.2)
        before = os.environ.get(_HOLDER)
        os.environ[_HOLDER] = f"{os.getpid()} {folder}"
        try:
            yield
        finally:
            _unlock(handle)
            os.environ.pop(_HOLDER)
            if before is not None:
                os.environ[_HOLDER] = before


if os.name == "nt":
    import msvcrt

    def _try_lock(handle) -> bool:
        handle.seek(0)
        try:
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle) -> None:
        handle.seek(0)
        msvcrt.locking(handle.fileno(), msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try_lock(handle) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(handle) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)
