"""X API v1.1 over a pretend network: keys, an event of the reference, and the backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
from pydantic import SecretStr

from tests.backends.wires import ANNA, EVENT, ME, NOW, Answering, reply
from xdm_mcp.backends.auth import Keys
from xdm_mcp.backends.x_api_v1 import XApiV1Backend
from xdm_mcp.clock import ManualClock
from xdm_mcp.models.sends import Target

CANARIES = ("canary-consumer", "canary-consumer-secret", "canary-token", "canary-token-secret")
ONE = Target((ANNA,))
MADE: dict[str, Any] = {
    "type": "message_create",
    "id": EVENT,
    "created_timestamp": "1791970200123",
    "message_create": {
        "target": {"recipient_id": ANNA},
        "sender_id": ME,
        "source_app_id": "268278",
        "message_data": {"text": "Hello.", "entities": {"urls": []}},
    },
}
SENT = reply(200, {"event": MADE})
SELF = reply(200, {"id": 1, "id_str": ME, "screen_name": "my_account", "name": "Me"})


def keys(*values: str) -> Keys:
    """Return keys of OAuth 1.0a, by default the canaries."""
    return Keys(*(SecretStr(value) for value in values or CANARIES))


def backend(script: Callable[[httpx2.Request], Any], who: Keys | None = None) -> XApiV1Backend:
    """Return a backend over a scripted X, at a fixed time."""
    return XApiV1Backend(
        "https://api.x.com",
        who or keys(),
        ManualClock(NOW),
        transport=httpx2.MockTransport(script),
        seed=1,
    )


def code(number: int, status: int = 403) -> Answering:
    """Answer with one of X's numbers."""
    return reply(status, {"errors": [{"code": number, "message": ""}]})
