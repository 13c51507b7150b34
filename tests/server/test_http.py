"""The server over HTTP: both transports, both revisions, one app behind them."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp.client import Client
from mcp_types import ResourceUpdatedNotification
from pydantic import SecretStr

from tests.callers import TOKEN, shown, transport_to
from tests.server.asking import MODES
from tests.server.pretend import PretendApp
from tests.server.raw import ROOT
from xdm_mcp.bus import Changed
from xdm_mcp.errors import ConfigError
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.gate import LARGEST_BODY
from xdm_mcp.server.http import serve_http
from xdm_mcp.server.listening import require_safe

pytestmark = pytest.mark.filterwarnings(
    "ignore:resources/(un)?subscribe is removed:mcp.MCPDeprecationWarning"
)

QUOTA = "xdm://quota"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - an address that must be refused
TRANSPORTS = ("http", "sse")


def settings(**given: Any) -> HttpSettings:
    """Return settings that take a free port of the loopback, serve both transports and know the
    tests' token."""
    known = {"port": 0, "sse": True, "token": SecretStr(TOKEN)}
    return HttpSettings.model_construct(**(HttpSettings().model_dump() | known | given))


class Told:
    """A way to tell the server in this process to stop, once: a second signal would end us."""

    def __init__(self) -> None:
        """Tell nothing yet."""
        self._told = False

    def __call__(self) -> None:
        """Send SIGTERM to this process, the first time."""
        if not self._told:
            self._told = True
            os.kill(os.getpid(), signal.SIGTERM)


@asynccontextmanager
async def served(app: PretendApp, stop: Callable[[], None] | None = None) -> AsyncIterator[str]:
    """Serve an app in this process until it is told to stop; yield the address without a path."""
    ready = anyio.Event()
    address = ""

    def note(said: str) -> None:
        nonlocal address
        address = said.removesuffix("/mcp")
        ready.set()

    async def serve() -> None:
        await serve_http(app.real, ready=note)

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve)
            await ready.wait()
            yield address
            (stop or Told())()


def connect(address: str, transport: str, mode: str, **given: Any) -> Client:
    """Connect to a served app over one of its transports."""
    return Client(transport_to(address, transport), mode=mode, **given)


def browser() -> httpx2.AsyncClient:
    """Return a plain client that shows the tests' token."""
    return httpx2.AsyncClient(headers=shown(), trust_env=False)


async def test_every_transport_and_revision_reaches_the_same_app() -> None:
    """Four ways in, one outbox behind them."""
    app = PretendApp(settings())
    async with served(app) as address:
        for transport in TRANSPORTS:
            for mode in MODES:
                async with connect(address, transport, mode) as client:
                    assert len((await client.list_tools()).tools) == 4
                    sent = await client.call_tool("send_dm", {"text": transport, "to": mode})
                    assert sent.structured_content is not None
                    assert sent.structured_content["status"] == "held"
    asked = [(one["text"], one["to"]) for one in app.outbox.asked]
    assert asked == [(transport, mode) for transport in TRANSPORTS for mode in MODES]


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_updates_reach_clients_of_both_revisions(transport: str) -> None:
    """One change of the app is heard by an older and a newer client alike."""
    app = PretendApp(settings())
    heard = anyio.Event()

    async def hear(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification) and str(message.params.uri) == QUOTA:
            heard.set()

    async def keep_changing() -> None:
        while True:  # an older client hears only once its own stream is open, which we cannot see
            app.bus.publish(Changed("quota"))
            await anyio.sleep(0.01)

    async with served(app) as address:
        async with connect(address, transport, "legacy", message_handler=hear) as older:
            await older.subscribe_resource(QUOTA)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(keep_changing)
                await heard.wait()
                tasks.cancel_scope.cancel()
        newer = connect(address, transport, "auto")
        async with newer, newer.listen(resource_subscriptions=[QUOTA]) as updates:
            app.bus.publish(Changed("quota"))
            assert (await anext(aiter(updates))).uri == QUOTA


async def test_a_signal_ends_open_streams_and_lets_a_send_finish() -> None:
    """A client that listens does not keep the server up; a send in flight does, until answered."""
    app, stop = PretendApp(settings()), Told()
    begun, let_go, listening = anyio.Event(), anyio.Event(), anyio.Event()
    answers: dict[str, Any] = {}

    async def before() -> None:
        begun.set()
        await let_go.wait()

    app.outbox.before = before

    async def listen(client: Client) -> None:
        async with client, client.listen(resource_subscriptions=[QUOTA]) as updates:
            listening.set()
            answers["heard"] = [update async for update in updates]

    async def send(client: Client) -> None:
        async with client:
            await client.list_tools()  # else the client asks for the schema after the answer
            answers["sent"] = await client.call_tool("send_dm", {"text": "hi", "to": "ada"})

    async with anyio.create_task_group() as tasks, served(app, stop) as address:
        tasks.start_soon(listen, connect(address, "http", "auto"))
        older = transport_to(address, "http", terminate_on_close=False)
        tasks.start_soon(send, Client(older, mode="legacy"))
        await listening.wait()
        await begun.wait()
        stop()
        async with connect(address, "http", "auto") as client:
            refused = await client.call_tool("send_dm", {"text": "hi", "to": "bob"})
        let_go.set()
    assert answers["sent"].structured_content["status"] == "held"
    assert answers["heard"] == []
    assert refused.content[0].text.startswith("NOT SENT by this call. The server is stopping")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_the_process_with_code_0(number: int) -> None:
    """Ctrl-C and a supervisor's SIGTERM are ways to end well."""
    command = [sys.executable, "-m", "tests.server.child", "http", '{"host":"127.0.0.1","port":0}']
    with anyio.fail_after(30):
        async with await anyio.open_process(command, cwd=ROOT) as process:
            assert process.stderr is not None
            said = ""
            while "/mcp" not in said:
                said += (await process.stderr.receive()).decode()
            process.send_signal(number)
            assert await process.wait() == 0


