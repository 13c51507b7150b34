"""The HTTP client on real sockets of this machine: what proves that nothing left, and what not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest
from anyio.abc import SocketStream
from pydantic import SecretStr

from tests.backends.wires import NOW
from xdm_mcp.backends.auth import Credential
from xdm_mcp.backends.http import NoAnswer, Unreadable, Wire
from xdm_mcp.clock import ManualClock

Talk = Callable[[SocketStream], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[int]:
    """Listen on a free port of the loopback and let `talk` play the server."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")

    async def serve(stream: SocketStream) -> None:
        async with stream:
            await talk(stream)

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield int(listener.extra(anyio.abc.SocketAttribute.local_port))  # noqa: S610 - no Django
        tasks.cancel_scope.cancel()


async def post(origin: str, seconds: float = 3.0) -> object:
    """Make one POST over real sockets; return the content of the answer."""
    wire = Wire(origin, None, ManualClock(NOW), deadline=timedelta(seconds=seconds))
    try:
        with anyio.fail_after(20):  # far beyond the deadline under test, on a busy machine too
            return (await wire.write("/2/x", content=b'{"text":"hello"}')).content
    finally:
        await wire.close()


async def test_an_answer_is_read() -> None:
    """A plain exchange works without a transport of the test's own."""

    async def talk(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(OK + b'Content-Length: 7\r\n\r\n{"a":1}')

    async with listening(talk) as port:
        assert await post(f"http://127.0.0.1:{port}") == {"a": 1}


async def test_nobody_listening_means_that_nothing_left() -> None:
    """A refused connection proves it."""
    async with listening(lambda stream: anyio.lowlevel.checkpoint()) as port:
        pass
    with pytest.raises(NoAnswer) as failed:
        await post(f"http://127.0.0.1:{port}")
    assert not failed.value.left


async def test_a_handshake_that_never_ends_means_that_nothing_left() -> None:
    """The deadline may pass before a byte of the request is written: that too is proof."""
    async with listening(lambda stream: anyio.sleep_forever()) as port:
        with pytest.raises(NoAnswer) as failed:
            await post(f"https://127.0.0.1:{port}", seconds=0.3)
    assert not failed.value.left


async def test_a_handshake_that_fails_means_that_nothing_left() -> None:
    """A server that speaks no TLS has seen nothing of the request."""
    async with listening(lambda stream: stream.send(b"hello\r\n")) as port:
        with pytest.raises(NoAnswer) as failed:
            await post(f"https://127.0.0.1:{port}")
    assert not failed.value.left


async def test_a_request_that_cannot_be_made_never_left() -> None:
    """Whatever fails before a connection begins to write has sent nothing."""
    odd = Credential(SecretStr("t\u00f6ken"))
    wire = Wire("http://127.0.0.1:9", odd, ManualClock(NOW))
    with pytest.raises(NoAnswer) as failed:
        await wire.write("/2/x", content=b"{}")
    assert not failed.value.left
    assert failed.value.__context__ is None


async def test_a_server_that_hangs_up_may_have_acted() -> None:
    """The request was written, the answer never came."""

    async def talk(stream: SocketStream) -> None:
        await stream.receive()

    async with listening(talk) as port:
        with pytest.raises(NoAnswer) as failed:
            await post(f"http://127.0.0.1:{port}")
    assert failed.value.left


async def test_a_server_that_stays_silent_may_have_acted() -> None:
    """At the deadline the call ends, and nothing is proven."""

    async def talk(stream: SocketStream) -> None:
        await stream.receive()
        await anyio.sleep_forever()

    async with listening(talk) as port:
        with pytest.raises(NoAnswer, match="in time") as failed:
            await post(f"http://127.0.0.1:{port}", seconds=1.5)
    assert failed.value.left


@pytest.mark.parametrize(
    "answer",
    [
        OK + b'Content-Length: 100\r\n\r\n{"a":',
        OK + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n',
        b"HTTP/1.1 200 OK\r\nContent-Len",
        b"what is this?\r\n\r\n",
        OK + b"X: " + b"a" * 200_000 + b"\r\n\r\n",
    ],
    ids=["cut short", "chunk missing", "half a header", "no HTTP", "huge header"],
)
async def test_half_an_answer_is_no_answer(answer: bytes) -> None:
    """An answer that ends early or is no HTTP leaves the write unproven."""

    async def talk(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(answer)

    async with listening(talk) as port:
        with pytest.raises(NoAnswer) as failed:
            await post(f"http://127.0.0.1:{port}")
    assert failed.value.left


async def test_ten_megabytes_are_not_swallowed() -> None:
    """The connection is dropped at the bound, whatever was promised."""

    async def talk(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(OK + b"Content-Length: 10485760\r\n\r\n")
        try:
            for _ in range(160):
                await stream.send(b" " * 65_536)
        except anyio.BrokenResourceError:
            return

    async with listening(talk) as port:
        assert await post(f"http://127.0.0.1:{port}") == Unreadable("too large")


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proxy variables do not lead a request astray."""

    async def talk(stream: SocketStream) -> None:
        await stream.receive()
        await stream.send(OK + b"Content-Length: 2\r\n\r\n{}")

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with listening(talk) as port:
        assert await post(f"http://127.0.0.1:{port}") == {}
