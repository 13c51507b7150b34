"""The breaker that every process of a ledger has: sends whose process died trip it too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.contract.ledger.conftest import ALONE, SHARED, fresh
from tests.contract.ledger.desk import (
    BEN,
    CARA,
    LIMITS,
    ME,
    Desk,
    allow,
    allow_at,
    draft,
    sent,
    snowflake,
)
from xdm_mcp.guard.breakers import trip
from xdm_mcp.ledger.attempts import Attempt
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.sends import Halt, SendState
from xdm_mcp.models.verdicts import Decision, Facts


@pytest.fixture(params=[*SHARED, *ALONE])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk over a fresh ledger with the guard's breaker."""
    ledger = open_ledger(fresh(request.param, tmp_path), trip)
    yield Desk(ledger)
    await ledger.close()


async def crashed(desk: Desk, *texts: str, account: str = ME) -> None:
    """Let sends leave whose process dies before it knows their end."""
    for text in texts:
        await desk.flying(draft(text, account=account))
        desk.later(seconds=1)
    desk.later(minutes=2)


async def codes(desk: Desk, account: str = ME) -> list[str]:
    """Return the codes of the halts in force."""
    return [halt.code for halt in await desk.ledger.halts(account, desk.now)]


async def test_two_sends_in_a_row_whose_process_died_stop_the_account(desk: Desk) -> None:
    """As two that ended unknown in the hands of a process that lives."""
    await crashed(desk, "One", "Two")

    await desk.ledger.due(desk.now)

    assert await codes(desk) == ["unknown_outcomes"]
    events = [record.event for record in await desk.ledger.audit(-3)]
    assert events == ["unknown", "unknown", "halted"]


async def test_one_that_died_after_one_that_ended_unknown_stops_the_account(desk: Desk) -> None:
    """It makes no difference which of them the sweep found, nor in which sweep."""
    await crashed(desk, "One")
    await desk.ledger.due(desk.now)
    assert await codes(desk) == []
    await crashed(desk, "Two")

    await desk.ledger.due(desk.now)

    assert await codes(desk) == ["unknown_outcomes"]


async def test_one_that_died_after_one_that_was_sent_stops_nothing(desk: Desk) -> None:
    """Nor does a second sweep, which ends nothing."""
    await desk.send(draft("Zero"), sent(snowflake(desk.now)))
    await crashed(desk, "One")

    await desk.ledger.due(desk.now)
    await desk.ledger.due(desk.later(minutes=1))

    assert await codes(desk) == []


async def test_what_a_person_cleared_does_not_halt_again_by_a_sweep_that_ends_nothing(
    desk: Desk,
) -> None:
    """Only a new attempt trips."""
    await crashed(desk, "One", "Two")
    await desk.ledger.due(desk.now)
    assert await desk.ledger.clear_halt(ME, None, "owner", desk.now) == 1
    held = await desk.held(draft("Held", CARA))
    desk.later(hours=1)

    await desk.ledger.due(desk.now)

    expired = await desk.ledger.entry(held.id)
    assert expired is not None
    assert expired.state is SendState.EXPIRED
    assert await codes(desk) == []


async def test_the_crashes_of_one_account_stop_no_other(desk: Desk) -> None:
    """A ledger may be shared by accounts."""
    await desk.flying(draft("One"))
    await crashed(desk, "Two", account="200")

    await desk.ledger.due(desk.now)

    assert (await codes(desk), await codes(desk, "200")) == ([], [])


@pytest.mark.parametrize("way", ["reserve", "claim", "facts", "preview"])
async def test_the_decision_that_finds_the_crashes_knows_the_halt(desk: Desk, way: str) -> None:
    """Nothing leaves in between, and a question is told what a send would be."""
    approved = await desk.approved(draft("Approved", BEN))
    await crashed(desk, "One", "Two")
    seen: list[tuple[Halt, ...]] = []

    def judge(known: Facts, now: datetime) -> Decision:
        seen.append(known.halts)
        return allow(known, now)

    if way == "reserve":
        made = await desk.ledger.reserve(
            draft("Three", CARA), LIMITS, judge, desk.hold, desk.now, leave=True
        )
        assert made.entry is not None
        assert made.entry.state is SendState.RESERVED
    elif way == "claim":
        await desk.claim(approved, judge)
    elif way == "preview":
        await desk.ledger.preview(draft("Three", CARA), LIMITS, judge, desk.now)
    else:
        seen.append((await desk.facts(draft("Three", CARA))).halts)

    assert [[halt.code for halt in halts] for halts in seen] == [["unknown_outcomes"]]
    assert seen[0][0].since == desk.now
    asked = way in {"facts", "preview"}  # which change nothing
    assert await codes(desk) == ([] if asked else ["unknown_outcomes"])


async def test_what_waited_for_its_slot_while_others_crashed_does_not_leave(desk: Desk) -> None:
    """The halt of the sweep holds what was allowed before it."""
    await desk.flying(draft("One"))
    await desk.flying(draft("Two"))
    slot = desk.now + timedelta(seconds=62)
    waiting = (await desk.reserve(draft("Three", CARA), allow_at(slot))).entry
    assert waiting is not None
    await desk.ledger.due(desk.later(seconds=61))
    desk.now = slot

    assert await desk.ledger.dispatch(waiting, desk.now) is None


async def test_a_breaker_that_fails_leaves_the_sweep_undone(tmp_path: Path) -> None:
    """A sweep is written whole or not at all."""

    def broken(latest: Sequence[Attempt], now: datetime) -> Halt | None:
        raise RuntimeError("a breaker has a fault")

    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", broken)
    desk = Desk(ledger)
    await crashed(desk, "One")

    with pytest.raises(RuntimeError):
        await ledger.due(desk.now)

    assert [entry.state for entry in await ledger.recent()] == [SendState.IN_FLIGHT]
    await ledger.close()
