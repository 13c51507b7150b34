"""Taking turns at one file: a queue of the operating system in front of SQLite's own lock.

SQLite's busy handler sleeps and looks again, ever more seldom, so under load it can leave one
process waiting for seconds while others are served again and again (sqlite.org/c3ref/busy_timeout,
2026-08). A lock that the kernel hands on wakes whoever waits. It makes writers wait fairly and
nothing more: the promises rest on SQLite's lock alone, and where no turn comes in time, or the
system has no such lock, a writer goes on without one.
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


@contextmanager
def turn(path: Path | str) -> Iterator[None]:
    """Hold the turn at the ledger `path` until the block ends, or nothing if none came in time."""
    held = _taken(f"{path}-turn")
    try:
        yield
    finally:
        if held is not None:
            os.close(held)  # which hands the turn on


def _taken(path: str) -> int | None:
    """Return the open file whose lock is the turn, or None."""
    if sys.platform == "win32":
        return None
    try:
        file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError:
        return None  # SQLite itself says what is wrong with the folder
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return _waited_for(file)
    except OSError:
        os.close(file)
        return None
    return file


def _waited_for(file: int) -> int | None:
    """Wait in the kernel's queue, which has no time limit of its own, hence the thread."""
    decided, here = threading.Lock(), threading.Event()
    late = False

    def wait() -> None:
        with suppress(OSError):  # no lock to be had: no turn, and no reason to wait for one
            fcntl.flock(file, fcntl.LOCK_EX)
        with decided:
            here.set()
            if late:
                os.close(file)

    threading.Thread(target=wait, name="xdm-turn", daemon=True).start()
    here.wait(PATIENCE)
    with decided:
        late = not here.is_set()
    return None if late else file
