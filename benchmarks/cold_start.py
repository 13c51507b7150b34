"""From starting the process to its first answers over stdio: ours against the SDK's hello world.

Both are started in turn, so that whatever else the machine does meets both alike. Two openings are
timed: `initialize` and `tools/list` (2025-11-25), and `tools/list` alone (2026-07-28). Wall time
ends with the answer; CPU time is all that the process used until it was gone.

    python benchmarks/cold_start.py [rounds]

Exits 1 where ours takes more than 1.10 times the wall time or 1.00 times the CPU time, or more than
300 ms to end once its stdin is closed.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
SERVERS = {
    "hello world": [sys.executable, str(HERE / "hello_world.py")],
    "xdm-mcp": [sys.executable, "-m", "xdm_mcp"],
}
WALL_BAR, CPU_BAR, EXIT_BAR = 1.10, 1.00, 0.300

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "cold-start", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
ENVELOPE = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}
OPENINGS: dict[str, list[dict[str, Any]]] = {
    "2025-11-25": [INITIALIZE, INITIALIZED, LIST],
    "2026-07-28": [LIST | {"params": ENVELOPE}],
}


@dataclass(frozen=True)
class Start:
    """One start, in seconds: until the answer, all CPU time, and from end of input to exit."""

    wall: float
    cpu: float
    exit: float


def start(command: list[str], opening: list[dict[str, Any]], home: str) -> Start:
    """Start a server, speak the opening, close its stdin and wait for its end."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("XDM_")}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=kept | {"XDM_HOME": home}
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for message in opening:
            server.stdin.write(json.dumps(message).encode() + b"\n")
        server.stdin.flush()
        while "tools" not in json.loads(server.stdout.readline()).get("result", {}):
            pass
        answered = time.perf_counter()
        server.stdin.close()
        server.wait(timeout=10)
        gone = time.perf_counter()
    assert server.returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Start(answered - begun, cpu, gone - answered)


def measure(rounds: int) -> dict[tuple[str, str], list[Start]]:
    """Start every server with every opening in turn, `rounds` times after one that warms up."""
    found: dict[tuple[str, str], list[Start]] = {(o, s): [] for o in OPENINGS for s in SERVERS}
    with tempfile.TemporaryDirectory() as home:
        for number in range(rounds + 1):
            for revision, name in found:
                one = start(SERVERS[name], OPENINGS[revision], home)
                if number:
                    found[revision, name].append(one)
    return found


def middle(starts: list[Start]) -> Start:
    """Return the median of each figure."""
    return Start(
        median(one.wall for one in starts),
        median(one.cpu for one in starts),
        median(one.exit for one in starts),
    )


def row(name: str, *figures: float, places: int = 0) -> None:
    """Print one row of the table."""
    print(f"{name:<28}" + "".join(f"{figure:>8.{places}f}" for figure in figures))


def compare(revision: str, theirs: Start, ours: Start) -> bool:
    """Print one opening's part of the table; return whether its bars are held."""
    for name, one in zip(SERVERS, (theirs, ours), strict=True):
        row(f"{revision}  {name}", *(1000 * figure for figure in (one.wall, one.cpu, one.exit)))
    wall, cpu = ours.wall / theirs.wall, ours.cpu / theirs.cpu
    row("            ratio", wall, cpu, places=2)
    return wall <= WALL_BAR and cpu <= CPU_BAR and ours.exit <= EXIT_BAR


def main() -> int:
    """Print a table of medians; return 1 where a bar is not held."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    found = measure(rounds)
    print(f"Medians of {rounds} interleaved rounds, in ms\n{'':<28}    wall     cpu    exit")
    held = [
        compare(revision, *(middle(found[revision, name]) for name in SERVERS))
        for revision in OPENINGS
    ]
    row("            ratio at most", WALL_BAR, CPU_BAR, places=2)
    print(f"            exit at most {EXIT_BAR * 1000:.0f} ms")
    print("held" if all(held) else "NOT HELD")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
