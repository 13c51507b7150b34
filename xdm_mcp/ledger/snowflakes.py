"""Ids of X and the times that they carry."""

from __future__ import annotations

SNOWFLAKE_EPOCH = 1288834974657
"""When (ms) the clock in the upper bits of X's ids began (twitter-archive/snowflake, 2010)."""

SNOWFLAKE_FROM = 10**15
"""Smaller ids carry no time: X gave them out before November 2010."""

GREATEST = (1 << 63) - 1
"""The greatest id that there can be: a snowflake has 63 bits."""


def time_of(number: int) -> int | None:
    """Return when (ms) X gave out an id, None for one that carries no time."""
    return (number >> 22) + SNOWFLAKE_EPOCH if number >= SNOWFLAKE_FROM else None


def first_at(at: int) -> int:
    """Return the least id that X may give out at a time (ms), 0 for a time before ids carried
    any."""
    number = max(0, at - SNOWFLAKE_EPOCH) << 22
    return min(number, GREATEST) if number >= SNOWFLAKE_FROM else 0
