"""The one poller of an account among all its processes.

Whoever holds the lease of the ledger looks; the others see in the ledger that something came. A
process without anybody who watches asks for no lease, and one that stops gives it back.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import anyio

from xdm_mcp.clock import Clock
from xdm_mcp.errors import LedgerUnavailable, RateLimited, XdmError
from xdm_mcp.inbox.feed import Feed
from xdm_mcp.inbox.news import News
from xdm_mcp.inbox.pace import after_limit, pause, pause_after_failure
from xdm_mcp.ledger.changes import Changes
from xdm_mcp.ledger.polling import PollingLedger
from xdm_mcp.models.news import Polling
from xdm_mcp.people import People

LEASE = timedelta(seconds=30)
"""How long nobody polls, at most, after the process that did died."""

RENEW = LEASE / 2
"""How much of a lease is left when it is renewed: longer than a look takes."""


class Poller:
    """Looks at the inbox while somebody in the process watches and no other process looks."""

    def __init__(
        self,
        *,
        feed: Feed,
        news: News,
        ledger: PollingLedger,
        people: People,
        clock: Clock,
        base: timedelta,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Look through `feed` every `base`; `chance` spreads the pauses after failures."""
        self._feed = feed
        self._news = news
        self._ledger = ledger
        self._people = people
        self._clock = clock
        self._base = base
        self._chance = chance
        self._failures = 0
        self._since: datetime | None = None

    async def run(self) -> None:
        """Wait until somebody watches, and look until nobody does. Raises what a look may raise,
        after it has planned the next; the lease is given back in any case."""
        await self._news.wanted()
        self._since = self._clock.now()
        account = await self._people.account()
        try:
            async with self._ledger.changes() as changes:
                while self._news.watched:
                    await self._until_something(changes, await self._step(account.id))
        finally:
            with anyio.CancelScope(shield=True):
                await self._ledger.leave_polling(account.id)

    async def _step(self, account_id: str) -> float:
        """Do what is due now; return after how many seconds something may be due again."""
        polling, now = await self._news.catch_up(), self._clock.now()
        if not polling.mine or _left(polling.until, now) <= RENEW:
            if not await self._ledger.take_polling(account_id, now + LEASE, now):
                return max(0.0, _left(polling.until, now).total_seconds())
            polling = await self._ledger.polling(account_id)
        if self._due(polling, now) <= now:
            await self._look(account_id)
            polling, now = await self._ledger.polling(account_id), self._clock.now()
        wait = min(self._due(polling, now) - now, _left(polling.until, now) - RENEW)
        return max(0.0, wait.total_seconds())

    def _due(self, polling: Polling, now: datetime) -> datetime:
        """Return when the next look is due. After a failure it is when that was planned, whoever
        waits."""
        if polling.looked_at is None or polling.trouble is not None:
            return polling.next_look_at or now
        waited_for = polling.wanted_until is not None and polling.wanted_until > now
        began = self._since or now
        quiet = now - max(polling.news_at or began, began)
        return polling.looked_at + pause(self._base, quiet, waited_for=waited_for)

    async def _look(self, account_id: str) -> None:
        """Look once and plan the next look."""
        try:
            failed = await self._feed.look()
        except LedgerUnavailable:
            raise
        except XdmError as error:
            await self._plan(account_id, error)
            raise
        await self._plan(account_id, failed)

    async def _plan(self, account_id: str, failed: XdmError | None) -> None:
        now = self._clock.now()
        self._failures = self._failures + 1 if failed else 0
        if failed is None:
            at = self._due(await self._ledger.polling(account_id), now)
        elif isinstance(failed, RateLimited) and failed.retry_at is not None:
            at = after_limit(failed.retry_at, self._base, self._chance())
        else:
            at = now + pause_after_failure(self._base, self._failures, self._chance())
        says = str(failed) if failed else None
        await self._ledger.plan_look(account_id, at, now + LEASE, says)

    async def _until_something(self, changes: Changes, seconds: float) -> None:
        """Return after `seconds`, or sooner when another process has written or somebody here
        begins or ceases to want news."""
        with anyio.CancelScope() as scope, self._news.nudging(scope.cancel):
            await changes.wait(seconds, self._clock)


def _left(until: datetime | None, now: datetime) -> timedelta:
    return until - now if until is not None else timedelta()
