"""What every backend promises of its reads: pages in order, priced, and of what was asked for."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta

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
    THEO,
    Arena,
)
from xdm_mcp.errors import BackendUnavailable, NotFound, RateLimited, Refused, Unsupported
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.sends import Target


def somewhere(arena: Arena) -> dict[str, str]:
    """Return where this backend can read at least: the inbox, else one person's messages."""
    return {} if arena.backend.capabilities.inbox else {"with_user": IRIS}


async def refuses(arena: Arena, call: Awaitable[object]) -> None:
    """Check that a call is refused as one that the backend cannot do, by name, at no request."""
    with arena.counting() as requests:
        with pytest.raises(Unsupported, match=arena.backend.name) as refused:
            await call
        assert requests() == 0
    assert str(refused.value).count(" ") > 6  # it also says what to do instead


async def everything(arena: Arena, limit: int, **where: str) -> list[Message]:
    """Return all messages, page by page, and check what each page cost."""
    found: list[Message] = []
    cursor: str | None = None
    size = min(limit, arena.backend.capabilities.max_page)
    for _ in range(100):
        page = await arena.backend.messages(limit=size, cursor=cursor, **where)
        assert len(page.messages) <= size
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
    """Unknown is a fair answer, a wrong one is not; who blocks us is seen only from our side."""
    told = {user.id: user for user in await arena.backend.users(ids=[STRANGER, CLOSED, BLOCKER])}
    assert told[STRANGER].can_dm is not False
    assert told[CLOSED].can_dm is not True
    if arena.backend.capabilities.can_dm != "absolute":
        assert told[BLOCKER].can_dm is not True
    for user in told.values():
        assert (user.can_dm is None) == (user.can_dm_basis == "unknown")


async def test_what_is_told_of_can_dm_has_the_promised_basis(arena: Arena) -> None:
    """About us and them, or about them alone, as the capabilities say."""
    for user in await arena.backend.users(ids=[STRANGER, CLOSED]):
        assert user.can_dm_basis in (arena.backend.capabilities.can_dm or "relative", "unknown")


@pytest.mark.parametrize("limit", [1, 3, 100])
async def test_every_message_comes_once_and_newest_first(arena: Arena, limit: int) -> None:
    """Whatever the size of the page; requests of strangers are among them."""
    where = somewhere(arena)
    found = await everything(arena, limit, **where)
    ids = [int(message.id) for message in found]
    assert ids == sorted(set(ids), reverse=True)
    pair = pair_id(ME, IRIS)
    visible = {
        each.id: each.kind
        for each in (await arena.posted()).values()
        if ":" not in each.conversation_id
        and (not where or each.conversation_id == pair)
        and (arena.backend.capabilities.groups or "-" in each.conversation_id)
    }
    assert {message.id for message in found} <= set(visible)
    assert {m.id for m in found if m.kind == "message"} == {
        key for key, kind in visible.items() if kind == "message"
    }


async def test_an_inbox_that_cannot_be_read_says_so(arena: Arena) -> None:
    """It names the backend and what to read instead."""
    if arena.backend.capabilities.inbox:
        pytest.skip("this backend reads the inbox")
    await refuses(arena, arena.backend.messages(limit=3))


async def test_a_page_costs_what_the_service_bills(arena: Arena) -> None:
    """To the micro-dollar on the sandbox's bill, and never more than was booked for it."""
    await arena.backend.me()
    prices = arena.backend.capabilities.prices
    before = await arena.billed()
    page = await arena.backend.messages(limit=3, **somewhere(arena))
    people = len(page.users) * prices.read_user if prices.read_message else 0
    assert page.cost == await arena.billed() - before
    assert page.cost <= prices.read_page + len(page.messages) * prices.read_message + people


async def test_a_thread_that_never_was_is_an_empty_page(arena: Arena) -> None:
    """No error, and at most the price of a page: whether nothing is billed is not documented."""
    await arena.backend.me()
    page = await arena.backend.messages(limit=3, with_user=STRANGER)
    assert (page.messages, page.next_cursor) == ((), None)
    assert page.cost <= arena.backend.capabilities.prices.read_page


async def test_a_message_is_told_as_it_is(arena: Arena) -> None:
    """Sender, text, conversation and time are those of the world."""
    posted = await arena.posted()
    for message in await everything(arena, 100, **somewhere(arena)):
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
    for conversation in (pair, group):
        if not arena.backend.capabilities.threads:
            await refuses(arena, arena.backend.messages(limit=3, conversation_id=conversation))
            continue
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
    if not arena.backend.capabilities.one_message:
        await refuses(arena, arena.backend.message("7"))
        return
    (newest,) = (await arena.backend.messages(limit=1)).messages
    assert await arena.backend.message(newest.id) == newest


