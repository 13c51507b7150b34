"""A real browser before the real page: the program on a port of its own, and Chromium without a
screen."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from argon2 import PasswordHasher

from tests.rigs import Rig
from xdm_mcp.app import App, open_app
from xdm_mcp.approvals.pin import Pin
from xdm_mcp.clock import SystemClock
from xdm_mcp.config import load
from xdm_mcp.models.results import SendResult
from xdm_mcp.server.page.places import Place
from xdm_mcp.server.page.serving import serve_page
from xdm_mcp.server.page.tickets import mint

PIN = "284916"

SCREENSHOTS = Path(__file__).parents[3] / "screenshots"
"""Where pictures of the page are put, for people to look at."""

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

NO_BROWSER = "No Chromium is installed: the approval page was not tried in a browser."

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason=NO_BROWSER)


@dataclass
class Window:
    """One tab before the page, and the program behind it."""

    tab: Any
    rig: Rig
    place: Place

    async def open(self, part: str = "") -> None:
        """Go to a part of the page."""
        await self.tab.goto(f"{self.place.address}{part}")

    async def enter(self) -> None:
        """Come in by a fresh ticket, as the owner does: with one key."""
        await self.open(f"/enter/{mint(self.place.secret, SystemClock().now())}")
        await self.tab.wait_for_selector("button.main:focus")
        await self.tab.keyboard.press("Enter")
        await self.tab.wait_for_selector("#waiting")

    async def hold(self, text: str, to: str = "iris_sandbox") -> SendResult:
        """Have a send held by another process of the program, on the same home."""
        async with open_app(self.rig.app.settings) as other:
            held = await other.outbox.send(text=text, to=to)
        assert held.status == "held", held.says
        return held

    async def picture(self, name: str) -> None:
        """Keep a picture of the whole page."""
        SCREENSHOTS.mkdir(exist_ok=True)
        await self.tab.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

    async def delivered(self, text: str) -> None:
        """Wait until the pretend X has delivered exactly this text."""
        with anyio.fail_after(15):
            while text not in await self.rig.deliveries():
                await self.tab.wait_for_timeout(100)

    async def add_authenticator(self) -> str:
        """Give the browser a device that verifies its user; return the device's id."""
        cdp = await self.tab.context.new_cdp_session(self.tab)
        await cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = await cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return str(made["authenticatorId"])


@asynccontextmanager
async def chromium() -> AsyncIterator[Any]:
    """Yield a browser with a profile of its own that nobody keeps."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS])
        yield browser
        await browser.close()


@asynccontextmanager
async def window(
    browser: Any, home: Path, *, pin: bool = True, **look: Any
) -> AsyncIterator[Window]:
    """Yield a window before the page of a program on `home`; `look` is how the browser is set."""
    async with open_app(load(home=home, env={})) as app, anyio.create_task_group() as tasks:
        app.desk.pin = Pin(app.ledger, app.clock, PasswordHasher(1, 8, 1))
        if pin:
            await app.desk.pin.set_first(PIN, "test")
        place = await tasks.start(serve_page, app, 0)
        tasks.start_soon(app.run)
        context = await browser.new_context(**look)
        context.set_default_timeout(10_000)
        yield Window(await context.new_page(), _rig(app, home), place)
        await context.close()
        tasks.cancel_scope.cancel()


def _rig(app: App, home: Path) -> Rig:
    return Rig(app, SystemClock(), home)  # type: ignore[arg-type]
