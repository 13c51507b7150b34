"""A warm process that forks the ones under attack, so that their imports are paid once.

It is told on a socket what to fork, one JSON line for each group of jobs that shall begin at the
same moment, perhaps while another one is stopped; and it answers with a line that says how each
ended and what it said. It opens nothing itself, and has no threads, so that a fork of it is as good
as a new process.
"""

from __future__ import annotations

import asyncio
import faulthandler
import functools
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import httpcore2

from tests.faults import jobs
from tests.faults.clocks import WorldClock
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import serve

LONGEST = 240
"""Seconds after which a job that hangs tells where, and ends."""

BROKE = 70
"""The exit code of a job that raised: it said what."""

WARM = (
    "anyio._backends._asyncio",
    "xdm_mcp.backends.signing",
    "xdm_mcp.inbox.reading",
    "xdm_mcp.outbox.sending",
    "xdm_mcp.outbox.standing",
)
"""What the program imports only when it is needed, which here is in every child."""


def main(channel: int, folder: Path) -> None:
    """Serve the sandbox at the clock of `folder`, and fork what the socket `channel` asks for."""
    for name in WARM:
        import_module(name)
    httpcore2.default_ssl_context = functools.cache(httpcore2.default_ssl_context)
    httpcore2.default_ssl_context(_trust_env=False)  # 0.1 s that every child would pay
    with os.fdopen(os.dup(channel)) as asks, os.fdopen(channel, "w") as answers:
        url = _serve(folder)
        gc.freeze()  # pages that nobody collects stay shared with the children
        print(json.dumps({"url": url}), file=answers, flush=True)
        for line in asks:
            asked = json.loads(line)
            ended = _round(asked["sleeper"], asked["jobs"], folder)
            print(json.dumps(ended), file=answers, flush=True)


def _round(
    sleeper: dict[str, Any] | None, asked: Sequence[dict[str, Any]], folder: Path
) -> list[dict[str, Any]]:
    """Do jobs together, while a `sleeper` that was begun before is stopped, if there is one."""
    if sleeper is None:
        return _together(asked, folder)
    waits, begin = os.pipe()
    file = folder / "said-asleep"
    child = _fork(sleeper, file, waits, begin)
    os.close(waits)
    os.close(begin)
    os.waitid(os.P_PID, child, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    ended = _together(asked, folder)
    os.kill(child, signal.SIGCONT)
    return [_ended(child, file), *ended]


def _serve(folder: Path) -> str:
    """Fork the world's own process, which ends with this one, and return its address."""
    told, tell = os.pipe()
    alive, ends = os.pipe()
    if os.fork() == 0:
        os.close(ends)
        _never_return(lambda: asyncio.run(_world(folder, tell, alive)))
    os.close(tell)
    os.close(alive)
    with os.fdopen(told) as spoken:
        return spoken.readline().strip()


async def _world(folder: Path, tell: int, alive: int) -> None:
    clock, told = WorldClock(folder / "clock"), os.fdopen(tell, "w")
    asyncio.get_running_loop().add_reader(alive, os._exit, 0)
    await serve(
        "127.0.0.1", 0, MemoryJournal(clock), clock,
        on_bound=lambda host, port: print(f"http://{host}:{port}", file=told, flush=True),
    )  # fmt: skip


def _together(asked: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """Fork one process for each job, let all begin at once, and return how they ended."""
    waits, begin = os.pipe()
    files = [folder / f"said-{number}" for number in range(len(asked))]
    children = [_fork(job, file, waits, begin) for job, file in zip(asked, files, strict=True)]
    os.close(waits)
    os.close(begin)
    return [_ended(child, file) for child, file in zip(children, files, strict=True)]


def _fork(job: dict[str, Any], file: Path, waits: int, begin: int) -> int:
    child = os.fork()
    if child == 0:
        os.close(begin)
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        os.read(waits, 1)  # until the last of the group was forked
        says = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_TRUNC | os.O_APPEND, 0o600)
        _never_return(lambda: _do(job, says))
    return child


def _do(job: dict[str, Any], says: int) -> None:
    def say(what: dict[str, Any]) -> None:
        os.write(says, json.dumps(what).encode() + b"\n")

    try:
        asyncio.run(jobs.JOBS[job.pop("job")](say, **job))
    except BaseException:
        say({"broke": traceback.format_exc()})
        raise


def _never_return(work: Callable[[], None]) -> None:
    code = BROKE
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def _ended(child: int, file: Path) -> dict[str, Any]:
    _, status = os.waitpid(child, 0)
    said = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return {"code": os.waitstatus_to_exitcode(status), "said": [json.loads(line) for line in said]}


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
