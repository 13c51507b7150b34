"""From GetXAPI's objects to our values, in both generations of its answers: pure functions.

The older answers are flat, newer ones stand in an envelope `{"status", "msg", "data"}`; keys are in
camelCase or snake_case, ids strings or numbers, and everything but an id may be absent (GetXAPI
endpoint pages, 2026-11; answers that integrators recorded in public).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from xdm_mcp.backends.loose import (
    conversation_in,
    id_in,
    items_in,
    moment_in,
    pick,
    text_in,
    truth_in,
    user_in,
    users_in,
)
from xdm_mcp.backends.vendor_outcomes import said_no
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.people import User
from xdm_mcp.models.quota import MICRO
from xdm_mcp.models.sends import Receipt

RELATIONS: Mapping[str, str] = {
    "sourceFollowsTarget": "following",
    "targetFollowsSource": "followed_by",
    "blocking": "blocking",
    "blockedBy": "blocked_by",
    "muting": "muting",
}
"""The words of a relation between two people, and X's own for them."""

LARGEST = 10**9
"""The most dollars that a balance is believed to be."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page as GetXAPI gave it: `tab` is None in the older answers, which know no tabs."""

    messages: tuple[Message, ...]
    users: tuple[User, ...]
    next_cursor: str | None
    account_id: str | None
    tab: str | None
    unread: Mapping[str, bool]


def inner(content: object) -> object:
    """Return what stands in the envelope, or the whole where there is none."""
    data = content.get("data") if isinstance(content, dict) else None
    return data if isinstance(data, dict) else content


def receipt_in(content: object) -> Receipt | None:
    """Return the proof that a send was accepted: an id where nothing speaks of a failure."""
    told = inner(content)
    if said_no(content) or (isinstance(told, dict) and told.get("error")):
        return None
    message_id = id_in(told, "id")
    return Receipt(message_id) if message_id else None


def crossed(content: object, recipient_id: str, account_id: str | None) -> bool:
    """Whether the answer to a send names another recipient or sender than it should."""
    told = inner(content)
    named, sender = _named(told, "recipientId"), _named(told, "senderId")
    wrong_sender = sender is not None and account_id is not None and sender != account_id
    return wrong_sender or (named is not None and named != recipient_id)


def listing_in(content: object, conversation_id: str | None = None) -> Listing | None:
    """Return the page that an answer holds; None where it holds none.

    `conversation_id` is what was asked for: messages that name no conversation are of it. Without
    messages of its own a page has the last one of each conversation. A page whose messages are all
    unusable is no page.
    """
    if said_no(content) or not isinstance(content, dict):
        return None
    account_id = id_in(content, "userId")
    threads = items_in(content, "conversations")
    if not isinstance(content.get("messages", content.get("conversations")), list | dict):
        return None
    asked = id_in(content, "conversationId") or text_in(content, "conversationId")
    place = conversation_id or asked
    items = [(each, place) for each in items_in(content, "messages")]
    items = items or [_last_of(each, account_id) for each in threads if pick(each, "lastMessage")]
    messages = {m.id: m for m in (message_in(*each) for each in items) if m}
    if items and not messages:
        return None
    people = [who for each in threads for who in items_in(each, "participants")]
    more = truth_in(content, "has_more") is not False
    return Listing(
        messages=tuple(messages.values()),
        users=users_in([*items_in(content, "users"), *people]),
        next_cursor=text_in(content, "next_cursor") if more else None,
        account_id=account_id,
        tab=text_in(content, "tab"),
        unread=_unread(threads),
    )


def message_in(item: object, conversation_id: str | None = None) -> Message | None:
    """Return the message that an object tells of; None without an id or of no conversation.

    One that names no conversation is of `conversation_id`, else of its sender and recipient; whom
    it does not name is nobody, or words to a group would count as written to us alone. One without
    text has none that could be read: it is encrypted, or a picture alone.
    """
    message_id = id_in(item, "id", "messageId")
    sender = id_in(item, "senderId")
    conversation = (
        conversation_in(item, "conversationId")
        or conversation_id
        or _pair(sender, id_in(item, "recipientId"))
    )
    if message_id is None or conversation is None:
        return None
    return Message(
        id=message_id,
        conversation_id=conversation,
        sender_id=sender,
        created_at=moment_in(item, message_id, "createdAt"),
        text=text_in(item, "text"),
        has_attachment=bool(pick(item, "media")),
    )


def profile_in(content: object) -> User | None:
    """Return the user of a look-up, None where nobody is told of."""
    return None if said_no(content) else user_in(inner(content))


def followers_in(content: object, name: str) -> tuple[tuple[User, ...], str | None] | None:
    """Return the users listed under `name` and the next cursor; None where there is no list."""
    told = inner(content)
    if said_no(content) or not isinstance(pick(told, name), list):
        return None
    more = truth_in(told, "has_more") is not False
    return users_in(items_in(told, name)), text_in(told, "next_cursor") if more else None


def relation_in(content: object) -> frozenset[str] | None:
    """Return how two people stand to each other in X's words, None where nothing is told."""
    told = inner(content)
    known = {word: truth_in(told, name) for name, word in RELATIONS.items()}
    if said_no(content) or all(value is None for value in known.values()):
        return None
    return frozenset(word for word, so in known.items() if so)


def balance_in(content: object) -> int | None:
    """Return what is left in micro-dollars, in the newer or the older words, or None.

    Name and email address of the customer stand beside it and are not looked at.
    """
    if said_no(content):
        return None
    told = inner(content)
    value = pick(told, "balance_total", "credits_remaining", "credits")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        dollars = Decimal(str(value).strip().removeprefix("$"))
        return int(dollars * MICRO) if dollars.is_finite() and abs(dollars) < LARGEST else None
    except ArithmeticError:  # no number, or one beyond all exponents
        return None


def _last_of(thread: object, account_id: str | None) -> tuple[object, str | None]:
    """Return the last message of a conversation, and where it stands: the conversation's id, or
    else the pair of us and the other one of two; None for a message that then has no place."""
    last = pick(thread, "lastMessage")
    place = conversation_in(thread, "conversationId")
    if place is not None or text_in(thread, "type") != "ONE_TO_ONE":
        return (last if place else None), place
    people = {who.id for who in users_in(items_in(thread, "participants"))}
    others = (people | {id_in(last, "senderId")}) - {account_id, None}
    return last, _pair(account_id, others.pop()) if len(others) == 1 else None


def _unread(threads: Iterable[object]) -> dict[str, bool]:
    told = {conversation_in(each, "conversationId"): truth_in(each, "unread") for each in threads}
    return {key: unread for key, unread in told.items() if key is not None and unread is not None}


def _pair(one: str | None, other: str | None) -> str | None:
    return pair_id(one, other) if one and other and one != other else None


def _named(told: object, name: str) -> str | None:
    """Return whom an answer names, `?` where it names somebody in a form that cannot be."""
    return id_in(told, name) or (None if pick(told, name) is None else "?")
