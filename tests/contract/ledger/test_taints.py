"""What agents were shown of other people's words, as the ledger tells it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    CARA,
    ME,
    Desk,
    allow,
    allow_at,
    draft,
    message,
    own,
    sent,
    snowflake,
)
from xdm_mcp.ledger import taints as taints_of
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.sends import Assurance, Target
from xdm_mcp.models.verdicts import Decision, Facts, Taint

GROUP = "1791970200123456789"


async def shown(desk: Desk, *messages: Message) -> None:
    """Have an agent be given messages that were read just now."""
    await desk.record(*messages)
    await desk.ledger.note_shown(ME, messages, desk.now)


async def taints(desk: Desk, to: str = BEN) -> list[str]:
    """Return whose unanswered words stand against a draft."""
    return [taint.conversation_id for taint in (await desk.facts(draft(to=to))).taints]


async def test_words_that_were_shown_stand_against_everybody_else(desk: Desk) -> None:
    """Not against an answer to themselves; a new group is somebody else even with them in it."""
    await shown(desk, message(desk.now))

    assert await taints(desk, BEN) == [pair_id(ME, ANNA)]
    assert await taints(desk, ANNA) == []
    group = draft(target=Target((ANNA, BEN)))
    assert len((await desk.facts(group)).taints) == 1


async def test_what_was_only_read_and_shown_to_nobody_stands_against_nobody(desk: Desk) -> None:
    """A poll is no agent. Our own words and joins are nobody's orders."""
    await desk.record(message(desk.now))
    await desk.ledger.note_shown(ME, [own(desk.now), message(desk.now, None, serial=3)], desk.now)

    assert await taints(desk) == []


async def test_an_answer_ends_it_and_their_next_words_begin_it_again(desk: Desk) -> None:
    """Sent by us, or typed in X's own app; one that X refused is none."""
    await shown(desk, message(desk.now))
    desk.later(seconds=5)
    await desk.send(draft("No", ANNA), None)
    assert await taints(desk) == []

    desk.later(minutes=1)
    await shown(desk, message(desk.now, serial=5))
    assert await taints(desk) == [pair_id(ME, ANNA)]

    desk.later(minutes=1)
    await desk.record(own(desk.now, serial=6))
    assert await taints(desk) == []


async def test_an_old_message_that_was_answered_is_no_taint(desk: Desk) -> None:
    """However often it is read again."""
    old = message(desk.now)
    desk.later(minutes=1)
    await desk.record(old, own(desk.now))
    desk.later(minutes=1)

    await shown(desk, old)

    assert await taints(desk) == []


async def test_one_look_of_a_person_is_enough_for_all_that_was_shown_before(desk: Desk) -> None:
    """What was shown after the send was asked for is not covered."""
    await shown(desk, message(desk.now), message(desk.now, sender=CARA, peer=CARA, serial=2))
    desk.later(seconds=1)
    held = await desk.held(draft("One"))
    desk.later(seconds=1)
    await shown(desk, message(desk.now, peer="10", sender="10", serial=3))

    await desk.approve(held)

    assert await taints(desk) == [pair_id(ME, "10")]


async def test_a_rejection_is_no_look_of_a_person(desk: Desk) -> None:
    """It takes no PIN, so a program that runs commands can give it; nothing may pass because of
    it."""
    await shown(desk, message(desk.now))
    desk.later(seconds=1)
    held = await desk.held(draft("One"))
    assert held.hold is not None

    await desk.ledger.reject(held.hold.approval_id, "owner", desk.now)

    assert await taints(desk) == [pair_id(ME, ANNA)]


async def test_a_form_of_the_client_is_no_look_of_a_person(desk: Desk) -> None:
    """A program may have answered it."""
    await shown(desk, message(desk.now))
    desk.later(seconds=1)
    held = await desk.held(draft("One"), Assurance.CLIENT)
    await desk.approve(held, Assurance.CLIENT)

    assert await taints(desk) == [pair_id(ME, ANNA)]


