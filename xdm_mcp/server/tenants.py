"""One protocol server, one session store and one `App` for each principal, opened when it first
calls.

Nothing is shared between them but the process: another's session, cursor or approval is not refused
here, it does not exist.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass
from functools import partial

import anyio
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from xdm_mcp.app import App, open_app
from xdm_mcp.clock import Clock
from xdm_mcp.config import Settings
from xdm_mcp.errors import XdmError
from xdm_mcp.server.build import Parts, build_parts
from xdm_mcp.server.callers import caller_in
from xdm_mcp.server.crowd import Crowd
from xdm_mcp.server.gate import LARGEST_BODY
from xdm_mcp.server.logs import acting_for, report
from xdm_mcp.server.page.on_demand import page_elsewhere
from xdm_mcp.server.scopes import within_scope
from xdm_mcp.server.sse import Sse
from xdm_mcp.server.stopping import finish_sends

MOST_SESSIONS = 256
"""Older clients of one principal at once; each new one holds memory until 30 minutes after its last
word."""

MESSAGES = "/messages/"

Opener = Callable[[], AbstractAsyncContextManager[App]]
"""Opens the app of one principal, and ends its work and closes it afterwards."""

Watching = Callable[[App, Parts], AbstractContextManager[None]]
"""Watches an app while entered."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tenant:
    """What serves one principal: its app, its protocol server and the routes to it."""

    app: App
    parts: Parts
    mcp: ASGIApp
    sse: ASGIApp
    messages: ASGIApp


class Tenants:
    """The principals of one server; each is opened at its first request and stays open."""

    def __init__(
        self,
        openers: Mapping[str, Opener],
        security: TransportSecuritySettings,
        watching: Watching,
    ) -> None:
        """Open with `openers`, by name, and have each watched by `watching`; open nothing yet."""
        self._watching = watching
        self._openers = openers
        self._security = security
        self._open: dict[str, Tenant] = {}
        self._opening: Mapping[str, anyio.Lock] = {name: anyio.Lock() for name in openers}
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Serve while entered; at the end close whatever was opened."""
        async with anyio.create_task_group() as self._tasks:
            yield
            self._tasks.cancel_scope.cancel()

    async def find(self, name: str) -> Tenant:
        """Return a principal's tenant, opened if need be. Raises XdmError where it cannot be."""
        async with self._opening[name]:
            if name in self._open:
                return self._open[name]
            if self._tasks is None:
                raise RuntimeError("tenants are opened while they run")
            tenant: Tenant = await self._tasks.start(self._live, name)
            return tenant

    async def finish(self) -> None:
        """Let no new send begin, wait until nothing is being sent, and end open streams."""
        async with anyio.create_task_group() as tasks:
            for tenant in self._open.values():
                tasks.start_soon(finish_sends, tenant.app, tenant.parts.calls)
        for tenant in self._open.values():
            tenant.parts.subscriptions.close()

    async def _live(self, name: str, *, task_status: TaskStatus[Tenant]) -> None:
        """Be one principal's tenant until cancelled. What breaks in it ends it alone; its next
        request opens it anew."""
        begun = False
        acting_for.set(name)
        try:
            async with AsyncExitStack() as stack:
                app = await stack.enter_async_context(self._openers[name]())
                tenant = await stack.enter_async_context(_tenant(app, self._security))
                stack.enter_context(self._watching(app, tenant.parts))
                self._open[name] = tenant
                stack.callback(self._open.pop, name)  # before it closes: who finds it may use it
                task_status.started(tenant)
                begun = True
                await anyio.sleep_forever()
        except Exception as error:
            if not begun:
                raise
            report(error, "the work of a principal")


class Door:
    """A route that leads each caller to its own principal, and to nobody else's."""

    def __init__(self, tenants: Tenants, pick: Callable[[Tenant], ASGIApp]) -> None:
        """Lead to what `pick` names of a tenant."""
        self._tenants = tenants
        self._pick = pick

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request that the gate let in."""
        caller = caller_in(scope)
        if caller is None:
            raise RuntimeError("no request reaches a tenant but through the gate")
        acting_for.set(caller.principal)
        try:
            tenant = await self._tenants.find(caller.principal)
        except XdmError as error:
            log.warning("cannot be opened: %s", error)
            says = "This account cannot be served now; its owner finds the reason in the log.\n"
            await PlainTextResponse(says, 503)(scope, receive, send)
            return
        await self._pick(tenant)(scope, receive, send)


@asynccontextmanager
async def at_work(settings: Settings, clock: Clock) -> AsyncIterator[App]:
    """Open an app and do its background work while entered. Its approval page is the one that its
    own owner serves, if any: a page beside MCP would have to be everybody's."""
    async with open_app(settings, clock=clock) as app, anyio.create_task_group() as tasks:
        app.page_address = partial(page_elsewhere, app)
        tasks.start_soon(app.run)
        yield app
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def _tenant(app: App, security: TransportSecuritySettings) -> AsyncIterator[Tenant]:
    parts = build_parts(app)
    parts.server.middleware[:0] = [Crowd(), within_scope]  # before what answers without a look
    sessions = StreamableHTTPSessionManager(
        parts.server,
        security_settings=security,
        max_request_body_size=LARGEST_BODY,
        max_sessions=MOST_SESSIONS,
    )
    sse = Sse(parts.server, SseServerTransport(MESSAGES, security, LARGEST_BODY))
    async with sessions.run():
        yield Tenant(
            app,
            parts,
            StreamableHTTPASGIApp(sessions),
            sse.stream,
            sse.post,
        )
