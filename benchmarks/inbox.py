"""How soon a client sees a message that somebody writes: in one that waits, and in a subscriber.

Two server processes run on one home. The first polls every second, because its client subscribed
first; what is measured is a client of the second, which never polls. Each transport is measured on
both revisions. A message is written into the sandbox at another moment of the second each time.
The sandbox stands in for GetXAPI, whose limits let us look so often.

    python -m benchmarks.inbox [samples]

Exits 1 where the median of a cell is more than one poll and 250 ms.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median

import anyio
import httpx2
from mcp.client import Client

from tests.children import MODES, TRANSPORTS, Mode, Transport, Updates, connect, environment
from xdm_mcp.sandbox import SANDBOX_COOKIE, SANDBOX_TOKEN

POLL = 1.0
"""Seconds between looks, the least that can be set."""

BAR = POLL + 0.250
"""Seconds that the median of a cell may take."""

FEW = 5
"""Messages waited for on one home: two thirds of its reads in 15 minutes are the poller's."""

INBOX = "xdm://inbox"
WRITER = "iris_sandbox"

Write = Callable[[str], Awaitable[None]]


async def waiting(client: Client, write: Write, samples: int) -> list[float]:
    """Return how long after each message `list_dms(wait_seconds=…)` returned with it."""
    await client.call_tool("list_dms", {"limit": 1})
    return [await _one_wait(client, write, number) for number in range(samples)]


async def _one_wait(client: Client, write: Write, number: int) -> float:
    text, began = f"Message {number}.", 0.0

    async def later() -> None:
        nonlocal began
        await anyio.sleep(_phase(number))
        began = time.perf_counter()
        await write(text)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(later)
        answer = await client.call_tool("list_dms", {"limit": 1, "wait_seconds": 20})
        took = time.perf_counter() - began
    assert answer.structured_content is not None, answer.content
    assert answer.structured_content["conversations"][0]["last_text"] == text
    return took


async def subscribed(client: Client, updates: Updates, write: Write, samples: int) -> list[float]:
    """Return how long after each message an update of the inbox came."""
    took = []
    async with updates.of(client, INBOX):
        for number in range(samples):
            await anyio.sleep(_phase(number))
            began = time.perf_counter()
            await write(f"Message {number}.")
            assert await updates.next() == INBOX
            took.append(time.perf_counter() - began)
    return took


def _phase(number: int) -> float:
    """Return seconds to let pass, another part of one for each number: the golden ratio spreads
    them."""
    return 0.2 + number * 0.618 % 1.0


@asynccontextmanager
async def pretend_x(home: Path) -> AsyncIterator[str]:
    """Serve a sandbox; yield its address."""
    command = [sys.executable, "-m", "xdm_mcp", "sandbox", "serve", "--port", "0"]
    async with await anyio.open_process(command, env=environment(home)) as server:
        said = ""
        with anyio.fail_after(30):
            while not (found := re.search(r"http://127.0.0.1:[0-9]+", said)):
                assert server.stderr is not None
                said += (await server.stderr.receive()).decode()
        try:
            yield found.group(0)
        finally:
            server.terminate()


async def cell(x: str, transport: Transport, mode: Mode, samples: int) -> dict[str, list[float]]:
    """Measure a waiting client and a subscriber of one transport and revision."""
    found: dict[str, list[float]] = {"wait_seconds": [], "subscriber": []}
    for kind, took in found.items():
        while len(took) < samples:  # few at a time: in a new home no limit is near
            some = min(FEW, samples - len(took))
            with tempfile.TemporaryDirectory() as folder:
                took += await _measured(x, Path(folder), transport, mode, kind, some)
    return found


async def _measured(
    x: str, home: Path, transport: Transport, mode: Mode, kind: str, samples: int
) -> list[float]:
    settings = {
        "XDM_BACKEND": "getxapi",
        "XDM_BASE_URL": x,
        "XDM_ACKNOWLEDGE_RISK": '["getxapi"]',
        "XDM_GETXAPI_KEY": SANDBOX_TOKEN,
        "XDM_GETXAPI_AUTH_TOKEN": SANDBOX_COOKIE,
        "XDM_INBOX__POLL_SECONDS": str(int(POLL)),
    }
    polls, hears = Updates(), Updates()
    async with (
        httpx2.AsyncClient(base_url=x) as controls,
        connect(home, "stdio", "auto", hear=polls, **settings) as first,
        polls.of(first, INBOX),
    ):
        await anyio.sleep(3)  # by then it has begun, and holds the lease

        async def write(text: str) -> None:
            said = {"from": WRITER, "text": text}
            (await controls.post("/_sandbox/inbound", json=said)).raise_for_status()

        async with connect(home, transport, mode, hear=hears, **settings) as second:
            await anyio.sleep(2)
            if kind == "subscriber":
                return await subscribed(second, hears, write, samples)
            return await waiting(second, write, samples)


async def main(samples: int) -> bool:
    """Measure every cell and print it beside the bar; return whether all hold."""
    held = True
    with tempfile.TemporaryDirectory() as world:
        async with pretend_x(Path(world)) as x:
            for transport in TRANSPORTS:
                for mode in MODES:
                    for kind, took in (await cell(x, transport, mode, samples)).items():
                        middle = median(took)
                        held = held and middle <= BAR
                        print(
                            f"{transport:5} {mode:6} {kind:12} median {middle:.3f} s"
                            f" (bar {BAR:.3f}), longest {max(took):.3f} s of {len(took)}",
                            flush=True,
                        )
    return held


if __name__ == "__main__":
    sys.exit(0 if anyio.run(main, int(sys.argv[1]) if len(sys.argv) > 1 else 20) else 1)
