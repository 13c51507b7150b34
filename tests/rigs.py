"""A whole program on a clock that tests move: the real app over the real adapter over the pretend
X."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from xdm_mcp.app import App, open_app
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.models.results import SendResult
from xdm_mcp.models.sends import Assurance
from xdm_mcp.sandbox.journal_file import FileJournal
from xdm_mcp.sandbox.serve import build_app

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

IRIS = "2200000011"
"""A customer of the sandbox who waits for a reply."""

JUNE = "2200000020"
"""A person of the sandbox with an open inbox, who never wrote."""

MIRA = "2200000017"
"""A person of the sandbox with a closed inbox, who never wrote."""


NOTHING: Mapping[str, Any] = {}
"""A table of the policy in which nothing stands."""


@dataclass
class Rig:
    """One process of the program, and the controls of its world."""

    app: App
    clock: ManualClock
    home: Path

    async def send(self, text: str = "On its way.", **where: Any) -> SendResult:
        """Ask to send, by default to Iris."""
        if not where.keys() & {"to", "conversation_id", "new_group"}:
            where["to"] = IRIS
        return await self.app.outbox.send(text=text, **where)

    async def approve(self, result: SendResult) -> None:
        """Approve a held send as a person does, without sending it yet."""
        assert result.approval_id is not None
        entry = await self.app.outbox.find(result.approval_id)
        assert entry.hold is not None
        await self.app.outbox.approve(
            entry.hold.approval_id, digest=entry.hold.digest, assurance=Assurance.PERSON, by="test"
        )

    async def send_approved(self, text: str = "On its way.", **where: Any) -> SendResult:
        """Ask, approve, let the background work once, and ask again how it stands."""
        await self.approve(await self.send(text, **where))
        await self.app.outbox.work()
        return await self.send(text, **where)

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the controls of the pretend X."""
        journal = FileJournal(self.home / "sandbox" / "world.jsonl", self.clock)
        transport = httpx2.ASGITransport(app=build_app(journal, self.clock))
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
            answer = await client.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def deliveries(self) -> list[str]:
        """Return the texts that were really delivered, oldest first."""
        return [m["text"] for m in (await self.control("GET", "deliveries"))["deliveries"]]

    async def fault(self, kind: str, **more: Any) -> None:
        """Have the pretend X misbehave at the next send."""
        await self.control(
            "POST", "faults", {"kind": kind, "method": "POST", "path": "/2/dm_conv.*"} | more
        )

    async def says(self, who: str, text: str) -> None:
        """Have a person of the sandbox write to us."""
        await self.control("POST", "inbound", {"from": who, "text": text})

    def later(self, **by: float) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(**by))


@asynccontextmanager
async def rig(
    home: Path,
    clock: ManualClock | None = None,
    *,
    inbox: Mapping[str, Any] = NOTHING,
    **guard: Any,
) -> AsyncIterator[Rig]:
    """Yield a program on `home` whose policy has these tables of `guard`, and this `inbox`."""
    clock = clock or ManualClock(START)
    settings = load(home=home, env={}, guard=guard, inbox=dict(inbox))
    async with open_app(settings, clock=clock) as app:
        yield Rig(app, clock, home)
