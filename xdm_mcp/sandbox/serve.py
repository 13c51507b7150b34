"""Putting the sandbox to work: `build_app` for use in process, `serve` for use over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import anyio

from xdm_mcp.clock import Clock
from xdm_mcp.sandbox.asgi import Sandbox
from xdm_mcp.sandbox.control import Control
from xdm_mcp.sandbox.getxapi.facade import getxapi
from xdm_mcp.sandbox.getxapi.messages import Generation
from xdm_mcp.sandbox.journal import Journal
from xdm_mcp.sandbox.oauth.authority import Authority, Issued
from xdm_mcp.sandbox.oauth.facade import OAuth
from xdm_mcp.sandbox.oauth1 import Signatures
from xdm_mcp.sandbox.twitterapi_io.facade import twitterapi_io
from xdm_mcp.sandbox.wire import Facade
from xdm_mcp.sandbox.x_api_v1.facade import XApiV1
from xdm_mcp.sandbox.x_api_v2.facade import XApiV2
from xdm_mcp.sandbox.x_api_v2.tokens import Token
from xdm_mcp.sandbox.x_api_v2.vocabulary import VocabularyName

if TYPE_CHECKING:
    from uvicorn import Server

GRACE = 2
"""Seconds that requests under way have when the server stops."""


class NotLoopback(OSError):
    """The sandbox was asked to serve other machines."""


class PortTaken(OSError):
    """Somebody else listens on that port."""


def build_app(
    journal: Journal,
    clock: Clock,
    *,
    authority: Authority | None = None,
    vocabulary: VocabularyName = "both",
    tokens: Mapping[str, Token] | None = None,
    generation: Generation = "new",
) -> Sandbox:
    """Return the sandbox as an ASGI application over the world of `journal`.

    `authority` keeps the logins, none at first by default.
    `vocabulary` says which field names the world accepts: those up to OpenAPI 2.166 (`a`), those
    from 2.167 on (`b`) or `both`. `tokens` are accepted besides the sandbox's own. `generation` is
    the form in which GetXAPI answers. Delays pass on `clock`, which is the journal's.
    """
    authority = authority or Authority(journal.clock)
    signatures = Signatures()
    facades: list[Facade] = [
        OAuth(authority),
        XApiV2(vocabulary, Issued(authority, tokens or {}), signatures),
        XApiV1(signatures),
        getxapi(generation),
        twitterapi_io(),
    ]
    error_names = frozenset[str]().union(*(facade.error_names for facade in facades))
    return Sandbox(journal, clock, facades, Control(journal, error_names))


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket on loopback; port 0 takes any free one.

    Raises NotLoopback or PortTaken, each with a sentence, and OSError for anything else.
    """
    address = "127.0.0.1" if host == "localhost" else host
    if not _is_loopback(address):
        raise NotLoopback(f"The sandbox serves this machine only: use 127.0.0.1, not {host!r}.")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return socket.create_server((address, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"Port {port} on {host} is in use; choose another one, or 0 for any."
            ) from error
        raise


async def serve(
    host: str,
    port: int,
    journal: Journal,
    clock: Clock,
    *,
    vocabulary: VocabularyName = "both",
    tokens: Mapping[str, Token] | None = None,
    on_bound: Callable[[str, int], None] = lambda _host, _port: None,
) -> None:
    """Serve the sandbox over HTTP until SIGTERM, SIGINT or cancellation, then return.

    `on_bound` is told the address as soon as connections are accepted. Raises what `bind` raises.
    """
    from uvicorn import Config, Server

    from xdm_mcp.sandbox.droppable import DroppableProtocol

    app = build_app(journal, clock, vocabulary=vocabulary, tokens=tokens)
    with bind(host, port) as listening:
        config = Config(
            app,
            http=DroppableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        server = Server(config)
        with _ended_by_signals(server):
            bound_host, bound_port = listening.getsockname()[:2]
            on_bound(bound_host, bound_port)
            await _run(server, listening)


async def _run(server: Server, listening: socket.socket) -> None:
    """Run `server` to its end; being cancelled ends it too, with its connections closed."""
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        with anyio.CancelScope(shield=True):
            await serving


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


@contextlib.contextmanager
def _ended_by_signals(server: Server) -> Iterator[None]:
    """Let a signal end the server and nothing else.

    Uvicorn has its own handlers, but not before it runs, and raises the signal again when it has
    stopped, which would end the process before its cleaning up. With these `serve` returns instead.
    """

    def end(*_: object) -> None:
        server.should_exit = True

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ending = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, end) for number in ending}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
