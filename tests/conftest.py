"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real X-rays and reports that lies beside the project on some machines; skips where it does not."""
    folder = ROOT.parent / "shared"
    if not (folder / "iu_xray").is_dir():
        pytest.skip(f"the real X-rays and reports are not on this machine ({folder.name}/iu_xray beside the project)")
    return folder
