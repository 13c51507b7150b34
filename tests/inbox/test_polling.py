"""One poller for all processes of an account: who looks, how often, and what becomes of trouble."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.inbox.stepping import Process, processes
from tests.rigs import IRIS
from xdm_mcp.bus import Changed
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.inbox.poller import LEASE
from xdm_mcp.ledger import changes
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.news import Polling

POLL = 60


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have processes look into the ledger every ten seconds, so that hours pass in no time."""
    monkeypatch.setattr(changes, "LOOK_EVERY", 10.0)


def hearing(here: Process) -> list[Changed]:
    """Return a list that fills with what the process is told."""
    heard: list[Changed] = []
    here.app.bus.subscribe(heard.append)
    return heard


async def until(here: Process, holds: Callable[[Polling], bool], seconds: float = 600) -> Polling:
    """Wait until the ledger shows that; return what it shows."""
    ends = here.clock.now() + timedelta(seconds=seconds)
    while True:
        seen = await here.polling()
        if holds(seen):
            return seen
        assert here.clock.now() < ends, seen
        await here.clock.sleep(0.5)


async def requests(here: Process) -> int:
    """Return how many pages of the inbox were read in the last day by all processes."""
    account = await here.app.people.account()
    limit = here.app.backend.capabilities.reads["dm_events"].of(account.id)
    [window] = await here.app.ledger.windows([limit], here.clock.now())
    return window.used


async def test_of_two_watching_processes_one_looks_and_both_are_told(tmp_path: Path) -> None:
    """The other learns within a fifth of a second, and reads nothing for that."""
    async with processes(tmp_path, 2, poll_seconds=POLL) as rigs:
        with ExitStack() as stack:
            for each in rigs:
                stack.enter_context(each.app.inbox.watch())
            await until(rigs[0], lambda p: p.looked_at is not None)
            heard = [hearing(each) for each in rigs]
            await rigs[0].says(IRIS, "Is it here yet?")
            before = await requests(rigs[0])
            await until(rigs[0], lambda p: p.arrivals == 1)
            await rigs[0].clock.sleep(0.2)
            assert await requests(rigs[0]) == before + 1
        thread = pair_id((await rigs[0].app.people.account()).id, IRIS)
        for told in heard:
            assert told == [Changed("inbox"), Changed("conversation", thread)]


async def test_where_only_one_process_watches_that_one_looks(tmp_path: Path) -> None:
    """Whoever is watched for becomes the poller."""
    async with processes(tmp_path, 2, poll_seconds=POLL) as [idle, watched]:
        with watched.app.inbox.watch():
            await until(watched, lambda p: p.mine)
            assert not (await idle.polling()).mine
        await until(watched, lambda p: p.until is None, 2)


async def test_when_nobody_watches_any_more_another_takes_over_by_the_same_plan(
    tmp_path: Path,
) -> None:
    """Nothing is read earlier because of it."""
    async with processes(tmp_path, 2, poll_seconds=POLL) as [first, second]:
        with second.app.inbox.watch():
            with first.app.inbox.watch():
                seen = await until(first, lambda p: p.looked_at is not None)
                holder, other = (first, second) if seen.mine else (second, first)
                if holder is second:
                    return  # it is the one that goes on in any case
                await first.clock.sleep(20)
            await until(second, lambda p: p.mine, 2)
            assert (await second.polling()).looked_at == seen.looked_at
            later = await until(second, lambda p: p.looked_at != seen.looked_at)
            assert later.looked_at is not None
            assert seen.looked_at is not None
            assert later.looked_at - seen.looked_at < timedelta(seconds=POLL + 1)
            assert other is second


