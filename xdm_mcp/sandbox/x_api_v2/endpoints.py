"""Every imitated endpoint of X API v2 in one table (X API v2 OpenAPI 2.167, 2026-08)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from xdm_mcp.sandbox.x_api_v2 import conversations, events, media, usage, users
from xdm_mcp.sandbox.x_api_v2.calls import Call, Reply

Act = Callable[[Call], Reply]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation: which requests it takes, whom it serves and what it does.

    `limits` names its windows; endpoints of one name share them. With `app_only` the app's own
    token is enough.
    """

    method: str
    template: str
    limits: str
    act: Act
    scopes: frozenset[str]
    app_only: bool = False
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        """Compile the template."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.template)
        object.__setattr__(self, "pattern", re.compile(pattern + r"\Z"))


_READ = "dm.read tweet.read users.read"
_WRITE = "dm.write tweet.read users.read"
_USERS = "tweet.read users.read"
_MEDIA = "media.write"
_WITH = "/2/dm_conversations/with/{participant_id}"


def _table() -> Iterator[Endpoint]:
    def add(
        method: str, template: str, limits: str, act: Act, scopes: str, app_only: bool = False
    ) -> Endpoint:
        return Endpoint(method, template, limits, act, frozenset(scopes.split()), app_only)

    yield add("POST", f"{_WITH}/messages", "send", conversations.send_to_person, _WRITE)
    yield add(
        "POST",
        "/2/dm_conversations/{dm_conversation_id}/messages",
        "send",
        conversations.send_to_conversation,
        _WRITE,
    )
    yield add("POST", "/2/dm_conversations", "send", conversations.open_group, _WRITE)
    yield add("GET", "/2/dm_events", "dm_events", events.everything, _READ)
    yield add("GET", f"{_WITH}/dm_events", "dm_events_with", events.with_person, _READ)
    yield add(
        "GET", "/2/dm_conversations/{id}/dm_events", "dm_events_of", events.of_conversation, _READ
    )
    yield add("GET", "/2/dm_events/{event_id}", "dm_event", events.one, _READ)
    yield add(
        "DELETE", "/2/dm_events/{event_id}", "delete", conversations.delete, "dm.read dm.write"
    )
    yield add("POST", "/2/users/{id}/dm/block", "block", conversations.block, _WRITE)
    yield add("POST", "/2/users/{id}/dm/unblock", "block", conversations.unblock, _WRITE)
    yield add(
        "GET",
        "/2/dm_conversations/media/{dm_id}/{media_id}/{resource_id}",
        "dm_media",
        media.download,
        "dm.read",
    )
    yield add("GET", "/2/users/me", "me", users.me, _USERS)
    yield add("GET", "/2/users/by", "users_by_username", users.by_usernames, _USERS, True)
    yield add(
        "GET",
        "/2/users/by/username/{username}",
        "user_by_username",
        users.by_username,
        _USERS,
        True,
    )
    yield add("GET", "/2/users", "users_by_id", users.by_ids, _USERS, True)
    yield add("GET", "/2/users/{id}", "user_by_id", users.by_id, _USERS, True)
    yield add(
        "GET",
        "/2/users/{id}/followers",
        "followers",
        users.followers,
        f"follows.read {_USERS}",
        True,
    )
    yield add(
        "GET",
        "/2/users/{id}/following",
        "following",
        users.following,
        f"follows.read {_USERS}",
        True,
    )
    yield add("POST", "/2/media/upload", "media_one_shot", media.one_shot, _MEDIA)
    yield add("POST", "/2/media/upload/initialize", "media_chunks", media.initialize, _MEDIA)
    yield add("POST", "/2/media/upload/{id}/append", "media_chunks", media.append, _MEDIA)
    yield add("POST", "/2/media/upload/{id}/finalize", "media_chunks", media.finalize, _MEDIA)
    yield add("GET", "/2/media/upload", "media_status", media.status, _MEDIA)
    yield add("GET", "/2/usage/credits", "credits", usage.credits, "", True)


ENDPOINTS: tuple[Endpoint, ...] = tuple(_table())
"""In the order in which they are tried: fixed paths before those with a parameter."""


def find(method: str, path: str) -> tuple[Endpoint | None, dict[str, str], bool]:
    """Return the endpoint of a request, its path parameters, and whether the path exists."""
    exists = False
    for endpoint in ENDPOINTS:
        match = endpoint.pattern.match(path)
        if match and endpoint.method == method:
            return endpoint, match.groupdict(), True
        exists = exists or match is not None
    return None, {}, exists
