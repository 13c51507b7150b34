"""The older transport, HTTP+SSE: a client hears on one stream what it asks for beside it.

Each request is taken at once and its answer waits until the client reads. So who reads nothing
would leave any number of answers behind: past a bound nothing more is taken.
"""

from __future__ import annotations

from typing import Any, Self

from anyio.abc import TaskGroup
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.shared.message import SessionMessage
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from xdm_mcp.server.presence import MOST


class Sse:
    """The HTTP+SSE clients of one principal."""

    def __init__(self, server: Server[TaskGroup], transport: SseServerTransport) -> None:
        """Connect clients of `transport` to `server`."""
        self._server = server
        self._transport = transport
        self.unread = 0

    async def stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client until it leaves."""
        async with self._transport.connect_sse(scope, receive, send) as (incoming, outgoing):
            options = self._server.create_initialization_options()
            await self._server.run(incoming, Heard(self, outgoing), options)

    async def post(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one message of a client, unless too many answers wait to be read."""
        if self.unread < MOST:
            await self._transport.handle_post_message(scope, receive, send)
        else:
            says = "Too many answers wait to be read for this account; read your stream first.\n"
            await PlainTextResponse(says, 429, {"Retry-After": "1"})(scope, receive, send)


class Heard:
    """Where the SDK puts what one client is to read."""

    def __init__(self, sse: Sse, stream: Any) -> None:
        """Pass on to `stream`; have `sse` know what waits for it."""
        self._sse = sse
        self._stream = stream

    async def send(self, message: SessionMessage, /) -> None:
        """Wait until the stream has taken a message."""
        self._sse.unread += 1
        try:
            await self._stream.send(message)
        finally:
            self._sse.unread -= 1

    async def aclose(self) -> None:
        """Take no more messages."""
        await self._stream.aclose()

    async def __aenter__(self) -> Self:
        """Be closed in the end."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """See `aclose`."""
        await self.aclose()
