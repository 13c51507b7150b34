"""What every engine keeps of how an inbox is looked at: one poller, and each arrival told once."""

from __future__ import annotations

from datetime import timedelta

import anyio

from tests.contract.ledger.desk import ANNA, ME, START, Desk
from xdm_mcp.clock import ManualClock, SystemClock
from xdm_mcp.ledger.polling import KEPT
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.news import Arrival, Polling

Desks = tuple[Desk, Desk]

THREAD = pair_id(ME, ANNA)


def message(number: int, sender: str = ANNA) -> Message:
    """Return a message of Anna's conversation with the id `number`."""
    return Message(str(number), THREAD, sender, START, "hello")


async def test_of_two_processes_one_polls(desks: Desks) -> None:
    """The lease is taken by one, renewed by it alone, and shown to both."""
    one, two = (desk.ledger for desk in desks)
    until = START + timedelta(seconds=10)

    assert await one.polling(ME) == Polling()
    assert await one.take_polling(ME, until, START) is True
    assert await two.take_polling(ME, until, START) is False
    assert await one.take_polling(ME, until + timedelta(seconds=5), START) is True

    assert (await one.polling(ME)).mine is True
    seen = await two.polling(ME)
    assert (seen.mine, seen.until) == (False, until + timedelta(seconds=5))


async def test_a_lease_that_ran_out_goes_to_the_next_who_asks(desks: Desks) -> None:
    """The one that lost it plans nothing more and cannot give away what is another's."""
    one, two = (desk.ledger for desk in desks)
    until = START + timedelta(seconds=10)
    await one.take_polling(ME, until, START)

    assert await two.take_polling(ME, until + timedelta(minutes=1), until) is True
    assert await one.plan_look(ME, until, until, "no") is False
    await one.leave_polling(ME)

    assert (await two.polling(ME)).mine is True
    assert (await two.polling(ME)).trouble is None


async def test_a_lease_that_is_given_back_is_free_at_once(desks: Desks) -> None:
    """A clean stop lets another go on without waiting, by the same plan."""
    one, two = (desk.ledger for desk in desks)
    await one.take_polling(ME, START + timedelta(hours=1), START)
    due = START + timedelta(seconds=60)
    assert await one.plan_look(ME, due, due, "X is busy.") is True

    await one.leave_polling(ME)

    assert (await two.polling(ME)).until is None
    assert await two.take_polling(ME, START + timedelta(hours=1), START) is True
    seen = await two.polling(ME)
    assert (seen.next_look_at, seen.trouble) == (due, "X is busy.")


async def test_each_account_has_a_poller_of_its_own(desks: Desks) -> None:
    """A lease is about one account."""
    one, two = (desk.ledger for desk in desks)
    assert await one.take_polling(ME, START + timedelta(hours=1), START) is True
    assert await two.take_polling("200", START + timedelta(hours=1), START) is True


async def test_of_many_that_ask_at_once_one_gets_the_lease(desks: Desks) -> None:
    """Compare and swap: the others are told no."""
    got: list[bool] = []

    async def ask(desk: Desk) -> None:
        got.append(await desk.ledger.take_polling(ME, START + timedelta(hours=1), START))

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            for desk in desks:
                tasks.start_soon(ask, desk)

    assert sorted(got) == [False] * 5 + [True] * 5  # whoever has it may ask again


async def test_nothing_of_the_very_first_look_is_news(desk: Desk) -> None:
    """What was there before anybody looked is not an arrival."""
    seen = await desk.ledger.looked(ME, [message(20), message(10)], desk.now)

    assert (seen.arrivals, seen.newest_id, seen.looked_at) == (0, "20", START)
    assert seen.news_at is None
    assert await desk.ledger.arrivals(ME, 0) == ()


async def test_an_arrival_is_told_once_whoever_finds_it(desks: Desks) -> None:
    """A second process that reads the same message learns its number instead of giving one."""
    one, two = (desk.ledger for desk in desks)
    await one.looked(ME, [message(10)], START)
    await one.looked(ME, [message(11), message(12, ME)], START)

    seen = await two.looked(ME, [message(13), message(12, ME), message(11), message(10)], START)

    assert (seen.arrivals, seen.newest_id, seen.news_at) == (3, "13", START)
    told = await one.arrivals(ME, 1)
    assert told == (Arrival(2, "12", THREAD, False), Arrival(3, "13", THREAD, True))


async def test_a_message_that_shows_late_is_an_arrival_all_the_same(desk: Desk) -> None:
    """An id between two known ones may appear after them."""
    await desk.ledger.looked(ME, [message(10)], desk.now)
    await desk.ledger.looked(ME, [message(12)], desk.now)

    seen = await desk.ledger.looked(ME, [message(11)], desk.now)

    assert (seen.arrivals, seen.newest_id) == (2, "12")


async def test_only_the_newest_arrivals_are_kept_and_older_ones_are_never_news_again(
    desk: Desk,
) -> None:
    """The table does not grow, and what fell out of it is not told a second time."""
    await desk.ledger.looked(ME, [message(1)], desk.now)
    everything = [message(number) for number in range(2, KEPT + 12)]
    await desk.ledger.looked(ME, everything, desk.now)

    seen = await desk.ledger.looked(ME, everything, desk.now)

    kept = await desk.ledger.arrivals(ME, 0)
    assert (seen.arrivals, len(kept), kept[0].number) == (KEPT + 10, KEPT, 11)


async def test_a_look_that_succeeds_ends_the_trouble(desk: Desk) -> None:
    """What went wrong is shown until a look goes well."""
    await desk.ledger.take_polling(ME, desk.now + timedelta(minutes=1), desk.now)
    await desk.ledger.plan_look(ME, desk.now, desk.now + timedelta(minutes=1), "X is busy.")

    assert (await desk.ledger.polling(ME)).trouble == "X is busy."
    assert (await desk.ledger.looked(ME, [], desk.now)).trouble is None


async def test_a_wish_for_news_is_never_shortened(desks: Desks) -> None:
    """Whoever polls sees how long the most patient agent of any process waits."""
    one, two = (desk.ledger for desk in desks)
    await two.want_news(ME, START + timedelta(seconds=50))
    await two.want_news(ME, START + timedelta(seconds=10))

    assert (await one.polling(ME)).wanted_until == START + timedelta(seconds=50)


async def test_what_another_process_writes_is_noticed(desks: Desks) -> None:
    """A watch returns for each write of the other process, and at last for patience."""
    one, two = (desk.ledger for desk in desks)
    clock = ManualClock(START)
    async with one.changes() as changes:
        assert await changes.wait(0.3, clock) is False
        await two.looked(ME, [message(10)], START)
        assert await changes.wait(5, clock) is True
        await changes.wait(0, clock)  # one without a cause is allowed
        assert await changes.wait(0.1, clock) is False
    assert clock.now() - START < timedelta(seconds=2)


async def test_a_watch_sees_a_write_that_comes_while_it_waits(desks: Desks) -> None:
    """It returns about a tenth of a second later, long before its patience ends."""
    one, two = (desk.ledger for desk in desks)
    with anyio.fail_after(20):
        async with one.changes() as changes, anyio.create_task_group() as tasks:
            tasks.start_soon(two.looked, ME, [message(10)], START)
            assert await changes.wait(60, SystemClock()) is True
