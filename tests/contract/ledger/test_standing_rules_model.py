"""A standing rule's count against naive counting, over generated days of an insistent agent."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import anyio
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    MARGIN,
    ME,
    NOT_SENT,
    REFUSED,
    START,
    UNKNOWN,
    Desk,
    draft,
    message,
    sent,
    snowflake,
)
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.sends import Assurance, SendState
from xdm_mcp.models.standing_rules import Terms

DAY = timedelta(hours=24) + MARGIN
TABLES = {"confirmation": {"held_at_most": 100}, "duplicates": {"enabled": False}}
PACED = Policy.load(TABLES)
UNPACED = Policy.load(TABLES | {"pacing": {"enabled": False}})
"""Pacing alone would keep slots in order, whatever the clock does."""

STEP = st.tuples(
    st.integers(0, 90_000)
    | st.integers(-3_600_000, 40_000_000)
    | st.sampled_from([86_400_000, 82_800_000, -3_600_000]),
    st.sampled_from([ANNA, ANNA, ANNA, BEN]),
    st.sampled_from(["sent", "sent", "unknown", "refused", "not sent"]),
    st.sampled_from(["ask"] * 8 + ["withdraw"]),
)
"""How far (ms) the clock moves, to whom a message goes, how it ends, or that the rule ends."""

Step = tuple[int, str, str, str]


BACK_AND_FORTH: list[Step] = [
    (move, ANNA, "sent", "ask") for move in (3_600_000, -3_600_000, 86_441_000)
]
"""A day in which the clock is an hour behind for a while."""


async def live(policy: Policy, per_day: int, steps: list[Step]) -> None:
    """Ask step by step; what passes is exactly what a count on paper lets pass, on which no send
    stands before an earlier one that left."""
    ledger = open_ledger("sqlite:///:memory:")
    desk, passed, stands = Desk(ledger), list[datetime](), True
    newest = START
    wrote = START - timedelta(minutes=5)
    await desk.record(message(wrote), message(wrote, sender=BEN, peer=BEN, serial=2))
    terms = Terms(user_id=ANNA, until=START + timedelta(days=300), per_day=per_day, solicited=False)
    rule = await ledger.add_standing_rule(ME, terms, Assurance.PERSON, "owner", desk.now)
    for number, (move, who, ends, deed) in enumerate(steps):
        desk.now = max(START, desk.later(milliseconds=move))
        if deed == "withdraw" and stands:
            await ledger.withdraw_standing_rule(ME, rule.id, "owner", desk.now)
            stands = False
        wanted = draft(f"Text {number}", who)
        entry = (await desk.reserve(wanted, partial(policy.decide, wanted), ())).entry
        assert entry is not None
        counted = sum(at > desk.now - DAY for at in passed)
        room = stands and who == ANNA and counted < per_day
        assert entry.standing_rule == (rule.id if room else None)
        assert entry.state is (SendState.RESERVED if room else SendState.HELD)
        event("passes" if room else "is held")
        if room:
            desk.now = max(desk.now, entry.not_before or desk.now)
            flying = await ledger.dispatch(entry, desk.now)
            assert flying is not None
            outcomes = {"unknown": UNKNOWN, "refused": REFUSED, "not sent": NOT_SENT}
            proof = sent(snowflake(desk.now, serial=number + 5))
            await desk.settle(flying, outcomes.get(ends, proof))
            stamp = max(desk.now, newest)
            if ends in ("sent", "unknown"):
                passed.append(stamp)
            if ends != "not sent":
                newest = stamp
    await ledger.close()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    policy=st.sampled_from([PACED, UNPACED]),
    per_day=st.integers(1, 4),
    steps=st.lists(STEP, min_size=1, max_size=15),
)
@example(policy=UNPACED, per_day=2, steps=BACK_AND_FORTH)
def test_a_rule_lets_pass_exactly_what_it_says_whatever_happens(
    policy: Policy, per_day: int, steps: list[Step]
) -> None:
    """Never one more in any 24 hours, never somebody else, nothing once it is withdrawn."""
    anyio.run(live, policy, per_day, steps)
