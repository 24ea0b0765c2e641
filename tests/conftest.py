"""Fixtures that several test files share."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = "tests/test_notebooks_run.py"  # each of its tests takes a minute or more and stands alone
LONG = (NOTEBOOKS, "tests/browser/")


def pytest_addoption(parser):
    """Of tests/browser; pytest reads options only from the conftest.py that it meets first."""
    group = parser.getgroup("browser", "tests/browser")
    group.addoption(
        "--profile", default="smoke",
        help="whose notebooks the browser opens; other than smoke: in the data and outputs of a run of that profile",
    )  # fmt: skip
    group.addoption(
        "--pictures", metavar="FOLDER", help="where the pictures of the README go (else a temporary folder)"
    )


def pytest_collection_modifyitems(items):
    """What takes minutes comes first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With ``-n``, the tests of a file stay together, for they share fixtures; and so do all that drive a browser."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.split("::")[0]
            if file == NOTEBOOKS:
                return nodeid
            return "browser" if "/browser/" in file else file

    config.option.loadscopereorder = (
        False  # else the files with few tests come last, and these are the ones that take minutes
    )
    return ByFile(config, log)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real X-rays and reports that lies beside the project on some machines; skips where it does not."""
    folder = ROOT.parent / "shared"
    if not (folder / "iu_xray").is_dir():
        pytest.skip(f"the real X-rays and reports are not on this machine ({folder.name}/iu_xray beside the project)")
    return folder


@pytest.fixture(scope="session")
def random_folder(tmp_path_factory) -> Path:
    """Where image networks' random weights lie, once for all tests."""
    return tmp_path_factory.mktemp("weights")


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A tiny model, trained once for all tests on two dozen phantoms: its settings, and the folder of its data and outputs."""
    from mrg_helpers import stages

    settings = stages.Settings(
        n_studies=24, weights="random", layer="mixed0", image_size=75, cells=3, components=8, embedding=8, units=8,
        attention_units=8, epochs=1, batch_size=8, max_length=20, min_count=1,
    )  # fmt: skip
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        _use(folder, patch)
        stages.ensure_generation(settings)
    return settings, folder


@pytest.fixture(scope="module")
def tiny(trained):
    """The settings of the tiny model, with the environment in which it is found."""
    settings, folder = trained
    with pytest.MonkeyPatch.context() as patch:
        _use(folder, patch)
        yield settings


def _use(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("MRG_DATA_DIR", str(folder / "data"))
    patch.setenv("MRG_OUTPUTS_DIR", str(folder / "outputs"))
