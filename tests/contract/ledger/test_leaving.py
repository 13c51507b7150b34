"""Deciding and dispatching in one transaction, where nothing has to be waited for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ME,
    NOT_SENT,
    REQUESTS,
    START,
    UNKNOWN,
    Desk,
    allow,
    allow_at,
    ask,
    deny,
    draft,
    sent,
)
from xdm_mcp.ledger.judging import Judge
from xdm_mcp.models.sends import Entry, Halt, Outcome, SendState

TROUBLE = Halt("account_locked", "X locked the account.", START)


async def test_an_allowed_send_that_need_not_wait_is_in_flight_at_once(desk: Desk) -> None:
    """One transaction where there were two: the row says that the request leaves now."""
    entry = await left(desk)

    assert (entry.state, entry.dispatched_at, entry.not_before) == ("in_flight", desk.now, desk.now)
    assert await desk.used(REQUESTS) == 1
    assert (await desk.settle(entry, sent("5"))).state is SendState.SENT


async def test_an_approved_send_is_claimed_and_in_flight_at_once(desk: Desk) -> None:
    """The claim is merged in the same way, and only one process makes it."""
    approved = await desk.approved(draft())

    claimed = await claim(desk, approved)
    again = await desk.ledger.claim(approved.id, (REQUESTS,), allow, desk.now, leave=True)

    assert (claimed.state, claimed.dispatched_at) == (SendState.IN_FLIGHT, desk.now)
    assert (again.repeat, again.entry) == (True, claimed)


async def test_a_send_that_must_wait_is_only_reserved(desk: Desk) -> None:
    """It may leave at its slot, by a dispatch of its own."""
    entry = await left(desk, allow_at(desk.now + timedelta(seconds=3)))

    assert (entry.state, entry.dispatched_at) == (SendState.RESERVED, None)
    desk.later(seconds=3)
    assert await desk.ledger.dispatch(entry, desk.now) is not None


async def test_what_is_held_or_refused_is_so_all_the_same(desk: Desk) -> None:
    """Being ready to leave changes nothing of the verdict."""
    held = await desk.ledger.reserve(draft("A"), (), ask(), desk.hold, desk.now, leave=True)
    denied = await desk.ledger.reserve(draft("B"), (), deny(), desk.hold, desk.now, leave=True)

    assert held.entry is not None
    assert (held.entry.state, denied.entry) == (SendState.HELD, None)


async def test_a_halt_that_the_guard_overlooked_keeps_it_from_leaving(desk: Desk) -> None:
    """A policy without the rule for halts cannot merge its way past them."""
    await desk.ledger.halt(ME, TROUBLE)

    entry = await left(desk)

    assert entry.state is SendState.RESERVED
    assert await desk.ledger.dispatch(entry, desk.now) is None
    assert await desk.used(REQUESTS) == 0


async def test_a_pause_of_the_account_keeps_it_from_leaving(desk: Desk) -> None:
    """After a 429 nothing leaves before X's own moment, whatever the guard says."""
    limited = Outcome(
        SendState.FAILED, "rate_limited", "X wants a pause.", retry_at=desk.now + timedelta(hours=1)
    )
    await desk.send(draft("First."), limited)

    entry = await left(desk)

    assert entry.state is SendState.RESERVED
    assert await desk.ledger.dispatch(entry, desk.now) is None


async def test_it_is_never_dispatched_a_second_time(desk: Desk) -> None:
    """What is in flight already has left."""
    entry = await left(desk)

    assert await desk.ledger.dispatch(entry, desk.now) is None
    stands = await desk.ledger.entry(entry.id)
    assert stands == entry


async def test_one_that_vanished_becomes_unknown(desk: Desk) -> None:
    """Its process died: it may have left, so nobody sends it again."""
    entry = await left(desk)
    desk.later(seconds=61)

    [due] = await desk.ledger.due(desk.now)

    assert (due.id, due.state) == (entry.id, SendState.UNKNOWN)


@pytest.mark.parametrize(("outcome", "used"), [(NOT_SENT, 0), (UNKNOWN, 1)])
async def test_it_gives_back_what_every_send_gives_back(
    desk: Desk, outcome: Outcome, used: int
) -> None:
    """Everything where no byte left, nothing where that cannot be known."""
    await desk.settle(await left(desk), outcome)

    assert await desk.used(REQUESTS) == used


async def left(desk: Desk, judge: Judge = allow) -> Entry:
    """Decide about a draft, ready to let it go at once."""
    reserved = await desk.ledger.reserve(
        draft(), (REQUESTS,), judge, desk.hold, desk.now, leave=True
    )
    assert reserved.entry is not None
    return reserved.entry


async def claim(desk: Desk, entry: Entry) -> Entry:
    """Claim an approved entry, ready to let it go at once."""
    claimed = await desk.ledger.claim(entry.id, (REQUESTS,), allow, desk.now, leave=True)
    assert claimed.entry is not None
    return claimed.entry
