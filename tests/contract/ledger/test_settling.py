"""From reserve to the end: who may dispatch and settle, and what each outcome gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    BEN,
    LIMITS,
    ME,
    MESSAGES,
    NOT_SENT,
    PRICE,
    REFUSED,
    REQUESTS,
    UNKNOWN,
    Desk,
    allow_at,
    draft,
    sent,
)
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.ledger.attempts import Attempt
from xdm_mcp.models.quota import Limit, Spend
from xdm_mcp.models.sends import Halt, Outcome, Receipt, SendState


async def counts(desk: Desk) -> tuple[int, int, int]:
    """Return requests, messages and micro-dollars that count now."""
    spend = await desk.ledger.spend(ME, desk.now)
    return await desk.used(REQUESTS), await desk.used(MESSAGES), spend.today


async def test_a_dispatched_send_is_in_flight(desk: Desk) -> None:
    """Before the first byte leaves the ledger says that it may have left."""
    entry = await desk.flying(draft())

    assert (entry.state, entry.dispatched_at) == (SendState.IN_FLIGHT, desk.now)
    assert entry.text == draft().text


async def test_a_send_is_dispatched_once(desk: Desk) -> None:
    """A second dispatch of the same reservation gets nothing."""
    reserved = await desk.reserved(draft())

    assert await desk.ledger.dispatch(reserved, desk.now) is not None
    assert await desk.ledger.dispatch(reserved, desk.now) is None


@pytest.mark.parametrize(("late", "leaves"), [(5.0, True), (5.001, False)])
async def test_a_send_leaves_within_five_seconds_of_its_slot(
    desk: Desk, late: float, leaves: bool
) -> None:
    """Later than that, its windows would no longer be exact: it ends, and gives everything back."""
    slot = desk.now + timedelta(seconds=3)
    entry = (await desk.reserve(draft(), allow_at(slot))).entry
    assert entry is not None
    desk.later(seconds=3 + late)

    flying = await desk.ledger.dispatch(entry, desk.now)

    assert (flying is not None) is leaves
    stands = await desk.ledger.entry(entry.id)
    assert stands is not None
    assert (stands.state, stands.code) == (
        (SendState.IN_FLIGHT, None) if leaves else (SendState.FAILED, "late")
    )
    assert (await counts(desk) == (0, 0, 0)) is not leaves


@pytest.mark.parametrize("scope", ["account", "first_contacts", "spending"])
async def test_a_halt_after_reserve_keeps_the_send_from_leaving(desk: Desk, scope: str) -> None:
    """What concerns the send stops it at the last moment, and everything is given back."""
    reserved = await desk.reserved(draft())
    await desk.ledger.halt(ME, Halt("account_locked", "X locked the account.", desk.now, scope))

    assert await desk.ledger.dispatch(reserved, desk.now) is None

    stands = await desk.ledger.entry(reserved.id)
    assert stands is not None
    assert (stands.state, stands.code) == (SendState.FAILED, "halted")
    assert await counts(desk) == (0, 0, 0)


async def test_a_halt_that_does_not_concern_the_send_lets_it_leave(desk: Desk) -> None:
    """Another account's halt, and a halt of spending for a send that is free."""
    reserved = await desk.reserved(draft(cost=0))
    await desk.ledger.halt(BEN, Halt("account_locked", "Another account.", desk.now))
    await desk.ledger.halt(ME, Halt("no_money", "X wants to be paid.", desk.now, "spending"))

    assert await desk.ledger.dispatch(reserved, desk.now) is not None


async def test_a_receipt_settles_a_send_and_its_text_is_gone(desk: Desk) -> None:
    """Sent: the ids stay, the words do not, and everything charged stays charged."""
    flying = await desk.flying(draft())
    desk.later(seconds=1)

    entry = await desk.settle(flying, sent("555", "7-100"))

    assert (entry.state, entry.receipt) == (SendState.SENT, Receipt("555", "7-100"))
    assert (entry.text, entry.settled_at) == (None, desk.now)
    assert await counts(desk) == (1, 1, PRICE)


async def test_a_refusal_gives_back_messages_and_keeps_attempts_and_money(desk: Desk) -> None:
    """X counted the request and billed it, but no message exists."""
    entry = await desk.send(draft(), REFUSED)

    assert (entry.state, entry.code, entry.text) == (SendState.FAILED, "recipient_closed", None)
    assert await counts(desk) == (1, 0, PRICE)


