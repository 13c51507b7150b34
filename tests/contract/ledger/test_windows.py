"""Rolling windows: exact to the millisecond, longer by the margin, lowered by what headers say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    LIMITS,
    MARGIN,
    ME,
    MESSAGES,
    NOT_SENT,
    REFUSED,
    REQUESTS,
    Desk,
    allow_at,
    draft,
    message,
    sent,
    within_windows,
)
from xdm_mcp.models.quota import Limit, ServerWindow, Window
from xdm_mcp.models.sends import Outcome, SendState, Target
from xdm_mcp.models.verdicts import Verdict

THREE = Limit(f"{ME}/messages", 3, timedelta(minutes=10), counts="messages")
ATTEMPTS = Limit(f"{ME}/messages", 3, timedelta(minutes=10))
LENGTH = timedelta(minutes=10) + MARGIN
FIRST_CONTACTS = Limit(f"{ME}/first_contacts", 5, timedelta(hours=24), first_contacts_only=True)


async def fill(desk: Desk, count: int) -> None:
    """Send `count` messages, a minute from each other, the clock left at the last."""
    for number in range(count):
        desk.later(minutes=1 if number else 0)
        await desk.send(draft(f"Text {number}"), limits=[THREE])


async def test_an_untouched_window_is_empty(desk: Desk) -> None:
    """Nothing used, everything left, nothing to wait for."""
    assert await desk.window(THREE) == Window(THREE, 0, 3, None, None)


async def test_a_window_frees_when_its_oldest_charge_leaves_it(desk: Desk) -> None:
    """Full until the first of three is older than length and margin, to the millisecond."""
    start = desk.now
    await fill(desk, 3)
    full = await desk.window(THREE)

    assert (full.used, full.remaining, full.free_at) == (3, 0, start + LENGTH)
    assert full.resets_at == desk.now + LENGTH
    desk.now = start + LENGTH - timedelta(milliseconds=1)
    assert (await desk.window(THREE)).remaining == 0
    desk.later(milliseconds=1)
    window = await desk.window(THREE)
    assert (window.used, window.remaining, window.free_at) == (2, 1, None)


async def test_the_guard_is_told_of_every_window_the_send_would_charge(desk: Desk) -> None:
    """Both windows of one scope are judged from the same charges."""
    short = Limit(f"{ME}/messages", 2, timedelta(minutes=1), counts="messages")
    await fill(desk, 3)

    windows = (await desk.facts(draft(), [THREE, short])).windows

    assert [(w.limit, w.used, w.remaining) for w in windows] == [(THREE, 3, 0), (short, 2, 0)]


async def test_a_full_window_refuses_until_the_moment_it_named(desk: Desk) -> None:
    """`retry_at` is neither too early nor too late."""
    await fill(desk, 3)

    refused = await desk.reserve(draft(), within_windows, [THREE])

    assert refused.decision is not None
    assert refused.decision.retry_at is not None
    desk.now = refused.decision.retry_at - timedelta(milliseconds=1)
    assert (await desk.reserve(draft(), within_windows, [THREE])).entry is None
    desk.later(milliseconds=1)
    assert (await desk.reserve(draft(), within_windows, [THREE])).entry is not None


async def test_a_released_charge_makes_room_at_once(desk: Desk) -> None:
    """What X refused is no message; what was an attempt stays one."""
    await fill(desk, 2)
    await desk.send(draft("Refused"), REFUSED, [THREE])

    assert (await desk.window(THREE)).remaining == 1
    assert (await desk.window(ATTEMPTS)).remaining == 0


async def test_the_named_moment_is_exact_after_releases(desk: Desk) -> None:
    """Released charges between those that count make `free_at` neither early nor late."""
    start = desk.now
    for number, outcome in enumerate([None, REFUSED, NOT_SENT, REFUSED, None, NOT_SENT, None]):
        await desk.send(draft(f"Text {number}"), outcome, [THREE])
        desk.later(seconds=10)
    two = Limit(THREE.scope, 2, THREE.per, counts="messages")

    assert (await desk.window(THREE)).free_at == start + LENGTH
    assert (await desk.window(two)).free_at == start + timedelta(seconds=40) + LENGTH


async def test_a_slot_in_the_future_counts_from_its_own_time(desk: Desk) -> None:
    """A send that waits for its turn leaves the window as late as if it were made then."""
    slot = desk.now + timedelta(seconds=30)
    await desk.reserve(draft(), allow_at(slot), [THREE])

    window = await desk.window(THREE)

    assert (window.used, window.resets_at) == (1, slot + LENGTH)


async def test_a_clock_that_steps_back_freezes_windows(desk: Desk) -> None:
    """An hour back, nothing that was charged is forgotten, and stamps never fall."""
    first = desk.now
    await fill(desk, 2)
    last = desk.now
    desk.later(hours=-1)
    await desk.send(draft("Back in time"), limits=[THREE])

    window = await desk.window(THREE)

    assert (window.used, window.remaining) == (3, 0)
    assert (window.free_at, window.resets_at) == (first + LENGTH, last + LENGTH)


async def test_limits_of_other_scopes_do_not_touch_each_other(desk: Desk) -> None:
    """Another account and another counter have windows of their own."""
    await fill(desk, 3)
    other = Limit(f"{BEN}/messages", 3, THREE.per)

    assert [(await desk.window(limit)).used for limit in (other, REQUESTS)] == [0, 0]


async def test_one_app_counts_for_all_its_accounts(desk: Desk) -> None:
    """A scope that two accounts name is one window."""
    app = Limit("app1/messages", 3, timedelta(hours=24), counts="messages")
    await desk.send(draft(), limits=[app])
    await desk.send(draft(account="200"), limits=[app])

    assert await desk.used(app) == 2


async def test_a_limit_of_nothing_never_has_room(desk: Desk) -> None:
    """Zero is full for ever, and says so by naming no time."""
    none = Limit(THREE.scope, 0, THREE.per)
    await fill(desk, 1)
    window = await desk.window(none)

    assert (window.used, window.remaining, window.free_at) == (1, 0, None)


async def test_headers_lower_what_remains_until_their_reset(desk: Desk) -> None:
    """X's own count wins where it is the smaller, and is forgotten when its interval ends."""
    reset = desk.now + timedelta(minutes=4)
    await desk.ledger.observe([ServerWindow(THREE.scope, 15, 1, reset)], desk.now)

    window = await desk.window(THREE)
    assert (window.remaining, window.used, window.source) == (1, 2, "server")
    assert window.resets_at == reset
    desk.now = reset
    assert await desk.window(THREE) == Window(THREE, 0, 3, None, None)


