"""From the objects of X's API v1.1 to our values: pure functions over parsed JSON.

The event shape is that of the reference of direct_messages/events, which X's webhooks use too.
Whatever is odd or absent gives None, nothing here raises.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xdm_mcp.backends.x_api_v2_parse import in_utc, object_in, snowflake_time, string_in
from xdm_mcp.clock import from_ms
from xdm_mcp.models.messages import MESSAGE_ID, Message, pair_id
from xdm_mcp.models.people import HANDLE, USER_ID, User
from xdm_mcp.models.sends import Receipt, Target

RELATIONS = {
    "blocked_by": "blocked_by",
    "blocking": "blocking",
    "followed_by": "followed_by",
    "following": "following",
    "muting": "muting",
}
"""What of a friendship is told as a word of its own."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as X gave it, newest first. It may be empty although `next_cursor` leads on."""

    messages: tuple[Message, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Relation:
    """How we stand to somebody: whether X lets us write to them, and words of what else it told."""

    can_dm: bool | None
    words: frozenset[str]


def receipt_in(content: object) -> Receipt | None:
    """Return the proof that X accepted a send, None without a proper id."""
    message = message_of(object_in(content, "event"))
    return Receipt(message.id, message.conversation_id) if message else None


def contradicts(receipt: Receipt, target: Target) -> bool:
    """Whether the answer names another recipient than the target's one."""
    conversation = receipt.conversation_id or ""
    return target.user_ids[0] not in conversation.split("-")


def page_in(content: object) -> Page | None:
    """Return the page that an answer holds, None where it holds none.

    Events that cannot be used are left out; a page of nothing else is no page.
    """
    if not isinstance(content, dict):
        return None
    events = content.get("events")
    if not isinstance(events, list):
        return None
    messages = {message.id: message for message in map(message_of, events) if message}
    if events and not messages:
        return None
    ordered = sorted(messages.values(), key=lambda message: int(message.id), reverse=True)
    return Page(tuple(ordered), string_in(content, "next_cursor"))


def message_of(event: object) -> Message | None:
    """Return the message that an event tells of, None without proper ids or of another type."""
    made = object_in(event, "message_create")
    said = object_in(made, "message_data")
    message_id, sender = string_in(event, "id"), string_in(made, "sender_id")
    recipient = string_in(object_in(made, "target"), "recipient_id")
    if string_in(event, "type") not in (None, "message_create") or not message_id or not sender:
        return None
    proper = MESSAGE_ID.match(message_id) and USER_ID.match(sender)
    if not proper or not recipient or not USER_ID.match(recipient):
        return None
    return Message(
        id=message_id,
        conversation_id=pair_id(sender, recipient),
        sender_id=sender,
        created_at=_moment(string_in(event, "created_timestamp")) or snowflake_time(message_id),
        text=string_in(said, "text"),
        has_attachment=object_in(said, "attachment") is not None,
    )


def user_of(item: object) -> User | None:
    """Return the user that an object tells of, None without an id in digits."""
    user_id, handle = string_in(item, "id_str"), string_in(item, "screen_name")
    if user_id is None or not USER_ID.match(user_id):
        return None
    proper = handle is not None and HANDLE.match(handle)
    return User(user_id, handle if proper else None, string_in(item, "name"))


def relation_in(content: object) -> Relation | None:
    """Return how the source of a friendship stands to its target; None where nothing is told."""
    source = object_in(object_in(content, "relationship"), "source")
    if source is None:
        return None
    told = source.get("can_dm")
    words = frozenset(word for name, word in RELATIONS.items() if source.get(name) is True)
    return Relation(told if isinstance(told, bool) else None, words)


def _moment(milliseconds: str | None) -> datetime | None:
    plain = milliseconds and milliseconds.isascii() and milliseconds.isdecimal()
    fits = plain and len(milliseconds or "") <= 13
    return in_utc(from_ms(int(milliseconds or 0))) if fits else None
