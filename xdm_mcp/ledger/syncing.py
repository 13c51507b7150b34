"""Making a commit durable after its turn: the sync of SQLite's write-ahead log, in our own hands.

SQLite itself would sync within the commit, while nobody else can write (`synchronous=FULL`). With
`NORMAL` it writes and checks a commit all the same, and syncs only around a checkpoint; a power cut
takes the last commits and nothing before them (sqlite.org/pragma.html#pragma_synchronous, 2026-11).
So the log is synced here once the turn is given on: a commit is told of when it is on the disk, as
before, while the next writer already decides. A sync carries everything that was written to the
log before it, whoever wrote it. Whoever reads what others have committed since syncs too before it
tells.

A system whose disk failed may call the same pages written at the next try (fsync(2)). Nothing is
built on such a hole: after a failed sync this connection refuses everything, and whoever opens the
ledger writes the log once more as it reads, so that all of it is to be written again.
"""

from __future__ import annotations

import errno
import os
import sys

from xdm_mcp.errors import LedgerUnavailable

if sys.platform == "darwin":
    import fcntl

UNKNOWN_HERE = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY})
"""What a file system answers that has no full sync."""

AT_ONCE = 1 << 20
"""How many bytes are written anew at once."""


class Log:
    """The write-ahead log at `path`, as one open connection to the ledger `place` syncs it.

    Only locks on the database and its shared memory belong to SQLite, so another descriptor of the
    log may be opened and closed at any time. The file lives as long as any connection does.
    """

    def __init__(self, path: str, place: str) -> None:
        """Open the log, which an open connection has made. Raises LedgerUnavailable."""
        self._place = place
        self._failed: OSError | None = None
        self._covered: int | None = None
        flags = os.O_RDWR | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        try:
            self._file = os.open(path, flags)
        except OSError as error:
            raise self._unavailable(error) from None

    def check(self) -> None:
        """Raise LedgerUnavailable if a sync has failed."""
        if self._failed is not None:
            raise self._unavailable(self._failed)

    def renew(self) -> None:
        """Write the log as it reads, and sync it, while the caller keeps everybody from writing to
        it. Raises LedgerUnavailable."""
        try:
            place = 0
            while some := self._read(place):
                os.lseek(self._file, place, os.SEEK_SET)
                place += os.write(self._file, some)
        except OSError as error:
            raise self._unavailable(error) from None
        if place:
            self.sync()

    def cover(self, version: int, *, wrote: bool) -> None:
        """Return when all is on the disk that a transaction saw and `wrote`; `version` is SQLite's
        count of what others have committed. Raises LedgerUnavailable."""
        if wrote or version != self._covered:
            self.sync()
            self._covered = version

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

    def _read(self, place: int) -> bytes:
        os.lseek(self._file, place, os.SEEK_SET)
        return os.read(self._file, AT_ONCE)

    def _unavailable(self, error: OSError) -> LedgerUnavailable:
        return LedgerUnavailable(
            f"The ledger {self._place} could not be synced to its disk ({error.strerror}), so what"
            " was asked for may be noted or not; check the disk, then start the program again."
        )


def flush(file: int) -> None:
    """Return when what was written to `file` is on the disk, as surely as the system can."""
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(file, fcntl.F_FULLFSYNC)  # a plain fsync does not reach the platter
        except OSError as error:
            if error.errno not in UNKNOWN_HERE:
                raise
        else:
            return
    getattr(os, "fdatasync", os.fsync)(file)
