"""MCP over HTTP: Streamable HTTP at /mcp and, if asked for, the older HTTP+SSE at /sse.

Both speak both revisions of MCP over one `App`. The older transport was deprecated with MCP
2025-03-26; it is served for clients that know no other.
"""

from __future__ import annotations

import errno
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from ipaddress import ip_address
from types import FrameType
from typing import Any

import anyio
import uvicorn
from anyio.abc import TaskGroup
from mcp.server.lowlevel import Server
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from xdm_mcp.app import App
from xdm_mcp.config import read_secret
from xdm_mcp.credentials.redaction import watch
from xdm_mcp.errors import ConfigError
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.build import Parts, build_parts
from xdm_mcp.server.gate import Admission, Gate, digest_of
from xdm_mcp.server.health import Lookout, Watched, metrics_of
from xdm_mcp.server.logs import log_to_stderr
from xdm_mcp.server.stopping import finish_sends

LARGEST_BODY = 262_144
"""Bytes of one request: a message of 10,000 characters fits many times."""

MOST_SESSIONS = 256
"""Older clients at once; each new one holds memory until 30 minutes after its last word."""

MOST_REQUESTS = 512
"""Requests at once, open streams included."""

LAST_WORDS = 2
"""Seconds that open streams have to end once nothing is being sent."""

MESSAGES = "/messages/"


def announce(address: str) -> None:
    """Say on stderr where we serve."""
    sys.stderr.write(f"Serving MCP on {address}; stop with Ctrl-C.\n")
    sys.stderr.flush()


async def serve_http(app: App, *, ready: Callable[[str], None] = announce) -> None:
    """Serve as `app.settings.http` says until SIGINT or SIGTERM and nothing is being sent any more.

    `ready` is told the address of /mcp once connections are accepted; port 0 takes a free one.
    Raises ConfigError for a port in use, and where strangers could call without a token.
    """
    from xdm_mcp.server.page.beside import page_beside

    settings = app.settings.http
    log_to_stderr(app.settings.log.level, app.settings.log.format)
    token_digest = _token_digest(settings)
    require_safe(settings, has_token=token_digest is not None)
    listener = _listen(settings)
    port = listener.getsockname()[1]
    parts, watched = build_parts(app), Watched()
    metrics = metrics_of(app.settings, watched)
    watched.add(app, parts)
    told = anyio.Event()
    address = f"http://{_netloc(settings.host, port)}/mcp"

    async def stop(server: EndsWell) -> None:
        """End the web server once it was told to and nothing is being sent."""
        await told.wait()
        await finish_sends(app, parts.calls)
        parts.subscriptions.close()
        server.should_exit = True

    mcp = web(parts, settings, port, token_digest)
    async with anyio.create_task_group() as tasks:
        with listener, page_beside(app, listener, mcp) as (whole, sockets):
            knock = Admission(_hosts(settings, port), frozenset(settings.allowed_origins))
            whole = Lookout(whole, knock, watched, metrics)
            server = EndsWell(_config(whole), told, started=partial(ready, address))
            tasks.start_soon(app.run)
            tasks.start_soon(stop, server)
            await server.serve(sockets=sockets)
        tasks.cancel_scope.cancel()


def require_safe(settings: HttpSettings, *, has_token: bool) -> None:
    """Raise ConfigError if anybody but this machine could call without showing a token."""
    if is_loopback(settings.host):
        return
    if not has_token:
        raise ConfigError(
            "Other machines could reach this address: set XDM_HTTP__TOKEN or http.token_file, or "
            "listen on 127.0.0.1."
        )
    if not settings.allowed_hosts:
        raise ConfigError(
            "Other machines could reach this address: name the Host headers that they use in "
            "http.allowed_hosts, or listen on 127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def web(
    parts: Parts, settings: HttpSettings, port: int, token_digest: bytes | None = None
) -> Starlette:
    """Return the web application: the routes behind the gate."""
    hosts = _hosts(settings, port)
    security = TransportSecuritySettings(
        allowed_hosts=sorted(hosts), allowed_origins=list(settings.allowed_origins)
    )
    sessions = StreamableHTTPSessionManager(
        parts.server,
        security_settings=security,
        max_request_body_size=LARGEST_BODY,
        max_sessions=MOST_SESSIONS,
    )

    def lifespan(_: Starlette) -> AbstractAsyncContextManager[None]:
        return sessions.run()

    routes: list[Route | Mount] = [Route("/mcp", StreamableHTTPASGIApp(sessions))]
    if settings.sse:
        transport = SseServerTransport(MESSAGES, security, LARGEST_BODY)
        routes.append(Route("/sse", Sse(parts.server, transport), methods=["GET"]))
        routes.append(Mount(MESSAGES, transport.handle_post_message))
    admission = Admission(hosts, frozenset(settings.allowed_origins), token_digest)
    middleware = [Middleware(Gate, admission=admission), *_cors(settings)]
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)


class Sse:
    """The stream of one HTTP+SSE client."""

    def __init__(self, server: Server[TaskGroup], transport: SseServerTransport) -> None:
        """Connect clients of `transport` to `server`."""
        self._server = server
        self._transport = transport

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one client until it leaves."""
        async with self._transport.connect_sse(scope, receive, send) as streams:
            options = self._server.create_initialization_options()
            await self._server.run(streams[0], streams[1], options)


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


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        limit_concurrency=MOST_REQUESTS,
        timeout_graceful_shutdown=LAST_WORDS,
    )


def _listen(settings: HttpSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        if error.errno == errno.EADDRINUSE:
            says = f"{where} is in use; stop the other program or choose another port."
        else:
            says = f"{where} cannot be listened on; choose an address of this machine and a port."
        raise ConfigError(says) from error
    # What it accepts inherits this. Without it an answer in two parts waits 40 ms for an ACK:
    # asyncio sets it only on sockets made with the protocol's number, and this one is not.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _token_digest(settings: HttpSettings) -> bytes | None:
    if settings.token is not None and settings.token_file is not None:
        raise ConfigError("XDM_HTTP__TOKEN and `http.token_file` are both set; keep one.")
    token = settings.token
    if settings.token_file is not None:
        token = read_secret(settings.token_file, "`http.token_file`")
        watch(token.get_secret_value())
    return digest_of(token.get_secret_value()) if token is not None else None


def _hosts(settings: HttpSettings, port: int) -> frozenset[str]:
    """Return the Host headers of requests to us: names of the loopback and what the owner named."""
    own = {"localhost", "127.0.0.1", "::1"}
    if is_loopback(settings.host):
        own.add(settings.host.lower())
    named = (host.lower() for host in settings.allowed_hosts)
    return frozenset({_netloc(host, port) for host in own} | set(named))


def _netloc(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _cors(settings: HttpSettings) -> list[Middleware]:
    """Return what lets web pages of the configured origins call; nothing where there are none."""
    if not settings.allowed_origins:
        return []
    kept: dict[str, Any] = {
        "allow_origins": list(settings.allowed_origins),
        "allow_methods": ["GET", "POST", "DELETE"],
        "allow_headers": ["*"],
        "expose_headers": ["Mcp-Session-Id"],
    }
    return [Middleware(CORSMiddleware, **kept)]
