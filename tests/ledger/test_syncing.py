"""When a commit of the embedded ledger is durable, and what becomes of one that cannot be."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest

from tests.contract.ledger.desk import Desk, draft
from tests.faults.quick import PEOPLE, Quick, Roomy, meet_everybody, outbox_over
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger import syncing
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import SqliteDatabase

OpenDesk = Callable[[], Desk]


@pytest.fixture
async def open_desk(tmp_path: Path) -> AsyncIterator[OpenDesk]:
    """Open one more desk over the same file, as another process does."""
    opened: list[Desk] = []

    def another() -> Desk:
        opened.append(Desk(SqlLedger(SqliteDatabase(tmp_path / "ledger.db"))))
        return opened[-1]

    yield another
    for desk in opened:
        await desk.ledger.close()


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of the log at each sync of it."""
    seen: list[int] = []

    def flush(file: int) -> None:
        seen.append(os.fstat(file).st_size)
        os.fsync(file)

    monkeypatch.setattr(syncing, "flush", flush)
    return seen


async def test_every_change_is_synced_once_before_it_is_told_of(
    open_desk: OpenDesk, syncs: list[int], tmp_path: Path
) -> None:
    """The sync comes after the last byte of the commit; looking and imagining need none."""
    desk = open_desk()
    await desk.ledger.recent()
    await desk.reserved(draft("One"))
    syncs.clear()

    await desk.reserved(draft("Two"))
    assert syncs == [(tmp_path / "ledger.db-wal").stat().st_size]

    await desk.ledger.recent()
    await desk.ledger.facts(draft("Three"), (), desk.now)
    assert len(syncs) == 1


async def test_the_next_process_decides_while_one_waits_for_the_disk(
    open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A turn ends with the commit, not with the sync; what was decided is seen by the next one."""
    slow, quick = open_desk(), open_desk()
    await slow.reserved(draft("Before"))
    await quick.ledger.recent()
    waits, goes_on = threading.Event(), threading.Event()

    def flush(file: int) -> None:
        if not waits.is_set():
            waits.set()
            goes_on.wait()

    monkeypatch.setattr(syncing, "flush", flush)
    told: list[str] = []

    async def decide_slowly() -> None:
        await slow.reserved(draft("One"))
        told.append("slow")

    async with anyio.create_task_group() as both:
        both.start_soon(decide_slowly)
        try:
            await anyio.to_thread.run_sync(waits.wait)
            assert (await quick.reserve(draft("One"))).repeat
            await quick.reserved(draft("Two"))
            told.append("quick")
        finally:
            goes_on.set()

    assert told == ["quick", "slow"]


async def test_a_disk_that_fails_to_sync_is_named_and_not_believed_again(
    open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system may call pages written that it lost; only a new start trusts the disk anew."""
    desk = open_desk()
    await desk.reserved(draft("One"))
    failures = [OSError(errno.EIO, "Input/output error")]

    def flush(file: int) -> None:
        if failures:
            raise failures.pop()

    monkeypatch.setattr(syncing, "flush", flush)

    for text in ("Two", "Three"):
        with pytest.raises(LedgerUnavailable, match=r"synced to its disk \(Input/output error\)"):
            await desk.reserve(draft(text))

    again = open_desk()
    await again.reserved(draft("Four"))
    assert [entry.text for entry in await again.ledger.recent()] == ["Four", "Two", "One"]


async def test_nothing_leaves_for_a_decision_that_the_disk_did_not_keep(
    open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request would be on its way before the ledger is sure to know of it."""
    desk = open_desk()
    await meet_everybody(desk.ledger)
    delivered: list[str] = []
    backend = Quick(delivered.append)
    outbox = outbox_over(desk.ledger, backend, Roomy.of(10), ManualClock(desk.now))

    def flush(file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(syncing, "flush", flush)

    with pytest.raises(LedgerUnavailable):
        await outbox.send(text="Hello", to=PEOPLE[0])
    assert delivered == []
