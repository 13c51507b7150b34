"""What the guard is told of a draft."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    CARA,
    ME,
    NOT_SENT,
    PRICE,
    REFUSED,
    START,
    UNKNOWN,
    Desk,
    allow_at,
    ask,
    draft,
    message,
    own,
)
from xdm_mcp.models.people import User
from xdm_mcp.models.quota import Spend
from xdm_mcp.models.sends import Attachment, Entry, Halt, Outcome, SendState, Target
from xdm_mcp.models.verdicts import Duplicate, Facts, PeerFacts

DAY = timedelta(hours=24)


async def test_nothing_is_known_of_a_stranger(desk: Desk) -> None:
    """A fresh ledger has empty facts."""
    assert await desk.facts(draft(), ()) == Facts(ME, peers=(PeerFacts(f"user:{ANNA}", ANNA),))


async def test_facts_change_nothing(desk: Desk) -> None:
    """Asking what would be judged neither sweeps nor charges nor takes a key."""
    held = await desk.held(draft())
    desk.later(minutes=15)

    facts = await desk.facts(draft("Other"))

    assert facts.held == 0
    assert await desk.ledger.entry(held.id) == held


@pytest.mark.parametrize("state", list(SendState))
async def test_the_same_text_to_the_same_person_is_a_duplicate_while_it_counts(
    desk: Desk, state: SendState
) -> None:
    """Whatever waits, is open, or may have been sent, under another key, and what a person
    rejected; not what else ended unsent."""
    entry = await _in_state(desk, state)

    duplicate = (await desk.facts(draft(key="other"))).duplicate

    ended = {SendState.FAILED, SendState.EXPIRED}
    expected = None if state in ended else Duplicate(entry.id, state.value, START)
    assert duplicate == expected


async def _in_state(desk: Desk, state: SendState) -> Entry:
    """Bring a draft into a state."""
    match state:
        case SendState.HELD:
            return await desk.held(draft())
        case SendState.APPROVED:
            return await desk.approved(draft())
        case SendState.RESERVED:
            return await desk.reserved(draft())
        case SendState.IN_FLIGHT:
            return await desk.flying(draft())
        case SendState.REJECTED:
            await desk.held(draft())
            return await desk.ledger.reject("approval1", "owner", desk.now)
        case SendState.EXPIRED:
            entry = await desk.held(draft())
            desk.later(minutes=15)
            await desk.ledger.due(desk.now)
            return entry
        case _:
            outcome = {SendState.FAILED: REFUSED, SendState.UNKNOWN: UNKNOWN}.get(state)
            return await desk.send(draft(), outcome)


async def test_a_duplicate_is_one_for_24_hours(desk: Desk) -> None:
    """Half-open: a day later to the millisecond the words are new again."""
    await desk.send(draft())
    desk.later(hours=24, milliseconds=-1)
    assert (await desk.facts(draft(key="other"))).duplicate is not None
    desk.later(milliseconds=1)
    assert (await desk.facts(draft(key="other"))).duplicate is None


async def test_an_unknown_send_stays_a_duplicate(desk: Desk) -> None:
    """As long as nobody knows whether it went out, the same words do not."""
    unknown = await desk.send(draft(), UNKNOWN)
    desk.later(days=9)

    duplicate = (await desk.facts(draft(key="other"))).duplicate

    assert duplicate == Duplicate(unknown.id, "unknown", START)


@pytest.mark.parametrize("open_", [True, False])
async def test_what_could_not_be_told_apart_is_a_duplicate_while_open(
    desk: Desk, open_: bool
) -> None:
    """Two texts that differ only in their link look the same when read back."""
    flying = await desk.flying(draft("See https://example.com/one"))
    if not open_:
        await desk.settle(flying, REFUSED)

    duplicate = (await desk.facts(draft("See https://example.com/two"))).duplicate

    assert (duplicate is not None) is open_


async def test_another_person_or_attachment_is_no_duplicate(desk: Desk) -> None:
    """The same words to Ben, or to Anna with a picture once the first is sent, are other sends."""
    await desk.send(draft())
    picture = Attachment("map.png", "0" * 64, "image/png", 9)
    with_picture = replace(draft(key="other"), attachment=picture)

    assert (await desk.facts(draft(to=BEN))).duplicate is None
    assert (await desk.facts(with_picture)).duplicate is None


async def test_near_copies_to_others_are_counted_by_person(desk: Desk) -> None:
    """Other people who got nearly this text within a day; the recipient is not among them."""
    await desk.send(draft("Hello Anna, order 17 is ready!", ANNA))
    await desk.send(draft("hello anna: order 18 is ready.", ANNA))
    await desk.send(draft("Hello Anna, order 19 is ready", BEN))
    await desk.send(draft("Something else", CARA))
    await desk.send(draft("Hello Anna, order 20 is ready", CARA), NOT_SENT)

    facts = await desk.facts(draft("Hello Anna, order 21 is ready", CARA))
    assert facts.similar_peers == 2
    assert (await desk.facts(draft("Hello Anna, order 21 is ready", ANNA))).similar_peers == 1
    desk.later(hours=24)
    assert (await desk.facts(draft("Hello Anna, order 21 is ready", CARA))).similar_peers == 0


async def test_sends_that_asked_nobody_are_counted_by_utc_day(desk: Desk) -> None:
    """Approved ones do not count, refused ones do, and midnight UTC starts afresh."""
    await desk.send(draft("One"))
    await desk.send(draft("Two"), REFUSED)
    await desk.send(draft("Three"), NOT_SENT)
    await desk.claim(await desk.approved(draft("Four")))

    assert (await desk.facts(draft())).automatic_today == 2
    desk.later(hours=12)
    assert (await desk.facts(draft())).automatic_today == 0


async def test_the_waiting_are_counted(desk: Desk) -> None:
    """Held and approved ones of this account."""
    await desk.held(draft("One"))
    await desk.approved(draft("Two"))
    await desk.held(draft("Three", account="200"))

    assert (await desk.facts(draft())).held == 2


async def test_the_last_send_is_the_newest_slot_that_counts(desk: Desk) -> None:
    """A slot in the future comes before what was sent, a withdrawn one is no slot."""
    await desk.send(draft("One"))
    slot = desk.now + timedelta(seconds=20)
    waiting = (await desk.reserve(draft("Two"), allow_at(slot))).entry
    assert waiting is not None
    assert (await desk.facts(draft())).last_send_at == slot

    await desk.settle(waiting, NOT_SENT)

    assert (await desk.facts(draft())).last_send_at == START
    await desk.held(draft("Three"))
    assert (await desk.facts(draft())).last_send_at == START


async def test_money_and_halts_are_told(desk: Desk) -> None:
    """What was booked today and in all, and the halts in force."""
    await desk.send(draft("One"))
    desk.later(days=1)
    await desk.send(draft("Two"))
    halt = Halt("spam", "X takes this for spam.", desk.now)
    await desk.ledger.halt(ME, halt)

    facts = await desk.facts(draft())

    assert facts.spend == Spend(PRICE, 2 * PRICE)
    assert facts.halts == (halt,)


async def test_our_sends_since_their_word_are_counted(desk: Desk) -> None:
    """Sent, open, waiting and typed elsewhere; not refused ones, nor those before their word."""
    await desk.send(draft("Before"))
    desk.later(seconds=1)
    await desk.record(message(desk.now))
    desk.later(seconds=1)
    await desk.send(draft("One"))
    await desk.held(draft("Two"))
    await desk.flying(draft("Three"))
    await desk.send(draft("Refused"), REFUSED)
    await desk.record(own(desk.now))

    peer = (await desk.facts(draft())).peers[0]

    assert (peer.last_inbound_at, peer.own_since_inbound) == (START + timedelta(seconds=1), 4)


async def test_to_who_never_wrote_every_send_counts(desk: Desk) -> None:
    """Without a word of theirs there is no since."""
    await desk.send(draft("One"))
    desk.later(days=3)
    await desk.send(draft("Two"))

    assert (await desk.facts(draft())).peers[0].own_since_inbound == 2


async def test_what_a_backend_told_of_a_person_is_told_on(desk: Desk) -> None:
    """Blocked, suspended, open or closed, and since when that is known."""
    told = User(ANNA, can_dm=False, connection=frozenset({"blocking"}), suspended=True)
    await desk.ledger.remember_users([told, User(BEN, can_dm=True)], desk.now)

    anna = (await desk.facts(draft())).peers[0]
    ben = (await desk.facts(draft(to=BEN))).peers[0]

    assert (anna.blocked, anna.suspended, anna.can_dm) == (True, True, False)
    assert (ben.blocked, ben.suspended, ben.can_dm, ben.can_dm_at) == (False, False, True, START)


async def test_a_new_group_has_one_row_for_each_member(desk: Desk) -> None:
    """Who opted out or never wrote can be told for each; the group itself is a first contact."""
    await desk.record(message(desk.now, "stop", sender=BEN, peer=BEN))
    group = Target((ANNA, BEN))

    facts = await desk.facts(draft(target=group))

    assert facts.new_group
    assert [(p.user_id, p.opted_out_at) for p in facts.peers] == [(ANNA, None), (BEN, START)]


async def test_a_refused_new_group_closes_it_and_none_of_its_members(desk: Desk) -> None:
    """X does not say who of them takes no messages."""
    group = Target((ANNA, BEN))
    closed = Outcome(SendState.FAILED, "closed", "X refused.", closed_for=DAY)
    await desk.send(draft("One", target=group), closed)

    members = (await desk.facts(draft("Two", target=group))).peers
    alone = (await desk.facts(draft("Two"))).peers[0]

    assert [p.closed_until for p in members] == [START + DAY] * 2
    assert alone.closed_until is None


async def test_a_group_is_one_peer(desk: Desk) -> None:
    """An existing group is known by its conversation, and has a last word like a person."""
    number = "123456789012345678"
    await desk.record(message(desk.now, conversation=number))

    facts = await desk.facts(draft(target=Target(conversation_id=number)))

    assert not facts.new_group
    assert [(p.peer, p.user_id, p.last_inbound_at) for p in facts.peers] == [
        (f"conversation:{number}", None, START)
    ]


async def test_a_closed_recipient_who_writes_is_open_again(desk: Desk) -> None:
    """Their own message is better evidence than an older refusal, in any order of reading."""
    closed = Outcome(SendState.FAILED, "closed", "X refused.", closed_for=DAY)
    desk.later(seconds=10)
    await desk.send(draft("One"), closed)
    desk.later(seconds=10)
    await desk.record(message(START))
    assert (await desk.facts(draft())).peers[0].closed_until is not None

    await desk.record(message(desk.now))

    assert (await desk.facts(draft())).peers[0].closed_until is None


async def test_the_judge_sees_the_same_facts_and_the_present_moment(desk: Desk) -> None:
    """Reserve judges what `facts` told, at the time that it was given."""
    await desk.send(draft("One"))
    expected = await desk.facts(draft("Two"))
    seen = []

    await desk.reserve(
        draft("Two"), lambda facts, now: seen.append((facts, now)) or ask()(facts, now)
    )

    assert seen == [(expected, desk.now)]
