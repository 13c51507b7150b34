"""Who is being answered right now: only so many at once for one principal, and nobody whose token
has ended in the meantime."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import anyio

from xdm_mcp.server.callers import Caller

MOST = 256
"""Requests at once for one principal, open streams included: a hundred agents that listen fit."""

LOOK_EVERY = 1.0
"""Seconds between looks for streams whose token has ended."""


class Presence:
    """The requests that are being answered."""

    def __init__(self, most: int = MOST) -> None:
        """Answer at most so many of one principal at once."""
        self._most = most
        self._count: Counter[str] = Counter()
        self._open: dict[anyio.CancelScope, Caller] = {}

    @contextmanager
    def one(self, caller: Caller) -> Iterator[anyio.CancelScope | None]:
        """Count a request while entered, within a scope that ends with the caller's token; None
        where it would be one too many."""
        if self._count[caller.principal] >= self._most:
            yield None
            return
        self._count[caller.principal] += 1
        try:
            with anyio.CancelScope() as scope:
                self._open[scope] = caller
                try:
                    yield scope
                finally:
                    del self._open[scope]
        finally:
            self._count[caller.principal] -= 1

    def end(self, stands: Callable[[Caller], bool]) -> None:
        """End what is being answered to callers who no longer stand."""
        gone = {caller for caller in set(self._open.values()) if not stands(caller)}
        for scope, caller in list(self._open.items()):
            if caller in gone:
                scope.cancel()

    async def watch(self, stands: Callable[[Caller], bool]) -> None:
        """Look for such callers until cancelled."""
        while True:
            await anyio.sleep(LOOK_EVERY)
            self.end(stands)
