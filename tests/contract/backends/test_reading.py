"""What every backend promises of its reads: pages in order, priced, and of what was asked for."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.contract.backends.arena import (
    ASHA,
    BLOCKER,
    BRAM,
    CLOSED,
    ENCRYPTED,
    IRIS,
    ME,
    NOBODY,
    STALE,
    STRANGER,
    SUSPENDED,
    Arena,
)
from xdm_mcp.errors import BackendUnavailable, NotFound, RateLimited, Refused
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.sends import Target


async def everything(arena: Arena, limit: int, **where: str) -> list[Message]:
    """Return all messages, page by page, and check what each page cost."""
    found: list[Message] = []
    cursor: str | None = None
    for _ in range(100):
        page = await arena.backend.messages(limit=limit, cursor=cursor, **where)
        assert len(page.messages) <= limit
        assert page.cost >= 0
        found += page.messages
        cursor = page.next_cursor
        if cursor is None:
            return found
        arena.clock.advance(timedelta(minutes=15))
    raise AssertionError("the pages never end")


async def test_we_learn_who_we_are(arena: Arena) -> None:
    """The account of the credentials, by number and handle."""
    me = await arena.backend.me()
    assert (me.id, me.handle) == (ME, "you")


async def test_people_are_found_by_id_and_by_handle(arena: Arena) -> None:
    """In any case of the handle; both ways lead to the same person."""
    (by_id,) = await arena.backend.users(ids=[IRIS])
    (by_handle,) = await arena.backend.users(handles=["IRIS_sandbox"])
    assert by_id == by_handle
    assert (by_id.id, by_id.handle, by_id.name) == (IRIS, "iris_sandbox", "Iris Lind")


async def test_the_unknown_are_absent(arena: Arena) -> None:
    """Beside those who exist, and alone."""
    found = await arena.backend.users(ids=[NOBODY, IRIS])
    assert [user.id for user in found] == [IRIS]
    assert await arena.backend.users(handles=["nobody_there"]) == ()
    assert await arena.backend.users() == ()


async def test_a_suspended_person_is_absent_or_marked(arena: Arena) -> None:
    """Never one like the others."""
    assert all(user.suspended for user in await arena.backend.users(ids=[SUSPENDED]))


async def test_can_dm_is_never_false_for_the_open_or_true_for_the_closed(arena: Arena) -> None:
    """Unknown is a fair answer, a wrong one is not."""
    told = {user.id: user for user in await arena.backend.users(ids=[STRANGER, CLOSED, BLOCKER])}
    assert told[STRANGER].can_dm is not False
    assert told[CLOSED].can_dm is not True
    assert told[BLOCKER].can_dm is not True
    for user in told.values():
        assert (user.can_dm is None) == (user.can_dm_basis == "unknown")


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_every_message_comes_once_and_newest_first(arena: Arena, limit: int) -> None:
    """Whatever the size of the page."""
    found = await everything(arena, limit)
    ids = [int(message.id) for message in found]
    assert ids == sorted(set(ids), reverse=True)
    visible = {
        key for key, message in (await arena.posted()).items() if ":" not in message.conversation_id
    }
    assert {message.id for message in found} == visible


async def test_a_page_costs_what_it_holds(arena: Arena) -> None:
    """At the price that the capabilities tell, and an empty one nothing."""
    prices = arena.backend.capabilities.prices
    page = await arena.backend.messages(limit=3)
    people = len(page.users) * prices.read_user
    assert page.cost == len(page.messages) * prices.read_message + people
    empty = await arena.backend.messages(limit=3, with_user=STRANGER)
    assert (empty.messages, empty.cost, empty.next_cursor) == ((), 0, None)


async def test_a_message_is_told_as_it_is(arena: Arena) -> None:
    """Sender, text, conversation and time are those of the world."""
    posted = await arena.posted()
    for message in await everything(arena, 100):
        original = posted[message.id]
        assert message.conversation_id == original.conversation_id
        assert message.sender_id in (original.sender_id, None)
        assert message.kind == original.kind
        assert message.text == (original.text or None)
        assert abs(message.created_at - original.created_at) < timedelta(seconds=1)


async def test_a_conversation_holds_nothing_of_another(arena: Arena) -> None:
    """By person and, where the backend can, by conversation."""
    pair = pair_id(ME, ASHA)
    group = next(m.conversation_id for m in (await arena.posted()).values() if m.sender_id == BRAM)
    by_person = await everything(arena, 100, with_user=ASHA)
    assert {message.conversation_id for message in by_person} == {pair}
    if arena.backend.capabilities.conversations:
        for conversation in (pair, group):
            found = await everything(arena, 100, conversation_id=conversation)
            assert {message.conversation_id for message in found} == {conversation}


async def test_what_was_sent_can_be_read_back(arena: Arena) -> None:
    """The newest message of the conversation is the one that the receipt names."""
    if not arena.backend.capabilities.read_back:
        pytest.skip("this backend cannot read back")
    outcome = await arena.backend.send(Target((IRIS,)), "It leaves today.", None)
    assert outcome.receipt is not None
    page = await arena.backend.messages(limit=1, with_user=IRIS)
    (newest,) = page.messages
    assert (newest.id, newest.sender_id) == (outcome.receipt.message_id, ME)
    assert newest.text == "It leaves today."


async def test_one_message_is_found_by_its_id(arena: Arena) -> None:
    """The same as in a page."""
    (newest,) = (await arena.backend.messages(limit=1)).messages
    assert await arena.backend.message(newest.id) == newest


async def test_a_message_that_is_not_there_is_not_found(arena: Arena) -> None:
    """Nor one of an encrypted thread that the backend does not cover."""
    hidden = [m.id for m in (await arena.posted()).values() if m.sender_id == ENCRYPTED]
    for message_id in ["7", *hidden]:
        with pytest.raises(NotFound):
            await arena.backend.message(message_id)


async def test_coverage_is_told_truly(arena: Arena) -> None:
    """What a backend says it cannot see is not in its pages."""
    if arena.backend.capabilities.coverage == "complete":
        pytest.skip("this backend sees everything")
    assert (await arena.backend.messages(limit=100, with_user=ENCRYPTED)).messages == ()


async def test_a_rate_limited_read_says_until_when(arena: Arena) -> None:
    """And is not repeated."""
    await arena.strike("rate_limit", "GET", seconds=300)
    with arena.counting() as requests:
        with pytest.raises(RateLimited) as limited:
            await arena.backend.messages(limit=3)
        assert requests() == 1
    assert limited.value.retry_at is not None
    assert 0 < (limited.value.retry_at - arena.clock.now()).total_seconds() <= 900


READ_FAULTS = {
    "dropped": {"kind": "drop_before"},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
}


@pytest.mark.parametrize("name", READ_FAULTS)
async def test_a_read_survives_two_bad_moments_and_not_three(arena: Arena, name: str) -> None:
    """Reads are tried again, within bounds."""
    await arena.strike(method="GET", times=2, **READ_FAULTS[name])
    assert (await arena.backend.messages(limit=3)).messages
    await arena.strike(method="GET", times=3, **READ_FAULTS[name])
    with pytest.raises(BackendUnavailable):
        await arena.backend.messages(limit=3)


@pytest.mark.parametrize("body", [None, "{}", "null", "[]", "<html></html>"])
async def test_an_answer_without_sense_is_unavailable(arena: Arena, body: str | None) -> None:
    """Never nobody, never an empty page."""
    reads: list[Any] = [
        arena.backend.me,
        lambda: arena.backend.messages(limit=3),
        lambda: arena.backend.users(ids=[IRIS]),
        lambda: arena.backend.message("7"),
    ]
    await arena.strike("malformed", "GET", times=100, body=body)
    for read in reads:
        with pytest.raises(BackendUnavailable):
            await read()
    await arena.heal()


async def test_dead_credentials_refuse_each_read(arena: Arena) -> None:
    """With the code that says what to renew."""
    if arena.name not in STALE:
        pytest.skip("this backend has no credentials that can die")
    backend = arena.opened(STALE[arena.name])
    for read in (backend.me(), backend.messages(limit=3), backend.users(ids=[IRIS])):
        with pytest.raises(Refused) as refused:
            await read
        assert refused.value.code == "auth"


async def test_what_the_server_says_of_windows_is_told_once(arena: Arena) -> None:
    """In the scopes of the capabilities, with the account filled in."""
    await arena.backend.me()
    await arena.backend.messages(limit=3)
    scopes = {limit.of(ME).scope for limit in arena.backend.capabilities.reads.values()}
    assert {window.scope for window in arena.backend.server_windows()} <= scopes
    assert arena.backend.server_windows() == ()


async def test_a_closed_backend_opens_again(arena: Arena) -> None:
    """Closing lets go of the connection, not of the backend."""
    await arena.backend.me()
    await arena.backend.close()
    await arena.backend.close()
    assert (await arena.backend.me()).id == ME
