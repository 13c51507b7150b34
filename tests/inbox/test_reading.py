"""What an agent reads of the inbox, and what it is told of what it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rigs import IRIS, rig
from xdm_mcp.errors import BadInput, NotFound


async def test_the_inbox_lists_conversations_newest_first_with_names(tmp_path: Path) -> None:
    """Each row names who is in it, who spoke last and whether it waits for us."""
    async with rig(tmp_path) as here:
        page = await here.app.inbox.page()

        rows = page.conversations or []
        assert len(rows) > 3
        assert [row.last_at for row in rows] == sorted((row.last_at for row in rows), reverse=True)
        assert {person.handle for person in page.people} >= {"iris_sandbox", "theo_sandbox"}
        assert next(row for row in rows if row.with_ids == [IRIS]).needs_reply
        assert page.untrusted is True


async def test_a_page_never_claims_to_be_everything(tmp_path: Path) -> None:
    """Encrypted threads exist in the sandbox; the answer says what it covers."""
    async with rig(tmp_path) as here:
        page = await here.app.inbox.page()

        assert page.coverage == "legacy_unencrypted_only"
        assert any("encrypted threads" in note for note in page.notes)


async def test_conversations_can_be_walked_page_by_page(tmp_path: Path) -> None:
    """Pages of two bring every conversation once, in the same order as one large page."""
    async with rig(tmp_path) as here:
        whole = [row.id for row in (await here.app.inbox.page(limit=100)).conversations or []]
        walked: list[str] = []
        cursor = None
        while True:
            page = await here.app.inbox.page(limit=2, cursor=cursor)
            walked += [row.id for row in page.conversations or []]
            cursor = page.next_cursor
            if cursor is None:
                break

        assert walked == whole


async def test_one_persons_messages_come_newest_first_by_handle_or_conversation(
    tmp_path: Path,
) -> None:
    """Both ways of asking give the same messages."""
    async with rig(tmp_path) as here:
        by_handle = await here.app.inbox.page(with_user="@iris_sandbox")
        by_id = await here.app.inbox.page(conversation_id=by_handle.conversation_id)

        assert by_handle.messages
        assert by_handle.messages == by_id.messages
        ids = [int(message.id) for message in by_handle.messages]
        assert ids == sorted(ids, reverse=True)


async def test_what_a_stranger_writes_is_cleaned_and_counted(tmp_path: Path) -> None:
    """Hidden characters are gone from the text and the page says how many."""
    async with rig(tmp_path) as here:
        await here.says(IRIS, "plain\u202eevil\u200b")
        page = await here.app.inbox.page(with_user=IRIS)

        assert page.messages is not None
        assert (page.messages[0].text, page.messages[0].hidden_removed) == ("plainevil", 2)


async def test_a_new_message_is_seen_by_the_next_look(tmp_path: Path) -> None:
    """The inbox is looked at again a moment later."""
    async with rig(tmp_path) as here:
        await here.app.inbox.page()
        await here.says("bram_sandbox", "The van is here.")
        here.later(seconds=3)
        rows = (await here.app.inbox.page()).conversations or []

        assert rows[0].last_text == "The van is here."


async def test_a_search_finds_words_in_any_case_and_says_what_it_covers(tmp_path: Path) -> None:
    """A word of one message finds it."""
    async with rig(tmp_path) as here:
        await here.says(IRIS, "Is the Zephyrine shade in stock?")
        page = await here.app.inbox.page(query="zephyrine")

        assert [message.from_id for message in page.messages or []] == [IRIS]
        assert any("Searched" in note for note in page.notes)


async def test_who_waits_for_a_reply_comes_oldest_first_without_those_who_said_stop(
    tmp_path: Path,
) -> None:
    """needs_reply is a work list."""
    async with rig(tmp_path) as here:
        page = await here.app.inbox.page(needs_reply=True)

        rows = page.conversations or []
        assert rows
        assert all(row.needs_reply for row in rows)
        waiting = [row.waits_since or "" for row in rows]
        assert "" not in waiting
        assert waiting == sorted(waiting)
        handles = {p.id: p.handle for p in page.people}
        assert "pavel_sandbox" not in {handles.get(row.with_ids[0]) for row in rows}


async def test_an_unknown_conversation_or_message_is_not_found(tmp_path: Path) -> None:
    """A foreign conversation looks like one that does not exist."""
    async with rig(tmp_path) as here:
        with pytest.raises(NotFound):
            await here.app.inbox.page(conversation_id="12-13")
        with pytest.raises(NotFound):
            await here.app.inbox.message("1")
        with pytest.raises(BadInput):
            await here.app.inbox.message("x")


async def test_a_burst_of_calls_costs_one_read(tmp_path: Path) -> None:
    """Ten looks within a moment are one request at X."""
    async with rig(tmp_path) as here:
        await here.app.inbox.page()
        before = (await here.app.standing.quota()).money.today_usd
        for _ in range(10):
            await here.app.inbox.page()

        assert (await here.app.standing.quota()).money.today_usd == before


async def test_when_reads_are_exhausted_the_page_says_so_and_still_answers(tmp_path: Path) -> None:
    """A known inbox is served from memory with a note, not an error."""
    async with rig(tmp_path, budget={"enabled": False}) as here:
        for _ in range(20):
            page = await here.app.inbox.page()
            here.later(seconds=3)

        assert page.conversations
        assert len(page.notes) > 1


async def test_when_the_budget_is_spent_reads_stop_before_they_cost(tmp_path: Path) -> None:
    """Nothing known and nothing left to spend: one sentence, no charge."""
    async with rig(tmp_path, budget={"per_day_usd": "0.05"}) as here:
        with pytest.raises(Exception, match="budget"):
            await here.app.inbox.page()
