"""Learning from messages: last words, opt-outs, proofs of open sends, and sends made elsewhere."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    MARGIN,
    ME,
    MESSAGES,
    NOT_SENT,
    PRICE,
    REFUSED,
    REQUESTS,
    START,
    UNKNOWN,
    Desk,
    draft,
    message,
    own,
    sent,
    snowflake,
)
from xdm_mcp.models.messages import Message
from xdm_mcp.models.sends import Outcome, Receipt, SendState, Target
from xdm_mcp.models.verdicts import PeerFacts

GROUP = "123456789012345678"
TEXT = draft().text


async def peer(desk: Desk, who: str = ANNA) -> PeerFacts:
    """Return what is known of somebody."""
    return (await desk.facts(draft("Probe", who))).peers[0]


async def test_an_inbound_message_is_the_last_word(desk: Desk) -> None:
    """Who wrote, and when, is known; how often it is read does not matter."""
    hello = message(START - timedelta(hours=1))

    assert await desk.record(hello) == 1
    assert await desk.record(hello) == 0
    assert (await peer(desk)).last_inbound_at == START - timedelta(hours=1)


async def test_only_the_partners_own_message_makes_them_somebody_who_wrote(desk: Desk) -> None:
    """A third sender in a conversation of two teaches nothing of either; their "stop" counts."""
    assert await desk.record(message(START, "stop", sender=BEN, peer=ANNA)) == 0

    assert (await peer(desk)).last_inbound_at is None
    assert (await peer(desk, BEN)).last_inbound_at is None
    assert (await peer(desk, BEN)).opted_out_at == START
    assert await desk.ledger.credits(ME, desk.now) == ()
    assert await desk.record(message(START, serial=2)) == 1
    assert (await peer(desk)).last_inbound_at == START


async def test_joins_leaves_and_messages_of_nobody_teach_nothing(desk: Desk) -> None:
    """Only words count as having written."""
    joined = replace(message(START), kind="join", text=None)
    unsigned = replace(message(START), sender_id=None)

    assert await desk.record(joined, unsigned) == 0
    assert (await peer(desk)).last_inbound_at is None


async def test_a_picture_without_words_is_a_last_word(desk: Desk) -> None:
    """Media alone is a message too."""
    await desk.record(message(START, None))

    assert (await peer(desk)).last_inbound_at == START


async def test_whoever_asks_us_to_stop_has_opted_out(desk: Desk) -> None:
    """From the moment of that message, and later chatter does not undo it."""
    await desk.record(message(START, "stop"), message(START + timedelta(seconds=1)))

    assert (await peer(desk)).opted_out_at == START


async def test_of_two_requests_to_stop_the_newer_dates_the_opt_out(desk: Desk) -> None:
    """In whichever order they are read."""
    older, newer = message(START - timedelta(days=1), "stop"), message(START, "stop")

    await desk.record(newer)
    await desk.record(older)

    assert (await peer(desk)).opted_out_at == START


async def test_our_own_stop_opts_nobody_out(desk: Desk) -> None:
    """The words count only from the other side."""
    await desk.record(own(START, "stop"))

    assert (await peer(desk)).opted_out_at is None


async def test_in_a_group_it_is_the_sender_who_opts_out(desk: Desk) -> None:
    """Ben's wish is Ben's, not the group's and not Anna's."""
    await desk.record(message(START, "stop", sender=BEN, conversation=GROUP))

    group = draft(target=Target(conversation_id=GROUP))
    assert (await desk.facts(group)).peers[0].opted_out_at is None
    assert (await peer(desk, BEN)).opted_out_at == START
    assert (await peer(desk, ANNA)).opted_out_at is None
    assert (await peer(desk, BEN)).last_inbound_at is None


async def test_a_cleared_opt_out_stays_cleared_until_a_newer_request(desk: Desk) -> None:
    """Reading the same words again is nothing new; asking again is."""
    old = message(START, "stop")
    older = message(START - timedelta(days=1), "stop")
    await desk.record(old)

    assert await desk.ledger.clear_opt_out(ME, ANNA, "owner", desk.now)
    assert not await desk.ledger.clear_opt_out(ME, ANNA, "owner", desk.now)
    await desk.record(older, old)
    assert (await peer(desk)).opted_out_at is None
    desk.later(hours=1)
    await desk.record(message(desk.now, "stop"))
    assert (await peer(desk)).opted_out_at == desk.now


async def test_clearing_covers_requests_before_the_newest_known_message(desk: Desk) -> None:
    """What lies further back is read later, and was meant by the owner too."""
    middle = message(START + timedelta(seconds=1), "stop")
    await desk.record(message(START, "stop"), message(START + timedelta(seconds=2)))
    await desk.ledger.clear_opt_out(ME, ANNA, "owner", desk.now)

    await desk.record(middle)

    assert (await peer(desk)).opted_out_at is None


async def test_a_message_typed_elsewhere_charges_messages_once(desk: Desk) -> None:
    """The account's day is spent by the app too, and no request of ours was made."""
    typed = own(START)

    assert await desk.record(typed) == 1
    assert await desk.record(typed) == 0
    assert (await desk.used(MESSAGES), await desk.used(REQUESTS)) == (1, 0)
    assert (await desk.ledger.spend(ME, desk.now)).total == 0


