"""How messages and people are shown to an agent: strangers' words pass the sanitizer here, and
nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from xdm_mcp.clock import rfc3339
from xdm_mcp.guard.reply_credit import Window
from xdm_mcp.models.messages import Message
from xdm_mcp.models.people import User
from xdm_mcp.models.results import ConversationRow, MessageRow, Person
from xdm_mcp.sanitizer import clean, clean_name

SNIPPET = 280
"""How much of the last message a list of conversations shows, in characters."""


def person(user: User) -> Person:
    """Return a person with handle and name cleaned."""
    return Person(
        id=user.id,
        handle=clean_name(user.handle) if user.handle else None,
        name=clean_name(user.name) if user.name else None,
    )


def is_cut(message: Message) -> bool:
    """Whether a list of conversations shows only the beginning of a message."""
    return message.text is not None and clean(message.text, limit=SNIPPET).truncated


def message_row(message: Message, *, with_conversation: bool) -> MessageRow:
    """Return a message with its text cleaned."""
    cleaned = clean(message.text) if message.text is not None else None
    return MessageRow(
        id=message.id,
        conversation_id=message.conversation_id if with_conversation else None,
        from_id=message.sender_id,
        at=rfc3339(message.created_at),
        text=cleaned.text if cleaned else None,
        truncated=cleaned.truncated if cleaned else False,
        hidden_removed=cleaned.removed if cleaned else 0,
    )


def conversation_row(
    conversation_id: str,
    messages: Sequence[Message],
    others: Sequence[str],
    *,
    since: datetime | None,
    window: Window | None,
    unread: bool | None,
) -> ConversationRow:
    """Return a conversation (its messages newest first) with the last word in it; `since` says how
    long it has needed a reply, None that it needs none, `window` what is left to reply in."""
    last = messages[0]
    return ConversationRow(
        id=conversation_id,
        with_ids=list(others),
        last_at=rfc3339(last.created_at),
        last_from=last.sender_id,
        last_text=clean(last.text, limit=SNIPPET).text if last.text is not None else None,
        unread=unread,
        needs_reply=since is not None,
        waits_since=rfc3339(since) if since else None,
        replies_left=window.left if since and window else None,
        replies_until=rfc3339(window.until) if since and window else None,
    )
