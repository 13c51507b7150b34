"""Two processes with one stored login whose token has ended: asked, cancelled, killed.

Run as a module it is what starts them: a process that has imported everything already, and forks.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import IO

import anyio

from xdm_mcp.clock import SystemClock
from xdm_mcp.credentials.bearer import StoredBearer
from xdm_mcp.credentials.locks import locked
from xdm_mcp.credentials.record import Record
from xdm_mcp.credentials.store import Store
from xdm_mcp.sandbox.oauth.authority import Authority

BACKEND = "x-api-v2"

LONGEST = 0.5
"""Seconds within which a process is cancelled or killed: as long as a renewal takes here."""


@dataclass
class Tally:
    """What was done to the processes."""

    asked: int = 0
    cancelled: int = 0
    killed: int = 0


class Starter:
    """Starts the processes."""

    def __init__(self, given: IO[str], told: IO[str]) -> None:
        """Speak with the one that forks."""
        self._given = given
        self._told = told

    def start(self, home: Path, url: str, patience: float | None) -> int:
        """Start a process that asks for a token; return its number."""
        return self._say(["start", str(home), url, patience])

    def wait(self, number: int) -> int:
        """Return how a process ended: its exit code, or the signal as a negative number."""
        return self._say(["wait", number])

    def _say(self, words: list[object]) -> int:
        self._given.write(json.dumps(words) + "\n")
        self._given.flush()
        return int(self._told.readline())


@contextmanager
def starter() -> Iterator[Starter]:
    """Have a starter while the block runs."""
    command = [sys.executable, "-m", "tests.credentials.racing"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Starter(process.stdin, process.stdout)
        process.stdin.close()


def play(
    starter: Starter,
    authority: Authority,
    url: str,
    home: Path,
    chance: random.Random,
    tally: Tally,
) -> Record:
    """Play one round: the token ends, two processes ask, and nobody is spared. Return the login as
    it is once all is quiet and a last, undisturbed process has asked too."""
    _end_token(authority, home)
    moves = [chance.choice(("calm", "cancel", "kill")) for _ in range(2)]
    moments = [chance.uniform(0, LONGEST) for _ in moves]
    drawn = list(zip(moves, moments, strict=True))
    begun = monotonic()
    numbers = [starter.start(home, url, at if move == "cancel" else None) for move, at in drawn]
    killing = [(at, n) for (move, at), n in zip(drawn, numbers, strict=True) if move == "kill"]
    for at, number in sorted(killing):
        sleep(max(0.0, begun + at - monotonic()))
        os.kill(number, signal.SIGKILL)
    ends = [starter.wait(number) for number in numbers]
    allowed = {"calm": {0}, "cancel": {0}, "kill": {0, -signal.SIGKILL}}
    assert all(end in allowed[move] for end, move in zip(ends, moves, strict=True)), ends
    tally.asked += len(moves)
    tally.cancelled += moves.count("cancel")
    tally.killed += ends.count(-signal.SIGKILL)
    anyio.run(calm, home, url)
    return _stored(home)


def _stored(home: Path) -> Record:
    record = Store(home).load(BACKEND)
    assert record is not None
    return record


def _end_token(authority: Authority, home: Path) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    Store(home).save(replace(_stored(home), renew_at=past, expires_at=past))
    authority.expire()


async def calm(home: Path, url: str) -> None:
    """Wait until no child renews any more, then ask without being disturbed."""
    async with locked(Store(home).lock_of(BACKEND)):
        pass
    with anyio.fail_after(30):
        await StoredBearer(home, BACKEND, url, SystemClock()).token()


async def ask(home: Path, url: str, patience: float | None) -> None:
    """Be one of the processes: ask for a token, and give up after `patience` seconds."""
    with anyio.move_on_after(patience):
        await StoredBearer(home, BACKEND, url, SystemClock()).token()


def _fork(home: str, url: str, patience: float | None) -> int:
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        anyio.run(ask, Path(home), url, patience)
        code = 0
    finally:
        os._exit(code)


def main() -> None:
    """Fork processes and wait for them as we are told."""
    for line in sys.stdin:
        verb, *words = json.loads(line)
        if verb == "start":
            answer = _fork(*words)
        else:
            answer = os.waitstatus_to_exitcode(os.waitpid(*words, 0)[1])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
