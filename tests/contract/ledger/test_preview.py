"""What would be decided, without anything being done: the very way that a real decision goes."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    ME,
    START,
    Desk,
    allow_at,
    ask,
    draft,
    message,
    within_windows,
)
from xdm_mcp.ledger.judging import Judge
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.verdicts import Decision, Facts, Verdict

EXEMPT = Limit(f"{ME}/messages", 1, timedelta(hours=24), counts="messages", reply_exempt=True)


def paced(slot: datetime) -> Judge:
    """Return a judge that refuses what a full window forbids, and lets all else leave at `slot`."""

    def judge(facts: Facts, now: datetime) -> Decision:
        found = within_windows(facts, now)
        return found if found.verdict is Verdict.DENY else allow_at(slot)(facts, now)

    return judge


@pytest.mark.parametrize("left", [1, 0])
async def test_a_preview_says_what_the_send_would_be_told_where_its_credit_runs_out(
    desk: Desk, left: int
) -> None:
    """In the last second of a reply credit, before a slot that lies past it: the day counts, and
    has room or has none."""
    await desk.record(message(desk.now))
    desk.later(hours=24, seconds=-1)
    if not left:
        await desk.send(draft("Before", BEN), limits=[EXEMPT])
    judge = paced(desk.now + timedelta(seconds=1))

    seen = await desk.ledger.preview(draft(), [EXEMPT], judge, desk.now)

    told = await desk.reserve(draft(), judge, [EXEMPT])
    assert seen.decision == told.decision
    assert seen.decision.verdict is (Verdict.ALLOW if left else Verdict.DENY)
    assert seen.facts.peers[0].credits_left == 0


async def test_a_preview_tells_what_it_was_judged_by(desk: Desk) -> None:
    """The same that the guard is told where nothing is judged a second time."""
    await desk.record(message(desk.now))

    seen = await desk.ledger.preview(draft(), [EXEMPT], ask(), desk.now)

    assert seen.decision.verdict is Verdict.HOLD
    assert seen.facts == await desk.facts(draft(), [EXEMPT])
    assert seen.facts.peers[0].user_id == ANNA


async def test_a_preview_changes_nothing(desk: Desk) -> None:
    """It neither sweeps nor charges nor takes a key nor writes to the audit."""
    held = await desk.held(draft())
    before = await desk.ledger.audit()
    desk.later(minutes=15)

    seen = await desk.ledger.preview(draft("Other"), [EXEMPT], within_windows, desk.now)

    assert (seen.decision.verdict, seen.facts.held) == (Verdict.ALLOW, 0)
    assert await desk.ledger.entry(held.id) == held
    assert await desk.ledger.audit() == before
    assert (await desk.used(EXEMPT), (await desk.ledger.spend(ME, START)).total) == (0, 0)


async def test_what_stands_for_a_draft_is_no_duplicate_in_its_preview(desk: Desk) -> None:
    """An entry under its key is itself."""
    await desk.held(draft())

    seen = await desk.ledger.preview(draft(), (), within_windows, desk.now)

    assert seen.facts.duplicate is None
