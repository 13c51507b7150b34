"""One question to an app in process, over one wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from mcp.client import Client
from mcp.shared.exceptions import MCPError

from tests.server.pretend import PretendApp
from xdm_mcp.server.build import build_server

T = TypeVar("T")

MODES = ("auto", "legacy")
"""Both revisions of MCP: a client that prefers 2026-07-28, and one of 2025-11-25."""


async def ask(
    mode: str, question: Callable[[Client], Awaitable[T]], app: PretendApp | None = None
) -> T:
    """Return the answer, or raise the server's MCPError bare of the client's exception groups."""
    refusal = None
    async with Client(build_server((app or PretendApp()).real), mode=mode) as client:
        try:
            return await question(client)
        except MCPError as error:
            refusal = error
    raise refusal
