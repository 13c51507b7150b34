"""An agent of our own on HTTP+SSE: raw JSON-RPC, answers from the one stream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2

from tests.callers import shown
from tests.server.tenancy import LEGACY, Two


class Older:
    """Both ends of one client's connection."""

    def __init__(self, two: Two, name: str, stream: httpx2.Response) -> None:
        """Hear what comes on `stream`; speak as a principal."""
        self._client = two.client
        self._headers = shown(two.tokens[name]) | {"content-type": "application/json"}
        self._lines = stream.aiter_lines()
        self._place = ""

    async def open(self) -> None:
        """Learn where to speak, and shake hands."""
        self._place = await self._data()
        who = {"name": "raw", "version": "1"}
        hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": who}
        assert (await self.post("initialize", hello, 0)).status_code == 202
        assert (await self.hear())["id"] == 0
        await self.say(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}))

    async def say(self, body: str) -> httpx2.Response:
        """Send one body as it stands."""
        return await self._client.post(self._place, content=body, headers=self._headers)

    async def post(self, method: str, params: dict[str, Any], number: int) -> httpx2.Response:
        """Send one request, whose answer comes on the stream."""
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        return await self.say(json.dumps(message))

    async def hear(self) -> Any:
        """Return the next message."""
        with anyio.fail_after(10):
            return json.loads(await self._data())

    async def _data(self) -> str:
        async for line in self._lines:
            if line.startswith("data:"):
                return line[5:].strip()
        raise EOFError("the stream ended")


@asynccontextmanager
async def older(two: Two, name: str) -> AsyncIterator[Older]:
    """Connect a principal's agent over HTTP+SSE."""
    async with two.client.stream("GET", "/sse", headers=shown(two.tokens[name])) as stream:
        agent = Older(two, name, stream)
        await agent.open()
        yield agent
