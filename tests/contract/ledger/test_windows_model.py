"""The rank probe against naive counting, over generated limits, releases and clocks that jump."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.ledger.desk import (
    ME,
    NOT_SENT,
    REFUSED,
    START,
    UNKNOWN,
    Desk,
    draft,
    within_windows,
)
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.quota import WINDOW_MARGIN, Limit
from xdm_mcp.models.sends import Outcome

SPANS = [timedelta(minutes=1), timedelta(minutes=15), timedelta(hours=24)]

LIMIT = st.builds(
    Limit,
    scope=st.sampled_from([f"{ME}/requests", f"{ME}/messages"]),
    limit=st.integers(1, 6),
    per=st.sampled_from(SPANS),
    counts=st.sampled_from(["attempts", "messages"]),
)

STEP = st.tuples(
    st.one_of(
        st.integers(0, 90_000),
        st.integers(-3_600_000, 86_400_000),
        st.sampled_from([0, 100_000, 940_000, 86_440_000, 86_439_999]),
    ),
    st.sampled_from([None, None, REFUSED, NOT_SENT, UNKNOWN]),
    st.sampled_from([0, 0, 7_000]),
)
"""How far (ms) the clock moves, how the send ends, and how long (ms) its outcome takes."""


@dataclass
class Charged:
    """A charge as anybody would write it down: when, and what became of it."""

    at: datetime
    outcome: Outcome | None

    def counts(self, limit: Limit) -> bool:
        """Whether it counts for a limit at all."""
        if self.outcome is NOT_SENT:
            return False
        return not (self.outcome is REFUSED and limit.counts == "messages")


def naive(charges: list[Charged], limit: Limit, now: datetime) -> list[datetime]:
    """Return the stamps inside a window, oldest first, by looking at all of them."""
    length = limit.per + WINDOW_MARGIN
    return sorted(c.at for c in charges if c.counts(limit) and c.at > now - length)


async def compare(limits: list[Limit], steps: list[tuple[int, Outcome | None, int]]) -> None:
    """Send and compare after every step."""
    ledger = open_ledger("sqlite:///:memory:")
    desk, charges = Desk(ledger), dict[str, list[Charged]]()
    for number, (move, outcome, takes) in enumerate(steps):
        desk.later(milliseconds=move)
        if desk.now < START:
            desk.now = START
        reservation = await desk.reserve(draft(f"Text {number}"), within_windows, limits)
        room = all(
            len(naive(charges.get(limit.scope, []), limit, desk.now)) < limit.limit
            for limit in limits
        )
        assert (reservation.entry is not None) is room
        if reservation.entry is not None:
            written = []
            for scope in {limit.scope for limit in limits}:
                before = charges.setdefault(scope, [])
                stamp = max([desk.now, *(c.at for c in before[-1:])])
                before.append(Charged(stamp, None))
                written.append(before[-1])
            flying = await ledger.dispatch(reservation.entry, desk.now)
            assert flying is not None
            desk.later(milliseconds=takes)
            if outcome is not None:
                await desk.settle(flying, outcome)
                for charge in written:
                    charge.outcome = outcome
        for limit in limits:
            await agree(desk, limit, charges.get(limit.scope, []))
    await ledger.close()


async def agree(desk: Desk, limit: Limit, charges: list[Charged]) -> None:
    """Compare everything that a window says with naive counting."""
    window, inside = await desk.window(limit), naive(charges, limit, desk.now)
    length = limit.per + WINDOW_MARGIN
    assert window.used == len(inside)
    assert window.remaining == max(0, limit.limit - len(inside))
    assert window.resets_at == (inside[-1] + length if inside else None)
    full = len(inside) >= limit.limit
    assert window.free_at == (inside[-limit.limit] + length if full else None)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(limits=st.lists(LIMIT, min_size=1, max_size=4), steps=st.lists(STEP, max_size=25))
def test_windows_equal_naive_counting_whatever_happens(
    limits: list[Limit], steps: list[tuple[int, Outcome | None, int]]
) -> None:
    """Room, use, the next free moment and the reset are those of a count over every charge."""
    anyio.run(compare, limits, steps)