@pytest.mark.usefixtures("seldom")
async def test_when_the_poller_dies_another_takes_over_after_its_lease(tmp_path: Path) -> None:
    """A lease that nobody renews runs out."""
    async with processes(tmp_path, 1, poll_seconds=POLL) as [here]:
        account = await here.app.people.account()
        here.app.ledger._owner = "the dead one"  # type: ignore[attr-defined]
        now = here.clock.now()
        assert await here.app.ledger.take_polling(account.id, now + LEASE, now)
        here.app.ledger._owner = "the living one"  # type: ignore[attr-defined]
        with here.app.inbox.watch():
            await until(here, lambda p: p.mine)
        assert LEASE <= here.clock.now() - now < LEASE + timedelta(seconds=11)


@pytest.mark.usefixtures("seldom")
async def test_a_lease_is_renewed_while_the_pause_is_longer(tmp_path: Path) -> None:
    """Nobody else can take it between two looks."""
    async with processes(tmp_path, 2, poll_seconds=600) as [here, other]:
        account = await here.app.people.account()
        with here.app.inbox.watch():
            await until(here, lambda p: p.mine)
            for _ in range(30):
                await here.clock.sleep(10)
                now = here.clock.now()
                assert not await other.app.ledger.take_polling(account.id, now + LEASE, now)


@pytest.mark.usefixtures("seldom")
async def test_a_quiet_inbox_is_looked_at_more_seldom_until_an_agent_waits(
    tmp_path: Path,
) -> None:
    """In any process: the wish for news reaches the poller through the ledger."""
    async with processes(tmp_path, 2, poll_seconds=POLL) as [poller, other]:
        with poller.app.inbox.watch():
            await until(poller, lambda p: p.mine)
            await poller.clock.sleep(3 * 3600)
            seen = await until(poller, lambda p: p.trouble is None)
            assert seen.looked_at is not None
            assert seen.next_look_at is not None
            assert seen.next_look_at - seen.looked_at == timedelta(seconds=5 * POLL)
            start = poller.clock.now()
            await other.says(IRIS, "Is it here yet?")
            await other.clock.sleep(2.5)  # else the look that begins the wait would find it
            await other.app.inbox.page(wait_seconds=50)
            assert poller.clock.now() - start < timedelta(seconds=POLL + 15)


@pytest.mark.usefixtures("seldom")
async def test_a_limit_is_waited_for_and_told(tmp_path: Path) -> None:
    """No look before the moment that the limit names; a look that succeeds ends the trouble."""
    async with processes(tmp_path, 1, poll_seconds=10) as [here]:
        with here.app.inbox.watch():
            seen = await until(here, lambda p: p.trouble is not None)
            assert "in the background is used up for now" in (seen.trouble or "")
            used = await requests(here)
            assert seen.next_look_at is not None
            assert seen.next_look_at - here.clock.now() > timedelta(minutes=10)
            await here.clock.sleep(600)
            assert await requests(here) <= used
            await until(here, lambda p: p.trouble is None, 1_000)


def _failed_again(known: datetime | None, seen: Polling) -> bool:
    return seen.trouble is not None and seen.next_look_at != known


@pytest.mark.usefixtures("seldom")
async def test_a_service_that_fails_is_asked_ever_more_seldom(tmp_path: Path) -> None:
    """The pauses double, and it says why."""
    async with processes(tmp_path, 1, poll_seconds=10) as [here]:
        await here.app.inbox.page()
        fault = {"kind": "status", "path": "/2/dm_.*", "status": 502, "times": 1_000}
        await here.control("POST", "faults", fault)
        pauses = []
        with here.app.inbox.watch():
            for _ in range(3):
                known = (await here.polling()).next_look_at
                seen = await until(here, partial(_failed_again, known))
                assert seen.next_look_at is not None
                pauses.append((seen.next_look_at - here.clock.now()).total_seconds())
    for pause, least in zip(pauses, (20, 40, 80), strict=True):
        assert least * 0.95 <= pause <= least * 1.2


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.usefixtures("seldom")
async def test_what_another_process_read_is_taken_from_the_kept_messages(
    tmp_path: Path, *, kept: bool
) -> None:
    """Without them one page is read anew, with them none."""
    async with processes(tmp_path, 2, poll_seconds=POLL) as [poller, other]:

        async def store(ids: object) -> list[Message]:
            assert isinstance(ids, (set, frozenset))
            return [m for m in poller.app.feed.messages() if m.id in ids]

        other.app.feed._kept = store if kept else None
        await other.app.inbox.page()
        with poller.app.inbox.watch():
            await until(poller, lambda p: p.mine)
            await poller.clock.sleep(16 * 60)
            await poller.says(IRIS, "Is it here yet?")
            await until(poller, lambda p: p.arrivals == 1)
            before = await requests(poller)
            page = await other.app.inbox.page()
            assert page.conversations is not None
            assert page.conversations[0].last_text == "Is it here yet?"
            assert await requests(poller) - before == (0 if kept else 1)


