"""Taking turns at one file: a queue of the operating system in front of SQLite's own lock.

SQLite's busy handler sleeps and looks again, ever more seldom, so under load it can leave one
process waiting for seconds while others are served again and again (sqlite.org/c3ref/busy_timeout,
2026-08). A lock that the kernel hands on wakes whoever waits. It makes writers wait fairly and
nothing more: the promises rest on SQLite's lock alone, and where no turn comes in time, or the
system has no such lock, a writer goes on without one.

The file of the lock stays open from one turn to the next, and so does the thread that waits in the
kernel's queue: opening a file and starting a thread would take longer than the hand-over itself.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

PATIENCE = 1.0
"""How long (s) a writer waits for its turn before it goes on without."""

IDLE = 1.0
"""How long (s) the thread that waits for turns lives without one to wait for."""


class Turns:
    """The turns of one connection at the ledger `path`, asked for by one thread at a time."""

    def __init__(self, path: Path | str) -> None:
        """Open nothing."""
        self._path = f"{path}-turn"
        self._file: int | None = None
        self._queue = _Queue()

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
        """Let go of the file and the thread; a later turn opens it again."""
        if self._file is not None:
            self._queue.end(self._file)
            self._file, self._queue = None, _Queue()

    def _taken(self) -> int | None:
        """Return the open file whose lock is the turn, or None."""
        if sys.platform == "win32":
            return None
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._file if self._file is not None and self._queue.wait(self._file) else None
        except OSError:
            return None  # SQLite itself says what is wrong with the folder; no lock, no turn
        return self._file


class _Queue:
    """A place in the kernel's queue, which has no time limit of its own, hence the thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._wanted: int | None = None
        self._here = self._runs = self._waits = self._over = False

    def wait(self, file: int) -> bool:
        """Wait for the lock of `file`, and return whether it came in time."""
        with self._changed:
            self._wanted, self._here = file, False
            if not self._runs:
                self._runs = True
                threading.Thread(target=self._run, name="xdm-turn", daemon=True).start()
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._here, PATIENCE)
            self._wanted = None
            return self._here

    def end(self, file: int) -> None:
        """Let the thread end and the file be closed, at once or when the kernel lets go of it."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
            if not self._waits:
                os.close(file)

    def _run(self) -> None:
        while (file := self._next()) is not None:
            with suppress(OSError):  # no lock to be had: no turn, and no reason to wait for one
                fcntl.flock(file, fcntl.LOCK_EX)
            with self._changed:
                self._waits = False
                if self._over:
                    os.close(file)
                elif self._wanted is None:
                    fcntl.flock(file, fcntl.LOCK_UN)  # too late: hand it on
                else:
                    self._here, self._wanted = True, None
                    self._changed.notify_all()

    def _next(self) -> int | None:
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._wanted is not None, IDLE)
            self._waits = self._runs = self._wanted is not None and not self._over
            return self._wanted if self._waits else None
