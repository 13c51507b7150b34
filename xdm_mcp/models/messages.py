"""What was written: messages, the pages they come in, and what a page can know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from xdm_mcp.models.people import User

CONVERSATION_ID = re.compile(r"([1-9][0-9]{0,18}-[1-9][0-9]{0,18}|[1-9][0-9]{14,18})\Z")
"""A conversation id that may be asked for (X API v2 OpenAPI 2.167, 2026-08), in its one spelling:
with zeros before it, it would be unknown to all that was remembered of it."""

MESSAGE_ID = re.compile(r"[0-9]{1,19}\Z")
"""A message id that may be asked for (X API v2 OpenAPI 2.167, 2026-08)."""

Coverage = Literal["legacy_unencrypted_only"]
"""What a backend can see at all: no service shows encrypted threads (docs.x.com, 2026-08)."""


@dataclass(frozen=True, slots=True)
class Message:
    """One direct message that exists.

    `id` is a snowflake in decimal; `text` is a stranger's word unless `sender_id` is our own
    account, and None where there is none (media only, a join or leave). `kind` is X's event type in
    words.
    """

    id: str
    conversation_id: str
    sender_id: str | None
    created_at: datetime
    text: str | None
    kind: Literal["message", "join", "leave"] = "message"
    participant_ids: tuple[str, ...] = ()
    has_attachment: bool = False


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One page of messages as a backend returns it, newest first.

    `users` are those that the answer itself named, `next_cursor` is opaque and None at the end,
    `cost` is what this page cost in micro-dollars. `unread` says of conversations whether they hold
    a message that nobody has opened, where the backend tells.
    """

    messages: tuple[Message, ...]
    users: tuple[User, ...] = ()
    next_cursor: str | None = None
    cost: int = 0
    unread: Mapping[str, bool] = field(default_factory=dict)


def one_to_one(conversation_id: str, account_id: str) -> str | None:
    """Return the other user's id if `conversation_id` is a pair with `account_id`, else None.

    A pair is `smaller-larger` in numeric order (docs.x.com, 2026-08); groups have one number.
    """
    left, dash, right = conversation_id.partition("-")
    if not dash or account_id not in (left, right) or not (left.isdigit() and right.isdigit()):
        return None
    return right if left == account_id else left


def pair_id(one: str, other: str) -> str:
    """Return the conversation id of two users: the smaller number first (docs.x.com, 2026-08)."""
    return "-".join(sorted((one, other), key=int))
