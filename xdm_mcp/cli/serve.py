"""`xdm-mcp serve`: the server itself, on stdio or over HTTP."""

from __future__ import annotations

import gc
from argparse import Namespace
from functools import partial

import anyio

from xdm_mcp.app import open_app
from xdm_mcp.cli.paint import screen
from xdm_mcp.config import Settings, load
from xdm_mcp.errors import BadInput


def serve(args: Namespace) -> int:
    """Serve until the client leaves or a signal comes."""
    over_http = args.transport == "http"
    if not over_http and (args.sse or args.host or args.port is not None):
        raise BadInput("--sse, --host and --port belong to HTTP: add --transport http.")
    listening = {"host": args.host, "port": args.port, "sse": args.sse or None}
    settings = load(home=args.home, backend=args.backend, http=listening)
    anyio.run(_over_http if over_http else _over_stdio, settings)
    return 0


async def _over_stdio(settings: Settings) -> None:
    from xdm_mcp.server.stdio import run_stdio

    await run_stdio(settings)


async def _over_http(settings: Settings) -> None:
    from xdm_mcp.server.http import serve_http

    async with open_app(settings) as app:
        await serve_http(app, ready=partial(_announce, settings.http.sse))


def _announce(sse: bool, address: str) -> None:
    """Say where we serve, on stderr, once connections are accepted.

    What was imported until now lives until the end, so the garbage collector need not look at it
    again and again while many call.
    """
    gc.freeze()
    console = screen(stderr=True)
    console.print(f"Serving MCP (Streamable HTTP) on {address}", style="green")
    if sse:
        console.print(
            f"Serving MCP (HTTP+SSE) on {address.removesuffix('/mcp')}/sse", style="green"
        )
    console.print("Stop with Ctrl-C.", style="dim")
