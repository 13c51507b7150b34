"""Many processes at once on one ledger: exactly as many messages leave as the window holds.

By default small races are run. Twenty large ones on each engine are

    pytest -m faults tests/faults/test_race.py
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from tests.conftest import Tell
from tests.faults.arena import Arena
from tests.postgres import fresh_url

PROCESSES = 8

ENGINES = ("sqlite", "postgres")

_numbers = count()


def race(
    arena: Arena, attempts: int, room: int, engine: str = "sqlite", hold: str | None = None
) -> Counter[str]:
    """Let eight processes try `attempts` sends in all where `room` fit; return how they ended, and
    how many were `delivered`."""
    home: Path = arena.folder / f"race-{next(_numbers)}"
    home.mkdir(mode=0o700)
    url = fresh_url() if engine == "postgres" else f"sqlite:///{home}/ledger.db"
    arena.alone("meet", home=home, url=url)
    each = {"job": "race", "home": home, "url": url, "room": room, "hold": hold}
    jobs = [
        {**each, "worker": worker, "attempts": attempts // PROCESSES} for worker in range(PROCESSES)
    ]
    ends: Counter[str] = Counter()
    for ended in arena.together(*jobs):
        ends.update(ended.words("ends")[0])
    ends["delivered"] = len((home / "deliveries").read_text().splitlines())
    return ends


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("attempts", "room"), [(120, 15), (600, 120)])
def test_eight_processes_never_pass_a_window_together(
    open_arena: Arena, tell: Tell, engine: str, attempts: int, room: int
) -> None:
    """As many are delivered as fit, and every other one is refused."""
    ends = race(open_arena, attempts, room, engine)

    tell(f"race on {engine}, {attempts} attempts, limit {room}: {dict(ends)}")
    assert (ends["delivered"], ends["sent"], ends["denied"]) == (room, room, attempts - room)


@pytest.mark.faults
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("number", range(20))
def test_eight_processes_never_pass_a_large_window(
    open_arena: Arena, tell: Tell, engine: str, number: int
) -> None:
    """5,000 attempts where 1,000 fit, twenty times: exactly 1,000 are delivered each time."""
    ends = race(open_arena, 5_000, 1_000, engine)

    tell(f"race {number} on {engine}, 5,000 attempts, limit 1,000: {dict(ends)}")
    assert (ends["delivered"], ends["sent"]) == (1_000, 1_000)


def test_without_the_exclusive_hold_a_deferred_transaction_fails_the_race(
    open_arena: Arena, tell: Tell
) -> None:
    """Reading first and writing later either passes the window or ends in errors."""
    ends = race(open_arena, 600, 120, hold="deferred")

    tell(f"race with a deferred transaction, limit 120: {dict(ends)}")
    assert ends["delivered"] > 120 or ends["error"]


def test_without_any_hold_the_race_passes_the_window(open_arena: Arena, tell: Tell) -> None:
    """Deciding and writing in separate steps lets more leave than fit, in one of a few races."""
    delivered = [race(open_arena, 64, 4, hold="none")["delivered"]]
    while max(delivered) <= 4 and len(delivered) < 6:
        delivered.append(race(open_arena, 64, 4, hold="none")["delivered"])

    tell(f"race without any hold, limit 4: {delivered} delivered")
    assert max(delivered) > 4


@pytest.mark.faults
def test_a_limiter_that_counts_first_and_writes_later_passes_its_window(
    open_arena: Arena, tell: Tell
) -> None:
    """The same race for pyrate-limiter's SQLite bucket, where it is installed, to compare with."""
    pytest.importorskip("pyrate_limiter", reason="compares with the group `field`")
    sent = []
    for number in range(5):
        home = open_arena.folder / f"pyrate-{number}"
        home.mkdir(mode=0o700)
        job = {"job": "pyrate", "home": home, "attempts": 5_000 // PROCESSES, "room": 1_000}
        open_arena.together({**job, "attempts": 0})
        ended = open_arena.together(*[job] * PROCESSES)
        sent.append(sum(each.words("ends")[0]["sent"] for each in ended))

    tell(f"pyrate-limiter's SQLite bucket, 5,000 attempts, limit 1,000: {sent} let through")
    assert max(sent) > 1_000
