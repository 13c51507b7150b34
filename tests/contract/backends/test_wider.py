"""What every backend promises beside sending and reading: it does it, or says that it cannot and
what to do instead."""

from __future__ import annotations

from collections.abc import Awaitable

import pytest

from tests.contract.backends.arena import (
    ASHA,
    BRAM,
    CLOSED,
    IRIS,
    ME,
    STALE,
    STRANGER,
    THEO,
    Arena,
)
from xdm_mcp.backends.base import Picture
from xdm_mcp.errors import NotFound, Refused, Unsupported
from xdm_mcp.models.messages import pair_id
from xdm_mcp.models.people import User
from xdm_mcp.models.sends import SendState, Target

ONE = Target((IRIS,))
PNG = b"\x89PNG\r\n\x1a\n"


def names(arena: Arena, says: str) -> bool:
    """Whether a sentence names the backend, as the owner or as the service writes it."""
    return arena.backend.name in says.lower().replace(".", "-")


async def refuses(arena: Arena, call: Awaitable[object]) -> None:
    """Check that a call is refused by one sentence that names the backend and says what else to do,
    without a request."""
    with arena.counting() as requests:
        with pytest.raises(Unsupported) as refused:
            await call
        assert requests() == 0
    says = str(refused.value)
    assert names(arena, says)
    assert says.endswith(".")
    assert any(word in says for word in ("x.com", "use ", "read ", "look ", "see ", "name "))


async def everybody(arena: Arena, user_id: str, *, following: bool) -> list[User]:
    """Return everybody on a list of followers, page by page."""
    found: list[User] = []
    cursor: str | None = None
    for _ in range(100):
        page = await arena.backend.followers(user_id, following=following, cursor=cursor)
        assert page.cost >= 0
        found += page.users
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages never end")


async def test_ready_credentials_are_ready(arena: Arena) -> None:
    """Before any other call, and at no price."""
    await arena.backend.ready()
    assert (await arena.backend.send(ONE, "Hello.", None)).state is SendState.SENT


async def test_missing_credentials_are_not_ready(arena: Arena) -> None:
    """A person must act, and the sentence says how; nothing leaves."""
    if arena.name not in STALE:
        pytest.skip("this backend needs no credentials")
    keeps = ("base_url", "acknowledge_risk")
    kept = {name: value for name, value in STALE[arena.name].items() if name in keeps}
    with arena.counting() as requests:
        with pytest.raises(Refused) as refused:
            await arena.opened(kept).ready()
        assert requests() == 0
    assert refused.value.code == "auth"


async def test_the_skew_is_known_after_an_answer(arena: Arena) -> None:
    """The sandbox's clock is ours, to the second."""
    assert arena.backend.skew is None
    await arena.backend.users(ids=[IRIS])
    skew = arena.backend.skew
    assert skew is None or abs(skew.total_seconds()) <= 1


async def test_what_was_sent_can_be_deleted_from_our_own_view(arena: Arena) -> None:
    """The recipient keeps it; a second time there is nothing to delete."""
    if not arena.backend.capabilities.deletion:
        await refuses(arena, arena.backend.delete("7"))
        return
    outcome = await arena.backend.send(ONE, "A slip.", None)
    assert outcome.receipt is not None
    message_id = outcome.receipt.message_id
    await arena.backend.delete(message_id)
    page = await arena.backend.messages(limit=10, with_user=IRIS)
    assert message_id not in {message.id for message in page.messages}
    assert message_id in await arena.posted()
    with pytest.raises(NotFound):
        await arena.backend.delete(message_id)


async def test_who_is_blocked_cannot_write_until_it_is_undone(arena: Arena) -> None:
    """Both ways, and each as often as one likes."""
    if not arena.backend.capabilities.blocking:
        await refuses(arena, arena.backend.block(THEO, blocked=True))
        return
    for blocked in (True, True, False, False):
        await arena.backend.block(THEO, blocked=blocked)
        assert await arena.blocks(ME, THEO) is blocked


async def test_nobody_cannot_be_blocked(arena: Arena) -> None:
    """An id of no one is not found."""
    if not arena.backend.capabilities.blocking:
        pytest.skip("this backend cannot block")
    with pytest.raises(NotFound):
        await arena.backend.block("99", blocked=True)


