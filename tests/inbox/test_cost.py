"""What news costs: at most what is new and one small page, on the bill of the pretend X."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xdm_mcp.app import App, open_app
from xdm_mcp.backends.registry import open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.sandbox import SANDBOX_TOKEN
from xdm_mcp.sandbox.acts import inject
from xdm_mcp.sandbox.journal import Hold, MemoryJournal
from xdm_mcp.sandbox.serve import build_app

MORNING = datetime(2026, 11, 22, 0, 10, tzinfo=UTC)
EVENT = 10_000
"""What X bills for one message, in micro-dollars."""

SMALL = 20
"""The small page of the default settings."""


@dataclass
class Shop:
    """A program over an inbox of any size, and the bill that X writes meanwhile."""

    app: App
    journal: MemoryJournal
    clock: ManualClock

    async def receives(self, count: int) -> set[str]:
        """Let that many messages arrive from two people in turn; return their ids."""

        def write(hold: Hold) -> set[str]:
            people = hold.world.people
            senders = [people.with_handle(name) for name in ("ada_sandbox", "ben_sandbox")]
            made = set()
            for number in range(count):
                sender = senders[number % 2]
                assert sender is not None
                made.add(inject(hold, sender, f"Message {number}.", None).id)
            return made

        return await self.journal.act(write)

    async def billed(self) -> int:
        """Return what X has billed so far, in micro-dollars."""
        return await self.journal.act(lambda hold: hold.world.bill.total + _reads(hold))

    async def events_billed(self) -> int:
        """Return how many messages X has billed for."""

        def count(hold: Hold) -> int:
            line = hold.world.reads.bill.items.get("dm_event_read")
            return line.count if line else 0

        return await self.journal.act(count)

    async def look(self) -> int:
        """Look for news as a watched inbox does, when the last windows are over; return the cost
        of it."""
        self.clock.advance(timedelta(minutes=16))
        before = await self.billed()
        await self.app.feed.look()
        return await self.billed() - before

    def knows(self) -> set[str]:
        """Return the ids of all messages that the process has read."""
        return set(self.app.inbox.known_messages(""))


def _reads(hold: Hold) -> int:
    return hold.world.reads.bill.total


@asynccontextmanager
async def shop(size: int) -> AsyncIterator[Shop]:
    """Yield a program whose inbox holds that many messages and was looked at once."""
    clock = ManualClock(MORNING)
    journal = MemoryJournal(clock, story="empty")
    with TemporaryDirectory() as home:
        chosen = load(
            home=Path(home),
            env={},
            backend="x-api-v2",
            x_access_token=SANDBOX_TOKEN,
            base_url="http://127.0.0.1",
            guard={"budget": {"enabled": False}},
        )
        async with open_app(chosen, clock=clock) as app:
            transport = httpx2.ASGITransport(app=build_app(journal, clock))
            app.__dict__["backend"] = open_backend(chosen, clock, transport)
            here = Shop(app, journal, clock)
            await here.receives(size)
            await app.people.account()
            await here.look()
            yield here


@pytest.mark.parametrize("size", [0, 100, 10_000])
async def test_the_first_look_costs_one_small_page(size: int) -> None:
    """Whatever lies behind it."""
    async with shop(size) as here:
        assert len(here.knows()) == min(size, SMALL)
        assert await here.events_billed() == min(size, SMALL)


STEPS = st.lists(st.tuples(st.integers(0, 60), st.booleans()), min_size=1, max_size=4)
"""How many messages come before each look, and whether a night passes first."""


@pytest.mark.parametrize("size", [0, 100, 10_000])
@settings(max_examples=4, deadline=None)
@given(steps=STEPS)
async def test_news_costs_what_is_new_and_one_small_page_at_most(
    size: int, steps: list[tuple[int, bool]]
) -> None:
    """For any amounts of news, by day and after midnight, and all of it is read; a second look
    finds nothing and costs nothing."""
    async with shop(size) as here:
        for count, night in steps:
            here.clock.advance(timedelta(hours=24 if night else 0))
            made = await here.receives(count)
            assert await here.look() <= (count + SMALL) * EVENT
            assert made <= here.knows()
            assert await here.look() == 0


@settings(max_examples=4, deadline=None)
@given(count=st.integers(101, 400))
async def test_more_news_than_one_look_may_read_is_read_by_the_next_ones(count: int) -> None:
    """Nothing in between is lost, and all looks together cost no more than one would."""
    async with shop(1_000) as here:
        made = await here.receives(count)
        spent = 0
        for _ in range(count // SMALL + 2):
            spent += await here.look()
        assert made <= here.knows()
        assert spent <= (count + SMALL) * EVENT


async def test_a_second_page_of_conversations_costs_nothing() -> None:
    """What was read is served again, people's names included."""
    async with shop(100) as here:
        await here.app.inbox.page()
        before = await here.billed()
        here.clock.advance(timedelta(minutes=16))
        page = await here.app.inbox.page()
        assert await here.billed() == before
        assert len(page.conversations or []) == 2


async def test_our_own_books_say_what_x_bills() -> None:
    """The owner's budget is not worn down by what X gives for nothing."""
    async with shop(100) as here:
        spent = [(await here.app.standing.quota()).money.today_usd]
        for _ in range(3):
            await here.look()
            spent.append((await here.app.standing.quota()).money.today_usd)
        assert len(set(spent)) == 1
