"""MCP Apps: hosts that draw cards show a held send as one, with all that a person should see.

The card shows and links; it decides nothing. There is no tool behind it, because a tool that an app
may call can be called by whoever speaks to the server, and a PIN typed into a host's frame would be
the host's to read. The link leads to the approval page, which takes the person's own factor.

The extension is `io.modelcontextprotocol/ui` (MCP Apps, 2026-01-26).
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any

from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID, client_supports_apps
from mcp.server.context import ServerRequestContext
from mcp_types import ReadResourceResult, TextResourceContents

from xdm_mcp.app import App
from xdm_mcp.models.results import SendResult

CARD = "ui://xdm-mcp/held"
"""The URI of the card. It is the same document for everybody; what it shows comes with a result."""

EXTENSIONS: dict[str, dict[str, Any]] = {EXTENSION_ID: {}}
"""What the server declares of its extensions."""

TOOL_META: dict[str, Any] = {"ui": {"resourceUri": CARD, "visibility": ["model"]}}
"""How `send_dm` names its card. An app may not call the tool."""

META = "xdm-mcp/held"
"""The key of a result's `_meta` that holds what the card shows. Hosts keep it from the model."""

NOTHING_OUTSIDE: dict[str, Any] = {
    "ui": {
        "csp": {"connectDomains": [], "resourceDomains": [], "frameDomains": []},
        "prefersBorder": True,
    }
}
"""What the card asks of the host: no network, no frames, no permissions."""

INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


async def card_meta(
    app: App, result: SendResult, ctx: ServerRequestContext[Any, Any]
) -> dict[str, Any] | None:
    """Return what goes with a held result for a host that draws cards; None for all others."""
    if result.approval_id is None or result.status != "held" or not client_supports_apps(ctx):
        return None
    from xdm_mcp.server.question import after, before, text

    view = await app.desk.view(result.approval_id)
    page = await app.page_address()
    held = {"before": list(before(view)), "text": text(view), "after": list(after(view))}
    return {META: held | ({"page": page} if page else {})}


def read_card() -> ReadResourceResult:
    """Answer `resources/read` for the card."""
    contents = TextResourceContents(
        uri=CARD, mime_type=APP_MIME_TYPE, text=card(), _meta=NOTHING_OUTSIDE
    )
    return ReadResourceResult(contents=[contents])


@cache
def card() -> str:
    """Return the document, whose own policy names its one script and its one style by digest."""
    from importlib.resources import files

    page = files("xdm_mcp.server").joinpath("card.html").read_text("utf-8")
    allowed = {kind: _digest(inline) for kind, inline in INLINE.findall(page)}
    policy = (
        f"default-src 'none'; script-src '{allowed['script']}'; style-src '{allowed['style']}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return page.replace("{{policy}}", policy)


def _digest(inline: str) -> str:
    return f"sha256-{b64encode(sha256(inline.encode()).digest()).decode()}"