async def test_a_message_that_is_not_there_is_not_found(arena: Arena) -> None:
    """Nor one of an encrypted thread that the backend does not cover."""
    if not arena.backend.capabilities.one_message:
        pytest.skip("this backend finds no message by its id")
    hidden = [m.id for m in (await arena.posted()).values() if m.sender_id == ENCRYPTED]
    for message_id in ["7", *hidden]:
        with pytest.raises(NotFound):
            await arena.backend.message(message_id)


async def test_coverage_is_told_truly(arena: Arena) -> None:
    """What a backend says it cannot see is not in its pages."""
    assert await everything(arena, 100, with_user=ENCRYPTED) == []


async def test_a_rate_limited_read_says_until_when(arena: Arena) -> None:
    """And is not repeated."""
    where = somewhere(arena)
    await arena.backend.me()
    await arena.strike("rate_limit", seconds=300)
    with arena.counting() as requests:
        with pytest.raises(RateLimited) as limited:
            await arena.backend.messages(limit=3, **where)
        assert requests() == 1
    assert limited.value.retry_at is not None
    assert 0 < (limited.value.retry_at - arena.clock.now()).total_seconds() <= 900


READ_FAULTS = {
    "dropped": {"kind": "drop_before"},
    "500": {"kind": "status", "status": 500},
    "503": {"kind": "status", "status": 503},
}


@pytest.mark.parametrize("name", READ_FAULTS)
async def test_a_read_that_left_is_never_repeated_by_itself(arena: Arena, name: str) -> None:
    """The service counts and bills each request; whoever charges the next one makes it."""
    where = somewhere(arena)
    await arena.backend.me()
    await arena.strike(times=1, **READ_FAULTS[name])
    with arena.counting() as requests, pytest.raises(BackendUnavailable):
        await arena.backend.messages(limit=3, **where)
    assert requests() == 1
    assert (await arena.backend.messages(limit=3, **where)).messages


@pytest.mark.parametrize("body", [None, "{}", "null", "[]", "<html></html>"])
async def test_an_answer_without_sense_is_unavailable(arena: Arena, body: str | None) -> None:
    """Never nobody, never an empty page."""
    await arena.strike("malformed", times=100, body=body)
    reads: list[Awaitable[object]] = [
        arena.backend.me(),
        arena.backend.messages(limit=3, **somewhere(arena)),
        arena.backend.users(ids=[IRIS]),
        arena.backend.users(handles=["iris_sandbox"]),
    ]
    reads += [arena.backend.message("7")] if arena.backend.capabilities.one_message else []
    for read in reads:
        with pytest.raises(BackendUnavailable):
            await read
    await arena.heal()


async def test_dead_credentials_refuse_each_read(arena: Arena) -> None:
    """With the code that says what to renew."""
    if arena.name not in STALE:
        pytest.skip("this backend has no credentials that can die")
    backend = arena.opened(STALE[arena.name])
    page = backend.messages(limit=3, **somewhere(arena))
    for read in (page, backend.users(ids=[IRIS])):
        with pytest.raises(Refused) as refused:
            await read
        assert refused.value.code == "auth"


async def test_what_the_server_says_of_windows_is_told_once(arena: Arena) -> None:
    """In the scopes of the capabilities, with the account filled in."""
    await arena.backend.me()
    await arena.backend.messages(limit=3, **somewhere(arena))
    scopes = {limit.of(ME).scope for limit in arena.backend.capabilities.reads.values()}
    assert {window.scope for window in arena.backend.server_windows()} <= scopes
    assert arena.backend.server_windows() == ()


async def test_a_closed_backend_opens_again(arena: Arena) -> None:
    """Closing lets go of the connection, not of the backend."""
    await arena.backend.me()
    await arena.backend.close()
    await arena.backend.close()
    assert (await arena.backend.me()).id == ME


async def test_the_balance_is_told_or_refused(arena: Arena) -> None:
    """In micro-dollars, at no cost, where the service tells one."""
    if not arena.backend.capabilities.balance:
        await refuses(arena, arena.backend.balance())
        return
    left = (await arena.backend.balance()).remaining
    assert left == await arena.left()
    assert (await arena.backend.balance()).remaining == left


async def test_followers_come_with_what_is_known_of_writing_to_them(arena: Arena) -> None:
    """Both ways round, where the service lists them."""
    if not arena.backend.capabilities.followers:
        await refuses(arena, arena.backend.followers(ME))
        return
    before = await arena.billed()
    page = await arena.backend.followers(ME)
    assert {THEO, ASHA, BRAM} <= {user.id for user in page.users}
    assert page.next_cursor is None
    assert page.cost >= await arena.billed() - before > 0
    assert THEO in {user.id for user in (await arena.backend.followers(ME, following=True)).users}
