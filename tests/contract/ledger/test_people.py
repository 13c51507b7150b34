"""People as the backends told of them."""

from __future__ import annotations

from datetime import timedelta

from tests.contract.ledger.desk import ANNA, BEN, START, Desk
from xdm_mcp.models.people import KnownUser, User

ANNA_USER = User(
    ANNA, "Anna_X", "Anna", True, "relative", frozenset({"following", "followed_by"}), False
)


async def test_a_user_is_known_by_id_and_by_handle_in_any_case(desk: Desk) -> None:
    """Everything that was told, and when."""
    await desk.ledger.remember_users([ANNA_USER], desk.now)

    expected = KnownUser(ANNA_USER, START)
    assert await desk.ledger.known_user(ANNA) == expected
    assert await desk.ledger.known_user("anna_x") == expected
    assert await desk.ledger.known_user("ANNA_X") == expected


async def test_nobody_is_known_at_first(desk: Desk) -> None:
    """Neither by id nor by handle."""
    assert await desk.ledger.known_user(ANNA) is None
    assert await desk.ledger.known_user("anna_x") is None


async def test_what_an_answer_leaves_out_stays_known(desk: Desk) -> None:
    """A message names its sender and says nothing of who may write to whom."""
    await desk.ledger.remember_users([ANNA_USER], desk.now)
    desk.later(hours=1)

    await desk.ledger.remember_users([User(ANNA, name="Anna Y")], desk.now)

    known = await desk.ledger.known_user(ANNA)
    assert known is not None
    assert known.checked_at == desk.now
    assert (known.user.name, known.user.handle) == ("Anna Y", "Anna_X")
    assert (known.user.can_dm, known.user.connection) == (True, ANNA_USER.connection)


async def test_what_an_answer_says_replaces_what_was_known(desk: Desk) -> None:
    """A lifted block is lifted."""
    blocked = User(ANNA, can_dm=False, connection=frozenset({"blocking"}), suspended=True)
    await desk.ledger.remember_users([blocked], desk.now)
    await desk.ledger.remember_users([ANNA_USER], desk.later(hours=1))

    known = await desk.ledger.known_user(ANNA)
    assert known is not None
    assert known.user == ANNA_USER


async def test_older_news_changes_nothing(desk: Desk) -> None:
    """Whichever process tells it, the newest knowledge stays."""
    await desk.ledger.remember_users([ANNA_USER], desk.now)
    stale = User(ANNA, "old_anna", "Old", False, "absolute")

    await desk.ledger.remember_users([stale], START - timedelta(hours=1))

    assert await desk.ledger.known_user(ANNA) == KnownUser(ANNA_USER, START)


async def test_a_handle_leads_to_whoever_had_it_last(desk: Desk) -> None:
    """Handles change hands: the new owner is found, the old one is no longer called so."""
    await desk.ledger.remember_users([ANNA_USER], desk.now)
    await desk.ledger.remember_users([User(BEN, "anna_x")], desk.later(hours=1))

    found = await desk.ledger.known_user("anna_x")
    assert found is not None
    assert found.user.id == BEN
    former = await desk.ledger.known_user(ANNA)
    assert former is not None
    assert former.user.handle is None


async def test_older_news_does_not_take_a_handle(desk: Desk) -> None:
    """A late answer about a former owner changes nothing."""
    await desk.ledger.remember_users([ANNA_USER], desk.now)

    await desk.ledger.remember_users([User(BEN, "anna_x")], START - timedelta(hours=1))

    found = await desk.ledger.known_user("anna_x")
    assert found is not None
    assert found.user.id == ANNA


async def test_a_handle_that_was_given_up_leads_to_nobody(desk: Desk) -> None:
    """Whoever is renamed is found under the new name only."""
    await desk.ledger.remember_users([ANNA_USER], desk.now)
    await desk.ledger.remember_users([User(ANNA, "anna_new")], desk.later(hours=1))

    assert await desk.ledger.known_user("anna_x") is None
    found = await desk.ledger.known_user("Anna_New")
    assert found is not None
    assert found.user.id == ANNA


async def test_a_handle_is_as_old_as_when_it_was_last_told(desk: Desk) -> None:
    """An answer that names a person by number alone says nothing of who is called what by now."""
    await desk.ledger.remember_users([ANNA_USER], desk.now)
    await desk.ledger.remember_users([User(ANNA)], desk.later(days=30))

    by_handle, by_id = await desk.ledger.known_user("@anna_x"), await desk.ledger.known_user(ANNA)
    assert by_handle is not None
    assert by_id is not None
    assert (by_handle.checked_at, by_id.checked_at) == (START, desk.now)


async def test_bare_digits_are_an_id_and_never_a_handle(desk: Desk) -> None:
    """Whoever is called `7` is not the person whose id that is, known or not; `@7` is."""
    await desk.ledger.remember_users([User(BEN, "7")], desk.now)
    assert await desk.ledger.known_user("7") is None

    await desk.ledger.remember_users([ANNA_USER], desk.now)

    by_id, by_handle = await desk.ledger.known_user("7"), await desk.ledger.known_user("@7")
    assert by_id is not None
    assert by_id.user.id == ANNA
    assert by_handle is not None
    assert by_handle.user.id == BEN