async def test_what_never_left_gives_everything_back(desk: Desk) -> None:
    """No byte left: no window, no money, no automatic send is counted."""
    await desk.send(draft(), NOT_SENT)

    assert await counts(desk) == (0, 0, 0)
    assert (await desk.facts(draft("Other"))).automatic_today == 0


async def test_an_unknown_outcome_gives_nothing_back_and_keeps_the_text(desk: Desk) -> None:
    """It may have been sent: it counts, and a person may still have to see what it says."""
    entry = await desk.send(draft(), UNKNOWN)

    assert (entry.state, entry.settled_at) == (SendState.UNKNOWN, None)
    assert entry.text == draft().text
    assert entry.next_read_at == desk.now + timedelta(seconds=5)
    assert await counts(desk) == (1, 1, PRICE)


async def test_a_withdrawn_reservation_gives_everything_back(desk: Desk) -> None:
    """The owner may end what has not left."""
    reserved = await desk.reserved(draft())

    entry = await desk.settle(reserved, NOT_SENT)

    assert entry.state is SendState.FAILED
    assert await counts(desk) == (0, 0, 0)


async def test_money_is_given_back_to_the_day_that_paid(desk: Desk) -> None:
    """A send across midnight gives back yesterday's money, not today's."""
    desk.later(hours=11, minutes=59, seconds=59)
    flying = await desk.flying(draft())
    desk.later(seconds=2)
    await desk.flying(draft("Other", BEN))

    await desk.settle(flying, NOT_SENT)

    assert await desk.ledger.spend(ME, desk.now) == Spend(today=PRICE, total=PRICE)


async def test_those_of_unknown_outcome_are_listed_until_they_are_settled(desk: Desk) -> None:
    """The newest first, and no others, of every account."""
    first = await desk.send(draft("One"), UNKNOWN)
    await desk.send(draft("Two"))
    second = await desk.send(draft("Three", BEN), UNKNOWN)
    assert await desk.ledger.unknown() == (second, first)

    saw = Outcome(SendState.FAILED, "resolved", "A person saw that it is not in X.")
    await desk.ledger.resolve(first.id, saw, "terminal", desk.now)

    assert await desk.ledger.unknown() == (second,)


@pytest.mark.parametrize("ended", [UNKNOWN, REFUSED, NOT_SENT])
async def test_a_receipt_wins_over_whatever_was_believed(desk: Desk, ended: Outcome) -> None:
    """Proof that X accepted it corrects an unknown or failed send, and counts it again."""
    flying = await desk.flying(draft())
    await desk.settle(flying, ended)

    entry = await desk.settle(flying, sent("555"))

    assert (entry.state, entry.receipt) == (SendState.SENT, Receipt("555"))
    assert await counts(desk) == (1, 1, PRICE)
    assert (await desk.reserve(draft())).entry == entry


async def test_a_receipt_is_taken_once(desk: Desk) -> None:
    """The same proof again changes nothing, not even the time."""
    flying = await desk.flying(draft())
    entry = await desk.settle(flying, sent("555"))
    desk.later(hours=1)

    assert await desk.settle(flying, sent("555")) == entry


async def test_any_other_late_outcome_changes_nothing(desk: Desk) -> None:
    """Sent stays sent, unknown stays unknown, and the windows stay as they are."""
    first, second = await desk.flying(draft("One")), await desk.flying(draft("Two"))
    settled = await desk.settle(first, sent("555"))
    doubted = await desk.settle(second, UNKNOWN)

    assert await desk.settle(first, REFUSED) == settled
    assert await desk.settle(second, NOT_SENT) == doubted
    assert await counts(desk) == (2, 2, 2 * PRICE)


async def test_one_message_proves_one_send(desk: Desk) -> None:
    """A send whose proof turns out to be another's is unknown again, to be read back now."""
    first, second = await desk.flying(draft("One")), await desk.flying(draft("Two"))
    await desk.settle(first, sent("555"))

    entry = await desk.settle(second, sent("555"))

    assert entry.receipt == Receipt("555")
    robbed = await desk.ledger.entry(first.id)
    assert robbed is not None
    assert (robbed.state, robbed.receipt) == (SendState.UNKNOWN, None)
    assert robbed.next_read_at == desk.now


