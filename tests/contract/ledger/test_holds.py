"""Held sends: what a person approves, rejects or leaves, and what a claim makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import anyio
import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    LIMITS,
    ME,
    MESSAGES,
    PRICE,
    Desk,
    allow_at,
    ask,
    deny,
    draft,
)
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.models.sends import Assurance, Outcome, SendState
from xdm_mcp.models.verdicts import Verdict


async def test_a_held_send_charges_nothing(desk: Desk) -> None:
    """Windows and money are untouched until a person has approved and a turn has come."""
    entry = await desk.held(draft())

    assert entry.state is SendState.HELD
    assert await desk.used(MESSAGES) == 0
    assert (await desk.ledger.spend(entry.account_id, desk.now)).total == 0
    assert await desk.ledger.by_approval("approval1") == entry
    assert await desk.ledger.waiting(entry.account_id) == (entry,)


async def test_a_repeat_of_a_held_send_finds_its_question(desk: Desk) -> None:
    """Asking twice makes one question, not two."""
    entry = await desk.held(draft())

    again = await desk.reserve(draft(), ask())

    assert again.repeat
    assert again.entry == entry


async def test_an_approval_is_recorded_with_its_kind_its_person_and_its_time(desk: Desk) -> None:
    """Who approved, how surely and when stays with the entry."""
    held = await desk.held(draft())
    desk.later(minutes=3)

    approved = await desk.approve(held, Assurance.PASSKEY)

    assert approved.state is SendState.APPROVED
    assert approved.hold is not None
    assert approved.hold.assurance is Assurance.PASSKEY
    assert (approved.hold.approved_by, approved.hold.approved_at) == ("owner", desk.now)
    assert approved.text == held.text


async def test_an_approval_of_something_else_is_refused(desk: Desk) -> None:
    """A digest that differs approves nothing, whatever characters it is made of."""
    await desk.held(draft())

    for wrong in ("digest2", "", "digest1 ", "dïgest1"):
        with pytest.raises(BadInput, match="look at it again"):
            await desk.ledger.approve("approval1", wrong, Assurance.PASSKEY, "owner", desk.now)

    entry = await desk.ledger.by_approval("approval1")
    assert entry is not None
    assert entry.state is SendState.HELD


async def test_too_weak_an_approval_is_refused(desk: Desk) -> None:
    """Each hold names the least assurance that answers it."""
    held = await desk.held(draft(), Assurance.PERSON)

    with pytest.raises(BadInput, match="`person`"):
        await desk.approve(held, Assurance.CLIENT)

    assert (await desk.approve(held, Assurance.PERSON)).state is SendState.APPROVED


async def test_an_unknown_approval_is_not_found(desk: Desk) -> None:
    """No entry, no approval, no rejection."""
    with pytest.raises(NotFound):
        await desk.ledger.approve("nothing", "d", Assurance.PASSKEY, "owner", desk.now)
    with pytest.raises(NotFound):
        await desk.ledger.reject("nothing", "owner", desk.now)
    assert await desk.ledger.by_approval("nothing") is None


async def test_a_client_is_asked_about_a_send_once(desk: Desk) -> None:
    """Whoever comes first among all who would ask; the ledger remembers when, and it is audited."""
    entry = await desk.held(draft())
    said: list[bool] = []

    async def once() -> None:
        said.append(await desk.ledger.ask_once("approval1", desk.now))

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(once)
    assert sorted(said) == [False] * 7 + [True]
    asked = await desk.ledger.by_approval("approval1")
    assert asked is not None
    assert entry.hold is not None
    noted = replace(entry.hold, asked_at=desk.now)
    assert (asked.state, asked.hold) == (SendState.HELD, noted)
    records = await desk.ledger.audit()
    assert [record.event for record in records if record.event == "asked"] == ["asked"]
    assert (await desk.approve(asked)).hold == replace(
        noted, assurance=Assurance.PERSON, approved_by="owner", approved_at=desk.now
    )
    assert await desk.ledger.ask_once("approval1", desk.now) is False


async def test_nobody_is_asked_about_what_cannot_be_approved_any_more(desk: Desk) -> None:
    """An expired or rejected send needs no answer, and an unknown id is an error."""
    await desk.held(draft("One"))
    desk.later(minutes=15)
    assert await desk.ledger.ask_once("approval1", desk.now) is False
    await desk.held(draft("Two"))
    await desk.ledger.reject("approval2", "owner", desk.now)
    assert await desk.ledger.ask_once("approval2", desk.now) is False
    with pytest.raises(NotFound):
        await desk.ledger.ask_once("nothing", desk.now)


async def test_a_send_is_approved_once(desk: Desk) -> None:
    """A second approval finds nothing that waits for one."""
    held = await desk.held(draft())
    await desk.approve(held)

    with pytest.raises(BadInput, match="approved"):
        await desk.approve(held)


async def test_a_hold_ends_at_the_moment_it_expires(desk: Desk) -> None:
    """Up to its last instant it may be approved, from then on it may not."""
    first, second = await desk.held(draft("One")), await desk.held(draft("Two"))
    desk.later(minutes=15, milliseconds=-1)
    await desk.approve(first)
    desk.later(milliseconds=1)

    with pytest.raises(BadInput, match="expired"):
        await desk.approve(second)
    assert second.hold is not None
    with pytest.raises(BadInput, match="expired"):
        await desk.ledger.reject(second.hold.approval_id, "owner", desk.now)


@pytest.mark.parametrize("approved", [False, True])
async def test_a_rejection_ends_a_send_for_good(desk: Desk, approved: bool) -> None:
    """Held or already approved: a person's no is final, and the text is gone."""
    entry = await desk.held(draft())
    if approved:
        await desk.approve(entry)

    rejected = await desk.ledger.reject("approval1", "owner", desk.now)

    assert (rejected.state, rejected.text) == (SendState.REJECTED, None)
    assert rejected.settled_at == desk.now
    claim = await desk.claim(rejected)
    assert claim.repeat
    assert await desk.ledger.waiting() == ()


