"""Backends over a pretend network: every request is kept, every answer is scripted."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
from pydantic import SecretStr

from xdm_mcp.backends.x_api_v2 import XApiV2Backend
from xdm_mcp.clock import ManualClock

NOW = datetime(2026, 10, 14, 9, 30, tzinfo=UTC)
TOKEN = "canary-4f1d-access-token"
ME, ANNA = "1234567890", "9876543210"
PAIR = f"{ME}-{ANNA}"
EVENT = "2110302518114725888"
ACCEPTED = {"data": {"dm_conversation_id": PAIR, "dm_event_id": EVENT}}

Answering = Callable[[httpx2.Request], httpx2.Response]


def raw(status: int, body: bytes, **headers: str) -> Answering:
    """Answer with a body as it is; the names of headers have `_` for `-`."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx2.Response(status, headers=fields, stream=httpx2.ByteStream(body))


def reply(status: int = 200, content: object = None, **headers: str) -> Answering:
    """Answer with a body of JSON, empty for None."""
    body = b"" if content is None else json.dumps(content).encode()
    return raw(status, body, **{"content_type": "application/json"} | headers)


class Script:
    """A transport that gives the scripted replies in turn, the last one for ever."""

    def __init__(self, *replies: Answering | Exception) -> None:
        """Give `replies`, one to each request; an exception is raised instead."""
        self._replies = list(replies)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Keep the request, and answer it."""
        self.requests.append(request)
        spoken = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if isinstance(spoken, Exception):
            raise spoken
        return spoken(request)

    @property
    def paths(self) -> list[str]:
        """Method and path of each request."""
        return [f"{request.method} {request.url.path}" for request in self.requests]

    def body(self, index: int = -1) -> Any:
        """The JSON body of a request, the last one by default."""
        return json.loads(self.requests[index].content)

    def params(self, index: int = -1) -> dict[str, str]:
        """The query of a request, the last one by default."""
        return dict(self.requests[index].url.params)


def backend_over(script: Callable[[httpx2.Request], Any]) -> XApiV2Backend:
    """Return a backend for the X API v2 that talks to `script` alone, at a fixed time."""
    return XApiV2Backend(
        "https://api.x.com",
        SecretStr(TOKEN),
        ManualClock(NOW),
        transport=httpx2.MockTransport(script),
        seed=1,
    )
