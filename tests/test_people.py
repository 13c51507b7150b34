"""People are found under the name that was meant, and our own account within the budget."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from tests.backends.wires import ANNA, ME, NOW, Script, backend_over, reply
from tests.rigs import IRIS, Rig, rig
from xdm_mcp.backends.x_api_v2_limits import CAPABILITIES
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import (
    BackendUnavailable,
    BadInput,
    NotFound,
    OverBudget,
    RateLimited,
    Refused,
)
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.people import KnownUser, User
from xdm_mcp.models.quota import Budget
from xdm_mcp.people import People, normalise

STRANGER = User("1900000000000000001", ANNA)
"""Somebody whose handle is the number of another."""

EVERYBODY = (User(ME, "me"), User(ANNA, "anna"), STRANGER)
PRICE = CAPABILITIES.prices.read_user
SELF = reply(200, {"data": {"id": ME, "username": "me"}})


class Told:
    """A backend that knows everybody, and what it was asked."""

    capabilities = CAPABILITIES
    name = "x-api-v2"

    def __init__(self) -> None:
        """Nobody was asked for yet."""
        self.asked: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
        self.own = EVERYBODY[0]

    async def me(self) -> User:
        """See Backend.me."""
        return self.own

    async def users(
        self, *, ids: Sequence[str] = (), handles: Sequence[str] = ()
    ) -> tuple[User, ...]:
        """See Backend.users."""
        self.asked.append((tuple(ids), tuple(handles)))
        return tuple(u for u in EVERYBODY if u.id in ids or u.handle in handles)

    def server_windows(self) -> tuple[()]:
        """See Backend.server_windows."""
        return ()


@pytest.fixture
async def ledger() -> AsyncIterator[Ledger]:
    """A ledger in memory."""
    made = open_ledger("sqlite:///:memory:")
    yield made
    await made.close()


def people_of(ledger: Ledger, backend: object) -> People:
    """Return look-ups through `backend`, without a budget."""
    return People(backend, ledger, Budget(), ManualClock(NOW))  # type: ignore[arg-type]


async def test_bare_digits_never_lead_to_whoever_is_called_so(ledger: Ledger) -> None:
    """Though the stranger is known and the person of that id is not."""
    people = people_of(ledger, Told())
    await people.find(STRANGER.id)
    assert (await people.find(ANNA)).id == ANNA


async def test_a_handle_is_looked_up_again_though_its_owner_was_seen_without_it(
    ledger: Ledger,
) -> None:
    """They may have given it up since, and whoever took it is somebody else."""
    await ledger.remember_users([User(STRANGER.id, "anna")], NOW - timedelta(days=30))
    await ledger.remember_users([User(STRANGER.id)], NOW)
    assert (await people_of(ledger, Told()).find("@anna")).id == ANNA


async def test_a_whole_group_is_looked_up_in_one_question_to_the_ledger(ledger: Ledger) -> None:
    """However many they are: a database may be far away."""
    asked: list[Sequence[str]] = []
    known = ledger.known_users

    async def counted(whos: Sequence[str]) -> tuple[KnownUser | None, ...]:
        asked.append(whos)
        return await known(whos)

    ledger.known_users = counted  # type: ignore[method-assign]
    people = people_of(ledger, Told())
    found = await people.find_many([ME, "@me", "@anna", ANNA, "77"])
    again = await people.find_many(["@anna", ME, "@me", ANNA])
    assert [user and user.id for user in found] == [ME, ME, ANNA, ANNA, None]
    assert [user and user.id for user in again] == [ANNA, ME, ME, ANNA]
    assert len(asked) == 2


async def test_a_process_keeps_to_the_account_that_it_began_with(ledger: Ledger) -> None:
    """Whatever a service says later: limits, halts and who asked us to stop are kept by account."""
    backend = Told()
    people = people_of(ledger, backend)
    await people.account()
    backend.own = STRANGER
    with pytest.raises(Refused, match="another account"):
        await people.account(again=True)
    assert (await people.account()).id == ME


async def test_digits_with_their_at_sign_are_a_handle(ledger: Ledger) -> None:
    """Asked for as a handle, known as one afterwards."""
    backend = Told()
    people = people_of(ledger, backend)
    for _ in range(2):
        assert (await people.find(f"@{ANNA}")).id == STRANGER.id
    assert backend.asked == [((), (ANNA,))]
    known = await people.known(f"@{ANNA}")
    assert known is not None
    assert known.id == STRANGER.id
    assert await people.known(ANNA) is None


async def test_one_look_up_tells_an_id_from_a_handle_of_the_same_digits(ledger: Ledger) -> None:
    """Each is answered by who was meant, in whatever order they are named."""
    for names in ([ANNA, STRANGER.id, f"@{ANNA}"], [f"@{ANNA}", STRANGER.id, ANNA]):
        found = await people_of(ledger, Told()).find_many(names)
        meant = [ANNA if name == ANNA else STRANGER.id for name in names]
        assert [user.id for user in found if user] == meant


async def test_who_is_not_there_is_told_by_what_was_asked_for(ledger: Ledger) -> None:
    """A number that nobody has, and a handle that nobody has."""
    people = people_of(ledger, Told())
    with pytest.raises(NotFound, match="no X user with the id 77; check it, or use the handle"):
        await people.find("77")
    with pytest.raises(NotFound, match="no X user called @77; check the handle"):
        await people.find("@77")


async def test_a_service_that_mixes_them_up_finds_nobody(ledger: Ledger) -> None:
    """An answer to ids counts by its ids alone, one to handles by its handles alone."""
    mixed = reply(200, {"data": [{"id": STRANGER.id, "username": ANNA}]})
    people = people_of(ledger, backend_over(Script(SELF, mixed)))
    assert await people.find_many([ANNA]) == (None,)
    mixed = reply(200, {"data": [{"id": ANNA, "username": "anna"}]})
    people = people_of(ledger, backend_over(Script(SELF, mixed)))
    assert await people.find_many([f"@{ANNA}"]) == (None,)


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (" @Anna_X ", "@Anna_X"),
        ("Anna_X", "@Anna_X"),
        ("42", "42"),
        ("@42", "@42"),
        ("1" * 19, "1" * 19),
    ],
)
def test_every_name_has_one_spelling(said: str, name: str) -> None:
    """Bare digits are an id, everything else is a handle with its @."""
    assert normalise(said) == name


@pytest.mark.parametrize("said", ["", "@", "@@anna", "an na", "a" * 16, "@" + "1" * 16, "1" * 20])
def test_what_can_be_neither_is_refused(said: str) -> None:
    """In a sentence that says how to write either."""
    with pytest.raises(BadInput, match="a handle of digits alone needs its @"):
        normalise(said)


async def test_a_send_to_an_id_does_not_go_to_the_handle_of_those_digits(tmp_path: Path) -> None:
    """A person of the pretend X who calls herself by the customer's number gets nothing."""
    async with rig(tmp_path) as here:
        await calls_herself(here, IRIS)
        assert (await here.send("Only for Iris.", to=IRIS, dry_run=True)).recipient_ids == [IRIS]
        assert (await here.send("Only for Iris.", to=IRIS)).recipient_ids == [IRIS]
        other = await here.send("Only for the other.", to=f"@{IRIS}")
        assert other.recipient_ids == ["2900000001"]


