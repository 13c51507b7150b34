"""MCP over stdin and stdout: one client, which started us and ends us by closing stdin."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from xdm_mcp.app import App, open_app
from xdm_mcp.config import Settings
from xdm_mcp.server.build import build_parts
from xdm_mcp.server.logs import log_to_stderr
from xdm_mcp.server.page.on_demand import offer_page
from xdm_mcp.server.pipe import open_pipe
from xdm_mcp.server.stopping import finish_sends, told_to_stop

STDIN, STDOUT, STDERR = 0, 1, 2


async def run_stdio(settings: Settings) -> None:
    """Open the app for `settings` and serve it on stdio. Raises ConfigError before it begins."""
    async with open_app(settings) as app:
        await serve_stdio(app)


async def serve_stdio(app: App) -> None:
    """Serve until stdin ends, or until SIGINT or SIGTERM and nothing is being sent any more.

    While serving, file descriptor 1 leads to stderr: whatever prints cannot reach the client.
    """
    log_to_stderr(app.settings.log.level, app.settings.log.format)
    parts = build_parts(app)
    server = parts.server

    async def stop(serving: anyio.CancelScope) -> None:
        """End `serving` once we were told to stop and nothing is being sent."""
        await told_to_stop()
        await finish_sends(app, parts.calls)
        serving.cancel()

    if os.isatty(STDIN):
        sys.stderr.write(
            "Serving MCP on stdin and stdout, for a client to speak to; Ctrl-C ends.\n"
        )
    with _claimed() as (incoming, outgoing):
        async with open_pipe(incoming, outgoing) as streams, anyio.create_task_group() as tasks:
            offer_page(app, tasks)
            with anyio.CancelScope() as serving:
                tasks.start_soon(stop, serving)
                tasks.start_soon(app.run)
                await server.run(*streams, server.create_initialization_options())
            tasks.cancel_scope.cancel()


@contextmanager
def _claimed() -> Iterator[tuple[int, int]]:
    """Give private copies of stdin and stdout; who reads 0 finds nothing, who prints reaches 2."""
    sys.stdout.flush()
    incoming, outgoing, nothing = os.dup(STDIN), os.dup(STDOUT), os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, STDIN)
    os.dup2(STDERR, STDOUT)
    try:
        yield incoming, outgoing
    finally:
        sys.stdout.flush()
        os.dup2(incoming, STDIN)
        os.dup2(outgoing, STDOUT)
        for fd in (incoming, outgoing, nothing):
            os.close(fd)