async def test_expired_holds_are_swept_with_their_text(desk: Desk) -> None:
    """Held or approved: after its time a send ends unsent, and nothing of its text is kept."""
    await desk.held(draft("One"))
    await desk.approved(draft("Two"))
    desk.later(minutes=15)

    assert await desk.ledger.due(desk.now) == ()

    ended = await desk.ledger.recent()
    assert [(e.state, e.text) for e in ended] == [(SendState.EXPIRED, None)] * 2


async def test_an_approved_send_is_due_until_it_is_claimed(desk: Desk) -> None:
    """What a person approved wants work, what still waits for one does not."""
    await desk.held(draft("One"))
    approved = await desk.approved(draft("Two"))

    assert await desk.ledger.due(desk.now) == (approved,)
    await desk.claim(approved)
    assert await desk.ledger.due(desk.now) == ()


async def test_a_claim_charges_and_reserves(desk: Desk) -> None:
    """A claimed send stands where an allowed one stands: charged, with a slot and a new fence."""
    approved = await desk.approved(draft())
    slot = desk.now + timedelta(seconds=4)

    claim = await desk.claim(approved, allow_at(slot))

    entry = claim.entry
    assert entry is not None
    assert (entry.state, entry.not_before) == (SendState.RESERVED, slot)
    assert entry.fence > approved.fence
    assert await desk.used(MESSAGES) == 1
    assert (await desk.ledger.spend(entry.account_id, desk.now)).today == PRICE


async def test_a_claimed_send_can_be_sent(desk: Desk) -> None:
    """From the claim on it goes the way of every send."""
    claim = await desk.claim(await desk.approved(draft()))
    assert claim.entry is not None

    assert await desk.ledger.dispatch(claim.entry, desk.now) is not None


async def test_a_second_claim_finds_the_first(desk: Desk) -> None:
    """Whoever comes later gets the entry as it stands, and nothing is charged again."""
    approved = await desk.approved(draft())
    first = await desk.claim(approved)

    second = await desk.claim(approved)

    assert second.repeat
    assert second.entry == first.entry
    assert await desk.used(MESSAGES) == 1


async def test_a_claim_of_nothing_is_not_found(desk: Desk) -> None:
    """There is no entry 99."""
    with pytest.raises(NotFound):
        await desk.ledger.claim(99, LIMITS, allow_at(desk.now), desk.now)


async def test_a_claim_that_time_forbids_waits_and_comes_back(desk: Desk) -> None:
    """It stays approved until `retry_at`, and is due then, not before."""
    approved = await desk.approved(draft())
    retry_at = desk.now + timedelta(minutes=5)

    claim = await desk.claim(approved, deny(retry_at))

    assert claim.entry is not None
    assert (claim.entry.state, claim.entry.retry_at) == (SendState.APPROVED, retry_at)
    desk.later(minutes=5, milliseconds=-1)
    assert await desk.ledger.due(desk.now) == ()
    desk.later(milliseconds=1)
    assert await desk.ledger.due(desk.now) == (claim.entry,)
    again = await desk.claim(claim.entry)
    assert again.entry is not None
    assert (again.entry.state, again.entry.retry_at) == (SendState.RESERVED, None)


async def test_a_claim_that_nothing_heals_ends_the_send(desk: Desk) -> None:
    """Denied without a time: failed, nothing charged, free for a new attempt."""
    claim = await desk.claim(await desk.approved(draft(key="k")), deny())

    entry = claim.entry
    assert entry is not None
    assert (entry.state, entry.code, entry.text) == (SendState.FAILED, "denied", None)
    assert entry.says == "It may not be said."
    assert await desk.used(MESSAGES) == 0
    assert not (await desk.reserve(draft(key="k"))).repeat


