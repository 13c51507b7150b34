"""A client of our own for stdio: JSON lines, nothing of the SDK, so that no mistake is shared."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

ROOT = Path(__file__).parents[2]
PRETEND = [sys.executable, "-m", "tests.server.child", "stdio"]
REAL = [sys.executable, "-m", "xdm_mcp"]

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


class Wire:
    """Both ends of a server process: what goes in, what came out."""

    def __init__(self, process: Process) -> None:
        """Speak to `process`."""
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.stdin = process.stdin
        self.stdout = BufferedByteReceiveStream(process.stdout)
        self.stderr = BufferedByteReceiveStream(process.stderr)
        self._ids = iter(range(1, 1_000))

    async def write(self, line: bytes) -> None:
        """Send one line as it stands."""
        await self.stdin.send(line + b"\n")

    async def read(self) -> Any:
        """Return the next line of stdout, which must be one JSON-RPC message."""
        message = json.loads(await self.stdout.receive_until(b"\n", 1_000_000))
        assert message["jsonrpc"] == "2.0"
        return message

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request without waiting for its answer; return its id."""
        number = next(self._ids)
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}}
        await self.write(json.dumps(message).encode())
        return number

    async def answer(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Send a request and return the answer, which must be the next message and have its id."""
        number = await self.ask(method, params)
        message = await self.read()
        assert message["id"] == number
        return message["result"] if "result" in message else message["error"]

    async def open(self) -> Any:
        """Shake hands as a client of 2025-11-25 does; return what the server says of itself."""
        said = await self.answer(
            "initialize",
            {
                "protocolVersion": "2025-11-25",
                "capabilities": {},
                "clientInfo": {"name": "raw", "version": "1"},
            },
        )
        await self.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        return said

    async def send_dm(self, text: str, **params: Any) -> int:
        """Ask for a send without waiting for its answer; return the request's id."""
        call = {"name": "send_dm", "arguments": {"text": text, "to": "a"}}
        return await self.ask("tools/call", params | call)

    async def ended(self) -> int:
        """Return the exit code once the process is gone and has said nothing more on stdout."""
        rest = b""
        try:
            while True:
                rest += await self.stdout.receive()
        except anyio.EndOfStream:
            assert rest == b""
        return await self.process.wait()


@asynccontextmanager
async def started(command: list[str], home: Path | None = None) -> AsyncIterator[Wire]:
    """Start a server; it is killed in the end if it still runs."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("XDM_")}
    env = kept | ({"XDM_HOME": str(home)} if home else {})
    with anyio.fail_after(30):
        async with await anyio.open_process(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=env,
        ) as process:
            try:
                yield Wire(process)
            finally:
                if process.returncode is None:
                    process.kill()
