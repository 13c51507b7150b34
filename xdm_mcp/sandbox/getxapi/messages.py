"""GetXAPI's endpoints about messages, in both generations of its answers."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Literal

from xdm_mcp.sandbox import acts
from xdm_mcp.sandbox.people import Person
from xdm_mcp.sandbox.threads import Conversation, Message
from xdm_mcp.sandbox.vendors import Body, Call, Said, possible

FACADE = "getxapi"
"""The name that deliveries carry."""

Generation = Literal["old", "new"]
"""Flat answers without tabs (to early 2026), or an envelope and tabs (since)."""

MOST = 50
"""Messages in a page at most, and by default (integrators' code, 2026)."""

TABS = ("all", "requests", "hidden")
_CURSOR = "DAABCgAB"


def missing(names: str) -> Said:
    """400 about a field that is not there."""
    return Said(400, {"error": f"Missing required field: {names}"})


def send(generation: Generation) -> Callable[[Call], Body]:
    """Return POST /twitter/dm/send of a generation."""

    def act(call: Call) -> Body:
        text = call.given.get("text")
        other = _recipient(call)
        if not possible(text):
            raise missing("text")
        if other.id == call.account_id:
            raise acts.Refusal("oneself", other.id)
        to = call.hold.world.threads.with_person(call.account_id, other.id)
        made = acts.send(call.hold, call.account_id, to, str(text), FACADE)
        told: Body = {
            "id": made.id,
            "createdAt": _time(made),
            "senderId": made.sender_id,
            "recipientId": other.id,
            "text": made.text,
            "recipient_username": other.handle,
        }
        envelope = {"status": "success", "msg": "DM sent successfully", "data": told}
        return envelope if generation == "new" else told

    return act


def listing(generation: Generation) -> Callable[[Call], Body]:
    """Return POST /twitter/dm/list of a generation."""

    def act(call: Call) -> Body:
        tab = call.text("tab") or "all"
        if generation == "old":
            tab = "all"
        if tab not in TABS:
            raise Said(400, {"error": f"Invalid tab: {tab}"})
        messages, following = _page(call, None, lambda each: _tab_of(call, each) == tab)
        body: Body = {
            "userId": call.account_id,
            "message_count": len(messages),
            "has_more": following is not None,
            "next_cursor": following,
            "messages": [_message(call, each, generation) for each in messages],
        }
        if generation == "old":
            return body
        threads = list(dict.fromkeys(each.conversation_id for each in messages))
        shown = [_conversation(call, each, messages) for each in threads]
        extra = {"tab": tab, "conversation_count": len(threads), "conversations": shown}
        return body | extra | {"events": [], "users": _users(call, messages)}

    return act


def conversation(generation: Generation) -> Callable[[Call], Body]:
    """Return POST /twitter/dm/conversation of a generation."""

    def act(call: Call) -> Body:
        wanted = call.text("conversation_id")
        if not wanted:
            raise missing("conversation_id (get it from /dm/list)")
        if wanted not in call.hold.world.threads.conversations:
            raise acts.Refusal("no_such_conversation", wanted)
        thread = acts.conversation(call.hold, call.account_id, wanted)
        messages, following = _page(call, thread.id, lambda _: True)
        return {
            "userId": call.account_id,
            "conversation_id": thread.id,
            "message_count": len(messages),
            "has_more": following is not None,
            "next_cursor": following,
            "messages": [_message(call, each, generation) for each in messages],
            "events": [],
            "users": _users(call, messages),
        }

    return act


def _recipient(call: Call) -> Person:
    number, name = call.text("recipient_id"), call.text("recipient_username")
    if not number and not name:
        raise missing("recipient_id or recipient_username")
    if number:
        return acts.person(call.hold, number)
    found = call.hold.world.people.with_handle(name)
    if found is None:
        raise Said(404, {"error": f"Could not resolve userId for @{name}"})
    return found


def _page(
    call: Call, conversation_id: str | None, wanted: Callable[[Message], bool]
) -> tuple[Sequence[Message], str | None]:
    threads = call.hold.world.threads
    before = _before(call.text("cursor"))

    def shown() -> Iterator[Message]:
        for each in threads.older(before, conversation_id):
            plain = each.kind == "message" and threads.seen_by(call.account_id, each)
            if plain and wanted(each):
                yield each

    count = call.given.get("count", MOST)
    size = count if isinstance(count, int) and 1 <= count <= MOST else MOST
    found = list(islice(shown(), size + 1))
    following = _cursor(found[size - 1]) if len(found) > size else None
    return found[:size], following


def _cursor(last: Message) -> str:
    return _CURSOR + base64.urlsafe_b64encode(last.id.encode()).decode().rstrip("=")


def _before(cursor: str) -> int | None:
    if not cursor:
        return None
    coded = cursor.removeprefix(_CURSOR)
    try:
        return int(base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)))
    except (binascii.Error, ValueError):
        raise Said(400, {"error": "Invalid cursor"}) from None


def _tab_of(call: Call, message: Message) -> str:
    thread = call.hold.world.threads.conversations[message.conversation_id]
    return "requests" if call.hold.world.is_request(thread, call.account_id) else "all"


def _message(call: Call, message: Message, generation: Generation) -> Body:
    thread = call.hold.world.threads.conversations[message.conversation_id]
    told: Body = {
        "id": message.id,
        "createdAt": _time(message),
        "senderId": message.sender_id,
        "recipientId": _to(thread, message),
        "text": message.text,
        "media": None,
    }
    if message.media_id is not None:
        told["media"] = [{"id": message.media_id, "type": "photo"}]
    if generation == "new" or thread.group:
        told["conversationId"] = thread.id
    return told


def _to(thread: Conversation, message: Message) -> str | None:
    others = [each for each in thread.member_ids if each != message.sender_id]
    return None if thread.group else others[0]


def _conversation(call: Call, thread_id: str, messages: Sequence[Message]) -> Body:
    thread = call.hold.world.threads.conversations[thread_id]
    last = next(each for each in messages if each.conversation_id == thread_id)
    others = [each for each in thread.member_ids if each != call.account_id]
    return {
        "conversation_id": thread_id,
        "type": "GROUP_DM" if thread.group else "ONE_TO_ONE",
        "unread": last.sender_id != call.account_id,
        "sort_timestamp": str(int(last.created_at.timestamp() * 1000)),
        "participants": [_profile(call, each) for each in others],
        "last_message": {"id": last.id, "senderId": last.sender_id, "text": last.text},
    }


def _users(call: Call, messages: Sequence[Message]) -> Body:
    ids = dict.fromkeys(each.sender_id for each in messages)
    return {each: _profile(call, each) for each in ids}


def _profile(call: Call, user_id: str) -> Body:
    person = call.hold.world.people.by_id[user_id]
    return {"id": person.id, "screen_name": person.handle, "name": person.name}


def _time(message: Message) -> str:
    return message.created_at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
