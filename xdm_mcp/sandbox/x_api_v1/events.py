"""The endpoints of direct messages: new, show, list, destroy, typing, read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from xdm_mcp.clock import to_ms
from xdm_mcp.models.people import USER_ID
from xdm_mcp.sandbox import acts
from xdm_mcp.sandbox.events import Deleted
from xdm_mcp.sandbox.pages import Anchor, BadToken, from_token, to_token
from xdm_mcp.sandbox.texts import is_whole
from xdm_mcp.sandbox.threads import Message
from xdm_mcp.sandbox.x_api_v1.calls import Body, Call, Reply
from xdm_mcp.sandbox.x_api_v1.errors import Problem
from xdm_mcp.sandbox.x_api_v1.limits import FACADE

LONGEST = 10_000
MOST, USUAL = 50, 20
HORIZON = timedelta(days=30)
"""The largest text, the largest and the usual page, and how far back the list reaches (reference of
direct_messages/events)."""

APP_ID = "268278"


def recipient_of(call: Call) -> str:
    """Return whom a new message is for. Raises Problem."""
    recipient = _at(_made(call), "target", "recipient_id")
    if not isinstance(recipient, str) or not USER_ID.match(recipient):
        raise Problem("v1_missing_parameter")
    return recipient


def new(call: Call) -> Reply:
    """POST events/new.json."""
    other = acts.person(call.hold, recipient_of(call))
    if other.id == call.account_id:
        raise acts.Refusal("oneself", other.id)
    if other.suspended:
        raise Problem("v1_user_suspended")
    text, media_id = _content(_at(_made(call), "message_data"))
    world = call.hold.world
    if not world.allows(call.account_id, other) and not world.people.blocked(
        call.account_id, other.id
    ):
        raise Problem("v1_not_following_you")
    to = world.threads.with_person(call.account_id, other.id)
    message = acts.send(call.hold, call.account_id, to, text, FACADE, media_id)
    return Reply({"event": _event(call, message)})


def show(call: Call) -> Reply:
    """GET events/show.json?id=…"""
    return Reply({"event": _event(call, _own(call))})


def listed(call: Call) -> Reply:
    """GET events/list.json: a page is cut first, and what must not be seen is taken out of it, so
    it may be short or empty although the list goes on."""
    count, of = _count(call), f"v1/{call.account_id}"
    cut = list(islice(call.hold.world.threads.older(_before(call, of), None), count))
    since = call.hold.now - HORIZON
    shown = [m for m in cut if _plain(call, m) and m.created_at >= since]
    body: Body = {"events": [_event(call, message) for message in shown], "apps": {}}
    if len(cut) == count and cut[-1].created_at >= since:
        body["next_cursor"] = to_token(Anchor("older", int(cut[-1].id)), of)
    return Reply(body)


def destroy(call: Call) -> Reply:
    """DELETE events/destroy.json?id=…: from the caller's own view."""
    call.hold.record(Deleted(call.account_id, _own(call).id))
    return Reply()


def typing(call: Call) -> Reply:
    """POST indicate_typing.json."""
    acts.person(call.hold, call.id_in(call.form, "recipient_id"))
    return Reply()


def mark_read(call: Call) -> Reply:
    """POST mark_read.json, where recipient_id is the other person, who wrote."""
    other = call.id_in(call.form, "recipient_id")
    message = acts.message(call.hold, call.account_id, call.id_in(call.form, "last_read_event_id"))
    if message.sender_id != other:
        raise Problem("v1_missing_parameter")
    return Reply()


def _made(call: Call) -> Any:
    try:
        body = json.loads(call.request.body)
    except (ValueError, RecursionError):
        body = None
    made = _at(body, "event", "message_create")
    if not isinstance(made, dict) or _at(body, "event", "type") != "message_create":
        raise Problem("v1_missing_parameter")
    return made


def _content(said: Any) -> tuple[str, str | None]:
    """Return the text, exactly as received, and the media id of a message. Raises Problem."""
    text, attachment = _at(said, "text"), _at(said, "attachment")
    media_id = _at(attachment, "media", "id")
    if attachment is not None and not (isinstance(media_id, str) and USER_ID.match(media_id)):
        raise Problem("v1_bad_media")
    if not isinstance(text, str) or not (text or media_id) or not is_whole(text):
        raise Problem("v1_missing_parameter")
    if len(text) > LONGEST:
        raise Problem("v1_text_too_long")
    return text, media_id


def _at(value: Any, *names: str) -> Any:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _own(call: Call) -> Message:
    message_id = call.id_in(call.request.query, "id")
    message = acts.message(call.hold, call.account_id, message_id)
    if not _plain(call, message):
        raise Problem("v1_page_does_not_exist")
    return message


def _plain(call: Call, message: Message) -> bool:
    """Whether v1.1 shows a message: one of two people, seen by the caller."""
    threads = call.hold.world.threads
    conversation = threads.conversations[message.conversation_id]
    plain = not conversation.group and message.kind == "message"
    return plain and threads.seen_by(call.account_id, message)


def _count(call: Call) -> int:
    text = call.request.query.get("count", str(USUAL))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= MOST):
        raise Problem("v1_missing_parameter")
    return int(text)


def _before(call: Call, of: str) -> int | None:
    cursor = call.request.query.get("cursor")
    if cursor is None:
        return None
    try:
        return from_token(cursor, of).message_id
    except BadToken:
        raise Problem("v1_missing_parameter") from None


def _event(call: Call, message: Message) -> Body:
    members: Sequence[str] = call.hold.world.threads.conversations[
        message.conversation_id
    ].member_ids
    [recipient] = [member for member in members if member != message.sender_id]
    said: Body = {
        "text": message.text,
        "entities": {"hashtags": [], "symbols": [], "user_mentions": [], "urls": []},
    }
    if message.media_id is not None:
        media = {"id": int(message.media_id), "id_str": message.media_id, "type": "photo"}
        said["attachment"] = {"type": "media", "media": media}
    return {
        "type": "message_create",
        "id": message.id,
        "created_timestamp": str(to_ms(message.created_at)),
        "message_create": {
            "target": {"recipient_id": recipient},
            "sender_id": message.sender_id,
            "source_app_id": APP_ID,
            "message_data": said,
        },
    }
