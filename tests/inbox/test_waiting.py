"""An agent that waits is woken by what comes, whoever finds it, and costs nothing more."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

import anyio
import pytest

from tests.inbox.stepping import processes, together
from tests.inbox.test_cost import EVENT
from tests.rigs import IRIS, Rig
from xdm_mcp.models.results import InboxPage

POLL = 5
LATE = timedelta(seconds=POLL, milliseconds=250)
"""How late news may be."""


async def waiting(here: Rig, seconds: float = 50, **asked: object) -> tuple[InboxPage, timedelta]:
    """Wait for news; return the page and how long it took."""
    start = here.clock.now()
    page = await here.app.inbox.page(wait_seconds=seconds, **asked)  # type: ignore[arg-type]
    return page, here.clock.now() - start


async def later(here: Rig, seconds: float, text: str, who: str = IRIS) -> None:
    """Let somebody write after a while."""
    await here.clock.sleep(seconds)
    await here.says(who, text)


@pytest.mark.parametrize("number", [1, 2])
async def test_a_wait_ends_within_a_poll_of_what_comes(tmp_path: Path, number: int) -> None:
    """In the process that polls and in one that does not."""
    async with processes(tmp_path, number, poll_seconds=POLL) as rigs:
        answers = await together(
            *(partial(waiting, each) for each in rigs),
            partial(later, rigs[0], 12, "Is it here yet?"),
        )
        for page, took in answers[:number]:
            assert page.conversations is not None
            assert page.conversations[0].last_text == "Is it here yet?"
            assert timedelta(seconds=12) <= took <= timedelta(seconds=12) + LATE


async def test_a_wait_without_news_ends_in_time_and_tells_how_long_it_waited(
    tmp_path: Path,
) -> None:
    """Nobody writes: the answer comes when the time is over."""
    steps: list[float] = []

    async def progress(done: float, _of: float) -> None:
        steps.append(done)

    async with processes(tmp_path) as [here]:
        _, took = await waiting(here, 7, progress=progress)
    assert took.total_seconds() == pytest.approx(7, abs=1)
    assert steps == sorted(steps)
    assert (steps[0], steps[-1], len(steps)) == (0, 7, 8)


async def test_what_the_look_itself_finds_ends_the_wait(tmp_path: Path) -> None:
    """News that came between two calls is not waited past."""
    async with processes(tmp_path) as [here]:
        await here.app.inbox.page()
        await here.says(IRIS, "Are you there?")
        await here.clock.sleep(10)
        page, took = await waiting(here)
    assert page.conversations is not None
    assert page.conversations[0].last_text == "Are you there?"
    assert took < timedelta(seconds=1)


async def test_what_is_newer_than_since_ends_the_wait(tmp_path: Path) -> None:
    """An agent that names the time of its last page misses nothing that came meanwhile."""
    async with processes(tmp_path, poll_seconds=POLL) as [here]:
        seen = here.clock.now()
        with here.app.inbox.watch():
            await here.clock.sleep(1)
            await here.says(IRIS, "Are you there?")
            await here.clock.sleep(30)
        _, took = await waiting(here, since=seen)
    assert took < timedelta(seconds=1)


async def test_who_waits_for_one_person_is_not_woken_by_another(tmp_path: Path) -> None:
    """Their own word ends it."""
    async with processes(tmp_path, poll_seconds=POLL) as [here]:
        answers = await together(
            partial(waiting, here, with_user=IRIS),
            partial(later, here, 8, "Not for you.", "bram_sandbox"),
            partial(later, here, 20, "For you."),
        )
    page, took = answers[0]
    assert page.messages[0].text == "For you."
    assert took >= timedelta(seconds=20)


async def test_a_wait_that_is_cancelled_leaves_nothing_behind(tmp_path: Path) -> None:
    """Nobody watches any more, and the lease is free for others."""
    async with processes(tmp_path, poll_seconds=POLL) as [here]:
        with anyio.move_on_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(waiting, here)
                await here.clock.sleep(8)
                assert (await here.polling()).mine
                tasks.cancel_scope.cancel()
        await here.clock.sleep(1)
        assert (await here.polling()).until is None


async def bill(home: Path, agents: int, number: int) -> int:
    """Return what three messages cost while agents wait for each of them in that many processes."""
    async with processes(home, number, poll_seconds=15) as rigs:
        for each in rigs:
            await each.app.inbox.page()
        await rigs[0].clock.sleep(16 * 60)
        before = await rigs[0].bill()

        async def agent(here: Rig) -> None:
            for n in range(3):
                page, _ = await waiting(here)
                assert page.conversations is not None
                assert page.conversations[0].last_text == f"Message {n}."

        await together(
            *(partial(agent, rigs[n % number]) for n in range(agents)),
            *(partial(later, rigs[0], 5 + 40 * n, f"Message {n}.") for n in range(3)),
        )
        return await rigs[0].bill() - before


@pytest.mark.parametrize("number", [1, 2])
async def test_the_bill_for_news_is_the_same_for_any_number_of_waiting_agents(
    tmp_path: Path, number: int
) -> None:
    """Three messages cost what three messages cost, for 1, 10 and 100 agents."""
    bills = {agents: await bill(tmp_path / str(agents), agents, number) for agents in (1, 10, 100)}
    print(f"{number} processes: {bills}")  # noqa: T201 - the figure is what it is about
    assert set(bills.values()) == {3 * EVENT}
