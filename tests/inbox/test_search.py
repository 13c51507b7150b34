"""Looking for words: in the owner's copy where there is one, else in what was read; what each
covers; and what becomes of it when the owner forgets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from tests.rigs import IRIS, Rig, rig
from xdm_mcp.errors import BadInput
from xdm_mcp.models.messages import pair_id

LENA = "2200000023"
"""Somebody else of the sandbox."""

KEEP = "[inbox]\nkeep = 30\n"


def keeping(home: Path, text: str = KEEP) -> Path:
    """Write the owner's choice into a home."""
    home.mkdir(exist_ok=True)
    (home / "policy.toml").write_text(text)
    return home


async def reads(here: Rig) -> str:
    """Return what was spent on reading so far."""
    return (await here.app.standing.quota()).money.today_usd


async def with_iris(here: Rig) -> str:
    """Return the conversation with Iris."""
    return pair_id((await here.app.people.account()).id, IRIS)


async def test_a_search_of_kept_messages_asks_nobody_and_says_what_it_covers(
    tmp_path: Path,
) -> None:
    """A process that has read nothing finds what another one kept, for nothing."""
    async with rig(keeping(tmp_path)) as here:
        await here.says(IRIS, "Is the Zéphyrine shade in stock?")
        await here.app.inbox.page()
    async with rig(tmp_path) as here:
        before = await reads(here)
        page = await here.app.inbox.page(query="zephyrine STOCK")

        assert [message.from_id for message in page.messages or []] == [IRIS]
        assert any("kept on this machine: messages from 20" in note for note in page.notes)
        assert await reads(here) == before


async def test_what_a_search_finds_when_its_marks_are_gone_goes_to_nobody_else_unasked(
    tmp_path: Path,
) -> None:
    """It was read from X long ago, and an agent reads it now."""
    told = "The spare key hangs behind the green door of 17 Rosenholt Street."
    free: dict[str, Any] = {"confirmation": {"mode": "never"}}
    async with rig(tmp_path, inbox={"keep": 365}, **free) as here:
        await here.says(IRIS, told)
        await here.app.inbox.page(with_user=IRIS)
        await here.send("Thank you.")
        here.later(days=60)
        clock = here.clock
    async with rig(tmp_path, clock, inbox={"keep": 365}, **free) as here:
        await here.says(LENA, "Where is the key?")
        await here.app.inbox.page(with_user=LENA)
        [found] = (await here.app.inbox.page(query="rosenholt")).messages or []
        assert found.text == told

        answer = await here.send(f"Listen: {told}", to=LENA)

        assert (answer.status, [reason.rule for reason in answer.reasons]) == ("held", ["leak"])


async def test_without_keeping_it_searches_what_was_read_and_says_so(tmp_path: Path) -> None:
    """And a new process has read nothing yet, so it reads."""
    async with rig(tmp_path) as here:
        await here.says(IRIS, "Is the Zéphyrine shade in stock?")
        await here.app.inbox.page()
        assert not await here.app.ledger.keeps_any()
    async with rig(tmp_path) as here:
        page = await here.app.inbox.page(query="zephyrine")

        assert [message.from_id for message in page.messages or []] == [IRIS]
        assert any("no message is kept on this machine" in note for note in page.notes)


async def test_a_search_before_anything_is_kept_never_says_nothing_was_written(
    tmp_path: Path,
) -> None:
    """It says that there is nothing to search yet."""
    async with rig(keeping(tmp_path)) as here:
        page = await here.app.inbox.page(query="zephyrine")

        assert page.messages == []
        assert any("list the inbox to begin" in note for note in page.notes)


@pytest.mark.parametrize("policy", [KEEP, ""])
async def test_a_search_is_walked_page_by_page_and_its_cursor_is_its_own(
    tmp_path: Path, policy: str
) -> None:
    """One hit a page brings every hit once; another search refuses the cursor."""
    async with rig(keeping(tmp_path, policy)) as here:
        for number in range(3):
            await here.says(IRIS, f"The zephyrine number {number}")
            here.later(seconds=5)
        await here.app.inbox.page()
        walked, cursor = [], None
        while True:
            page = await here.app.inbox.page(query="zephyrine", limit=1, cursor=cursor)
            walked += [message.text for message in page.messages or []]
            if page.next_cursor is None:
                break
            cursor = page.next_cursor

        assert walked == [f"The zephyrine number {number}" for number in (2, 1, 0)]
        with pytest.raises(BadInput):
            await here.app.inbox.page(query="number", cursor=cursor)
        with pytest.raises(BadInput):
            await here.app.inbox.page(query="zephyrine", with_user=IRIS, cursor=cursor)


