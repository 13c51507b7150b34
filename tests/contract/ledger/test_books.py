"""Money, reads and halts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.ledger.desk import BEN, ME, PRICE, START, Desk, draft
from xdm_mcp.errors import OverBudget, RateLimited
from xdm_mcp.models.quota import Budget, Limit, ServerWindow, Spend
from xdm_mcp.models.sends import Halt, Outcome, SendState

READS = Limit(f"{ME}/reads/users", 2, timedelta(minutes=15))
FREE = Budget()


async def book(desk: Desk, cost: int, budget: Budget = FREE, *limits: Limit) -> int:
    """Book a read and leave it at its worst price."""
    return (await desk.ledger.book_read(ME, cost, budget, limits, desk.now)).cost


async def test_reads_and_sends_are_spent_from_one_purse(desk: Desk) -> None:
    """Today and in all, in micro-dollars."""
    await desk.send(draft())
    await book(desk, 10_000)

    assert await desk.ledger.spend(ME, desk.now) == Spend(PRICE + 10_000, PRICE + 10_000)
    assert await desk.ledger.spend("200", desk.now) == Spend()


async def test_a_day_of_money_is_a_utc_day(desk: Desk) -> None:
    """Midnight in UTC starts a new day, the total goes on."""
    desk.later(hours=12, milliseconds=-1)
    await book(desk, 1_000)
    desk.later(milliseconds=1)
    await book(desk, 500)

    assert await desk.ledger.spend(ME, desk.now) == Spend(500, 1_500)


async def test_a_read_costs_what_it_cost(desk: Desk) -> None:
    """The worst price is booked before, the true one replaces it, once."""
    booking = await desk.ledger.book_read(ME, 5_000, FREE, (), desk.now)
    await desk.ledger.settle_read(booking, 1_000)
    await desk.ledger.settle_read(booking, 0)
    other = await desk.ledger.book_read(ME, 5_000, FREE, (), desk.now)
    await desk.ledger.settle_read(booking, 0)

    assert (await desk.ledger.spend(ME, desk.now)).today == 6_000
    assert other.id != booking.id


async def test_a_read_across_midnight_is_settled_on_its_own_day(desk: Desk) -> None:
    """Yesterday's booking gives back to yesterday."""
    booking = await desk.ledger.book_read(ME, 5_000, FREE, (), desk.now)
    await desk.ledger.settle_read(booking, 1_000)

    assert await desk.ledger.spend(ME, desk.later(days=1)) == Spend(0, 1_000)


@pytest.mark.parametrize("budget", [Budget(per_day=3_000), Budget(total=3_000)])
async def test_a_read_beyond_the_budget_is_refused_and_nothing_charged(
    desk: Desk, budget: Budget
) -> None:
    """To the micro-dollar; neither money nor windows move."""
    await book(desk, 2_000, budget, READS)

    with pytest.raises(OverBudget):
        await book(desk, 1_001, budget, READS)

    assert (await desk.ledger.spend(ME, desk.now)).today == 2_000
    assert await desk.used(READS) == 1
    assert await book(desk, 1_000, budget, READS) == 1_000


async def test_a_free_read_needs_no_budget(desk: Desk) -> None:
    """What costs nothing is not refused for money."""
    await book(desk, 5_000)

    assert await book(desk, 0, Budget(per_day=1)) == 0


async def test_a_read_beyond_its_window_is_refused_with_the_time(desk: Desk) -> None:
    """Reads have windows of their own, and say when there is room."""
    await book(desk, 100, FREE, READS)
    await book(desk, 100, FREE, READS)

    with pytest.raises(RateLimited, match="12:15:40Z") as refusal:
        await book(desk, 100, FREE, READS)

    assert refusal.value.retry_at == START + timedelta(minutes=15, seconds=40)
    assert (await desk.ledger.spend(ME, desk.now)).today == 200


