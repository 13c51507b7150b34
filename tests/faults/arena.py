"""A place to kill processes in: a zygote, a world that survives them, and one clock for all."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import httpx2

from tests.faults.clocks import START, SharedClock

KILLED = -signal.SIGKILL
"""The exit code of a process that died at its edge."""

PATIENCE = 300.0
"""Seconds after which a group of jobs counts as hanging."""


@dataclass(frozen=True)
class Ended:
    """How a job ended: its exit code, and what it said, in order."""

    code: int
    said: tuple[dict[str, Any], ...]

    def words(self, key: str) -> list[Any]:
        """Return what was said under `key`."""
        return [each[key] for each in self.said if key in each]


@dataclass
class Arena:
    """The controls. One run at a time."""

    folder: Path
    clock: SharedClock
    origin: str
    _lines: TextIO
    _client: httpx2.Client

    def together(self, *jobs: dict[str, Any], sleeper: dict[str, Any] | None = None) -> list[Ended]:
        """Let the jobs begin at the same moment, each in a process of its own; return how they
        ended.

        A `sleeper` is begun before them, stopped while they run, woken after them, and the first of
        the list. Raises AssertionError where one broke instead of ending or dying as it should.
        """
        asked = {
            "jobs": [self._placed(job) for job in jobs],
            "sleeper": self._placed(sleeper) if sleeper else None,
        }
        print(json.dumps(asked), file=self._lines, flush=True)
        ended = [Ended(each["code"], tuple(each["said"])) for each in json.loads(self._line())]
        for each in ended:
            assert each.code in (0, KILLED), each.words("broke") or self._last_words()
        return ended

    def alone(self, job: str, **given: Any) -> Ended:
        """Do one job and return how it ended."""
        return self.together({"job": job, **given})[0]

    def begin(self) -> None:
        """Begin the world anew, at the start of time."""
        self.clock.set(START)
        self.control("POST", "reset", {})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the controls of the world."""
        answer = self._client.request(method, f"{self.origin}/_sandbox/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()

    def deliveries(self) -> list[dict[str, Any]]:
        """Return what really arrived, oldest first."""
        told: list[dict[str, Any]] = self.control("GET", "deliveries")["deliveries"]
        return told

    def _placed(self, job: dict[str, Any]) -> dict[str, Any]:
        return {"origin": self.origin, **job, "home": str(job["home"])}

    def _last_words(self) -> str:
        return (self.folder / "stderr").read_text()[-4_000:]

    def _line(self) -> str:
        line = self._lines.readline()
        assert line, "the zygote is gone"
        return line


@contextmanager
def arena(folder: Path) -> Iterator[Arena]:
    """Open an arena in `folder`; at its end nothing of it is left running."""
    folder.mkdir(parents=True, exist_ok=True)
    clock = SharedClock(folder / "clock")
    here, there = socket.socketpair()
    here.settimeout(PATIENCE)
    with there, (folder / "stderr").open("wb") as stderr:
        zygote = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote", str(there.fileno()), str(folder)],
            pass_fds=[there.fileno()],
            cwd=Path(__file__).parents[2],
            start_new_session=True,
            stderr=stderr,  # what the dying leave behind there is no concern of the suite
        )
    try:
        with here, here.makefile("rw") as lines, httpx2.Client(trust_env=False) as client:
            origin = json.loads(lines.readline())["url"]
            yield Arena(folder, clock, origin, lines, client)
    finally:
        os.killpg(zygote.pid, signal.SIGKILL)  # its own session: it and what it forked
        zygote.wait()