@pytest.mark.parametrize("policy", [KEEP, ""])
async def test_hits_are_narrowed_by_person_and_date(tmp_path: Path, policy: str) -> None:
    """Only theirs, only since then."""
    async with rig(keeping(tmp_path, policy)) as here:
        await here.says(IRIS, "zephyrine one")
        here.later(hours=1)
        await here.says("bram_sandbox", "zephyrine two")
        await here.app.inbox.page()
        hers = await here.app.inbox.page(query="zephyrine", with_user="@iris_sandbox")
        late = await here.app.inbox.page(
            query="zephyrine", since=here.clock.now() - timedelta(minutes=5)
        )

        assert [m.text for m in hers.messages or []] == ["zephyrine one"]
        assert [m.text for m in late.messages or []] == ["zephyrine two"]


@pytest.mark.parametrize("policy", [KEEP, ""])
async def test_a_hit_in_a_long_text_is_shown_with_what_surrounds_it(
    tmp_path: Path, policy: str
) -> None:
    """A cleaned piece, marked as cut."""
    async with rig(keeping(tmp_path, policy)) as here:
        await here.says(IRIS, f"{'before ' * 90}zephy\u200brine\u202e {'after ' * 90}")
        await here.app.inbox.page()
        (row,) = (await here.app.inbox.page(query="zephyrine")).messages or []

        assert row.text is not None
        assert "zephyrine" in row.text
        assert (len(row.text) < 300, row.truncated, row.hidden_removed) == (True, True, 2)
        (whole,) = (await here.app.inbox.message(row.id)).messages or []
        assert whole.text is not None
        assert (len(whole.text) > 1_000, whole.truncated) == (True, False)


@pytest.mark.parametrize("policy", [KEEP, ""])
async def test_a_query_without_a_word_is_refused_in_one_sentence(
    tmp_path: Path, policy: str
) -> None:
    """It could only find nothing, and nothing would be a lie."""
    async with rig(keeping(tmp_path, policy)) as here:
        with pytest.raises(BadInput, match="name a word"):
            await here.app.inbox.page(query="?!*")


async def work_until(here: Rig, done: Callable[[], Awaitable[bool]]) -> None:
    """Let the background work until something is so."""
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(here.app.run)
            while not await done():
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()


async def test_turning_it_off_erases_at_the_next_start(tmp_path: Path) -> None:
    """And nothing more is kept."""
    async with rig(keeping(tmp_path)) as here:
        await here.app.inbox.page()
        assert await here.app.ledger.keeps_any()
    async with rig(keeping(tmp_path, '[inbox]\nkeep = "none"\n')) as here:

        async def gone() -> bool:
            return not await here.app.ledger.keeps_any()

        await work_until(here, gone)


async def test_a_running_server_erases_what_has_become_old(tmp_path: Path) -> None:
    """Within the day after its time."""
    async with rig(keeping(tmp_path)) as here:
        await here.app.inbox.page()
        account = (await here.app.people.account()).id
        assert await here.app.ledger.kept_count(account)
        here.later(days=31)

        async def gone() -> bool:
            return await here.app.ledger.kept_count(account) == 0

        await work_until(here, gone)


async def test_what_another_process_forgot_leaves_the_memory_of_this_one(tmp_path: Path) -> None:
    """Within a moment, and nothing was asked of anybody."""
    async with rig(keeping(tmp_path)) as here:
        await here.says(IRIS, "zephyrine")
        await here.app.inbox.page()
        conversation = await with_iris(here)
        assert conversation in here.app.inbox.known_conversations("")
        async with rig(tmp_path, here.clock) as other:
            account = (await other.app.people.account()).id
            here.later(seconds=1)
            await other.app.ledger.forget(account, conversation, "owner", here.clock.now())

        async def forgotten() -> bool:
            return not here.app.inbox.known_conversations("")

        await work_until(here, forgotten)
        assert (await here.app.inbox.page(query="zephyrine")).messages == []
