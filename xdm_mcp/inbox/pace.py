"""How often an inbox is looked at: pure figures.

At the owner's pace while something came lately or an agent waits, more seldom the longer it has
been quiet, and ever more seldom while looks fail.
"""

from __future__ import annotations

from datetime import datetime, timedelta

STEADY = timedelta(minutes=30)
"""For how long a quiet inbox is looked at as often as a lively one."""

SLOWEST = 5
"""How many times longer than the owner's the longest pause of a quiet inbox is."""

LONGEST = timedelta(minutes=15)
"""How long the pause after failed looks is at most; X's windows are this long."""

SPREAD = 0.2
"""By which part of itself a pause after a failure is longer at most, so that processes and machines
that failed together do not come back together."""


def pause(base: timedelta, quiet: timedelta, *, waited_for: bool) -> timedelta:
    """Return how long to wait after a look that succeeded. `quiet` is how long nothing came; an
    agent that waits is worth the owner's pace."""
    if waited_for:
        return base
    return base * min(SLOWEST, max(1.0, quiet / STEADY))


def pause_after_failure(base: timedelta, failures: int, chance: float) -> timedelta:
    """Return how long to wait after the `failures`-th failed look in a row: each twice as long as
    the one before. `chance` is a random number from 0 to 1."""
    doubled = base * (1 << min(failures, 20))
    return min(doubled, max(base, LONGEST)) * (1 + SPREAD * chance)


def after_limit(retry_at: datetime, base: timedelta, chance: float) -> datetime:
    """Return when to look again where a limit names the moment: then, and a moment later."""
    return retry_at + base * SPREAD * chance
