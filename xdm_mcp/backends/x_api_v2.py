"""X's official API, version 2 (docs.x.com and OpenAPI 2.167, 2026-08).

It sees and sends unencrypted messages only, answers "accepted" and never "delivered", takes no
idempotency key, and bills each event that it returns. Its other rooms: `x_api_v2_events.py` (what
is read), `_people.py`, `_media.py`, `_limits.py`, `_parse.py`, `_problems.py`, `_errors.py` and
`_outcomes.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pydantic_core

from xdm_mcp.backends import x_api_v2_outcomes as outcomes
from xdm_mcp.backends import x_api_v2_people as people
from xdm_mcp.backends.auth import keys_of
from xdm_mcp.backends.base import Balance, Capabilities, Picture
from xdm_mcp.backends.http import NoAnswer
from xdm_mcp.backends.unanswered import lost, unsent
from xdm_mcp.backends.x_api_v2_events import Billed, Events, listing_path
from xdm_mcp.backends.x_api_v2_limits import ACCOUNT, CAPABILITIES
from xdm_mcp.backends.x_api_v2_media import SHARE, upload
from xdm_mcp.backends.x_api_v2_parse import listing_in, message_of
from xdm_mcp.backends.x_api_v2_people import require
from xdm_mcp.backends.x_line import Line, Secrets
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BackendUnavailable, BadInput, Refused
from xdm_mcp.models.messages import CONVERSATION_ID, MESSAGE_ID, Message, MessagePage, pair_id
from xdm_mcp.models.people import USER_ID, User, UserPage
from xdm_mcp.models.quota import ServerWindow
from xdm_mcp.models.sends import Outcome, Target

if TYPE_CHECKING:
    import httpx2

    from xdm_mcp.backends.auth import Bearer
    from xdm_mcp.config import Settings

ORIGIN = "https://api.x.com"

TOKENLESS = (
    "There is no usable X access token: log in with `xdm-mcp login`, or set XDM_X_ACCESS_TOKEN to a"
    " user's token with direct message permission, then start again."
)
UNSENDABLE = (
    "Nothing was sent: a message needs a text that can be encoded or a picture, and one person, one"
    " conversation, or 2 to 49 people for a new group."
)
MAX_GROUP = 49
"""How many people besides ourselves a new group may have (OpenAPI 2.167, 2026-08)."""


class XApiV2Backend:
    """See `base.Backend`. Stateless but for its connection, the vocabulary that X last took, what
    X has billed today and the id of the account that it speaks for."""

    def __init__(
        self,
        origin: str,
        secrets: Secrets | None,
        clock: Clock,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        name: str = "x-api-v2",
        seed: int | None = None,
    ) -> None:
        """Talk to `origin` with a user's token, one that is renewed, or keys of OAuth 1.0a; over
        `transport` instead of the network if given. Raises ConfigError for an origin that must not
        be talked to."""
        self._line = Line(
            origin,
            secrets,
            clock,
            reads=CAPABILITIES.reads,
            missing=TOKENLESS,
            transport=transport,
            seed=seed,
        )
        self._clock = clock
        self._name = name
        self._events = Events(self._line)
        self._billed = Billed()

    @property
    def name(self) -> str:
        """See Backend.name."""
        return self._name

    @property
    def origin(self) -> str:
        """See Backend.origin."""
        return self._line.wire.origin

    @property
    def capabilities(self) -> Capabilities:
        """See Backend.capabilities."""
        return self._events.capabilities

    async def ready(self) -> None:
        """See Backend.ready."""
        await self._line.ready()

    async def me(self) -> User:
        """See Backend.me."""
        return await people.me(self._line)

    async def send(self, target: Target, text: str, picture: Picture | None) -> Outcome:
        """See Backend.send."""
        if not self._line.able:
            return unsent("auth", TOKENLESS)
        media_id: str | None = None
        if picture is not None:
            if post_of(target, text, "0") is None:
                return unsent("bad_request", UNSENDABLE)
            uploaded = await upload(self._line, picture, self._clock)
            if isinstance(uploaded, Outcome):
                return uploaded
            media_id = uploaded
        post = post_of(target, text, media_id)
        if post is None:
            return unsent("bad_request", UNSENDABLE)
        path, body = post
        kind = {"Content-Type": "application/json"}
        try:
            answer = await self._line.wire.write(
                path, share=1 - SHARE if picture else 1.0, content=body, headers=kind
            )
        except NoAnswer as failure:
            return lost("X", failure)
        except Refused as error:  # by the credentials, before anything left
            return unsent(error.code, str(error))
        except BackendUnavailable as error:
            return unsent("not_sent", str(error))
        return outcomes.outcome_of(answer, target, self._line.now, self._line.account)

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
        endpoint, path = listing_path(with_user, conversation_id)
        params = {"max_results": str(limit)} | ({"pagination_token": cursor} if cursor else {})
        asked = self._line.now
        answer = await self._events.ask(endpoint, path, params)
        account = self._line.account
        if with_user and account != ACCOUNT:
            conversation_id = pair_id(account, with_user)
        listing = listing_in(answer.content, conversation_id)
        if listing is None:
            self._line.refuse(answer)
        ahead = self._line.wire.skew or timedelta()
        return MessagePage(
            messages=listing.messages,
            users=listing.users,
            next_cursor=listing.next_token if listing.next_token != cursor else None,
            cost=self._billed.cost(listing, asked + ahead, self._line.now + ahead),
        )

    async def message(self, message_id: str) -> Message:
        """See Backend.message. Raises BadInput for what is no message id."""
        require(MESSAGE_ID, message_id, "message id")
        answer = await self._events.ask("message", f"/2/dm_events/{message_id}", {})
        found = message_of(answer.content.get("data")) if isinstance(answer.content, dict) else None
        if found is None or found.id != message_id:
            self._line.refuse(answer)
        return found

    async def users(
        self, *, ids: Sequence[str] = (), handles: Sequence[str] = ()
    ) -> tuple[User, ...]:
        """See Backend.users. Raises BadInput for what is neither a user id nor a handle."""
        return await people.look_up(self._line, ids, handles)

    async def delete(self, message_id: str) -> None:
        """See Backend.delete. X deletes only what the account itself sent."""
        require(MESSAGE_ID, message_id, "message id")
        answer = await self._line.act(f"/2/dm_events/{message_id}", "DELETE")
        told = answer.content.get("data") if isinstance(answer.content, dict) else None
        if not isinstance(told, dict) or told.get("deleted") is not True:
            raise BackendUnavailable(
                "X did not say that it deleted the message: read the conversation again."
            )

    async def block(self, user_id: str, *, blocked: bool) -> None:
        """See Backend.block."""
        await people.block(self._line, user_id, blocked=blocked)

    async def followers(
        self, user_id: str, *, following: bool = False, cursor: str | None = None
    ) -> UserPage:
        """See Backend.followers. The token needs the scope follows.read."""
        return await people.followers(self._line, user_id, following=following, cursor=cursor)

    async def balance(self) -> Balance:
        """See Backend.balance. Raises Unsupported where X does not tell it to these credentials."""
        return await people.balance(self._line)

    @property
    def skew(self) -> timedelta | None:
        """See Backend.skew."""
        return self._line.wire.skew

    def server_windows(self) -> tuple[ServerWindow, ...]:
        """See Backend.server_windows. Scopes keep `{account}` until `me` was asked."""
        return self._line.windows()

    async def close(self) -> None:
        """See Backend.close."""
        await self._line.wire.close()


def open_x_api_v2(
    settings: Settings,
    clock: Clock,
    transport: httpx2.AsyncBaseTransport | None = None,
    bearer: Bearer | None = None,
) -> XApiV2Backend:
    """Return the backend for the settings' base URL, by default X's own.

    It speaks with the settings' token, or else that of `bearer`, or else the four keys of OAuth
    1.0a, which X takes for API v2 as well.
    """
    origin = settings.base_url or ORIGIN
    secrets = settings.x_access_token or bearer or keys_of(settings)
    return XApiV2Backend(origin, secrets, clock, transport=transport)


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