async def calls_herself(here: Rig, handle: str) -> None:
    """Let a stranger of that handle be known here, as if she had written."""
    await here.app.ledger.remember_users([User("2900000001", handle)], here.clock.now())


async def test_our_own_account_is_booked_before_it_is_asked_for(ledger: Ledger) -> None:
    """Where the login names it: a budget that has no room for it asks nobody, in one sentence."""
    script = Script(SELF)
    clock = ManualClock(NOW)
    budget = Budget(per_day=2 * PRICE)

    async def login() -> str:
        return ME

    for _ in range(2):
        await People(backend_over(script), ledger, budget, clock, login).account()
    with pytest.raises(OverBudget, match=r"whose account this is costs \$0\.01.*raise it\.$"):
        await People(backend_over(script), ledger, budget, clock, login).account()
    assert len(script.requests) == 2
    assert (await ledger.spend(ME, clock.now())).total == 2 * PRICE


async def test_a_failed_look_at_our_own_account_stays_booked(ledger: Ledger) -> None:
    """Under the id of the login; X may bill what it answered."""
    clock = ManualClock(NOW)

    async def login() -> str:
        return ME

    people = People(backend_over(Script(reply(500))), ledger, Budget(), clock, login)
    with pytest.raises(BackendUnavailable):
        await people.account()
    assert (await ledger.spend(ME, clock.now())).total == PRICE


async def test_an_account_that_nothing_names_is_booked_by_what_it_answers(ledger: Ledger) -> None:
    """The first time; asked again, it is booked before. A price beyond the budget is not paid."""
    clock, script = ManualClock(NOW), Script(SELF)
    people = People(backend_over(script), ledger, Budget(per_day=PRICE), clock)
    await people.account()
    assert (await ledger.spend(ME, clock.now())).total == PRICE
    with pytest.raises(OverBudget):
        await people.account(again=True)
    poor = People(backend_over(script), ledger, Budget(per_day=PRICE - 1), clock)
    with pytest.raises(OverBudget, match="ask the owner to raise it"):
        await poor.account()
    assert len(script.requests) == 1


async def test_looks_at_our_own_account_count_against_their_limit(ledger: Ledger) -> None:
    """X allows 75 in 15 minutes, whoever asks: the 76th does not leave."""
    clock, script = ManualClock(NOW), Script(SELF)
    people = People(backend_over(script), ledger, Budget(), clock)
    for _ in range(75):
        await people.account(again=True)
    with pytest.raises(RateLimited):
        await people.account(again=True)
    assert len(script.requests) == 75
