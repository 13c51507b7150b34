"""Conversations and what was said in them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from xdm_mcp.sandbox.snowflake import moment_of

Kind = Literal["message", "join", "leave"]

Placed = Literal["inbox", "requests", "unseen"]
"""Where a message ended up; `unseen` where the recipient reads only an encrypted thread."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who talks with whom. X's plain API cannot see an `encrypted` one."""

    id: str
    member_ids: tuple[str, ...]
    group: bool = False
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that happened in a conversation.

    `text` is exactly what was received. `participant_ids` are those who joined or left. `via` is
    the façade it came through, or `story`, `answer` or `control`.
    """

    id: str
    conversation_id: str
    sender_id: str
    text: str = ""
    kind: Kind = "message"
    participant_ids: tuple[str, ...] = ()
    media_id: str | None = None
    via: str = "story"
    placed: Placed = "inbox"

    @property
    def created_at(self) -> datetime:
        """When it happened, which its id tells."""
        return moment_of(self.id)


def one_to_one(one: str, other: str, *, encrypted: bool = False) -> Conversation:
    """Return the conversation of two people; the smaller id comes first, as on X."""
    members = tuple(sorted((one, other), key=int))
    return Conversation((":" if encrypted else "-").join(members), members, encrypted=encrypted)


@dataclass(slots=True)
class Threads:
    """Every conversation and message of the world, and what each account deleted for itself."""

    conversations: dict[str, Conversation] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    last_id: int = 0
    _order: list[int] = field(default_factory=list)
    _order_in: dict[str, list[int]] = field(default_factory=dict)
    _wrote: set[tuple[str, str]] = field(default_factory=set)

    def open(self, conversation: Conversation) -> None:
        """Add a conversation; opening it again changes nothing."""
        self.conversations.setdefault(conversation.id, conversation)
        if conversation.group:
            self.last_id = max(self.last_id, int(conversation.id))

    def add(self, message: Message) -> None:
        """Add a message to its open conversation."""
        number = int(message.id)
        conversation = self.conversations[message.conversation_id]
        self.messages[number] = message
        self.last_id = max(self.last_id, number)
        insort(self._order, number)
        insort(self._order_in.setdefault(conversation.id, []), number)
        if not conversation.group and message.kind == "message":
            one, other = conversation.member_ids
            self._wrote.add((one, other) if message.sender_id == one else (other, one))

    def wrote_to(self, sender_id: str, recipient_id: str) -> bool:
        """Whether the one ever wrote to the other, in a conversation of two."""
        return (sender_id, recipient_id) in self._wrote

    def with_person(self, one: str, other: str) -> Conversation:
        """Return the plain conversation of two people, whether or not it has been opened."""
        wanted = one_to_one(one, other)
        return self.conversations.get(wanted.id, wanted)

    def encrypted_between(self, one: str, other: str) -> bool:
        """Whether the two talk in an encrypted thread."""
        return one_to_one(one, other, encrypted=True).id in self.conversations

    def seen_by(self, viewer_id: str, message: Message) -> bool:
        """Whether the plain API shows `message` to `viewer_id`."""
        conversation = self.conversations[message.conversation_id]
        mine = viewer_id in conversation.member_ids and not conversation.encrypted
        return mine and (viewer_id, message.id) not in self.deleted

    def older(self, before: int | None, conversation_id: str | None) -> Iterator[Message]:
        """Yield messages before the id `before`, newest first; all, or of one conversation."""
        order = self._ids(conversation_id)
        end = len(order) if before is None else bisect_left(order, before)
        return (self.messages[order[place]] for place in range(end - 1, -1, -1))

    def newer(self, after: int, conversation_id: str | None) -> Iterator[Message]:
        """Yield messages after the id `after`, oldest first; all, or of one conversation."""
        order = self._ids(conversation_id)
        return (self.messages[order[at]] for at in range(bisect_right(order, after), len(order)))

    def _ids(self, conversation_id: str | None) -> list[int]:
        return self._order if conversation_id is None else self._order_in.get(conversation_id, [])
