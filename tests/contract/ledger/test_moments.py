"""Which moment counts for what: when it was asked for, its slot, its dispatch, or when X took it.

Every test here is a way in which two of them were mistaken for one another.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    ME,
    NOT_SENT,
    PRICE,
    START,
    UNKNOWN,
    Desk,
    allow_at,
    draft,
    message,
    own,
    sent,
    snowflake,
    within_windows,
)
from xdm_mcp.guard.policy import Policy
from xdm_mcp.models.quota import Limit, Spend
from xdm_mcp.models.sends import Assurance, Entry, Outcome, SendState
from xdm_mcp.models.standing_rules import Terms
from xdm_mcp.models.verdicts import Decision, Facts, Verdict

DAY = timedelta(hours=24)
WORDS = draft().text
ONE = Limit(f"{ME}/messages", 1, DAY, counts="messages")
EXEMPT = Limit(f"{ME}/messages", 1, DAY, counts="messages", reply_exempt=True)
TYPED_LATE = timedelta(seconds=100, milliseconds=1)
"""How long after an attempt the same words are somebody's own: X takes a request within its time
on the wire, give or take a clock."""


async def state(desk: Desk, entry: Entry) -> SendState:
    """Return how a send stands."""
    stands = await desk.ledger.entry(entry.id)
    assert stands is not None
    return stands.state


@pytest.mark.parametrize("after", [TYPED_LATE, timedelta(days=7)])
async def test_words_typed_after_an_attempt_do_not_prove_it(desk: Desk, after: timedelta) -> None:
    """They count by themselves, and nobody knows more of the attempt than before."""
    unknown = await desk.send(draft(), UNKNOWN, limits=[ONE])
    desk.now += after

    await desk.record(own(desk.now, WORDS))

    assert await state(desk, unknown) is SendState.UNKNOWN
    assert await desk.used(ONE) == (2 if after < DAY else 1)


async def test_a_message_that_x_took_within_its_time_proves_the_attempt(desk: Desk) -> None:
    """However late it is read."""
    unknown = await desk.send(draft(), UNKNOWN)
    taken = own(desk.now + TYPED_LATE - timedelta(milliseconds=1), WORDS)
    desk.later(days=2)

    await desk.record(taken)

    assert await state(desk, unknown) is SendState.SENT


@pytest.mark.parametrize("said", ["sent", "failed"])
async def test_what_a_person_settled_is_not_undone_by_words_typed_later(
    desk: Desk, said: str
) -> None:
    """Two days after the attempt the owner typed the same, and then settled it."""
    unknown = await desk.send(draft(), UNKNOWN)
    typed = own(desk.later(days=2), WORDS)
    desk.later(minutes=5)
    outcome = Outcome(SendState(said), "resolved", "A person looked.")
    settled = await desk.ledger.resolve(unknown.id, outcome, "owner", desk.now)

    await desk.record(typed)

    assert await desk.ledger.entry(unknown.id) == settled
    assert await desk.used(ONE) == 1


async def test_the_attempt_of_today_is_proven_and_not_one_of_last_week(desk: Desk) -> None:
    """A person called last week's sent, without its message; today's was never answered."""
    old = await desk.send(draft(), UNKNOWN)
    said = Outcome(SendState.SENT, "resolved", "A person looked.")
    await desk.ledger.resolve(old.id, said, "owner", desk.now)
    desk.later(days=7)
    today = await desk.send(draft(), UNKNOWN)

    await desk.record(own(desk.now, WORDS))

    assert await state(desk, today) is SendState.SENT


async def test_a_message_that_seemed_to_be_a_send_counts_once_its_receipt_comes(
    desk: Desk,
) -> None:
    """Typed by hand and sent from here in the same minute: two messages are out."""
    two = Limit(f"{ME}/messages", 2, DAY, counts="messages")
    flying = await desk.flying(draft(), limits=[two])
    desk.later(seconds=2)
    await desk.record(own(desk.now, WORDS))

    await desk.settle(flying, sent(snowflake(desk.now, serial=77)))

    assert await desk.used(two) == 2
    assert await desk.record(own(desk.now, WORDS)) == 0


@pytest.mark.parametrize("read_first", [True, False])
async def test_what_never_left_is_not_called_sent_in_whatever_order_it_is_learnt(
    desk: Desk, read_first: bool
) -> None:
    """The owner typed the same words in that very minute; ours could not even connect."""
    flying = await desk.flying(draft())
    typed = own(desk.later(seconds=2), WORDS)
    if read_first:
        await desk.record(typed)

    await desk.settle(flying, NOT_SENT)
    await desk.record(typed)

    stands = await desk.ledger.entry(flying.id)
    assert stands is not None
    assert (stands.state, stands.receipt) == (SendState.FAILED, None)
    assert (await desk.used(ONE), await desk.ledger.spend(ME, desk.now)) == (1, Spend(0, 0))


async def test_a_send_that_never_left_its_slot_keeps_the_words_that_were_found(desk: Desk) -> None:
    """The owner typed what a person had approved; then the caller left. They are there, and do not
    go out once more."""
    slot = desk.now + timedelta(seconds=30)
    claimed = (await desk.claim(await desk.approved(draft()), allow_at(slot))).entry
    assert claimed is not None
    await desk.record(own(desk.later(seconds=2), WORDS))

    left = Outcome(SendState.FAILED, "left", "The caller left.", not_sent=True)
    await desk.settle(claimed, left)

    assert await state(desk, claimed) is SendState.SENT
    assert (await desk.reserve(draft())).repeat


async def test_a_message_let_go_still_proves_the_twin_that_it_belongs_to(desk: Desk) -> None:
    """Two sends with the same words are open where the owner wants no look for repeats."""
    first = await desk.flying(draft(key="a"))
    second = await desk.send(draft(key="b"), UNKNOWN)
    message_of_second = own(desk.later(seconds=1), WORDS)
    await desk.record(message_of_second)
    assert await state(desk, first) is SendState.SENT
    await desk.settle(first, sent(snowflake(desk.now, serial=99)))

    await desk.record(message_of_second)

    assert await state(desk, second) is SendState.SENT


async def test_money_and_sends_that_asked_nobody_belong_to_the_day_on_which_they_leave(
    desk: Desk,
) -> None:
    """What waits past midnight is tomorrow's; today nothing may be promised twice either."""
    desk.now = datetime(2026, 11, 22, 23, 59, 50, tzinfo=UTC)
    midnight = datetime(2026, 11, 23, tzinfo=UTC)

    await desk.reserve(draft(), allow_at(midnight))

    before = await desk.ledger.facts(draft("Other"), (), desk.now)
    assert (before.spend, before.automatic_today) == (Spend(PRICE, PRICE), 1)
    after = await desk.ledger.facts(draft("Other"), (), midnight)
    assert (after.spend, after.automatic_today) == (Spend(PRICE, PRICE), 1)
    assert await desk.ledger.spend(ME, midnight + DAY) == Spend(0, PRICE)


