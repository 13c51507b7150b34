"""Charging reads: each is booked before it is made, with its price and its place in the limits of
the service, and settled by what it may have cost."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from xdm_mcp.backends.base import Backend, Prices
from xdm_mcp.clock import Clock
from xdm_mcp.errors import AskAgain, BackendUnavailable, RateLimited, XdmError
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.quota import Budget, Limit, ServerWindow

Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Charge:
    """What one read is booked with: whom it is charged to, its worst price in micro-dollars, what a
    plain refusal of it may have cost, the owner's budget, and the limits that it counts against.

    `messages` says how many may come of which each may bring its sender, for the price at the
    moment when the read is made.
    """

    account_id: str
    worst: int
    refused: int
    budget: Budget
    limits: Sequence[Limit] = ()
    messages: int = 0


class Charges:
    """The one way by which a read leaves."""

    def __init__(self, backend: Backend, ledger: Ledger, clock: Clock) -> None:
        """Book reads of `backend` in `ledger`."""
        self._backend = backend
        self._ledger = ledger
        self._clock = clock

    async def make(
        self,
        charge: Charge,
        ask: Callable[[], Awaitable[Told]],
        cost: Callable[[Told], int] | None = None,
    ) -> Told:
        """Return what `ask` returns, at its `cost`, by default the booked one.

        Where the backend says that the same read will do when it is made once more, it is, under a
        charge of its own: the service counts each. Raises OverBudget or RateLimited before anything
        is asked, and what `ask` raises.
        """
        try:
            return await self._once(charge, ask, cost)
        except AskAgain:
            return await self._once(charge, ask, cost)

    async def count(self, account_id: str, limit: Limit, times: int) -> None:
        """Count so many requests that cost nothing against a limit, one by one. Raises RateLimited
        where there is no room for one of them."""
        for _ in range(times):
            booking = await self._ledger.book_read(
                account_id, 0, Budget(), (limit,), self._clock.now()
            )
            await self._ledger.settle_read(booking, 0)

    async def _once(
        self,
        charge: Charge,
        ask: Callable[[], Awaitable[Told]],
        cost: Callable[[Told], int] | None,
    ) -> Told:
        senders = self._backend.capabilities.prices.read_sender * charge.messages
        charge = replace(charge, worst=charge.worst + senders)
        booking = await self._ledger.book_read(
            charge.account_id, charge.worst, charge.budget, charge.limits, self._clock.now()
        )
        try:
            told = await ask()
        except XdmError as error:
            owed = owed_for(error, charge, self._backend.capabilities.prices)
            await self._ledger.settle_read(booking, owed)
            await self._heed(charge, said_by(error, charge.limits))
            raise
        await self._ledger.settle_read(booking, cost(told) if cost else charge.worst)
        await self._heed(charge)
        return told

    async def _heed(self, charge: Charge, refused: Sequence[ServerWindow] = ()) -> None:
        """Let every process of the account know what the service said of its limits."""
        said = (*self._backend.server_windows(), *refused)
        named = [replace(w, scope=w.scope.replace("{account}", charge.account_id)) for w in said]
        await self._ledger.observe(named, self._clock.now())


def said_by(error: XdmError, limits: Sequence[Limit]) -> tuple[ServerWindow, ...]:
    """Return what a refusal says of the service's limits: nothing is left until it may be tried
    again, whatever the headers say. The owner's own bound is no business of the service."""
    until = error.retry_at if isinstance(error, RateLimited) else None
    if until is None:
        return ()
    return tuple(
        ServerWindow(limit.scope, 0, 0, until) for limit in limits if "/reads/" in limit.scope
    )


def owed_for(error: XdmError, charge: Charge, prices: Prices) -> int:
    """Return what a read that failed may cost: less than was booked only where that is known.

    Nothing, where nothing left. A service that sells calls (`read_page`) may bill each, whatever it
    answers. X bills what it returns: nothing with a 429 (docs.x.com, limits and billing, 2026-08);
    whether a refusal is billed is not documented, so it is booked as one message or one person; and
    an answer that was lost or cannot be used may have held all that was asked for.
    """
    if not error.left:
        return 0
    doubtful = isinstance(error, BackendUnavailable) and not isinstance(error, AskAgain)
    if prices.read_page or doubtful:
        return charge.worst
    return 0 if isinstance(error, RateLimited) else min(charge.worst, charge.refused)
