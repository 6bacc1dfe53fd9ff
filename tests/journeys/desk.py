"""A person's browser in front of a small clinic, and the looks it is tried in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests import fakes
from tests.journeys.bridge import Bridge, serving
from tests.portal import DANA, SPOKEN, Clinic, clinic

# Set to keep pictures of every page, such as build/screenshots.
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1360, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1360, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
}


@dataclass
class Desk:
    """A therapist's browser in front of a clinic."""

    page: Page
    bridge: Bridge
    house: Clinic
    look: str
    complaints: list[str]

    def sign_in(self, name: str = DANA.name) -> None:
        self.page.goto(self.bridge.url)
        self.page.get_by_role("link", name="Sign in").click()
        self.page.get_by_role("link", name=name).click()

    def open_draft(self) -> None:
        self.sign_in()
        self.page.get_by_role("link", name=SPOKEN).first.click()
        expect(self.page.get_by_role("heading", name="Draft note")).to_be_visible()

    def read(self, minutes: float = 2) -> None:
        """Says that every section was read, and takes the time; the clinic's clock goes on."""
        # htmx takes a moment to take hold of what it has just put on the page.
        self.page.wait_for_timeout(300)
        self.page.evaluate(
            "document.querySelectorAll('.seen-form button').forEach(button => button.click())"
        )
        expect(self.page.locator(".seen-form button")).to_have_count(0)
        self.house.ports.clock.forward(minutes=minutes)
        self.page.reload()

    def keep(self, name: str) -> None:
        """No accessibility violation by axe's rules for WCAG 2.2 AA; a picture if wanted."""
        # What lies half under the bar that stays at the top counts as obscured: look from the top.
        place = self.page.evaluate("scrollY")
        self.page.evaluate("scrollTo(0, 0)")
        found = Axe().run(
            self.page,
            options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]},
        )
        self.page.evaluate("place => scrollTo(0, place)", place)
        assert found.violations_count == 0, found.generate_report()
        wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{name} is {wide} pixels wider than the window"
        if SCREENSHOTS:
            where = Path(SCREENSHOTS) / f"{name}-{self.look}.png"
            where.parent.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=where)


@contextmanager
def opened(browser: Browser, look: str = "light", **more: Any) -> Iterator[Desk]:
    """A desk in that look; `more` goes to the browser's context."""
    with serving() as bridge:
        clock = fakes.FakeClock(datetime.now(UTC))
        house = clinic(bridge.url, clock=clock)
        bridge.ports = house.ports
        context = browser.new_context(reduced_motion="reduce", **LOOKS[look], **more)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: _same_site(asked.url, bridge.url, complaints))
        yield Desk(page, bridge, house, look, complaints)
        context.close()


def _same_site(asked: str, ours: str, complaints: list[str]) -> None:
    if not asked.startswith((ours, "data:")):
        complaints.append(f"a request left the site: {asked}")
