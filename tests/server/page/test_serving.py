"""Where the page is served, and how its owner finds it."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import anyio
import anyio.abc
import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from tests.children import connect, environment, run, serve_http
from tests.rigs import rig
from xdm_mcp.clock import SystemClock
from xdm_mcp.errors import ConfigError
from xdm_mcp.sections import ApprovalsSettings, HttpSettings
from xdm_mcp.server.page import room, serving
from xdm_mcp.server.page.beside import page_beside
from xdm_mcp.server.page.on_demand import OnDemand, offer_page
from xdm_mcp.server.page.places import Place, announced, running
from xdm_mcp.server.page.pointing import waiting, with_page
from xdm_mcp.server.page.room import ROOT
from xdm_mcp.server.page.serving import listen, serve_page
from xdm_mcp.server.page.tickets import mint


async def rest(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand for what else a server serves."""
    raise AssertionError("nobody calls this")


SEND = {"text": "It leaves today.", "to": "iris_sandbox"}


async def test_it_listens_on_both_addresses_of_this_machine(tmp_path: Path) -> None:
    """Whatever `localhost` means to a browser, it is our page."""
    async with rig(tmp_path) as program, anyio.create_task_group() as tasks:
        place = await tasks.start(serve_page, program.app, 0)
        port = place.address.removesuffix(ROOT).rpartition(":")[2]
        async with httpx2.AsyncClient(trust_env=False) as client:
            for host in ("127.0.0.1", "[::1]", "localhost"):
                answer = await client.get(f"http://{host}:{port}{ROOT}")
                assert answer.status_code == 401
                assert "This page is locked" in answer.text
        tasks.cancel_scope.cancel()
    assert running(tmp_path) == []


