"""Uvicorn's HTTP protocol with a way for the application to end a connection."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from xdm_mcp.sandbox.asgi import DROP


class DroppableProtocol(H11Protocol):
    """Offers every request a function that closes its socket without an answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Put the function where the application finds it: in the state of the request's scope."""
        super().connection_made(transport)
        self.app_state: dict[str, Any] = {**self.app_state, DROP: transport.close}
