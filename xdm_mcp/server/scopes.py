"""What a token must be good for, request by request. No scope reaches an approval: there is none.

The gate asks first, so that a client hears 403 and which scope is missing. The protocol server asks
again, by what it itself understood of the request, so that no way of writing one passes both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_REQUEST,
    JSONRPCMessage,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
)

from xdm_mcp.credentials.tokens import READ, SEND
from xdm_mcp.server.callers import caller_in

READS = frozenset(
    {
        "resources/read",
        "resources/subscribe",
        "resources/unsubscribe",
        "subscriptions/listen",
        "prompts/get",
        "completion/complete",
    }
)
"""Methods that tell something of the account, beside the tools. What is the same for everybody,
such as the lists, takes a token and no scope."""


def scope_for(method: object, params: object) -> str | None:
    """Return the scope that a request takes, None where any token will do."""
    if method == "tools/call":
        sends = isinstance(params, Mapping) and params.get("name") == "send_dm"
        return SEND if sends else READ
    return READ if method in READS else None


def missing_in(message: JSONRPCMessage, scopes: frozenset[str]) -> str | None:
    """Return the scope that a JSON-RPC message takes and `scopes` lack, if any."""
    if isinstance(message, JSONRPCRequest | JSONRPCNotification):
        needed = scope_for(message.method, message.params)
    else:  # a result is the answer to a question of ours, and only sends ask
        needed = SEND if isinstance(message, JSONRPCResponse) else None
    return needed if needed is not None and needed not in scopes else None


async def within_scope(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Let only pass what the caller's token is good for. On a pipe the client is the owner's."""
    if ctx.request is not None:
        caller = caller_in(ctx.request.scope)
        needed = scope_for(ctx.method, ctx.params)
        if caller is None or (needed is not None and needed not in caller.scopes):
            says = f"This token is not good for that; ask the owner for one with {needed}."
            raise MCPError(INVALID_REQUEST, says)
    return await call_next(ctx)
