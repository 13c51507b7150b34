"""A journal in a file: JSON lines, one for each act, that several processes share.

The file is 0600 in a folder of 0700, with the lock and the uploads beside it. A last line without
its end is what a crash left: it is ignored, and the next act writes over it.
"""

from __future__ import annotations

import hashlib
import os
import weakref
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from xdm_mcp.clock import Clock, ShiftedClock
from xdm_mcp.sandbox import story as stories
from xdm_mcp.sandbox.journal import Hold, JournalDamaged, created_line, fold, present, to_line
from xdm_mcp.sandbox.world import World

if TYPE_CHECKING:
    from filelock import BaseFileLock

T = TypeVar("T")

LONGEST_WAIT = 10.0
"""Seconds until an act gives up because another process keeps the journal."""

LOOK_EVERY = 0.002
"""Seconds between two tries for the lock; an act holds it for about as long."""


class FileJournal:
    """See `journal.Journal`. Touches nothing on disk until the first act."""

    def __init__(self, path: Path, clock: Clock, story: str = "default") -> None:
        """Remember in `path`; a new file begins with `story`. Raises NoSuchStory."""
        stories.load(story)
        self.clock = ShiftedClock(clock)
        self._path = path
        self._story = story
        self._blobs = FileBlobs(path.with_name(path.name + ".media"))
        self._lock: BaseFileLock | None = None
        self._forget()

    async def act(self, work: Callable[[Hold], T]) -> T:
        """See Journal.act. Lines of other processes are read first, and only those."""
        lock = await self._acquired()
        try:
            return self._act(work)
        finally:
            lock.release()

    async def reset(self, story: str | None = None) -> None:
        """See Journal.reset. The other processes notice at their next act."""
        lock = await self._acquired()
        try:
            self._reset(story or self._caught_up()[0].story)
        finally:
            lock.release()

    async def _acquired(self) -> BaseFileLock:
        import anyio
        from filelock import FileLock, Timeout

        if self._lock is None:
            for folder in (self._path.parent.parent, self._path.parent):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = FileLock(self._path.with_name(self._path.name + ".lock"), mode=0o600)
        with anyio.fail_after(LONGEST_WAIT):
            while True:
                try:
                    self._lock.acquire(blocking=False)
                except Timeout:
                    await anyio.sleep(LOOK_EVERY)
                else:
                    return self._lock

    def _act(self, work: Callable[[Hold], T]) -> T:
        world, file = self._caught_up()
        hold = Hold(world, present(self.clock, world), self._blobs)
        try:
            done = work(hold)
            if hold.events:
                self._append(file, to_line(hold.now, hold.events))
        except BaseException:
            if hold.events:
                self._forget()
            raise
        self.clock.shift = world.shift
        return done

    def _reset(self, story: str) -> None:
        stories.load(story)
        self.clock.shift = timedelta()
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.unlink(missing_ok=True)
        _File(fresh).write(created_line(self.clock.now(), story), 0)
        fresh.replace(self._path)
        self._blobs.clear()
        self._forget()

    def _forget(self) -> None:
        self._world: World | None = None
        self._file: _File | None = None
        self._read_to = 0

    def _caught_up(self) -> tuple[World, _File]:
        if self._file is None or not self._file.is_still(self._path):
            self._forget()
            self._file = _File(self._path)
        file = self._file
        if file.size() < self._read_to:
            self._world, self._read_to = None, 0
        for line in file.lines(self._read_to):
            self._world = self._folded(line)
            self._read_to += len(line)
        if self._world is None:
            line = created_line(self.clock.now(), self._story)
            self._append(file, line)
            self._world = self._folded(line)
        return self._world, file

    def _folded(self, line: bytes) -> World:
        try:
            return fold(self._world, line)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._forget()
            raise JournalDamaged(
                f"The sandbox's journal {self._path} is damaged; delete it to begin anew."
            ) from error

    def _append(self, file: _File, line: bytes) -> None:
        file.write(line, self._read_to)
        self._read_to += len(line)


class _File:
    """An open file that is closed with the last reference to it."""

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        weakref.finalize(self, os.close, self._descriptor)

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def is_still(self, path: Path) -> bool:
        """Whether `path` names this very file."""
        try:
            there = path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))

    def lines(self, start: int) -> list[bytes]:
        """Return the complete lines from `start` on."""
        content = os.pread(self._descriptor, max(0, self.size() - start), start)
        return content[: content.rfind(b"\n") + 1].splitlines(keepends=True)

    def write(self, content: bytes, start: int) -> None:
        """Make `content` the end of the file from `start` on, safe on the disk."""
        os.ftruncate(self._descriptor, start)
        while content:
            written = os.pwrite(self._descriptor, content, start)
            content, start = content[written:], start + written
        os.fsync(self._descriptor)


class FileBlobs:
    """Blobs as files of 0600 in a folder of 0700, named by their digests."""

    def __init__(self, folder: Path) -> None:
        """Keep them in `folder`, which is made when it is needed."""
        self._folder = folder

    def put(self, content: bytes) -> str:
        """See Blobs.put."""
        digest = hashlib.sha256(content).hexdigest()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _File(self._folder / digest).write(content, 0)
        return digest

    def get(self, sha256: str) -> bytes:
        """See Blobs.get."""
        try:
            return (self._folder / sha256).read_bytes()
        except FileNotFoundError:
            raise KeyError(sha256) from None

    def clear(self) -> None:
        """Delete them all."""
        if self._folder.is_dir():
            for kept in self._folder.iterdir():
                kept.unlink()
