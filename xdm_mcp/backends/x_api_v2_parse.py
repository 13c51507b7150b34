"""From X's objects to our values: pure functions over parsed JSON, in either vocabulary.

X renamed parts of its answers in 2026 without notice (OpenAPI 2.166 to 2.167) and requires none of
them any more, so everything but an id may be absent, and nothing here raises for an odd shape.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from xdm_mcp.backends.x_api_v2_problems import Problem
from xdm_mcp.clock import from_ms
from xdm_mcp.models.messages import CONVERSATION_ID, MESSAGE_ID, Message
from xdm_mcp.models.people import HANDLE, USER_ID, User
from xdm_mcp.models.sends import Receipt, Target

SNOWFLAKE_EPOCH = 1_288_834_974_657
"""Milliseconds of 1970 at which X's ids begin (docs.x.com, ids, 2026-08)."""

YEARS = range(2006, 2100)
"""When somebody may have written on X. Beyond it other times could not be reckoned from a message's
own."""

LONGEST_CHECK = 3_600
"""The longest wait for a picture that we take for sense, in seconds."""

KINDS: Mapping[str, Literal["message", "join", "leave"]] = {
    "MessageCreate": "message",
    "ParticipantsJoin": "join",
    "ParticipantsLeave": "leave",
}

_WORD = re.compile(r"[a-z_]{1,40}\Z")
_BRACKETED = re.compile(r"\[([0-9]{1,19})\]")
_SUSPENDED = re.compile(r"suspended", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page as X gave it. `billed` counts what X charges for, also what we cannot use."""

    messages: tuple[Message, ...]
    users: tuple[User, ...]
    next_token: str | None
    billed: int


@dataclass(frozen=True, slots=True)
class Media:
    """An uploaded picture: `ready` to be sent, `failed` for good, or to be looked at again after
    `check_after` seconds."""

    id: str
    ready: bool
    failed: bool
    check_after: int


def receipt_in(content: object) -> Receipt | None:
    """Return the proof that X accepted a send, wherever it stands in the answer, or None.

    At `data.dm_event_id`, else `data.id`, else at the same names on top. An id that is not a string
    of digits proves nothing: a number may have lost digits on its way.
    """
    for place in (object_in(content, "data"), content):
        for name in ("dm_event_id", "id"):
            found = string_in(place, name)
            if found is not None and MESSAGE_ID.match(found):
                conversation = string_in(place, "dm_conversation_id")
                return Receipt(found, conversation)
    return None


def contradicts(receipt: Receipt, target: Target) -> bool:
    """Whether the answer names a conversation that cannot be the target's.

    Judged only where X names one in a form that we know; encrypted threads have other forms.
    """
    named = receipt.conversation_id
    if named is None or not CONVERSATION_ID.match(named) or target.is_new_group:
        return False
    wanted = target.conversation_id
    if wanted is not None:
        return sorted(named.split("-")) != sorted(wanted.split("-"))
    return "-" in named and target.user_ids[0] not in named.split("-")


def listing_in(content: object, conversation_id: str | None = None) -> Listing | None:
    """Return the page that an answer holds, newest first; None where it holds no page.

    `conversation_id` is what was asked for: events that do not name their conversation are of it.
    An empty page has `meta` and no `data`. A page whose events are all unusable is no page.
    """
    if not isinstance(content, dict):
        return None
    meta, events = object_in(content, "meta"), content.get("data")
    if events is None and meta and not meta.get("result_count") and not content.get("errors"):
        events = []
    if not isinstance(events, list):
        return None
    messages = {m.id: m for m in (message_of(event, conversation_id) for event in events) if m}
    if events and not messages:
        return None
    users = users_in(object_in(content, "includes"), "users")
    return Listing(
        messages=tuple(sorted(messages.values(), key=lambda m: int(m.id), reverse=True)),
        users=users,
        next_token=string_in(meta, "next_token"),
        billed=len(events),
    )


def message_of(event: object, conversation_id: str | None = None) -> Message | None:
    """Return the message, join or leave that an event tells of; None for what cannot be used.

    That is an event without a proper id, of a kind that we do not know, or of no conversation.
    """
    message_id = string_in(event, "id")
    kind = KINDS.get(string_in(event, "event_type") or "MessageCreate")
    conversation = string_in(event, "dm_conversation_id") or conversation_id
    if message_id is None or not MESSAGE_ID.match(message_id) or not kind or not conversation:
        return None
    sender = string_in(event, "sender_id")
    parts = object_in(event, "attachments") or {}
    shown = parts.keys() - {"card_ids"}  # the card of a link shows what the text says already
    return Message(
        id=message_id,
        conversation_id=conversation,
        sender_id=sender if sender and USER_ID.match(sender) else None,
        created_at=_moment(string_in(event, "created_at")) or snowflake_time(message_id),
        text=string_in(event, "text") if kind == "message" else None,
        kind=kind,
        participant_ids=tuple(_ids(_list(event, "participant_ids"))),
        has_attachment=any(isinstance(parts[name], list) and parts[name] for name in shown),
    )


def user_of(item: object) -> User | None:
    """Return the user that an object tells of, None without a proper id. What is absent is None."""
    user_id, handle = string_in(item, "id"), string_in(item, "username")
    if user_id is None or not USER_ID.match(user_id):
        return None
    receives = item.get("receives_your_dm") if isinstance(item, dict) else None
    can_dm = receives if isinstance(receives, bool) else None
    words = _list(item, "connection_status")
    return User(
        id=user_id,
        handle=handle if handle and HANDLE.match(handle) else None,
        name=string_in(item, "name"),
        can_dm=can_dm,
        can_dm_basis="unknown" if can_dm is None else "relative",
        connection=frozenset(w for w in words if isinstance(w, str) and _WORD.match(w)),
    )


def users_in(content: object, name: str = "data") -> tuple[User, ...]:
    """Return the users in a list of an answer, or the one user that stands in its place."""
    held = content.get(name) if isinstance(content, dict) else None
    items = held if isinstance(held, list) else [held]
    return tuple(user for user in map(user_of, items) if user is not None)


def suspended_in(problems: Iterable[Problem], asked: Sequence[str]) -> tuple[User, ...]:
    """Return those of the ids asked about that X tells to be suspended."""
    told = {p.value or _named(p.detail) for p in problems if _SUSPENDED.search(p.detail)}
    return tuple(User(user_id, suspended=True) for user_id in asked if user_id in told)


def media_in(content: object) -> Media | None:
    """Return how an uploaded picture stands, None where the answer names no proper one."""
    media = object_in(content, "data")
    work = object_in(media, "processing_info")
    media_id = string_in(media, "id")
    if media_id is None or not MESSAGE_ID.match(media_id):
        return None
    state = string_in(work, "state")
    wait = work.get("check_after_secs") if work else None
    number = wait if isinstance(wait, int) and not isinstance(wait, bool) else 1
    return Media(
        id=media_id,
        ready=work is None or state == "succeeded",
        failed=work is not None and state not in ("succeeded", "pending", "in_progress"),
        check_after=min(max(number, 1), LONGEST_CHECK),
    )


def next_token_in(content: object) -> str | None:
    """Return where the next page of a list begins, None at its end."""
    return string_in(object_in(content, "meta"), "next_token")


def snowflake_time(snowflake: str) -> datetime:
    """Return the moment, to the millisecond, at which X made an id."""
    return from_ms((int(snowflake) >> 22) + SNOWFLAKE_EPOCH)


def in_utc(moment: datetime) -> datetime | None:
    """Return a time in UTC; None for one without a zone, or when nobody can have written."""
    try:
        known = moment.astimezone(UTC) if moment.tzinfo else None
    except OverflowError:  # the first or last hours of all years
        return None
    return known if known and known.year in YEARS else None


def object_in(content: object, name: str) -> Mapping[str, object] | None:
    """Return the object at a name of another, or None."""
    value = content.get(name) if isinstance(content, Mapping) else None
    return value if isinstance(value, Mapping) else None


def string_in(content: object, name: str) -> str | None:
    """Return the text at a name of an object, or None; an empty one is none."""
    value = content.get(name) if isinstance(content, Mapping) else None
    return value if isinstance(value, str) and value else None


def _named(detail: str) -> str:
    named = _BRACKETED.search(detail)
    return named[1] if named else ""


def _moment(text: str | None) -> datetime | None:
    try:
        return in_utc(datetime.fromisoformat(text or ""))
    except ValueError:
        return None


def _list(content: object, name: str) -> Sequence[object]:
    value = content.get(name) if isinstance(content, Mapping) else None
    return value if isinstance(value, list) else ()


def _ids(values: Iterable[object]) -> Iterable[str]:
    return (value for value in values if isinstance(value, str) and USER_ID.match(value))
