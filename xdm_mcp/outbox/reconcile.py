"""Finding out what became of an `unknown` send: read the conversation back and let the ledger
match.

A match proves that it was sent. No match proves nothing (encrypted threads, paging, delay), so an
unknown send never becomes failed here: after the last read a person decides.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from xdm_mcp.bus import Bus, Changed
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BadInput, RateLimited, Refused, Unavailable
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.sends import Entry, SendState
from xdm_mcp.reads import Reads

SCHEDULE = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600))
"""When to read back after the attempt; after the last one only a person can settle it."""

PAGE = 20
"""How many messages a read-back asks for: each one read is billed."""


class Reconciler:
    """Reads back the unknown sends of one account."""

    def __init__(
        self, reads: Reads, ledger: Ledger, bus: Bus, clock: Clock, *, readable: bool
    ) -> None:
        """Look through `reads`, or at nothing where the backend cannot read back (`readable`)."""
        self._reads = reads
        self._ledger = ledger
        self._bus = bus
        self._clock = clock
        self._readable = readable

    async def read_back(self, entry: Entry) -> bool:
        """Look once for the message of an unknown entry; True when it was found and is now
        `sent`."""
        free_at = await self._look(entry) if self._readable else None
        now = self._clock.now()
        stands = await self._ledger.entry(entry.id) or entry
        if stands.state is not SendState.UNKNOWN:
            self._bus.publish(Changed("approvals"), Changed("inbox"))
            return stands.state is SendState.SENT
        reads = stands.reads + 1
        planned = now + SCHEDULE[reads] if reads < len(SCHEDULE) else None
        if planned is not None and free_at is not None:
            planned = max(planned, free_at)
        await self._ledger.postpone_read(stands, planned, now)
        return False

    async def _look(self, entry: Entry) -> datetime | None:
        """Read the conversation; return when it may be read again, where a limit forbids it now.

        A read that fails finds nothing: the next one is planned.
        """
        try:
            await self._reads.of(entry.target, PAGE)
        except RateLimited as limited:
            return limited.retry_at
        except (Unavailable, Refused, BadInput):
            return None
        return None
