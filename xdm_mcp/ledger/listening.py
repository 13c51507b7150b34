"""Hearing at once that somebody wrote: one more session of a process, opened when it first waits.

A notification says that the ledger changed and nothing more. It can be missed, by a session that
broke or behind a pooler that passes none on; so whoever waits looks by itself from time to time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic
from typing import Any

import anyio
import psycopg
from anyio.to_thread import run_sync

from xdm_mcp.clock import Clock
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger.session import CHANNEL, Session, connect

LOOK_EVERY = 1.0
"""Seconds between looks while nothing can be heard."""

PROVES_WITHIN = 1.0
"""Seconds within which a new session must hear a notification of our own to be trusted."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a session that failed is opened again; each further failure doubles them."""

DEAF_PAUSE = 60.0
"""Seconds before a place that passes no notifications on is tried again."""

ON_ITS_WAY = 0.05
"""Seconds within which what was written before a wait began is heard."""


class Listening:
    """Counts what it hears. No thread and no task: whoever waits first reads for all others."""

    def __init__(
        self, address: dict[str, Any], place: str, notify: Callable[[], Awaitable[object]]
    ) -> None:
        """Connect to nothing yet; `notify` sends a notification by another session."""
        self._connect = partial(_listening, address, place)
        self._notify = notify
        self._session: Session | None = None
        self._proves_until = inf
        self._turn = anyio.Lock()
        self._heard = 0
        self._pause = FIRST_PAUSE
        self._again_at = 0.0

    @property
    def heard(self) -> int:
        """How often something may have changed so far."""
        return self._heard

    @property
    def trusted(self) -> bool:
        """Whether a notification would be heard."""
        return self._session is not None and self._proves_until == inf

    async def open(self) -> None:
        """Be ready to hear, or know that nothing can be heard."""
        async with self._turn:
            while self._session is None or not self.trusted:
                if self._session is None and monotonic() < self._again_at:
                    return
                await self._hear()

    async def until_not(self, seen: int) -> None:
        """Return as soon as `heard` is not `seen`."""
        while self._heard == seen:
            async with self._turn:
                if self._heard == seen:
                    await self._hear()

    def close(self) -> None:
        """Let go of the session; a later wait opens one again."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(psycopg.Error, ValueError):
                anyio.notify_closing(session.fileno())
            session.close()

    async def _hear(self) -> None:
        if self._session is None:
            await self._open_in_time()
            self._heard += 1  # whatever happened meanwhile
            return
        with anyio.move_on_after(self._proves_until - monotonic()) as proof:
            try:
                await anyio.wait_readable(self._session.fileno())
            except (anyio.ClosedResourceError, psycopg.Error):
                self._give_up(self._pause)
        if proof.cancelled_caught:
            self._give_up(DEAF_PAUSE)
        self._take()

    async def _open_in_time(self) -> None:
        too_early = self._again_at - monotonic()
        if too_early > 0:
            await anyio.sleep(min(too_early, LOOK_EVERY))
            return
        try:
            with anyio.CancelScope(shield=True):
                self._session = await run_sync(self._connect)
                self._proves_until = monotonic() + PROVES_WITHIN
                await self._notify()
        except (psycopg.Error, LedgerUnavailable):
            self._give_up(self._pause)

    def _take(self) -> None:
        """Count the notifications that have come."""
        session = self._session
        if session is None:
            return
        try:
            session.pgconn.consume_input()
            while session.pgconn.notifies() is not None:
                self._heard += 1
                self._proves_until, self._pause = inf, FIRST_PAUSE
        except psycopg.Error:
            self._give_up(self._pause)

    def _give_up(self, pause: float) -> None:
        """Let go of a session that hears nothing; after `pause` seconds another one may."""
        self.close()
        self._again_at = monotonic() + pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._heard += 1


class Hearing:
    """See Changes; over what all watches of a process hear together."""

    told = True

    def __init__(self, listening: Listening) -> None:
        """Watch from now on."""
        self._listening = listening
        self._seen = listening.heard

    async def wait(self, patience: float, clock: Clock) -> bool:
        """See Changes.wait. While nothing can be heard, something may always have changed."""
        with anyio.move_on_after(ON_ITS_WAY):  # whatever `clock` is: a test's may not wait at all
            await self._listening.until_not(self._seen)
        if self._listening.heard == self._seen:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_cancel_after, patience, clock, tasks.cancel_scope)
                await self._listening.until_not(self._seen)
                tasks.cancel_scope.cancel()
        before, self._seen = self._seen, self._listening.heard
        return self._seen != before or not self._listening.trusted


async def _cancel_after(seconds: float, clock: Clock, scope: anyio.CancelScope) -> None:
    await clock.sleep(seconds)
    scope.cancel()


def _listening(address: dict[str, Any], place: str) -> Session:
    session = connect(address, place)
    try:
        [[channel]] = session.execute(f"SELECT {CHANNEL}").fetchall()
        session.execute(f"LISTEN {channel}")
    except BaseException:
        session.close()
        raise
    return session
