"""The reply-credit rule of X API v1.1, through the whole program: what counts, what does not, and
that a spent day does not hold back a free reply.

The vectors follow X's reference of `direct_messages/events/new` and a staff answer in X's forum: an
inbound message sets five replies and 24 hours for its sender; all other sends count.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import httpx2
import pytest

from xdm_mcp.app import App, open_app
from xdm_mcp.backends.registry import open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.sandbox import SANDBOX_KEYS
from xdm_mcp.sandbox.acts import add_person, inject
from xdm_mcp.sandbox.journal import Hold, MemoryJournal
from xdm_mcp.sandbox.serve import build_app
from xdm_mcp.sandbox.x_api_v1.limits import LIMITS

START = datetime(2026, 10, 14, 9, 30, tzinfo=UTC)
ANNA, BERT = "4000000001", "4000000002"

How = Literal["counted", "credit", "denied"]

QUIET = {
    "confirmation": {"mode": "never"},
    "first_contact": {"enabled": False},
    "pacing": {"enabled": False},
    "budget": {"enabled": False},
    "duplicates": {"enabled": False},
}
"""A policy in which nothing but the windows decides."""


@dataclass
class Day:
    """A program on x-api-v1 with two messages a day, and two people who answer nobody."""

    home: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    sent: int = 0

    def __post_init__(self) -> None:
        """Let the world begin."""
        self.journal = MemoryJournal(self.clock, story="empty")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[App]:
        """Open the program; a second time is a restart."""
        names = ("x_consumer_key", "x_consumer_secret", "x_token", "x_token_secret")
        chosen = load(
            home=self.home,
            env={},
            backend="x-api-v1",
            base_url="http://127.0.0.1",
            guard={**QUIET, "rate_windows": {"per_day": 2}},
            **dict(zip(names, SANDBOX_KEYS, strict=True)),
        )
        async with open_app(chosen, clock=self.clock) as app:
            transport = httpx2.ASGITransport(app=build_app(self.journal, self.clock))
            app.__dict__["backend"] = open_backend(chosen, self.clock, transport)
            yield app

    async def people(self) -> None:
        """Let the two exist."""

        def make(hold: Hold) -> None:
            for person_id, name in ((ANNA, "anna_sandbox"), (BERT, "bert_sandbox")):
                add_person(hold, name, name, person_id, open_inbox=True)

        await self.journal.act(make)

    def at(self, seconds: int) -> None:
        """Let it be that many seconds after the start."""
        self.clock.advance(START + timedelta(seconds=seconds) - self.clock.now())

    async def hears(self, app: App, who: str) -> None:
        """Let somebody write to us, and read it."""
        await self.writes(who)
        await app.feed.look()

    async def writes(self, who: str) -> None:
        """Let somebody write to us."""
        await self.journal.act(
            lambda hold: inject(hold, hold.world.people.by_id[who], "Hello.", None)
        )

    async def counted_by_x(self) -> int:
        """Return how many messages of the last day the pretend X counted."""
        limit = LIMITS["v1_send"][0]

        def count(hold: Hold) -> int:
            world = hold.world
            return world.attempts.window(world.owner_id, "v1_send", limit, hold.now).used

        return await self.journal.act(count)

    async def send(self, app: App, who: str) -> How:
        """Send to somebody and return how it counted."""
        before = await used(app)
        self.sent += 1
        result = await app.outbox.send(text=f"Message {self.sent}.", to=who)
        if result.status == "denied":
            assert [reason.rule for reason in result.reasons or []] == ["rate_windows"]
            return "denied"
        assert result.status == "sent", result
        counted = await used(app) - before
        assert counted in (0, 1)
        return "counted" if counted else "credit"


async def used(app: App) -> int:
    """Return how much of the day's messages is used."""
    quota = await app.standing.quota()
    (day,) = [window for window in quota.windows if window.name == "messages/24h"]
    return day.used


