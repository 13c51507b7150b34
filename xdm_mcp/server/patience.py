"""A connection waits only so long for a whole request: else strangers could fill the server with
connections that never say what they want, and nobody would ask them for a token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Impatient(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, which waits without end for a first request, and for the rest
    of any that was begun."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection; its first request is due."""
        super().connection_made(transport)
        self._look()

    def handle_events(self) -> None:
        """Take what came, or go on after an answer; then the next request is due."""
        super().handle_events()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection that ended."""
        self._forget()
        super().connection_lost(exc)

    def _look(self) -> None:
        """Set the deadline where a request is awaited and none is set; drip by drip moves none."""
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget()
        elif self._deadline is None and not self.transport.is_closing():
            self._deadline = self.loop.call_later(self.timeout_keep_alive, self.transport.close)

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


RESERVED: Mapping[str, Any] = {
    "http": Impatient,
    "ws": "none",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,
}
"""How every server of ours is set up: it waits for nobody, tells nothing of itself or of who calls,
and believes no header about where a caller comes from."""
