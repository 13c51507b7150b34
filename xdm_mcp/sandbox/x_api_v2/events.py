"""The direct-message endpoints that read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from xdm_mcp.sandbox import acts
from xdm_mcp.sandbox.pages import Anchor, BadToken, from_token, turn
from xdm_mcp.sandbox.threads import Kind, Message
from xdm_mcp.sandbox.x_api_v2 import users
from xdm_mcp.sandbox.x_api_v2.calls import Call, Query, Reply
from xdm_mcp.sandbox.x_api_v2.entities import entities, post_ids
from xdm_mcp.sandbox.x_api_v2.problems import Body

CONVERSATION_ID = re.compile(r"([0-9]{1,19}-[0-9]{1,19}|[0-9]{15,19})\Z")
"""What a conversation may be called when it is read (X API v2 OpenAPI 2.167, 2026-08)."""

HORIZON = timedelta(days=30)
"""How far back the list of all events reaches; conversations have no horizon."""

MOST = 100
"""The largest and the default page (X API v2 OpenAPI 2.167, 2026-08)."""

MEDIA_URL = "https://ton.twitter.com/1.1/ton/data/dm"

TYPES: dict[Kind, str] = {
    "message": "MessageCreate",
    "join": "ParticipantsJoin",
    "leave": "ParticipantsLeave",
}
_KINDS = {name: kind for kind, name in TYPES.items()}


def everything(call: Call) -> Reply:
    """GET /2/dm_events."""
    return _listed(call, None, call.hold.now - HORIZON)


def with_person(call: Call) -> Reply:
    """GET /2/dm_conversations/with/{participant_id}/dm_events."""
    other = acts.person(call.hold, call.id_param("participant_id"))
    to = call.hold.world.threads.with_person(call.account_id, other.id)
    return _listed(call, to.id, None)


def of_conversation(call: Call) -> Reply:
    """GET /2/dm_conversations/{id}/dm_events."""
    conversation_id = call.params["id"]
    if not CONVERSATION_ID.match(conversation_id):
        says = "does not match ^([0-9]{1,19}-[0-9]{1,19}|[0-9]{15,19})$"
        raise call.bad_value("id", conversation_id, says)
    return _listed(call, acts.conversation(call.hold, call.account_id, conversation_id).id, None)


def one(call: Call) -> Reply:
    """GET /2/dm_events/{event_id}."""
    query = call.query(frozenset(), call.vocabulary.events)
    message = acts.message(call.hold, call.account_id, call.id_param("event_id"))
    body = _told(call, [message], query)
    return Reply({**body, "data": body["data"][0]})


def _listed(call: Call, conversation_id: str | None, since: datetime | None) -> Reply:
    plain = frozenset({"max_results", "pagination_token"})
    types = {"event_types": frozenset(_KINDS)}
    query = call.query(plain, {**call.vocabulary.events, **types})
    size = call.number(query, "max_results", MOST, MOST)
    kinds = {_KINDS[name] for name in query.lists.get("event_types", tuple(_KINDS))}
    of = f"{call.account_id}/{conversation_id}/{sorted(kinds)}"
    threads = call.hold.world.threads

    def shown(message: Message) -> bool:
        recent = since is None or message.created_at >= since
        return recent and message.kind in kinds and threads.seen_by(call.account_id, message)

    page = turn(threads, conversation_id, shown, size, _anchor(call, query, of), of)
    meta: Body = {"result_count": len(page.messages)}
    if page.next_token:
        meta["next_token"] = page.next_token
    if page.previous_token:
        meta["previous_token"] = page.previous_token
    return Reply({**_told(call, page.messages, query), "meta": meta})


def _anchor(call: Call, query: Query, of: str) -> Anchor | None:
    token = query.plain.get("pagination_token")
    if token is None:
        return None
    try:
        return from_token(token, of)
    except BadToken:
        raise call.bad_value("pagination_token", token, "is invalid") from None


def _told(call: Call, messages: Sequence[Message], query: Query) -> Body:
    """Return `data`, `includes` and `errors` for messages, each only where there is any."""
    for message in messages:
        call.charge_read("dm_event_read", message.id)
    body: Body = {}
    if messages:
        body["data"] = [_event(call, message, query) for message in messages]
    includes = _includes(call, messages, query)
    if includes:
        body["includes"] = includes
    errors = _unknown_posts(call, messages, query)
    if errors:
        body["errors"] = errors
    return body


def _event(call: Call, message: Message, query: Query) -> Body:
    def asked(name: str) -> bool:
        return query.wants("dm_event.fields", name)

    event: Body = {"id": message.id, "event_type": TYPES[message.kind]}
    if message.kind == "message":
        event["text"] = message.text
    else:
        event["participant_ids"] = list(message.participant_ids)
    if asked("created_at"):
        event["created_at"] = message.created_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    if asked("dm_conversation_id"):
        event["dm_conversation_id"] = message.conversation_id
    if asked("sender_id") or query.wants("expansions", "sender_id"):
        event["sender_id"] = message.sender_id
    if message.media_id and (
        asked("attachments") or query.wants("expansions", "attachments.media_keys")
    ):
        key = call.hold.world.uploads[message.media_id].key
        event["attachments"] = {"media_keys": [key]}
    event.update(_found_in_text(call, message, query))
    return event


def _found_in_text(call: Call, message: Message, query: Query) -> Body:
    found: Body = {}
    if query.wants("dm_event.fields", "entities"):
        parts = entities(message.text)
        found = dict(parts) if call.vocabulary.flat_entities else {"entities": parts}
        found = found if parts else {}
    posts = [{"id": each} for each in post_ids(message.text)]
    old_name = query.wants("dm_event.fields", "referenced_tweets")
    if posts and (old_name or query.wants("expansions", "referenced_tweets.id")):
        found["referenced_tweets"] = posts
    if posts and query.wants("expansions", "referenced_posts"):
        found["referenced_posts"] = posts
    return found


def _includes(call: Call, messages: Sequence[Message], query: Query) -> Body:
    people: list[str] = []
    if query.wants("expansions", "sender_id"):
        people += [message.sender_id for message in messages]
    if query.wants("expansions", "participant_ids"):
        people += [each for message in messages for each in message.participant_ids]
    includes: Body = {}
    if people:
        fields = query.lists.get("user.fields", ())
        includes["users"] = users.included(call, people, fields)
    if query.wants("expansions", "attachments.media_keys"):
        media = [_media(call, message, query) for message in messages if message.media_id]
        if media:
            includes["media"] = media
    return includes


def _media(call: Call, message: Message, query: Query) -> Body:
    upload = call.hold.world.uploads[message.media_id or ""]
    kind = {"dm_video": "video", "dm_gif": "animated_gif"}.get(upload.category, "photo")
    media: Body = {"media_key": upload.key, "type": kind}
    if query.wants("media.fields", "url"):
        media["url"] = f"{MEDIA_URL}/{message.id}/{upload.id}/{upload.sha256}"
    return media


def _unknown_posts(call: Call, messages: Sequence[Message], query: Query) -> list[Body]:
    """Return an error for each post that was to be expanded: this world has no posts."""
    for expansion, kind in (("referenced_tweets.id", "tweet"), ("referenced_posts", "post")):
        if query.wants("expansions", expansion):
            ids = dict.fromkeys(each for message in messages for each in post_ids(message.text))
            return [call.problems.missing(expansion, each, kind) for each in ids]
    return []
