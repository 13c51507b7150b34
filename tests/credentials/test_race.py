"""However processes are cancelled and killed around a renewal, the token family lives."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.credentials.racing import Tally, play, starter
from tests.credentials.serving import Served


def survive(x: Served, home: Path, rounds: int) -> Tally:
    """Play `rounds`; each must cost exactly one renewal and leave a login that works."""
    x.logged_in(home)
    tally, chance = Tally(), random.Random(rounds)  # noqa: S311
    with starter() as start:
        for number in range(rounds):
            record = play(start, x.authority, x.url, home, chance, tally)
            assert x.renewals == number + 1, f"round {number}"
            assert x.authority.counts["reused"] == 0, f"round {number}"
            assert x.authority.scopes_of(record.access), f"round {number}"
            assert x.authority.families[0].alive
    assert tally.killed
    assert tally.cancelled
    return tally


def test_the_family_lives_through_some_rounds(x: Served, home: Path) -> None:
    """A sample of the rounds, in seconds."""
    survive(x, home, 30)


@pytest.mark.faults
def test_the_family_lives_through_200_rounds(x: Served, home: Path) -> None:
    """Two processes, one login, 200 ends of its token: exactly 200 renewals, none of a spent
    token."""
    tally = survive(x, home, 200)
    assert tally.asked == 400
    assert min(tally.killed, tally.cancelled) >= 50
