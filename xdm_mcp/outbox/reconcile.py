"""Finding out what became of an `unknown` send: read the conversation back and let the ledger
match.

A match proves that it was sent. No match proves nothing (encrypted threads, paging, delay), so an
unknown send never becomes failed here: after the last read a person decides.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from xdm_mcp.backends.base import Backend
from xdm_mcp.bus import Bus, Changed
from xdm_mcp.clock import Clock
from xdm_mcp.errors import Refused, Unavailable
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.sends import Entry, SendState

SCHEDULE = tuple(timedelta(seconds=s) for s in (5, 30, 120, 600, 3600))
"""When to read back after the attempt; after the last one only a person can settle it."""

PAGE = 20
"""How many messages a read-back asks for: each one read is billed."""


class Reconciler:
    """Reads back the unknown sends of one account."""

    def __init__(
        self, backend: Backend, ledger: Ledger, policy: Policy, bus: Bus, clock: Clock
    ) -> None:
        """Read through `backend`, within the policy's budget."""
        self._backend = backend
        self._ledger = ledger
        self._policy = policy
        self._bus = bus
        self._clock = clock

    async def read_back(self, entry: Entry) -> bool:
        """Look once for the message of an unknown entry; True when it was found and is now
        `sent`."""
        with suppress(
            Unavailable, Refused
        ):  # a failed read found nothing: the next is planned below
            await self._read(entry)
        now = self._clock.now()
        stands = await self._ledger.entry(entry.id) or entry
        if stands.state is not SendState.UNKNOWN:
            self._bus.publish(Changed("approvals"), Changed("inbox"))
            return stands.state is SendState.SENT
        reads = stands.reads + 1
        wait = SCHEDULE[reads] if reads < len(SCHEDULE) else None
        await self._ledger.postpone_read(stands, now + wait if wait else None, now)
        return False

    async def _read(self, entry: Entry) -> None:
        capabilities = self._backend.capabilities
        if not capabilities.read_back or entry.target.is_new_group:
            return
        limit = min(PAGE, capabilities.max_page)
        where = "conversation" if entry.target.conversation_id else "with_user"
        limits = (
            [capabilities.reads[where].of(entry.account_id)] if where in capabilities.reads else []
        )
        price = capabilities.prices.read_message
        booking = await self._ledger.book_read(
            entry.account_id, price * limit, self._policy.budget(), limits, self._clock.now()
        )
        page = await self._backend.messages(
            limit=limit,
            with_user=None if entry.target.conversation_id else entry.target.user_ids[0],
            conversation_id=entry.target.conversation_id,
        )
        await self._ledger.settle_read(booking, page.cost)
        await self._ledger.record(
            entry.account_id, page.messages, self._policy.opted_out, self._clock.now()
        )
