"""Reading messages: every read is booked before it is made, settled by what it cost, and learned
from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from xdm_mcp.backends.base import Backend, Capabilities
from xdm_mcp.charges import Charge, Charges
from xdm_mcp.clock import Clock, rfc3339
from xdm_mcp.errors import RateLimited
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.messages import Message, MessagePage
from xdm_mcp.models.quota import DEADLINE, Limit
from xdm_mcp.models.sends import Target
from xdm_mcp.people import People

INBOX = "dm_events"
"""The name of the limit that reads of the whole inbox count against."""

SPARED = 3
"""The background leaves one part in so many of a limit to those who ask for a page themselves."""

SETTLED = 2 * DEADLINE
"""How long after a send it is in every list of a backend."""


class Reads:
    """The one way by which messages are read."""

    def __init__(
        self,
        backend: Backend,
        ledger: Ledger,
        people: People,
        policy: Policy,
        clock: Clock,
        *,
        keep: timedelta | None = None,
        per_day: int | None = None,
    ) -> None:
        """Read through `backend` within the policy's budget, at most `per_day` pages for an inbox
        in 24 hours; teach `ledger` what is read, and have it kept for the time `keep`."""
        self._backend = backend
        self._ledger = ledger
        self._people = people
        self._policy = policy
        self._clock = clock
        self._charges = Charges(backend, ledger, clock)
        self._keep = keep
        self._per_day = per_day

    @property
    def backend(self) -> str:
        """The backend's name, for sentences."""
        return self._backend.name

    @property
    def capabilities(self) -> Capabilities:
        """What the backend can read."""
        return self._backend.capabilities

    async def page(
        self,
        limit: int,
        *,
        cursor: str | None = None,
        with_user: str | None = None,
        conversation_id: str | None = None,
        proof: bool = False,
        background: bool = False,
    ) -> MessagePage:
        """Return one page of at most `limit` messages, newest first: of everything, of one
        person's, or of one conversation. `proof` says that it tells what became of a send: the
        owner's bound of reads does not keep us from that. `background` says that nobody asked: a
        part of each limit is not for that.

        Raises OverBudget or RateLimited before anything is asked, and what a backend's read may
        raise.
        """
        limit = min(limit, self._backend.capabilities.max_page)
        where = "with_user" if with_user else "conversation" if conversation_id else INBOX
        limits = await self._limits(where, bounded=not proof)
        if background:
            await self._spare(limits)
        page = await self._charges.make(
            await self._charge(limit, limits),
            lambda: self._backend.messages(
                limit=limit, cursor=cursor, with_user=with_user, conversation_id=conversation_id
            ),
            lambda page: page.cost,
        )
        await self._learn(page)
        return page

    async def of(self, target: Target, limit: int) -> MessagePage:
        """Return the newest messages with a target that exists; a new group has none."""
        if target.is_new_group:
            return MessagePage(())
        if target.conversation_id:
            return await self.page(limit, conversation_id=target.conversation_id, proof=True)
        return await self.page(limit, with_user=target.user_ids[0], proof=True)

    async def message(self, message_id: str) -> Message:
        """Return one message. Raises NotFound, and what `page` raises."""
        charge = await self._charge(1, await self._limits("message"))
        message = await self._charges.make(charge, lambda: self._backend.message(message_id))
        await self._learn(MessagePage((message,)))
        return message

    async def sent_lately(self) -> bool:
        """Whether any process decided or sent something within `SETTLED`."""
        account = await self._people.account()
        newest = await self._ledger.newest_stamp(account.id)
        return newest is not None and newest > self._clock.now() - SETTLED

    async def _limits(self, where: str, *, bounded: bool = True) -> tuple[Limit, ...]:
        account = await self._people.account()
        reads = self._backend.capabilities.reads
        documented = (reads[where].of(account.id),) if where in reads else ()
        return (*(bound_of(account.id, self._per_day) if bounded else ()), *documented)

    async def _spare(self, limits: Sequence[Limit]) -> None:
        """Raise RateLimited where only the part is left that is not for the background."""
        now = self._clock.now()
        for limit in limits:
            spared = limit.limit // SPARED
            less = replace(limit, limit=limit.limit - spared)
            whole, own = await self._ledger.windows((limit, less), now)
            if whole.remaining <= spared:
                at = own.free_at or whole.resets_at
                when = f"; the next look is at {rfc3339(at)}" if at else ""
                raise RateLimited(
                    f"Reading in the background is used up for now ({limit.name}){when}.", at
                )

    async def _charge(self, count: int, limits: Sequence[Limit]) -> Charge:
        account = await self._people.account()
        prices = self._backend.capabilities.prices
        worst = prices.read_page + prices.read_message * count
        one = prices.read_page + prices.read_message
        return Charge(account.id, worst, one, self._policy.budget(), limits, messages=count)

    async def _learn(self, page: MessagePage) -> None:
        account = await self._people.account()
        now = self._clock.now()
        if page.users:
            await self._ledger.remember_users(page.users, now)
        await self._ledger.record(
            account.id,
            page.messages,
            self._policy.opted_out,
            now,
            keep=self._keep,
            marked_for=self._policy.leak.remembered,
        )


def bound_of(account_id: str, per_day: int | None) -> tuple[Limit, ...]:
    """Return the owner's own bound of reads, if there is one."""
    if per_day is None:
        return ()
    scope = f"{account_id}/inbox.reads_per_day"
    return (Limit(scope, per_day, timedelta(hours=24), source="inbox"),)
