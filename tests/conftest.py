"""Fixtures shared by all tests, and the order in which tests run.

Quick tests come first, then those that execute notebooks or build the book, then
those that open its pages in a browser: what fails, fails early.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# The build's own modules are scripts beside the book, not part of the package.
sys.path.insert(0, str(ROOT / "book" / "_ext"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unit tests, then tests of the build, then of the pages."""

    def place(item: pytest.Item) -> int:
        markers = {marker.name for marker in item.iter_markers()}
        return 2 if "browser" in markers else 1 if "book" in markers else 0

    items.sort(key=place)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def book(request: pytest.FixtureRequest) -> Path:
    """The folder of the built pages, brought up to date by the command of the README.

    The build's own lines (one for each notebook) are shown while it works.
    """
    program = str(Path(sys.executable).with_name("jupyter-book"))
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\nBuilding the book", flush=True)
        built = subprocess.run(
            [program, "build", str(ROOT), "-n", "-W", "--keep-going", "-q"],
            cwd=ROOT,
            # Warnings are errors in tests; other programs have their own rules.
            env={k: v for k, v in os.environ.items() if k != "PYTHONWARNINGS"},
            check=False,
        )
    if built.returncode != 0:
        # Each further test would only say the same again.
        pytest.exit("the book does not build; the reason stands above", returncode=1)
    return ROOT / "_build" / "html"


def chromium_path() -> str | None:
    """The machine's Chromium or Chrome, if it has one."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    """A headless browser. Without one, tests are skipped; in CI that is an error."""
    path = chromium_path()
    if path is None:
        message = "no Chromium on this machine (Debian: apt install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--disable-quic",
                # No network: no name has an address.
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        yield browser
        browser.close()
