"""Agents behind a balancer: one after another of the replicas hears them, whoever answered before.

The client is our own, one POST for each call of revision 2026-07-28, so that there is no session
that could stick. A call whose answer does not come is made again, word for word.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count, cycle
from typing import Any

import anyio
import httpx2

REVISION = "2026-07-28"

FORM: dict[str, Any] = {"elicitation": {"form": {}}}
"""What a client declares that can show a form."""

PAUSE = 0.1
"""Seconds before a call is made again."""


class Balancer:
    """Hands each call to the next replica, and to the one after it where nobody answers."""

    def __init__(self, client: httpx2.AsyncClient, urls: Sequence[str], token: str) -> None:
        """Speak through `client` to the servers at `urls`."""
        self._client = client
        self._next = cycle(urls)
        self._numbers = count(1)
        self._token = token
        self.repeated = 0

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool until somebody answers; return the structure of the answer."""
        while True:
            answer = await self.try_once(next(self._next), tool, arguments)
            if answer is not None:
                content: dict[str, Any] = answer.get("structuredContent") or {"refused": answer}
                return content
            self.repeated += 1
            await anyio.sleep(PAUSE)

    async def try_once(
        self,
        url: str,
        tool: str,
        arguments: Mapping[str, Any],
        capabilities: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> dict[str, Any] | None:
        """Call a tool at one replica; None where its answer does not come, or it refuses to take
        part in this world."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": REVISION,
            "io.modelcontextprotocol/clientCapabilities": capabilities or {},
        }
        params = {"_meta": meta, "name": tool, "arguments": dict(arguments), **more}
        number = next(self._numbers)
        call = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params}
        headers = {
            "authorization": f"Bearer {self._token}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": REVISION,
            "mcp-method": "tools/call",
            "mcp-name": tool,
        }
        try:
            answer = await self._client.post(f"{url}/mcp", json=call, headers=headers)
        except httpx2.HTTPError:
            return None
        message = _message(answer, number)
        return None if message is None else message.get("result", message)


def _message(answer: httpx2.Response, number: int) -> dict[str, Any] | None:
    """Return the message that answers a request, None where the stream ended without it."""
    if answer.headers.get("content-type", "").startswith("application/json"):
        found: dict[str, Any] = answer.json()
        return found
    for line in answer.text.splitlines():
        if line.startswith("data: "):
            message: dict[str, Any] = json.loads(line.removeprefix("data: "))
            if message.get("id") == number:
                return message
    return None