async def test_what_is_too_large_is_not_read() -> None:
    """A body over the limit is refused on every route that takes one."""
    app = PretendApp(settings())
    async with served(app) as address, browser() as client:
        for path in ("/mcp", "/messages/?session_id=00000000000000000000000000000000"):
            answer = await client.post(
                f"{address}{path}",
                content=b"x" * (LARGEST_BODY + 1),
                headers={"content-type": "application/json"},
            )
            assert answer.status_code == 413


async def test_a_token_is_asked_for_on_every_route_of_the_loopback_too(tmp_path: Path) -> None:
    """Also where there is nothing; with it, a client is served as usual."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    app = PretendApp(settings(token=None, token_file=file))
    async with served(app) as address:
        async with httpx2.AsyncClient(trust_env=False) as client:
            for path in ("/mcp", "/sse", "/messages/", "/nothing"):
                assert (await client.get(f"{address}{path}")).status_code == 401
        async with connect(address, "http", "auto") as known:
            assert len((await known.list_tools()).tools) == 4


async def test_a_name_of_somebody_else_is_not_served() -> None:
    """The gate stands before every route, and the owner's own names pass it."""
    app = PretendApp(settings(allowed_hosts=("dm.example",)))
    async with served(app) as address, browser() as client:
        for path in ("/mcp", "/sse", "/nothing"):
            other = await client.get(f"{address}{path}", headers={"host": "evil.example"})
            assert other.status_code == 421
        own = await client.get(f"{address}/nothing", headers={"host": "DM.example"})
        assert own.status_code == 404


async def test_sse_is_served_only_if_asked_for() -> None:
    """The older transport is off by default."""
    app = PretendApp(settings(sse=False))
    async with served(app) as address, browser() as client:
        assert (await client.get(f"{address}/sse")).status_code == 404


async def test_pages_of_an_allowed_origin_may_call() -> None:
    """A browser's preflight is answered for the origins that the owner named, and no others."""
    page = "https://agents.example"
    app = PretendApp(settings(allowed_origins=(page,)))
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "mcp-method"}
    async with served(app) as address, browser() as client:
        allowed = await client.options(f"{address}/mcp", headers=asks | {"origin": page})
        other = await client.options(
            f"{address}/mcp", headers=asks | {"origin": "https://x.example"}
        )
    assert allowed.headers["access-control-allow-origin"] == page
    assert other.status_code == 403


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of the loopback that somebody else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


async def test_a_port_in_use_is_one_sentence(taken: int) -> None:
    """Nothing is served, and the owner learns what to do."""
    with pytest.raises(ConfigError, match=rf"^127\.0\.0\.1 port {taken} is in use; stop"):
        await serve_http(PretendApp(settings(port=taken)).real)


NO_TLS = "tokens would travel in the clear: set http.tls_cert"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"token": None}, "^Nobody could call: make a token with `xdm-mcp tokens add"),
        ({"host": EVERYWHERE}, NO_TLS),
        ({"host": "192.0.2.1"}, NO_TLS),
        ({"host": "::"}, NO_TLS),
        ({"host": EVERYWHERE, "allowed_hosts": ("dm.example",)}, NO_TLS),
        ({"host": EVERYWHERE, "behind_tls_proxy": True}, "name the Host headers that they use"),
        ({"tls_cert": Path("/no"), "tls_key": Path("/no")}, "name readable PEM files"),
    ],
)
async def test_it_does_not_start_where_strangers_could_call_or_listen(
    given: dict[str, Any], says: str
) -> None:
    """A token everywhere; TLS, or a proxy that does it, and names where others can reach us."""
    with pytest.raises(ConfigError, match=says):
        await serve_http(PretendApp(settings(**given)).real)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_the_loopback_needs_neither_tls_nor_names(host: str) -> None:
    """Only this machine can reach it."""
    require_safe(settings(host=host))


@pytest.mark.parametrize("how", [{"behind_tls_proxy": True}, {"tls_cert": "c", "tls_key": "k"}])
def test_with_tls_and_names_any_address_is_served(how: dict[str, Any]) -> None:
    """What the owner set up on purpose is allowed."""
    require_safe(settings(host=EVERYWHERE, allowed_hosts=("dm.example",), **how))
