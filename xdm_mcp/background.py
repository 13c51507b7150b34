"""What a process does beside answering: it sends what was approved, looks at a watched inbox, lets
go of what was forgotten, and keeps to the retention."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import anyio

from xdm_mcp.bus import Bus, Changed
from xdm_mcp.clock import Clock
from xdm_mcp.errors import LedgerUnavailable, XdmError

if TYPE_CHECKING:
    from datetime import datetime

    from xdm_mcp.backends.base import Backend
    from xdm_mcp.config import Settings
    from xdm_mcp.inbox.feed import Feed
    from xdm_mcp.inbox.poller import Poller
    from xdm_mcp.ledger.base import Ledger
    from xdm_mcp.ledger.changes import Changes
    from xdm_mcp.outbox.sending import Outbox
    from xdm_mcp.people import People
    from xdm_mcp.retention import Retention

log = logging.getLogger(__name__)

FIRST_WORK = 1.0
"""Seconds after the start before background work begins, so that it never delays a first answer."""

AGAIN = 5.0
"""Seconds until a process whose ledger was busy listens for news again."""

WORK_EVERY = 0.5
"""Seconds between looks for approved sends where nothing tells of them: how long a person waits at
most to see theirs go out."""

WORK_AGAIN = 0.05
"""Seconds between looks at least, however often something is written."""

PATIENT_WRITER = timedelta(minutes=1)
"""Longer than a process waits until it may write down what the owner wants to be forgotten."""

RETENTION_EVERY = 3_600.0
"""Seconds between looks for kept messages whose time has come."""


class Parts(Protocol):
    """The parts of a process that work in the background, each made when it is first asked for."""

    clock: Clock
    bus: Bus
    settings: Settings
    opened_at: datetime

    @property
    def ledger(self) -> Ledger:
        """The durable memory."""
        ...

    @property
    def backend(self) -> Backend:
        """The active service on the wire."""
        ...

    @property
    def people(self) -> People:
        """Look-ups of people."""
        ...

    @property
    def outbox(self) -> Outbox:
        """The write path."""
        ...

    @property
    def feed(self) -> Feed:
        """The newest messages."""
        ...

    @property
    def poller(self) -> Poller:
        """What looks at a watched inbox."""
        ...

    @property
    def retention(self) -> Retention:
        """What erases kept messages when their time has come."""
        ...


class Background:
    """The background work of one process."""

    def __init__(self, parts: Parts) -> None:
        """Work with `parts`; begin nothing yet."""
        self._parts = parts
        self._trouble: dict[str, str] = {}
        self._waiting: object = None
        self._remembers_since = parts.opened_at - PATIENT_WRITER

    async def run(self) -> None:
        """Work until cancelled."""
        await self._parts.clock.sleep(FIRST_WORK)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.send)
            # Apart from sends, which may take long or fail: what is forgotten goes at once.
            tasks.start_soon(self._repeat, "forgetting", self.let_go, WORK_EVERY)
            tasks.start_soon(self._repeat, "retention", self._retain, RETENTION_EVERY)
            tasks.start_soon(self.poll)

    async def send(self) -> None:
        """Send what was approved, soon after the ledger changed, for ever."""
        async with AsyncExitStack() as stack:
            changes: Changes | None = None
            while True:
                with self._troubles_told("background work"):
                    if changes is None:
                        changes = await stack.enter_async_context(self._parts.ledger.changes())
                    await self.look_for_work()
                    if changes.told:
                        await self._parts.clock.sleep(WORK_AGAIN)
                        await changes.wait(WORK_EVERY - WORK_AGAIN, self._parts.clock)
                        continue
                await self._parts.clock.sleep(WORK_EVERY)

    async def look_for_work(self) -> None:
        """Send what was approved, once, and tell of what came to wait for a person or ceased to."""
        await self._parts.outbox.work()
        now = [(entry.id, entry.state) for entry in await self._parts.outbox.waiting()]
        if self._waiting not in (None, now):
            self._parts.bus.publish(Changed("approvals"), Changed("quota"))
        self._waiting = now

    async def let_go(self) -> None:
        """Let go of what this process has read, if the owner had something forgotten."""
        parts = self._parts
        if "feed" not in parts.__dict__ or not parts.people.knows_account:
            return
        account = await parts.people.account()
        at = await parts.ledger.forgotten_at(account.id)
        if at is not None and at > self._remembers_since:
            parts.feed.forget()
            self._remembers_since = at
            parts.bus.publish(Changed("inbox"), Changed("approvals"))

    async def poll(self) -> None:
        """Look at the inbox while somebody watches it, for ever; not at all where there is none."""
        while True:
            pause: float = self._parts.settings.inbox.poll_seconds
            with self._troubles_told("inbox"):
                if not self._parts.backend.capabilities.inbox:
                    return
                try:
                    await self._parts.poller.run()
                except LedgerUnavailable:
                    pause = min(pause, AGAIN)
                    raise
                continue
            await self._parts.clock.sleep(pause)

    async def _retain(self) -> None:
        await self._parts.retention.run()

    async def _repeat(self, what: str, work: Callable[[], Awaitable[None]], every: float) -> None:
        while True:
            with self._troubles_told(what):
                await work()
            await self._parts.clock.sleep(every)

    @contextmanager
    def _troubles_told(self, where: str) -> Iterator[None]:
        """Let foreseen failures pass into the log, each once until another follows or it ends."""
        says = ""
        try:
            yield
        except XdmError as error:
            says = str(error)
            if says != self._trouble.get(where):
                log.warning("%s: %s", where, says)
        self._trouble[where] = says
