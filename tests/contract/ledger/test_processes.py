"""Two processes on one ledger: races with one winner, and what a death between two steps leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from tests.contract.ledger.desk import (
    ME,
    MESSAGES,
    NOT_SENT,
    REFUSED,
    UNKNOWN,
    Desk,
    allow_at,
    draft,
    quiet,
    sent,
    within_windows,
)
from xdm_mcp.ledger.base import Reservation
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Entry, SendState

Desks = tuple[Desk, Desk]

ONE = Limit(f"{ME}/messages", 1, timedelta(hours=24), counts="messages")


async def both(*steps: object) -> list[Reservation]:
    """Take two steps at once and return what they returned."""
    results: list[Reservation] = []

    async def take(step: object) -> None:
        results.append(await step)  # type: ignore[misc]

    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            for step in steps:
                tasks.start_soon(take, step)
    return results


async def test_the_last_slot_is_taken_once(desks: Desks) -> None:
    """Of sends that race for one place in a window exactly one is let through."""
    results = await both(
        *(
            desk.reserve(draft(f"{desk.holds} {number}"), within_windows, [ONE])
            for desk in desks
            for number in range(10)
        )
    )

    assert sum(result.entry is not None for result in results) == 1
    assert await desks[1].used(ONE) == 1


async def test_an_approval_is_claimed_once(desks: Desks) -> None:
    """Many claims in two processes: one reserves, the others find it reserved."""
    approved = await desks[0].approved(draft())

    results = await both(*(desk.claim(approved) for desk in desks * 10))

    assert [result.repeat for result in results].count(False) == 1
    assert await desks[0].used(MESSAGES) == 1


async def test_one_draft_in_two_processes_is_one_send(desks: Desks) -> None:
    """The agent's retry in another process meets the first in the same row."""
    results = await both(*(desk.reserve(draft()) for desk in desks * 5))

    assert len({result.entry.id for result in results if result.entry}) == 1
    assert [result.repeat for result in results].count(False) == 1


async def test_only_the_owner_dispatches(desks: Desks) -> None:
    """Another process cannot send what this one reserved, even with the same entry in hand."""
    here, there = desks
    entry = await here.reserved(draft())

    assert await there.ledger.dispatch(entry, there.now) is None
    assert await here.ledger.dispatch(entry, here.now) is not None


async def test_an_outdated_fence_moves_nothing(desks: Desks) -> None:
    """Not even the owner acts on an entry as it stood before it changed hands."""
    here, _ = desks
    reserved = await here.reserved(draft())
    outdated = replace(reserved, fence=reserved.fence - 1)

    assert await here.ledger.dispatch(outdated, here.now) is None
    assert await here.settle(outdated, NOT_SENT) == reserved


async def test_only_the_owner_settles_without_a_receipt(desks: Desks) -> None:
    """A refusal is believed of the process that made the attempt, a receipt of anybody."""
    here, there = desks
    flying = await here.flying(draft())

    assert (await there.settle(flying, REFUSED)).state is SendState.IN_FLIGHT
    assert (await there.settle(flying, sent("555"))).state is SendState.SENT


async def test_a_reservation_whose_owner_vanished_is_given_back(desks: Desks) -> None:
    """After reserve nothing has left: 60 seconds past its slot another process ends it."""
    here, there = desks
    slot = here.now + timedelta(seconds=10)
    entry = (await here.reserve(draft(), allow_at(slot))).entry
    assert entry is not None
    there.now = slot + timedelta(seconds=60, milliseconds=-1)
    await there.ledger.due(there.now)
    assert (await there.ledger.entry(entry.id)) == entry

    await there.ledger.due(there.later(milliseconds=1))

    swept = await there.ledger.entry(entry.id)
    assert swept is not None
    assert (swept.state, swept.code, swept.text) == (SendState.FAILED, "abandoned", None)
    assert swept.fence > entry.fence
    assert await there.used(MESSAGES) == 0
    assert (await there.ledger.spend(ME, there.now)).total == 0
    assert not (await there.reserve(draft())).repeat