@pytest.mark.parametrize("following", [False, True], ids=["followers", "following"])
async def test_follower_lists_name_everybody_once(arena: Arena, *, following: bool) -> None:
    """As the world has it, with what is known of who can be written to."""
    if not arena.backend.capabilities.followers:
        await refuses(arena, arena.backend.followers(ME, following=following))
        return
    await arena.backend.me()
    found = await everybody(arena, ME, following=following)
    ids = [user.id for user in found]
    assert sorted(ids) == sorted(await arena.related(ME, following=following))
    for user in found:
        assert user.handle is not None
        assert (user.can_dm is None) == (user.can_dm_basis == "unknown")


async def test_followers_of_nobody_are_not_found(arena: Arena) -> None:
    """Or at least nobody is made up."""
    if not arena.backend.capabilities.followers:
        pytest.skip("this backend lists no followers")
    with pytest.raises(NotFound):
        await arena.backend.followers("99")


async def test_a_balance_is_what_the_service_has_left(arena: Arena) -> None:
    """Asking costs nothing, and a send lowers it by its price or not at all."""
    if not arena.backend.capabilities.balance:
        await refuses(arena, arena.backend.balance())
        return
    before = await arena.backend.balance()
    assert await arena.backend.balance() == before
    await arena.backend.send(ONE, "Hello.", None)
    spent = before.remaining - (await arena.backend.balance()).remaining
    assert spent in (0, arena.backend.capabilities.prices.send)


async def test_what_a_look_up_knows_of_writing_to_somebody_has_the_basis_it_claims(
    arena: Arena,
) -> None:
    """Relative to us, absolute, or nothing at all."""
    claims = arena.backend.capabilities.can_dm
    for user_id, open_ in ((STRANGER, True), (CLOSED, False)):
        (user,) = await arena.backend.users(ids=[user_id])
        assert user.can_dm_basis in (claims, "unknown")
        assert user.can_dm in (open_, None)
        if claims is not None:
            assert user.can_dm is open_


@pytest.mark.parametrize(
    "picture",
    [
        Picture("small.png", "image/png", PNG + b"a lamp"),
        Picture("large.jpg", "image/jpeg", b"\xff\xd8\xff" + b"x" * 2_500_000),
        Picture("moving.gif", "image/gif", b"GIF89a moving"),
    ],
    ids=["small", "large", "moving"],
)
async def test_pictures_of_every_kind_travel(arena: Arena, picture: Picture) -> None:
    """Where the backend can; elsewhere nothing leaves, and the sentence says what to do."""
    with arena.counting() as requests:
        outcome = await arena.backend.send(ONE, "Look.", picture)
        if not arena.backend.capabilities.attachments:
            assert (outcome.state, outcome.not_sent, requests()) == (SendState.FAILED, True, 0)
            assert names(arena, outcome.says)
            return
    assert outcome.receipt is not None
    made = (await arena.posted())[outcome.receipt.message_id]
    assert made.media_id is not None
    assert await arena.uploaded(made.media_id) == picture.content


async def test_a_group_that_cannot_be_reached_is_refused_before_any_request(arena: Arena) -> None:
    """A backend for people alone says so itself, by name."""
    able = arena.backend.capabilities
    group = next(m.conversation_id for m in (await arena.posted()).values() if m.sender_id == BRAM)
    for possible, target in (
        (able.conversations, Target((), group)),
        (able.new_groups, Target((ASHA, IRIS))),
    ):
        if possible:
            continue
        with arena.counting() as requests:
            outcome = await arena.backend.send(target, "Hello.", None)
            assert requests() == 0
        assert (outcome.state, outcome.not_sent) == (SendState.FAILED, True)
        assert names(arena, outcome.says)


async def test_groups_are_seen_only_where_the_backend_says_so(arena: Arena) -> None:
    """A list without them never passes for the whole."""
    if not arena.backend.capabilities.inbox:
        pytest.skip("this backend has no inbox")
    await arena.backend.me()
    page = await arena.backend.messages(limit=arena.backend.capabilities.max_page)
    kinds = {"-" in message.conversation_id for message in page.messages}
    assert pair_id(ME, IRIS) in {message.conversation_id for message in page.messages}
    assert (False in kinds) is arena.backend.capabilities.groups
