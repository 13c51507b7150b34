"""Reply credit: X's own rule for its older API, in the vectors that describe it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    ME,
    NOT_SENT,
    REFUSED,
    START,
    UNKNOWN,
    Desk,
    draft,
    message,
    own,
    sent,
    within_windows,
)
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Target

DAILY = Limit(f"{ME}/messages", 2, timedelta(hours=24), "messages", reply_exempt=True)


class Vectors:
    """Seconds since the start, as the vectors have them."""

    def __init__(self, desk: Desk) -> None:
        """Begin at zero."""
        self.desk = desk
        self.sends = 0

    async def inbound(self, at: float, sender: str = ANNA) -> None:
        """Somebody writes to us, and we read it at once."""
        self.desk.now = START + timedelta(seconds=at)
        await self.desk.record(message(self.desk.now, sender=sender, peer=sender))

    async def send(self, at: float, to: str = ANNA) -> str:
        """Send, and return whether it was paid by credit, counted, or denied."""
        self.desk.now = START + timedelta(seconds=at)
        self.sends += 1
        before = await self.desk.used(DAILY)
        wanted = draft(f"Text {self.sends}", to)
        entry = (await self.desk.reserve(wanted, within_windows, [DAILY])).entry
        if entry is None:
            return "denied"
        flying = await self.desk.ledger.dispatch(entry, self.desk.now)
        assert flying is not None
        await self.desk.settle(flying, sent(str(entry.id)))
        return "counted" if await self.desk.used(DAILY) > before else "credit"


async def test_the_documented_sequence_is_followed_to_the_second(desk: Desk) -> None:
    """Five replies for each message, for 24 hours, whatever the day's window says."""
    vectors = Vectors(desk)

    assert await vectors.send(0) == "counted"
    await vectors.inbound(100)
    assert [await vectors.send(at) for at in range(100, 105)] == ["credit"] * 5
    assert await vectors.send(200) == "counted"
    assert await vectors.send(201) == "denied"
    await vectors.inbound(300)
    assert await vectors.send(301) == "credit"
    assert await vectors.send(302, BEN) == "denied"
    await vectors.inbound(400)
    assert await vectors.send(86_759) == "credit"
    await vectors.inbound(500_000)
    assert await vectors.send(586_400) == "counted"


async def test_a_reply_that_x_may_take_after_the_credit_ended_counts(desk: Desk) -> None:
    """It has 40 seconds to leave and to arrive, and X goes by when it has it."""
    vectors = Vectors(desk)
    await vectors.inbound(0)

    assert await vectors.send(86_359) == "credit"
    assert await vectors.send(86_360) == "counted"


async def left(desk: Desk, who: str = ANNA) -> int:
    """Return how many replies are still paid for."""
    return (await desk.facts(draft("Probe", who))).peers[0].credits_left


async def test_credit_is_set_and_never_added(desk: Desk) -> None:
    """Two messages in a row grant five replies, not ten; after three a new one grants five."""
    vectors = Vectors(desk)
    await vectors.inbound(0)
    await vectors.inbound(1)
    assert await left(desk) == 5
    for at in (2, 3, 4):
        await vectors.send(at)
    assert await left(desk) == 2
    await vectors.inbound(5)
    assert await left(desk) == 5


async def test_credit_is_for_the_one_who_wrote(desk: Desk) -> None:
    """Anna's message pays for no message to Ben, and ours pay for nothing."""
    await Vectors(desk).inbound(0)
    await desk.record(own(desk.now, peer=BEN))

    assert (await left(desk), await left(desk, BEN)) == (5, 0)


async def test_replayed_and_older_messages_change_nothing(desk: Desk) -> None:
    """Only a newer message sets credit anew."""
    newest = message(START + timedelta(seconds=50))
    older = message(START + timedelta(seconds=10), serial=2)
    desk.later(seconds=60)
    await desk.record(newest)
    await Vectors(desk).send(61)

    await desk.record(newest, older)

    assert await left(desk) == 4
    peer = (await desk.facts(draft("Probe"))).peers[0]
    assert peer.last_inbound_at == START + timedelta(seconds=50)
    assert peer.credits_until == START + timedelta(seconds=50, hours=24)


@pytest.mark.parametrize(("outcome", "credits"), [(REFUSED, 5), (NOT_SENT, 5), (UNKNOWN, 4)])
async def test_a_send_that_is_none_gives_its_credit_back(
    desk: Desk, outcome: object, credits: int
) -> None:
    """Refused or never left: the credit is there again; unknown: it may be spent."""
    await Vectors(desk).inbound(0)
    await desk.send(draft(), outcome, [DAILY])  # type: ignore[arg-type]

    assert await left(desk) == credits


async def test_replies_made_before_the_message_was_read_have_used_its_credit(desk: Desk) -> None:
    """X counted them when they were made, also those that somebody typed in the app."""
    inbound, typed = message(START + timedelta(seconds=10)), own(START + timedelta(seconds=30))
    await Vectors(desk).send(20)
    desk.later(seconds=60)

    await desk.record(typed)
    await desk.record(inbound)

    assert await left(desk) == 3


async def test_a_group_has_no_credit(desk: Desk) -> None:
    """The rule speaks of one person; a message in a group pays for nothing."""
    group = Target(conversation_id="123456789012345678")
    await desk.record(message(desk.now, conversation="123456789012345678"))

    facts = await desk.facts(draft(target=group), [DAILY])

    assert facts.peers[0].credits_left == 0
    assert [window.limit for window in facts.windows] == [DAILY]


async def test_whoever_grants_credit_is_listed_newest_first(desk: Desk) -> None:
    """Those whose time is over or whose replies are used up are not."""
    vectors = Vectors(desk)
    await vectors.inbound(0, "6")
    await vectors.inbound(10, ANNA)
    await vectors.inbound(20, BEN)
    desk.now = START + timedelta(hours=24)

    listed = await desk.ledger.credits(ME, desk.now)

    assert [(peer.user_id, peer.credits_left) for peer in listed] == [(BEN, 5), (ANNA, 5)]
    assert listed[1].credits_until == START + timedelta(seconds=10, hours=24)
    assert await desk.ledger.credits("200", desk.now) == ()


async def test_a_message_from_the_future_grants_credit_from_now_only(desk: Desk) -> None:
    """X's clock may be ahead of ours; credit never lasts longer for that."""
    await desk.record(message(desk.now + timedelta(hours=2)))

    peer = (await desk.facts(draft())).peers[0]

    assert peer.credits_until == desk.now + timedelta(hours=24)


async def test_what_a_credit_paid_for_counts_where_no_credit_is_known(desk: Desk) -> None:
    """Two services of one account share its windows, and one of them grants no credit."""
    vectors, strict = Vectors(desk), replace(DAILY, limit=6, reply_exempt=False)
    await vectors.inbound(0)
    assert [await vectors.send(at) for at in range(1, 4)] == ["credit"] * 3

    assert await desk.used(DAILY) == 0
    assert await desk.used(strict) == 3
