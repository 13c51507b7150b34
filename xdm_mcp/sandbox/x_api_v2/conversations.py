"""The direct-message endpoints that send, delete and block."""

from __future__ import annotations

from typing import Any

from xdm_mcp.models.people import USER_ID
from xdm_mcp.sandbox import acts
from xdm_mcp.sandbox.texts import is_whole
from xdm_mcp.sandbox.threads import Conversation, Message
from xdm_mcp.sandbox.x_api_v2.calls import FACADE, Call, Reply, json_body
from xdm_mcp.sandbox.x_api_v2.problems import Problem

LONGEST = 10_000
"""The most characters of a message (X's page on direct messages); counted as code points."""

_CONTENT = frozenset({"text", "attachments"})


def send_to_person(call: Call) -> Reply:
    """POST /2/dm_conversations/with/{participant_id}/messages."""
    other = acts.person(call.hold, call.id_param("participant_id"))
    text, media_id = _content(call, json_body(call, _CONTENT))
    if other.id == call.account_id:
        raise acts.Refusal("oneself", other.id)
    to = call.hold.world.threads.with_person(call.account_id, other.id)
    return _sent(call, to, text, media_id)


def send_to_conversation(call: Call) -> Reply:
    """POST /2/dm_conversations/{dm_conversation_id}/messages."""
    text, media_id = _content(call, json_body(call, _CONTENT))
    to = acts.conversation(call.hold, call.account_id, call.params["dm_conversation_id"])
    return _sent(call, to, text, media_id)


def open_group(call: Call) -> Reply:
    """POST /2/dm_conversations: always a new conversation, even for the same people."""
    keys = frozenset({"conversation_type", "participant_ids", "message"})
    body = json_body(call, keys)
    if body.get("conversation_type") != "Group":
        asked = str(body.get("conversation_type"))
        raise call.problems.invalid("conversation_type", [asked], "must be Group")
    others = _participants(call, body.get("participant_ids"))
    message = body.get("message")
    if not isinstance(message, dict) or set(message) - _CONTENT:
        raise call.problems.invalid("message", [str(message)], "must have text or attachments")
    text, media_id = _content(call, message)
    if media_id is not None:
        acts.check_media(call.hold, call.account_id, media_id)
    return _sent(call, acts.open_group(call.hold, call.account_id, others), text, media_id)


def delete(call: Call) -> Reply:
    """DELETE /2/dm_events/{event_id}."""
    acts.delete(call.hold, call.account_id, call.id_param("event_id"))
    call.charge("dm_delete")
    return Reply({"data": {"deleted": True}})


def block(call: Call) -> Reply:
    """POST /2/users/{id}/dm/block, where {id} is the other user."""
    acts.block(call.hold, call.account_id, call.id_param("id"), on=True)
    return Reply({"data": {"blocked": True}})


def unblock(call: Call) -> Reply:
    """POST /2/users/{id}/dm/unblock, where {id} is the other user."""
    acts.block(call.hold, call.account_id, call.id_param("id"), on=False)
    return Reply({"data": {"blocked": False}})


def _sent(call: Call, to: Conversation, text: str, media_id: str | None) -> Reply:
    message: Message = acts.send(call.hold, call.account_id, to, text, FACADE, media_id)
    call.charge("dm_create")
    ids = {"dm_conversation_id": message.conversation_id, "dm_event_id": message.id}
    return Reply({"data": ids}, 201)


def _content(call: Call, body: dict[str, Any]) -> tuple[str, str | None]:
    """Return the text, exactly as received, and the media id of a message. Raises Problem."""
    if not body.keys() & _CONTENT:
        raise call.problems.invalid("text", [""], "text or attachments is required")
    text = body.get("text", "")
    if "text" in body and not _possible(text):
        raise call.problems.invalid("text", [str(text)], f"must be 1 to {LONGEST} characters")
    media_id = _media_id(call, body["attachments"]) if "attachments" in body else None
    return text, media_id


def _possible(text: Any) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= LONGEST and is_whole(text)


def _media_id(call: Call, attachments: Any) -> str:
    one = attachments[0] if isinstance(attachments, list) and len(attachments) == 1 else None
    media_id = one.get("media_id") if isinstance(one, dict) and set(one) == {"media_id"} else None
    if not isinstance(media_id, str) or not USER_ID.match(media_id):
        raise call.problems.invalid(
            "attachments", [str(attachments)], "must be a list of one object with a media_id"
        )
    return media_id


def _participants(call: Call, ids: Any) -> list[str]:
    if not isinstance(ids, list) or not 2 <= len(ids) <= acts.LARGEST_GROUP:
        raise _bad_participants(call, ids)
    if not all(isinstance(each, str) and USER_ID.match(each) for each in ids):
        raise _bad_participants(call, ids)
    if len(set(ids)) != len(ids):
        raise _bad_participants(call, ids)
    return ids


def _bad_participants(call: Call, ids: Any) -> Problem:
    says = f"must be 2 to {acts.LARGEST_GROUP} different ids"
    return call.problems.invalid("participant_ids", [str(ids)], says)
