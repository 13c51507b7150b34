"""A disk that is cut off from power: what was written and never synced may be gone.

A `Recorder` writes down what SQLite does to its files, as a layer over the machine's own, and a
`RecordedLog` when the ledger syncs SQLite's log. From that the files are made as a power cut at any
moment may leave them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest import mock

import apsw

from xdm_mcp.ledger import sqlite
from xdm_mcp.ledger.syncing import Log

NAME = "recorder"

JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL

CHECKPOINT_AFTER = 40
"""Pages in the write-ahead log before they move to the database: few enough for that to happen,
and too many for it to happen, and sync, at each commit."""


@dataclass(frozen=True)
class Write:
    """Bytes that were written to a file, or, where `size` is given, the length it was cut to."""

    file: str
    offset: int = 0
    content: bytes = b""
    size: int | None = None


@dataclass(frozen=True)
class Sync:
    """A file whose writes are safe from here on, and with `folder` everything that was deleted.

    SQLite syncs the folder together with a journal that it has just made, the first time that it
    syncs that (`UNIXFILE_DIRSYNC` in SQLite's os_unix.c).
    """

    file: str
    folder: bool = False


@dataclass(frozen=True)
class Gone:
    """A file that was deleted, for good if the folder was synced."""

    file: str
    folder: bool


@dataclass(frozen=True)
class Mark:
    """From here on the ledger is bound to know that a send was at least at `state`."""

    text: str
    state: str


Step = Write | Sync | Gone | Mark

Keep = Callable[[Step], bool]
"""Whether a write or a deletion that was not synced reached the platter all the same."""


@dataclass
class Tape:
    """Everything that happened, in order."""

    steps: list[Step] = field(default_factory=list)

    def mark(self, text: str, state: str) -> None:
        """Note how far a send is, as somebody outside of the ledger has seen it."""
        self.steps.append(Mark(text, state))

    def syncs(self) -> list[int]:
        """Return the places of the syncs."""
        return [place for place, step in enumerate(self.steps) if isinstance(step, Sync)]

    def marks(self, until: int | None = None) -> list[Mark]:
        """Return the marks before a place, or all."""
        return [step for step in self.steps[:until] if isinstance(step, Mark)]

    def files(self, until: int, keep: Keep) -> dict[str, bytes]:
        """Return the files after a power cut at a place; `keep` decides about what was not synced.

        A file whose deletion was lost is there again.
        """
        safe: dict[str, bytearray] = {}
        pending: dict[str, list[Write]] = {}
        ghosts: dict[str, tuple[Gone, bytearray]] = {}
        for step in self.steps[:until]:
            match step:
                case Write(file=file):
                    pending.setdefault(file, []).append(step)
                case Sync(file=file):
                    _apply(safe, pending.pop(file, []))
                case Gone(file=file):
                    pending.pop(file, None)
                    ghosts[file] = (step, safe.pop(file, bytearray()))
            if isinstance(step, Sync | Gone) and step.folder:
                ghosts.clear()
        for writes in pending.values():
            _apply(safe, [write for write in writes if keep(write)])
        for file, (gone, content) in ghosts.items():
            if not keep(gone):
                safe.setdefault(file, content)
        return {file: bytes(content) for file, content in safe.items()}


def nothing(_: Step) -> bool:
    """Keep nothing that was not synced."""
    return False


def everything(_: Step) -> bool:
    """Keep all of it."""
    return True


def some(seed: str) -> Keep:
    """Keep every second step or so, as a disk does that writes in an order of its own."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    return lambda _: chance.random() < 0.5


@contextmanager
def recorded() -> Iterator[Tape]:
    """Record what every SQLite file does that is opened meanwhile."""
    tape = Tape()
    recorder = Recorder(tape)
    apsw.connection_hooks.append(_make_alone)
    try:
        with mock.patch.object(sqlite, "Log", partial(RecordedLog, tape=tape)):
            yield tape
    finally:
        apsw.connection_hooks.remove(_make_alone)
        recorder.unregister()


class Recorder(apsw.VFS):
    """The machine's own files, with a tape running."""

    def __init__(self, tape: Tape) -> None:
        """Be the way to files for every connection opened from now on."""
        self._tape = tape
        super().__init__(NAME, base="unix", makedefault=True)

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        """See apsw.VFS.xOpen."""
        return RecordedFile(name, flags, self._tape)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        """See apsw.VFS.xDelete."""
        self._tape.steps.append(Gone(Path(filename).name, syncdir))
        super().xDelete(filename, syncdir)


class RecordedLog(Log):
    """The ledger's own way to sync its log, with the tape running."""

    def __init__(self, path: str, place: str, tape: Tape) -> None:
        """Open the log at `path`."""
        super().__init__(path, place)
        self._path = Path(path)
        self._tape = tape

    def sync(self) -> None:
        """See Log.sync."""
        super().sync()
        assert os.path.samestat(os.fstat(self._file), self._path.stat())
        self._tape.steps.append(Sync(self._path.name))


class RecordedFile(apsw.VFSFile):
    """One file with the tape running."""

    def __init__(self, name: str | apsw.URIFilename | None, flags: list[int], tape: Tape) -> None:
        """Open the file as the machine does."""
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._name = Path(path or "temporary").name
        self._tape = tape
        made = bool(flags[0] & apsw.SQLITE_OPEN_CREATE)
        self._new_journal = made and bool(flags[0] & JOURNALS)
        super().__init__("unix", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        """See apsw.VFSFile.xWrite."""
        self._tape.steps.append(Write(self._name, offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        """See apsw.VFSFile.xTruncate."""
        self._tape.steps.append(Write(self._name, size=newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        """See apsw.VFSFile.xSync."""
        super().xSync(flags)
        self._tape.steps.append(Sync(self._name, self._new_journal))
        self._new_journal = False


def _make_alone(connection: apsw.Connection) -> None:
    # A layer of ours has no shared memory, which a write-ahead log needs unless one connection is
    # alone with the file.
    connection.pragma("locking_mode", "exclusive")
    connection.pragma("wal_autocheckpoint", CHECKPOINT_AFTER)


def _apply(safe: dict[str, bytearray], writes: Sequence[Write]) -> None:
    for write in writes:
        content = safe.setdefault(write.file, bytearray())
        if write.size is not None:
            del content[write.size :]
            continue
        end = write.offset + len(write.content)
        content.extend(bytes(max(0, end - len(content))))
        content[write.offset : end] = write.content
