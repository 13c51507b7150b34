"""The URIs of our resources, and the two ways in which the revisions say that there is none."""

from __future__ import annotations

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from xdm_mcp.models.messages import CONVERSATION_ID, MESSAGE_ID

INBOX = "xdm://inbox"
QUOTA = "xdm://quota"
POLICY = "xdm://policy"
APPROVALS = "xdm://approvals"
CONVERSATION = "xdm://conversations/{conversation_id}"
MESSAGE = "xdm://messages/{message_id}"

STATIC = frozenset({INBOX, QUOTA, POLICY, APPROVALS})

NOT_FOUND_BEFORE_2026 = -32002
"""Resource not found (MCP 2025-06-18 and 2025-11-25, server/resources, error handling)."""


def conversation_uri(conversation_id: str) -> str:
    """Return the URI of a conversation."""
    return f"xdm://conversations/{conversation_id}"


def message_uri(message_id: str) -> str:
    """Return the URI of a message."""
    return f"xdm://messages/{message_id}"


def conversation_in(uri: str) -> str | None:
    """Return the conversation that a URI names, None if it names none."""
    key = uri.removeprefix("xdm://conversations/")
    return key if key != uri and CONVERSATION_ID.match(key) else None


def message_in(uri: str) -> str | None:
    """Return the message that a URI names, None if it names none."""
    key = uri.removeprefix("xdm://messages/")
    return key if key != uri and MESSAGE_ID.match(key) else None


def needs_inbox(uri: str) -> bool:
    """Whether only looking at the inbox tells when this resource changes."""
    return uri == INBOX or conversation_in(uri) is not None


def require_known(uri: str, protocol_version: str) -> None:
    """Raise what the revision wants if `uri` is not of a form that we serve."""
    if uri not in STATIC and conversation_in(uri) is None and message_in(uri) is None:
        raise not_found(uri, protocol_version)


def not_found(uri: str, protocol_version: str) -> MCPError:
    """Return the error for a resource that is not there: -32602 since 2026-07-28, before -32002."""
    modern = protocol_version in MODERN_PROTOCOL_VERSIONS
    code = INVALID_PARAMS if modern else NOT_FOUND_BEFORE_2026
    says = "There is no such resource; list the resources and their templates for what there is."
    return MCPError(code, says, {"uri": uri})
