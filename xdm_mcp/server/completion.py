"""Completion: ids that this process has read, for resource templates and prompt arguments."""

from __future__ import annotations

from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CompleteRequestParams,
    CompleteResult,
    Completion,
    PromptReference,
)

from xdm_mcp.app import App
from xdm_mcp.server.prompts import template_named
from xdm_mcp.server.uris import CONVERSATION, MESSAGE

Ctx = ServerRequestContext[Any, Any]

MOST = 100
"""Values in one answer (MCP 2025-11-25, server/utilities/completion)."""


async def complete(app: App, _: Ctx, params: CompleteRequestParams) -> CompleteResult:
    """Answer `completion/complete`; costs nothing, so it knows only what was read before."""
    found = _ids(app, _wanted(params), params.argument.value)
    shown = found[:MOST]
    return CompleteResult(
        completion=Completion(values=shown, total=len(found), has_more=len(found) > MOST)
    )


def _wanted(params: CompleteRequestParams) -> str | None:
    """Return the kind of id asked for, None for an argument that cannot be completed. Raises
    MCPError for a reference to nothing."""
    name = params.argument.name
    if isinstance(params.ref, PromptReference):
        arguments = template_named(params.ref.name).arguments
        return next((argument.kind for argument in arguments if argument.name == name), None)
    kinds = {CONVERSATION: ("conversation_id", "conversation"), MESSAGE: ("message_id", "message")}
    if params.ref.uri not in kinds:
        raise MCPError(
            INVALID_PARAMS, "There is no such template; list the resource templates for those."
        )
    argument, kind = kinds[params.ref.uri]
    return kind if argument == name else None


def _ids(app: App, kind: str | None, prefix: str) -> list[str]:
    if kind == "conversation":
        return app.inbox.known_conversations(prefix)
    return app.inbox.known_messages(prefix) if kind == "message" else []
