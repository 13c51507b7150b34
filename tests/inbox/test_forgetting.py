"""What the owner had forgotten is in no memory of any process, and guarding begins anew."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.inbox.test_search import work_until
from tests.rigs import IRIS, JUNE, Rig, rig
from xdm_mcp.models.messages import MessagePage, pair_id

SECRET = "The zephyrine ledger lies behind the third stone of the garden wall."


@asynccontextmanager
async def two(home: Path, keep: int | None) -> AsyncIterator[tuple[Rig, Rig]]:
    """Yield two processes of one account that both know what Iris said."""
    inbox = {} if keep is None else {"keep": keep}
    async with rig(home, inbox=inbox) as here, rig(home, here.clock, inbox=inbox) as other:
        await here.says(IRIS, SECRET)
        for each in (here, other):
            await each.app.inbox.page(with_user=IRIS)
        yield here, other


async def forget(here: Rig, *, everything: bool = False) -> None:
    """Have the conversation with Iris, or everything, forgotten as the command line does."""
    here.later(seconds=1)
    account = (await here.app.people.account()).id
    what = None if everything else pair_id(account, IRIS)
    await here.app.ledger.forget(account, what, "owner", here.clock.now())


def reasons(decided: Any) -> set[str]:
    """Return which rules held a send."""
    return {reason.rule for reason in decided.reasons}


async def excerpts(here: Rig) -> str:
    """Return what a person who decides is shown of what others said."""
    views = await here.app.desk.held()
    return " ".join(f"{view.last_messages} {view.carried}" for view in views)


@pytest.mark.parametrize("keep", [None, 30])
@pytest.mark.parametrize("everything", [False, True])
async def test_neither_the_leak_rule_nor_an_excerpt_tells_what_was_forgotten(
    tmp_path: Path, keep: int | None, *, everything: bool
) -> None:
    """In any process; what waited for the person who is forgotten has ended."""
    async with two(tmp_path, keep) as (here, other):
        assert {"leak", "taint"} <= reasons(await here.send(SECRET, to=JUNE))
        assert "zephyrine" in await excerpts(other)
        await forget(here, everything=everything)
        for each in (here, other):
            await each.app.background.let_go()
            assert "zephyrine" not in await excerpts(each)
            assert each.app.inbox.known_messages("") == []
            assert each.app.inbox.known_conversations("") == []
        again = await other.send(SECRET + " Really.", to=JUNE)
        assert not {"leak", "taint"} & reasons(again)


async def test_who_is_given_forgotten_words_again_is_guarded_again(tmp_path: Path) -> None:
    """X still shows them; that an agent has seen them before counts no longer."""
    async with two(tmp_path, None) as (here, other):
        await forget(here)
        for each in (here, other):
            await each.app.background.let_go()
        await other.app.inbox.page(with_user=IRIS)
        sent = await other.send("Good morning, here is something else.", to=JUNE)
        assert "taint" in reasons(sent)


async def thread(here: Rig) -> object:
    """Read the conversation with Iris as it is at X."""
    account = await here.app.people.account()
    return await here.app.feed.thread(pair_id(account.id, IRIS), 20, None)


WAYS: dict[str, Callable[[Rig], Awaitable[object]]] = {
    "news": lambda here: here.app.feed.look(),
    "an older page": lambda here: here.app.feed.reach_back(None),
    "a conversation": thread,
}


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_forgotten_while_it_is_read_is_not_kept_in_memory(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing breaks: the next page of the inbox is whole again."""
    async with rig(tmp_path, inbox={"first_page": 3, "max_pages": 2}) as here:
        await here.says(IRIS, SECRET)
        await here.app.feed.refresh_if_older(timedelta())
        for number in range(4):
            await here.says(IRIS, f"Message {number}")
        here.later(seconds=30)
        read, pages = here.app.backend.messages, 0

        async def interrupted(**asked: Any) -> MessagePage:
            nonlocal pages
            page, pages = await read(**asked), pages + 1
            if pages == 2 or way != "news":
                monkeypatch.setattr(here.app.backend, "messages", read)
                here.app.feed.forget()
            return page

        monkeypatch.setattr(here.app.backend, "messages", interrupted)
        await WAYS[way](here)
        if way == "a conversation":
            assert here.app.inbox.known_messages("") == []
        page = await here.app.inbox.page()
        assert page.conversations is not None
        assert page.conversations[0].last_text == "Message 3"


async def test_a_send_that_takes_long_does_not_keep_what_is_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does one that fails again and again: letting go does not wait for other work."""
    async with two(tmp_path, None) as (here, other):

        async def stuck() -> int:
            await anyio.sleep_forever()
            return 0

        monkeypatch.setattr(here.app.outbox, "work", stuck)
        await forget(other)

        async def gone() -> bool:
            return here.app.inbox.known_messages("") == []

        await work_until(here, gone)
