"""What becomes of sends to a conversation that the owner has forgotten while they wait or fly."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    LIMITS,
    ME,
    MESSAGES,
    UNKNOWN,
    Desk,
    allow,
    allow_at,
    ask,
    draft,
    sent,
    snowflake,
)
from xdm_mcp.models.messages import pair_id
from xdm_mcp.models.quota import Spend
from xdm_mcp.models.sends import Entry, SendState, Target
from xdm_mcp.models.verdicts import Decision, Facts, Finding, Verdict

WITH_ANNA = pair_id(ME, ANNA)
SOON = timedelta(seconds=20)


async def waits(desk: Desk, *, approved: bool, to: str = ANNA) -> Entry:
    """Return a send that waits for its slot, which a person approved or nobody was asked about."""
    if approved:
        held = await desk.approved(draft(to=to))
        entry = (await desk.claim(held, allow_at(desk.now + SOON))).entry
    else:
        entry = (await desk.reserve(draft(to=to), allow_at(desk.now + SOON))).entry
    assert entry is not None
    assert entry.state is SendState.RESERVED
    return entry


async def stands(desk: Desk, entry: Entry) -> Entry:
    """Return the entry as it is now."""
    found = await desk.ledger.entry(entry.id)
    assert found is not None
    return found


@pytest.mark.parametrize("conversation_id", [WITH_ANNA, None])
@pytest.mark.parametrize("approved", [True, False])
async def test_what_waits_for_its_slot_does_not_leave_after_a_forgetting(
    desk: Desk, approved: bool, conversation_id: str | None
) -> None:
    """It has failed, without its text and with everything given back, and the chain says so."""
    entry = await waits(desk, approved=approved)
    assert await desk.ledger.forget(ME, conversation_id, "owner", desk.now) == 1
    desk.now += SOON

    assert await desk.ledger.dispatch(entry, desk.now) is None

    ended = await stands(desk, entry)
    assert (ended.state, ended.code, ended.text) == (SendState.FAILED, "forgotten", None)
    assert (await desk.used(MESSAGES), await desk.ledger.spend(ME, desk.now)) == (0, Spend(0, 0))
    events = [record.event for record in await desk.ledger.audit(-2)]
    assert events == ["failed", "forgotten"]


async def test_what_was_approved_does_not_come_back_after_a_forgetting(desk: Desk) -> None:
    """Its owner vanishes, or tells that its own caller left: it stays ended."""
    entry = await waits(desk, approved=True)
    await desk.ledger.forget(ME, WITH_ANNA, "owner", desk.now)

    assert (await desk.settle(entry, UNKNOWN)).state is SendState.FAILED
    desk.later(minutes=2)

    assert await desk.ledger.due(desk.now) == ()
    assert (await desk.claim(entry)).repeat


async def test_a_forgetting_ends_nothing_that_goes_to_somebody_else(desk: Desk) -> None:
    """Only the conversation that was named is forgotten."""
    entry = await waits(desk, approved=False, to=BEN)
    await desk.ledger.forget(ME, WITH_ANNA, "owner", desk.now)
    desk.now += SOON

    flying = await desk.ledger.dispatch(entry, desk.now)

    assert flying is not None
    assert flying.text == draft().text


@pytest.mark.parametrize("leave", [True, False])
async def test_a_send_in_flight_has_no_text_left_once_its_conversation_is_forgotten(
    desk: Desk, leave: bool
) -> None:
    """However it ends; who lets it leave has the text at hand."""
    if leave:
        made = await desk.ledger.reserve(draft(), LIMITS, allow, desk.hold, desk.now, leave=True)
        flying = made.entry
    else:
        flying = await desk.flying(draft())
    assert flying is not None
    assert flying.text == draft().text

    await desk.ledger.forget(ME, WITH_ANNA, "owner", desk.now)

    assert ((await stands(desk, flying)).state, (await stands(desk, flying)).text) == (
        SendState.IN_FLIGHT,
        None,
    )
    unknown = await desk.settle(flying, UNKNOWN)
    assert (unknown.state, unknown.text) == (SendState.UNKNOWN, None)
    proven = await desk.settle(flying, sent(snowflake(desk.now)))
    assert (proven.state, proven.text) == (SendState.SENT, None)


async def test_a_send_whose_process_died_has_no_text_once_its_conversation_is_forgotten(
    desk: Desk,
) -> None:
    """What the sweep calls unknown is asked about without the words."""
    flying = await desk.flying(draft())
    await desk.ledger.forget(ME, WITH_ANNA, "owner", desk.now)
    desk.later(minutes=2)

    [unknown] = await desk.ledger.due(desk.now)

    assert (unknown.id, unknown.state, unknown.text) == (flying.id, SendState.UNKNOWN, None)


@pytest.mark.parametrize("conversation_id", [WITH_ANNA, None])
async def test_no_host_of_a_link_is_kept_of_a_forgotten_conversation(
    desk: Desk, conversation_id: str | None
) -> None:
    """Neither of a send that a person was asked about long ago nor of one that still waits."""
    names = Finding("links", Verdict.HOLD, "It holds a link to clinic.example.")
    asks = Decision(Verdict.HOLD, (names, *ask()(Facts(ME), desk.now).findings))
    entries = []
    for text in ("See clinic.example/1", "See clinic.example/2"):
        held = (await desk.reserve(draft(text), lambda facts, now: asks)).entry
        assert held is not None
        entries.append(held)
    await desk.claim(await desk.approve(entries[0]))

    await desk.ledger.forget(ME, conversation_id, "owner", desk.now)

    for entry in entries:
        hold = (await stands(desk, entry)).hold
        assert hold is not None
        assert [rule for rule, _ in hold.reasons] == ["links", "confirmation"]
        assert "clinic" not in str(hold)


async def test_no_host_of_a_link_is_kept_of_the_send_that_opened_a_forgotten_group(
    desk: Desk,
) -> None:
    """It is stored under the people of the group, and learns the group's number later."""
    group = "1791970200123456789"
    names = Finding("links", Verdict.HOLD, "It holds a link to clinic.example.")
    opening = draft("See clinic.example", target=Target((ANNA, BEN)))
    asks = Decision(Verdict.HOLD, (names,))
    held = (await desk.reserve(opening, lambda facts, now: asks)).entry
    assert held is not None
    claimed = (await desk.claim(await desk.approve(held))).entry
    assert claimed is not None
    flying = await desk.ledger.dispatch(claimed, desk.now)
    assert flying is not None
    await desk.settle(flying, sent(snowflake(desk.now), group))

    await desk.ledger.forget(ME, group, "owner", desk.now)

    assert "clinic" not in str((await stands(desk, held)).hold)
