"""From the options of a command to an open app."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable

import anyio

from xdm_mcp.app import App, open_app
from xdm_mcp.config import Settings, load
from xdm_mcp.errors import ConfigError, Unavailable
from xdm_mcp.models.sends import Entry

Work = Callable[[App], Awaitable[int]]
"""What a command does with an open app; returns the exit code."""


def settings_of(args: Namespace) -> Settings:
    """Return the settings, the command's own options over environment and file. Raises
    ConfigError."""
    return load(home=args.home, backend=args.backend)


def with_app(args: Namespace, work: Work) -> int:
    """Open the app, do the work, close the app; return the exit code."""
    settings = settings_of(args)

    async def run() -> int:
        async with open_app(settings) as app:
            return await work(app)

    return anyio.run(run)


def sends_here(app: App, entry: Entry) -> bool:
    """Whether this process could send the entry: over the same backend at the same place."""
    try:
        return (entry.backend, entry.origin) == (app.backend.name, app.backend.origin)
    except (ConfigError, Unavailable):  # no credentials here: a server that has them sends it
        return False
