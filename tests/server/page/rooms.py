"""A page over the whole program: what the tests of the page share."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
from argon2 import PasswordHasher

from tests.approvals.authenticator import Authenticator
from tests.rigs import Rig, rig
from xdm_mcp.approvals.pin import Pin
from xdm_mcp.server.page.room import ROOT, Room
from xdm_mcp.server.page.routes import page_of
from xdm_mcp.server.page.tickets import mint
from xdm_mcp.server.page.visitors import Visitors, loopback_origins

PORT = 8767
ORIGIN = f"http://localhost:{PORT}"
SECRET = b"s" * 32
PIN = "284916"

AS_OURS = {"origin": ORIGIN, "sec-fetch-site": "same-origin"}
"""What a browser says of a form of the page itself."""


@dataclass
class Page:
    """A program with its page, and a client that keeps cookies as a browser does."""

    rig: Rig
    room: Room
    client: httpx2.AsyncClient

    async def get(self, path: str = "", **headers: str) -> httpx2.Response:
        """Open an address of the page."""
        return await self.client.get(ROOT + path, headers=headers)

    async def post(self, path: str, form: dict[str, str], **headers: str) -> httpx2.Response:
        """Send a form as the page itself does."""
        return await self.client.post(ROOT + path, data=form, headers=AS_OURS | headers)

    def ticket(self) -> str:
        """Return a fresh ticket."""
        return mint(SECRET, self.rig.clock.now())

    async def enter(self) -> None:
        """Let this client in."""
        answer = await self.post("/enter", {"ticket": self.ticket()})
        assert answer.status_code == 303, answer.text

    async def form(self, action: str, path: str = "") -> dict[str, str]:
        """Return the hidden fields of the form that leads to `action` on a page."""
        return fields_of(action, (await self.get(path)).text)

    @property
    def cookie(self) -> str:
        """The cookie that this client shows now."""
        return "; ".join(f"{one.name}={one.value}" for one in self.client.cookies.jar)

    async def set_pin(self) -> None:
        """Set the owner's PIN."""
        await self.rig.app.desk.pin.set_first(PIN, "test")

    async def add_passkey(self, device: Authenticator, name: str = "Laptop") -> None:
        """Add the owner's first passkey as the page's forms do."""
        action = "/keys/passkeys"
        form = await self.form(action, "/keys") | {"name": name, "pin": PIN}
        await self.finish_passkey(await self.post(action, form), device, name)

    async def finish_passkey(
        self, offered: httpx2.Response, device: Authenticator, name: str = "Phone"
    ) -> None:
        """Have a device make the passkey that an answer of the page asks for."""
        options = re.search(r'data-register="([^"]+)"', offered.text)
        hidden = fields_of("/keys/passkeys/add", offered.text)
        assert options, offered.text
        answer = json.dumps(device.create(json.loads(unescape(options[1]))))
        await self.post("/keys/passkeys/add", hidden | {"answer": answer, "name": name})

    async def signed(
        self, device: Authenticator, about: str, action: str, path: str = "/keys"
    ) -> dict[str, str]:
        """Return a form that leads to `action`, with a device's answer about a deed."""
        return await self.signed_on((await self.get(path)).text, device, about, action)

    async def signed_on(
        self, html: str, device: Authenticator, about: str, action: str
    ) -> dict[str, str]:
        """Return the same of a page that is at hand."""
        pattern = rf'data-ask="{ROOT}/ask" data-token="([^"]+)"(?:(?!</form>).)*"{about}"'
        token = re.search(pattern, html, re.DOTALL)
        assert token, "no form asks a passkey about that"
        asking = (await self.post("/ask", {"token": token[1], "digest": about})).json()
        answer = json.dumps(device.get(asking["options"]))
        return fields_of(action, html) | {"ceremony": asking["ceremony"], "answer": answer}

    async def approve(self, approval_id: str, pin: str = PIN) -> httpx2.Response:
        """Approve a held send as the page's form does."""
        action = f"/send/{approval_id}/approve"
        return await self.post(action, await self.form(action) | {"pin": pin})


def fields_of(action: str, html: str) -> dict[str, str]:
    """Return the hidden fields of the form that leads to `action`."""
    found = re.search(rf'<form[^>]*action="{ROOT}{action}"[^>]*>(.*?)</form>', html, re.DOTALL)
    assert found, f"no form leads to {action}"
    hidden = re.findall(r'type="hidden" name="(\w+)"(?: value="([^"]*)")?', found[1])
    return {name: unescape(value) for name, value in hidden}


@asynccontextmanager
async def page(home: Path, **guard: Any) -> AsyncIterator[Page]:
    """Yield a program on `home` with its page; nobody is in yet."""
    async with rig(home, **guard) as program:
        desk = program.app.desk
        desk.pin = Pin(program.app.ledger, program.clock, PasswordHasher(1, 8, 1))
        room = Room(program.app, Visitors(loopback_origins(PORT)), SECRET)
        transport = httpx2.ASGITransport(app=page_of(room), client=("127.0.0.1", 50_000))
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            yield Page(program, room, client)