async def test_a_flight_whose_owner_vanished_is_unknown_and_read_back_at_once(desks: Desks) -> None:
    """After dispatch it may have left: it is never sent again, and counts until it is known."""
    here, there = desks
    flying = await here.flying(draft())
    there.later(seconds=60, milliseconds=-1)
    assert await there.ledger.due(there.now) == ()

    [due] = await there.ledger.due(there.later(milliseconds=1))

    assert (due.id, due.state, due.next_read_at) == (flying.id, SendState.UNKNOWN, there.now)
    assert due.text == draft().text
    assert due.fence > flying.fence
    assert await there.used(MESSAGES) == 1
    assert (await there.reserve(draft())).repeat


@pytest.mark.parametrize("outcome", [REFUSED, NOT_SENT, UNKNOWN])
async def test_a_zombie_that_wakes_after_its_lease_changes_nothing(
    desks: Desks, outcome: object
) -> None:
    """Its entry has a newer fence: only a receipt still counts."""
    here, there = desks
    flying = await here.flying(draft())
    there.later(minutes=2)
    [swept] = await there.ledger.due(there.now)

    assert await here.settle(flying, outcome) == swept  # type: ignore[arg-type]
    assert (await here.settle(flying, sent("555"))).state is SendState.SENT


async def test_a_swept_reservation_cannot_be_dispatched(desks: Desks) -> None:
    """A process that slept past its lease does not send what was given back."""
    here, there = desks
    entry = await here.reserved(draft())
    there.later(minutes=2)
    await there.ledger.due(there.now)

    assert await here.ledger.dispatch(entry, here.now) is None


async def test_every_decision_sweeps_first(desks: Desks) -> None:
    """No timer is needed for an abandoned reservation to make room."""
    here, there = desks
    await here.reserve(draft("Abandoned"), within_windows, [ONE])
    there.later(minutes=2)

    result = await there.reserve(draft("Next"), within_windows, [ONE])

    assert result.entry is not None


async def test_two_sweepers_sweep_once(desks: Desks) -> None:
    """What one process ended the other finds ended."""
    here, _ = desks
    await here.reserved(draft())
    for desk in desks:
        desk.later(minutes=2)

    await both(*(desk.ledger.due(desk.now) for desk in desks * 5))

    [entry] = await here.ledger.recent()
    assert (entry.state, entry.fence) == (SendState.FAILED, 2)
    assert await here.used(MESSAGES) == 0


async def test_a_judge_that_fails_leaves_nothing_behind(desks: Desks) -> None:
    """Whatever goes wrong inside a decision, neither row nor charge nor lock remains."""
    here, there = desks

    def broken(facts: object, now: object) -> object:
        raise RuntimeError("a rule has a fault")

    with pytest.raises(RuntimeError):
        await here.reserve(draft(), broken)  # type: ignore[arg-type]

    assert await there.ledger.recent() == ()
    assert (await there.reserve(draft())).entry is not None


async def test_a_trip_that_fails_leaves_the_attempt_open(desks: Desks) -> None:
    """A settlement is written whole or not at all."""
    here, _ = desks
    flying = await here.flying(draft())

    def broken(latest: object) -> None:
        raise RuntimeError("a breaker has a fault")

    with pytest.raises(RuntimeError):
        await here.ledger.settle(flying, REFUSED, here.now, broken)

    assert (await here.ledger.entry(flying.id)) == flying
    settled: Entry = await here.ledger.settle(flying, REFUSED, here.now, quiet)
    assert settled.state is SendState.FAILED


async def test_a_cancelled_caller_leaves_a_whole_transaction_or_none(desks: Desks) -> None:
    """Cancelled at any moment, the other process can always go on, and the row is whole."""
    here, there = desks
    for number in range(20):
        with anyio.move_on_after(0.0002 * number):
            await here.reserve(draft(f"Text {number}"))

        with anyio.fail_after(4):
            assert (await there.reserve(draft(f"Other {number}"))).entry is not None

    entries = await there.ledger.recent(100)
    assert await there.used(MESSAGES) == len(entries)


async def test_a_closed_ledger_opens_again(desks: Desks) -> None:
    """What was written is there, and the instance still owns what it reserved."""
    here, _ = desks
    entry = await here.reserved(draft())
    await here.ledger.close()
    await here.ledger.close()

    assert await here.ledger.dispatch(entry, here.now) is not None
