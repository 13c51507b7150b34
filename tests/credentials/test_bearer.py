"""A stored login's token: renewed once whoever asks, safe before it is used, never in a loop."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from pydantic import SecretStr

from tests.credentials.serving import BACKEND, Served
from xdm_mcp.clock import ShiftedClock, SystemClock
from xdm_mcp.credentials import bearer as bearers
from xdm_mcp.credentials import notes
from xdm_mcp.credentials.bearer import PAUSE, StoredBearer
from xdm_mcp.credentials.renewing import End, Renewal, renew_stored
from xdm_mcp.credentials.store import Store
from xdm_mcp.errors import BackendUnavailable, Refused


class Inside:
    """A renewal without a child, for speed; `begun` counts them."""

    begun = 0

    def __init__(self, home: Path, backend: str, replaces: str, lock: int) -> None:
        """Do it at once."""
        type(self).begun += 1
        self.end = renew_stored(Store(home), backend, replaces)

    def leave(self) -> None:
        """Nothing is left."""


@pytest.fixture
def clock() -> ShiftedClock:
    """The machine's clock, which a test can move on."""
    Inside.begun = 0
    return ShiftedClock(SystemClock())


@pytest.fixture
def bearer(x: Served, home: Path, clock: ShiftedClock) -> Callable[..., StoredBearer]:
    """Make another bearer over the same home, as another process would have."""

    def made(start: Any = Inside) -> StoredBearer:
        return StoredBearer(home, BACKEND, x.url, clock, start)

    return made


async def test_a_token_that_holds_is_not_renewed(
    x: Served, home: Path, bearer: Callable[..., StoredBearer]
) -> None:
    """The stored one is used as it is, and the account is known from then on."""
    record, one = x.logged_in(home), bearer()
    assert one.account_id is None
    assert (await one.token()).get_secret_value() == record.access
    assert (one.account_id, x.renewals) == (record.account_id, 0)


async def test_it_is_renewed_ahead_of_its_end(
    x: Served, home: Path, bearer: Callable[..., StoredBearer], clock: ShiftedClock
) -> None:
    """Five minutes before the end a new pair is in the store before anybody has the token."""
    record, one = x.logged_in(home), bearer()
    clock.shift = timedelta(hours=2) - timedelta(minutes=4)
    token = (await one.token()).get_secret_value()
    stored = Store(home).load(BACKEND)
    assert stored is not None
    assert token == stored.access != record.access
    assert stored.refresh != record.refresh
    assert x.renewals == 1


async def test_ten_calls_at_once_make_one_renewal(
    x: Served, home: Path, bearer: Callable[..., StoredBearer]
) -> None:
    """Whoever comes later gets the token that the first one renewed."""
    x.logged_in(home, expired=True)
    one, got = bearer(), set[str]()

    async def ask() -> None:
        got.add((await one.token()).get_secret_value())

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(ask)
    assert (len(got), x.renewals) == (1, 1)


async def test_another_processs_renewal_is_found_in_the_store(
    x: Served, home: Path, bearer: Callable[..., StoredBearer]
) -> None:
    """Who is refused looks into the store first."""
    record, one, other = x.logged_in(home), bearer(), bearer()
    await one.token()
    new = await other.renewed(SecretStr(record.access))
    assert (await one.renewed(SecretStr(record.access))) == new
    assert x.renewals == 1


async def test_a_refused_token_is_renewed_once(
    x: Served, home: Path, bearer: Callable[..., StoredBearer]
) -> None:
    """One 401 is one renewal, and the new token is another one."""
    record, one = x.logged_in(home), bearer()
    first = await one.renewed(SecretStr(record.access))
    again = await one.renewed(SecretStr(record.access))
    assert first == again != SecretStr(record.access)
    assert x.renewals == 1


async def test_a_broken_login_needs_a_person_and_is_never_tried_again(
    x: Served, home: Path, bearer: Callable[..., StoredBearer]
) -> None:
    """The refusal is kept with the login, for every process."""
    x.logged_in(home, expired=True)
    x.authority.families[0].alive = False
    for one in (bearer(), bearer(), bearer()):
        with pytest.raises(Refused, match="xdm-mcp login --backend x-api-v2") as raised:
            await one.token()
        assert "cut off" not in str(raised.value)
    assert Inside.begun == 1


async def test_trouble_on_the_way_keeps_the_old_token(
    x: Served, home: Path, bearer: Callable[..., StoredBearer], clock: ShiftedClock
) -> None:
    """While it holds, the old token is used, and nothing is tried again for half a minute."""
    record, one = x.logged_in(home), bearer()
    clock.shift = timedelta(hours=2) - timedelta(minutes=4)
    x.fault(path="/oauth2/token", kind="status", status=403, times=99)
    for _ in range(3):
        assert (await one.token()).get_secret_value() == record.access
    assert Inside.begun == 1
    clock.shift += PAUSE
    await one.token()
    assert Inside.begun == 2


async def test_without_a_usable_token_trouble_is_told(
    x: Served, home: Path, bearer: Callable[..., StoredBearer], clock: ShiftedClock
) -> None:
    """It is not a matter for a person: the next try may succeed."""
    record, one = x.logged_in(home, expired=True), bearer()
    x.fault(path="/oauth2/token", kind="rate_limit")
    with pytest.raises(BackendUnavailable):
        await one.token()
    clock.shift = PAUSE
    assert (await one.token()).get_secret_value() != record.access


