"""The sandbox over HTTP, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest

from tests.sandbox.conftest import IRIS, deliveries, sent, to
from xdm_mcp.clock import Clock, SystemClock
from xdm_mcp.sandbox import SANDBOX_TOKEN
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import NotLoopback, PortTaken, bind, serve

TEXT = {"text": "Hello."}

CHILD = """
import asyncio
from xdm_mcp.clock import SystemClock
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import serve

async def main():
    clock = SystemClock()
    def bound(host, port):
        print(host, port, flush=True)
    try:
        await serve("127.0.0.1", 0, MemoryJournal(clock), clock, on_bound=bound)
    finally:
        print("cleaned up", flush=True)

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def served(clock: Clock) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve a new world on a free port of loopback and return the owner's client."""
    bound: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()

    def told(host: str, port: int) -> None:
        bound.set_result((host, port))

    async with anyio.create_task_group() as tasks:
        with anyio.fail_after(20):
            journal = MemoryJournal(clock)

            async def work() -> None:
                await serve("localhost", 0, journal, clock, on_bound=told)

            tasks.start_soon(work)
            host, port = await bound
            headers = {"Authorization": f"Bearer {SANDBOX_TOKEN}"}
            async with httpx2.AsyncClient(
                base_url=f"http://{host}:{port}", headers=headers, trust_env=False
            ) as client:
                yield client
        tasks.cancel_scope.cancel()


async def test_messages_and_controls_work_over_http() -> None:
    """As in process, with the world's date and nothing of the server's own."""
    async with served(SystemClock()) as x:
        await sent(x, IRIS, "Über alles 🚲 \u202e")
        await x.post("/_sandbox/clock", json={"set": "2027-01-01T00:00:00Z"})

        answer = await x.get("/2/users/me")

        assert [told["text"] for told in await deliveries(x)] == ["Über alles 🚲 \u202e"]
        assert answer.headers.get_list("date") == ["Fri, 01 Jan 2027 00:00:00 GMT"]
        assert "server" not in answer.headers


async def test_a_form_works_over_http() -> None:
    """A file in a multipart body arrives whole."""
    async with served(SystemClock()) as x:
        answer = await x.post(
            "/2/media/upload",
            files={"media": ("lamp.png", b"\x89PNG" + bytes(2_000_000), "image/png")},
            data={"media_category": "dm_image"},
        )

        assert answer.json()["data"]["size"] == 2_000_004


async def test_a_dropped_connection_closes_the_socket_without_an_answer() -> None:
    """After acting or before; the next request on a new connection works."""
    async with served(SystemClock()) as x:
        for kind in ("drop_after", "drop_before"):
            await x.post("/_sandbox/faults", json={"kind": kind, "method": "POST"})
            with pytest.raises(httpx2.RemoteProtocolError, match="without sending a response"):
                await x.post(to(IRIS), json=TEXT)

        assert len(await deliveries(x)) == 1


async def test_not_a_byte_comes_back_on_a_dropped_connection() -> None:
    """Seen from the socket itself."""
    async with served(SystemClock()) as x:
        await x.post("/_sandbox/faults", json={"kind": "drop_after"})
        stream = await anyio.connect_tcp("127.0.0.1", x.base_url.port or 0)
        async with stream:
            head = f"GET /2/users/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SANDBOX_TOKEN}"
            await stream.send(f"{head}\r\n\r\n".encode())

            with pytest.raises(anyio.EndOfStream):
                await stream.receive()


async def test_a_malformed_answer_and_a_late_one_work_over_http() -> None:
    """The delay is real there, so it is a short one."""
    async with served(SystemClock()) as x:
        await x.post("/_sandbox/faults", json={"kind": "malformed"})
        await x.post("/_sandbox/faults", json={"kind": "delay", "seconds": 0.3, "when": "after"})

        assert (await x.post(to(IRIS), json=TEXT)).text == '{"data":{"dm_event_'
        with pytest.raises(httpx2.ReadTimeout):
            await x.post(to(IRIS), json=TEXT, timeout=0.1)

        assert len(await deliveries(x)) == 2


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com", "::", ""])  # noqa: S104
def test_other_machines_are_not_served(host: str) -> None:
    """The sentence names the address to use."""
    with pytest.raises(NotLoopback, match=r"use 127\.0\.0\.1"):
        bind(host, 0)


def test_a_port_in_use_is_refused_with_a_sentence() -> None:
    """And an OSError all the same."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(PortTaken, match=f"Port {port} on 127.0.0.1 is in use"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_cleanly(number: signal.Signals) -> None:
    """What comes after `serve` still runs, and the exit code is 0."""
    command = [sys.executable, "-c", CHILD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        host, port = child.stdout.readline().split()
        with socket.create_connection((host, int(port))):
            child.send_signal(number)
            try:
                rest, _ = child.communicate(timeout=20)
            finally:
                child.kill()

        assert (child.returncode, rest) == (0, "cleaned up\n")
