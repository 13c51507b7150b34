"""What becomes known of a send between its decision and its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    CARA,
    ME,
    MESSAGES,
    NOT_SENT,
    REFUSED,
    UNKNOWN,
    Desk,
    allow_at,
    draft,
    message,
    own,
    sent,
    snowflake,
)
from xdm_mcp.models.messages import Message
from xdm_mcp.models.quota import Spend
from xdm_mcp.models.sends import Draft, Entry, Outcome, SendState, Target

GROUP = "123456789012345678"
"""A group's conversation."""

MEMBERS = Target((ANNA, BEN))
"""Those with whom it is opened."""

WORDS = draft().text
SOON = timedelta(seconds=3)


async def waits(desk: Desk, wanted: Draft) -> Entry:
    """Return the entry of a send that waits for its slot."""
    entry = (await desk.reserve(wanted, allow_at(desk.now + SOON))).entry
    assert entry is not None
    return entry


async def stands(desk: Desk, entry: Entry) -> Entry:
    """Return the entry as it is now."""
    found = await desk.ledger.entry(entry.id)
    assert found is not None
    return found


def typed_in_group(desk: Desk) -> Message:
    """Return a message of ours in the group, as the inbox shows it."""
    return Message(
        id=snowflake(desk.now, 1),
        conversation_id=GROUP,
        sender_id=ME,
        created_at=desk.now,
        text=WORDS,
        participant_ids=(ME, ANNA, BEN),
    )


# -- an opt-out while it waits for its slot


@pytest.mark.parametrize("where", [None, GROUP])
@pytest.mark.parametrize("target", [Target((ANNA,)), MEMBERS])
async def test_who_asks_us_to_stop_while_a_send_waits_does_not_get_it(
    desk: Desk, target: Target, where: str | None
) -> None:
    """Wherever they said it; of those with whom a group is opened any one's word counts."""
    entry = await waits(desk, draft(target=target))
    await desk.record(message(desk.later(seconds=1), "stop", conversation=where))
    desk.later(seconds=2)

    assert await desk.ledger.dispatch(entry, desk.now) is None

    ended = await stands(desk, entry)
    assert (ended.state, ended.code, ended.text) == (SendState.FAILED, "opted_out", None)
    assert ended.says is not None
    assert f"User {ANNA} asked not to be written to" in ended.says
    assert (await desk.used(MESSAGES), await desk.ledger.spend(ME, desk.now)) == (0, Spend(0, 0))


async def test_what_a_person_approved_does_not_wait_for_who_opted_out(desk: Desk) -> None:
    """No later turn heals it, so it is not approved again."""
    approved = await desk.approved(draft())
    entry = (await desk.claim(approved, allow_at(desk.now + SOON))).entry
    assert entry is not None
    await desk.record(message(desk.now, "stop"))
    desk.now += SOON

    assert await desk.ledger.dispatch(entry, desk.now) is None

    assert (await stands(desk, entry)).state is SendState.FAILED


@pytest.mark.parametrize(
    ("target", "who"), [(Target((ANNA,)), BEN), (MEMBERS, CARA), (Target((), GROUP), ANNA)]
)
async def test_the_opt_out_of_others_stops_no_send(desk: Desk, target: Target, who: str) -> None:
    """Nor does that of one in a group that exists, of whose members the guard knows nothing."""
    entry = await waits(desk, draft(target=target))
    await desk.record(message(desk.now, "stop", sender=who, peer=who))
    desk.now += SOON

    assert await desk.ledger.dispatch(entry, desk.now) is not None


async def test_an_opt_out_that_the_owner_cleared_stops_nothing(desk: Desk) -> None:
    """It is as if it had never been said."""
    entry = await waits(desk, draft())
    await desk.record(message(desk.now, "stop"))
    assert await desk.ledger.clear_opt_out(ME, ANNA, "owner", desk.now)
    desk.now += SOON

    assert await desk.ledger.dispatch(entry, desk.now) is not None


async def test_an_owner_who_heeds_no_opt_out_is_not_stopped_by_one(desk: Desk) -> None:
    """Where the rule is off, the guard lets it pass, and a wait makes no difference."""
    entry = await waits(desk, draft())
    await desk.record(message(desk.now, "stop"))
    desk.now += SOON

    assert await desk.ledger.dispatch(entry, desk.now, heed_opt_outs=False) is not None


# -- a message that another send took away


async def robbed(desk: Desk) -> Entry:
    """Return a send in flight that its words proved, until another send brought its receipt."""
    flying = await desk.flying(draft(key="a"))
    other = await desk.flying(draft("Something else.", key="b"))
    found = own(desk.later(seconds=1), WORDS)
    await desk.record(found)
    assert (await stands(desk, flying)).code == "found"
    await desk.settle(other, sent(found.id))
    assert (await stands(desk, flying)).code == "mistaken"
    return flying


@pytest.mark.parametrize(("outcome", "used"), [(REFUSED, 1), (NOT_SENT, 1), (UNKNOWN, 2)])
async def test_the_owner_still_says_how_a_send_ended_that_lost_its_message(
    desk: Desk, outcome: Outcome, used: int
) -> None:
    """Nobody else asked X, so its word counts; that it knows nothing is nothing new."""
    flying = await robbed(desk)
    before = await stands(desk, flying)

    ended = await desk.settle(flying, outcome)

    assert ended == await stands(desk, flying)
    if outcome is UNKNOWN:
        assert ended == before
    else:
        assert (ended.state, ended.code, ended.next_read_at) == ("failed", outcome.code, None)
    assert await desk.used(MESSAGES) == used


async def test_what_did_not_leave_after_all_costs_nothing_though_it_lost_its_message(
    desk: Desk,
) -> None:
    """The other send pays for itself alone."""
    flying = await robbed(desk)

    await desk.settle(flying, NOT_SENT)

    spent = (await desk.ledger.spend(ME, desk.now)).total
    assert spent == draft().cost
    assert not (await desk.reserve(draft(key="a"))).repeat


async def test_a_receipt_proves_a_send_that_lost_its_message(desk: Desk) -> None:
    """As it proves any other."""
    flying = await robbed(desk)

    ended = await desk.settle(flying, sent(snowflake(desk.now, serial=99)))

    assert (ended.state, ended.code) == (SendState.SENT, "sent")


async def test_an_owner_who_has_spoken_or_lost_its_lease_says_nothing_more(desk: Desk) -> None:
    """Another process called it unknown before its words were found."""
    flying = await desk.flying(draft(key="a"))
    other = await desk.flying(draft("Something else.", key="b"))
    found = own(desk.later(seconds=1), WORDS)
    await desk.settle(flying, UNKNOWN)
    await desk.record(found)
    await desk.settle(other, sent(found.id))
    assert (await stands(desk, flying)).code == "mistaken"

    await desk.settle(flying, REFUSED)

    assert (await stands(desk, flying)).state is SendState.UNKNOWN


# -- the message of a send that opened a group


async def test_a_message_let_go_by_a_send_that_opened_a_group_counts_in_the_group(
    desk: Desk,
) -> None:
    """Under the key by which the inbox would have counted it."""
    flying = await desk.flying(draft(target=MEMBERS))
    await desk.record(typed_in_group(desk))
    assert (await stands(desk, flying)).code == "found"

    await desk.settle(flying, sent(snowflake(desk.later(seconds=1), serial=77), GROUP))

    [peer] = (await desk.facts(draft(target=Target((), GROUP)))).peers
    assert peer.own_since_inbound == 1
    assert await desk.used(MESSAGES) == 2
