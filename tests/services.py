"""A whole program over one of the pretend services, and that service's bill."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.contract.backends.arena import CREDENTIALS
from tests.rigs import START
from xdm_mcp.app import App, open_app
from xdm_mcp.backends.registry import BACKENDS, open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.sandbox.events import FaultSet
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import build_app

SERVICES = sorted(set(BACKENDS) - {"sandbox"})
"""Every backend that speaks with a service outside the program."""


@dataclass
class Books:
    """A program over a pretend service, and that service's bill."""

    app: App
    journal: MemoryJournal
    clock: ManualClock

    async def billed(self) -> int:
        """Return what the service billed in all, in micro-dollars."""
        return await self.journal.act(lambda hold: hold.world.credit - hold.world.balance)

    async def booked(self) -> int:
        """Return what the program booked in all, in micro-dollars."""
        account = await self.app.people.account()
        return (await self.app.ledger.spend(account.id, self.clock.now())).total

    async def fault(self, fault: Fault) -> None:
        """Let the next requests go wrong."""
        await self.journal.act(lambda hold: hold.record(FaultSet(fault)))


@asynccontextmanager
async def books(home: Path, name: str, per_day: str = "5.00", **guard: Any) -> AsyncIterator[Books]:
    """Yield a program that speaks with the pretend service of a backend, within a budget, whose
    policy has these tables of `guard`."""
    clock = ManualClock(START)
    journal = MemoryJournal(clock)
    tables = {"budget": {"per_day_usd": per_day}} | guard
    settings = load(home=home, env={}, backend=name, guard=tables, **CREDENTIALS[name])
    wire = httpx2.ASGITransport(app=build_app(journal, clock))
    async with open_app(settings, clock=clock) as app:
        app.__dict__["backend"] = open_backend(settings, clock, wire)
        yield Books(app, journal, clock)