async def test_two_accounts_may_have_the_same_message_id(desk: Desk) -> None:
    """Ids of messages are unique for an account; a sandbox may number each from one."""
    await desk.settle(await desk.flying(draft()), sent("555"))

    other = await desk.settle(await desk.flying(draft(account="200")), sent("555"))

    assert other.state is SendState.SENT
    assert (await desk.ledger.recent())[1].state is SendState.SENT


async def test_a_retry_at_keeps_the_whole_account_waiting(desk: Desk) -> None:
    """After a 429 no window of the account has room until then; other accounts and reads go on."""
    retry_at = desk.now + timedelta(minutes=10)
    limited = Outcome(SendState.FAILED, "rate_limited", "X wants us to wait.", retry_at=retry_at)
    reads = Limit(f"{ME}/reads/users", 15, timedelta(minutes=15))
    others = Limit("200/requests", 15, timedelta(minutes=15))

    entry = await desk.send(draft(), limited)

    assert entry.retry_at == retry_at
    for limit in LIMITS:
        window = await desk.window(limit)
        assert (window.remaining, window.free_at, window.source) == (0, retry_at, "server")
    assert [(await desk.window(limit)).remaining for limit in (reads, others)] == [15, 15]
    desk.now = retry_at
    assert (await desk.window(REQUESTS)).remaining == 14


async def test_a_pause_of_the_account_holds_what_was_reserved_before_it(desk: Desk) -> None:
    """A send that waited for its turn does not leave while X wants us to wait."""
    retry_at = desk.now + timedelta(minutes=10)
    waiting, others = await desk.reserved(draft("Two")), await desk.reserved(draft(account="200"))
    limited = Outcome(SendState.FAILED, "rate_limited", "X wants us to wait.", retry_at=retry_at)
    await desk.send(draft("One"), limited, ())

    assert await desk.ledger.dispatch(waiting, desk.now) is None

    stands = await desk.ledger.entry(waiting.id)
    assert stands is not None
    assert (stands.state, stands.code, stands.retry_at) == (SendState.FAILED, "paused", retry_at)
    assert await counts(desk) == (15, 500, PRICE)
    assert await desk.ledger.dispatch(others, desk.now) is not None


async def test_a_refusal_by_the_recipient_is_remembered_for_its_time(desk: Desk) -> None:
    """Until it ends, or until they write to us, the guard knows that they take no messages."""
    closed = Outcome(
        SendState.FAILED, "recipient_closed", "X refused.", closed_for=timedelta(days=7)
    )
    await desk.send(draft(), closed)

    peer = (await desk.facts(draft("Other"))).peers[0]
    assert peer.closed_until == desk.now + timedelta(days=7)
    assert peer.closed_code == "recipient_closed"
    assert (await desk.facts(draft("Other", BEN))).peers[0].closed_until is None
    desk.later(days=7)
    assert (await desk.facts(draft("Other"))).peers[0].closed_until is None


async def test_an_outcomes_halt_is_in_force_at_once(desk: Desk) -> None:
    """X's sign of trouble stops the account in the same transaction."""
    trouble = Halt("spam_suspected", "X takes this for spam.", desk.now)

    await desk.send(draft(), Outcome(SendState.FAILED, "spam", "X refused.", halt=trouble))

    assert await desk.ledger.halts(ME, desk.now) == (trouble,)


async def test_what_a_late_outcome_says_of_the_account_holds(desk: Desk) -> None:
    """The entry is no longer the zombie's, but a locked account is locked."""
    flying = await desk.flying(draft())
    doubted = await desk.settle(flying, UNKNOWN)
    locked = Halt("account_locked", "X locked the account.", desk.now)

    entry = await desk.settle(flying, Outcome(SendState.FAILED, "locked", "No.", halt=locked))

    assert entry == doubted
    assert await desk.ledger.halts(ME, desk.now) == (locked,)


