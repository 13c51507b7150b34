"""What the demo's scenes play on: an agent's client, the person's side, the pretend X, and a
screen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio

from xdm_mcp.app import App
from xdm_mcp.cli.paint import plain, show
from xdm_mcp.cli.world import Delivery, HomeWorld
from xdm_mcp.errors import Unavailable

if TYPE_CHECKING:
    from mcp.client import Client
    from rich.console import Console

PAUSE = 0.5
"""Seconds before each scene for whoever watches on a terminal."""

STYLES = {"NOT SENT": "bold yellow", "SENT": "bold green", "[": "dim", "{": "dim"}
"""How lines look that the agent reads, by how they begin: verdicts bright, rows of JSON dim."""


@dataclass(slots=True)
class Stage:
    """One performance.

    `agent` speaks MCP to the server in the child process; `person` is an app of this process on the
    same home, as `xdm-mcp approvals` opens it; `world` is the pretend X; `asks` says that somebody
    sits at the terminal; `pin` is the PIN that was set for this home alone.
    """

    agent: Client
    person: App
    world: HomeWorld
    console: Console
    asks: bool
    pin: str
    scene: int = 0

    async def begin(self, title: str, says: str) -> None:
        """Open the next scene."""
        from rich.rule import Rule

        if self.console.is_terminal:
            await anyio.sleep(PAUSE)
        self.scene += 1
        self.console.print()
        if self.console.is_terminal:
            self.console.print(Rule(f"{self.scene}. {title}", align="left", style="cyan"))
        else:
            self.console.print(f"== {self.scene}. {title}")
        self.console.print(says, style="italic")

    async def call(self, tool: str, *, show: bool = True, **arguments: Any) -> dict[str, Any]:
        """Have the agent call a tool; show the call and what the agent reads; return the typed
        answer."""
        from mcp_types import TextContent

        shown = ", ".join(f"{k}={json.dumps(v, ensure_ascii=False)}" for k, v in arguments.items())
        self.line("agent calls", f"{tool}({plain(shown)})", "bold cyan")
        result = await self.agent.call_tool(tool, arguments)
        for block in result.content if show else ():
            if isinstance(block, TextContent):
                self.lines("and reads", block.text.split("\n"))
        answer: dict[str, Any] | None = result.structured_content
        if answer is None:
            raise Unavailable(f"The demo broke off, because its call of {tool} was refused.")
        return answer

    def line(self, who: str, says: str, style: str = "") -> None:
        """Print one line under somebody's name."""
        show(self.console, who, says, style, right=True)

    def lines(self, who: str, says: Sequence[str]) -> None:
        """Print several lines under somebody's name, whatever is in them; verdicts stand out."""
        for number, line in enumerate(says):
            verdicts = (style for start, style in STYLES.items() if line.startswith(start))
            self.line("" if number else who, plain(line), next(verdicts, ""))

    async def deliveries(self) -> list[Delivery]:
        """Print and return what really arrived: the pretend X's own list."""
        delivered = await self.world.deliveries()
        self.line("X delivered", f"{len(delivered) or 'nothing'} so far", "bold magenta")
        for each in delivered:
            self.line("", f"to {each.recipients}: {plain(each.text)}", "magenta")
        return delivered

    def promise(self, kept: bool, says: str) -> None:
        """Print a promise that was kept. Raises Unavailable where it was not, which ends the
        demo."""
        if not kept:
            raise Unavailable(f"The demo broke off, because this did not come true: {says}")
        self.line("✓", says, "green")
