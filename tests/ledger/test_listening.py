"""Hearing of what others write: at once, through whatever breaks, and without leaving anything."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from statistics import median
from time import perf_counter

import anyio
import pytest

from tests.conftest import Tell
from tests.contract.ledger.desk import Desk, draft
from tests.ledger.test_postgres import ask, end_sessions
from tests.postgres import fresh_url
from xdm_mcp.clock import SystemClock
from xdm_mcp.ledger import listening
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.postgres import PostgresDatabase

CLOCK = SystemClock()


@pytest.fixture
def url() -> str:
    """The address of a ledger of its own."""
    return fresh_url()


@pytest.fixture
async def database(url: str) -> AsyncIterator[PostgresDatabase]:
    """An engine there, of the process that waits."""
    database = PostgresDatabase(url)
    yield database
    await database.close()


@pytest.fixture
async def other(url: str) -> AsyncIterator[Desk]:
    """A desk there, of another process."""
    engine = PostgresDatabase(url)
    yield Desk(SqlLedger(engine))
    await engine.close()


async def quiet(changes: listening.Hearing) -> None:
    """Wait until nothing is left to hear of."""
    while await changes.wait(0.05, CLOCK):
        pass


async def watching(database: PostgresDatabase) -> listening.Hearing:
    """Return a watch that hears, with nothing left to hear of."""
    changes = await database.changes()
    assert isinstance(changes, listening.Hearing)
    with anyio.fail_after(5):
        await quiet(changes)
    return changes


async def test_a_write_is_heard_of_at_once(
    database: PostgresDatabase, other: Desk, tell: Tell
) -> None:
    """Far within 100 ms of the commit, whoever wrote."""
    changes = await watching(database)
    took = []
    for number in range(20):
        written = 0.0

        async def write(number: int = number) -> None:
            nonlocal written
            await other.reserve(draft(f"Number {number}"))
            written = perf_counter()

        with anyio.fail_after(5):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(write)
                assert await changes.wait(5, CLOCK)
                heard = perf_counter()
        took.append(max(heard - written, 0.0) * 1000)
        await quiet(changes)
    tell(f"push: a write is heard of {median(took):.1f} ms after it returned, {max(took):.1f} most")
    assert median(took) < 100


async def test_what_changes_nothing_is_told_to_nobody(
    database: PostgresDatabase, other: Desk
) -> None:
    """A look, a refusal and a sweep of nothing wake no process."""
    await other.reserved(draft())
    changes = await watching(database)
    await other.ledger.recent()
    await other.ledger.due(other.now)
    await other.ledger.facts(draft("Another"), (), other.now)
    assert not await changes.wait(0.1, CLOCK)


async def test_another_schema_is_not_heard(database: PostgresDatabase) -> None:
    """Each ledger of a database has a channel of its own."""
    changes = await watching(database)
    elsewhere = PostgresDatabase(fresh_url())
    await Desk(SqlLedger(elsewhere)).reserved(draft())
    await elsewhere.close()
    assert not await changes.wait(0.1, CLOCK)


async def test_a_write_between_two_waits_is_not_missed(
    database: PostgresDatabase, other: Desk
) -> None:
    """Nor is it by a watch whose process heard of it through another watch."""
    first, second = await watching(database), await watching(database)
    await quiet(first)
    await other.reserved(draft())
    assert await first.wait(5, CLOCK)
    assert await second.wait(5, CLOCK)


async def test_all_who_wait_hear_even_when_the_one_who_reads_leaves(
    database: PostgresDatabase, other: Desk
) -> None:
    """Any of them takes over."""
    watches = [await watching(database) for _ in range(5)]
    for each in watches:
        await quiet(each)
    heard = []

    async def wait(number: int, patience: float) -> None:
        heard.append((number, await watches[number].wait(patience, CLOCK)))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for number in range(5):
                tasks.start_soon(wait, number, 0.05 if number == 0 else 9)
            while (0, False) not in heard:  # noqa: ASYNC110 - a list tells nobody
                await anyio.sleep(0.01)
            await other.reserved(draft())
    assert sorted(heard) == [(0, False), *((number, True) for number in range(1, 5))]


async def test_a_session_that_the_server_ended_is_replaced(
    database: PostgresDatabase, other: Desk, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written meanwhile counts as heard, and what comes later is heard again."""
    monkeypatch.setattr(listening, "FIRST_PAUSE", 0.05)
    changes = await watching(database)
    end_sessions(url)
    with anyio.fail_after(10):
        assert await changes.wait(5, CLOCK)
        await quiet(changes)
        await other.reserved(draft())
        assert await changes.wait(5, CLOCK)


async def test_where_nothing_can_be_heard_one_looks_once_a_second(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a pooler that passes no notifications on a wait ends as if something had come."""
    monkeypatch.setattr(listening, "CHANNEL", "'elsewhere'")
    monkeypatch.setattr(listening, "PROVES_WITHIN", 0.05)
    monkeypatch.setattr(listening, "LOOK_EVERY", 0.05)
    changes = await database.changes()
    with anyio.fail_after(5):
        for _ in range(5):
            assert await changes.wait(5, CLOCK)
        assert await changes.wait(0.01, CLOCK)


async def test_a_server_that_is_gone_does_not_end_a_wait(
    database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait goes on by the clock; whoever looks then learns that the ledger is away."""
    monkeypatch.setattr(listening, "LOOK_EVERY", 0.05)
    gone = PostgresDatabase("postgresql:///xdm?host=/nowhere")
    changes = await gone.changes()
    with anyio.fail_after(5):
        for _ in range(4):
            assert await changes.wait(0.2, CLOCK)
    await gone.close()


async def test_nothing_is_left_behind(url: str) -> None:
    """Neither a session nor a thread; and nobody listens before somebody waits."""
    before = sessions(url)
    engine = PostgresDatabase(url)
    await engine.read(lambda sql: sql.one("SELECT 1"))
    assert sessions(url) == before + 1
    changes = await watching(engine)
    threads = threading.active_count()
    assert sessions(url) == before + 2
    with anyio.move_on_after(0.05):
        await changes.wait(5, CLOCK)
    await engine.close()
    with anyio.fail_after(5):
        while sessions(url) != before:  # noqa: ASYNC110 - a server tells nobody
            await anyio.sleep(0.01)
    assert threading.active_count() <= threads


def sessions(url: str) -> int:
    """Return how many others are connected to the server."""
    [[count]] = ask(
        url,
        "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        " AND backend_type = 'client backend'",
    )
    assert isinstance(count, int)
    return count
