"""A backend and the world behind it, in one hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
from pydantic import SecretStr

from xdm_mcp.backends.base import Backend
from xdm_mcp.backends.registry import open_backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import Settings
from xdm_mcp.sandbox import SANDBOX_COOKIE, SANDBOX_KEYS, SANDBOX_TOKEN
from xdm_mcp.sandbox.events import FaultsCleared, FaultSet
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.journal import Hold, MemoryJournal
from xdm_mcp.sandbox.serve import build_app
from xdm_mcp.sandbox.threads import Message as Posted
from xdm_mcp.sandbox.twitterapi_io.facade import sandbox_cookies

START = datetime(2026, 10, 14, 9, 30, tzinfo=UTC)
PLACE = "http://127.0.0.1"

# The people of the sandbox's default story.
ME = "2200000001"
IRIS = "2200000011"  # a customer who wrote to us
THEO = "1500000012"  # a friend; the smaller number
ASHA, BRAM = "2200000013", "2200000014"  # in a group with us
CLOSED, BLOCKER, SUSPENDED = "2200000017", "2200000018", "2200000019"
STRANGER = "2200000020"  # open to everybody
ENCRYPTED = "2200000021"  # their thread with us is invisible
NOBODY = "99"


def signing(token_secret: str) -> dict[str, SecretStr]:
    """Return settings with the sandbox's keys of OAuth 1.0a, and a token secret."""
    return {
        "x_consumer_key": SecretStr(SANDBOX_KEYS[0]),
        "x_consumer_secret": SecretStr(SANDBOX_KEYS[1]),
        "x_token": SecretStr(SANDBOX_KEYS[2]),
        "x_token_secret": SecretStr(token_secret),
    }


CREDENTIALS: Mapping[str, Mapping[str, Any]] = {
    "sandbox": {},
    "x-api-v2": {"base_url": PLACE, "x_access_token": SecretStr(SANDBOX_TOKEN)},
    "x-api-v1": {"base_url": PLACE, **signing(SANDBOX_KEYS[3])},
    "getxapi": {
        "base_url": PLACE,
        "acknowledge_risk": ("getxapi",),
        "getxapi_key": SecretStr(SANDBOX_TOKEN),
        "getxapi_auth_token": SecretStr(SANDBOX_COOKIE),
    },
    "twitterapi-io": {
        "base_url": PLACE,
        "acknowledge_risk": ("twitterapi-io",),
        "twitterapi_io_key": SecretStr(SANDBOX_TOKEN),
        "twitterapi_io_cookies": SecretStr(sandbox_cookies(ME)),
        "twitterapi_io_proxy": SecretStr("http://user:pass@127.0.0.1:9"),
    },
}
"""The settings with which each backend may use the sandbox. A new backend adds its line."""

STALE: Mapping[str, Mapping[str, Any]] = {
    "x-api-v2": {"base_url": PLACE, "x_access_token": SecretStr("a-token-that-died")},
    "x-api-v1": {"base_url": PLACE, **signing("a-secret-that-died")},
    "getxapi": {
        "base_url": PLACE,
        "acknowledge_risk": ("getxapi",),
        "getxapi_key": SecretStr("a-key-that-died"),
        "getxapi_auth_token": SecretStr(SANDBOX_COOKIE),
    },
    "twitterapi-io": {
        "base_url": PLACE,
        "acknowledge_risk": ("twitterapi-io",),
        "twitterapi_io_key": SecretStr("a-key-that-died"),
        "twitterapi_io_cookies": SecretStr(sandbox_cookies(ME)),
        "twitterapi_io_proxy": SecretStr("http://user:pass@127.0.0.1:9"),
    },
}
"""The same with credentials that the service does not accept, where there are any."""


class Counted(httpx2.AsyncBaseTransport):
    """A transport that counts what goes through it."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        """Hand everything to `inner`."""
        self._inner = inner
        self.requests: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Count a request and pass it on."""
        self.requests.append(request)
        return await self._inner.handle_async_request(request)


@dataclass
class Arena:
    """A backend over the default story of a sandbox that exists in memory alone."""

    name: str
    home: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))

    def __post_init__(self) -> None:
        """Let the world begin and open the backend."""
        self.journal = MemoryJournal(self.clock)
        app = httpx2.ASGITransport(app=build_app(self.journal, self.clock))
        self.wire = Counted(app)
        self.backend = self.opened(CREDENTIALS[self.name])

    def opened(self, credentials: Mapping[str, Any]) -> Backend:
        """Return a backend with other credentials over the same world."""
        settings = Settings(home=self.home, backend=self.name, **credentials)
        return open_backend(settings, self.clock, self.wire)

    async def posted(self) -> dict[str, Posted]:
        """Return every message that exists in the world, by id."""

        def all_of(hold: Hold) -> dict[str, Posted]:
            return {message.id: message for message in hold.world.threads.messages.values()}

        return await self.journal.act(all_of)

    async def blocks(self, one: str, other: str) -> bool:
        """Whether the one blocks the other in the world."""
        return await self.journal.act(lambda hold: (one, other) in hold.world.people.blocks)

    async def related(self, user_id: str, *, following: bool) -> list[str]:
        """Return the ids of who follows somebody in the world, or whom they follow."""

        def ids(hold: Hold) -> list[str]:
            people = hold.world.people
            found = people.following(user_id) if following else people.followers(user_id)
            return [person.id for person in found]

        return await self.journal.act(ids)

    async def uploaded(self, media_id: str) -> bytes:
        """Return the bytes of a picture as the world has them."""

        def content(hold: Hold) -> bytes:
            digest = hold.world.uploads[media_id].sha256
            return hold.blobs.get(digest) if digest else b""

        return await self.journal.act(content)

    async def strike(self, kind: str, method: str = "", **how: Any) -> None:
        """Let the next request of that method go wrong."""
        fault = Fault("next", kind, method=method or None, **how)  # type: ignore[arg-type]
        await self.journal.act(lambda hold: hold.record(FaultSet(fault)))

    async def heal(self) -> None:
        """Let nothing go wrong any more."""
        await self.journal.act(lambda hold: hold.record(FaultsCleared()))

    async def billed(self) -> int:
        """Return what the service has billed so far, in micro-dollars."""
        return await self.journal.act(lambda hold: hold.world.credit - hold.world.balance)

    async def left(self) -> int:
        """Return what is left to spend at the service, in micro-dollars."""
        return await self.journal.act(lambda hold: hold.world.balance)

    @contextmanager
    def counting(self) -> Iterator[Callable[[], int]]:
        """Count the requests made from here on."""
        before = len(self.wire.requests)
        yield lambda: len(self.wire.requests) - before
