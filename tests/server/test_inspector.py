"""MCP Inspector, a client that shares no code with us, lists, reads and calls everything there is.

Its command line is fetched by npx; where there is no Node, or nothing can be fetched, this is
skipped. The package asks for a newer Node than many have, so its version is pinned, not resolved.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from tests.callers import TOKEN
from tests.children import environment, serve_http

pytestmark = pytest.mark.inspector

PACKAGE = "@modelcontextprotocol/inspector@2.12.0"
TRANSPORTS = ("stdio", "http", "sse")
ERAS = ("legacy", "auto", "modern")
AT_ONCE = 2


@pytest.fixture(scope="module")
def inspector() -> str:
    """Where the command line is, fetched if need be."""
    npx = shutil.which("npx")
    if npx is None:
        pytest.skip("MCP Inspector needs Node with npx on the PATH")
    found = subprocess.run(
        [npx, "--yes", "--package", PACKAGE, "-c", "command -v mcp-inspector"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if found.returncode != 0:
        pytest.skip(f"npx cannot fetch {PACKAGE}")
    return found.stdout.strip()


@dataclass(frozen=True)
class Inspector:
    """The command line pointed at one server, over one transport and in one era."""

    command: str
    era: str
    target: tuple[str, ...]
    home: Path

    async def ask(self, method: str, *options: str) -> Any:
        """Return the result of one method; the command must end with 0."""
        command = [self.command, "--cli", "--protocol-era", self.era, "-q", "--format", "json"]
        done = await anyio.run_process(
            [*command, "--method", method, *options, *self.target],
            env=environment(self.home),
            stderr=subprocess.PIPE,
            check=False,
        )
        assert done.returncode == 0, (method, options, done.stdout, done.stderr)
        return json.loads(done.stdout)["result"]


@asynccontextmanager
async def pointed(command: str, transport: str, era: str, home: Path) -> AsyncIterator[Inspector]:
    """Point the inspector at a server of ours."""
    if transport == "stdio":
        started = ("-e", f"XDM_HOME={home}", "--", sys.executable, "-m", "xdm_mcp")
        yield Inspector(command, era, started, home)
        return
    async with serve_http(home) as url:
        path = "/mcp" if transport == "http" else "/sse"
        where = ("--transport", transport, "--server-url", url + path)
        shown = ("--header", f"Authorization: Bearer {TOKEN}")
        yield Inspector(command, era, (*where, *shown), home)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_inspector_finds_portable_schemas_and_an_answer_to_everything(
    inspector: str, transport: str, era: str, tmp_path: Path
) -> None:
    """Tools pass the strict check and answer, and so does this pair's share of all the rest.

    Shares are dealt so that everything is asked once over each transport and once in each era.
    """
    with anyio.fail_after(180):
        async with pointed(inspector, transport, era, tmp_path) as client:
            assert len((await client.ask("tools/list", "--strict"))["tools"]) == 4
            inbox = await client.ask(*tool("list_dms", {}))
            first = inbox["structuredContent"]["conversations"][0]
            talk = await client.ask(*tool("list_dms", {"conversation_id": first["id"]}))
            message = talk["structuredContent"]["messages"][0]["rows"][0]["id"]
            everything = questions(first["id"], first["with_ids"][0], message)
            dealt = (TRANSPORTS.index(transport) + ERAS.index(era)) % len(ERAS)
            await ask_all(client, everything[dealt :: len(ERAS)])


def questions(conversation: str, person: str, message: str) -> list[tuple[str, ...]]:
    """Return a question to every tool, list, resource, template and prompt."""
    about = ("--prompt-args", f"conversation_id={conversation}")
    return [
        tool("send_dm", {"text": "Hello", "to": person}),
        tool("check_can_dm", {"recipients": [person]}),
        tool("quota_status", {}),
        ("prompts/list",),
        ("prompts/get", "--prompt-name", "triage_inbox"),
        ("prompts/get", "--prompt-name", "draft_reply", *about),
        ("prompts/get", "--prompt-name", "summarise_conversation", *about),
        ("prompts/get", "--prompt-name", "hand_over_to_human", *about),
        ("resources/list",),
        ("resources/templates/list",),
        *(("resources/read", "--uri", uri) for uri in uris(conversation, message)),
    ]


def uris(conversation: str, message: str) -> list[str]:
    """Return one URI of every resource and template."""
    static = [f"xdm://{name}" for name in ("inbox", "quota", "policy", "approvals")]
    return [*static, f"xdm://conversations/{conversation}", f"xdm://messages/{message}"]


def tool(name: str, arguments: dict[str, Any]) -> tuple[str, ...]:
    """Return what calls a tool."""
    return ("tools/call", "--tool-name", name, "--tool-args-json", json.dumps(arguments))


async def ask_all(client: Inspector, asked: list[tuple[str, ...]]) -> None:
    """Ask all of it, a few at once."""
    few = anyio.CapacityLimiter(AT_ONCE)

    async def one(question: tuple[str, ...]) -> None:
        async with few:
            await client.ask(*question)

    async with anyio.create_task_group() as tasks:
        for question in asked:
            tasks.start_soon(one, question)
