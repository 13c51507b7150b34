"""From the options of a command to an open app."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable, Callable

import anyio

from xdm_mcp.app import App, open_app
from xdm_mcp.config import Settings, load
from xdm_mcp.errors import ConfigError, Unavailable
from xdm_mcp.models.sends import Entry
from xdm_mcp.principals import principal_named, settings_for

Work = Callable[[App, Namespace], Awaitable[int]]
"""What a command does with an open app and its options; returns the exit code."""


def settings_of(args: Namespace) -> Settings:
    """Return the settings, the command's own options over environment and file. Raises
    ConfigError."""
    return loaded(args, backend=args.backend)


def loaded(args: Namespace, **overrides: object) -> Settings:
    """Return the settings of the home, or of the principal that the command names. Raises
    ConfigError, and NotFound for a principal that is none."""
    if args.principal is None:
        return load(args.home, None, **overrides)
    server = load(home=args.home)
    return settings_for(principal_named(server.home, args.principal), server, **overrides)


def with_app(args: Namespace, work: Work) -> int:
    """Open the app, do the work, close the app; return the exit code."""
    return anyio.run(_run, settings_of(args), work, args)


def sends_here(app: App, entry: Entry) -> bool:
    """Whether this process could send the entry: over the same backend at the same place."""
    try:
        return (entry.backend, entry.origin) == (app.backend.name, app.backend.origin)
    except (ConfigError, Unavailable):  # no credentials here: a server that has them sends it
        return False


async def _run(settings: Settings, work: Work, args: Namespace) -> int:
    async with open_app(settings) as app:
        return await work(app, args)
