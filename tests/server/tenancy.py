"""Two principals behind one server, each in its own pretend X, and agents of our own that speak raw
JSON-RPC over HTTP to it."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx2
import uvicorn

from tests.callers import shown
from tests.rigs import IRIS, START
from xdm_mcp.app import open_app
from xdm_mcp.clock import ManualClock
from xdm_mcp.config import load
from xdm_mcp.credentials.tokens import SCOPES, Tokens
from xdm_mcp.principals import FILE, principals_of, settings_for
from xdm_mcp.sandbox.journal_file import FileJournal
from xdm_mcp.sandbox.serve import build_app
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.health import Watched
from xdm_mcp.server.http import callers_of, web
from xdm_mcp.server.tenants import Tenants

NAMES = ("alice", "bob")
MODERN, LEGACY = "2026-07-28", "2025-11-25"
WIRES = (MODERN, LEGACY)

POLICY = """
[approvals]
page = "off"
[guard.confirmation]
least = "client"
"""
"""What a client's own dialog may answer, so that there are rounds to steal."""

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
}

NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


@dataclass
class Agent:
    """One agent with one token, on one wire."""

    client: httpx2.AsyncClient
    token: str
    wire: str
    session: str | None = None

    async def open(self) -> None:
        """Shake hands, where the wire has it."""
        if self.wire == LEGACY:
            who = {"name": "raw", "version": "1"}
            hello = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": who}
            answer = await self.post("initialize", hello, 0)
            self.session = answer.headers["mcp-session-id"]
            ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
            await self.client.post("/mcp", json=ready, headers=self.headers("", {}))

    def headers(self, method: str, params: Mapping[str, Any]) -> dict[str, str]:
        """Return the headers of a request on this wire."""
        given = shown(self.token) | {"accept": "application/json, text/event-stream"}
        if self.wire == LEGACY:
            session = {"mcp-session-id": self.session} if self.session else {}
            return given | {"mcp-protocol-version": LEGACY} | session
        named = {"mcp-name": str(params[NAMED[method]])} if method in NAMED else {}
        return given | {"mcp-protocol-version": MODERN, "mcp-method": method} | named

    async def post(self, method: str, params: dict[str, Any], number: int) -> httpx2.Response:
        """Send one request and return its whole answer."""
        if self.wire == MODERN:
            params = params | {"_meta": ENVELOPE}
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        return await self.client.post("/mcp", json=message, headers=self.headers(method, params))

    async def ask(self, method: str, params: dict[str, Any], number: int) -> Any:
        """Return the answer to one request, which must have its id."""
        message = message_of(await self.post(method, params, number))
        assert message["id"] == number
        return message

    async def call(self, name: str, number: int = 1, **arguments: Any) -> Any:
        """Call a tool and return its result, or the error."""
        said = await self.ask("tools/call", {"name": name, "arguments": arguments}, number)
        return said.get("result") or said["error"]


def message_of(answer: httpx2.Response) -> Any:
    """Return the last JSON-RPC message of an answer, of one piece or a stream."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        data = [line[5:] for line in answer.text.splitlines() if line.startswith("data:")]
        return json.loads(next(one for one in reversed(data) if one.strip()))
    return answer.json()


@dataclass
class Two:
    """A server of two principals: its address, who may call, and what is inside."""

    home: Path
    address: str
    tokens: Mapping[str, str]
    tenants: Tenants
    watched: Watched
    client: httpx2.AsyncClient
    clock: ManualClock
    agents: list[Agent] = field(default_factory=list)

    async def agent(self, name: str, wire: str) -> Agent:
        """Return a new agent of a principal."""
        agent = Agent(self.client, self.tokens[name], wire)
        await agent.open()
        return agent

    async def says(self, name: str, text: str, who: str = IRIS) -> str:
        """Have somebody write to a principal; return the message's id."""
        home = self.home / "principals" / name
        journal = FileJournal(home / "sandbox" / "world.jsonl", self.clock)
        transport = httpx2.ASGITransport(app=build_app(journal, self.clock))
        async with httpx2.AsyncClient(transport=transport, base_url="http://sandbox") as world:
            body = {"from": who, "text": text}
            answer = await world.post("/_sandbox/inbound", json=body)
        assert answer.status_code < 300, answer.text
        return str(answer.json()["id"])


@asynccontextmanager
async def two_principals(home: Path) -> AsyncIterator[Two]:
    """Serve two principals on a free port of the loopback, on a clock that stands still."""
    clock = ManualClock(START)
    _write(home / FILE, "".join(f'[[principal]]\nname = "{name}"\n' for name in NAMES))
    tokens = {n: Tokens(home).add(f"{n}-agent", SCOPES, n, clock.now()) for n in NAMES}
    server = load(home=home, env={})
    principals = principals_of(home) or {}
    for one in principals.values():
        _write(one.home / "policy.toml", POLICY)
    openers = {
        name: partial(open_app, settings_for(one, server), clock=clock)
        for name, one in principals.items()
    }
    callers, watched = callers_of(server, clock, principals), Watched()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        port = listener.getsockname()[1]
        http = HttpSettings.model_validate({"sse": True})
        whole, tenants = web(openers, callers, http, port, watched.one)
        config = uvicorn.Config(whole, log_config=None, ws="none", timeout_graceful_shutdown=1)
        serving = uvicorn.Server(config)
        config.load()
        address = f"http://127.0.0.1:{port}"
        limits = httpx2.Limits(max_connections=32)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serving.serve, [listener])
            with anyio.fail_after(10):
                while not serving.started:  # noqa: ASYNC110 - uvicorn tells nobody
                    await anyio.sleep(0.01)
            async with httpx2.AsyncClient(
                base_url=address, trust_env=False, timeout=30, limits=limits
            ) as client:
                yield Two(home, address, tokens, tenants, watched, client, clock)
            await tenants.finish()
            serving.should_exit = True


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(0o600)
    path.write_text(text)
