"""How many requests one account has in hand at once, on whatever wire they came.

Over the two older HTTP wires a request outlives the exchange that brought it: HTTP+SSE answers on
another stream, and a client of 2025-11-25 that hangs up has cancelled nothing. So counting
exchanges, as the gate does, bounds neither.
"""

from __future__ import annotations

from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError

from xdm_mcp.server.presence import MOST

BUSY = -32010
"""Our own code, of those that MCP leaves to servers: the same request is welcome a little later."""


class Crowd:
    """The requests that one account's server has in hand: a middleware."""

    def __init__(self, most: int = MOST) -> None:
        """Have at most so many at once."""
        self._most = most
        self._count = 0

    async def __call__(
        self, ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        """Let one request pass unless it would be one too many. A notification asks for no work."""
        if ctx.request_id is None:
            return await call_next(ctx)
        if self._count >= self._most:
            says = "Too many requests at once for this account; try again in a moment."
            raise MCPError(BUSY, says)
        self._count += 1
        try:
            return await call_next(ctx)
        finally:
            self._count -= 1