async def test_what_was_shown_once_is_not_shown_anew_by_reading_it_again(desk: Desk) -> None:
    """Else every list of conversations would ask for a look of its own."""
    first = message(desk.now)
    await shown(desk, first)
    desk.later(seconds=1)
    await desk.approve(await desk.held(draft("One")))
    desk.later(seconds=1)
    await shown(desk, first)
    assert await taints(desk) == []

    await shown(desk, message(desk.now, serial=9))
    assert await taints(desk) == [pair_id(ME, ANNA)]


async def test_a_claim_of_what_a_person_saw_asks_no_more(desk: Desk) -> None:
    """What was read since is no matter of a send that was approved as it is."""
    entry = await desk.approved(draft("One"))
    await shown(desk, message(desk.now))
    seen: list[tuple[Taint, ...]] = []

    def judge(known: Facts, now: datetime) -> Decision:
        seen.append(known.taints)
        return allow(known, now)

    await desk.claim(entry, judge)

    assert seen == [()]


async def test_four_are_told_at_most_the_newest_first(desk: Desk) -> None:
    """One is enough to ask."""
    for serial in range(1, 7):
        who = str(20 + serial)
        desk.later(seconds=1)
        await shown(desk, message(desk.now, sender=who, peer=who, serial=serial))

    assert await taints(desk) == [pair_id(ME, str(n)) for n in (26, 25, 24, 23)]


async def test_a_group_is_a_conversation_of_its_own(desk: Desk) -> None:
    """Its words stand against its members one by one."""
    await shown(desk, message(desk.now, conversation=GROUP))

    assert await taints(desk, ANNA) == [GROUP]
    own_group = draft(target=Target(conversation_id=GROUP))
    assert (await desk.facts(own_group)).taints == ()


async def test_every_process_knows_and_another_account_does_not(
    desks: tuple[Desk, Desk],
) -> None:
    """It is kept in the ledger."""
    one, other = desks
    await shown(one, message(one.now))

    assert await taints(other) == [pair_id(ME, ANNA)]
    assert (await other.facts(draft(account="200"))).taints == ()


async def test_a_conversation_can_be_forgotten(desk: Desk) -> None:
    """And with it that it was shown."""
    await shown(desk, message(desk.now))
    assert isinstance(desk.ledger, SqlLedger)
    await desk.ledger._database.write(lambda sql: taints_of.forget(sql, ME, pair_id(ME, ANNA)))

    assert await taints(desk) == []


async def look(desk: Desk) -> None:
    """Have a person look at a send that is asked for now."""
    desk.later(seconds=1)
    await desk.approve(await desk.held(draft(f"Look at {desk.now}")))
    desk.later(seconds=1)


async def test_older_words_that_are_shown_after_a_look_want_a_look_of_their_own(
    desk: Desk,
) -> None:
    """A list shows the last words of a conversation, its page those before them."""
    first, between, last = (message(desk.now, f"No {n}", serial=n) for n in (2, 5, 9))
    await shown(desk, last)
    await look(desk)
    assert await taints(desk) == []

    await shown(desk, first, last)
    assert await taints(desk) == [pair_id(ME, ANNA)]
    await look(desk)
    await shown(desk, first, between, last)
    assert await taints(desk) == [pair_id(ME, ANNA)]
    await look(desk)
    await shown(desk, first, between, last)
    assert await taints(desk) == []


async def test_older_words_that_were_answered_long_ago_are_no_taint_beside_newer_ones(
    desk: Desk,
) -> None:
    """Only what they wrote after our last word to them is unanswered."""
    old = message(desk.now, serial=2)
    desk.later(minutes=1)
    await desk.record(old, own(desk.now, serial=3))
    desk.later(minutes=1)
    await shown(desk, message(desk.now, serial=4))
    await look(desk)

    await shown(desk, old)

    assert await taints(desk) == []


