"""The pretend X that lives in a home, reached through its journal: any process sees the same
world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from xdm_mcp.clock import Clock
from xdm_mcp.config import Settings
from xdm_mcp.errors import BadInput, ConfigError, NotFound, Unavailable
from xdm_mcp.sandbox import acts, told
from xdm_mcp.sandbox.events import ClockShifted
from xdm_mcp.sandbox.journal import Hold, JournalDamaged
from xdm_mcp.sandbox.journal_file import FileJournal
from xdm_mcp.sandbox.story import NoSuchStory

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that the pretend X accepted from the account.

    `recipients` are handles with numeric ids, `text` is exactly what arrived, `row` is all that the
    sandbox tells of it, as its controls do.
    """

    recipients: str
    text: str
    row: dict[str, Any]


class HomeWorld:
    """The world of one home."""

    def __init__(self, settings: Settings, clock: Clock, story: str | None = None) -> None:
        """Use the world in the home of `settings`. Raises ConfigError for an unknown story."""
        self.path = settings.home / "sandbox" / "world.jsonl"
        try:
            self.journal = FileJournal(self.path, clock, story or settings.sandbox.story)
        except NoSuchStory as error:
            raise ConfigError(str(error)) from None

    async def deliveries(self) -> list[Delivery]:
        """Return what was really sent through any façade, oldest first."""
        return await self._act(_deliveries)

    async def say(self, who: str, text: str) -> str:
        """Have somebody write to the account; return the message's id. Raises BadInput."""
        if not text or any("\ud800" <= char <= "\udfff" for char in text):
            raise BadInput("What they write must be some text in UTF-8.")
        return await self._act(partial(_say, who, text))

    async def move_on(self, by: timedelta) -> None:
        """Move the world's clock on, for every process."""
        await self._act(partial(_move_on, by))

    async def reset(self) -> None:
        """Begin the world anew, with the story that it has."""
        try:
            await self.journal.reset()
        except (JournalDamaged, TimeoutError, OSError) as error:
            raise _unavailable(error) from None

    async def _act(self, work: Callable[[Hold], T]) -> T:
        try:
            return await self.journal.act(work)
        except acts.Refusal:
            raise BadInput(
                "They cannot write to the account: suspended, blocked, or the account itself."
            ) from None
        except (JournalDamaged, TimeoutError, OSError) as error:
            raise _unavailable(error) from None


def _say(who: str, text: str, hold: Hold) -> str:
    sender = hold.world.people.find(who)
    if sender is None:
        raise NotFound("The sandbox knows nobody of that handle or id.")
    return acts.inject(hold, sender, text, None).id


def _move_on(by: timedelta, hold: Hold) -> None:
    shift = hold.world.shift + by
    hold.record(ClockShifted(round(shift.total_seconds() * 1000)))


def _unavailable(error: Exception) -> Unavailable:
    if isinstance(error, JournalDamaged):
        return Unavailable(str(error))
    if isinstance(error, TimeoutError):
        return Unavailable("Another process keeps the sandbox's world; try again.")
    return Unavailable("The sandbox's world cannot be read or written; set XDM_HOME to your own.")


def _deliveries(hold: Hold) -> list[Delivery]:
    people = hold.world.people.by_id
    return [
        Delivery(
            recipients=", ".join(f"@{people[i].handle} ({i})" for i in row["recipient_ids"]),
            text=row["text"],
            row=row,
        )
        for row in told.deliveries(hold, None, None)
    ]
