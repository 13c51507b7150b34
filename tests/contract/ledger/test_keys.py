"""One key, one send: what a repeat finds, and what makes way for a new attempt."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    MESSAGES,
    NOT_SENT,
    REFUSED,
    UNKNOWN,
    Desk,
    allow_at,
    deny,
    draft,
    sent,
    snowflake,
)
from xdm_mcp.models.sends import SendState
from xdm_mcp.models.verdicts import Verdict

KEYS = pytest.mark.parametrize("key", [None, "order-17"], ids=["derived", "explicit"])


async def test_an_allowed_draft_is_reserved_for_now(desk: Desk) -> None:
    """ALLOW writes a reserved entry that holds the draft and may leave at once."""
    reservation = await desk.reserve(draft())

    entry = reservation.entry
    assert entry is not None
    assert (entry.state, entry.not_before, entry.text) == (
        SendState.RESERVED,
        desk.now,
        "Your parcel is on its way.",
    )
    assert (reservation.repeat, reservation.mismatch) == (False, False)


async def test_a_slot_is_never_in_the_past(desk: Desk) -> None:
    """A pause that is over by now holds nothing up, and dates nothing back."""
    reservation = await desk.reserve(draft(), allow_at(desk.now - timedelta(seconds=1)))

    assert reservation.entry is not None
    assert reservation.entry.not_before == desk.now


async def test_a_denied_draft_is_not_stored(desk: Desk) -> None:
    """DENY returns the decision and leaves no entry and no charge."""
    reservation = await desk.reserve(draft(), deny())

    assert reservation.entry is None
    assert reservation.decision is not None
    assert reservation.decision.verdict is Verdict.DENY
    assert await desk.ledger.recent() == ()
    assert await desk.used(MESSAGES) == 0


@KEYS
async def test_a_repeat_finds_the_send_at_every_stage_of_its_life(
    desk: Desk, key: str | None
) -> None:
    """Reserved, in flight or sent: the same draft is answered by the same entry, charged once."""
    wanted = draft(key=key)
    reserved = await desk.reserved(wanted)
    again = await desk.reserve(wanted)
    flying = await desk.ledger.dispatch(reserved, desk.now)
    assert flying is not None
    in_flight = await desk.reserve(wanted)
    sent = await desk.settle(flying, UNKNOWN)
    unknown = await desk.reserve(wanted)

    repeats = [again, in_flight, unknown]
    assert [r.repeat for r in repeats] == [True, True, True]
    assert [r.entry and r.entry.state for r in repeats] == ["reserved", "in_flight", "unknown"]
    assert {r.entry and r.entry.id for r in repeats} == {sent.id}
    assert await desk.used(MESSAGES) == 1


@KEYS
async def test_a_sent_message_is_not_sent_again(desk: Desk, key: str | None) -> None:
    """The receipt answers a repeat within a day."""
    sent = await desk.send(draft(key=key))
    desk.later(hours=23)

    again = await desk.reserve(draft(key=key))

    assert again.repeat
    assert again.entry == sent


async def test_another_content_under_the_same_key_is_a_mismatch(desk: Desk) -> None:
    """A key that belongs to another text or recipient answers nothing and stores nothing."""
    await desk.send(draft("One", key="k"))

    assert (await desk.reserve(draft("Two", key="k"))).mismatch
    assert (await desk.reserve(draft("One", BEN, key="k"))).mismatch
    assert len(await desk.ledger.recent()) == 1


async def test_a_key_belongs_to_one_account(desk: Desk) -> None:
    """Two accounts may use the same key for different sends."""
    await desk.send(draft("One", key="k"))

    other = await desk.reserve(draft("Two", key="k", account="200"))

    assert other.entry is not None
    assert not other.repeat


async def test_a_derived_and_an_explicit_key_never_meet(desk: Desk) -> None:
    """An explicit key that spells a derived one is another key."""
    first = await desk.send(draft())

    other = await desk.reserve(draft(key=first.draft_key.removeprefix("d:")))

    assert not other.repeat
    assert not other.mismatch


async def test_a_refused_send_answers_for_its_explicit_key(desk: Desk) -> None:
    """Who names a key gets the recorded failure, not a second attempt."""
    refused = await desk.send(draft(key="k"), REFUSED)

    again = await desk.reserve(draft(key="k"))

    assert again.repeat
    assert again.entry == refused


async def test_a_refused_send_makes_way_under_its_derived_key(desk: Desk) -> None:
    """Who names no key may try again; the old entry stays, under a key of its own."""
    refused = await desk.send(draft(), REFUSED)

    again = await desk.reserve(draft())

    assert again.entry is not None
    assert again.entry.id != refused.id
    old = await desk.ledger.entry(refused.id)
    assert old is not None
    assert old.draft_key != again.entry.draft_key == refused.draft_key


@KEYS
async def test_what_never_left_makes_way_under_any_key(desk: Desk, key: str | None) -> None:
    """An attempt of which no byte left may be made again."""
    await desk.send(draft(key=key), NOT_SENT)

    assert not (await desk.reserve(draft(key=key))).repeat


@KEYS
async def test_a_rejection_stands(desk: Desk, key: str | None) -> None:
    """What a person rejected is not asked again."""
    entry = await desk.held(draft(key=key))
    assert entry.hold is not None
    await desk.ledger.reject(entry.hold.approval_id, "owner", desk.now)

    again = await desk.reserve(draft(key=key))

    assert again.repeat
    assert again.entry is not None
    assert again.entry.state is SendState.REJECTED


async def test_an_expired_hold_makes_way_under_a_derived_key_only(desk: Desk) -> None:
    """Nobody answered: the same words may be asked for anew, an explicit key stays answered."""
    await desk.held(draft("One"))
    await desk.held(draft("Two", key="k"))
    desk.later(minutes=15)

    derived, explicit = await desk.reserve(draft("One")), await desk.reserve(draft("Two", key="k"))

    assert not derived.repeat
    assert explicit.repeat
    assert explicit.entry is not None
    assert explicit.entry.state is SendState.EXPIRED


async def test_a_derived_key_answers_for_24_hours_and_an_explicit_one_for_ever(desk: Desk) -> None:
    """The same words a day later are a new message, the same explicit key never is."""
    await desk.send(draft("One"))
    await desk.send(draft("Two", key="k"))
    desk.later(hours=24, milliseconds=-1)
    assert (await desk.reserve(draft("One"))).repeat
    desk.later(milliseconds=1)

    assert not (await desk.reserve(draft("One"))).repeat
    desk.later(days=400)
    assert (await desk.reserve(draft("Two", key="k"))).repeat


async def test_the_24_hours_of_a_derived_key_begin_when_the_message_left(desk: Desk) -> None:
    """Found by a random life: what had waited for a person, or for its slot, could go out again
    within 24 hours, since its key counted from the moment it was asked for."""
    held = await desk.held(draft())
    desk.later(minutes=14)
    await desk.approve(held)
    claimed = (await desk.claim(held)).entry
    assert claimed is not None
    flying = await desk.ledger.dispatch(claimed, desk.now)
    assert flying is not None
    await desk.settle(flying, sent(snowflake(desk.now)))

    desk.later(hours=24, milliseconds=-1)
    assert (await desk.reserve(draft())).repeat
    desk.later(milliseconds=1)
    assert not (await desk.reserve(draft())).repeat


async def test_an_unknown_send_is_never_sent_again_however_old(desk: Desk) -> None:
    """A derived key outlives its day while nobody knows whether the message went out."""
    unknown = await desk.send(draft(), UNKNOWN)
    desk.later(days=30)

    again = await desk.reserve(draft())

    assert again.repeat
    assert again.entry is not None
    assert (again.entry.id, again.entry.state) == (unknown.id, SendState.UNKNOWN)


async def test_a_refused_new_attempt_leaves_the_old_entry_its_key(desk: Desk) -> None:
    """Only what is written takes a key over."""
    old = await desk.send(draft(), REFUSED)

    await desk.reserve(draft(), deny())

    assert await desk.ledger.entry(old.id) == old


async def test_a_draft_survives_the_ledger_unchanged(desk: Desk) -> None:
    """What is read back is what was stored, to the millisecond."""
    desk.later(microseconds=1_234_567)
    entry = await desk.held(draft("Zoë — 🙂\n\0?", ANNA, key="k" * 200))

    assert await desk.ledger.entry(entry.id) == entry
    assert entry.hold is not None
    assert entry.hold.expires_at - entry.created_at == timedelta(minutes=15)
    assert entry.created_at - desk.now < timedelta(milliseconds=1)
    assert (entry.text, entry.cost, entry.handle) == ("Zoë — 🙂\n\0?", 15_000, "anna")