async def test_an_unknown_end_is_not_risked_while_the_token_holds(
    x: Served, home: Path, bearer: Callable[..., StoredBearer], clock: ShiftedClock
) -> None:
    """The refresh token may be spent: the old access token is used to its end, in every process."""
    record = x.logged_in(home)
    clock.shift = timedelta(hours=2) - timedelta(minutes=4)
    x.fault(path="/oauth2/token", kind="drop_before")
    for one in (bearer(), bearer()):
        for _ in range(2):
            assert (await one.token()).get_secret_value() == record.access
    assert Inside.begun == 1
    clock.shift = timedelta(hours=2)
    assert (await bearer().token()).get_secret_value() != record.access
    assert (x.renewals, x.authority.counts["reused"]) == (1, 0)


async def test_a_lost_answer_is_told_as_what_it_is(
    x: Served, home: Path, bearer: Callable[..., StoredBearer], clock: ShiftedClock
) -> None:
    """X had spent the token when the answer was lost: a person must log in, and learns why."""
    x.logged_in(home, expired=True)
    x.fault(path="/oauth2/token", kind="drop_after")
    with pytest.raises(BackendUnavailable):
        await bearer().token()
    clock.shift = PAUSE
    with pytest.raises(Refused, match="earlier renewal was cut off"):
        await bearer().token()


async def test_being_cancelled_loses_nothing(
    x: Served, home: Path, bearer: Callable[..., StoredBearer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child goes on, and the next call finds what it stored."""
    monkeypatch.setattr(bearers, "LOOK_EVERY", 0.001)
    x.logged_in(home, expired=True)
    x.fault(path="/oauth2/token", kind="delay", seconds=0.3, when="after")
    one = bearer(Renewal)
    with anyio.move_on_after(0.5) as scope:
        await one.token()
    assert scope.cancelled_caught or x.renewals == 1
    with anyio.fail_after(20):
        token = await one.token()
    assert x.authority.scopes_of(token.get_secret_value())
    assert (x.renewals, x.authority.counts["reused"]) == (1, 0)


async def test_a_killed_child_is_noticed(
    x: Served, home: Path, bearer: Callable[..., StoredBearer], clock: ShiftedClock
) -> None:
    """Killed between X's answer and the disk, it leaves the note that says so."""
    record = x.logged_in(home, expired=True)
    x.fault(path="/oauth2/token", kind="delay", seconds=5, when="after")

    def kill_when_spent(*given: Any) -> Renewal:
        renewal = Renewal(*given)
        while not x.renewals:
            assert renewal.end is None
        os.kill(renewal._child.pid, signal.SIGKILL)
        return renewal

    with pytest.raises(BackendUnavailable), anyio.fail_after(20):
        await bearer(kill_when_spent).token()
    assert notes.cut_off_at(Store(home).file_of(BACKEND), record) is not None
    clock.shift = PAUSE
    with pytest.raises(Refused, match="earlier renewal was cut off"):
        await bearer().token()


async def test_signals_that_end_programs_do_not_end_the_child(
    x: Served, home: Path, bearer: Callable[..., StoredBearer]
) -> None:
    """A terminal's Ctrl-C, a hang-up and a service's stop leave it to its few seconds."""
    x.logged_in(home, expired=True)
    x.fault(path="/oauth2/token", kind="delay", seconds=0.5, when="after")

    def signalled(*given: Any) -> Renewal:
        renewal = Renewal(*given)
        while not x.renewals:
            assert renewal.end is None
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(renewal._child.pid, number)
        return renewal

    with anyio.fail_after(20):
        token = await bearer(signalled).token()
    assert x.authority.scopes_of(token.get_secret_value())


async def test_nobody_logged_in_names_the_command(bearer: Callable[..., StoredBearer]) -> None:
    """A server that starts without a login says how to log in, when it is asked."""
    with pytest.raises(Refused, match="xdm-mcp login --backend x-api-v2"):
        await bearer().token()


async def test_a_token_goes_nowhere_else(x: Served, home: Path, clock: ShiftedClock) -> None:
    """A login made at one address is not used at another."""
    x.logged_in(home)
    with pytest.raises(Refused, match="goes nowhere else"):
        await StoredBearer(home, BACKEND, "https://api.x.com", clock, Inside).token()


async def test_a_login_as_somebody_else_is_not_slipped_in(
    x: Served, home: Path, bearer: Callable[..., StoredBearer]
) -> None:
    """A running server keeps to the account that it began with."""
    record, one = x.logged_in(home), bearer()
    await one.token()
    Store(home).save(replace(x.record(), account_id="2200000011"), "file")
    with pytest.raises(Refused, match="another account"):
        await one.renewed(SecretStr(record.access))


async def test_a_login_without_renewal_ends(
    x: Served, home: Path, bearer: Callable[..., StoredBearer], clock: ShiftedClock
) -> None:
    """Where `offline.access` was not granted, a person logs in again after two hours."""
    x.authority.grants = frozenset({"dm.read", "dm.write", "tweet.read", "users.read"})
    record, one = x.logged_in(home), bearer()
    assert record.refresh == ""
    await one.token()
    clock.shift = timedelta(hours=2)
    with pytest.raises(Refused, match="has ended"):
        await one.token()
    assert Inside.begun == 0


async def test_a_file_that_others_can_read_is_refused(
    x: Served, home: Path, bearer: Callable[..., StoredBearer]
) -> None:
    """The store's own sentence reaches the caller as a refusal."""
    x.logged_in(home)
    Store(home).file_of(BACKEND).chmod(0o644)
    with pytest.raises(Refused, match="chmod 600"):
        await bearer().token()


def test_what_is_not_wanted_is_not_renewed(x: Served, home: Path) -> None:
    """A child that comes late finds another token and leaves it alone."""
    x.logged_in(home)
    assert renew_stored(Store(home), BACKEND, "mark of another token") is End.RENEWED
    assert x.renewals == 0
