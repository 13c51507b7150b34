"""Our server as others meet it: a child process behind each transport, and the sandbox's own word
on what arrived."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx2
from mcp import MCPDeprecationWarning
from mcp.client import Client
from mcp.client.session import MessageHandlerFnT
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp_types import ResourceUpdatedNotification

from tests.callers import TOKEN, transport_to
from xdm_mcp.clock import SystemClock
from xdm_mcp.sandbox.journal_file import FileJournal
from xdm_mcp.sandbox.serve import build_app

Transport = Literal["stdio", "http", "sse"]
Mode = Literal["auto", "legacy"]

TRANSPORTS: tuple[Transport, ...] = ("stdio", "http", "sse")
MODES: tuple[Mode, ...] = ("auto", "legacy")


MODERN = "2026-07-28"
"""The first revision on which a client listens on a stream."""


def environment(home: Path, **extra: str) -> dict[str, str]:
    """Return an environment in which nothing but `home` (and `extra`) is configured."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("XDM_")}
    return kept | {"XDM_HOME": str(home)} | extra


def run(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run one command of ours to its end."""
    return subprocess.run(
        [sys.executable, "-m", "xdm_mcp", *arguments],
        env=environment(home, **extra),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


@asynccontextmanager
async def connect(
    home: Path,
    transport: Transport,
    mode: Mode,
    *,
    hear: MessageHandlerFnT | None = None,
    **extra: str,
) -> AsyncIterator[Client]:
    """Start a server on `home` and yield a client that speaks to it over `transport`; `hear` gets
    what the server tells without being asked."""
    if transport == "stdio":
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "xdm_mcp"], env=environment(home, **extra)
        )
        async with Client(stdio_client(server), mode=mode, message_handler=hear) as client:
            yield client
        return
    async with (
        serve_http(home, **extra) as url,
        Client(transport_to(url, transport), mode=mode, message_handler=hear) as client,
    ):
        yield client


@asynccontextmanager
async def serve_http(home: Path, **extra: str) -> AsyncIterator[str]:
    """Serve both HTTP transports on a free loopback port, to whoever shows the tests' token; yield
    the address."""
    extra = {"XDM_HTTP__TOKEN": TOKEN} | extra
    command = [sys.executable, "-m", "xdm_mcp", "serve", "--transport", "http", "--sse"]
    async with await anyio.open_process(
        [*command, "--port", "0"], env=environment(home, **extra), stdin=subprocess.DEVNULL
    ) as server:
        assert server.stderr is not None
        said = ""
        with anyio.fail_after(30):
            while not (found := re.search(r"(http://[^/\s]+)/mcp", said)):
                said += (await server.stderr.receive()).decode()
        try:
            yield found.group(1)
        finally:
            server.terminate()
            with anyio.fail_after(10):
                await server.wait()


async def sandbox(home: Path, method: str, path: str, body: Any = None) -> Any:
    """Ask the controls of the pretend X that lives in `home`."""
    clock = SystemClock()
    app = build_app(FileJournal(home / "sandbox" / "world.jsonl", clock), clock)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        answer = await client.request(method, f"/_sandbox/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()


class Updates:
    """What a client hears of changed resources, on either wire."""

    def __init__(self) -> None:
        """Hear nothing yet."""
        self._heard: list[str] = []
        self._more = anyio.Event()
        self._older = False

    async def __call__(self, message: Any) -> None:
        """Note what an older client is told; a newer one hears it on its stream too."""
        if self._older and isinstance(message, ResourceUpdatedNotification):
            self._note(str(message.params.uri))

    async def next(self, seconds: float = 20) -> str:
        """Return the URI of the next update, waiting for it."""
        with anyio.fail_after(seconds):
            while not self._heard:
                self._more = anyio.Event()
                await self._more.wait()
        return self._heard.pop(0)

    @asynccontextmanager
    async def of(self, client: Client, *uris: str) -> AsyncIterator[None]:
        """Hear of these resources while entered; `client` was given this as `hear`."""
        if client.protocol_version < MODERN:
            self._older = True
            for uri in uris:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", MCPDeprecationWarning)
                    await client.subscribe_resource(uri)
            yield
            return
        async with (
            client.listen(resource_subscriptions=list(uris)) as updates,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self._listen, updates)
            yield
            tasks.cancel_scope.cancel()

    async def _listen(self, updates: Any) -> None:
        async for update in updates:
            self._note(update.uri)

    def _note(self, uri: str) -> None:
        self._heard.append(uri)
        self._more.set()
