"""The PIN: judged in constant time, five tries for everybody together, then a growing lock."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import apsw
import pytest
from argon2 import PasswordHasher, Type

from tests.approvals.making import NOW
from tests.starting import start_together
from xdm_mcp.approvals.factors import CHANGE_PIN, client_form
from xdm_mcp.approvals.pin import LONGEST, Pin, refuse_easy
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import BadInput, FactorLocked, NotProven
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.models.sends import Assurance

SECRET, WRONG = "830274", "111222"

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""A hasher for tests that are not about hashing."""

PROCESSES = 8


class Keypad:
    """A PIN over a ledger in memory, on a clock that the test moves."""

    def __init__(self, ledger: Any) -> None:
        """Set no PIN yet."""
        self.clock = ManualClock(NOW)
        self.ledger = ledger
        self.pin = Pin(ledger, self.clock, CHEAP)

    async def wrong(self, times: int) -> NotProven:
        """Type a wrong PIN so often and return the last refusal."""
        for _ in range(times):
            with pytest.raises(NotProven) as refusal:
                await self.pin.check(WRONG, "digest", "test")
        return refusal.value


@pytest.fixture
async def keypad() -> AsyncIterator[Keypad]:
    """A keypad whose PIN is set."""
    pad = Keypad(open_ledger("sqlite:///:memory:"))
    await pad.pin.set_first(SECRET, "test")
    yield pad
    await pad.ledger.close()


async def test_the_right_pin_is_a_proof_about_what_was_asked_and_nothing_else(
    keypad: Keypad,
) -> None:
    """It is worth `person`, and says where it was typed."""
    proof = await keypad.pin.check(SECRET, "digest of a send", "page")
    assert (proof.assurance, proof.about) == (Assurance.PERSON, "digest of a send")
    assert proof.by == "PIN, page"


async def test_without_a_pin_nothing_is_proven() -> None:
    """An owner who never set one approves nothing, and is told what to do."""
    pad = Keypad(open_ledger("sqlite:///:memory:"))
    with pytest.raises(NotProven, match="xdm-mcp approvals pin"):
        await pad.pin.check("", "digest", "test")
    with pytest.raises(NotProven):
        await pad.pin.check(SECRET, "digest", "test")


async def test_a_wrong_pin_says_how_many_tries_are_left(keypad: Keypad) -> None:
    """Four, then three; a right one forgets them."""
    assert "4 tries are left" in str(await keypad.wrong(1))
    assert "3 tries are left" in str(await keypad.wrong(1))
    await keypad.pin.check(SECRET, "digest", "test")
    assert "1 try is left" in str(await keypad.wrong(4))


async def test_five_wrong_ones_lock_and_the_lock_grows(keypad: Keypad) -> None:
    """A minute, then two, then four; while it lasts the right PIN is not even judged."""
    assert isinstance(await keypad.wrong(5), FactorLocked)
    for minutes in (1, 2, 4):
        with pytest.raises(FactorLocked) as locked:
            await keypad.pin.check(SECRET, "digest", "test")
        assert locked.value.until == keypad.clock.now() + timedelta(minutes=minutes)
        keypad.clock.advance(timedelta(minutes=minutes))
        assert isinstance(await keypad.wrong(1), FactorLocked)
    keypad.clock.advance(timedelta(minutes=8))
    await keypad.pin.check(SECRET, "digest", "test")
    assert "4 tries are left" in str(await keypad.wrong(1))


async def test_wrong_ones_leave_a_trace_and_a_flood_leaves_one_for_each_lock(
    keypad: Keypad,
) -> None:
    """The audit chain says where each was typed; what a lock refuses unjudged is not in it."""
    await keypad.wrong(5)
    await keypad.wrong(50)
    keypad.clock.advance(timedelta(minutes=1))
    await keypad.wrong(50)
    told = [record.event for record in await keypad.ledger.audit()]
    assert told == ["pin_set", *["pin_wrong"] * 4, *["pin_locked"] * 2]


def holds(folder: Path, secret: bytes) -> bool:
    """Whether any file of a folder holds a secret."""
    return any(secret in path.read_bytes() for path in folder.iterdir())


