"""`claude_desktop_config.example.json`: what a desktop client starts, started as it stands."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from tests.children import environment

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "claude_desktop_config.example.json"


def entry() -> dict[str, Any]:
    """Return the one server of the example."""
    (server,) = json.loads(EXAMPLE.read_text())["mcpServers"].values()
    assert isinstance(server, dict)
    return server


def test_the_entry_names_no_machine() -> None:
    """It holds a command and its arguments, without a path or a secret."""
    assert set(entry()) <= {"command", "args", "env"}
    assert not any(mark in EXAMPLE.read_text() for mark in ("/", "\\", "~", "token"))


def test_the_documentation_shows_the_entry_as_it_is() -> None:
    """The page on the command line holds the example, word for word."""
    assert f"```json\n{EXAMPLE.read_text()}```" in (ROOT / "docs/command-line.md").read_text()


@pytest.mark.skipif(shutil.which("uv") is None, reason="the entry is started by uv")
@pytest.mark.parametrize("place", ["checkout", "installed"])
async def test_the_entry_starts_a_server_that_lists_its_tools(place: str, tmp_path: Path) -> None:
    """In a checkout it runs the checkout, anywhere else the program on the path."""
    scripts = str(Path(sys.executable).parent)
    env = environment(
        tmp_path / "home",
        PATH=os.pathsep.join([scripts, os.environ["PATH"]]),
        UV_NO_SYNC="1",  # the environment of this very test run is to stay as it is
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    server = StdioServerParameters(
        command=entry()["command"],
        args=entry()["args"],
        env=env,
        cwd=ROOT if place == "checkout" else elsewhere,
    )
    with anyio.fail_after(30):
        async with Client(server) as client:
            tools = (await client.list_tools()).tools
    assert sorted(tool.name for tool in tools) == [
        "check_can_dm",
        "list_dms",
        "quota_status",
        "send_dm",
    ]
