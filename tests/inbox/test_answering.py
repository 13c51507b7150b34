"""Which conversations need an answer, since when, and how long a reply is solicited."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.rigs import IRIS, START, rig
from xdm_mcp.guard.optout import opted_out
from xdm_mcp.inbox.answering import unanswered
from xdm_mcp.models.messages import Message

US, THEM = "1", "2"


def talk(*said: tuple[str, str | None]) -> list[Message]:
    """Return a conversation, newest first, of who said what in the order given."""
    made = [
        Message(str(n), "1-2", sender, START + timedelta(minutes=n), text)
        for n, (sender, text) in enumerate(said, start=1)
    ]
    return made[::-1]


@pytest.mark.parametrize(
    ("said", "first"),
    [
        ([(THEM, "Where is it?")], "1"),
        ([(THEM, "Where is it?"), (US, "On its way.")], None),
        ([(US, "It left."), (THEM, "Thanks!")], None),
        ([(THEM, "Where is it?"), (THEM, "thanks")], "1"),
        ([(US, "It left."), (THEM, "Great"), (THEM, "Which carrier?"), (THEM, "Hello?")], "3"),
        ([(THEM, "Where is it?"), (THEM, "STOP")], None),
        ([(THEM, None)], "1"),
        ([(US, "Hello.")], None),
        ([], None),
    ],
)
def test_the_first_message_that_nobody_answered_counts(
    said: list[tuple[str, str | None]], first: str | None
) -> None:
    """Whatever we wrote answers what came before; thanks take no question back."""
    found = unanswered(talk(*said), US, opted_out)
    assert (found.id if found else None) == first


async def test_a_row_says_since_when_they_wait_and_how_long_a_reply_is_solicited(
    tmp_path: Path,
) -> None:
    """From the first unanswered message on, and 24 hours from the last one."""
    async with rig(tmp_path, confirmation={"mode": "never"}, taint={"enabled": False}) as here:
        await here.app.inbox.page()
        await here.send("It leaves today.")  # which she answers after 20 seconds
        for text in ("Which carrier?", "Hello?"):
            here.later(minutes=10)
            await here.says(IRIS, text)
        here.later(hours=1)
        page = await here.app.inbox.page(needs_reply=True, limit=100)
        row = next(row for row in page.conversations or [] if row.with_ids == [IRIS])

    assert row.waits_since == "2026-11-22T12:00:20Z"
    assert (row.replies_left, row.replies_until) == (5, "2026-11-23T12:20:00Z")


async def test_a_window_that_is_over_is_not_told(tmp_path: Path) -> None:
    """They wait all the same."""
    async with rig(tmp_path) as here:
        await here.says(IRIS, "Which carrier?")
        here.later(hours=25)
        page = await here.app.inbox.page(needs_reply=True, limit=100)
        row = next(row for row in page.conversations or [] if row.with_ids == [IRIS])

    assert row.waits_since is not None
    assert (row.replies_left, row.replies_until) == (None, None)


async def test_who_asked_us_to_stop_needs_no_reply_whatever_they_write_later(
    tmp_path: Path,
) -> None:
    """Until the owner clears it."""
    async with rig(tmp_path) as here:
        await here.says(IRIS, "stop messaging me")
        await here.app.inbox.page()
        here.later(minutes=5)
        await here.says(IRIS, "Is my lamp ready?")
        rows = (await here.app.inbox.page(needs_reply=True, limit=100)).conversations or []
        assert [IRIS] not in [row.with_ids for row in rows]

        account = await here.app.people.account()
        await here.app.ledger.clear_opt_out(account.id, IRIS, "owner", here.clock.now())
        rows = (await here.app.inbox.page(needs_reply=True, limit=100)).conversations or []
        assert [IRIS] in [row.with_ids for row in rows]


async def test_the_work_list_is_walked_page_by_page_oldest_first(tmp_path: Path) -> None:
    """Pages of one bring everybody once, in the order of the whole list."""
    async with rig(tmp_path) as here:
        whole = [r.id for r in (await here.app.inbox.page(needs_reply=True)).conversations or []]
        walked: list[str] = []
        cursor = None
        while cursor is not None or not walked:
            page = await here.app.inbox.page(needs_reply=True, limit=1, cursor=cursor)
            walked += [row.id for row in page.conversations or []]
            cursor = page.next_cursor
            assert page.longest_first
    assert len(whole) > 1
    assert walked == whole
