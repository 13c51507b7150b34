"""What keeps a server running may ask of it over HTTP: is it alive, is it ready, what has it done.

`/healthz` and `/readyz` ask for no token, so they tell nothing but one word. `/metrics` is there
only where the owner gave it a token of its own; see `metrics.py`. Host and Origin are checked as
everywhere.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from xdm_mcp.app import App
from xdm_mcp.config import Settings, read_secret
from xdm_mcp.credentials.redaction import watch
from xdm_mcp.credentials.tokens import digest_of
from xdm_mcp.errors import ConfigError, XdmError
from xdm_mcp.server.build import Parts
from xdm_mcp.server.callers import bearer_of
from xdm_mcp.server.gate import Admission

ALIVE, READY, METRICS = "/healthz", "/readyz", "/metrics"

STANDS = 1.0
"""Seconds for which one look at readiness answers everybody: nobody can keep the ledger busy so."""

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"
"""The type of a page of metrics (prometheus.io, exposition formats, 2026-08)."""

Listener = Callable[[App], None]
Scrape = Callable[["Watched"], Awaitable[bytes]]


@dataclass(slots=True)
class Watched:
    """The apps that a server has opened, each with its protocol server."""

    served: list[tuple[App, Parts]] = field(default_factory=list)
    added: Listener | None = None
    """Told of each app as it is added."""
    _word: str = ""
    _until: float = 0.0
    _looking: anyio.Lock = field(default_factory=anyio.Lock)

    @contextmanager
    def one(self, app: App, parts: Parts) -> Iterator[None]:
        """Watch one more app while entered: of one that ended nobody must hear that it is not
        ready."""
        self.served.append((app, parts))
        if self.added is not None:
            self.added(app)
        try:
            yield
        finally:
            self.served.remove((app, parts))

    async def trouble(self) -> str:
        """Return why the server should get no requests now: `draining`, `policy` or `ledger`;
        nothing where it is ready. An account in trouble disturbs no other that can be served."""
        if any(parts.calls.stopping for _, parts in self.served):
            return "draining"
        async with self._looking:
            if anyio.current_time() >= self._until:
                words = [await _trouble(app) for app, _ in self.served]
                self._word = words[0] if words and all(words) else ""
                self._until = anyio.current_time() + STANDS
        return self._word


async def _trouble(app: App) -> str:
    try:
        app.policy.rules()
    except ConfigError:
        return "policy"
    try:
        await app.ledger.entry(0)
    except XdmError:
        return "ledger"
    return ""


class Lookout:
    """Answers who watches the server, and hands every other request on."""

    def __init__(
        self, rest: ASGIApp, admission: Admission, watched: Watched, metrics: Metrics | None = None
    ) -> None:
        """Stand before `rest`, for hosts and origins that `admission` lets knock."""
        self._rest = rest
        self._admission = admission
        self._watched = watched
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or hand it on."""
        if scope["type"] != "http" or scope["path"] not in (ALIVE, READY, METRICS):
            await self._rest(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = self._admission.refusal(scope["method"], headers)
        if answer is None and scope["method"] != "GET":
            answer = PlainTextResponse("Use GET.\n", 405, {"Allow": "GET"})
        await (answer or await self._answer(scope["path"], headers))(scope, receive, send)

    async def _answer(self, path: str, headers: Headers) -> Response:
        if path == ALIVE:
            return _word("alive")
        if path == READY:
            trouble = await self._watched.trouble()
            return _word(trouble, 503) if trouble else _word("ready")
        if self._metrics is None:
            return _word("Not Found", 404)
        return await self._metrics.answer(headers, self._watched)


@dataclass(frozen=True, slots=True)
class Metrics:
    """The page of metrics, and the digest of the token that opens it."""

    scrape: Scrape
    token_digest: str

    async def answer(self, headers: Headers, watched: Watched) -> Response:
        """Return the page to who shows the token."""
        token = bearer_of(headers.getlist("authorization"))
        if token is None or not hmac.compare_digest(digest_of(token), self.token_digest):
            return PlainTextResponse(
                "Send the token of `watch.token_file` as `Authorization: Bearer …`.\n",
                401,
                {"WWW-Authenticate": "Bearer"},
            )
        return Response(await self.scrape(watched), media_type=PROMETHEUS)


def metrics_of(settings: Settings, watched: Watched) -> Metrics | None:
    """Return the page of metrics where the owner gave it a token, and count from now on.

    Raises ConfigError where the extra is not installed, or the token cannot be read.
    """
    token = settings.watch.token
    if settings.watch.token_file is not None:
        if token is not None:
            raise ConfigError("XDM_WATCH__TOKEN and `watch.token_file` are both set; keep one.")
        token = read_secret(settings.watch.token_file, "`watch.token_file`")
        watch(token.get_secret_value())
    if token is None:
        return None
    try:
        from xdm_mcp.server.metrics import Counters
    except ImportError:
        raise ConfigError(
            "Metrics need one package more; run `uv tool install '.[watch]'` in a checkout."
        ) from None
    counters = Counters()
    watched.added = counters.watch
    return Metrics(counters.page, digest_of(token.get_secret_value()))


def _word(word: str, status: int = 200) -> Response:
    return PlainTextResponse(f"{word}\n", status, {"Cache-Control": "no-store"})
