"""Backends that cannot read everything: what can be read is, the rest is refused by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx2
import pytest

from tests.contract.backends.arena import ASHA, BRAM, CREDENTIALS, IRIS, ME
from tests.inbox.test_cost import MORNING
from xdm_mcp.app import App, open_app
from xdm_mcp.backends.registry import open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import Settings
from xdm_mcp.errors import Unsupported
from xdm_mcp.models.messages import pair_id
from xdm_mcp.sandbox.journal import Hold, MemoryJournal
from xdm_mcp.sandbox.serve import build_app


@asynccontextmanager
async def program(name: str, home: Path) -> AsyncIterator[tuple[App, MemoryJournal]]:
    """Yield a program on a backend of that name over the default story."""
    clock = ManualClock(MORNING)
    journal = MemoryJournal(clock)
    chosen = Settings(home=home, backend=name, **CREDENTIALS[name])
    async with open_app(chosen, clock=clock) as app:
        transport = httpx2.ASGITransport(app=build_app(journal, clock))
        app.__dict__["backend"] = open_backend(chosen, clock, transport)
        yield app, journal


def group_of(hold: Hold) -> str:
    """Return the id of the group of the default story."""
    messages = hold.world.threads.messages.values()
    return next(message.conversation_id for message in messages if message.sender_id == BRAM)


async def test_without_an_inbox_a_person_can_still_be_read(tmp_path: Path) -> None:
    """By handle or by the conversation with them, and searched."""
    async with program("twitterapi-io", tmp_path) as (app, _):
        by_handle = await app.inbox.page(with_user="@iris_sandbox")
        assert by_handle.messages
        by_id = await app.inbox.page(conversation_id=pair_id(ME, IRIS))
        assert [m.id for m in by_id.messages or []] == [m.id for m in by_handle.messages]
        word = next(m.text for m in by_handle.messages if m.text).split()[0]
        found = await app.inbox.page(with_user="@iris_sandbox", query=word)
        assert found.messages


async def test_without_an_inbox_the_inbox_is_refused_by_name(tmp_path: Path) -> None:
    """With what to do instead; the background looks at nothing."""
    async with program("twitterapi-io", tmp_path) as (app, _):
        with anyio.fail_after(5):
            await app.background.poll()
        for asked in ({}, {"needs_reply": True}, {"query": "lamp"}):
            with pytest.raises(Unsupported, match=r"twitterapi-io .* with_user"):
                await app.inbox.page(**asked)
        with pytest.raises(Unsupported, match=r"twitterapi-io .* wait_seconds"):
            await app.inbox.page(with_user=IRIS, wait_seconds=5)


async def test_a_message_that_cannot_be_asked_for_is_refused_by_name(tmp_path: Path) -> None:
    """Unless it was read before: then it is known."""
    async with program("getxapi", tmp_path) as (app, _):
        with pytest.raises(Unsupported, match=r"getxapi .* list_dms"):
            await app.inbox.message("7")
        page = await app.inbox.page(with_user=IRIS)
        assert page.messages
        known = await app.inbox.message(page.messages[0].id)
        assert [m.text for m in known.messages or []] == [page.messages[0].text]


async def test_a_group_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    """And the list of conversations says that there are none in it."""
    async with program("x-api-v1", tmp_path) as (app, journal):
        group = await journal.act(group_of)
        with pytest.raises(Unsupported, match=r"x-api-v1 .* with_user"):
            await app.inbox.page(conversation_id=group)
        page = await app.inbox.page(limit=100)
        assert any("x-api-v1 shows no groups" in note for note in page.notes)
        assert [ASHA] in [row.with_ids for row in page.conversations or []]


@pytest.mark.parametrize("name", ["getxapi", "twitterapi-io", "x-api-v1"])
async def test_what_cannot_be_sent_is_refused_by_name_before_any_cost(
    name: str, tmp_path: Path
) -> None:
    """Groups, and pictures where there are none."""
    async with program(name, tmp_path) as (app, journal):
        group = await journal.act(group_of)
        before = (await app.standing.quota()).money.today_usd
        with pytest.raises(Unsupported, match=name):
            await app.outbox.send(text="Hello.", conversation_id=group)
        with pytest.raises(Unsupported, match=name):
            await app.outbox.send(text="Hello.", new_group=[ASHA, IRIS])
        if not app.backend.capabilities.attachments:
            with pytest.raises(Unsupported, match=name):
                await app.outbox.send(text="Hello.", to=IRIS, attachment="lamp.png")
        assert (await app.standing.quota()).money.today_usd == before
