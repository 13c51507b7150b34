"""Every answer says what it covers, and none says that there is nothing when nobody can know."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.inbox.test_cost import shop
from tests.rigs import IRIS, JUNE, rig
from tests.services import books
from xdm_mcp.errors import BackendUnavailable, RateLimited
from xdm_mcp.models.results import InboxPage
from xdm_mcp.sandbox.events import FaultSet
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.server.render import text

UNSEEN = ("encrypted threads", "message requests", "older than 30 days")

SILENT = {"kind": "status", "method": "GET", "path": "/2/dm_.*", "status": 502, "times": 50}
"""How a service fails that answers no read."""


def says_what_is_unseen(page: InboxPage) -> bool:
    """Whether a page names what it cannot show, and its coverage."""
    told = " ".join(page.notes)
    return page.coverage == "legacy_unencrypted_only" and all(each in told for each in UNSEEN)


async def test_each_way_of_reading_says_what_it_cannot_show(tmp_path: Path) -> None:
    """The inbox, the work list, a thread, a search, one with nothing found, and a stranger's."""
    async with rig(tmp_path) as here:
        asked: list[dict[str, object]] = [
            {"limit": 100},
            {"needs_reply": True, "limit": 100},
            {"with_user": IRIS, "limit": 100},
            {"with_user": JUNE},
            {"query": "lamp"},
            {"query": "no such words anywhere"},
        ]
        for each in asked:
            page = await here.app.inbox.page(**each)  # type: ignore[arg-type]
            assert says_what_is_unseen(page), each
            here.later(minutes=4)


async def test_an_empty_inbox_is_not_called_empty() -> None:
    """Nothing was read: that is all that is known."""
    async with shop(0) as here:
        page = await here.app.inbox.page()
        assert page.conversations == []
        assert says_what_is_unseen(page)
        assert "None among what was read." in text(page)


async def test_a_page_that_is_not_the_last_does_not_speak_of_the_end(tmp_path: Path) -> None:
    """What lies behind the cursor is no gap."""
    async with rig(tmp_path) as here:
        page = await here.app.inbox.page(limit=1)
        assert page.next_cursor is not None
        assert page.notes == []


async def test_one_message_says_its_coverage(tmp_path: Path) -> None:
    """A message that was read is shown with it."""
    async with rig(tmp_path) as here:
        await here.app.inbox.page()
        known = here.app.inbox.known_messages("")[0]
        assert (await here.app.inbox.message(known)).coverage == "legacy_unencrypted_only"


async def test_a_failed_look_is_a_note_where_something_is_known(tmp_path: Path) -> None:
    """The inbox, a thread and a search are answered from memory, and say so."""
    async with rig(tmp_path) as here:
        await here.app.inbox.page(limit=100)
        await here.control("POST", "faults", SILENT)
        for each in ({"limit": 100}, {"with_user": IRIS}, {"query": "lamp"}):
            here.later(minutes=2)
            page = await here.app.inbox.page(**each)
            assert page.conversations or page.messages
            assert any("did not answer" in note or "answer" in note for note in page.notes), each


async def test_a_failed_look_is_an_error_where_nothing_is_known(tmp_path: Path) -> None:
    """Never an empty page."""
    async with rig(tmp_path) as here:
        await here.control("POST", "faults", SILENT)
        for each in ({}, {"needs_reply": True}, {"query": "lamp"}, {"with_user": IRIS}):
            with pytest.raises(BackendUnavailable):
                await here.app.inbox.page(**each)


async def test_a_page_that_fails_on_the_way_back_is_a_note() -> None:
    """What was read before it is shown, down to where."""
    async with shop(100) as here:
        await here.journal.act(
            lambda hold: hold.record(_fault())  # the first page is known by now
        )
        page = await here.app.inbox.page(query="no such words")
        assert any("Messages before" in note for note in page.notes)
        assert len(page.notes) > 2


def _fault() -> FaultSet:
    return FaultSet(Fault("1", "status", times=50, status=502, path="/2/dm_.*"))


async def test_a_spent_budget_is_a_note(tmp_path: Path) -> None:
    """With what the owner can do."""
    async with books(tmp_path, "getxapi", per_day="0.02") as here:
        pages = []
        for _ in range(8):
            pages.append(await here.app.inbox.page())
            here.clock.advance(timedelta(minutes=1))
        assert any("owner's budget" in note for note in pages[-1].notes)
        assert pages[-1].conversations


async def test_the_owners_bound_of_reads_is_kept_by_all_processes_and_told(
    tmp_path: Path,
) -> None:
    """The page names the setting; a process that knows nothing gets an error."""
    async with rig(tmp_path, inbox={"reads_per_day": 3}) as here:
        for _ in range(5):
            page = await here.app.inbox.page(limit=100)
            here.later(minutes=20)
        assert any("inbox.reads_per_day" in note for note in page.notes)
        async with rig(tmp_path, here.clock, inbox={"reads_per_day": 3}) as other:
            with pytest.raises(RateLimited, match=r"inbox\.reads_per_day"):
                await other.app.inbox.page()


async def test_the_owners_bound_does_not_keep_us_from_proof_of_a_send(tmp_path: Path) -> None:
    """What became of an unknown send is read back all the same."""
    async with rig(
        tmp_path,
        inbox={"reads_per_day": 1},
        confirmation={"mode": "never"},
        taint={"enabled": False},
    ) as here:
        await here.app.inbox.page()
        await here.fault("drop_after")
        sent = await here.send("It leaves today.")
        here.later(minutes=1)
        await here.app.outbox.work()
        assert (sent.status, (await here.send("It leaves today.")).status) == ("unknown", "sent")


async def test_nothing_older_than_the_horizon_is_read() -> None:
    """Reading back ends there."""
    async with shop(100) as here:
        here.clock.advance(timedelta(days=31))
        before = await here.billed()
        page = await here.app.inbox.page(query="no such words")
        assert says_what_is_unseen(page)
        assert await here.billed() == before
