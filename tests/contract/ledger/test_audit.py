"""Every decision is one record of a chain that shows where it was tampered with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

import anyio
import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    ME,
    NOT_SENT,
    START,
    UNKNOWN,
    Desk,
    deny,
    draft,
    message,
    sent,
    stop,
)
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.models.audit import FIRST
from xdm_mcp.models.sends import Halt, Outcome, SendState


async def test_an_empty_chain_holds(desk: Desk) -> None:
    """Nothing was decided, and nothing is wrong with that."""
    verdict = await desk.ledger.verify_audit()

    assert (verdict.broken_at, verdict.count, verdict.head) == (None, 0, FIRST)


async def test_a_send_leaves_its_whole_way_in_the_chain(desk: Desk) -> None:
    """From the verdict to the receipt: one record each, in order, with the entry's id."""
    entry = await desk.send(draft(), sent("555"))

    assert await events(desk) == ["reserved", "dispatched", "sent"]
    assert {record.entry_id for record in await desk.ledger.audit()} == {entry.id}
    assert (await said(desk, "sent"))["message"] == "555"


async def test_a_refused_draft_is_in_the_chain_though_it_has_no_entry(desk: Desk) -> None:
    """What was refused is a decision too: with the rule, without an entry."""
    await desk.reserve(draft(), deny())

    [record] = await desk.ledger.audit()
    assert (record.event, record.entry_id) == ("denied", None)
    assert json.loads(record.what)["rules"] == {"text": "deny"}


async def test_an_approval_says_who_and_how_surely(desk: Desk) -> None:
    """A person's word is kept with its assurance, and the claim that followed."""
    approved = await desk.approved(draft())
    await desk.claim(approved)

    assert await events(desk) == ["held", "approved", "claimed"]
    assert (await said(desk, "held"))["rules"] == {"confirmation": "hold"}
    assert (await said(desk, "approved"))["by"] == "owner"
    assert (await said(desk, "approved"))["assurance"] == "person"


async def test_a_claim_that_is_refused_is_a_decision(desk: Desk) -> None:
    """Until a time it is postponed; for good it is denied."""
    await desk.claim(await desk.approved(draft("Later.")), deny(desk.now + timedelta(hours=1)))
    await desk.claim(await desk.approved(draft("Never.")), deny())

    assert (await events(desk))[2::3] == ["postponed", "denied"]


async def test_what_time_and_people_end_is_in_the_chain(desk: Desk) -> None:
    """A rejection, an expiry, a vanished owner before and after the dispatch."""
    rejected = await desk.held(draft("No."))
    assert rejected.hold is not None
    await desk.ledger.reject(rejected.hold.approval_id, "owner", desk.now)
    await desk.held(draft("Wait."))
    await desk.reserved(draft("Gone."))
    flying = await desk.flying(draft("Left."))
    before = len(await desk.ledger.audit())
    desk.later(hours=1)
    await desk.ledger.due(desk.now)
    await desk.ledger.resolve(flying.id, Outcome(SendState.FAILED, "resolved", "No."), "me", START)

    assert (await events(desk))[before:] == ["failed", "unknown", "expired", "resolved", "failed"]
    assert "rejected" in await events(desk)


async def test_a_halt_and_its_end_are_in_the_chain(desk: Desk) -> None:
    """Who lifted it is noted; lifting nothing is no act."""
    await desk.ledger.halt(ME, Halt("locked", "X locked it.", START))
    await desk.ledger.clear_halt(ME, None, "owner", desk.now)
    await desk.ledger.clear_halt(ME, None, "owner", desk.now)

    assert await events(desk) == ["halted", "halt_cleared"]
    assert await said(desk, "halt_cleared") == {"by": "owner", "code": "locked"}


async def test_an_act_of_a_person_is_recorded_with_who_did_it(desk: Desk) -> None:
    """Other parts of the program append to the same chain."""
    await desk.ledger.record_act(ME, "rule_made", {"rule": 7}, "owner", desk.now)

    [record] = await desk.ledger.audit()
    assert (record.seq, record.at, record.account_id) == (1, START, ME)
    assert (record.event, json.loads(record.what)) == ("rule_made", {"rule": 7, "by": "owner"})


async def test_what_cannot_be_written_unambiguously_is_refused(desk: Desk) -> None:
    """A float has more than one spelling; nothing is appended."""
    with pytest.raises(TypeError):
        await desk.ledger.record_act(ME, "rule_made", {"share": 0.5}, "owner", desk.now)

    assert await desk.ledger.audit() == ()


async def test_the_chain_holds_no_text_and_no_handle(desk: Desk) -> None:
    """Digests and numbers only, whatever happens to the send."""
    for number, outcome in enumerate((UNKNOWN, NOT_SENT, sent("9"))):
        await desk.send(draft(f"Secret words {number}."), outcome)
    await desk.reserve(draft("Secret words again."), deny())

    whole = "".join(record.what for record in await desk.ledger.audit())
    assert "ecret" not in whole
    assert "anna" not in whole