async def test_a_claim_that_needs_a_surer_approval_asks_again(desk: Desk) -> None:
    """Back to held, with the higher bar and without the old approval."""
    approved = await desk.approved(draft())

    claim = await desk.claim(approved, ask(Assurance.PASSKEY))

    entry = claim.entry
    assert entry is not None
    assert entry.state is SendState.HELD
    assert entry.hold is not None
    assert (entry.hold.least, entry.hold.assurance) == (Assurance.PASSKEY, None)
    with pytest.raises(BadInput, match="`passkey`"):
        await desk.approve(entry)


async def test_an_expired_approval_is_not_claimed(desk: Desk) -> None:
    """Too late is too late, also for what a person wanted."""
    approved = await desk.approved(draft())
    desk.later(minutes=15)

    claim = await desk.claim(approved)

    assert claim.repeat
    assert claim.entry is not None
    assert claim.entry.state is SendState.EXPIRED


async def test_the_waiting_are_listed_oldest_first_by_account(desk: Desk) -> None:
    """Held and approved ones of one account, or of all."""
    first = await desk.approved(draft("One"))
    second = await desk.held(draft("Two", BEN))
    third = await desk.held(draft("Three", ANNA, account="200"))

    assert await desk.ledger.waiting("100") == (first, second)
    assert await desk.ledger.waiting() == (first, second, third)
    assert await desk.ledger.recent(2) == (third, second)


async def test_the_guard_sees_a_waiting_send_as_nobodys_duplicate_of_itself(desk: Desk) -> None:
    """What is judged again at the claim is not its own duplicate."""
    approved = await desk.approved(draft())
    seen = []

    await desk.claim(approved, lambda facts, now: seen.append(facts) or deny()(facts, now))

    assert seen[0].duplicate is None
    assert seen[0].held == 1


async def test_the_decision_is_part_of_the_answer(desk: Desk) -> None:
    """A caller can tell why a send is held."""
    reservation = await desk.reserve(draft(), ask())

    assert reservation.decision is not None
    assert reservation.decision.verdict is Verdict.HOLD
    assert reservation.entry is not None
    assert reservation.entry.hold is not None
    assert reservation.entry.hold.reasons == (("confirmation", "A person decides."),)


async def test_an_approved_send_that_missed_its_turn_is_approved_again(
    desks: tuple[Desk, Desk],
) -> None:
    """Its owner vanished before a byte could leave: nothing is charged, nobody is asked again, and
    another process sends it."""
    one, two = desks
    held = await one.approved(draft())
    claimed = (await one.claim(held)).entry
    assert claimed is not None
    assert claimed.state is SendState.RESERVED

    two.later(seconds=61)
    [again] = await two.ledger.due(two.now)

    assert (again.id, again.state, again.hold) == (held.id, SendState.APPROVED, held.hold)
    assert await two.used(MESSAGES) == 0
    assert (await two.ledger.spend(ME, two.now)).total == 0
    assert await one.ledger.dispatch(claimed, two.now) is None
    assert (await two.claim(again)).entry is not None
    records = [record.event for record in await two.ledger.audit()]
    assert records[-3:] == ["claimed", "missed", "claimed"]


async def test_one_that_comes_late_to_its_turn_is_approved_again_too(desk: Desk) -> None:
    """The machine slept; the person's word still holds."""
    claimed = (await desk.claim(await desk.approved(draft()))).entry
    assert claimed is not None
    assert await desk.ledger.dispatch(claimed, desk.later(seconds=30)) is None
    missed = await desk.ledger.entry(claimed.id)
    assert missed is not None
    assert missed.state is SendState.APPROVED


async def test_a_word_that_expired_meanwhile_is_not_kept(desk: Desk) -> None:
    """Then it fails, with nothing left, and must be asked for anew."""
    claimed = (await desk.claim(await desk.approved(draft()))).entry
    assert claimed is not None
    desk.later(minutes=16)
    assert await desk.ledger.due(desk.now) == ()
    ended = await desk.ledger.entry(claimed.id)
    assert ended is not None
    assert (ended.state, ended.code) == (SendState.FAILED, "abandoned")


@pytest.mark.parametrize(
    ("assurance", "state"),
    [(Assurance.PERSON, SendState.APPROVED), (Assurance.CLIENT, SendState.FAILED)],
)
async def test_a_process_that_ends_in_order_gives_an_approved_send_back(
    desk: Desk, assurance: Assurance, state: SendState
) -> None:
    """But where the client approved and left, nothing goes out behind its back."""
    held = await desk.held(draft(), Assurance.CLIENT)
    claimed = (await desk.claim(await desk.approve(held, assurance))).entry
    assert claimed is not None
    left = Outcome(SendState.FAILED, "left", "The caller left.", not_sent=True)
    assert (await desk.settle(claimed, left)).state is state
