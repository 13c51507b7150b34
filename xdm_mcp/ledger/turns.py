"""Taking turns at one file: a lock of the operating system in front of SQLite's own.

SQLite's busy handler sleeps and looks again, ever more seldom, so under load it can leave one
process waiting for seconds while others are served again and again (sqlite.org/c3ref/busy_timeout,
2026-08). Here everybody who waits looks equally often, so each has the same chance at each turn,
and a turn lies idle only until the next of them looks. It makes writers wait fairly and nothing
more: the promises rest on SQLite's lock alone, and where no turn comes in time, or the system has
no such lock, a writer goes on without one.

Waiting in the kernel's queue has no time limit, so it would need a thread to wait and another
wake-up for each hand-over. On two busy cores that took longer than looking again.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PATIENCE = 1.0
"""How long (s) a writer waits for its turn before it goes on without."""

PAUSE = 0.0003
"""How long (s) it waits between two looks, about as long as a transaction takes."""


class Turns:
    """The turns of one connection at the ledger `path`, asked for by one thread at a time."""

    def __init__(self, path: Path | str) -> None:
        """Open nothing."""
        self._path = f"{path}-turn"
        self._file: int | None = None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the turn until the block ends, or nothing if none came in time."""
        file = self._taken()
        try:
            yield
        finally:
            if file is not None:
                fcntl.flock(file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file, which stays open from one turn to the next; a later turn opens it
        again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _taken(self) -> int | None:
        """Return the open file whose lock is the turn, or None."""
        if sys.platform == "win32":
            return None
        until: float | None = None
        while True:
            try:
                if self._file is None:
                    self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                until = until or time.monotonic() + PATIENCE
                if time.monotonic() > until:
                    return None
                time.sleep(PAUSE)
            except OSError:
                return None  # SQLite itself says what is wrong with the folder; no lock, no turn
            else:
                return self._file
