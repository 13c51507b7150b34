"""A process that polls is killed; another one that watches goes on after the lease, and no message
is told twice or lost."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from tests.children import environment
from tests.rigs import IRIS, Rig
from xdm_mcp.app import open_app
from xdm_mcp.bus import Changed
from xdm_mcp.clock import ManualClock, SystemClock
from xdm_mcp.config import load
from xdm_mcp.inbox import poller

LEASE = timedelta(seconds=2)
"""A short one, so that the test is."""

POLLS = f"""
import anyio, datetime
from pathlib import Path
from xdm_mcp.app import open_app
from xdm_mcp.clock import SystemClock
from xdm_mcp.config import load
from xdm_mcp.inbox import poller

poller.LEASE = datetime.timedelta(seconds={LEASE.total_seconds()})
poller.RENEW = poller.LEASE / 2

async def main():
    import sys
    settings = load(home=Path(sys.argv[1]), env={{}}, inbox={{"poll_seconds": 1}})
    async with open_app(settings, clock=SystemClock()) as app:
        with app.inbox.watch():
            await app.background.poll()

anyio.run(main)
"""


async def soon(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    with anyio.fail_after(30):
        while not await holds():
            await anyio.lowlevel.checkpoint()


async def test_a_killed_poller_is_followed_by_another_process_within_its_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGKILL leaves it no moment to give anything back."""
    monkeypatch.setattr(poller, "LEASE", LEASE)
    monkeypatch.setattr(poller, "RENEW", LEASE / 2)
    settings = load(home=tmp_path, env={}, inbox={"poll_seconds": 1})
    async with open_app(settings, clock=SystemClock()) as app, anyio.create_task_group() as tasks:
        here = Rig(app, ManualClock(SystemClock().now()), tmp_path)
        account = (await app.people.account()).id
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", POLLS, str(tmp_path), env=environment(tmp_path)
        )
        try:

            async def theirs() -> bool:
                polling = await app.ledger.polling(account)
                return polling.looked_at is not None and not polling.mine

            await soon(theirs)
            heard: list[Changed] = []
            app.bus.subscribe(heard.append)
            with app.inbox.watch():
                tasks.start_soon(app.background.poll)
                await here.says(IRIS, "Before.")

                async def told(count: int) -> bool:
                    return heard.count(Changed("inbox")) == count

                await soon(lambda: told(1))
                assert not (await app.ledger.polling(account)).mine
                child.kill()
                await child.wait()
                killed = SystemClock().now()
                await here.says(IRIS, "After.")

                async def ours() -> bool:
                    return (await app.ledger.polling(account)).mine

                await soon(ours)
                assert SystemClock().now() - killed < LEASE + timedelta(seconds=1)
                await soon(lambda: told(2))
            tasks.cancel_scope.cancel()
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
