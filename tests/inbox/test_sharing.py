"""Two processes of an account over one kept copy: what one found, the other one need not read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.inbox.stepping import Process, processes
from tests.inbox.test_polling import requests, until
from tests.rigs import IRIS
from xdm_mcp.ledger import changes, polling

KEEP = 30


@pytest.fixture(autouse=True)
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have processes look into the ledger every ten seconds, so that hours pass in no time."""
    monkeypatch.setattr(changes, "LOOK_EVERY", 10.0)


async def news(poller: Process, *texts: str) -> None:
    """Let messages come, and wait until the one that polls has found them."""
    before = (await poller.polling()).arrivals
    for text in texts:
        await poller.says(IRIS, text)
    await until(poller, lambda p: p.arrivals == before + len(texts))


async def test_news_that_another_process_kept_are_listed_found_and_shown_for_nothing(
    tmp_path: Path,
) -> None:
    """List, search and single message alike; X is asked by the poller alone."""
    async with processes(tmp_path, 2, keep=KEEP) as [poller, other]:
        await other.app.inbox.page()
        with poller.app.inbox.watch():
            await until(poller, lambda p: p.mine)
            await poller.clock.sleep(16 * 60)
            await news(poller, "Is the zephyrine here yet?")
            reads, bill = await requests(other), await other.bill()
            page = await other.app.inbox.page(needs_reply=True)
            rows = {row.last_text for row in page.conversations or []}
            assert "Is the zephyrine here yet?" in rows
            found = await other.app.inbox.page(query="zephyrine")
            [message] = found.messages or []
            [same] = (await other.app.inbox.message(message.id)).messages or []
            assert same.text == "Is the zephyrine here yet?"
            assert (await requests(other), await other.bill()) == (reads, bill)


async def test_after_a_restart_search_and_messages_are_for_nothing_and_the_list_is_one_page(
    tmp_path: Path,
) -> None:
    """A copy may have gaps, so what the newest messages are is asked once; X does not bill that
    again on the same day."""
    async with processes(tmp_path, 1, keep=KEEP) as [here]:
        await here.app.inbox.page()
        await here.says(IRIS, "Is the zephyrine here yet?")
        await here.clock.sleep(60)
        await here.app.inbox.page()
        world = here.world
    async with processes(tmp_path, 1, keep=KEEP) as [here]:
        here.take(world)
        await here.app.people.account()
        reads, bill = await requests(here), await here.bill()
        [message] = (await here.app.inbox.page(query="zephyrine")).messages or []
        assert (await here.app.inbox.message(message.id)).messages
        assert await requests(here) == reads
        await here.app.inbox.page(limit=1)
        assert (await requests(here), await here.bill()) == (reads + 1, bill)


@pytest.mark.parametrize("way", ["search", "message"])
async def test_words_from_the_copy_stand_against_writing_to_others_like_all_words(
    tmp_path: Path, way: str
) -> None:
    """A search hit, and a message by its id, that this process never read from X."""
    async with processes(tmp_path, 1, keep=KEEP) as [here]:
        await here.says(IRIS, "Is the zephyrine here yet?")
        await here.app.feed.look()
        world = here.world
    async with processes(tmp_path, 1, keep=KEEP) as [here]:
        here.take(world)
        account = (await here.app.people.account()).id
        [kept] = await here.app.ledger.kept_newest(account, 1)
        if way == "search":
            await here.app.inbox.page(query="zephyrine")
        else:
            await here.app.inbox.message(kept.id)
        told = await here.app.standing.check(["@june_sandbox"])
        assert "taint" in {reason.rule for reason in told.recipients[0].reasons}


async def test_who_is_further_behind_than_the_ledger_tells_looks_for_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would call an inbox complete that is not."""
    monkeypatch.setattr(polling, "KEPT", 2)
    async with processes(tmp_path, 2, keep=KEEP) as [poller, other]:
        await other.app.inbox.page()
        with poller.app.inbox.watch():
            await until(poller, lambda p: p.mine)
            await news(poller, *(f"Message {number}." for number in range(5)))
            page = await other.app.inbox.page()
            assert page.conversations
            texts = {message.text for message in other.app.feed.messages()}
        assert {f"Message {number}." for number in range(5)} <= texts


async def left(here: Process) -> int:
    """Return how many reads of a person's conversation the window still has."""
    windows = (await here.app.standing.quota()).windows
    return next(w.remaining for w in windows if w.name == "reads/with_user/15m")


async def test_a_conversation_that_is_known_to_its_end_is_not_read_again(tmp_path: Path) -> None:
    """In a process that only hears of the news; a page too small for it is read from X."""
    async with processes(tmp_path, 2, keep=KEEP, max_pages=1) as [poller, other]:
        first = await other.app.inbox.page(with_user=IRIS, limit=100)
        with poller.app.inbox.watch():
            await until(poller, lambda p: p.mine)
            await poller.clock.sleep(16 * 60)
            await news(poller, "Is it here yet?", "Hello?")
            before, bill, reads = await left(other), await other.bill(), await requests(other)
            page = await other.app.inbox.page(with_user=IRIS, limit=100)
            assert [m.text for m in (page.messages or [])[:2]] == ["Hello?", "Is it here yet?"]
            assert (page.messages or [])[2:] == first.messages
            assert page.next_cursor is None
            now = (await left(other), await other.bill(), await requests(other))
            assert now == (before, bill, reads)
            small = await other.app.inbox.page(with_user=IRIS, limit=2)
            assert small.next_cursor is not None
            assert await left(other) == before - 1


async def test_after_a_send_a_conversation_is_read_anew(tmp_path: Path) -> None:
    """It may not be in the list yet that was read a moment ago."""
    async with processes(tmp_path, 1, keep=KEEP) as [here]:
        await here.clock.sleep(120)
        await here.app.inbox.page(with_user=IRIS, limit=100)
        sent = await here.send_approved("On its way.")
        assert sent.status == "sent"
        page = await here.app.inbox.page(with_user=IRIS, limit=100)
    assert (page.messages or [])[0].text == "On its way."
