"""Looks that nobody asked for leave a part of each limit to those who ask."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.inbox.stepping import Process, processes
from tests.rigs import IRIS, rig
from xdm_mcp.ledger import changes
from xdm_mcp.models.quota import ServerWindow

QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have processes look into the ledger every ten seconds, so that hours pass in no time."""
    monkeypatch.setattr(changes, "LOOK_EVERY", 10.0)


async def left(here: Process, name: str = "reads/dm_events/15m") -> int:
    """Return how many reads a window still has."""
    windows = (await here.app.standing.quota()).windows
    return next(window.remaining for window in windows if window.name == name)


async def test_a_watched_inbox_leaves_an_agent_a_third_of_the_reads(tmp_path: Path) -> None:
    """However often it is looked at; a page that is asked for is read though the background rests,
    and does not say that it could not be."""
    async with processes(tmp_path, poll_seconds=5) as [here]:
        await here.app.inbox.page()  # back to the first message, so that later ones read news only
        with here.app.inbox.watch():
            for _ in range(20):
                await here.clock.sleep(60)
                assert await left(here) >= 5
            assert (await here.polling()).trouble is not None
            before = await left(here)
            await here.says(IRIS, "Is it here yet?")
            page = await here.app.inbox.page()
        assert page.conversations is not None
        assert page.conversations[0].last_text == "Is it here yet?"
        assert await left(here) == before - 1
        assert not any("used up" in note for note in page.notes)


async def test_at_the_usual_pace_the_share_is_never_used_up(tmp_path: Path) -> None:
    """So nobody waits for a window to free a read."""
    async with processes(tmp_path) as [here]:
        with here.app.inbox.watch():
            for _ in range(60):
                await here.clock.sleep(60)
                assert (await here.polling()).trouble is None


async def test_the_background_rests_too_when_others_used_the_limit(tmp_path: Path) -> None:
    """X's own word counts: another program may read with the same login."""
    async with processes(tmp_path, poll_seconds=5) as [here]:
        account = await here.app.people.account()
        now = here.clock.now()
        scope = here.app.backend.capabilities.reads["dm_events"].of(account.id).scope
        said = ServerWindow(scope, 15, 5, now + timedelta(minutes=10))
        await here.app.ledger.observe([said], now)
        failed = await here.app.feed.look()
        assert failed is not None
        assert "2026-11-22T12:10:00Z" in str(failed)


async def test_the_owners_own_bound_is_shared_in_the_same_way_and_shown(tmp_path: Path) -> None:
    """`quota_status` lists it with the other windows."""
    async with processes(tmp_path, poll_seconds=600, reads_per_day=9) as [here]:
        await here.app.inbox.page()
        with here.app.inbox.watch():
            await here.clock.sleep(20 * 3600)
        assert await left(here, "inbox.reads_per_day/24h") == 3
        await here.app.inbox.page()
        assert await left(here, "inbox.reads_per_day/24h") == 2


async def test_without_a_bound_of_the_owner_no_window_of_it_is_shown(tmp_path: Path) -> None:
    """There is nothing to tell."""
    async with rig(tmp_path) as here:
        windows = (await here.app.standing.quota()).windows
        assert not any("reads_per_day" in window.name for window in windows)
