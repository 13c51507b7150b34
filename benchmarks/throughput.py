"""Calls per second of 50 clients over Streamable HTTP: our server against a bare one of the SDK.

Both serve from a process of their own, with the same transport options. Ours is `xdm-mcp serve`
over the sandbox, with its bearer token, guard and ledger; the bare one returns our own answer as a
constant and asks for no token. The two take turns in short rounds, so that whatever else the
machine does meets both alike; the clients are bytes on sockets, in a process of their own.

    python -m benchmarks.throughput [rounds]

Prints for each tool and revision the medians of calls per second and of the server's CPU time per
call. Exits 1 where the median ratio of calls per second is below 0.9.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.raw_clients import LEGACY, MODERN, Client, Crowd, Server

BAR = 0.9
CLIENTS = 50
SECONDS = 0.5
TOOLS: dict[str, dict[str, Any]] = {"quota_status": {}, "list_dms": {"limit": 20}}
REVISIONS = (MODERN, LEGACY)


@dataclass(frozen=True)
class Running:
    """A server process: where it is, and which process."""

    server: Server
    pid: int

    def cpu(self) -> float:
        """Return the seconds of CPU time that the process's threads have used (Linux)."""
        threads = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int((one / "schedstat").read_text().split()[0]) for one in threads) / 1e9


@dataclass(frozen=True)
class Round:
    """One round of one server: calls per second, and the server's CPU milliseconds per call."""

    rate: float
    cpu: float


@contextmanager
def ours(home: str) -> Iterator[Running]:
    """Run our server over the sandbox, on a free port."""
    token = secrets.token_urlsafe(32)
    kept = {key: value for key, value in os.environ.items() if not key.startswith("XDM_")}
    env = kept | {"XDM_HOME": home, "XDM_HTTP__TOKEN": token}
    command = [sys.executable, "-m", "xdm_mcp", "serve", "--transport", "http", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=env) as process:
        assert process.stderr is not None
        try:
            said = process.stderr.readline().decode()
            url = next(word for word in said.split() if word.startswith("http")).rstrip(";")
            yield Running(Server(url, token), process.pid)
        finally:
            process.kill()


@contextmanager
def bare(folder: str) -> Iterator[Running]:
    """Run the bare server with the answers in `folder`."""
    command = [sys.executable, "-m", "benchmarks.bare_server", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield Running(Server(process.stdout.readline().decode().strip()), process.pid)
        finally:
            process.kill()


async def answer(running: Running, tool: str) -> Any:
    """Return the structured content of one answer."""
    client = Client(running.server, MODERN)
    await client.open()
    body = await client.call(tool, TOOLS[tool])
    client.close()
    return json.loads(body)["result"]["structuredContent"]


class Side:
    """One server with its clients, 50 of each revision, that stay for the whole run."""

    def __init__(self, running: Running) -> None:
        """Be nobody's client yet."""
        self._running = running
        self._crowds = {
            revision: Crowd(running.server, revision, CLIENTS) for revision in REVISIONS
        }

    async def open(self) -> None:
        """Connect everybody."""
        for crowd in self._crowds.values():
            await crowd.open()

    async def round(self, revision: str, tool: str) -> Round:
        """Let the clients of one revision call one tool for a while."""
        before = self._running.cpu()
        done, took = await self._crowds[revision].calls(tool, TOOLS[tool], SECONDS)
        return Round(done / took, 1000 * (self._running.cpu() - before) / done)

    def close(self) -> None:
        """Hang up."""
        for crowd in self._crowds.values():
            crowd.close()


async def compare(mine: Side, theirs: Side, revision: str, tool: str, rounds: int) -> float:
    """Print the medians of one tool and revision; return the median ratio of calls per second."""
    bare_rounds: list[Round] = []
    our_rounds: list[Round] = []
    turns = [(theirs, bare_rounds), (mine, our_rounds)]
    for number in range(rounds + 1):
        for side, found in turns if number % 2 else reversed(turns):
            one = await side.round(revision, tool)
            if number:  # the first one warms up
                found.append(one)
    pairs = list(zip(bare_rounds, our_rounds, strict=True))
    ratio = median(us.rate / them.rate for them, us in pairs)
    cpu_ratio = median(them.cpu / us.cpu for them, us in pairs)
    rates = (median(one.rate for one in found) for _, found in turns)
    cpus = (median(one.cpu for one in found) for _, found in turns)
    print(
        f"{tool:<13}{revision:<11}"
        + "".join(f"{rate:>8.0f}" for rate in rates)
        + f"{ratio:>7.2f}"
        + "".join(f"{cpu:>8.2f}" for cpu in cpus)
        + f"{cpu_ratio:>7.2f}",
        flush=True,
    )
    return ratio


async def measure(mine: Running, theirs: Running, rounds: int) -> list[float]:
    """Print the table; return the ratio of each row."""
    sides = Side(mine), Side(theirs)
    for side in sides:
        await side.open()
    print(f"{CLIENTS} clients, medians of {rounds} interleaved rounds of {SECONDS} s")
    print(f"{'':<24}{'calls per second':>23}{'CPU ms per call':>23}")
    print(f"{'':<24}" + 2 * f"{'bare':>8}{'ours':>8}{'ratio':>7}", flush=True)
    ratios = [
        await compare(*sides, revision, tool, rounds) for tool in TOOLS for revision in REVISIONS
    ]
    for side in sides:
        side.close()
    return ratios


def main() -> int:
    """Measure; return 1 where the bar is not held."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 11
    with (
        tempfile.TemporaryDirectory() as home,
        tempfile.TemporaryDirectory() as folder,
        ours(home) as mine,
    ):
        for tool in TOOLS:
            Path(folder, f"{tool}.json").write_text(json.dumps(asyncio.run(answer(mine, tool))))
        with bare(folder) as theirs:
            ratios = asyncio.run(measure(mine, theirs, rounds))
    held = all(ratio >= BAR for ratio in ratios)
    print(f"ratio of calls per second at least {BAR}: {'held' if held else 'NOT HELD'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