async def test_a_message_from_elsewhere_leaves_the_window_at_its_own_time(desk: Desk) -> None:
    """What was typed yesterday does not burden the coming day."""
    typed = START - timedelta(hours=23)
    await desk.record(own(typed))

    assert (await desk.window(MESSAGES)).resets_at == typed + timedelta(hours=24) + MARGIN


@pytest.mark.parametrize(("age_ms", "counted"), [(-1, 1), (0, 0)])
async def test_what_is_too_old_charges_nothing(desk: Desk, age_ms: int, counted: int) -> None:
    """Older than a day and the margin: no window of messages reaches that far."""
    age = timedelta(hours=24) + MARGIN + timedelta(milliseconds=age_ms)

    await desk.record(own(START - age))

    year = replace(MESSAGES, per=timedelta(days=365))
    assert await desk.used(year) == counted


@pytest.mark.parametrize("state", ["reserved", "in_flight", "unknown"])
async def test_an_own_message_proves_the_open_send_with_its_words(desk: Desk, state: str) -> None:
    """Found in the conversation: it was sent, and it is charged once."""
    entry = await desk.reserved(draft())
    if state != "reserved":
        flying = await desk.ledger.dispatch(entry, desk.now)
        assert flying is not None
        if state == "unknown":
            await desk.settle(flying, UNKNOWN)
    found = own(desk.later(seconds=2), TEXT)

    assert await desk.record(found) == 1

    proven = await desk.ledger.entry(entry.id)
    assert proven is not None
    assert proven.state is SendState.SENT
    assert proven.receipt == Receipt(found.id, found.conversation_id)
    assert (proven.text, proven.code, proven.next_read_at) == (None, "found", None)
    assert await desk.record(found) == 0
    assert (await desk.used(MESSAGES), await desk.used(REQUESTS)) == (1, 1)


async def test_x_may_have_rewritten_what_it_shows(desk: Desk) -> None:
    """Short links, escaped signs and trimmed blanks are still the same message."""
    await desk.send(draft(" A & B: https://example.com/a?b=1 "), UNKNOWN)

    await desk.record(own(desk.now, "A &amp; B: https://t.co/Ab1"))

    assert (await desk.ledger.recent())[0].state is SendState.SENT


async def test_only_a_message_that_can_be_it_is_a_proof(desk: Desk) -> None:
    """Other words, another person, a time before the attempt, or a message known before: no."""
    known = own(START + timedelta(minutes=9, seconds=30), TEXT)
    desk.later(minutes=10)
    await desk.record(known)
    await desk.send(draft(), UNKNOWN)
    wrong = [
        own(desk.now, "Something else", serial=2),
        own(desk.now, TEXT, peer=BEN, serial=3),
        own(desk.now - timedelta(seconds=60, milliseconds=1), TEXT, serial=4),
        message(desk.now, TEXT, serial=5),
        known,
    ]

    await desk.record(*wrong)

    assert (await desk.ledger.recent())[0].state is SendState.UNKNOWN
    await desk.record(own(desk.now - timedelta(seconds=20), TEXT, serial=6))
    assert (await desk.ledger.recent())[0].state is SendState.SENT


async def test_a_message_older_than_the_threads_newest_at_reserve_is_no_proof(desk: Desk) -> None:
    """The same words, typed seconds before ours: the thread had already gone past them."""
    await desk.record(message(START))
    desk.later(seconds=10)
    await desk.send(draft(), UNKNOWN)

    await desk.record(own(START - timedelta(seconds=5), TEXT))

    assert (await desk.ledger.recent())[0].state is SendState.UNKNOWN


async def test_one_message_is_no_proof_of_two_sends(desk: Desk) -> None:
    """Of two sends with the same words the older is proven, the other stays unknown."""
    first = await desk.send(draft(), UNKNOWN)
    second = await desk.send(draft(key="again"), UNKNOWN)

    await desk.record(own(desk.now, TEXT))

    states = [(await desk.ledger.entry(e.id)) for e in (first, second)]
    assert [e and e.state for e in states] == [SendState.SENT, SendState.UNKNOWN]


async def test_a_receipt_after_the_inbox_saw_the_message_is_nothing_new(desk: Desk) -> None:
    """The inbox may be faster than the answer to the POST."""
    flying = await desk.flying(draft())
    found = own(desk.now, TEXT)
    await desk.record(found)

    entry = await desk.settle(flying, sent(found.id))

    assert (entry.state, entry.code) == (SendState.SENT, "found")
    assert await desk.used(MESSAGES) == 1