async def test_the_breaker_sees_the_ten_latest_attempts_newest_first(desk: Desk) -> None:
    """Sent, refused and unknown ones that were tried; not those that never left the house."""
    for number in range(11):
        desk.later(seconds=1)
        await desk.send(draft(f"Text {number}"), REFUSED if number % 2 else None, ())
    withdrawn = await desk.reserved(draft("Withdrawn"), ())
    await desk.settle(withdrawn, NOT_SENT)
    flying = await desk.flying(draft("Last"), ())
    seen: list[Sequence[Attempt]] = []

    await desk.ledger.settle(flying, UNKNOWN, desk.now, lambda latest: seen.append(latest))

    assert [attempt.state for attempt in seen[0]] == ["unknown", "sent"] + ["failed", "sent"] * 4
    assert seen[0][0] == Attempt("unknown", "timeout", first_contact=True)


async def test_the_breakers_halt_is_in_force(desk: Desk) -> None:
    """What `trip` returns stops the account with the settlement that tripped it."""
    halt = Halt("many_unknown", "Two outcomes in a row are unknown.", desk.now)
    flying = await desk.flying(draft())

    await desk.ledger.settle(flying, UNKNOWN, desk.now, lambda latest: halt)

    assert await desk.ledger.halts(ME, desk.now) == (halt,)


async def test_a_settlement_that_changes_nothing_trips_nothing(desk: Desk) -> None:
    """A repeated receipt is no new attempt."""
    flying = await desk.flying(draft())
    await desk.settle(flying, sent("555"))

    def never(latest: Sequence[Attempt]) -> Halt | None:
        raise AssertionError("nothing happened")

    await desk.ledger.settle(flying, sent("555"), desk.now, never)


@pytest.mark.parametrize("state", [SendState.SENT, SendState.FAILED])
async def test_a_person_may_resolve_an_unknown_send(desk: Desk, state: SendState) -> None:
    """Their word settles it; as failed it gives the message back but neither request nor money."""
    unknown = await desk.send(draft(), UNKNOWN)
    word = Outcome(state, "resolved", "The owner looked.", not_sent=True)

    entry = await desk.ledger.resolve(unknown.id, word, "owner", desk.now)

    assert (entry.state, entry.text, entry.next_read_at) == (state, None, None)
    assert await counts(desk) == (1, 1 if state is SendState.SENT else 0, PRICE)


async def test_only_an_unknown_send_is_resolved_and_only_to_an_end(desk: Desk) -> None:
    """A person cannot rewrite what is known, nor make it unknown again."""
    known = await desk.send(draft())
    unknown = await desk.send(draft("Two"), UNKNOWN)

    with pytest.raises(BadInput, match="sent"):
        await desk.ledger.resolve(known.id, REFUSED, "owner", desk.now)
    with pytest.raises(BadInput, match="as sent or as failed"):
        await desk.ledger.resolve(unknown.id, UNKNOWN, "owner", desk.now)
    with pytest.raises(NotFound):
        await desk.ledger.resolve(unknown.id + 1, REFUSED, "owner", desk.now)


async def test_reads_back_are_counted_and_planned(desk: Desk) -> None:
    """Each counts once, also when two processes made it; the last leaves the rest to a person."""
    unknown = await desk.send(draft(), UNKNOWN)
    assert await desk.ledger.due(desk.now) == ()
    desk.later(seconds=5)
    assert await desk.ledger.due(desk.now) == (unknown,)
    later = desk.now + timedelta(seconds=30)

    once = await desk.ledger.postpone_read(unknown, later, desk.now)
    twice = await desk.ledger.postpone_read(unknown, later, desk.now)
    last = await desk.ledger.postpone_read(once, None, desk.now)

    assert (once.reads, once.next_read_at) == (1, later)
    assert twice == once
    assert (last.reads, last.next_read_at, last.state) == (2, None, SendState.UNKNOWN)
    desk.later(days=1)
    assert await desk.ledger.due(desk.now) == ()


async def test_a_settled_send_has_no_read_to_postpone(desk: Desk) -> None:
    """A proof that came meanwhile stands."""
    unknown = await desk.send(draft(), UNKNOWN)
    proven = await desk.settle(unknown, sent("555"))

    assert await desk.ledger.postpone_read(unknown, desk.now, desk.now) == proven


async def test_an_entry_that_never_was_cannot_be_settled(desk: Desk) -> None:
    """An entry of another ledger is not found here."""
    flying = await desk.flying(draft())

    with pytest.raises(NotFound):
        await desk.settle(replace(flying, id=99), UNKNOWN)
