"""The pretend X that lives in a home, reached through its journal: any process sees the same
world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from xdm_mcp.clock import Clock, rfc3339
from xdm_mcp.config import Settings
from xdm_mcp.errors import BadInput, ConfigError, Unavailable
from xdm_mcp.sandbox import acts
from xdm_mcp.sandbox.events import ClockShifted
from xdm_mcp.sandbox.journal import Hold, JournalDamaged
from xdm_mcp.sandbox.journal_file import FileJournal
from xdm_mcp.sandbox.story import NoSuchStory
from xdm_mcp.sandbox.threads import Message

T = TypeVar("T")

TOLD = frozenset({"story", "answer", "control"})
"""Where messages come from that no façade accepted."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that the pretend X accepted from the account: to whom, and exactly what.

    `recipients` names them for people; `recipient_ids` are numbers.
    """

    message_id: str
    recipient_ids: tuple[str, ...]
    recipients: str
    text: str
    at: str


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
        """Return what the account really sent through any façade, oldest first."""
        return await self._act(_deliveries)

    async def say(self, who: str, text: str) -> str:
        """Have somebody write to the account; return the message's id. Raises BadInput."""

        def work(hold: Hold) -> str:
            return acts.inject(hold, acts.person(hold, who), text, None).id

        return await self._act(work)

    async def move_on(self, by: timedelta) -> None:
        """Move the world's clock on, for every process."""

        def work(hold: Hold) -> None:
            shift = hold.world.shift + by
            hold.record(ClockShifted(round(shift.total_seconds() * 1000)))

        await self._act(work)

    async def reset(self, story: str | None) -> None:
        """Begin the world anew. Raises ConfigError for an unknown story."""
        try:
            await self.journal.reset(story)
        except NoSuchStory as error:
            raise ConfigError(str(error)) from None
        except JournalDamaged as error:
            raise Unavailable(str(error)) from None

    async def _act(self, work: Callable[[Hold], T]) -> T:
        try:
            return await self.journal.act(work)
        except acts.Refusal as refusal:
            raise BadInput(_why(refusal)) from None
        except JournalDamaged as error:
            raise Unavailable(str(error)) from None
        except TimeoutError:
            raise Unavailable("Another process keeps the sandbox's world; try again.") from None
        except OSError as error:
            raise Unavailable(
                f"The sandbox's world cannot be read or written ({error.strerror});"
                " set XDM_HOME to a folder of yours."
            ) from None


def _deliveries(hold: Hold) -> list[Delivery]:
    world = hold.world
    sent = [
        message
        for _, message in sorted(world.threads.messages.items())
        if message.sender_id == world.owner_id and message.via not in TOLD
    ]
    return [_delivery(hold, message) for message in sent]


def _delivery(hold: Hold, message: Message) -> Delivery:
    members = hold.world.threads.conversations[message.conversation_id].member_ids
    others = tuple(member for member in members if member != message.sender_id)
    people = hold.world.people.by_id
    return Delivery(
        message_id=message.id,
        recipient_ids=others,
        recipients=", ".join(f"@{people[other].handle} ({other})" for other in others),
        text=message.text,
        at=rfc3339(message.created_at),
    )


def _why(refusal: acts.Refusal) -> str:
    if refusal.reason == "no_such_person":
        return "There is nobody of that handle or id in the sandbox; docs/sandbox.md names them."
    return "They cannot write to the account: they are suspended, blocked, or the account itself."
