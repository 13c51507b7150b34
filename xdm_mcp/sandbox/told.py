"""The world as JSON, for the controls: people, conversations, deliveries, the bill."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from xdm_mcp.clock import rfc3339
from xdm_mcp.models.quota import usd
from xdm_mcp.sandbox.journal import Hold
from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.prices import Bill, Line
from xdm_mcp.sandbox.threads import Conversation, Message

NOT_DELIVERED = frozenset({"story", "answer", "control"})
"""Ways into the world that are no façade."""


def world(hold: Hold) -> dict[str, Any]:
    """Return people and conversations, encrypted ones and requests included."""
    return {
        "story": hold.world.story,
        "created_at": rfc3339(hold.world.created_at),
        "now": rfc3339(hold.now),
        "owner_id": hold.world.owner_id,
        "people": [person(hold, each) for each in hold.world.people.by_id.values()],
        "conversations": [
            conversation(hold, each) for each in hold.world.threads.conversations.values()
        ],
    }


def person(hold: Hold, each: Person) -> dict[str, Any]:
    """Return somebody, seen from the owner."""
    people, me = hold.world.people, hold.world.owner_id
    return {
        "id": each.id,
        "handle": each.handle,
        "name": each.name,
        "protected": each.protected,
        "suspended": each.suspended,
        "open_inbox": each.open_inbox,
        "follows_you": (each.id, me) in people.follows,
        "you_follow": (me, each.id) in people.follows,
        "blocks_you": (each.id, me) in people.blocks,
        "you_block": (me, each.id) in people.blocks,
        "receives_your_dm": each.id != me and hold.world.allows(me, each),
        "answers_after_seconds": each.answers_after.total_seconds() if each.answers else None,
    }


def conversation(hold: Hold, each: Conversation) -> dict[str, Any]:
    """Return a conversation with all its messages, oldest first."""
    messages = [message(one) for one in hold.world.threads.newer(0, each.id)]
    return {
        "id": each.id,
        "kind": "group" if each.group else "one_to_one",
        "encrypted": each.encrypted,
        "request": hold.world.is_request(each, hold.world.owner_id),
        "member_ids": list(each.member_ids),
        "messages": messages,
    }


def message(each: Message) -> dict[str, Any]:
    """Return something that happened in a conversation."""
    return {
        "id": each.id,
        "kind": each.kind,
        "sender_id": each.sender_id,
        "text": each.text,
        "created_at": rfc3339(each.created_at),
        "via": each.via,
    }


def deliveries(hold: Hold, since: int | datetime | None, to_id: str | None) -> list[dict[str, Any]]:
    """Return what came in through façades, oldest first, after an id or from a time on."""
    after = since if isinstance(since, int) else 0
    told = []
    for each in hold.world.threads.newer(after, None):
        early = isinstance(since, datetime) and each.created_at < since
        members = hold.world.threads.conversations[each.conversation_id].member_ids
        wanted = to_id is None or (to_id in members and to_id != each.sender_id)
        if each.via not in NOT_DELIVERED and wanted and not early:
            told.append(_delivery(hold, each, members))
    return told


def bill(hold: Hold) -> dict[str, Any]:
    """Return the running bill: what the journal knows and what this process has read."""
    parts: list[Bill] = [hold.world.bill, hold.world.reads.bill]
    return {
        "items": {name: _line(line) for part in parts for name, line in part.items.items()},
        "total_usd": usd(sum(part.total for part in parts)),
        "balance_usd": usd(hold.world.balance),
    }


def _line(line: Line) -> Mapping[str, Any]:
    return {"count": line.count, "usd": usd(line.micro)}


def _delivery(hold: Hold, each: Message, members: tuple[str, ...]) -> dict[str, Any]:
    upload = hold.world.uploads.get(each.media_id or "")
    return {
        "id": each.id,
        "conversation_id": each.conversation_id,
        "sender_id": each.sender_id,
        "recipient_ids": [member for member in members if member != each.sender_id],
        "text": each.text,
        "sha256": hashlib.sha256(each.text.encode()).hexdigest(),
        "created_at": rfc3339(each.created_at),
        "via": each.via,
        "placed": each.placed,
        "media": upload and {"id": upload.id, "type": upload.media_type, "sha256": upload.sha256},
        "deleted_by_sender": (each.sender_id, each.id) in hold.world.threads.deleted,
    }