async def test_headers_never_raise_what_remains(desk: Desk) -> None:
    """What X would still allow does not loosen the owner's limit."""
    await fill(desk, 2)
    before = await desk.window(THREE)

    reset = desk.now + timedelta(hours=1)
    await desk.ledger.observe([ServerWindow(THREE.scope, 200, 150, reset)], desk.now)

    assert await desk.window(THREE) == before


async def test_sends_after_an_observation_are_taken_from_it(desk: Desk) -> None:
    """What X had left is spent by what we charge since, refused attempts included."""
    reset = desk.now + timedelta(minutes=4)
    await desk.ledger.observe([ServerWindow(THREE.scope, 15, 2, reset)], desk.now)
    await desk.send(draft("One"), REFUSED, [THREE])
    await desk.send(draft("Two"), NOT_SENT, [THREE])
    assert (await desk.window(THREE)).remaining == 1
    await desk.send(draft("Three"), limits=[THREE])

    window = await desk.window(THREE)

    assert (window.remaining, window.free_at, window.source) == (0, reset, "server")


async def test_an_answers_own_headers_count_its_own_request(desk: Desk) -> None:
    """What the answer to a send says already includes that send, but not others still open."""
    reset = desk.now + timedelta(minutes=10)
    flying = await desk.flying(draft("One"), [THREE])
    accepted = sent("555")
    said = Outcome(
        SendState.SENT,
        "sent",
        "Accepted.",
        receipt=accepted.receipt,
        windows=(ServerWindow("{account}/messages", 15, 2, reset),),
    )

    await desk.settle(flying, said)
    assert (await desk.window(THREE)).remaining == 2
    other, third = await desk.flying(draft("Two"), [THREE]), await desk.flying(draft("3"), [THREE])
    await desk.settle(third, NOT_SENT)
    await desk.settle(other, sent("556"))
    assert (await desk.window(THREE)).remaining == 1


async def test_an_answer_does_not_count_requests_that_were_open_with_it(desk: Desk) -> None:
    """Two requests in the air, one answer: the other may still take one of what it says is left."""
    reset = desk.now + timedelta(minutes=10)
    await desk.flying(draft("One"), [THREE])
    flying = await desk.flying(draft("Two"), [THREE])
    windows = (ServerWindow(THREE.scope, 15, 1, reset),)

    await desk.settle(flying, Outcome(SendState.UNKNOWN, "5xx", "X failed.", windows=windows))

    assert (await desk.window(THREE)).remaining == 0


async def test_a_later_answer_replaces_an_earlier_one_and_never_the_reverse(desk: Desk) -> None:
    """A new interval starts afresh, an old answer that arrives late is worth nothing."""
    first, second = (desk.now + timedelta(minutes=m) for m in (5, 20))
    await desk.ledger.observe([ServerWindow(THREE.scope, 15, 0, first)], desk.now)
    await desk.ledger.observe([ServerWindow(THREE.scope, 15, 2, first)], desk.now)
    assert (await desk.window(THREE)).remaining == 0
    await desk.ledger.observe([ServerWindow(THREE.scope, 15, 2, second)], desk.now)
    assert (await desk.window(THREE)).remaining == 2
    await desk.ledger.observe([ServerWindow(THREE.scope, 15, 0, first)], desk.now)
    assert (await desk.window(THREE)).remaining == 2