async def test_headers_of_reads_are_obeyed(desk: Desk) -> None:
    """X says that none is left, so none is made until its reset."""
    reset = START + timedelta(minutes=3)
    await desk.ledger.observe([ServerWindow(READS.scope, 900, 0, reset)], desk.now)

    with pytest.raises(RateLimited) as refusal:
        await book(desk, 100, FREE, READS)

    assert refusal.value.retry_at == reset
    desk.now = reset
    assert await book(desk, 100, FREE, READS) == 100


@pytest.mark.parametrize("scope", ["reads/users", "inbox.reads_per_day"])
async def test_a_pause_of_sends_stops_no_read(desk: Desk, scope: str) -> None:
    """Not by the owner's own bound either: who asks us to stop meanwhile is heard."""
    bound = Limit(f"{ME}/{scope}", 2, timedelta(hours=24))
    await book(desk, 0, FREE, bound)
    retry_at = desk.now + timedelta(hours=20)
    limited = Outcome(SendState.FAILED, "rate_limited", "X wants us to wait.", retry_at=retry_at)

    await desk.send(draft(), limited)

    assert await book(desk, 0, FREE, bound) == 0
    with pytest.raises(RateLimited):
        await book(desk, 0, FREE, bound)


async def test_halts_are_in_force_until_cleared_or_over(desk: Desk) -> None:
    """Oldest first; of one account only; gone at their end to the millisecond."""
    locked = Halt("locked", "X locked the account.", START)
    pause = Halt("pause", "X wants a pause.", START, "first_contacts", START + timedelta(hours=1))
    later = Halt("spam", "X takes this for spam.", START + timedelta(minutes=1))
    for halt in (later, pause, locked):
        await desk.ledger.halt(ME, halt)

    assert await desk.ledger.halts(ME, desk.now) == (locked, pause, later)
    assert await desk.ledger.halts(BEN, desk.now) == ()
    desk.later(hours=1)
    assert await desk.ledger.halts(ME, desk.now) == (locked, later)
    assert await desk.ledger.clear_halt(ME, "locked", "owner", desk.now) == 1
    assert await desk.ledger.clear_halt(ME, "locked", "owner", desk.now) == 0
    assert await desk.ledger.halts(ME, desk.now) == (later,)


async def test_all_halts_of_one_account_are_cleared_together(desk: Desk) -> None:
    """Without a code all of them go, and nobody else's."""
    for code in ("one", "two"):
        await desk.ledger.halt(ME, Halt(code, "Trouble.", START))
    await desk.ledger.halt(BEN, Halt("one", "Trouble.", START))

    assert await desk.ledger.clear_halt(ME, None, "owner", desk.now) == 2
    assert await desk.ledger.halts(ME, desk.now) == ()
    assert len(await desk.ledger.halts(BEN, desk.now)) == 1


async def test_the_same_trouble_twice_is_one_halt(desk: Desk) -> None:
    """Since the first, as long and as wide as the stronger of both."""
    hour, day = START + timedelta(hours=1), START + timedelta(days=1)
    await desk.ledger.halt(ME, Halt("spam", "First.", START, "first_contacts", day))
    await desk.ledger.halt(ME, Halt("spam", "Second.", START + timedelta(minutes=1), until=hour))

    assert await desk.ledger.halts(ME, desk.now) == (
        Halt("spam", "Second.", START, "account", day),
    )
    third = Halt("spam", "Third.", START + timedelta(minutes=2), "first_contacts")
    await desk.ledger.halt(ME, third)
    assert await desk.ledger.halts(ME, desk.now) == (Halt("spam", "Third.", START),)


async def test_a_halt_that_was_over_starts_anew(desk: Desk) -> None:
    """What ended long ago does not date the new trouble."""
    await desk.ledger.halt(ME, Halt("spam", "First.", START, until=START + timedelta(hours=1)))
    again = Halt("spam", "Second.", START + timedelta(days=1), until=START + timedelta(days=2))

    await desk.ledger.halt(ME, again)

    assert await desk.ledger.halts(ME, START + timedelta(days=1)) == (again,)
