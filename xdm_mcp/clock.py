"""Time as a parameter: every part that asks for the time or waits takes a `Clock`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

import anyio
import anyio.lowlevel


class Clock(Protocol):
    """What tells the time and waits. Times are aware and in UTC."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds` (0 or more) have passed on this clock."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """See Clock.now."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """See Clock.sleep."""
        await anyio.sleep(seconds)


class ManualClock:
    """A clock that moves only when told to; a sleep moves it on at once.

    So a test that waits five minutes ends in microseconds, and two runs are the same.
    """

    def __init__(self, start: datetime) -> None:
        """Start at `start`, which must be aware."""
        if start.tzinfo is None:
            raise ValueError("a clock starts at an aware time: give it a timezone")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """See Clock.now."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Move on by `seconds` and let other tasks run."""
        self.advance(timedelta(seconds=seconds))
        await anyio.lowlevel.checkpoint()

    def advance(self, by: timedelta) -> None:
        """Move by `by`, which may be negative: real clocks step back too."""
        self._now += by


class ShiftedClock:
    """Another clock, shifted by an amount that may be changed at any time."""

    def __init__(self, base: Clock, shift: timedelta = timedelta()) -> None:
        """Tell the time of `base` plus `shift`."""
        self._base = base
        self.shift = shift

    def now(self) -> datetime:
        """See Clock.now."""
        return self._base.now() + self.shift

    async def sleep(self, seconds: float) -> None:
        """See Clock.sleep."""
        await self._base.sleep(seconds)


def to_ms(moment: datetime) -> int:
    """Return `moment` as whole milliseconds since 1970 in UTC."""
    return round(moment.timestamp() * 1000)


def from_ms(ms: int) -> datetime:
    """Return the aware UTC time that lies `ms` milliseconds after 1970."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def rfc3339(moment: datetime) -> str:
    """Return `moment` as RFC 3339 in UTC with a `Z`, to the second, or to the ms where it has
    any."""
    spec = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.astimezone(UTC).isoformat(timespec=spec).replace("+00:00", "Z")


def span(length: timedelta) -> str:
    """Return a length of time in one unit, rounded down, such as `14 min`."""
    seconds = max(0, int(length.total_seconds()))
    for name, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {name}"
    return f"{seconds} s"


def moment(at: datetime) -> str:
    """Return a time to the second, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
