"""The port that every backend keeps: what goes out, what comes in, and what it can do as data.

A backend is stateless but for its connection. It never retries a send, never decides whether one
may leave, and never lets a service's own words out: errors and codes are ours (`xdm_mcp.errors`,
`Outcome`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal, Protocol

from xdm_mcp.models.messages import Coverage, Message, MessagePage
from xdm_mcp.models.people import User, UserPage
from xdm_mcp.models.quota import Limit, ServerWindow
from xdm_mcp.models.sends import Outcome, Target


@dataclass(frozen=True, slots=True)
class Prices:
    """What each call costs, in micro-dollars, with the source of the figures."""

    send: int
    read_message: int
    read_user: int
    source: str
    read_page: int = 0
    """What a page of messages costs whatever is on it; `read_message` is charged on top."""
    read_self: int = 0
    """What finding out our own account costs on top of `read_user`."""
    read_sender: int = 0
    """What the sender may cost whom a message brings with it, as the service is asked now."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do, as data that tools, the guard and the documentation read.

    `risk` is one sentence shown wherever the backend is named, None for a sanctioned one. `limits`
    are the service's own documented limits; the owner's policy may only be stricter. `reads` names
    each read endpoint's limit. `max_page` is the largest page of messages; `coverage` what it can
    see at all. `inbox` is False where only the thread with one person can be read, `threads` where
    no conversation can be read by its id, `one_message` where no message can be, `groups` where
    conversations of more than two are not seen at all, `requests` True where message requests are
    part of the inbox. `conversations`
    says whether an existing group can be written to. `can_dm` says what a look-up knows of who may
    be written to, None for nothing; `related` of how many people in one look-up it asks that one by
    one, each a request that counts against the limit `relation`. What is False here raises
    Unsupported where it is asked for.
    """

    coverage: Coverage
    max_page: int
    prices: Prices
    new_groups: bool
    conversations: bool
    attachments: bool
    reply_credit: bool
    read_back: bool
    limits: tuple[Limit, ...] = ()
    reads: Mapping[str, Limit] = field(default_factory=dict)
    risk: str | None = None
    inbox: bool = True
    threads: bool = True
    requests: bool = False
    one_message: bool = True
    groups: bool = True
    deletion: bool = False
    blocking: bool = False
    followers: bool = False
    balance: bool = False
    can_dm: Literal["relative", "absolute"] | None = None
    related: int = 0


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left to spend at the service, in micro-dollars, as the service says it."""

    remaining: int


@dataclass(frozen=True, slots=True)
class Picture:
    """An image on its way to the backend: its name, media type and bytes."""

    name: str
    media_type: str
    content: bytes


class Backend(Protocol):
    """One service on the wire. Reads raise `Refused`, `RateLimited`, `BackendUnavailable` or
    `NotFound`, and `AskAgain` instead of repeating a request by themselves; what the service lacks
    raises `Unsupported`, which names the backend and what to do instead."""

    @property
    def name(self) -> str:
        """The backend's name as the owner writes it, such as `x-api-v2`."""
        ...

    @property
    def origin(self) -> str:
        """Where its requests go: scheme and host, such as `https://api.x.com`."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; known without any request. Of prices `read_sender` alone may change."""
        ...

    async def ready(self) -> None:
        """Make sure that the credentials will hold for one send, renewing them if need be.

        Called before a send is written down as leaving. Raises Refused where a person must log in
        again, BackendUnavailable where it cannot be found out.
        """
        ...

    async def me(self) -> User:
        """Return the account that the credentials speak for."""
        ...

    async def send(self, target: Target, text: str, picture: Picture | None) -> Outcome:
        """Make one attempt to send and classify how it ended; never raises for what happens on the
        wire.

        One POST at most. Whatever cannot be proven is UNKNOWN; only an attempt of which no byte
        left is `not_sent`. A picture is uploaded first; if that fails the outcome is FAILED and
        `not_sent`.
        """
        ...

    async def messages(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        with_user: str | None = None,
        conversation_id: str | None = None,
    ) -> MessagePage:
        """Return one page, newest first: of all conversations, of one person's, or of one
        conversation.

        `limit` is 1 to `capabilities.max_page`; at most one of `with_user` and `conversation_id` is
        given.
        """
        ...

    async def message(self, message_id: str) -> Message:
        """Return one message. Raises NotFound."""
        ...

    async def users(
        self, *, ids: Sequence[str] = (), handles: Sequence[str] = ()
    ) -> tuple[User, ...]:
        """Look up at most 100 users, by ids or by handles without @. The unknown are simply
        absent."""
        ...

    async def delete(self, message_id: str) -> None:
        """Remove one message from our own view; the others keep it. Raises NotFound."""
        ...

    async def block(self, user_id: str, *, blocked: bool) -> None:
        """Let a person write to us no more, or (`blocked` False) again. Raises NotFound."""
        ...

    async def followers(
        self, user_id: str, *, following: bool = False, cursor: str | None = None
    ) -> UserPage:
        """Return one page of those who follow a user, or whom (`following`) the user follows.

        For finding out who can be written to; it is no sign that they want a message.
        """
        ...

    async def balance(self) -> Balance:
        """Return what is left to spend at the service; costs nothing."""
        ...

    @property
    def skew(self) -> timedelta | None:
        """How far the service's clock is ahead of ours by its newest dated answer; None before
        one."""
        ...

    def server_windows(self) -> tuple[ServerWindow, ...]:
        """Return and forget what the headers of the reads since the last call said."""
        ...

    async def close(self) -> None:
        """Close the connection; later calls open a new one."""
        ...
