"""The page on the same port as MCP over HTTP: under its own path, behind its own gate."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from starlette.types import ASGIApp, Receive, Scope, Send

from xdm_mcp.app import App
from xdm_mcp.server.page.places import announced
from xdm_mcp.server.page.room import ROOT
from xdm_mcp.server.page.routes import page_of
from xdm_mcp.server.page.serving import place_of, room_of, twin

NEAR = frozenset({"127.0.0.1", "localhost", "0.0.0.0", "::1", "::"})  # noqa: S104 - asked about
"""Hosts to whose listener `localhost` leads. Each has one family, and leaves the other's loopback
address to whoever takes it."""


class Beside:
    """Sends requests for the page to the page, and all else on."""

    def __init__(self, page: ASGIApp, rest: ASGIApp) -> None:
        """Serve `page` under its path; what belongs to the page never reaches `rest`."""
        self._page = page
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"] if scope["type"] == "http" else ""
        ours = path == ROOT or path.startswith(f"{ROOT}/")
        await (self._page if ours else self._rest)(scope, receive, send)


@contextmanager
def page_beside(
    app: App, listener: socket.socket, rest: ASGIApp
) -> Iterator[tuple[ASGIApp, list[socket.socket]]]:
    """Yield `rest` with the page beside it, and what to listen on: both loopback addresses,
    where `localhost` leads to us, because a browser may try either.

    Raises ConfigError where somebody else listens there.
    """
    if not _offers(app):
        yield rest, [listener]
        return
    port = listener.getsockname()[1]
    scheme = "https" if app.settings.http.tls_cert else "http"
    place = place_of(app, port, scheme)

    async def address() -> str | None:
        """See App.page_address."""
        return place.address

    with ExitStack() as open_while_serving:
        other = twin(listener) if app.settings.http.host in NEAR else None
        sockets = [listener, open_while_serving.enter_context(other)] if other else [listener]
        open_while_serving.enter_context(announced(app.settings.home, str(port), place))
        app.page_address = address
        yield Beside(page_of(room_of(app, port, place, scheme)), rest), sockets


def _offers(app: App) -> bool:
    """Whether there is a page: where `localhost` leads to us, or the owner said where it is."""
    settings = app.settings
    near = settings.http.host in NEAR
    return settings.approvals.page != "off" and (near or settings.approvals.address is not None)