async def test_a_reply_credit_that_ends_before_the_slot_pays_for_nothing(desk: Desk) -> None:
    """It is weighed without, and refused where the day has no room."""
    await desk.record(message(desk.now))
    desk.later(hours=24, seconds=-1)
    slot = desk.now + timedelta(seconds=1)

    def judge(facts: Facts, now: datetime) -> Decision:
        found = within_windows(facts, now)
        return found if found.verdict is Verdict.DENY else allow_at(slot)(facts, now)

    assert (await desk.reserve(draft("One"), judge, [EXEMPT])).entry is not None
    assert await desk.used(EXEMPT) == 1
    assert (await desk.reserve(draft("Two"), judge, [EXEMPT])).entry is None


@pytest.mark.parametrize("known", [True, False])
async def test_a_send_that_x_took_after_their_message_uses_its_credit(
    desk: Desk, known: bool
) -> None:
    """It left before, and the ids tell, or nobody knows yet."""
    flying = await desk.flying(draft())
    heard = message(desk.later(seconds=10))
    took = snowflake(desk.later(seconds=10), serial=5)
    await desk.settle(flying, sent(took) if known else UNKNOWN)

    await desk.record(heard)

    [peer] = await desk.ledger.credits(ME, desk.now)
    assert peer.credits_left == 4


async def test_a_claim_does_not_count_itself_among_the_replies(desk: Desk) -> None:
    """The fifth reply is as solicited when it goes out as when it was approved."""
    policy = Policy.load({"confirmation": {"least": "person", "least_for_replies": "client"}})
    await desk.record(message(desk.now))
    for number in range(4):
        desk.later(seconds=10)
        await desk.send(draft(f"Reply {number}"))
    fifth = draft("The fifth reply")
    held = (await desk.reserve(fifth, partial(policy.decide, fifth))).entry
    assert held is not None
    await desk.approve(held, Assurance.CLIENT)

    done = await desk.claim(
        held, lambda facts, now: policy.decide(fifth, facts, now, Assurance.CLIENT)
    )

    assert done.entry is not None
    assert done.entry.state is SendState.RESERVED


@pytest.mark.parametrize("past", [timedelta(), timedelta(hours=1)])
async def test_a_slot_after_the_end_of_its_approval_is_not_taken(
    desk: Desk, past: timedelta
) -> None:
    """Nothing is charged for it, a nearer slot is looked for within a minute, and it expires in the
    end."""
    approved = await desk.approved(draft())
    assert approved.hold is not None
    ends = approved.hold.expires_at

    waits = await desk.claim(approved, allow_at(ends + past))

    assert waits.entry is not None
    assert (waits.entry.state, waits.entry.fence) == (SendState.APPROVED, approved.fence)
    assert waits.entry.retry_at == desk.now + timedelta(minutes=1)
    assert (await desk.used(ONE), await desk.ledger.spend(ME, desk.now)) == (0, Spend(0, 0))
    assert [record.event for record in await desk.ledger.audit(-1)] == ["postponed"]
    assert await desk.ledger.due(desk.now) == ()
    desk.now = ends - timedelta(seconds=30)
    assert (await desk.claim(approved, allow_at(ends))).entry is not None
    assert [entry.retry_at for entry in await desk.ledger.waiting()] == [ends]
    desk.now = ends
    await desk.ledger.due(desk.now)
    assert await state(desk, approved) is SendState.EXPIRED


