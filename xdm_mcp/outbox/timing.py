"""Whether this machine's clock can be trusted with windows: X's own dates say so."""

from __future__ import annotations

from datetime import datetime, timedelta

from xdm_mcp.backends.base import Backend
from xdm_mcp.clock import Clock
from xdm_mcp.models.verdicts import Decision, Finding, Verdict
from xdm_mcp.people import People

SKEW = timedelta(seconds=30)
"""How far this machine's clock may be from X's: as far as the windows' margin reaches."""

STEP = timedelta(seconds=60)
"""How far the clock may lie behind what the ledger has seen before it is worth a remark."""

AGAIN = timedelta(seconds=60)
"""How long after X was asked for the time, which costs a look-up, it may be asked once more."""

RULE = "clock"
"""The name under which a send is refused, and a remark is shown, because of the clock."""


class Timekeeper:
    """Compares this machine's clock with X's, by the dates of answers that were wanted anyway."""

    def __init__(self, backend: Backend, people: People, clock: Clock) -> None:
        """Take the word of `backend`; where it has none yet, look our own account up."""
        self._backend = backend
        self._people = people
        self._clock = clock
        self._asked_at: datetime | None = None

    async def refusal(self) -> Decision | None:
        """Return why nothing may leave now, or None.

        Asks X where no dated answer came yet, and again where the last one showed a clock that is
        off, at most once a minute: so a clock that was set right is believed. Raises what a look-up
        may raise.
        """
        if self._should_ask():
            self._asked_at = self._clock.now()
            await self._people.account(again=True)
        says = off(self._backend.skew)
        return Decision(Verdict.DENY, (Finding(RULE, Verdict.DENY, says),)) if says else None

    def _should_ask(self) -> bool:
        skew, asked_at = self._backend.skew, self._asked_at
        if skew is not None and off(skew) is None:
            return False
        if asked_at is None:
            return True
        return skew is not None and abs(self._clock.now() - asked_at) >= AGAIN


def off(skew: timedelta | None) -> str | None:
    """Return what is wrong with a clock that X's is ahead of by `skew`, in one sentence, or
    None."""
    if skew is None or abs(skew) <= SKEW:
        return None
    way = "behind" if skew > timedelta() else "ahead of"
    return (
        f"This machine's clock is {abs(skew).total_seconds():.0f} seconds {way} X's, so nothing is"
        " sent; set the machine's clock, and sending goes on by itself."
    )


def stepped(newest: datetime | None, now: datetime) -> str | None:
    """Return what a clock that lies behind the ledger's `newest` stamp means, or None."""
    if newest is None or newest - now <= STEP:
        return None
    return (
        f"This machine's clock is {(newest - now).total_seconds():.0f} seconds behind what the"
        " ledger has seen, so windows stand still until it catches up; set the machine's clock."
    )