async def test_pages_of_the_chain_join_without_a_gap(desk: Desk) -> None:
    """`after` is exclusive and `limit` is kept."""
    for number in range(5):
        await desk.ledger.record_act(ME, "act", {"n": number}, "owner", desk.now)

    pages = [await desk.ledger.audit(after, 2) for after in (0, 2, 4, 5)]
    assert [[record.seq for record in page] for page in pages] == [[1, 2], [3, 4], [5], []]
    assert [record.seq for record in await desk.ledger.audit(-2, 9)] == [4, 5]
    assert len(await desk.ledger.audit(-9, 9)) == 5


TAMPERINGS = {
    "a word altered": ("UPDATE audit SET what = '{}' WHERE seq = 3", 3),
    "a time altered": ("UPDATE audit SET at = at + 1 WHERE seq = 4", 4),
    "an entry altered": ("UPDATE audit SET entry_id = 99 WHERE seq = 2", 2),
    "one removed": ("DELETE FROM audit WHERE seq = 3", 3),
    "the first removed": ("DELETE FROM audit WHERE seq = 1", 1),
    "a hash made anew": ("UPDATE audit SET before = hash WHERE seq = 5", 5),
    "two changed places": (
        "UPDATE audit SET seq = CASE seq WHEN 2 THEN -4 WHEN 4 THEN -2 ELSE seq END;"
        "UPDATE audit SET seq = abs(seq)",
        2,
    ),
}


@pytest.mark.parametrize("how", TAMPERINGS)
async def test_tampering_is_found_at_its_place(desk: Desk, how: str) -> None:
    """Whatever is done to a record, the check names the first that no longer fits."""
    for number in range(6):
        await desk.ledger.record_act(ME, "act", {"n": number}, "owner", desk.now)
    whole = await desk.ledger.verify_audit()
    statements, place = TAMPERINGS[how]
    for statement in statements.split(";"):
        await tamper(desk, statement)

    verdict = await desk.ledger.verify_audit()

    assert (whole.broken_at, whole.count) == (None, 6)
    assert (verdict.broken_at, verdict.count) == (place, place - 1)


async def test_concurrent_writers_never_fork_the_chain(desks: tuple[Desk, Desk]) -> None:
    """Two processes append at once: one line of records, each bound to the one before."""
    async with anyio.create_task_group() as group:
        for name, desk in zip((ANNA, BEN), desks, strict=True):
            group.start_soon(act_often, desk, name)

    verdict = await desks[0].ledger.verify_audit()
    assert (verdict.broken_at, verdict.count) == (None, 40)
    assert verdict == await desks[1].ledger.verify_audit()


async def test_a_decision_that_fails_leaves_no_record(desk: Desk) -> None:
    """The record and the decision are one transaction."""

    def broken(decision: object, now: object) -> object:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await desk.ledger.reserve(draft(), (), broken, broken, desk.now)  # type: ignore[arg-type]

    assert (await desk.ledger.verify_audit()).count == 0


async def test_a_stop_that_the_owner_lifts_is_an_act(desk: Desk) -> None:
    """Writing again to somebody who asked for silence is the owner's word, and noted."""
    await desk.ledger.record(ME, [message(START, "stop")], stop, desk.now)
    await desk.ledger.clear_opt_out(ME, ANNA, "owner", desk.now)

    assert await said(desk, "opt_out_cleared") == {"by": "owner", "user": ANNA}


async def act_often(desk: Desk, name: str) -> None:
    """Append twenty records."""
    for number in range(20):
        await desk.ledger.record_act(ME, "act", {"n": number}, name, desk.now)


async def events(desk: Desk) -> list[str]:
    """Return what was appended, oldest first."""
    return [record.event for record in await desk.ledger.audit()]


async def said(desk: Desk, event: str) -> Mapping[str, object]:
    """Return what the only record of an event says."""
    [what] = [record.what for record in await desk.ledger.audit() if record.event == event]
    told: Mapping[str, object] = json.loads(what)
    return told


async def tamper(desk: Desk, statement: str) -> None:
    """Change the rows behind the ledger's back."""
    assert isinstance(desk.ledger, SqlLedger)
    await desk.ledger._database.write(lambda sql: sql.run(statement))


async def test_the_newest_stamp_stays_when_the_clock_steps_back(desk: Desk) -> None:
    """What was once the present is remembered: a request that left, or the last decision."""
    assert await desk.ledger.newest_stamp(ME) is None
    await desk.send(draft())
    before = desk.now
    desk.later(hours=-2)
    await desk.reserve(draft("Another."), deny())

    assert await desk.ledger.newest_stamp(ME) == before
    assert await desk.ledger.newest_stamp(BEN) == desk.now
