"""X's official API, version 2 (docs.x.com and OpenAPI 2.167, 2026-08).

It sees and sends unencrypted messages only, answers "accepted" and never "delivered", takes no
idempotency key, and bills each event that it returns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pydantic_core
from pydantic import SecretStr

from xdm_mcp.backends import x_api_v2_outcomes as outcomes
from xdm_mcp.backends.base import Balance, Capabilities, Picture
from xdm_mcp.backends.http import Answer, Credential, NoAnswer, Wire
from xdm_mcp.backends.x_api_v2_limits import ACCOUNT, CAPABILITIES, read_windows
from xdm_mcp.backends.x_api_v2_parse import (
    Listing,
    listing_in,
    media_id_in,
    message_of,
    suspended_in,
    users_in,
)
from xdm_mcp.backends.x_api_v2_problems import problems_in
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BadInput, Refused, Unsupported
from xdm_mcp.models.messages import CONVERSATION_ID, MESSAGE_ID, Message, MessagePage, pair_id
from xdm_mcp.models.people import HANDLE, USER_ID, User, UserPage
from xdm_mcp.models.quota import ServerWindow
from xdm_mcp.models.sends import Outcome, Target

if TYPE_CHECKING:
    import httpx2

    from xdm_mcp.config import Settings

ORIGIN = "https://api.x.com"

OLD_FIELDS = {
    "dm_event.fields": "id,event_type,text,created_at,dm_conversation_id,sender_id,attachments"
}
NEW_FIELDS = {
    "dm_event.fields": ("attachments,created_at,dm_conversation_id,entities,event_type,id,text"),
    "expansions": "sender_id",
}
"""What to ask of events: as until OpenAPI 2.166, which is cheaper, or as since 2.167."""

USER_FIELDS = "receives_your_dm,connection_status,protected"
LOOKUP = 100
"""How many users one look-up may name (docs.x.com, user look-up, 2026-08)."""

TOKENLESS = (
    "There is no usable X access token: set XDM_X_ACCESS_TOKEN to a user's token with direct"
    " message permission, then start again."
)
UNSENDABLE = (
    "Nothing was sent: a message needs a text that can be encoded or a picture, and one person, one"
    " conversation, or 2 to 49 people for a new group."
)
MAX_GROUP = 49
"""How many people besides ourselves a new group may have (OpenAPI 2.167, 2026-08)."""


class XApiV2Backend:
    """See `base.Backend`. Stateless but for its connection, the vocabulary that X last took and
    the id of the account that the token speaks for."""

    def __init__(
        self,
        origin: str,
        token: SecretStr | None,
        clock: Clock,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        name: str = "x-api-v2",
        seed: int | None = None,
    ) -> None:
        """Talk to `origin` with a user's access token, over `transport` instead of the network if
        given. Raises ConfigError for an origin that must not be talked to."""
        secret = token.get_secret_value() if token else ""
        usable = secret.isascii() and secret.isprintable() and bool(secret) and " " not in secret
        credential = Credential(token) if token and usable else None
        self._wire = Wire(origin, credential, clock, transport=transport, seed=seed)
        self._ready = credential is not None
        self._clock = clock
        self._name = name
        self._fields: Mapping[str, str] = OLD_FIELDS
        self._account = ACCOUNT
        self._observed: dict[str, ServerWindow] = {}

    @property
    def name(self) -> str:
        """See Backend.name."""
        return self._name

    @property
    def origin(self) -> str:
        """See Backend.origin."""
        return self._wire.origin

    @property
    def capabilities(self) -> Capabilities:
        """See Backend.capabilities."""
        return CAPABILITIES

    async def me(self) -> User:
        """See Backend.me."""
        answer = await self._ask("me", "/2/users/me")
        users = users_in(answer.content) if answer.ok else ()
        if not users:
            outcomes.refuse_read(answer, self._clock.now())
        self._account = users[0].id
        return users[0]

    async def send(self, target: Target, text: str, picture: Picture | None) -> Outcome:
        """See Backend.send."""
        if not self._ready:
            return outcomes.unsent("auth", TOKENLESS)
        media_id: str | None = None
        if picture is not None:
            uploaded = await self._upload(picture)
            if isinstance(uploaded, Outcome):
                return uploaded
            media_id = uploaded
        post = post_of(target, text, media_id)
        if post is None:
            return outcomes.unsent("bad_request", UNSENDABLE)
        path, body = post
        kind = {"Content-Type": "application/json"}
        try:
            answer = await self._wire.write(
                path, share=0.5 if picture else 1.0, content=body, headers=kind
            )
        except NoAnswer as failure:
            return outcomes.lost(failure)
        return outcomes.outcome_of(answer, target, self._clock.now(), self._account)

    async def messages(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        with_user: str | None = None,
        conversation_id: str | None = None,
    ) -> MessagePage:
        """See Backend.messages. Raises BadInput for a limit or an id that cannot be."""
        if not 1 <= limit <= CAPABILITIES.max_page:
            raise BadInput(
                f"A page has 1 to {CAPABILITIES.max_page} messages: choose a limit within."
            )
        endpoint, path = _listing_path(with_user, conversation_id)
        params = {"max_results": str(limit)} | ({"pagination_token": cursor} if cursor else {})
        answer = await self._events(endpoint, path, params)
        if with_user and self._account != ACCOUNT:
            conversation_id = pair_id(self._account, with_user)
        listing = listing_in(answer.content, conversation_id)
        if listing is None:
            outcomes.refuse_read(answer, self._clock.now())
        return MessagePage(
            messages=listing.messages,
            users=listing.users,
            next_cursor=listing.next_token if listing.next_token != cursor else None,
            cost=_cost(listing),
        )

    async def message(self, message_id: str) -> Message:
        """See Backend.message. Raises BadInput for what is no message id."""
        _require(MESSAGE_ID, message_id, "message id")
        answer = await self._events("message", f"/2/dm_events/{message_id}", {})
        found = message_of(answer.content.get("data")) if isinstance(answer.content, dict) else None
        if found is None or found.id != message_id:
            outcomes.refuse_read(answer, self._clock.now())
        return found

    async def users(
        self, *, ids: Sequence[str] = (), handles: Sequence[str] = ()
    ) -> tuple[User, ...]:
        """See Backend.users. Raises BadInput for what is neither a user id nor a handle."""
        for user_id in ids:
            _require(USER_ID, user_id, "user id")
        for handle in handles:
            _require(HANDLE, handle, "handle")
        found: dict[str, User] = {}
        for chunk in _chunks(ids):
            for user in await self._look_up("/2/users", "ids", chunk):
                found.setdefault(user.id, user)
        for chunk in _chunks(handles):
            for user in await self._look_up("/2/users/by", "usernames", chunk):
                found.setdefault(user.id, user)
        return tuple(found.values())

    async def ready(self) -> None:
        """See Backend.ready."""

    async def delete(self, message_id: str) -> None:
        """See Backend.delete."""
        raise Unsupported(f"The backend {self.name} cannot delete messages; do it on x.com.")

    async def block(self, user_id: str, *, blocked: bool) -> None:
        """See Backend.block."""
        raise Unsupported(f"The backend {self.name} cannot block people; do it on x.com.")

    async def followers(
        self, user_id: str, *, following: bool = False, cursor: str | None = None
    ) -> UserPage:
        """See Backend.followers."""
        raise Unsupported(f"The backend {self.name} lists no followers; look people up by handle.")

    async def balance(self) -> Balance:
        """See Backend.balance."""
        raise Unsupported(f"The backend {self.name} tells no balance; see X's developer console.")

    @property
    def skew(self) -> timedelta | None:
        """See Backend.skew."""
        return self._wire.skew

    def server_windows(self) -> tuple[ServerWindow, ...]:
        """See Backend.server_windows. Scopes keep `{account}` until `me` was asked."""
        observed, self._observed = self._observed, {}
        return tuple(
            replace(window, scope=window.scope.replace(ACCOUNT, self._account))
            for window in observed.values()
        )

    async def close(self) -> None:
        """See Backend.close."""
        await self._wire.close()

    async def _look_up(self, path: str, name: str, asked: Sequence[str]) -> tuple[User, ...]:
        params = {name: ",".join(asked), "user.fields": USER_FIELDS}
        answer = await self._ask("users", path, params)
        users = users_in(answer.content) if answer.ok else ()
        problems = problems_in(answer.content)
        if not users and not outcomes.only_absent(answer, problems):
            outcomes.refuse_read(answer, self._clock.now())
        wanted = {who.lower() for who in asked}
        told = (user for user in users if {user.id, (user.handle or "").lower()} & wanted)
        return (*told, *suspended_in(problems, asked if name == "ids" else ()))

    async def _upload(self, picture: Picture) -> str | Outcome:
        """Return the id of the uploaded picture, or how the send ended with it."""
        try:
            answer = await self._wire.write(
                "/2/media/upload",
                share=0.5,
                data={"media_category": "dm_image", "media_type": picture.media_type},
                files={"media": ("picture", picture.content, picture.media_type)},
            )
        except NoAnswer as failure:
            return outcomes.unsent("not_sent", str(failure))
        media_id = media_id_in(answer.content) if answer.ok else None
        return media_id or outcomes.upload_outcome(answer, self._clock.now())

    async def _events(self, endpoint: str, path: str, params: Mapping[str, str]) -> Answer:
        """Return a successful answer about events, asked for in the vocabulary that X takes."""
        fields = self._fields
        answer = await self._ask(endpoint, path, {**params, **fields})
        if answer.status == 400 and fields is OLD_FIELDS and _blames_fields(answer):
            self._fields = NEW_FIELDS
            answer = await self._ask(endpoint, path, {**params, **NEW_FIELDS})
        if not answer.ok:
            outcomes.refuse_read(answer, self._clock.now())
        return answer

    async def _ask(
        self, endpoint: str, path: str, params: Mapping[str, str] | None = None
    ) -> Answer:
        if not self._ready:
            raise Refused("auth", TOKENLESS)
        answer = await self._wire.read(path, params)
        for window in read_windows(answer.headers, endpoint, self._clock.now()):
            self._observed[window.scope] = window
        return answer


def open_x_api_v2(
    settings: Settings, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
) -> XApiV2Backend:
    """Return the backend for the settings' token and base URL, by default X's own."""
    origin = settings.base_url or ORIGIN
    return XApiV2Backend(origin, settings.x_access_token, clock, transport=transport)


def post_of(target: Target, text: str, media_id: str | None) -> tuple[str, bytes] | None:
    """Return path and body of the one POST that sends `text` to `target`; None where there is
    none."""
    message: dict[str, object] = {"text": text} if text else {}
    if media_id is not None:
        message["attachments"] = [{"media_id": media_id}]
    path = _sending_path(target)
    if path is None or not message:
        return None
    group = {"conversation_type": "Group", "participant_ids": list(target.user_ids)}
    try:
        return path, pydantic_core.to_json(
            {**group, "message": message} if target.is_new_group else message
        )
    except ValueError:  # half a character, which no JSON can carry
        return None


def _sending_path(target: Target) -> str | None:
    conversation_id, user_ids = target.conversation_id, target.user_ids
    if not all(USER_ID.match(user_id) for user_id in user_ids):
        return None
    if conversation_id is not None:
        known = CONVERSATION_ID.match(conversation_id) and not user_ids
        return f"/2/dm_conversations/{conversation_id}/messages" if known else None
    if len(user_ids) == 1:
        return f"/2/dm_conversations/with/{user_ids[0]}/messages"
    return "/2/dm_conversations" if 2 <= len(user_ids) <= MAX_GROUP else None


def _listing_path(with_user: str | None, conversation_id: str | None) -> tuple[str, str]:
    if with_user and conversation_id:
        raise BadInput("Name a person or a conversation, not both.")
    if with_user:
        _require(USER_ID, with_user, "user id")
        return "with_user", f"/2/dm_conversations/with/{with_user}/dm_events"
    if conversation_id:
        _require(CONVERSATION_ID, conversation_id, "conversation id")
        return "conversation", f"/2/dm_conversations/{conversation_id}/dm_events"
    return "dm_events", "/2/dm_events"


def _require(pattern: re.Pattern[str], text: str, what: str) -> None:
    if not pattern.match(text):
        raise BadInput(f"That is no {what} of X: correct it and call again.")


def _chunks(items: Sequence[str]) -> Iterator[Sequence[str]]:
    unique = list(dict.fromkeys(items))
    return (unique[start : start + LOOKUP] for start in range(0, len(unique), LOOKUP))


def _blames_fields(answer: Answer) -> bool:
    return any(p.blames("dm_event.fields", "expansions") for p in problems_in(answer.content))


def _cost(listing: Listing) -> int:
    """Events as billed, and the users that X added to them: whether it bills those is not known."""
    prices = CAPABILITIES.prices
    return listing.billed * prices.read_message + len(listing.users) * prices.read_user
