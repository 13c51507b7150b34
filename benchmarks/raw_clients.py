"""Many MCP clients over Streamable HTTP in one process, lean enough to keep a server busy.

Nothing of the SDK: requests are bytes made beforehand, and of an answer only its end is looked
for. So what a client costs does not hide what a server costs.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

MODERN, LEGACY = "2026-07-28", "2025-11-25"

ENVELOPE = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}


@dataclass(frozen=True)
class Server:
    """Where a server is, and the token that it wants, if it wants one."""

    url: str
    token: str | None = None


class Client:
    """One client: one connection that is kept, one request at a time."""

    def __init__(self, server: Server, revision: str) -> None:
        """Speak `revision` to `server`; connect in `open`."""
        self._server = server
        self._revision = revision
        self._session: str | None = None
        self._requests: dict[str, bytes] = {}

    async def connect(self) -> None:
        """Connect, anew if need be: a server hangs up on who is idle. A session stays."""
        place = urlsplit(self._server.url)
        self._reader, self._writer = await asyncio.open_connection(place.hostname, place.port)

    async def open(self) -> None:
        """Connect, and shake hands where the revision wants it."""
        await self.connect()
        if self._revision == LEGACY:
            params = {
                "protocolVersion": LEGACY,
                "capabilities": {},
                "clientInfo": {"name": "throughput", "version": "1"},
            }
            hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}
            head, _ = await self._exchange(self._request(hello))
            (self._session,) = (
                line.partition(b":")[2].strip().decode()
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"mcp-session-id:")
            )
            ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            await self._exchange(self._request(ready))

    async def call(self, tool: str, arguments: dict[str, Any]) -> bytes:
        """Call a tool; return the body of the answer."""
        request = self._requests.get(tool)
        if request is None:
            params = {"name": tool, "arguments": arguments}
            if self._revision == MODERN:
                params |= ENVELOPE
            message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
            request = self._requests[tool] = self._request(message, tool)
        return (await self._exchange(request))[1]

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    def _request(self, message: dict[str, Any], tool: str | None = None) -> bytes:
        body = json.dumps(message, separators=(",", ":")).encode()
        lines = [
            f"POST {urlsplit(self._server.url).path} HTTP/1.1",
            f"Host: {urlsplit(self._server.url).netloc}",
            "Content-Type: application/json",
            "Accept: application/json, text/event-stream",
            f"Content-Length: {len(body)}",
        ]
        if self._server.token is not None:
            lines.append(f"Authorization: Bearer {self._server.token}")
        if self._revision == MODERN or self._session is not None:
            lines.append(f"Mcp-Protocol-Version: {self._revision}")
        if self._revision == MODERN:
            lines += [f"Mcp-Method: {message['method']}", f"Mcp-Name: {tool}"]
        if self._session is not None:
            lines.append(f"Mcp-Session-Id: {self._session}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body

    async def _exchange(self, request: bytes) -> tuple[bytes, bytes]:
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        if head[9:10] != b"2":
            raise RuntimeError(head.decode())
        lower = head.lower()
        if b"transfer-encoding: chunked" in lower:
            return head, await self._reader.readuntil(b"0\r\n\r\n")
        _, _, length = lower.partition(b"content-length:")
        size = int(length.split(b"\r\n", 1)[0]) if length else 0
        return head, await self._reader.readexactly(size)


class Crowd:
    """Clients that call at once, each as soon as its last answer is there."""

    def __init__(self, server: Server, revision: str, count: int) -> None:
        """Be `count` clients of `server`."""
        self._clients = [Client(server, revision) for _ in range(count)]

    async def open(self) -> None:
        """Connect everybody."""
        for client in self._clients:
            await client.open()

    async def calls(
        self, tool: str, arguments: dict[str, Any], seconds: float
    ) -> tuple[int, float]:
        """Call `tool` again and again for `seconds`; return how many calls and the time they took.

        Raises RuntimeError for an answer that is none.
        """
        for client in self._clients:
            client.close()
            await client.connect()
        begun = perf_counter()
        done = await asyncio.gather(
            *(self._call(client, tool, arguments, begun + seconds) for client in self._clients)
        )
        return sum(done), perf_counter() - begun

    async def _call(self, client: Client, tool: str, arguments: dict[str, Any], ends: float) -> int:
        done = 0
        while perf_counter() < ends:
            answer = await client.call(tool, arguments)
            if b'"isError":true' in answer or b'"result"' not in answer:
                raise RuntimeError(answer.decode())
            done += 1
        return done

    def close(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.close()
