"""X's older API, version 1.1, signed with OAuth 1.0a (X API v1.1 reference; docs.x.com, 2026-08).

It knows conversations of two only, lists the last 30 days of all of them in one list, and is the
only API whose replies to a person's message do not count: see `Capabilities.reply_credit`. X calls
it legacy and refuses self-serve apps with code 453.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pydantic_core

from xdm_mcp.backends import x_api_v1_people as people
from xdm_mcp.backends import x_api_v2_outcomes as outcomes
from xdm_mcp.backends.auth import Keys, keys_of
from xdm_mcp.backends.base import Balance, Capabilities, Picture
from xdm_mcp.backends.http import Answer, NoAnswer
from xdm_mcp.backends.merging import STRANGE
from xdm_mcp.backends.unanswered import lost, unsent
from xdm_mcp.backends.x_api_v1_limits import CAPABILITIES, MAX_PAGE, pause_until, send_windows
from xdm_mcp.backends.x_api_v1_parse import Page, contradicts, message_of, page_in, receipt_in
from xdm_mcp.backends.x_api_v2_media import SHARE, upload
from xdm_mcp.backends.x_api_v2_people import require
from xdm_mcp.backends.x_line import Line
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BadInput, Unsupported
from xdm_mcp.models.messages import MESSAGE_ID, Message, MessagePage
from xdm_mcp.models.people import USER_ID, User, UserPage
from xdm_mcp.models.quota import ServerWindow
from xdm_mcp.models.sends import Outcome, Target

if TYPE_CHECKING:
    import httpx2

    from xdm_mcp.config import Settings

ORIGIN = "https://api.x.com"
EVENTS = "/1.1/direct_messages/events"
NAME = "x-api-v1"

KEYLESS = (
    "There are no usable keys of OAuth 1.0a: log in with `xdm-mcp login`, or set"
    " XDM_X_CONSUMER_KEY, XDM_X_CONSUMER_SECRET, XDM_X_TOKEN and XDM_X_TOKEN_SECRET, then start"
    " again."
)
UNSENDABLE = (
    "Nothing was sent: the backend x-api-v1 takes one person by number, and a text that can be"
    " encoded or a picture; use x-api-v2 for groups."
)
WORDED = {
    "auth": (
        "X does not accept the keys of OAuth 1.0a: check this machine's clock, log in again with"
        " `xdm-mcp login` or correct the four values, and clear the halt if there is one."
    ),
    "app_access": (
        "X does not let this app use API v1.1, as it refuses most apps: choose the backend"
        " x-api-v2, then clear the halt."
    ),
}
"""What a refusal says here in other words than on the X API v2."""


class XApiV1Backend:
    """See `base.Backend`. Stateless but for its connection and the id of the account that it speaks
    for."""

    def __init__(
        self,
        origin: str,
        keys: Keys | None,
        clock: Clock,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        seed: int | None = None,
    ) -> None:
        """Talk to `origin` as `keys`, over `transport` instead of the network if given. Raises
        ConfigError for an origin that must not be talked to."""
        self._line = Line(
            origin,
            keys,
            clock,
            reads=CAPABILITIES.reads,
            missing=KEYLESS,
            worded=WORDED,
            transport=transport,
            seed=seed,
        )
        self._clock = clock

    @property
    def name(self) -> str:
        """See Backend.name."""
        return NAME

    @property
    def origin(self) -> str:
        """See Backend.origin."""
        return self._line.wire.origin

    @property
    def capabilities(self) -> Capabilities:
        """See Backend.capabilities."""
        return CAPABILITIES

    async def ready(self) -> None:
        """See Backend.ready. Keys neither expire nor change."""
        await self._line.ready()

    async def me(self) -> User:
        """See Backend.me."""
        return await people.me(self._line)

    async def send(self, target: Target, text: str, picture: Picture | None) -> Outcome:
        """See Backend.send. A picture goes up by X API v2: v1.1's own place for it is closed to
        self-serve apps since 2025-06."""
        if not self._line.able:
            return unsent("auth", KEYLESS)
        if post_of(target, text, "0" if picture else None) is None:
            return unsent("bad_request", UNSENDABLE)
        media_id: str | None = None
        if picture is not None:
            uploaded = await upload(self._line, picture, self._clock)
            if isinstance(uploaded, Outcome):
                return self._worded(uploaded)
            media_id = uploaded
        body = post_of(target, text, media_id)
        try:
            answer = await self._line.wire.write(
                f"{EVENTS}/new.json",
                share=1 - SHARE if picture else 1.0,
                content=body,
                headers={"Content-Type": "application/json"},
            )
        except NoAnswer as failure:
            return lost("X", failure)
        return self._worded(self._outcome(answer, target))

    async def messages(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        with_user: str | None = None,
        conversation_id: str | None = None,
    ) -> MessagePage:
        """See Backend.messages. One person's messages are looked for in the list of all; a page may
        be empty although its cursor leads on."""
        if not 1 <= limit <= MAX_PAGE:
            raise BadInput(f"A page has 1 to {MAX_PAGE} messages: choose a limit within.")
        if conversation_id is not None:
            raise Unsupported(
                f"The backend {NAME} reads no conversation by its id: name the person with"
                " with_user, or use x-api-v2."
            )
        if with_user is None:
            page = await self._page(limit, cursor)
            return MessagePage(page.messages, next_cursor=page.next_cursor)
        require(USER_ID, with_user, "user id")
        return await self._with(with_user, limit, cursor)

    async def message(self, message_id: str) -> Message:
        """See Backend.message. Raises BadInput for what is no message id."""
        require(MESSAGE_ID, message_id, "message id")
        answer = await self._line.ask("message", f"{EVENTS}/show.json", {"id": message_id})
        content = answer.content
        found = message_of(content.get("event")) if isinstance(content, dict) else None
        if not answer.ok or found is None or found.id != message_id:
            self._line.refuse(answer)
        return found

    async def users(
        self, *, ids: Sequence[str] = (), handles: Sequence[str] = ()
    ) -> tuple[User, ...]:
        """See Backend.users. Raises BadInput for what is neither a user id nor a handle."""
        return await people.look_up(self._line, ids, handles)

    async def delete(self, message_id: str) -> None:
        """See Backend.delete."""
        require(MESSAGE_ID, message_id, "message id")
        await self._line.act(f"{EVENTS}/destroy.json", "DELETE", params={"id": message_id})

    async def indicate_typing(self, user_id: str) -> None:
        """Show a person for some three seconds that we write. No tool calls it: whoever uses it
        must tell people so (X developer policy, 2026-08)."""
        require(USER_ID, user_id, "user id")
        await self._line.act(
            "/1.1/direct_messages/indicate_typing.json", data={"recipient_id": user_id}
        )

    async def mark_read(self, message_id: str, sender_id: str) -> None:
        """Show a person that we read their messages up to this one. No tool calls it: whoever uses
        it must tell people so (X developer policy, 2026-08)."""
        require(MESSAGE_ID, message_id, "message id")
        require(USER_ID, sender_id, "user id")
        await self._line.act(
            "/1.1/direct_messages/mark_read.json",
            data={"last_read_event_id": message_id, "recipient_id": sender_id},
        )

    async def block(self, user_id: str, *, blocked: bool) -> None:
        """See Backend.block."""
        raise Unsupported(
            f"The backend {NAME} cannot block people: do it on x.com, or use x-api-v2."
        )

    async def followers(
        self, user_id: str, *, following: bool = False, cursor: str | None = None
    ) -> UserPage:
        """See Backend.followers."""
        raise Unsupported(
            f"The backend {NAME} lists no followers: look people up by handle, or use x-api-v2."
        )

    async def balance(self) -> Balance:
        """See Backend.balance."""
        raise Unsupported(
            f"The backend {NAME} tells no balance: see X's developer console, or use x-api-v2."
        )

    @property
    def skew(self) -> timedelta | None:
        """See Backend.skew. More than minutes of it, and X refuses each signature."""
        return self._line.wire.skew

    def server_windows(self) -> tuple[ServerWindow, ...]:
        """See Backend.server_windows. Scopes keep `{account}` until `me` was asked."""
        return self._line.windows()

    async def close(self) -> None:
        """See Backend.close."""
        await self._line.wire.close()

    def _outcome(self, answer: Answer, target: Target) -> Outcome:
        now = self._line.now
        windows = send_windows(answer.headers, now, self._line.account)
        receipt = receipt_in(answer.content)
        fits = receipt is not None and not contradicts(receipt, target)
        outcome = outcomes.judged(answer, receipt, windows, now, fits=fits)
        if outcome.retry_at is None or outcome.code != "rate_limited":
            return outcome
        return replace(outcome, retry_at=pause_until(answer.headers, windows, now))

    def _worded(self, outcome: Outcome) -> Outcome:
        says = WORDED.get(outcome.code)
        if says is None:
            return outcome
        halt = outcome.halt and replace(outcome.halt, says=says)
        return replace(outcome, says=says, halt=halt)

    async def _page(self, limit: int, cursor: str | None) -> Page:
        params = {"count": str(limit)} | ({"cursor": cursor} if cursor else {})
        answer = await self._line.ask("dm_events", f"{EVENTS}/list.json", params)
        page = page_in(answer.content) if answer.ok else None
        if page is None:
            self._line.refuse(answer)
        return page if page.next_cursor != cursor else replace(page, next_cursor=None)

    async def _with(self, user_id: str, limit: int, cursor: str | None) -> MessagePage:
        """Look for that person's messages on one whole page of the list: X counts each page, so
        whoever charges reads turns the next.

        Our cursor is `<cursor of X>|<id of the last message shown>`: where a page held more than
        fitted it is read once more, from behind that message. Raises BadInput for another.
        """
        at, _, before = (cursor or "").partition("|")
        if before and not MESSAGE_ID.match(before):
            raise BadInput(STRANGE)
        page = await self._page(MAX_PAGE, at or None)
        theirs = tuple(
            message
            for message in page.messages
            if user_id in message.conversation_id.split("-")
            and (not before or int(message.id) < int(before))
        )
        if len(theirs) > limit:
            return MessagePage(theirs[:limit], next_cursor=f"{at}|{theirs[limit - 1].id}")
        following = page.next_cursor
        return MessagePage(theirs, next_cursor=f"{following}|" if following else None)


def open_x_api_v1(
    settings: Settings, clock: Clock, transport: httpx2.AsyncBaseTransport | None = None
) -> XApiV1Backend:
    """Return the backend for the settings' four keys and base URL, by default X's own."""
    return XApiV1Backend(settings.base_url or ORIGIN, keys_of(settings), clock, transport=transport)


def post_of(target: Target, text: str, media_id: str | None) -> bytes | None:
    """Return the body of the one POST that sends `text` to `target`; None where there is none."""
    one = len(target.user_ids) == 1 and target.conversation_id is None
    if not one or not USER_ID.match(target.user_ids[0]) or not (text or media_id):
        return None
    said: dict[str, object] = {"text": text}
    if media_id is not None:
        said["attachment"] = {"type": "media", "media": {"id": media_id}}
    made: Mapping[str, object] = {
        "target": {"recipient_id": target.user_ids[0]},
        "message_data": said,
    }
    try:
        return pydantic_core.to_json({"event": {"type": "message_create", "message_create": made}})
    except ValueError:  # half a character, which no JSON can carry
        return None
