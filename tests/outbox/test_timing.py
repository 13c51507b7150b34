"""A clock that is off sends nothing, says so, and is believed again once it was set."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.rigs import START, Rig, rig
from xdm_mcp.backends.http import Wire
from xdm_mcp.clock import ManualClock, ShiftedClock
from xdm_mcp.outbox.timing import SKEW, STEP, off, stepped

FREE: dict[str, Any] = {"confirmation": {"mode": "never"}, "taint": {"enabled": False}}


@pytest.fixture
def wrong(monkeypatch: pytest.MonkeyPatch) -> ShiftedClock:
    """The clock by which answers are compared, to be set wrong by a test."""
    compared = ShiftedClock(ManualClock(START))
    before = Wire.__init__

    def shifted(self: Wire, *given: object, **more: object) -> None:
        before(self, *given, **more)  # type: ignore[arg-type]
        compared._base = self._clock
        self._clock = compared

    monkeypatch.setattr(Wire, "__init__", shifted)
    return compared


async def test_nothing_leaves_while_the_clock_is_off(tmp_path: Path, wrong: ShiftedClock) -> None:
    """Refused before anything is stored, in a sentence that says what to set."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await set_off(here, wrong, seconds=-45)

        refused = await here.send()

        assert refused.status == "denied"
        assert [reason.rule for reason in refused.reasons] == ["clock"]
        assert "45 seconds behind X's" in refused.says
        assert await here.deliveries() == []
        assert await here.app.ledger.recent() == ()
        assert "set the machine's clock" in (await here.app.standing.quota()).notes[0]


async def test_a_clock_that_was_set_is_believed_again(tmp_path: Path, wrong: ShiftedClock) -> None:
    """Nobody lifts anything: X is asked for the time once more, at most once a minute."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await set_off(here, wrong, seconds=45)
        assert (await here.send()).status == "denied"
        wrong.shift = timedelta()

        assert (await here.send()).status == "denied"
        here.later(seconds=61)

        assert (await here.send()).status == "sent"
        assert (await here.app.standing.quota()).notes == []


async def test_an_approved_send_waits_for_the_clock(tmp_path: Path, wrong: ShiftedClock) -> None:
    """It is not lost: it goes out by itself once the clock is right."""
    async with rig(tmp_path) as here:
        await here.approve(await here.send())
        await set_off(here, wrong, seconds=45)
        assert await here.app.outbox.work() == 0
        assert len(await here.app.outbox.waiting()) == 1

        wrong.shift = timedelta()
        here.later(seconds=61)

        assert await here.app.outbox.work() == 1
        assert await here.deliveries() == ["On its way."]


async def test_a_repeat_of_what_was_sent_is_answered_whatever_the_clock(
    tmp_path: Path, wrong: ShiftedClock
) -> None:
    """What was sent is never called not sent."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        assert (await here.send()).status == "sent"
        await set_off(here, wrong, seconds=45)

        again = await here.send()

        assert (again.status, again.replayed) == ("sent", True)


async def test_the_first_send_of_a_process_has_a_dated_answer_behind_it(tmp_path: Path) -> None:
    """An approved send of an earlier process asks X for the time before it leaves."""
    async with rig(tmp_path) as here:
        await here.approve(await here.send())
    async with rig(tmp_path, here.clock) as later:
        assert later.app.backend.skew is None

        assert await later.app.outbox.work() == 1

        assert later.app.backend.skew is not None


async def test_a_clock_that_stepped_back_is_shown(tmp_path: Path) -> None:
    """Windows stand still until it catches up; the status says why."""
    async with rig(tmp_path, **FREE) as here:
        await here.app.inbox.page()
        await here.send()
        here.later(minutes=-2)

        notes = (await here.app.standing.quota()).notes

        assert any("120 seconds behind what the ledger has seen" in note for note in notes)


def test_the_bounds_are_exclusive() -> None:
    """Half a minute, and a minute, are not yet worth a word."""
    assert off(None) is off(SKEW) is off(-SKEW) is None
    assert "ahead of" in (off(-SKEW - timedelta(seconds=1)) or "")
    assert stepped(None, START) is stepped(START + STEP, START) is None


async def set_off(here: Rig, wrong: ShiftedClock, seconds: float) -> None:
    """Set the clock wrong, and read something, which shows it."""
    wrong.shift = timedelta(seconds=seconds)
    await here.app.people.account(again=True)
