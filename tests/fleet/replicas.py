"""Replicas as real processes, each with a home of its own, over one ledger and one pretend X."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2

from tests.children import environment
from xdm_mcp.sandbox import SANDBOX_COOKIE, SANDBOX_TOKEN

POLICY = """
[inbox]
poll_seconds = 5
first_page = 50

[guard.budget]
per_day_usd = "100000.00"

[guard.confirmation]
held_at_most = 100
least = "client"

[guard.rate_windows]
per_15_minutes = 200
per_day = 1000

[guard.pacing]
enabled = false

[guard.quiet_hours]
enabled = false
"""
"""The default policy with room for a crowd: what is asked for is held, and nothing else is in the
way."""

STARTS_WITHIN = 60.0
"""Seconds within which a process must listen, on a machine that does much else."""


@dataclass
class Service:
    """A process that listens on a port of the loopback, and can be killed and started again."""

    command: tuple[str, ...]
    home: Path
    settings: Mapping[str, str]
    port: int = field(default_factory=lambda: free_port())
    kills: int = 0
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and return once it accepts connections."""
        log = (self.home / "stderr").open("ab")
        with log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - as good as at once
                [sys.executable, "-m", *self.command, "--port", str(self.port)],
                env=environment(self.home, **self.settings),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        with anyio.fail_after(STARTS_WITHIN):
            while not await self._listens():
                assert self._process.poll() is None, (self.home / "stderr").read_text()
                await anyio.sleep(0.05)

    def kill(self) -> None:
        """Kill it in the middle of whatever it does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.kills += 1

    def stop(self) -> None:
        """End it, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    async def _listens(self) -> bool:
        try:
            await (await anyio.connect_tcp("127.0.0.1", self.port)).aclose()
        except OSError:
            return False
        return True


@dataclass
class Fleet:
    """The replicas, the pretend X, and what a client must show."""

    replicas: tuple[Service, ...]
    sandbox: Service
    settings: Mapping[str, str]
    token: str

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the controls of the pretend X."""
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
            answer = await client.request(method, f"{self.sandbox.url}/_sandbox/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json()


@asynccontextmanager
async def fleet(folder: Path, ledger_url: str, replicas: int = 2) -> AsyncIterator[Fleet]:
    """Start a pretend X and `replicas` servers over one ledger; end all of them afterwards."""
    homes = [folder / name for name in ("x", *(f"replica{n}" for n in range(replicas)))]
    for home in homes:
        home.mkdir(mode=0o700)
        (home / "policy.toml").write_text(POLICY)
    sandbox = Service(("xdm_mcp", "sandbox", "serve"), homes[0], {})
    token = secrets.token_urlsafe(32)
    settings = {
        "XDM_LEDGER_URL": ledger_url,
        "XDM_BACKEND": "getxapi",
        "XDM_BASE_URL": sandbox.url,
        "XDM_ACKNOWLEDGE_RISK": '["getxapi"]',
        "XDM_GETXAPI_KEY": SANDBOX_TOKEN,
        "XDM_GETXAPI_AUTH_TOKEN": SANDBOX_COOKIE,
        "XDM_HTTP__TOKEN": token,
        "XDM_APPROVALS__PAGE": "off",
    }
    serving = ("tests.fleet.replica", "serve", "--transport", "http")
    servers = tuple(Service(serving, home, settings) for home in homes[1:])
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(sandbox.start)
            for each in servers:
                tasks.start_soon(each.start)
        yield Fleet(servers, sandbox, settings, token)
    finally:
        for each in (*servers, sandbox):
            each.stop()


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
