"""`xdm-mcp demo`: an agent's session, watched from both sides, against the pretend X.

The server runs as a child process on stdio in a home that is thrown away; nothing of the owner's
own settings, keys, PIN or messages is touched.
"""

from __future__ import annotations

import os
import secrets
import sys
from argparse import Namespace
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from xdm_mcp.app import App, open_app
from xdm_mcp.approvals.pin import SHORTEST_PIN
from xdm_mcp.cli.paint import screen
from xdm_mcp.cli.scenes import play
from xdm_mcp.cli.stage import Stage
from xdm_mcp.cli.world import HomeWorld
from xdm_mcp.config import Settings, load
from xdm_mcp.errors import BadInput

LONGEST_CALL = 60.0
"""Seconds after which the demo gives up on an answer of its server."""

QUICK = {"XDM_INBOX__POLL_SECONDS": "1"}
"""What the demo's server does sooner than others: it looks for new messages every second."""


def demo(args: Namespace) -> int:
    """Play the demo; 0 when every promise was kept."""
    with TemporaryDirectory(prefix="xdm-mcp-demo-") as folder:
        # Not the folder itself: the program makes its home, as it does for everybody.
        anyio.run(_play, load(Path(folder) / "home", env={}))
    return 0


async def _play(settings: Settings) -> None:
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters

    server = StdioServerParameters(
        command=sys.executable, args=["-m", "xdm_mcp"], env=_environment(settings.home)
    )
    console = screen()
    console.print("xdm-mcp demo: a real server, a real client, a pretend X.", style="bold")
    async with (
        open_app(settings) as person,
        Client(server, read_timeout_seconds=LONGEST_CALL) as agent,
    ):
        world = HomeWorld(settings, person.clock)
        asks = sys.stdin.isatty() and console.is_terminal
        await play(Stage(agent, person, world, console, asks, await _set_pin(person)))


async def _set_pin(person: App) -> str:
    """Set and return a PIN that lives as long as the demo's home."""
    while True:
        pin = f"{secrets.randbelow(10**SHORTEST_PIN):0{SHORTEST_PIN}d}"
        with suppress(BadInput):  # one in a million is too easy to guess
            await person.desk.pin.set_first(pin, "demo")
            return pin


def _environment(home: Path) -> dict[str, str]:
    """Return this process's environment without any setting of ours but the demo's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("XDM_")}
    return kept | QUICK | {"XDM_HOME": str(home)}
