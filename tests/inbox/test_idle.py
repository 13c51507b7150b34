"""A server that nobody watches does next to nothing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import anyio
import pytest

from tests.inbox.stepping import Process, processes
from xdm_mcp.background import WORK_EVERY
from xdm_mcp.ledger import changes
from xdm_mcp.ledger.sqlite import SqliteDatabase

MINUTE = 60


async def minute(here: Process) -> Counter[str]:
    """Let a minute pass; return how many looks at the ledger, transactions and requests it took."""
    done: Counter[str] = Counter()
    listeners = here.app.steps._listeners
    listener = here.app.steps.subscribe
    listener(lambda step: done.update([step.kind]))
    await here.clock.sleep(MINUTE)
    listeners.pop()
    return done


@pytest.mark.parametrize("asked", [False, True])
async def test_without_a_watcher_nothing_is_written_asked_or_listened_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, asked: bool
) -> None:
    """Three small looks each half second are all: at what is due, what waits, what is forgotten.
    While somebody watches the ledger is looked at ten times a second, and afterwards no more."""
    pulses = 0
    pulse = SqliteDatabase._pulse

    async def counted(self: SqliteDatabase) -> int:
        nonlocal pulses
        pulses += 1
        return await pulse(self)

    monkeypatch.setattr(SqliteDatabase, "_pulse", counted)
    async with processes(tmp_path) as [here], anyio.create_task_group() as tasks:
        for work in (here.app.background.send, here.app.background.let_go):
            tasks.start_soon(here.app.background._repeat, "test", work, WORK_EVERY)
        if asked:
            await here.app.inbox.page()
        idle = await minute(here)
        assert idle["write"] == idle["request"] == 0
        assert pulses <= 1  # to know where it begins
        assert idle["read"] <= 3 * MINUTE * 2 + 3
        with here.app.inbox.watch():
            await here.clock.sleep(10)
            before = pulses
            await here.clock.sleep(10)
            assert pulses - before == pytest.approx(10 / changes.LOOK_EVERY, rel=0.1)
        await here.clock.sleep(1)
        before = pulses
        assert (await minute(here))["write"] == 0
        assert pulses == before
        tasks.cancel_scope.cancel()