async def test_old_words_do_not_hide_newer_ones_that_wait(desk: Desk) -> None:
    """The newest that nobody looked after is what an answer must come after."""
    old = message(desk.now, serial=2)
    desk.later(minutes=1)
    await desk.record(old, own(desk.now, serial=3))
    desk.later(minutes=1)
    await shown(desk, message(desk.now, serial=4))

    await shown(desk, old)

    assert await taints(desk) == [pair_id(ME, ANNA)]


async def test_the_rest_of_a_message_that_was_only_begun_is_new(desk: Desk) -> None:
    """What it says at its end nobody has seen; to begin it again is nothing new."""
    long = message(desk.now, "a" * 600)
    await desk.record(long)
    for begun, tainted in (({long.id}, True), ({long.id}, False), (set(), True), (set(), False)):
        await desk.ledger.note_shown(ME, [long], desk.now, begun)
        assert bool(await taints(desk)) is tainted
        await look(desk)


# -- clocks that differ


async def test_what_is_shown_after_a_look_waits_for_a_look_though_a_clock_stepped_back(
    desk: Desk,
) -> None:
    """The order of what happened counts, not what a clock says of it."""
    await desk.approve(await desk.held(draft("One")))
    desk.later(hours=-1)

    await shown(desk, message(desk.now))

    assert await taints(desk) == [pair_id(ME, ANNA)]


@pytest.mark.parametrize("approved", [True, False])
async def test_what_another_machine_shows_while_a_send_waits_is_not_covered_by_its_look(
    desks: tuple[Desk, Desk], approved: bool
) -> None:
    """Though the clock of the machine that asked is two seconds ahead."""
    ahead, behind = desks
    ahead.later(seconds=2)
    held = await ahead.held(draft("One"))
    behind.later(seconds=1)
    await shown(behind, message(behind.now))
    ahead.later(seconds=5)

    if approved:
        await ahead.approve(held)
    else:
        assert held.hold is not None
        await ahead.ledger.reject(held.hold.approval_id, "owner", ahead.now)

    assert await taints(behind) == [pair_id(ME, ANNA)]


async def test_what_is_shown_in_the_millisecond_after_a_send_was_asked_for_is_not_covered(
    desk: Desk,
) -> None:
    """What was shown before, in the same millisecond, is."""
    await shown(desk, message(desk.now, sender=CARA, peer=CARA, serial=2))
    held = await desk.held(draft("One"))
    await shown(desk, message(desk.now))

    await desk.approve(held)

    assert await taints(desk) == [pair_id(ME, ANNA)]


async def test_what_is_shown_while_an_approved_send_waits_for_its_slot_is_not_covered(
    desk: Desk,
) -> None:
    """It may miss its turn; nothing that becomes of it then is a look at those words."""
    approved = await desk.approved(draft("One"))
    claimed = (await desk.claim(approved, allow_at(desk.now + timedelta(seconds=3)))).entry
    assert claimed is not None
    desk.later(seconds=-30)
    await shown(desk, message(desk.now))
    desk.later(minutes=2)
    await desk.ledger.due(desk.now)
    assert claimed.hold is not None

    await desk.ledger.reject(claimed.hold.approval_id, "owner", desk.now)

    assert await taints(desk) == [pair_id(ME, ANNA)]


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_what_we_wrote_before_a_clock_stepped_back_is_no_answer_to_later_words(
    desk: Desk, elsewhere: bool
) -> None:
    """X's ids tell which came first; an answer that comes after the words ends it."""
    theirs = message(desk.now + timedelta(minutes=40), serial=7)
    desk.later(minutes=30)
    if elsewhere:
        await desk.record(own(desk.now))
    else:
        await desk.send(draft("Before", ANNA))
    desk.later(minutes=-30)
    await shown(desk, theirs)
    assert await taints(desk) == [pair_id(ME, ANNA)]

    if elsewhere:
        desk.later(minutes=41)
        await desk.record(own(desk.now))
    else:
        answer = snowflake(theirs.created_at + timedelta(seconds=5))
        await desk.send(draft("After", ANNA), sent(answer))

    assert await taints(desk) == []
