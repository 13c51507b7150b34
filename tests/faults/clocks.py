"""One clock for several processes: it lies in a file that they share, and moves when told to."""

from __future__ import annotations

import fcntl
import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.lowlevel

from xdm_mcp.clock import from_ms, to_ms

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""When every run begins."""

_MILLISECONDS = struct.Struct("<q")


class SharedClock:
    """A `Clock` of all the processes that name the same file. A sleep moves it on at once.

    Sleeps of two processes at the same moment pass side by side, as they do in the world.
    """

    def __init__(self, path: Path) -> None:
        """Tell the time that the file at `path` holds; a new file says `START`."""
        if not path.exists():
            path.write_bytes(_MILLISECONDS.pack(to_ms(START)))
        self._path = path
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _MILLISECONDS.size)

    def now(self) -> datetime:
        """See Clock.now."""
        return from_ms(_MILLISECONDS.unpack_from(self._map)[0])

    async def sleep(self, seconds: float) -> None:
        """Move on to the end of the sleep, unless another process already has."""
        self.reach(self.now() + timedelta(seconds=seconds))
        await anyio.lowlevel.checkpoint()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep others from moving it on by hours meanwhile: no request is on the wire for so
        long."""
        with self._path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            yield

    def move_on(self, moment: datetime) -> None:
        """Let it be at least `moment` as soon as nobody holds it."""
        with self._path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            self.reach(moment)

    def reach(self, moment: datetime) -> None:
        """Let it be at least `moment`."""
        self.set(max(moment, self.now()))

    def set(self, moment: datetime) -> None:
        """Let it be `moment`, which may lie in the past: real clocks step back too."""
        _MILLISECONDS.pack_into(self._map, 0, to_ms(moment))


class WorldClock(SharedClock):
    """The same time for a server whose delays really pass, so that a caller can give up on it."""

    async def sleep(self, seconds: float) -> None:
        """Wait by the machine's clock."""
        await anyio.sleep(seconds)
