"""twitterapi.io, an unofficial service that acts through the log-in cookies of an X account and a
proxy (agent skill of the service, 2026-04).

It has no inbox: it sends to one person and reads the history with one person. For that history the
cookies travel in the query string, so no URL of its is ever logged or shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NoReturn

import pydantic_core
from pydantic import SecretStr

from xdm_mcp.backends import twitterapi_io_parse as parse
from xdm_mcp.backends import vendor_outcomes as outcomes
from xdm_mcp.backends.auth import Credential, usable
from xdm_mcp.backends.base import Balance, Capabilities, Picture
from xdm_mcp.backends.http import JSON, Answer, NoAnswer, Wire
from xdm_mcp.backends.lookups import all_of
from xdm_mcp.backends.merging import Fetched, merged, place_of
from xdm_mcp.backends.prices import PRICES
from xdm_mcp.backends.risks import RISKS
from xdm_mcp.backends.twitterapi_io_errors import TWITTERAPI_IO
from xdm_mcp.backends.unanswered import lost, unsent
from xdm_mcp.backends.x_api_v2_limits import ACCOUNT, QUARTER
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BackendUnavailable, BadInput, NotFound, Refused, Unsupported
from xdm_mcp.models.messages import Message, MessagePage
from xdm_mcp.models.people import HANDLE, USER_ID, User, UserPage
from xdm_mcp.models.quota import Limit, ServerWindow
from xdm_mcp.models.sends import Outcome, Target

if TYPE_CHECKING:
    import httpx2

    from xdm_mcp.config import Settings

ORIGIN = "https://api.twitterapi.io"
HISTORY = "history"
BULK = 100
"""How many people one look-up by id names."""

CHOSEN = "chosen: the service limits requests per second only (pricing page, 2026-04)"
KEYLESS = (
    "There is no usable twitterapi.io key, log-in cookies or proxy: run `xdm-mcp login --backend"
    " twitterapi-io`, or set XDM_TWITTERAPI_IO_KEY, XDM_TWITTERAPI_IO_COOKIES and"
    " XDM_TWITTERAPI_IO_PROXY, then start again."
)
NAMELESS = (
    "The log-in cookies do not tell their account (there is no twid among them): log in to"
    " twitterapi.io anew, and set XDM_TWITTERAPI_IO_COOKIES to what it gives."
)
UNSENDABLE = (
    "Nothing was sent: through twitterapi.io we send a text that can be encoded to one person, no"
    " picture, and nothing to groups."
)

CAPABILITIES = Capabilities(
    coverage="legacy_unencrypted_only",
    max_page=100,
    prices=PRICES["twitterapi-io"].prices,
    new_groups=False,
    conversations=False,
    attachments=False,
    reply_credit=False,
    read_back=True,
    reads={
        "with_user": Limit(f"{ACCOUNT}/reads/with_user", 60, QUARTER, source=CHOSEN),
        "users": Limit(f"{ACCOUNT}/reads/users", 60, QUARTER, source=CHOSEN),
    },
    risk=RISKS["twitterapi-io"],
    inbox=False,
    threads=False,
    groups=False,
    one_message=False,
    balance=True,
    can_dm="absolute",
)


class TwitterApiIoBackend:
    """See `base.Backend`. Stateless but for its connection."""

    name = "twitterapi-io"
    capabilities = CAPABILITIES

    def __init__(
        self,
        origin: str,
        key: SecretStr | None,
        cookies: SecretStr | None,
        proxy: SecretStr | None,
        clock: Clock,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        seed: int | None = None,
    ) -> None:
        """Talk to `origin` with a key of the service, log-in cookies and the proxy that it is to
        use.

        Over `transport` instead of the network if given. Raises ConfigError for an origin that must
        not be talked to.
        """
        ready = usable(key) and usable(cookies) and usable(proxy)
        credential = Credential(key, header="x-api-key", prefix="") if key and ready else None
        self._wire = Wire(origin, credential, clock, transport=transport, seed=seed)
        self._session = (cookies, proxy) if cookies and proxy and ready else None
        self._clock = clock

    @property
    def origin(self) -> str:
        """See Backend.origin."""
        return self._wire.origin

    @property
    def skew(self) -> timedelta | None:
        """See Backend.skew."""
        return self._wire.skew

    async def ready(self) -> None:
        """See Backend.ready. Neither the key nor the cookies can be renewed by a program."""
        self._account()

    async def me(self) -> User:
        """See Backend.me: the account that the cookies name, looked up for its handle."""
        account = self._account()
        found = [user for user in await self._by_ids([account]) if user.id == account]
        if not found:
            raise BackendUnavailable("twitterapi.io does not know the account; try again later.")
        return found[0]

    async def send(self, target: Target, text: str, picture: Picture | None) -> Outcome:
        """See Backend.send."""
        one = len(target.user_ids) == 1 and target.conversation_id is None
        if self._session is None:
            return unsent("auth", KEYLESS)
        if not one or not USER_ID.match(target.user_ids[0]) or picture is not None or not text:
            return unsent("bad_request", UNSENDABLE)
        fields = {**self._secrets(), "user_id": target.user_ids[0], "text": text}
        try:
            body = pydantic_core.to_json(fields)
            answer = await self._wire.write("/twitter/send_dm_to_user", content=body, headers=JSON)
        except NoAnswer as failure:
            return lost(TWITTERAPI_IO.name, failure)
        except ValueError:  # half a character, which no JSON can carry
            return unsent("bad_request", UNSENDABLE)
        return outcomes.outcome_of(
            TWITTERAPI_IO,
            answer,
            parse.receipt_in(answer.content),
            self._clock.now(),
            refused=parse.declined(answer.content),
        )

    async def messages(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        with_user: str | None = None,
        conversation_id: str | None = None,
    ) -> MessagePage:
        """See Backend.messages. The service has no pages: each of ours asks for all of it anew."""
        if not 1 <= limit <= CAPABILITIES.max_page:
            raise BadInput(f"A page has 1 to {CAPABILITIES.max_page} messages: choose within.")
        if with_user is None:
            raise Unsupported(
                f"The backend {self.name} reads the messages with one person only: name one in"
                " with_user."
            )
        if conversation_id is not None:
            raise BadInput("Name a person or a conversation, not both.")
        _require(USER_ID.match(with_user), "user id")
        place = place_of(cursor, (HISTORY,))
        account = self._account()
        params = {**self._secrets(), "user_id": with_user}
        answer = await self._wire.read("/twitter/get_dm_history_by_user_id", params)
        found = parse.history_in(answer.content, account, with_user) if answer.ok else None
        if found is None:
            self._refuse(answer)
        told, rest = merged(place, {HISTORY: Fetched(found)}, limit)
        cost = CAPABILITIES.prices.read_page
        return MessagePage(told, next_cursor=rest.written() if rest else None, cost=cost)

    async def message(self, message_id: str) -> Message:
        """See Backend.message."""
        raise Unsupported(
            f"The backend {self.name} finds no message by its id; read the thread with its writer."
        )

    async def users(
        self, *, ids: Sequence[str] = (), handles: Sequence[str] = ()
    ) -> tuple[User, ...]:
        """See Backend.users. Raises BadInput for what is neither a user id nor a handle."""
        for user_id in ids:
            _require(USER_ID.match(user_id), "user id")
        for handle in handles:
            _require(HANDLE.match(handle), "handle")
        unique = list(dict.fromkeys(ids))
        found: dict[str, User] = {}
        for start in range(0, len(unique), BULK):
            wanted = unique[start : start + BULK]
            told = await self._by_ids(wanted)
            found |= {user.id: user for user in told if user.id in wanted}
        for user in await all_of(self._by_handle, list(dict.fromkeys(handles)), at_once=1):
            if user is not None:
                found.setdefault(user.id, user)
        return tuple(found.values())

    async def relation(self, source: str, target: str) -> frozenset[str]:
        """Return how the user called `source` stands to the one called `target`, in X's words:
        `following`, `followed_by`. Raises what a read raises."""
        for handle in (source, target):
            _require(HANDLE.match(handle), "handle")
        params = {"source_user_name": source, "target_user_name": target}
        answer = await self._get("/twitter/user/check_follow_relationship", params)
        words = parse.relation_in(answer.content) if answer.ok else None
        return self._refuse(answer) if words is None else words

    async def balance(self) -> Balance:
        """See Backend.balance."""
        answer = await self._get("/oapi/my/info", {})
        left = parse.balance_in(answer.content) if answer.ok else None
        return self._refuse(answer) if left is None else Balance(left)

    async def followers(
        self, user_id: str, *, following: bool = False, cursor: str | None = None
    ) -> UserPage:
        """See Backend.followers."""
        raise Unsupported(f"The backend {self.name} lists no followers; look people up by handle.")

    async def delete(self, message_id: str) -> None:
        """See Backend.delete."""
        raise Unsupported(f"The backend {self.name} cannot delete messages; do it on x.com.")

    async def block(self, user_id: str, *, blocked: bool) -> None:
        """See Backend.block."""
        raise Unsupported(f"The backend {self.name} cannot block people; do it on x.com.")

    def server_windows(self) -> tuple[ServerWindow, ...]:
        """See Backend.server_windows: the service tells none."""
        return ()

    async def close(self) -> None:
        """See Backend.close."""
        await self._wire.close()

    async def _by_ids(self, ids: Sequence[str]) -> tuple[User, ...]:
        answer = await self._get("/twitter/user/batch_info_by_ids", {"userIds": ",".join(ids)})
        users = parse.profiles_in(answer.content) if answer.ok else None
        if users is None:
            self._refuse(answer)
        return users

    async def _by_handle(self, handle: str) -> User | None:
        answer = await self._get("/twitter/user/info", {"userName": handle})
        users = parse.profiles_in(answer.content) if answer.ok else None
        if users is None:
            try:
                self._refuse(answer)
            except NotFound:
                return None
        if len(users) != 1 or (users[0].handle or "").lower() != handle.lower():
            raise BackendUnavailable("twitterapi.io told of another person; try again later.")
        return users[0]

    async def _get(self, path: str, params: Mapping[str, str]) -> Answer:
        self._secrets()
        return await self._wire.read(path, params)

    def _refuse(self, answer: Answer) -> NoReturn:
        outcomes.refuse_read(TWITTERAPI_IO, answer, self._clock.now())

    def _secrets(self) -> dict[str, str]:
        """Return what private calls show of the session. Raises Refused without it."""
        if self._session is None:
            raise Refused("auth", KEYLESS)
        cookies, proxy = self._session
        return {"login_cookies": cookies.get_secret_value(), "proxy": proxy.get_secret_value()}

    def _account(self) -> str:
        account = parse.account_in(SecretStr(self._secrets()["login_cookies"]))
        if account is None:
            raise Refused("auth", NAMELESS)
        return account


def open_twitterapi_io(
    settings: Settings, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
) -> TwitterApiIoBackend:
    """Return the backend for the settings' key, cookies, proxy and base URL."""
    return TwitterApiIoBackend(
        settings.base_url or ORIGIN,
        settings.twitterapi_io_key,
        settings.twitterapi_io_cookies,
        settings.twitterapi_io_proxy,
        clock,
        transport=transport,
    )


def _require(fits: object, what: str) -> None:
    if not fits:
        raise BadInput(f"That is no {what} of X: correct it and call again.")
