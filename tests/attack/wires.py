"""Our server on every transport in this process, over one app and a clock that tests move."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from typing import Any

import anyio
import uvicorn
from mcp.client import Client

from tests.callers import everybody, transport_to
from xdm_mcp.app import App
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.build import Parts, build_parts
from xdm_mcp.server.callers import ALONE
from xdm_mcp.server.http import web
from xdm_mcp.server.page.on_demand import OnDemand
from xdm_mcp.server.pipe import open_pipe

TRANSPORTS = ("stdio", "http", "sse")


@asynccontextmanager
async def served(app: App, transport: str, mode: str, **client: Any) -> AsyncIterator[Client]:
    """Serve `app` over `transport`, and its approval page beside it; yield a client that speaks to
    it in `mode`."""
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(anyio.create_task_group())
        stack.callback(tasks.cancel_scope.cancel)
        app.page_address = OnDemand(app, tasks).address
        if transport == "stdio":
            target: Any = await stack.enter_async_context(_piped(build_parts(app)))
        else:
            address = await stack.enter_async_context(_listening(app))
            target = transport_to(address, transport)
        yield await stack.enter_async_context(Client(target, mode=mode, **client))


@asynccontextmanager
async def _piped(parts: Parts) -> AsyncIterator[Any]:
    """Run the server behind two pipes, as on stdin and stdout; yield the client's transport."""
    from_client, to_server = os.pipe()
    from_server, to_client = os.pipe()
    ends = (from_client, to_server, from_server, to_client)
    try:
        async with anyio.create_task_group() as tasks:

            async def serve() -> None:
                async with open_pipe(from_client, to_client) as streams:
                    options = parts.server.create_initialization_options()
                    await parts.server.run(*streams, options)

            tasks.start_soon(serve)
            yield open_pipe(from_server, to_server)
            tasks.cancel_scope.cancel()
    finally:
        for end in ends:
            os.close(end)


@asynccontextmanager
async def _listening(app: App) -> AsyncIterator[str]:
    """Serve both HTTP transports on a free port of the loopback; yield the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listener.getsockname()[1]
        settings = HttpSettings.model_construct(**(HttpSettings().model_dump() | {"sse": True}))
        callers = everybody(app.settings, app.clock)
        served, tenants = web({ALONE: lambda: nullcontext(app)}, callers, settings, port)
        config = uvicorn.Config(served, log_config=None, ws="none", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        server.config.load()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            with anyio.fail_after(10):
                while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
                    await anyio.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
            await tenants.finish()
            server.should_exit = True
