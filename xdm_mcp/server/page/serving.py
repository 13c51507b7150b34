"""Serving the page on a port of its own.

It listens on both addresses of the loopback, because `localhost` may mean either: a program of
somebody else on the other one would get the owner's browser.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import anyio
import uvicorn
from anyio.abc import TaskStatus
from starlette.types import ASGIApp

from xdm_mcp.app import App
from xdm_mcp.errors import ConfigError
from xdm_mcp.server.listening import listener_at
from xdm_mcp.server.page.places import Place, announced, ledger_of
from xdm_mcp.server.page.room import ROOT, Room
from xdm_mcp.server.page.routes import page_of
from xdm_mcp.server.page.tickets import new_secret
from xdm_mcp.server.page.visitors import Visitors, loopback_origins
from xdm_mcp.server.patience import RESERVED

MOST_REQUESTS = 64
"""Requests at once: a person has few windows."""

IDLE_SECONDS = 5
"""How long a connection may take to begin its next request, up to the last line of its head."""

LAST_WORDS = 1
"""Seconds that answers have when the page ends."""

BACKLOG = 64
"""Connections that may wait to be taken."""

TRIES = 20
"""How often a free port is looked for that is free on both addresses."""

NO_SUCH_ADDRESS = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""What a machine says of an address of a family that it lacks."""


class PageServer(uvicorn.Server):
    """A web server that leaves signals to the program around it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve_page(
    app: App, port: int, *, task_status: TaskStatus[Place] = anyio.TASK_STATUS_IGNORED
) -> None:
    """Serve the page on `port` of the loopback, 0 for a free one, until cancelled.

    Tells its place once connections are accepted. Raises ConfigError for a port in use.
    """
    with ExitStack() as open_while_serving:
        sockets = [open_while_serving.enter_context(one) for one in listen(port)]
        port = sockets[0].getsockname()[1]
        place = place_of(app, port)
        open_while_serving.enter_context(announced(app.settings.home, str(port), place))
        server = PageServer(_config(page_of(room_of(app, port, place))))
        task_status.started(place)
        try:
            await server.serve(sockets)
        finally:
            if server.started:
                with anyio.CancelScope(shield=True):
                    await server.shutdown(sockets)


def listen(port: int) -> list[socket.socket]:
    """Return sockets that listen on one port of both loopback addresses, of one without IPv6.

    Raises ConfigError for a port in use.
    """
    for _ in range(TRIES):
        four = listener_at("127.0.0.1", port, BACKLOG)
        try:
            six = twin(four)
        except ConfigError:
            four.close()
            if port:
                raise
            continue
        return [four, six] if six else [four]
    raise ConfigError("No port is free on 127.0.0.1 and ::1; set approvals.port to one that is.")


def twin(one: socket.socket) -> socket.socket | None:
    """Return a listener on the loopback address of the other family, at the port of `one`; None on
    a machine without that family.

    Raises ConfigError where somebody else listens there.
    """
    other = "127.0.0.1" if one.family == socket.AF_INET6 else "::1"
    try:
        return listener_at(other, one.getsockname()[1], BACKLOG)
    except OSError as error:
        if error.errno in NO_SUCH_ADDRESS:
            return None
        raise


def place_of(app: App, port: int, scheme: str = "http") -> Place:
    """Return the place of a page that listens on `port`, with a new secret."""
    base = app.settings.approvals.address or f"{scheme}://localhost:{port}"
    return Place(base + ROOT, ledger_of(app.settings.ledger_url), new_secret())


def room_of(app: App, port: int, place: Place, scheme: str = "http") -> Room:
    """Return the page's room for a port of this machine; others come only by the address that the
    owner set."""
    visitors = Visitors(loopback_origins(port, scheme), app.settings.approvals.address)
    return Room(app, visitors, place.secret)


def _config(page: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        page,
        **RESERVED,
        lifespan="off",
        limit_concurrency=MOST_REQUESTS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=LAST_WORDS,
    )
