"""One hop to a worker thread per transaction, one transaction at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import anyio
from anyio.to_thread import run_sync

from xdm_mcp.ledger.sql import T


class Hops:
    """Runs steps in a worker thread, one after another, in whichever event loops they are asked
    for."""

    def __init__(self) -> None:
        """Start nothing."""
        # The limiter queues tasks without blocking the loop; the lock guards the connection between
        # loops.
        self._limiter: anyio.CapacityLimiter | None = None
        self._lock = threading.Lock()

    async def hop(self, step: Callable[[], T]) -> T:
        """Return what `step` returns, or raise what it raises.

        It is not abandoned on cancel: a transaction is never cut in half, and its caller learns
        what it did.
        """
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(1)

        return await run_sync(self._alone, step, abandon_on_cancel=False, limiter=self._limiter)

    def _alone(self, step: Callable[[], T]) -> T:
        with self._lock:
            return step()