async def test_what_is_kept_is_an_argon2id_verifier_and_never_the_pin(tmp_path: Path) -> None:
    """The file holds no PIN, and a thief has to guess at the library's own price."""
    ledger = SqlLedger(SqliteDatabase(tmp_path / "ledger.db"))
    await Pin(ledger, ManualClock(NOW)).set_first(SECRET, "test")
    await ledger.close()
    database = apsw.Connection(str(tmp_path / "ledger.db"))
    [[verifier]] = database.execute("SELECT verifier FROM pin").fetchall()
    database.close()
    assert verifier.startswith("$argon2id$")
    assert PasswordHasher().type is Type.ID
    assert not PasswordHasher().check_needs_rehash(verifier)
    assert not holds(tmp_path, SECRET.encode())


async def test_an_altered_verifier_fits_nothing(tmp_path: Path) -> None:
    """Rubbish in the row is a wrong PIN, not a crash and not a right one."""
    ledger = SqlLedger(SqliteDatabase(tmp_path / "ledger.db"))
    pin = Pin(ledger, ManualClock(NOW), CHEAP)
    await pin.set_first(SECRET, "test")
    database = apsw.Connection(str(tmp_path / "ledger.db"))
    database.execute("UPDATE pin SET verifier = 'rubbish'")
    database.close()
    for typed in (SECRET, "rubbish", ""):
        with pytest.raises(NotProven):
            await pin.check(typed, "digest", "test")
    await ledger.close()


async def test_the_pin_is_changed_with_a_proof_about_just_that(keypad: Keypad) -> None:
    """A proof about a send changes no PIN, and a client's dialog is not enough."""
    for proof in (
        await keypad.pin.check(SECRET, "digest of a send", "test"),
        client_form("client", CHANGE_PIN),
    ):
        with pytest.raises(NotProven):
            await keypad.pin.change("new phrase", proof)
    await keypad.pin.change("new phrase", await keypad.pin.check(SECRET, CHANGE_PIN, "test"))
    with pytest.raises(NotProven):
        await keypad.pin.check(SECRET, "digest", "test")
    await keypad.pin.check("new phrase", "digest", "test")


async def test_a_second_first_pin_is_refused(keypad: Keypad) -> None:
    """Whoever finds the owner's PIN set cannot set one of their own."""
    with pytest.raises(NotProven):
        await keypad.pin.set_first("445566", "test")
    await keypad.pin.check(SECRET, "digest", "test")


EASY = ["", "12345", "01234", "123456", "234567890", "098765", "000000", "1234567", "abcdefg"]


@pytest.mark.parametrize("easy", [*EASY, "7" * 20, "aaaaaaaa", "x" * (LONGEST + 1)])
async def test_an_easy_secret_never_becomes_the_pin(easy: str) -> None:
    """Too short, too long, a run up or down, or one character only."""
    pad = Keypad(open_ledger("sqlite:///:memory:"))
    with pytest.raises(BadInput):
        await pad.pin.set_first(easy, "test")
    assert not await pad.pin.is_set()


@pytest.mark.parametrize(
    "good", ["830274", "1357913579", "correct horse", "пароль-слово", "x1234567"]
)
def test_six_digits_or_a_phrase_will_do(good: str) -> None:
    """Six digits that are no run, or eight characters of anything."""
    assert refuse_easy(good) == good


async def test_a_phrase_is_the_same_however_it_is_spelled(keypad: Keypad) -> None:
    """Another keyboard may compose an accent otherwise, or write digits in full width."""
    await keypad.pin.change("cafe\u0301 noir", await keypad.pin.check(SECRET, CHANGE_PIN, "test"))
    await keypad.pin.check("caf\u00e9 noir", "digest", "test")


@pytest.mark.parametrize("odd", ["\ud800", "\x00" * 8, "9" * 100_000])
async def test_an_odd_secret_is_a_wrong_one(keypad: Keypad, odd: str) -> None:
    """Half a character, NULs or a very long text break nothing."""
    with pytest.raises(NotProven):
        await keypad.pin.check(odd, "digest", "test")


async def set_in(place: Path) -> None:
    """Set the PIN of a ledger in a file."""
    ledger = SqlLedger(SqliteDatabase(place))
    await Pin(ledger, ManualClock(NOW)).set_first(SECRET, "test")
    await ledger.close()


def test_eight_processes_that_guess_at_once_have_five_tries_in_all(tmp_path: Path) -> None:
    """However they race, five guesses are judged, all others are refused unjudged."""
    place = tmp_path / "ledger.db"
    anyio.run(set_in, place)
    command = [sys.executable, "-m", "tests.approvals.guesser", str(place), WRONG, "10"]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    start_together(children)
    judged = [int(child.communicate(timeout=60)[0]) for child in children]
    assert sum(judged) == 5