async def test_a_message_taken_for_somebody_elses_is_merged_with_its_receipt(desk: Desk) -> None:
    """Not recognised by its words, charged as typed elsewhere, then proven ours: counted once."""
    flying = await desk.flying(draft())
    await desk.record(own(desk.now, "Words that X changed beyond recognition"))
    assert await desk.used(MESSAGES) == 2

    await desk.settle(flying, sent(snowflake(desk.now)))

    assert await desk.used(MESSAGES) == 1
    assert await desk.record(own(desk.now, "Words that X changed beyond recognition")) == 0
    assert (await peer(desk)).own_since_inbound == 1


async def test_a_refusal_that_was_none_is_corrected_and_counted_again(desk: Desk) -> None:
    """The backend said no, and yet the message exists, of that very time."""
    refused = await desk.send(draft(), REFUSED)

    await desk.record(own(desk.now, TEXT))

    entry = await desk.ledger.entry(refused.id)
    assert entry is not None
    assert entry.state is SendState.SENT
    assert await desk.used(MESSAGES) == 1
    assert (await desk.ledger.spend(ME, desk.now)).total == PRICE


@pytest.mark.parametrize("outcome", [REFUSED, NOT_SENT])
async def test_the_same_words_typed_after_a_failure_are_a_message_of_their_own(
    desk: Desk, outcome: Outcome
) -> None:
    """A person may write in the app what we failed to send: the failure stays one."""
    failed = await desk.send(draft(), outcome)
    wait = timedelta() if outcome is NOT_SENT else timedelta(seconds=60, milliseconds=1)

    await desk.record(own(desk.now + wait, TEXT))

    assert await desk.ledger.entry(failed.id) == failed
    assert await desk.used(MESSAGES) == 1


async def test_a_person_resolved_it_and_then_the_message_turns_up(desk: Desk) -> None:
    """Their word was right, the proof is added, and nothing is charged twice."""
    unknown = await desk.send(draft(), UNKNOWN)
    word = Outcome(SendState.SENT, "resolved", "The owner saw it.")
    await desk.ledger.resolve(unknown.id, word, "owner", desk.now)
    found = own(desk.now, TEXT)

    await desk.record(found)

    entry = await desk.ledger.entry(unknown.id)
    assert entry is not None
    assert entry.receipt == Receipt(found.id, found.conversation_id)
    assert await desk.used(MESSAGES) == 1


async def test_the_first_message_of_a_new_group_is_known_by_its_members(desk: Desk) -> None:
    """The group had no id when it was asked for; the people in it are the same."""
    await desk.send(draft(target=Target((ANNA, BEN))), UNKNOWN)
    found = replace(own(desk.now, TEXT, conversation=GROUP), participant_ids=(BEN, ME, ANNA))

    await desk.record(found)

    entry = (await desk.ledger.recent())[0]
    assert entry.receipt == Receipt(found.id, GROUP)


async def test_ids_without_a_time_are_dated_by_the_message(desk: Desk) -> None:
    """A pretend X may number its messages from one."""
    await desk.send(draft(), UNKNOWN)
    early = replace(own(START - timedelta(hours=1), TEXT), id="41")
    fresh = replace(own(START, TEXT), id="42")

    await desk.record(early)
    assert (await desk.ledger.recent())[0].state is SendState.UNKNOWN
    await desk.record(fresh)
    assert (await desk.ledger.recent())[0].receipt == Receipt("42", fresh.conversation_id)


def story() -> list[Message]:
    """Four messages whose order of reading must not matter."""
    at = [START - timedelta(minutes=m) for m in (50, 40, 30, 20)]
    return [message(at[0], "stop"), own(at[1]), message(at[2]), own(at[3], serial=2)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
async def test_messages_may_be_read_in_any_order(desk: Desk, order: tuple[int, ...]) -> None:
    """One by one, backwards or mixed: what is known in the end is the same."""
    for index in order:
        await desk.record(story()[index])
    await desk.record(*story())

    known = await peer(desk)
    assert (known.opted_out_at, known.last_inbound_at) == (
        START - timedelta(minutes=50),
        START - timedelta(minutes=30),
    )
    assert (known.own_since_inbound, known.credits_left) == (1, 4)
    assert await desk.used(MESSAGES) == 2


async def test_accounts_learn_each_for_itself(desk: Desk) -> None:
    """What one of our accounts read is no news of the other's people."""
    await desk.record(message(START, "stop"))

    other = (await desk.facts(draft(account="200"))).peers[0]

    assert (other.last_inbound_at, other.opted_out_at) == (None, None)


async def test_ids_beyond_any_integer_are_compared_as_numbers(desk: Desk) -> None:
    """Nineteen digits may exceed what a database calls an integer."""
    large = replace(message(START, "Hello"), id="9999999999999999998")
    larger = replace(message(START + timedelta(seconds=1), "stop"), id="9999999999999999999")

    assert await desk.record(larger, large) == 2
    assert (await peer(desk)).last_inbound_at == START
