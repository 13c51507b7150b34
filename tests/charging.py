"""Reads over a scripted service, and what is booked for them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.backends.wires import ANNA, ME, PAIR, Answering, reply
from xdm_mcp.backends.base import Backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import BackendUnavailable, RateLimited
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.people import People
from xdm_mcp.reads import Reads

EVENT = 10_000
"""What X bills for a message or a person, in micro-dollars."""

SELF = reply(200, {"data": {"id": ME, "username": "me"}})
OWN_PROFILE = reply(200, {"status": "success", "data": {"id": ME, "userName": "me"}})
EMPTY = reply(200, {"userId": ME, "tab": "all", "has_more": False, "messages": []})
NOBODY = reply(
    200,
    {
        "errors": [
            {"title": "Not Found Error", "type": "https://api.x.com/2/problems/resource-not-found"}
        ]
    },
)
UNKNOWN_WORDS = reply(
    400,
    {
        "title": "Invalid Request",
        "type": "https://api.x.com/2/problems/invalid-request",
        "errors": [{"message": "Bad.", "parameters": {"dm_event.fields": ["text"]}}],
    },
)


def events(count: int, kind: str = "MessageCreate") -> bytes:
    """Return the body of a page of so many events of X API v2."""
    said = {"event_type": kind, "text": "x", "sender_id": ANNA, "dm_conversation_id": PAIR}
    numbered = [{"id": str(2110302518114725888 + n), **said} for n in range(count)]
    return json.dumps({"data": numbered, "meta": {"result_count": count}}).encode()


class Service:
    """A service that answers paths that end so by `known`, and every other by `answer`, which are
    the ones that it counts."""

    def __init__(self, answer: Answering, **known: Answering) -> None:
        """Nobody asked yet."""
        self._answer = answer
        self._known = known
        self.counted = 0

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request."""
        for end, told in self._known.items():
            if request.url.path.removesuffix(".json").endswith(end):
                return told(request)
        self.counted += 1
        return self._answer(request)


@dataclass
class Desk:
    """Reads of one process that knows its account, and its books."""

    ledger: Ledger
    people: People
    reads: Reads
    clock: ManualClock
    before: int = 0

    async def booked(self) -> int:
        """Return what was booked since the account was known, in micro-dollars."""
        return (await self.ledger.spend(ME, self.clock.now())).total - self.before


@asynccontextmanager
async def desk(
    make: Callable[[Callable[[httpx2.Request], Any]], Backend],
    script: Service,
    rules: Mapping[str, object] | None = None,
) -> AsyncIterator[Desk]:
    """Yield reads over a scripted service, under these settings of the policy."""
    ledger, backend = open_ledger("sqlite:///:memory:"), make(script)
    policy = Policy.load(rules or {})
    clock: ManualClock = backend._clock  # type: ignore[attr-defined]
    people = People(backend, ledger, policy.budget(), clock)
    here = Desk(ledger, people, Reads(backend, ledger, people, policy, clock), clock)
    await people.account()
    here.before = await here.booked()
    yield here
    await ledger.close()


async def until_limited(read: Callable[[], Any], times: int = 60) -> None:
    """Read until the limit is met, whatever else goes wrong; fail if it is not."""
    for _ in range(times):
        try:
            with suppress(BackendUnavailable):
                await read()
        except RateLimited:
            return
    pytest.fail("the limit was never met")
