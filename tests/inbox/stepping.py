"""Time for several tasks at once: it moves on to the next sleeper when nothing else happens."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
from anyio.to_thread import current_default_thread_limiter

from tests.rigs import START, Rig
from xdm_mcp.app import App, open_app
from xdm_mcp.backends.registry import open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.models.news import Polling
from xdm_mcp.sandbox import SANDBOX_TOKEN
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import build_app

IDLE = 40
"""Turns of the event loop without a hop to a thread after which nothing happens any more."""


class SteppedClock(ManualClock):
    """A clock on which sleepers wake one after another, in the order of their times."""

    def __init__(self, start: datetime = START) -> None:
        """Start at `start`."""
        super().__init__(start)
        self._sleepers: list[tuple[datetime, int, anyio.Event]] = []
        self._numbers = count()
        self._hops = 0

    async def sleep(self, seconds: float) -> None:
        """Wait until `run` has moved the clock on by `seconds`."""
        event = anyio.Event()
        until = self.now() + timedelta(seconds=seconds)
        heapq.heappush(self._sleepers, (until, next(self._numbers), event))
        await event.wait()

    async def run(self) -> None:
        """Move on for ever, each time when everything is idle."""
        while True:
            await self._idle()
            if self._sleepers:
                self.advance(max(self._sleepers[0][0] - self.now(), timedelta()))
            while self._sleepers and self._sleepers[0][0] <= self.now():
                heapq.heappop(self._sleepers)[2].set()

    async def _idle(self) -> None:
        turns = 0
        while turns < IDLE:
            await anyio.lowlevel.checkpoint()
            hopping = self._hops or current_default_thread_limiter().borrowed_tokens
            turns = 0 if hopping else turns + 1

    def knows(self, app: App) -> None:
        """Wait for the hops of an app's ledger too."""
        hops = app.ledger._database._database._hops  # type: ignore[attr-defined]
        hop = hops.hop

        async def counted(step: Callable[[], Any]) -> Any:
            self._hops += 1
            try:
                return await hop(step)
            finally:
                self._hops -= 1

        hops.hop = counted


@dataclass
class Process(Rig):
    """One of the processes of an account; they share one pretend X and its bill."""

    world: MemoryJournal

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """See Rig.control."""
        wire = httpx2.ASGITransport(app=build_app(self.world, self.clock))
        async with httpx2.AsyncClient(transport=wire, base_url="http://sandbox") as client:
            answer = await client.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def take(self, world: MemoryJournal) -> None:
        """Speak with the pretend X of another process from now on."""
        self.world = world
        wire = httpx2.ASGITransport(app=build_app(world, self.clock))
        self.app.__dict__["backend"] = open_backend(self.app.settings, self.clock, wire)

    async def bill(self) -> int:
        """Return what X has billed in all, in micro-dollars."""
        return await self.world.act(
            lambda hold: hold.world.bill.total + hold.world.reads.bill.total
        )

    async def polling(self) -> Polling:
        """Return how the inbox is looked at."""
        return await self.app.ledger.polling((await self.app.people.account()).id)


@asynccontextmanager
async def processes(home: Path, number: int = 1, **inbox: Any) -> AsyncIterator[list[Process]]:
    """Yield that many programs on one home, each with its background polling, on one clock that
    runs."""
    clock = SteppedClock()
    world = MemoryJournal(clock)
    settings = load(
        home=home,
        env={},
        backend="x-api-v2",
        x_access_token=SANDBOX_TOKEN,
        base_url="http://127.0.0.1",
        guard={"budget": {"enabled": False}},
        inbox=inbox,
    )
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        opened = []
        for _ in range(number):
            app = await stack.enter_async_context(open_app(settings, clock=clock))
            opened.append(Process(app, clock, home, world))
            opened[-1].take(world)
            clock.knows(app)
            tasks.start_soon(app.background.poll)
        tasks.start_soon(clock.run)
        try:
            yield opened
        finally:
            tasks.cancel_scope.cancel()


async def together(*calls: Callable[[], Awaitable[Any]]) -> list[Any]:
    """Make all calls at once and return their answers in order."""
    answers: dict[int, Any] = {}

    async def one(place: int, call: Callable[[], Awaitable[Any]]) -> None:
        answers[place] = await call()

    async with anyio.create_task_group() as tasks:
        for place, call in enumerate(calls):
            tasks.start_soon(one, place, call)
    return [answers[place] for place in range(len(calls))]
