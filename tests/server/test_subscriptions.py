"""Being told of changes: on both wires, only of what was asked, and watched only while asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, ResourceUpdatedNotification

from tests.server.pretend import TALK, PretendApp
from xdm_mcp.bus import Changed
from xdm_mcp.server.build import build_server
from xdm_mcp.server.subscriptions import Subscriber, uris_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:resources/(un)?subscribe is removed:mcp.MCPDeprecationWarning"
)

INBOX, QUOTA, CONVERSATION = "xdm://inbox", "xdm://quota", f"xdm://conversations/{TALK}"


class Heard:
    """The URIs of updates that an older client was told of."""

    def __init__(self) -> None:
        """Hear nothing yet."""
        self.uris: list[str] = []
        self._more = anyio.Event()

    async def __call__(self, message: Any) -> None:
        """Note an update."""
        if isinstance(message, ResourceUpdatedNotification):
            self.uris.append(str(message.params.uri))
            self._more.set()

    async def next(self) -> str:
        """Return the next update, waiting for it."""
        with anyio.fail_after(5):
            while not self.uris:
                self._more = anyio.Event()
                await self._more.wait()
        return self.uris.pop(0)


@asynccontextmanager
async def older(app: PretendApp) -> AsyncIterator[tuple[Client, Heard]]:
    """Connect as a client of 2025-11-25."""
    heard = Heard()
    server = build_server(app.real)
    async with Client(server, mode="legacy", message_handler=heard) as client:
        yield client, heard


async def settled(app: PretendApp, watchers: int) -> None:
    """Wait until so many watch the inbox."""
    with anyio.fail_after(5):
        while app.inbox.watchers != watchers:
            await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    ("change", "uris"),
    [
        (Changed("inbox"), (INBOX,)),
        (Changed("inbox", TALK), (INBOX, CONVERSATION)),
        (Changed("conversation", TALK), (CONVERSATION,)),
        (Changed("message", "5"), ("xdm://messages/5",)),
        (Changed("approvals", "ab12"), ("xdm://approvals",)),
        (Changed("quota"), (QUOTA,)),
        (Changed("policy"), ("xdm://policy",)),
        (Changed("conversation"), ()),
    ],
)
def test_a_change_concerns_the_resources_that_show_it(
    change: Changed, uris: tuple[str, ...]
) -> None:
    """One map from the bus to URIs."""
    assert uris_of(change) == uris


async def test_a_listening_client_hears_of_what_it_asked_for_and_no_more() -> None:
    """2026-07-28: one stream, filtered by URI."""
    app = PretendApp()
    async with Client(build_server(app.real)) as client:
        async with client.listen(resource_subscriptions=[QUOTA, CONVERSATION]) as updates:
            await settled(app, 1)
            app.bus.publish(Changed("approvals"), Changed("inbox", TALK), Changed("quota"))
            with anyio.fail_after(5):
                heard = [(await anext(aiter(updates))).uri for _ in range(2)]
        assert heard == [CONVERSATION, QUOTA]
        await settled(app, 0)


async def test_an_older_client_hears_of_what_it_subscribed_to_until_it_unsubscribes() -> None:
    """2025-11-25: URI by URI, each change once."""
    app = PretendApp()
    with anyio.fail_after(5):
        async with older(app) as (client, heard):
            for uri in (INBOX, INBOX, QUOTA):
                await client.subscribe_resource(uri)
            assert app.inbox.watchers == 1
            app.bus.publish(Changed("approvals"), Changed("inbox"))
            assert await heard.next() == INBOX
            await client.unsubscribe_resource(INBOX)
            await client.unsubscribe_resource("xdm://policy")
            assert app.inbox.watchers == 0
            app.bus.publish(Changed("inbox"), Changed("quota"))
            assert await heard.next() == QUOTA
            assert heard.uris == []


async def test_a_client_that_leaves_is_forgotten() -> None:
    """Nobody is watched for, and nothing listens on the bus, when the connection is gone."""
    app = PretendApp()
    async with older(app) as (client, _):
        await client.subscribe_resource(INBOX)
        assert app.inbox.watchers == 1
    assert app.inbox.watchers == 0
    app.bus.publish(Changed("inbox"))


async def test_the_quota_alone_needs_no_watching() -> None:
    """Only somebody who waits for messages makes us look for them."""
    app = PretendApp()
    async with older(app) as (client, _):
        await client.subscribe_resource(QUOTA)
        assert app.inbox.watchers == 0


async def test_an_unknown_uri_cannot_be_subscribed_to() -> None:
    """Both wires refuse it, each with its code."""
    app = PretendApp()
    async with older(app) as (client, _):
        with pytest.raises(MCPError, match="There is no such resource") as refusal:
            await client.subscribe_resource("xdm://everything")
    assert refusal.value.code == -32002
    async with Client(build_server(app.real)) as client:
        with pytest.raises(MCPError, match="There is no such resource") as refusal:
            async with client.listen(resource_subscriptions=["xdm://everything"]):
                pytest.fail("the stream was opened")
    assert refusal.value.code == INVALID_PARAMS


async def test_a_client_cannot_subscribe_without_end() -> None:
    """At a hundred URIs an older connection is told to let some go."""
    app = PretendApp()
    async with older(app) as (client, _):
        for n in range(100):
            await client.subscribe_resource(f"xdm://messages/{n}")
        with pytest.raises(MCPError, match="unsubscribe from some first"):
            await client.subscribe_resource(INBOX)
    assert app.inbox.watchers == 0


async def test_a_burst_of_changes_is_told_once() -> None:
    """A client that has not been told yet need not be told twice."""
    told: list[str] = []

    async def tell(uri: str) -> None:
        told.append(uri)
        subscriber.end()

    subscriber = Subscriber(tell)
    subscriber.uris[QUOTA] = subscriber.uris[INBOX] = ExitStack()
    for _ in range(1_000):
        subscriber.changed(Changed("quota"))
    with anyio.fail_after(5):
        await subscriber.deliver()
    assert told == [QUOTA]


async def test_a_connection_that_fails_is_dropped() -> None:
    """A client that cannot be told any more ends its own subscription, and no other."""

    async def tell(_: str) -> None:
        raise anyio.BrokenResourceError

    subscriber = Subscriber(tell)
    subscriber.uris[QUOTA] = ExitStack()
    subscriber.changed(Changed("quota"))
    with anyio.fail_after(5):
        await subscriber.deliver()
    assert subscriber.uris == {}
