"""Journals: how a world is remembered, and how several processes come to see one world.

Whoever wants something of the world does it in one `act`: catch up with what others wrote, work
with a `Hold`, append what happened, all under one lock. The work is a plain function, so nothing
can come between.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from xdm_mcp.clock import Clock, ShiftedClock, from_ms, to_ms
from xdm_mcp.sandbox import events as ev
from xdm_mcp.sandbox import story as stories
from xdm_mcp.sandbox.snowflake import next_id
from xdm_mcp.sandbox.world import World

T = TypeVar("T")


class Hold:
    """The world in one pair of hands, at one moment `now` of its own clock."""

    def __init__(self, world: World, now: datetime, blobs: Blobs) -> None:
        """Work on `world` as it is at `now`."""
        world.settle(now)
        self.world = world
        self.now = now
        self.blobs = blobs
        self.events: list[ev.Event] = []
        self._last = world.last_id

    def record(self, *events: ev.Event) -> None:
        """Let `events` happen, for this process at once and for the others with the journal."""
        self.events.extend(events)
        self.world.apply(self.now, events)

    def new_id(self) -> str:
        """Return an id that is greater than every id before it."""
        self._last = next_id(max(self._last, self.world.last_id), self.now)
        return str(self._last)


class Blobs(Protocol):
    """Where the bytes of uploads are kept, under their SHA-256 in hexadecimal."""

    def put(self, content: bytes) -> str:
        """Keep `content` and return its digest."""
        ...

    def get(self, sha256: str) -> bytes:
        """Return the bytes of that digest. Raises KeyError."""
        ...


class Journal(Protocol):
    """A remembered world."""

    @property
    def clock(self) -> Clock:
        """The world's clock as of the last act; its sleep is the machine's."""
        ...

    async def act(self, work: Callable[[Hold], T]) -> T:
        """Do `work` on the present world and remember what it records.

        What `work` raises comes through, and then nothing it recorded has happened. Raises
        TimeoutError where another process keeps the journal, and JournalDamaged.
        """
        ...

    async def reset(self, story: str | None = None) -> None:
        """Forget everything and begin `story` anew, the present one where None.

        Raises NoSuchStory, and then nothing is forgotten.
        """
        ...


class JournalDamaged(Exception):
    """A journal cannot be understood; the sentence says which and what to do."""


def to_line(at: datetime, events: list[ev.Event]) -> bytes:
    """Return the journal's line for `events` at `at`."""
    line = {"at": to_ms(at), "do": [ev.to_json(event) for event in events]}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def created_line(at: datetime, story: str) -> bytes:
    """Return the first line of a journal."""
    line = {"at": to_ms(at), "do": [ev.to_json(ev.Created(story))], "format": ev.FORMAT}
    return json.dumps(line, separators=(",", ":")).encode() + b"\n"


def fold(world: World | None, line: bytes) -> World:
    """Return the world after one line; the first line creates it. Raises ValueError or KeyError."""
    told: dict[str, Any] = json.loads(line)
    at = from_ms(told["at"])
    events = [ev.from_json(event) for event in told["do"]]
    if world is None:
        first = events[0]
        if not isinstance(first, ev.Created) or told.get("format") != ev.FORMAT:
            raise ValueError("not the first line of a journal of this version")
        return World(stories.load(first.story), at)
    world.apply(at, events)
    return world


def present(clock: ShiftedClock, world: World) -> datetime:
    """Set `clock` to the world's shift and return its time, in whole milliseconds."""
    clock.shift = world.shift
    return from_ms(to_ms(clock.now()))


class MemoryBlobs:
    """Blobs of one process."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[str, bytes] = {}

    def put(self, content: bytes) -> str:
        """See Blobs.put."""
        digest = hashlib.sha256(content).hexdigest()
        self._kept[digest] = content
        return digest

    def get(self, sha256: str) -> bytes:
        """See Blobs.get."""
        return self._kept[sha256]


class MemoryJournal:
    """A journal that ends with the process. `lines` is what a file would hold."""

    def __init__(self, clock: Clock, story: str = "default") -> None:
        """Create the world of `story` at the time of `clock`. Raises NoSuchStory."""
        self.clock = ShiftedClock(clock)
        self._world: World
        self._begin(story)

    async def act(self, work: Callable[[Hold], T]) -> T:
        """See Journal.act."""
        hold = Hold(self._world, present(self.clock, self._world), self._blobs)
        try:
            done = work(hold)
        except BaseException:
            if hold.events:
                self._world = self._folded()
            raise
        if hold.events:
            self.lines.append(to_line(hold.now, hold.events))
            self.clock.shift = self._world.shift
        return done

    async def reset(self, story: str | None = None) -> None:
        """See Journal.reset."""
        self._begin(story or self._world.story)

    def _begin(self, story: str) -> None:
        stories.load(story)
        self.clock.shift = timedelta()
        self._blobs = MemoryBlobs()
        self.lines = [created_line(self.clock.now(), story)]
        self._world = self._folded()

    def _folded(self) -> World:
        world = fold(None, self.lines[0])
        for line in self.lines[1:]:
            fold(world, line)
        return world