def test_answers_leave_at_once() -> None:
    """What the listeners accept waits for no acknowledgement between two parts of an answer."""
    for listener in listen(0):
        with listener:
            assert listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("half", "asked"),
    [(b"", 0), (b"GET /approvals HTTP/1.1\r\n", 0), (b"GET /approvals HTTP/1.1\r\n", 1)],
)
async def test_who_sends_no_request_is_sent_away(
    half: bytes, asked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is silent, or stops in a head, ends; an answered request before it gains
    no time."""
    monkeypatch.setattr(serving, "IDLE_SECONDS", 0.1)
    async with rig(tmp_path) as program, anyio.create_task_group() as tasks:
        place = await tasks.start(serve_page, program.app, 0)
        host = place.address.removesuffix(ROOT).removeprefix("http://")
        with anyio.fail_after(8):
            async with await anyio.connect_tcp("127.0.0.1", int(host.partition(":")[2])) as caller:
                for _ in range(asked):
                    await caller.send(f"GET {ROOT} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                    assert (await caller.receive()).startswith(b"HTTP/1.1 401")
                await caller.send(half)
                await to_the_end(caller)
        tasks.cancel_scope.cancel()


async def to_the_end(caller: anyio.abc.ByteReceiveStream) -> None:
    """Receive until the other side closes."""
    with contextlib.suppress(anyio.EndOfStream):
        while True:
            await caller.receive()


async def test_a_form_that_does_not_arrive_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A head that promises a form, and none: an answer comes all the same."""
    monkeypatch.setattr(room, "FORM_SECONDS", 0.1)
    async with rig(tmp_path) as program, anyio.create_task_group() as tasks:
        place = await tasks.start(serve_page, program.app, 0)
        host = place.address.removesuffix(ROOT).removeprefix("http://")
        head = (
            f"POST {ROOT}/unlock HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n\r\n"
        )
        with anyio.fail_after(4):
            async with await anyio.connect_tcp("127.0.0.1", int(host.partition(":")[2])) as caller:
                await caller.send(head.encode())
                assert (await caller.receive()).startswith(b"HTTP/1.1 401")
        tasks.cancel_scope.cancel()


@pytest.fixture(params=[("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)])
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port that somebody else has on one of the two addresses."""
    host, family = request.param
    with socket.create_server((host, 0), family=family) as listener:
        yield listener.getsockname()[1]


def test_a_port_that_somebody_has_on_either_address_is_refused(taken: int) -> None:
    """Half of `localhost` is not enough: the other half would be somebody else's page."""
    with pytest.raises(ConfigError, match=f"port {taken} is in use"):
        listen(taken)


async def test_it_opens_once_when_it_is_first_asked_for(tmp_path: Path) -> None:
    """Nothing listens before; then every asker gets the same page."""
    async with rig(tmp_path) as program, anyio.create_task_group() as tasks:
        page = OnDemand(program.app, tasks)
        assert running(tmp_path) == []
        first = await page.address()
        assert first is not None
        assert first.startswith("http://localhost:")
        assert await page.address() == first
        assert [place.address for place in running(tmp_path)] == [first]
        tasks.cancel_scope.cancel()


async def test_a_page_that_runs_already_is_used(tmp_path: Path) -> None:
    """A second server of the same ledger names the first one's page; of another ledger it opens
    its own."""
    async with rig(tmp_path) as one, rig(tmp_path) as two, anyio.create_task_group() as tasks:
        first = await OnDemand(one.app, tasks).address()
        assert await OnDemand(two.app, tasks).address() == first
        elsewhere = two.app.settings.model_copy(update={"ledger_url": f"sqlite:///{tmp_path}/o.db"})
        two.app.settings = elsewhere
        assert await OnDemand(two.app, tasks).address() != first
        tasks.cancel_scope.cancel()


async def test_without_a_port_there_is_the_terminal(
    tmp_path: Path, taken: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Where the page cannot be opened the log says so once, and results name the command alone."""
    async with rig(tmp_path) as program, anyio.create_task_group() as tasks:
        approvals = program.app.settings.approvals.model_copy(update={"port": taken})
        program.app.settings = program.app.settings.model_copy(update={"approvals": approvals})
        program.app.page_address = OnDemand(program.app, tasks).address
        with caplog.at_level(logging.WARNING):
            for _ in range(2):
                held = await with_page(program.app, await program.send())
        assert held.how_to_approve is not None
        assert "http" not in held.how_to_approve
        assert caplog.text.count("could not be opened") == 1
        tasks.cancel_scope.cancel()


async def test_held_sends_name_the_page_and_nothing_that_opens_it(tmp_path: Path) -> None:
    """The result and the resource carry the address; it holds no ticket, id or name."""

    async def address() -> str | None:
        return "http://localhost:1/approvals"

    async with rig(tmp_path) as program:
        program.app.page_address = address
        held = await with_page(program.app, await program.send())
        (row,) = await waiting(program.app, await program.app.standing.approvals())
        assert held.how_to_approve == row.how_to_approve
        assert "decides at http://localhost:1/approvals, or runs" in row.how_to_approve
        refused = await with_page(program.app, await program.send("\u202e"))
        assert refused.how_to_approve is None


def test_only_the_owner_reads_where_a_page_is(tmp_path: Path) -> None:
    """The file with the secret is the owner's alone, and goes when the page ends."""
    place = Place("http://localhost:1/approvals", "l", b"s" * 32)
    with announced(tmp_path, "1", place):
        folder = tmp_path / "pages"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
        assert running(tmp_path) == [place]
        assert b"s" * 32 not in repr(place).encode()
    assert list(folder.iterdir()) == []


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    """The owner learns what to do."""
    (tmp_path / "pages").write_text("in the way")
    place = Place("http://localhost:1/approvals", "l", b"s")
    with pytest.raises(ConfigError, match="make it writable"), announced(tmp_path, "1", place):
        pass


def test_what_a_crash_left_is_no_page(tmp_path: Path) -> None:
    """A file whose process is gone, or that is none of ours, leads nobody anywhere."""
    folder = tmp_path / "pages"
    folder.mkdir(mode=0o700)
    said = {"address": "http://localhost:1/approvals", "ledger": "l", "secret": "00"}
    (folder / "1.json").write_text(json.dumps(said))
    (folder / "2.json").write_text("[]")
    assert running(tmp_path) == []
    assert not (folder / "1.json").exists()
    with announced(tmp_path, "1", Place("http://localhost:1/approvals", "l", b"s")):
        (folder / "1.json").write_text("half of")
        assert running(tmp_path) == []


async def test_a_stdio_server_opens_it_when_something_is_held(tmp_path: Path) -> None:
    """The agent is told the address, which gives it nothing; the owner's command lets a browser
    in."""
    async with connect(tmp_path, "stdio", "auto") as client:
        assert running(tmp_path) == []
        held = (await client.call_tool("send_dm", SEND)).structured_content
        assert held is not None
        (place,) = running(tmp_path)
        assert f"decides at {place.address}, or" in held["how_to_approve"]
        opened = await anyio.to_thread.run_sync(run, tmp_path, "approvals", "open")
        link = opened.stdout.splitlines()[-1]
        assert link.startswith(f"{place.address}/enter/")
        async with httpx2.AsyncClient(trust_env=False) as browser:
            assert "leaves today" not in (await browser.get(place.address)).text
            base = place.address.removesuffix(ROOT)
            entered = await browser.post(
                f"{place.address}/enter",
                data={"ticket": link.rpartition("/")[2]},
                headers={"origin": base},
            )
            assert entered.status_code == 303
            assert "It leaves today." in (await browser.get(place.address)).text
    assert running(tmp_path) == []


async def test_over_http_it_stands_beside_mcp(tmp_path: Path) -> None:
    """The agent's bearer token opens MCP and not the page; a ticket opens the page and not MCP."""
    async with serve_http(tmp_path, XDM_HTTP__TOKEN="agent") as base:
        bearer = {"authorization": "Bearer agent"}
        (place,) = running(tmp_path)
        here = f"{base.replace('127.0.0.1', 'localhost')}{ROOT}"
        assert place.address == here
        async with httpx2.AsyncClient(trust_env=False) as client:
            assert (await client.get(here, headers=bearer)).status_code == 401
            form = {"ticket": mint(place.secret, SystemClock().now())}
            origin = here.removesuffix(ROOT)
            await client.post(f"{here}/enter", data=form, headers={"origin": origin})
            assert (await client.get(here)).status_code == 200
            mcp = await client.post(f"{base}/mcp", json={}, headers={"host": origin[7:]})
            assert mcp.status_code == 401
            near = await client.get(f"{base}/approvalsx", headers=bearer)
            assert near.status_code == 404


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_the_owner_can_switch_it_off(transport: str, tmp_path: Path) -> None:
    """Then there is no page on any transport, and results name the command alone."""
    async with rig(tmp_path) as program, anyio.create_task_group() as tasks:
        approvals = ApprovalsSettings(page="off")
        program.app.settings = program.app.settings.model_copy(update={"approvals": approvals})
        with socket.create_server(("127.0.0.1", 0)) as listener:
            if transport == "stdio":
                offer_page(program.app, tasks)
            else:
                with page_beside(program.app, listener, rest) as (whole, sockets):
                    assert (whole, sockets) == (rest, [listener])
        assert await program.app.page_address() is None
        assert running(tmp_path) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])  # noqa: S104 - all four
async def test_beside_mcp_too_nobody_else_can_take_the_other_localhost(
    host: str, tmp_path: Path
) -> None:
    """Whichever family MCP listens on, the page has both, and where it cannot it is not served."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    near, other = ("::1", "127.0.0.1") if ":" in host else ("127.0.0.1", "::1")
    async with rig(tmp_path) as program:
        http = {"http": HttpSettings(host=host)}
        program.app.settings = program.app.settings.model_copy(update=http)
        with socket.create_server((host, 0), family=family) as listener:
            port = listener.getsockname()[1]
            with page_beside(program.app, listener, rest) as (_, sockets):
                assert len(sockets) == 2
                for address in (near, other):
                    socket.create_connection((address, port), 5).close()
            six = socket.AF_INET6 if ":" in other else socket.AF_INET
            with (
                socket.create_server((other, port), family=six),
                pytest.raises(ConfigError, match=f"port {port} is in use"),
                page_beside(program.app, listener, rest),
            ):
                pass


async def test_where_localhost_does_not_lead_there_is_no_page(tmp_path: Path) -> None:
    """On an address of the network alone there is one only where the owner said how it is
    called."""
    async with rig(tmp_path) as program:
        settings = program.app.settings
        far = {"http": HttpSettings(host="192.0.2.1")}
        called = {"approvals": ApprovalsSettings(address="https://dm.example")}
        with socket.create_server(("127.0.0.1", 0)) as listener:
            program.app.settings = settings.model_copy(update=far)
            with page_beside(program.app, listener, rest) as (whole, _):
                assert whole is rest
            program.app.settings = settings.model_copy(update=far | called)
            with page_beside(program.app, listener, rest) as (whole, _):
                assert whole is not rest
                assert await program.app.page_address() == f"https://dm.example{ROOT}"


def test_a_server_that_holds_nothing_pays_nothing(tmp_path: Path) -> None:
    """What the page needs is not loaded at the start of a stdio server."""
    asks = "import xdm_mcp.server.stdio, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", asks], env=environment(tmp_path), capture_output=True, check=True
    ).stdout.split()
    assert not {b"jinja2", b"filelock", b"webauthn", b"argon2"} & set(loaded)


def test_a_ticket_is_made_for_one_page(tmp_path: Path) -> None:
    """The secret of another page opens nothing."""
    from xdm_mcp.server.page.tickets import VALID, Tickets

    now = SystemClock().now()
    assert not Tickets(b"one").redeem(mint(b"other", now), now)
    assert Tickets(b"one").redeem(mint(b"one", now), now + VALID - timedelta(seconds=1))
