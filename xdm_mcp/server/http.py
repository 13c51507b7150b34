"""MCP over HTTP: Streamable HTTP at /mcp and, if asked for, the older HTTP+SSE at /sse.

Both speak both revisions of MCP, to callers with a token alone, on the loopback too. The older
transport was deprecated with MCP 2025-03-26; it is served for clients that know no other.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from functools import partial
from types import FrameType
from typing import Any

import anyio
import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from xdm_mcp.app import App
from xdm_mcp.clock import Clock, SystemClock
from xdm_mcp.config import Settings
from xdm_mcp.credentials.issuer import issuer_of
from xdm_mcp.credentials.tokens import Tokens
from xdm_mcp.principals import Principal, refuse_what_is_shared, settings_for
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.callers import ALONE, Callers, fixed_token
from xdm_mcp.server.gate import Admission, Gate
from xdm_mcp.server.health import Lookout, Watched, metrics_of
from xdm_mcp.server.listening import hosts_of, listen, netloc, require_safe, require_tls
from xdm_mcp.server.logs import log_to_stderr
from xdm_mcp.server.patience import RESERVED
from xdm_mcp.server.presence import Presence
from xdm_mcp.server.tenants import MESSAGES, Door, Opener, Tenants, Watching, at_work

MOST_REQUESTS = 512
"""Requests at once, open streams included."""

IDLE_SECONDS = 15
"""How long a connection may take to begin its next request, up to the last line of its head."""

LAST_WORDS = 2
"""Seconds that open streams have to end once nothing is being sent."""

Beside = Callable[
    [socket.socket, ASGIApp], AbstractContextManager[tuple[ASGIApp, list[socket.socket]]]
]
"""Puts something beside MCP while entered; yields the whole, and what to listen on."""


def announce(address: str) -> None:
    """Say on stderr where we serve."""
    sys.stderr.write(f"Serving MCP on {address}; stop with Ctrl-C.\n")
    sys.stderr.flush()


async def serve_http(app: App, *, ready: Callable[[str], None] = announce) -> None:
    """Serve one account as `app.settings.http` says until SIGINT or SIGTERM and nothing is being
    sent any more, with its approval page beside it.

    `ready` is told the address of /mcp once connections are accepted; port 0 takes a free one.
    Raises ConfigError for a port in use, and where strangers could call, or nobody.
    """
    from xdm_mcp.server.page.beside import page_beside

    callers = callers_of(app.settings, app.clock, None)
    openers: Mapping[str, Opener] = {ALONE: lambda: nullcontext(app)}
    await _serve(app.settings, callers, openers, partial(page_beside, app), ready, app.run)


async def serve_principals(
    server: Settings,
    principals: Mapping[str, Principal],
    *,
    ready: Callable[[str], None] = announce,
) -> None:
    """Serve every principal of the owner's file, each from its own home. Their approval pages are
    served elsewhere, one for each. Raises ConfigError as `serve_http` does."""
    clock = SystemClock()
    own = {name: settings_for(one, server) for name, one in principals.items()}
    refuse_what_is_shared(own.values())
    callers = callers_of(server, clock, principals)
    openers = {name: partial(at_work, settings, clock) for name, settings in own.items()}
    await _serve(server, callers, openers, _alone, ready)


def callers_of(
    settings: Settings,
    clock: Clock,
    principals: Mapping[str, Principal] | None,
) -> Callers:
    """Return who may call, as the settings say. Raises ConfigError where it would be nobody, or
    where it could not be told who it is."""
    return Callers(
        Tokens(settings.home),
        clock,
        principals,
        fixed_token(settings.http, clock),
        issuer_of(settings.oauth, clock),
    )


def web(
    openers: Mapping[str, Opener],
    callers: Callers,
    settings: HttpSettings,
    port: int,
    watching: Watching = lambda _, __: nullcontext(),
) -> tuple[Starlette, Tenants]:
    """Return the web application, its routes behind the gate, and the tenants that it leads to;
    `watching` is entered for each while it is open."""
    hosts = hosts_of(settings, port)
    security = TransportSecuritySettings(
        allowed_hosts=sorted(hosts), allowed_origins=list(settings.allowed_origins)
    )
    tenants, presence = Tenants(openers, security, watching), Presence()

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        """Serve tenants, and end the streams of tokens that ended, as long as the server lives."""
        async with tenants.run(), anyio.create_task_group() as tasks:
            tasks.start_soon(presence.watch, callers.stands)
            if ALONE in openers:  # what watches the server asks about it before anybody calls
                await tenants.find(ALONE)
            yield
            tasks.cancel_scope.cancel()

    routes: list[Route | Mount] = [Route("/mcp", Door(tenants, lambda one: one.mcp))]
    if settings.sse:
        routes.append(Route("/sse", Door(tenants, lambda one: one.sse), methods=["GET"]))
        routes.append(Mount(MESSAGES, Door(tenants, lambda one: one.messages)))
    admission = Admission(hosts, frozenset(settings.allowed_origins))
    gate = Middleware(Gate, admission=admission, callers=callers, presence=presence)
    middleware = [gate, *_cors(settings)]
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan), tenants


async def _serve(
    server: Settings,
    callers: Callers,
    openers: Mapping[str, Opener],
    beside: Beside,
    ready: Callable[[str], None],
    work: Callable[[], Coroutine[Any, Any, None]] | None = None,
) -> None:
    """Serve, and do `work` beside it, until told to stop."""
    settings = server.http
    log_to_stderr(server.log.level, server.log.format)
    require_safe(settings)
    require_tls(settings)
    watched = Watched()
    metrics = metrics_of(server, watched)  # it may refuse, so before anything listens
    listener = listen(settings)
    port = listener.getsockname()[1]
    told = anyio.Event()
    scheme = "https" if settings.tls_cert else "http"
    address = f"{scheme}://{netloc(settings.host, port)}/mcp"
    mcp, tenants = web(openers, callers, settings, port, watched.one)

    async def stop(serving: EndsWell) -> None:
        """End the web server once it was told to and nothing is being sent."""
        await told.wait()
        await tenants.finish()
        serving.should_exit = True

    async with anyio.create_task_group() as tasks:
        with listener, beside(listener, mcp) as (whole, sockets):
            knock = Admission(hosts_of(settings, port), frozenset(settings.allowed_origins))
            whole = Lookout(whole, knock, watched, metrics)
            serving = EndsWell(_config(whole, settings), told, started=partial(ready, address))
            tasks.start_soon(stop, serving)
            if work is not None:
                tasks.start_soon(work)
            await serving.serve(sockets=sockets)
        tasks.cancel_scope.cancel()


@contextmanager
def _alone(listener: socket.socket, mcp: ASGIApp) -> Iterator[tuple[ASGIApp, list[socket.socket]]]:
    """Put nothing beside MCP."""
    yield mcp, [listener]


class EndsWell(uvicorn.Server):
    """A web server that is told of SIGINT and SIGTERM but ends only when we say so."""

    def __init__(
        self, config: uvicorn.Config, told: anyio.Event, started: Callable[[], None]
    ) -> None:
        """Set `told` at the first signal; a second one ends the process at once. Call `started`
        once requests and signals are heard."""
        super().__init__(config)
        self._told = told
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, then say so."""
        await super().startup(sockets)
        self._tell_started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Note the signal. Not passing it on keeps the exit code 0."""
        if self._told.is_set():
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self._told.set()


def _config(app: ASGIApp, settings: HttpSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        **RESERVED,
        lifespan="on",
        limit_concurrency=MOST_REQUESTS,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=LAST_WORDS,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )


def _cors(settings: HttpSettings) -> list[Middleware]:
    """Return what lets web pages of the configured origins call; nothing where there are none."""
    if not settings.allowed_origins:
        return []
    kept: dict[str, Any] = {
        "allow_origins": list(settings.allowed_origins),
        "allow_methods": ["GET", "POST", "DELETE"],
        "allow_headers": ["*"],
        "expose_headers": ["Mcp-Session-Id", "WWW-Authenticate"],
    }
    return [Middleware(CORSMiddleware, **kept)]
