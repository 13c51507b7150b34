"""Time as a parameter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from xdm_mcp.clock import ManualClock, ShiftedClock, SystemClock, from_ms, rfc3339, to_ms

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


async def test_a_sleep_on_a_manual_clock_takes_no_time_and_moves_it_on() -> None:
    """Waiting an hour ends at once, an hour later."""
    clock = ManualClock(NOON)

    await clock.sleep(3600)

    assert clock.now() == NOON + timedelta(hours=1)


def test_a_manual_clock_wants_an_aware_start() -> None:
    """A time without a zone is refused, because it names no moment."""
    with pytest.raises(ValueError, match="timezone"):
        ManualClock(NOON.replace(tzinfo=None))


async def test_a_shifted_clock_follows_its_base() -> None:
    """The shift may change at any time, and sleeping moves the base."""
    base = ManualClock(NOON)
    clock = ShiftedClock(base, timedelta(days=1))

    await clock.sleep(60)
    clock.shift = timedelta(days=-1)

    assert clock.now() == NOON + timedelta(seconds=60) - timedelta(days=1)


def test_the_system_clock_is_aware_and_in_utc() -> None:
    """What it tells names one moment everywhere."""
    assert SystemClock().now().utcoffset() == timedelta()


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (NOON, "2026-11-22T12:00:00Z"),
        (NOON + timedelta(milliseconds=5), "2026-11-22T12:00:00.005Z"),
        (NOON.astimezone(timezone(timedelta(hours=2))), "2026-11-22T12:00:00Z"),
    ],
)
def test_times_are_written_in_utc_with_a_z(moment: datetime, text: str) -> None:
    """Whatever zone a time comes in, it goes out as RFC 3339 with Z."""
    assert rfc3339(moment) == text


def test_milliseconds_round_trip() -> None:
    """A time of whole milliseconds survives the ledger's integers."""
    moment = NOON + timedelta(milliseconds=789)

    assert from_ms(to_ms(moment)) == moment