async def test_of_two_server_windows_the_stricter_holds(desk: Desk) -> None:
    """X counts quarter hours and days side by side."""
    soon, late = desk.now + timedelta(minutes=5), desk.now + timedelta(hours=5)
    said = [ServerWindow(THREE.scope, 15, 2, soon), ServerWindow(THREE.scope, 1440, 0, late)]
    await desk.ledger.observe(said, desk.now)

    window = await desk.window(THREE)

    assert (window.remaining, window.free_at) == (0, late)


async def test_an_exempt_window_is_neither_judged_nor_charged_by_a_credited_reply(
    desk: Desk,
) -> None:
    """A reply that X grants for free passes a full exempt window, and charges the others."""
    exempt = Limit(f"{ME}/messages", 1, timedelta(hours=24), "messages", reply_exempt=True)
    await desk.send(draft("To a stranger", BEN), limits=[exempt, REQUESTS])
    await desk.record(message(desk.now))

    reply = await desk.reserve(draft(), within_windows, [exempt, REQUESTS])
    other = await desk.reserve(draft("Again", BEN), within_windows, [exempt, REQUESTS])

    assert reply.entry is not None
    assert other.decision is not None
    assert other.decision.verdict is Verdict.DENY
    assert (await desk.used(exempt), await desk.used(REQUESTS)) == (1, 2)


async def test_a_stricter_limit_of_the_same_scope_counts_credited_replies(desk: Desk) -> None:
    """The owner's own bound on messages knows no free replies, though X's does."""
    exempt = Limit(f"{ME}/messages", 500, timedelta(hours=24), "messages", reply_exempt=True)
    await desk.record(message(desk.now))

    await desk.send(draft(), limits=[exempt, THREE])

    assert (await desk.used(exempt), await desk.used(THREE)) == (0, 1)


@pytest.mark.parametrize("count", [1, 2])
async def test_reads_of_windows_change_nothing(desk: Desk, count: int) -> None:
    """Looking is free, and facts are what reserve would see."""
    await fill(desk, count)
    facts = await desk.facts(draft(), [THREE])

    assert await desk.facts(draft(), [THREE]) == facts
    assert facts.windows == await desk.ledger.windows([THREE], desk.now)


async def test_a_new_group_is_a_first_contact_whoever_is_in_it(desk: Desk) -> None:
    """Both wrote to us, each alone; nobody asked for a group."""
    await desk.record(message(desk.now), message(desk.now, sender=BEN, peer=BEN, serial=2))

    await desk.send(draft(target=Target((ANNA, BEN))), limits=[FIRST_CONTACTS])

    assert await desk.used(FIRST_CONTACTS) == 1


@pytest.mark.parametrize("refused", [False, True])
async def test_a_group_charges_a_first_contact_for_each_stranger(desk: Desk, refused: bool) -> None:
    """Anna wrote to us, the others did not. What X refuses gives none back: the attempt counts."""
    await desk.record(message(desk.now))
    strangers = Target((ANNA, BEN, "10"))

    entry = await desk.send(
        draft(target=strangers), REFUSED if refused else None, limits=[FIRST_CONTACTS]
    )
    await desk.send(draft("Alone.", to="11"), limits=[FIRST_CONTACTS])

    assert await desk.used(FIRST_CONTACTS) == 3
    assert entry.state is (SendState.FAILED if refused else SendState.SENT)


async def test_what_never_left_gives_back_all_its_first_contacts(desk: Desk) -> None:
    """No stranger was written to."""
    await desk.send(draft(target=Target((ANNA, BEN))), NOT_SENT, limits=[FIRST_CONTACTS])

    assert await desk.used(FIRST_CONTACTS) == 0


async def test_first_contacts_are_charged_only_by_first_contacts(desk: Desk) -> None:
    """A send to somebody who wrote to us charges every other window but this one."""
    limits = (*LIMITS, FIRST_CONTACTS)
    await desk.send(draft(), limits=limits)
    await desk.record(message(desk.now, sender=BEN, peer=BEN))
    await desk.send(draft("Other", BEN), limits=limits)

    assert await desk.used(FIRST_CONTACTS) == 1
    assert await desk.used(MESSAGES) == 2
    assert [w.limit for w in (await desk.facts(draft("3", ANNA), limits)).windows] == list(limits)
    assert FIRST_CONTACTS not in [
        w.limit for w in (await desk.facts(draft("3", BEN), limits)).windows
    ]
