"""Making a commit durable after its turn: the sync of SQLite's write-ahead log, in our own hands.

SQLite itself would sync within the commit, while nobody else can write (`synchronous=FULL`). With
`NORMAL` it writes and checks a commit all the same, and syncs only around a checkpoint; a power cut
takes the last commits and nothing before them (sqlite.org/pragma.html#pragma_synchronous, 2026-11).
So the log is synced here once the turn is given on: a commit is told of when it is on the disk, as
before, while the next writer already decides. A sync carries everything that was written to the
log before it, whoever wrote it.

What a reader sees of another process in between may still be lost with the power. Nothing is done
about it before a commit of the reader's own, and the sync of that carries both.
"""

from __future__ import annotations

import os
import sys

from xdm_mcp.errors import LedgerUnavailable

if sys.platform == "darwin":
    import fcntl


class Log:
    """The write-ahead log of the ledger `path`, as one open connection syncs it.

    Only locks on the database and its shared memory belong to SQLite, so another descriptor of the
    log may be opened and closed at any time. The file lives as long as any connection does.
    """

    def __init__(self, path: str) -> None:
        """Open the log, which an open connection has made. Raises LedgerUnavailable."""
        self._place = path
        self._failed: OSError | None = None
        try:
            self._file = os.open(f"{path}-wal", os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise self._unavailable(error) from None

    def check(self) -> None:
        """Raise LedgerUnavailable if a sync has failed: a system that could not write may call the
        same pages written at the next try (fsync(2)), so nothing is built on them."""
        if self._failed is not None:
            raise self._unavailable(self._failed)

    def sync(self) -> None:
        """Return when all that was committed so far is on the disk. Raises LedgerUnavailable."""
        try:
            flush(self._file)
        except OSError as error:
            self._failed = error
            self.check()

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)

    def _unavailable(self, error: OSError) -> LedgerUnavailable:
        return LedgerUnavailable(
            f"The ledger {self._place} could not be synced to its disk ({error.strerror}); check"
            " the disk, then start the program again."
        )


def flush(file: int) -> None:
    """Return when what was written to `file` is on the disk, as surely as the system can."""
    if sys.platform == "darwin":
        fcntl.fcntl(file, fcntl.F_FULLFSYNC)  # a plain fsync does not reach the platter there
    elif hasattr(os, "fdatasync"):
        os.fdatasync(file)
    else:
        os.fsync(file)
