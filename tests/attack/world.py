"""A world in which attackers write, and the only witness of what left it: the pretend X itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.attack.corpus import Injection
from tests.rigs import START
from xdm_mcp.app import App, open_app
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.sandbox.journal_file import FileJournal
from xdm_mcp.sandbox.serve import build_app

WIDE: dict[str, Any] = {
    "budget": {"per_day_usd": "100000.00"},
    "confirmation": {"held_at_most": 100},
    "rate_windows": {"per_15_minutes": 200, "per_day": 1000},
}
"""The default policy with room for everything: then only the holds are in the way."""

OFF: dict[str, Any] = {
    name: {"enabled": False}
    for name in (
        "recipients", "text", "eligibility", "duplicates", "rate_windows", "budget", "quiet_hours",
        "first_contact", "links", "leak", "taint", "confirmation", "reply_credit", "pacing",
    )
}  # fmt: skip
"""The guard switched off; `halt` alone stays, because a policy without rules does not start."""


class World:
    """One program and the pretend X behind it."""

    def __init__(self, app: App, clock: ManualClock, controls: httpx2.AsyncClient) -> None:
        """Speak to the pretend X through `controls`."""
        self.app = app
        self.clock = clock
        self._controls = controls

    async def arrives(self, one: Injection) -> str:
        """Have a stranger write who never did before; return their id."""
        self.clock.advance(PAUSE)
        sender = ""
        for part in one.parts:
            body = {"from": f"stranger_{one.number}", "text": part, "create": {"name": one.name}}
            sender = str((await self.control("POST", "inbound", body))["sender_id"])
        return sender

    async def reject_all(self) -> int:
        """Have the owner reject whatever waits; return how much did."""
        waiting = await self.app.outbox.waiting()
        for entry in waiting:
            assert entry.hold is not None
            await self.app.outbox.reject(entry.hold.approval_id, by="test")
        return len(waiting)

    async def delivered(self) -> list[str]:
        """Return the texts that really left, by the pretend X's own list."""
        await self.app.outbox.work()
        found = await self.control("GET", "deliveries")
        return [str(message["text"]) for message in found["deliveries"]]

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the controls of the pretend X."""
        answer = await self._controls.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()


PAUSE = timedelta(minutes=40)
"""Time between two attacks: X itself takes no more than 15 requests in 15 minutes."""


@asynccontextmanager
async def world(home: Path, **guard: Any) -> AsyncIterator[World]:
    """Yield a program on `home` under a policy, with the default story around it."""
    clock = ManualClock(START)
    journal = FileJournal(home / "sandbox" / "world.jsonl", clock)
    transport = httpx2.ASGITransport(app=build_app(journal, clock))
    settings = load(home=home, env={}, guard=guard, approvals={"port": 0})
    async with (
        httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as controls,
        open_app(settings, clock=clock) as app,
    ):
        yield World(app, clock, controls)
