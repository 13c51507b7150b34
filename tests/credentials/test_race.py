"""However processes are cancelled and killed around a renewal, the token family lives."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import anyio
import pytest

from tests.credentials.racing import BACKEND, Tally, calm, play, starter
from tests.credentials.serving import Served
from xdm_mcp.credentials.store import Store

ASKING = """
import sys, anyio
from pathlib import Path
from tests.credentials.racing import ask
anyio.run(ask, Path(sys.argv[1]), sys.argv[2], None)
"""
"""A program that asks for a token and does nothing else."""


def survive(x: Served, home: Path, rounds: int, seconds: float) -> Tally:
    """Play as many of `rounds` as begin within `seconds`; each must cost exactly one renewal and
    leave a login that works."""
    x.logged_in(home)
    tally, chance = Tally(), random.Random(rounds)  # noqa: S311
    with starter() as start:
        ends_at = monotonic() + seconds
        for number in range(rounds):
            if monotonic() > ends_at:
                break
            record = play(start, x.authority, x.url, home, chance, tally)
            assert x.renewals == number + 1, f"round {number}"
            assert x.authority.counts["reused"] == 0, f"round {number}"
            assert x.authority.scopes_of(record.access), f"round {number}"
            assert x.authority.families[0].alive
    assert tally.killed
    assert tally.cancelled
    return tally


def test_a_server_killed_between_xs_answer_and_the_disk_loses_nothing(
    x: Served, home: Path
) -> None:
    """X has spent the token and the answer is on its way when the server and its whole process
    group are killed: the child that renews goes on and saves the new pair."""
    x.logged_in(home, expired=True)
    x.fault(path="/oauth2/token", kind="delay", seconds=0.5, when="after")
    with subprocess.Popen(
        [sys.executable, "-c", ASKING, str(home), x.url], start_new_session=True
    ) as server:
        ends_at = monotonic() + 30
        while not x.renewals:
            assert monotonic() < ends_at
            sleep(0.005)
        os.killpg(server.pid, signal.SIGKILL)
    assert server.returncode == -signal.SIGKILL
    anyio.run(calm, home, x.url)
    record = Store(home).load(BACKEND)
    assert record is not None
    assert x.authority.scopes_of(record.access)
    assert (x.renewals, x.authority.counts["reused"]) == (1, 0)


def test_the_family_lives_through_some_rounds(x: Served, home: Path) -> None:
    """A sample: 30 rounds, or fewer on a busy machine."""
    assert survive(x, home, 30, seconds=12).asked >= 6


@pytest.mark.faults
def test_the_family_lives_through_200_rounds(x: Served, home: Path) -> None:
    """Two processes, one login, 200 ends of its token: exactly 200 renewals, none of a spent
    token."""
    tally = survive(x, home, 200, seconds=1800)
    assert tally.asked == 400
    assert min(tally.killed, tally.cancelled) >= 50
