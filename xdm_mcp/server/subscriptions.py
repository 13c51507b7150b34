"""Who wants to hear of changes: one map from our bus to URIs feeds both wires.

A client of 2026-07-28 holds a `subscriptions/listen` stream; an older one subscribes URI by URI and
is told on its connection. While anybody listens for messages, the inbox is watched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp.server.connection import Connection
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.subscriptions import (
    InMemorySubscriptionBus,
    ListenHandler,
    ResourceUpdated,
    ServerEvent,
)
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from xdm_mcp.app import App
from xdm_mcp.bus import Bus, Changed
from xdm_mcp.server.uris import (
    APPROVALS,
    INBOX,
    POLICY,
    QUOTA,
    conversation_uri,
    message_uri,
    needs_inbox,
    require_known,
)

Ctx = ServerRequestContext[TaskGroup, Any]

MAX_STREAMS = 64
"""Open `subscriptions/listen` streams per process: more than any household of agents needs."""

MAX_URIS = 100
"""URIs that one older connection may subscribe to."""


def uris_of(change: Changed) -> tuple[str, ...]:
    """Return the URIs whose content a change may have altered."""
    match change:
        case Changed("inbox", None):
            return (INBOX,)
        case Changed("inbox", str() as key):
            return (INBOX, conversation_uri(key))
        case Changed("conversation", str() as key):
            return (conversation_uri(key),)
        case Changed("message", str() as key):
            return (message_uri(key),)
        case Changed("approvals"):
            return (APPROVALS,)
        case Changed("quota"):
            return (QUOTA,)
        case Changed("policy"):
            return (POLICY,)
        case _:
            return ()


class UriBus(InMemorySubscriptionBus):
    """Our bus for the SDK: listeners hear of each URI that a change touches."""

    def __init__(self, bus: Bus) -> None:
        """Tell of what is published on `bus`, and of what is published here."""
        super().__init__()
        self._bus = bus

    def subscribe(self, listener: Callable[[ServerEvent], None]) -> Callable[[], None]:
        """Call `listener` for each event from now on; return what ends that."""

        def tell(change: Changed) -> None:
            for uri in uris_of(change):
                listener(ResourceUpdated(uri))

        ends = super().subscribe(listener), self._bus.subscribe(tell)

        def unsubscribe() -> None:
            for end in ends:
                end()

        return unsubscribe


class Subscriber:
    """One older connection: what it subscribed to, and what it still has to be told.

    A URI that changes again before it was told is told once: an update says "read again".
    """

    def __init__(self, tell: Callable[[str], Any]) -> None:
        """Tell through `tell`, an async function of a URI."""
        self._tell = tell
        self._pending: dict[str, None] = {}
        self._wake = anyio.Event()
        self._ended = False
        self.uris: dict[str, ExitStack] = {}

    def changed(self, change: Changed) -> None:
        """Remember what of a change this connection must be told."""
        self._pending.update(dict.fromkeys(uri for uri in uris_of(change) if uri in self.uris))
        if self._pending:
            self._wake.set()

    async def deliver(self) -> None:
        """Tell of changes until the subscriber ends or its connection fails."""
        while not self._ended:
            await self._wake.wait()
            self._wake = anyio.Event()
            pending, self._pending = self._pending, {}
            for uri in pending:
                try:
                    await self._tell(uri)
                except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                    self.end()

    def end(self) -> None:
        """Forget everything and let `deliver` return."""
        self._ended = True
        for stack in self.uris.values():
            stack.close()
        self.uris.clear()
        self._wake.set()


class Subscriptions:
    """The subscriptions of one process, on both wires."""

    def __init__(self, app: App) -> None:
        """Feed from the bus of `app`."""
        self._app = app
        self._streams = ListenHandler(UriBus(app.bus), max_subscriptions=MAX_STREAMS)
        self._subscribers: dict[Connection, Subscriber] = {}
        self._listening = 0

    @property
    def open(self) -> int:
        """How many clients are told of changes now."""
        return self._listening + len(self._subscribers)

    async def listen(
        self, ctx: Ctx, params: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """Serve one `subscriptions/listen` stream. An unknown URI is refused with -32602."""
        uris = params.notifications.resource_subscriptions or []
        for uri in uris:
            require_known(uri, ctx.protocol_version)
        self._listening += 1
        try:
            with self._watch(uris):
                return await self._streams(ctx, params)
        finally:
            self._listening -= 1

    async def subscribe(self, ctx: Ctx, params: SubscribeRequestParams) -> EmptyResult:
        """Serve `resources/subscribe`; again for the same URI changes nothing."""
        uri = str(params.uri)
        require_known(uri, ctx.protocol_version)
        subscriber = self._subscriber(ctx)
        if uri not in subscriber.uris:
            if len(subscriber.uris) >= MAX_URIS:
                says = f"That is more than {MAX_URIS} resources; unsubscribe from some first."
                raise MCPError(INVALID_PARAMS, says)
            stack = ExitStack()
            stack.enter_context(self._watch([uri]))
            subscriber.uris[uri] = stack
        return EmptyResult()

    async def unsubscribe(self, ctx: Ctx, params: UnsubscribeRequestParams) -> EmptyResult:
        """Serve `resources/unsubscribe`; of what was never subscribed too."""
        subscriber = self._subscribers.get(connection_of(ctx))
        stack = subscriber.uris.pop(str(params.uri), None) if subscriber else None
        if stack is not None:
            stack.close()
        return EmptyResult()

    def close(self) -> None:
        """End every `subscriptions/listen` stream with its result."""
        self._streams.close()

    def _watch(self, uris: Iterable[str]) -> AbstractContextManager[None]:
        return self._app.inbox.watch() if any(map(needs_inbox, uris)) else nullcontext()

    def _subscriber(self, ctx: Ctx) -> Subscriber:
        connection = connection_of(ctx)
        known = self._subscribers.get(connection)
        if known is not None:
            return known
        subscriber = Subscriber(ctx.session.send_resource_updated)
        self._subscribers[connection] = subscriber
        end = self._app.bus.subscribe(subscriber.changed)
        connection.exit_stack.callback(self._forget, connection, end)
        ctx.lifespan_context.start_soon(subscriber.deliver)
        return subscriber

    def _forget(self, connection: Connection, end: Callable[[], None]) -> None:
        end()
        self._subscribers.pop(connection).end()


def connection_of(ctx: Ctx) -> Connection:
    """Return the connection behind a request, which outlives it.

    SDK 2.3 builds a session anew for each request and has no public way to the connection; its
    `exit_stack` is where the SDK wants such clean-up. This is the only place that knows.
    """
    return ctx.session._connection


@asynccontextmanager
async def deliveries(_: Server[TaskGroup]) -> AsyncIterator[TaskGroup]:
    """Be the server's lifespan: the task group in which older connections are told of changes."""
    async with anyio.create_task_group() as tasks:
        yield tasks
        tasks.cancel_scope.cancel()