VECTORS: tuple[tuple[str, str, int, How | None], ...] = (
    ("send", ANNA, 0, "counted"),
    ("hear", ANNA, 100, None),
    ("send", ANNA, 100, "credit"),
    ("send", ANNA, 101, "credit"),
    ("send", ANNA, 102, "credit"),
    ("send", ANNA, 103, "credit"),
    ("send", ANNA, 104, "credit"),
    ("send", ANNA, 200, "counted"),
    ("send", ANNA, 201, "denied"),
    ("hear", ANNA, 300, None),
    ("send", ANNA, 301, "credit"),
    ("send", BERT, 302, "denied"),
    ("hear", ANNA, 400, None),
    ("send", ANNA, 86_759, "credit"),
    ("hear", ANNA, 500_000, None),
    ("send", ANNA, 586_400, "counted"),
)
"""What happens, with whom, how many seconds after the start, and how it counts. The hours are half
open: exactly 24 hours after the message nothing is free any more."""


@pytest.mark.parametrize("restarts", [False, True], ids=["one process", "a new process each time"])
async def test_the_vectors_of_the_rule_hold_from_end_to_end(
    tmp_path: Path, *, restarts: bool
) -> None:
    """In order, over one world and one ledger; a restart forgets none of it. In the last day X
    itself counted as many as we did."""
    day = Day(tmp_path)
    await day.people()
    counted = 0
    if restarts:
        for vector in VECTORS:
            async with day.opened() as app:
                counted += await step(day, app, *vector)
    else:
        async with day.opened() as app:
            for vector in VECTORS:
                counted += await step(day, app, *vector)
    assert counted == 3
    assert await day.counted_by_x() == 1


async def step(day: Day, app: App, what: str, who: str, seconds: int, expected: How | None) -> int:
    """Let one vector happen; return how many messages it counted."""
    day.at(seconds)
    if what == "hear":
        await day.hears(app, who)
        return 0
    assert await day.send(app, who) == expected, (what, who, seconds)
    return int(expected == "counted")


async def test_messages_do_not_add_up(tmp_path: Path) -> None:
    """Two in a row set five replies, not ten."""
    day = Day(tmp_path)
    await day.people()
    async with day.opened() as app:
        await day.writes(ANNA)
        await day.hears(app, ANNA)
        told = [await day.send(app, ANNA) for _ in range(6)]
    assert told == ["credit"] * 5 + ["counted"]


async def test_a_new_message_sets_five_again(tmp_path: Path) -> None:
    """After three replies there are five, not two; and somebody else's message frees none."""
    day = Day(tmp_path)
    await day.people()
    async with day.opened() as app:
        await day.hears(app, ANNA)
        await app.feed.look()
        assert [await day.send(app, ANNA) for _ in range(3)] == ["credit"] * 3
        day.at(60)
        await day.hears(app, ANNA)
        assert [await day.send(app, ANNA) for _ in range(6)] == ["credit"] * 5 + ["counted"]
        assert await day.send(app, BERT) == "counted"


async def test_a_message_read_again_changes_nothing(tmp_path: Path) -> None:
    """Neither does one that comes to be known late, older than what is known."""
    day = Day(tmp_path)
    await day.people()
    async with day.opened() as app:
        await day.hears(app, ANNA)
        assert [await day.send(app, ANNA) for _ in range(5)] == ["credit"] * 5
        await app.inbox.page(with_user=ANNA)
        await app.feed.look()
        assert await day.send(app, ANNA) == "counted"
    async with day.opened() as app:
        await app.feed.look()
        assert await day.send(app, ANNA) == "counted"


async def test_the_free_replies_are_told(tmp_path: Path) -> None:
    """`quota_status` names who is owed how many, and until when."""
    day = Day(tmp_path)
    await day.people()
    async with day.opened() as app:
        await day.hears(app, ANNA)
        await day.send(app, ANNA)
        (row,) = (await app.standing.quota()).reply_credits
    assert (row.user_id, row.left) == (ANNA, 4)