async def test_a_send_that_found_no_slot_in_time_takes_a_nearer_one_later(desk: Desk) -> None:
    """What stood before it gave its slot back, and the person's yes still holds."""
    approved = await desk.approved(draft())
    assert approved.hold is not None
    await desk.claim(approved, allow_at(approved.hold.expires_at))
    desk.later(minutes=1)

    assert [entry.id for entry in await desk.ledger.due(desk.now)] == [approved.id]
    last = approved.hold.expires_at - timedelta(milliseconds=1)
    claimed = (await desk.claim(approved, allow_at(last))).entry

    assert claimed is not None
    assert (claimed.state, claimed.retry_at) == (SendState.RESERVED, None)


async def test_an_approval_that_expired_before_it_could_leave_lets_nothing_leave(
    desk: Desk,
) -> None:
    """A person's yes holds until it expires, whoever is to blame for the wait."""
    slot = desk.now + timedelta(minutes=15, seconds=-2)
    claimed = (await desk.claim(await desk.approved(draft()), allow_at(slot))).entry
    assert claimed is not None
    desk.now = slot + timedelta(seconds=2)

    assert await desk.ledger.dispatch(claimed, desk.now) is None

    stands = await desk.ledger.entry(claimed.id)
    assert stands is not None
    assert (stands.state, stands.code) == (SendState.FAILED, "expired")
    assert await desk.ledger.spend(ME, desk.now) == Spend(0, 0)


async def test_a_standing_rule_counts_until_x_is_sure_to_count_no_more(desk: Desk) -> None:
    """X took the message half a minute after it left, so its 24 hours end so much later."""
    terms = Terms(user_id=ANNA, until=START + timedelta(days=7), per_day=1, solicited=False)
    rule = await desk.ledger.add_standing_rule(ME, terms, Assurance.PERSON, "owner", desk.now)
    by_rule = Decision(Verdict.ALLOW, (), standing_rule=rule.id)
    entry = (await desk.reserve(draft(), lambda facts, now: by_rule)).entry
    assert entry is not None
    flying = await desk.ledger.dispatch(entry, desk.now)
    assert flying is not None
    took = desk.later(seconds=30)
    await desk.settle(flying, sent(snowflake(took)))

    [use] = await desk.ledger.standing_rules(ME, took + DAY - timedelta(milliseconds=1))

    assert use.used == 1


async def test_an_unknown_twin_is_not_hidden_behind_one_that_time_healed(desk: Desk) -> None:
    """Of two texts that differ in their link one was sent hours ago; of the other nobody knows."""
    await desk.send(draft("See https://one.example", key="a"))
    desk.later(minutes=2)
    unknown = await desk.send(draft("See https://two.example", key="b"), UNKNOWN)

    facts = await desk.ledger.facts(draft("See https://one.example", key="c"), (), desk.now)

    assert facts.duplicate is not None
    assert (facts.duplicate.entry_id, facts.duplicate.state) == (unknown.id, SendState.UNKNOWN)


async def test_the_key_of_an_old_attempt_is_nobodys(desk: Desk) -> None:
    """Whatever a caller calls its own sends, no old row answers for it or stands in its way."""
    number = (await desk.send(draft("Before"))).id
    await desk.send(draft("One", key=f"order#{number + 2}"))
    second = await desk.send(draft("Two", key="order"), NOT_SENT)
    desk.later(seconds=10)

    again = await desk.reserve(draft("Two", key="order"))

    assert second.id == number + 2
    assert again.entry is not None
    assert not again.repeat
    assert not (await desk.reserve(draft("Three", key=f"order#{second.id}#"))).mismatch


async def test_two_machines_whose_clocks_differ_keep_a_window(desk: Desk) -> None:
    """One is two seconds behind, leaves late and is taken late; the other is two seconds ahead."""
    limit = Limit(f"{ME}/requests", 1, timedelta(minutes=15))
    true, off = START, timedelta(seconds=2)
    desk.now = true - off
    first = await desk.reserved(draft("One"), limits=[limit])
    true += timedelta(seconds=5)
    assert await desk.ledger.dispatch(first, true - off) is not None
    took = true + timedelta(seconds=30)

    desk.now = took + off
    free = (await desk.window(limit)).free_at

    assert free is not None
    assert free - off - took >= limit.per