@pytest.mark.usefixtures("seldom")
async def test_a_look_of_another_process_is_as_good_as_ones_own(tmp_path: Path) -> None:
    """Where it found nothing, nothing is read again."""
    async with processes(tmp_path, 2, poll_seconds=POLL) as [poller, other]:
        await other.app.inbox.page()
        with poller.app.inbox.watch():
            await until(poller, lambda p: p.mine)
            await poller.clock.sleep(10 * 60)
            old = (await poller.polling()).looked_at
            seen = await until(poller, lambda p: p.looked_at != old)
            before = await requests(poller)
            page = await other.app.inbox.page()
        assert await requests(poller) == before
        assert seen.looked_at is not None
        assert page.as_of.startswith(f"{seen.looked_at:%Y-%m-%dT%H:%M:%S}")


async def test_a_process_that_starts_tells_what_came_since_the_last_look(tmp_path: Path) -> None:
    """News is what no process has told, across restarts."""
    async with processes(tmp_path, 1) as [here]:
        await here.app.inbox.page()
        world = here.world
    async with processes(tmp_path, 1) as [here]:
        here.take(world)
        heard = hearing(here)
        await here.says(IRIS, "Is it here yet?")
        await here.app.inbox.page()
        assert [change.what for change in heard] == ["inbox", "conversation"]
        await here.clock.sleep(10)
        await here.app.inbox.page()
        assert len(heard) == 2


async def test_what_keeps_the_poller_of_another_process_is_a_note_here(tmp_path: Path) -> None:
    """Whoever waited in vain learns why nothing could come."""
    async with processes(tmp_path, 2) as [poller, other]:
        await other.app.inbox.page()
        account, now = await poller.app.people.account(), poller.clock.now()
        await poller.app.ledger.take_polling(account.id, now + LEASE, now)
        await poller.app.ledger.plan_look(account.id, now + LEASE, now + LEASE, "X is busy.")
        page = await other.app.inbox.page(wait_seconds=5)
        assert "X is busy." in page.notes


async def test_a_ledger_that_cannot_be_read_for_a_while_is_listened_to_again_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after a whole pause between looks, and not without a pause."""
    async with processes(tmp_path, 2, poll_seconds=600) as [poller, other]:
        with poller.app.inbox.watch(), other.app.inbox.watch():
            await until(poller, lambda p: p.looked_at is not None)
            holder, deaf = (poller, other) if (await poller.polling()).mine else (other, poller)
            account, tries = await deaf.app.people.account(), 0

            async def busy(_: str) -> Polling:
                nonlocal tries
                tries += 1
                raise LedgerUnavailable("The ledger is busy.")

            heard = hearing(deaf)
            monkeypatch.setattr(deaf.app.ledger, "polling", busy)
            await holder.app.ledger.want_news(account.id, holder.clock.now())
            await holder.clock.sleep(30)
            assert 2 <= tries <= 8
            await holder.says(IRIS, "Is it here yet?")
            await holder.app.feed.look()
            assert Changed("inbox") not in heard
            monkeypatch.undo()
            await holder.clock.sleep(6)
            assert heard.count(Changed("inbox")) == 1
