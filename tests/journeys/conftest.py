"""One headless browser for the journeys; Debian's Chromium, never a downloaded one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.desk import Desk, opened

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))

# Chromium's own housekeeping would look for hosts that a closed network does not have.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser for the whole run; a missing one is an error, not a skip."""
    assert CHROMIUM.exists(), f"{CHROMIUM} is missing: apt-get install chromium"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def desk(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Desk]:
    """A desk in the look that the test names, or in the light one."""
    with opened(browser, getattr(request, "param", "light")) as desk:
        yield desk
