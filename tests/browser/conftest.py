"""A real Chromium and a real JupyterLab; without a Chromium these tests skip, with a reason.

Nothing here may leave the machine: Chromium resolves no name, and a request to anywhere but this machine fails the test
that made it, as does an error on the console.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lab import Lab

import mrg_helpers
from mrg_helpers import drafting, paths, runner, stages

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]  # fmt: skip
SYSTEM = ("/usr/bin/chromium", "chromium", "chromium-browser", "google-chrome")
HERE = ("127.0.0.1", "localhost")


def pytest_collection_modifyitems(items):
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker("browser")


def _find_chromium(playwright) -> str | None:
    """``MRG_CHROMIUM``, the system's, or the one that ``playwright install chromium`` brings."""
    if chosen := os.environ.get("MRG_CHROMIUM"):
        if not Path(chosen).is_file():
            raise FileNotFoundError(f"MRG_CHROMIUM={chosen}: there is no such file")
        return chosen
    own = playwright.chromium.executable_path
    return next(filter(None, map(shutil.which, SYSTEM)), own if Path(own).is_file() else None)


@pytest.fixture(scope="module")
def chromium():
    """A browser for one test file: Playwright keeps an event loop running, which the other tests should not meet."""
    playwright_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with playwright_api.sync_playwright() as playwright:
        found = _find_chromium(playwright)
        if found is None:
            pytest.skip("no Chromium here: install one (apt-get install chromium) or name it in MRG_CHROMIUM")
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield browser
        browser.close()


@dataclasses.dataclass
class Watched:
    """What went wrong on the pages of a test file since the last test."""

    errors: list[str] = dataclasses.field(default_factory=list)

    def watch(self, page) -> None:
        page.on("console", lambda said: said.type == "error" and self.errors.append(f"console: {said.text}"))
        page.on("pageerror", lambda error: self.errors.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("websocket", self._request)

    def _request(self, request) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("data", "blob") or address.hostname in HERE:
            return
        if not (
            address.scheme == "file" and request.is_navigation_request()
        ):  # a page that is opened, and nothing for it
            self.errors.append(f"fetches {request.url[:200]}")


@pytest.fixture(scope="module")
def watched():
    return Watched()


@pytest.fixture(scope="module")
def new_page(chromium, watched):
    """Makes a page of some size, light or dark, that is watched."""
    contexts = []

    def make(width: int = 1400, height: int = 1000, scheme: str = "light"):
        viewport = {"width": width, "height": height}
        contexts.append(chromium.new_context(viewport=viewport, color_scheme=scheme, accept_downloads=True))
        page = contexts[-1].new_page()
        page.set_default_timeout(300_000)
        watched.watch(page)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture(autouse=True)
def nothing_went_wrong(watched):
    """No error on the console and nothing fetched, in every test of this folder."""
    yield
    errors, watched.errors = watched.errors, []
    assert not errors, "\n".join(errors)


@pytest.fixture(scope="session")
def profile(request) -> str:
    return request.config.getoption("--profile")


@pytest.fixture(scope="session")
def folders(profile, tmp_path_factory) -> dict[str, str]:
    """The environment variables of data and outputs: new folders in the smoke profile, else those of the run that is there."""
    if profile == "smoke":
        folder = tmp_path_factory.mktemp("reader")
        return {"MRG_DATA_DIR": str(folder / "data"), "MRG_OUTPUTS_DIR": str(folder / "outputs")}
    return {"MRG_DATA_DIR": str(paths.data_dir()), "MRG_OUTPUTS_DIR": str(paths.outputs_dir())}


@pytest.fixture(scope="session")
def screens(tmp_path_factory) -> Path:
    """Where screenshots go, for people to look at."""
    return tmp_path_factory.mktemp("screens")


@pytest.fixture(scope="session")
def pictures(request, screens) -> Path:
    """Where the pictures of the README go."""
    folder = Path(request.config.getoption("--pictures") or screens)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def lab(chromium, folders, profile, tmp_path_factory):
    """A JupyterLab server over copies of the notebooks with the values of the profile."""
    with Lab(tmp_path_factory.mktemp("lab"), profile, folders) as server:
        yield server


@pytest.fixture(scope="module")
def executed(chromium, folders, profile):
    """The folder of outputs, in which notebook 05 was run; also the environment in which its model is found."""
    with pytest.MonkeyPatch.context() as patch:
        for name, folder in folders.items():
            patch.setenv(name, folder)
        outputs = paths.outputs_dir()
        if not list((outputs / "executed").glob("05_*.html")):
            runner.run(list(paths.notebooks_dir().glob("05_*.ipynb")), {}, profile, outputs, progress=False)
        yield outputs


@pytest.fixture(scope="module")
def drafted(executed, profile, tmp_path_factory) -> Path:
    """The page of a draft for a study that the model has not learnt from, with much to find and, if it can be, a doubt."""
    values = runner.load_profile(paths.notebooks_dir() / "profiles.yaml", profile)
    known = {field.name for field in dataclasses.fields(stages.Settings)}
    settings = stages.Settings(**{name: value for name, value in values.items() if name in known})
    table = stages.ensure_studies(settings).table
    tests = table[table["split"] == "test"].itertuples()
    two = [one for one in tests if list(one.views) == ["frontal", "lateral"]]
    most = sorted(two, key=lambda one: -len(one.tags))[:20]
    drafter = drafting.Drafter(settings)
    doubtful = (one for one in most if any(sentence.marked for sentence in drafter(one.images[0]).sentences))
    frontal, lateral = next(doubtful, most[0]).images
    page = tmp_path_factory.mktemp("draft") / "draft.html"
    mrg_helpers.draft(frontal, lateral=lateral, out=page, settings=settings)
    return page
