"""GetXAPI, an unofficial service that acts through the session cookie of an X account (GetXAPI
guide and endpoint pages, 2026-11).

The cookie travels in the body of every call about messages, reads included, which are POSTs. It
takes no idempotency key, tells no quota, and answers "accepted", never "delivered".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import pydantic_core
from pydantic import SecretStr

from xdm_mcp.backends import getxapi_parse as parse
from xdm_mcp.backends import vendor_outcomes as outcomes
from xdm_mcp.backends.auth import Credential, usable
from xdm_mcp.backends.base import Balance, Capabilities, Picture
from xdm_mcp.backends.getxapi_errors import GETXAPI, NO_THREAD
from xdm_mcp.backends.http import JSON, Answer, NoAnswer, Wire
from xdm_mcp.backends.lookups import after, all_of
from xdm_mcp.backends.merging import Fetched, merged, place_of
from xdm_mcp.backends.prices import GETXAPI_FOLLOWERS, GETXAPI_TAB, GETXAPI_THREAD, PRICES
from xdm_mcp.backends.risks import RISKS
from xdm_mcp.backends.unanswered import lost, unsent
from xdm_mcp.backends.x_api_v2_limits import ACCOUNT, DAY, QUARTER
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BackendUnavailable, BadInput, NotFound, Refused, Unsupported
from xdm_mcp.models.messages import CONVERSATION_ID, Message, MessagePage, pair_id
from xdm_mcp.models.people import HANDLE, USER_ID, User, UserPage
from xdm_mcp.models.quota import Limit, ServerWindow
from xdm_mcp.models.sends import Outcome, Target

if TYPE_CHECKING:
    import httpx2

    from xdm_mcp.config import Settings

ORIGIN = "https://api.getxapi.com"
TABS = ("all", "requests")
"""What our inbox is made of: the main inbox and the message requests, never the hidden part, which
holds what X takes for junk."""

CHOSEN = "chosen: none or 900 in 15 min are stated (GetXAPI guide, 2026-11)"
KEYLESS = (
    "There is no usable GetXAPI key or session cookie: run `xdm-mcp login --backend getxapi`, or"
    " set XDM_GETXAPI_KEY and XDM_GETXAPI_AUTH_TOKEN, then start again."
)
UNSENDABLE = (
    "Nothing was sent: GetXAPI sends a text that can be encoded to one person, no picture, and"
    " nothing to groups."
)

CAPABILITIES = Capabilities(
    coverage="legacy_unencrypted_only",
    requests=True,
    max_page=50,
    prices=PRICES["getxapi"].prices,
    new_groups=False,
    conversations=False,
    attachments=False,
    reply_credit=False,
    read_back=True,
    limits=(Limit(f"{ACCOUNT}/messages", 1_000, DAY, source="GetXAPI guide, 2026-11"),),
    reads={
        "dm_events": Limit(f"{ACCOUNT}/reads/dm_events", 60, QUARTER, source=CHOSEN),
        "with_user": Limit(f"{ACCOUNT}/reads/with_user", 60, QUARTER, source=CHOSEN),
        "conversation": Limit(f"{ACCOUNT}/reads/conversation", 60, QUARTER, source=CHOSEN),
        "users": Limit(f"{ACCOUNT}/reads/users", 60, QUARTER, source=CHOSEN),
    },
    risk=RISKS["getxapi"],
    one_message=False,
    followers=True,
    balance=True,
    can_dm="absolute",
)


class GetXApiBackend:
    """See `base.Backend`. Stateless but for its connection and the id of the account."""

    name = "getxapi"
    capabilities = CAPABILITIES

    def __init__(
        self,
        origin: str,
        key: SecretStr | None,
        auth_token: SecretStr | None,
        clock: Clock,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        seed: int | None = None,
    ) -> None:
        """Talk to `origin` with a key of GetXAPI and the `auth_token` cookie of an X account.

        Over `transport` instead of the network if given. Raises ConfigError for an origin that must
        not be talked to.
        """
        ready = usable(key) and usable(auth_token)
        credential = Credential(key) if key and ready else None
        self._wire = Wire(origin, credential, clock, transport=transport, seed=seed)
        self._cookie = auth_token if ready else None
        self._clock = clock
        self._account: str | None = None

    @property
    def origin(self) -> str:
        """See Backend.origin."""
        return self._wire.origin

    @property
    def skew(self) -> timedelta | None:
        """See Backend.skew."""
        return self._wire.skew

    async def ready(self) -> None:
        """See Backend.ready. Neither the key nor the cookie can be renewed by a program."""
        self._body({})

    async def me(self) -> User:
        """See Backend.me: whose inbox the cookie opens, by a page of one message, and their name
        where that page does not tell it."""
        listing = await self._listing("/twitter/dm/list", {"tab": TABS[0], "count": 1})
        account = listing.account_id
        if account is None:
            raise BackendUnavailable("GetXAPI does not say whose inbox this is; try again later.")
        self._account = self._account or account
        named = (user for user in listing.users if user.id == account and user.handle)
        with after(listing):
            return next(named, None) or await self._profile(id=account)

    async def send(self, target: Target, text: str, picture: Picture | None) -> Outcome:
        """See Backend.send. The recipient goes as a number, so that nobody else resolves it."""
        if self._cookie is None:
            return unsent("auth", KEYLESS)
        one = len(target.user_ids) == 1 and target.conversation_id is None
        if not one or not USER_ID.match(target.user_ids[0]) or picture is not None or not text:
            return unsent("bad_request", UNSENDABLE)
        recipient = target.user_ids[0]
        try:
            body = self._body({"recipient_id": recipient, "text": text})
            answer = await self._wire.write("/twitter/dm/send", content=body, headers=JSON)
        except NoAnswer as failure:
            return lost(GETXAPI.name, failure)
        except ValueError:  # half a character, which no JSON can carry
            return unsent("bad_request", UNSENDABLE)
        receipt = parse.receipt_in(answer.content)
        wrong = parse.crossed(answer.content, recipient, self._account)
        return outcomes.outcome_of(GETXAPI, answer, receipt, self._clock.now(), crossed=wrong)

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
            raise BadInput(f"A page has 1 to {CAPABILITIES.max_page} messages: choose within.")
        if with_user and conversation_id:
            raise BadInput("Name a person or a conversation, not both.")
        if not with_user and not conversation_id:
            return await self._inbox(limit, cursor)
        if with_user:
            _require(USER_ID.match(with_user), "user id")
            account = self._account or (await self.me()).id
            conversation_id = pair_id(account, with_user)
        _require(CONVERSATION_ID.match(conversation_id or ""), "conversation id")
        try:
            return await self._thread(conversation_id or "", limit, cursor)
        except NotFound as error:
            if not with_user or str(error) != NO_THREAD.says:
                raise
            return MessagePage((), cost=GETXAPI_THREAD)

    async def message(self, message_id: str) -> Message:
        """See Backend.message."""
        raise Unsupported(f"The backend {self.name} finds no message by its id; list_dms does.")

    async def users(
        self, *, ids: Sequence[str] = (), handles: Sequence[str] = ()
    ) -> tuple[User, ...]:
        """See Backend.users. Raises BadInput for what is neither a user id nor a handle."""
        for user_id in ids:
            _require(USER_ID.match(user_id), "user id")
        for handle in handles:
            _require(HANDLE.match(handle), "handle")
        asked = [{"id": each} for each in dict.fromkeys(ids)]
        asked += [{"handle": each} for each in dict.fromkeys(handles)]
        found = await all_of(self._found, asked)
        return tuple({user.id: user for user in found if user is not None}.values())

    async def followers(
        self, user_id: str, *, following: bool = False, cursor: str | None = None
    ) -> UserPage:
        """See Backend.followers. GetXAPI asks for a handle, which the cursor carries on."""
        _require(USER_ID.match(user_id), "user id")
        handle, _, place = (cursor or "").partition(" ")
        cost = GETXAPI_FOLLOWERS
        if not handle:
            handle = (await self._profile(id=user_id)).handle or ""
            cost += CAPABILITIES.prices.read_user
        _require(HANDLE.match(handle), "handle")
        name = "following" if following else "followers"
        params = {"userName": handle} | ({"cursor": place} if place else {})
        answer = await self._get(f"/twitter/user/{name}_v2", params)
        page = parse.followers_in(answer.content, name) if answer.ok else None
        if page is None:
            outcomes.refuse_read(GETXAPI, answer, self._clock.now())
        users, following_place = page
        goes_on = following_place is not None and following_place != place
        return UserPage(users, f"{handle} {following_place}" if goes_on else None, cost)

    async def relation(self, source: str, target: str) -> frozenset[str]:
        """Return how the user called `source` stands to the one called `target`, in X's words, such
        as `following` or `blocked_by`. Costs a look-up. Raises what a read raises."""
        for handle in (source, target):
            _require(HANDLE.match(handle), "handle")
        params = {"source_user_name": source, "target_user_name": target}
        answer = await self._get("/twitter/user/check_follow_relationship", params)
        words = parse.relation_in(answer.content) if answer.ok else None
        if words is None:
            outcomes.refuse_read(GETXAPI, answer, self._clock.now())
        return words

    async def balance(self) -> Balance:
        """See Backend.balance."""
        answer = await self._get("/account/me", {})
        left = parse.balance_in(answer.content) if answer.ok else None
        if left is None:
            outcomes.refuse_read(GETXAPI, answer, self._clock.now())
        return Balance(left)

    async def delete(self, message_id: str) -> None:
        """See Backend.delete."""
        raise Unsupported(f"The backend {self.name} cannot delete messages; do it on x.com.")

    async def block(self, user_id: str, *, blocked: bool) -> None:
        """See Backend.block."""
        raise Unsupported(f"The backend {self.name} cannot block people; do it on x.com.")

    def server_windows(self) -> tuple[ServerWindow, ...]:
        """See Backend.server_windows: GetXAPI tells none."""
        return ()

    async def close(self) -> None:
        """See Backend.close."""
        await self._wire.close()

    async def _inbox(self, limit: int, cursor: str | None) -> MessagePage:
        place = place_of(cursor, TABS)
        pages: dict[str, Fetched] = {}
        users: list[User] = []
        unread: dict[str, bool] = {}
        asked = 0
        for tab, at in place.cursors.items():
            with after(asked):
                listing = await self._ours("/twitter/dm/list", _page(limit, at) | {"tab": tab})
            asked += 1
            if listing.tab in pages:  # a service that knows one tab only, and gave it already
                continue
            if listing.tab not in (None, tab):
                raise BackendUnavailable("GetXAPI told of another inbox; try again later.")
            pages[tab] = Fetched(listing.messages, listing.next_cursor)
            users += listing.users
            unread |= listing.unread
            if listing.tab is None:  # the older generation, which has one inbox
                break
        told, rest = merged(place, pages, limit)
        following = rest.written() if rest else None
        return MessagePage(told, tuple(users), following, asked * GETXAPI_TAB, unread)

    async def _thread(self, conversation_id: str, limit: int, cursor: str | None) -> MessagePage:
        place = place_of(cursor, (conversation_id,))
        body = {"conversation_id": conversation_id}
        at = place.cursors.get(conversation_id)
        listing = await self._ours("/twitter/dm/conversation", _page(limit, at) | body)
        own = [m for m in listing.messages if m.conversation_id == conversation_id]
        if listing.messages and not own:
            raise BackendUnavailable("GetXAPI told of another conversation; try again later.")
        page = Fetched(own, listing.next_cursor)
        told, rest = merged(place, {conversation_id: page}, limit)
        following = rest.written() if rest else None
        return MessagePage(told, listing.users, following, GETXAPI_THREAD)

    async def _listing(self, path: str, body: Mapping[str, object]) -> parse.Listing:
        asked = body.get("conversation_id")
        answer = await self._wire.read(path, body=self._body(body))
        place = asked if isinstance(asked, str) else None
        listing = parse.listing_in(answer.content, place) if answer.ok else None
        if listing is None:
            outcomes.refuse_read(GETXAPI, answer, self._clock.now())
        return listing

    async def _ours(self, path: str, body: Mapping[str, object]) -> parse.Listing:
        """Return a page of the account that the cookie opened before, if it is one."""
        listing = await self._listing(path, body)
        if listing.account_id not in (None, self._account or listing.account_id):
            raise BackendUnavailable("GetXAPI told of another account's messages; try again later.")
        return listing

    async def _found(self, asked: Mapping[str, str]) -> User | None:
        try:
            return await self._profile(**asked)
        except NotFound:
            return None

    async def _profile(self, *, id: str = "", handle: str = "") -> User:
        """Look up one user by id or by handle, and make sure that it is the one."""
        path, params = ("/twitter/user/info", {"userName": handle})
        if id:
            path, params = ("/twitter/user/info_by_id", {"userId": id})
        answer = await self._get(path, params)
        user = parse.profile_in(answer.content) if answer.ok else None
        if user is None:
            outcomes.refuse_read(GETXAPI, answer, self._clock.now())
        same = user.id == id if id else (user.handle or "").lower() == handle.lower()
        if not same:
            raise BackendUnavailable("GetXAPI told of another person; try again later.")
        return user

    async def _get(self, path: str, params: Mapping[str, str]) -> Answer:
        self._body({})
        return await self._wire.read(path, params)

    def _body(self, fields: Mapping[str, object]) -> bytes:
        """Return the JSON of a call about messages. Raises Refused without key or cookie."""
        if self._cookie is None:
            raise Refused("auth", KEYLESS)
        return pydantic_core.to_json({"auth_token": self._cookie.get_secret_value(), **fields})


def open_getxapi(
    settings: Settings, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
) -> GetXApiBackend:
    """Return the backend for the settings' key, cookie and base URL, by default GetXAPI's own."""
    return GetXApiBackend(
        settings.base_url or ORIGIN,
        settings.getxapi_key,
        settings.getxapi_auth_token,
        clock,
        transport=transport,
    )


def _page(limit: int, cursor: str | None) -> dict[str, object]:
    return {"count": limit} | ({"cursor": cursor} if cursor else {})


def _require(fits: object, what: str) -> None:
    if not fits:
        raise BadInput(f"That is no {what} of X: correct it and call again.")
