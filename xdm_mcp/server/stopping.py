"""Stopping well: SIGINT and SIGTERM let what is being sent finish; a second one ends us at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from xdm_mcp.app import App
from xdm_mcp.errors import Unavailable
from xdm_mcp.models.quota import DEADLINE

SIGNALS = (signal.SIGINT, signal.SIGTERM)

GRACE = DEADLINE.total_seconds() + 5
"""Seconds that sends in flight have once we were told to stop: longer than one can take."""


class Calls:
    """The calls in flight that change something; none begins once we are stopping."""

    def __init__(self) -> None:
        """Start with none."""
        self._open = 0
        self._stopping = False
        self._changed = anyio.Event()

    @property
    def stopping(self) -> bool:
        """Whether no call may begin any more."""
        return self._stopping

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a call while entered. Raises Unavailable when we are stopping."""
        if self._stopping:
            raise Unavailable("The server is stopping; call again when it runs again.")
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._changed.set()

    async def finish(self) -> None:
        """Let no new call begin and wait until the last one is done."""
        self._stopping = True
        while self._open:
            self._changed = anyio.Event()
            await self._changed.wait()


async def told_to_stop() -> None:
    """Return at the first SIGINT or SIGTERM. From then on both do what they do by default: a second
    one ends the process at once, and the ledger knows what was open."""
    with anyio.open_signal_receiver(*SIGNALS) as signals:
        async for _ in signals:
            break
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)


async def finish_sends(app: App, calls: Calls) -> None:
    """Let no new send begin and wait until nothing is being sent, at most `GRACE` seconds."""
    with anyio.move_on_after(GRACE):
        await calls.finish()
        await app.drain(GRACE)
