"""Ids that tell time: 41 bits of milliseconds, 10 bits of origin, 12 bits of sequence.

The layout and the epoch are X's (docs.x.com, "X IDs"; epoch 1288834974657 ms). Ids of what the
world accepts have origin 0; the answers of its people have the origin of the person, so that an
answer's id can be known before it is given and never meets another.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from xdm_mcp.clock import from_ms, to_ms

EPOCH_MS = 1288834974657
"""Milliseconds between 1970 and the first possible id."""

EARLIEST = from_ms(EPOCH_MS)
LATEST = from_ms(EPOCH_MS + (1 << 41) - 1)
"""The moments that an id can tell (1288834974657 ms to the year 2080)."""

TIME_BITS = 22
ORIGIN_BITS = 12
ORIGINS = 1 << (TIME_BITS - ORIGIN_BITS)
"""How many origins there are; 0 is the world itself."""


def first_id(moment: datetime) -> int:
    """Return the smallest id of the millisecond of `moment`."""
    return (to_ms(moment) - EPOCH_MS) << TIME_BITS


def moment_of(number: int | str) -> datetime:
    """Return the aware UTC time that an id tells, to the millisecond."""
    return from_ms((int(number) >> TIME_BITS) + EPOCH_MS)


def next_id(last: int, now: datetime) -> int:
    """Return an id of origin 0 for `now` that is greater than `last`, even if the clock went back.

    Within one millisecond it counts up; where it cannot, it takes the next millisecond.
    """
    fresh = first_id(now)
    if fresh > last:
        return fresh
    full = (last + 1) & ((1 << ORIGIN_BITS) - 1) == 0
    from_elsewhere = (last >> ORIGIN_BITS) & (ORIGINS - 1) != 0
    if full or from_elsewhere:
        return ((last >> TIME_BITS) + 1) << TIME_BITS
    return last + 1


def answer_id(asked: int, after: timedelta, origin: int) -> int:
    """Return the id of what `origin` (1 to 1023) answers to the id `asked`, `after` later."""
    return asked + (round(after.total_seconds() * 1000) << TIME_BITS) + (origin << ORIGIN_BITS)
