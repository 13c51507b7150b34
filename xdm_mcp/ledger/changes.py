"""Waiting for what other processes write: by looking often and cheaply, where nobody tells us."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from xdm_mcp.clock import Clock

LOOK_EVERY = 0.1
"""Seconds between two looks at whether another process has written, where nobody tells us."""


class Changes(Protocol):
    """Waits for what other processes write. Only one task may wait at a time.

    `told` says whether the engine tells of it; else each wait looks often, which is worth it only
    while somebody wants to know at once.
    """

    told: bool

    async def wait(self, patience: float, clock: Clock) -> bool:
        """Return True soon after another process may have written to the ledger since the last
        call, False when nothing came within `patience` seconds of `clock`.

        A True without a cause is allowed, a missed write is not; what this process writes itself
        may count or not. The first call looks back to when the watch began. Cancellation ends it
        at once. Raises LedgerUnavailable, and may be called again afterwards.
        """
        ...


class Looking:
    """See Changes; for an engine that tells nobody.

    `pulse` returns a number that is another one once another process has written; it is cheap.
    """

    told = False

    def __init__(self, pulse: Callable[[], Awaitable[int]], before: int) -> None:
        """Compare with `before`, how the pulse was when the watch began."""
        self._look = pulse
        self._pulse = before

    async def wait(self, patience: float, clock: Clock) -> bool:
        """See Changes.wait."""
        left = patience
        while True:
            pulse = await self._look()
            if pulse != self._pulse:
                self._pulse = pulse
                return True
            if left <= 0:
                return False
            await clock.sleep(min(LOOK_EVERY, left))
            left -= LOOK_EVERY
