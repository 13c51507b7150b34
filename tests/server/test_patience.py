"""Connections that never say what they want do not stay."""

from __future__ import annotations

from urllib.parse import urlsplit

import anyio
import pytest
from anyio.abc import SocketStream

from tests.callers import TOKEN
from tests.server.pretend import PretendApp
from tests.server.test_http import served, settings
from xdm_mcp.server import http

HEAD = b"GET /nothing HTTP/1.1\r\nhost: dm.example\r\nauthorization: Bearer " + TOKEN.encode()
REFUSED = b"POST /mcp HTTP/1.1\r\nhost: dm.example\r\ncontent-length: 9\r\n\r\n"


async def connected(address: str) -> SocketStream:
    """Return a bare connection to a served address."""
    return await anyio.connect_tcp("127.0.0.1", urlsplit(address).port or 0)


async def to_the_end(stream: SocketStream) -> bytes:
    """Return what comes until the other side closes, which it does soon."""
    with anyio.fail_after(5):
        return b"".join([part async for part in stream])


@pytest.mark.parametrize(
    "said",
    [b"", b"GET /mcp HTTP/1.1\r\nhost:", HEAD + b"\r\n\r\nGET /mcp", REFUSED + b"{"],
    ids=["nothing", "half a head", "half a head after a request", "a body after its refusal"],
)
async def test_a_connection_on_which_no_request_begins_is_closed(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it said before, and though it shows no token."""
    monkeypatch.setattr(http, "IDLE_SECONDS", 1)
    app = PretendApp(settings(allowed_hosts=("dm.example",)))
    async with served(app) as address, await connected(address) as stream:
        for byte in said:
            await stream.send(bytes([byte]))
        await to_the_end(stream)


async def test_a_request_of_two_lengths_is_the_last_on_its_connection() -> None:
    """What a proxy and we could cut differently is refused, and nothing behind it is read."""
    app = PretendApp(settings(allowed_hosts=("dm.example",)))
    both = HEAD.replace(b"GET /nothing", b"POST /mcp") + b"\r\ncontent-type: application/json\r\n"
    both += b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
    async with served(app) as address, await connected(address) as stream:
        await stream.send(both + HEAD + b"\r\n\r\n")
        answers = await to_the_end(stream)
    assert answers.startswith(b"HTTP/1.1 400")
    assert answers.count(b"HTTP/1.1") == 1
