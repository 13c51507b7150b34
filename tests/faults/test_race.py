"""Many processes at once on one ledger: exactly as many messages leave as the window holds.

By default one small race is run. Twenty large ones are

    pytest -m faults tests/faults/test_race.py
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path

import pytest

from tests.faults.arena import Arena
from tests.faults.conftest import Tell

PROCESSES = 8

_numbers = count()


def race(arena: Arena, attempts: int, room: int, hold: str = "exclusive") -> Counter[str]:
    """Let eight processes try `attempts` sends in all where `room` fit; return how they ended, and
    how many were `delivered`."""
    home: Path = arena.folder / f"race-{next(_numbers)}"
    home.mkdir(mode=0o700)
    arena.alone("meet", home=home)
    each = {"job": "race", "home": home, "room": room, "hold": hold}
    jobs = [
        {**each, "worker": worker, "attempts": attempts // PROCESSES} for worker in range(PROCESSES)
    ]
    ends: Counter[str] = Counter()
    for ended in arena.together(*jobs):
        ends.update(ended.words("ends")[0])
    ends["delivered"] = len((home / "deliveries").read_text().splitlines())
    return ends


def test_eight_processes_never_pass_a_window_together(open_arena: Arena, tell: Tell) -> None:
    """600 attempts where 120 fit: 120 are delivered, and every other one is refused."""
    ends = race(open_arena, 600, 120)

    tell(f"race, 600 attempts, limit 120: {dict(ends)}")
    assert (ends["delivered"], ends["sent"], ends["denied"]) == (120, 120, 480)


@pytest.mark.faults
@pytest.mark.parametrize("number", range(20))
def test_eight_processes_never_pass_a_large_window(
    open_arena: Arena, tell: Tell, number: int
) -> None:
    """5,000 attempts where 1,000 fit, twenty times: exactly 1,000 are delivered each time."""
    ends = race(open_arena, 5_000, 1_000)

    tell(f"race {number}, 5,000 attempts, limit 1,000: {dict(ends)}")
    assert (ends["delivered"], ends["sent"]) == (1_000, 1_000)


def test_without_the_exclusive_hold_a_deferred_transaction_fails_the_race(
    open_arena: Arena, tell: Tell
) -> None:
    """Reading first and writing later either passes the window or ends in errors."""
    ends = race(open_arena, 600, 120, "deferred")

    tell(f"race with a deferred transaction: {dict(ends)}")
    assert ends["delivered"] > 120 or ends["error"]


def test_without_any_hold_the_race_passes_the_window(open_arena: Arena, tell: Tell) -> None:
    """Deciding and writing in separate steps lets more leave than fit, in one of three races."""
    races = [race(open_arena, 600, 120, "none")["delivered"]]
    while max(races) <= 120 and len(races) < 3:
        races.append(race(open_arena, 600, 120, "none")["delivered"])

    tell(f"race without any hold, limit 120: {races} delivered")
    assert max(races) > 120
