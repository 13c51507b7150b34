"""When a commit of the embedded ledger is durable, and what becomes of one that cannot be."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from tests.contract.ledger.desk import Desk, draft, own
from tests.faults.quick import PEOPLE, Quick, Roomy, meet_everybody, outbox_over
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger import syncing
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import SqliteDatabase

OpenDesk = Callable[..., Desk]


@dataclass
class Disk:
    """The syncs of every log: how long each was, and what happens at the next one."""

    log: Path
    sizes: list[int] = field(default_factory=list)
    before: Callable[[], None] = lambda: None

    def flush(self, file: int) -> None:
        """Stand in for `syncing.flush`."""
        assert os.path.samestat(os.fstat(file), self.log.stat())
        self.before()
        self.sizes.append(os.fstat(file).st_size)

    def fail_at(self, number: int) -> None:
        """Let one sync from now on fail, as if the disk were broken; 0 is the next one."""
        at = len(self.sizes) + number

        def before() -> None:
            if len(self.sizes) == at:
                self.sizes.append(0)
                raise OSError(errno.EIO, "Input/output error")

        self.before = before


@pytest.fixture
async def open_desk(tmp_path: Path) -> AsyncIterator[OpenDesk]:
    """Open one more desk over the same file, as another process does."""
    opened: list[Desk] = []

    def another(path: Path = tmp_path / "ledger.db") -> Desk:
        opened.append(Desk(SqlLedger(SqliteDatabase(path))))
        return opened[-1]

    yield another
    for desk in opened:
        await desk.ledger.close()


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """A disk on which everything is safe at once, and which tells of every sync."""
    disk = Disk(tmp_path / "ledger.db-wal")
    monkeypatch.setattr(syncing, "flush", disk.flush)
    return disk


async def test_every_change_is_synced_once_before_it_is_told_of(
    open_desk: OpenDesk, disk: Disk
) -> None:
    """After the last byte of the commit; a repeat too, since it tells what another may have
    written. Looking at what is safe already, and imagining, need no sync."""
    desk = open_desk()
    await desk.ledger.recent()
    await desk.reserved(draft("One"))
    disk.sizes.clear()

    await desk.reserved(draft("Two"))
    assert disk.sizes == [disk.log.stat().st_size]
    assert (await desk.reserve(draft("Two"))).repeat
    assert len(disk.sizes) == 2

    await desk.ledger.recent()
    await desk.ledger.facts(draft("Three"), (), desk.now)
    assert len(disk.sizes) == 2


async def test_the_log_is_the_one_that_sqlite_writes_after_it_was_closed_too(
    open_desk: OpenDesk, disk: Disk
) -> None:
    """The last to close a ledger deletes its log, and the next makes another."""
    desk = open_desk()
    await desk.reserved(draft("One"))
    await desk.ledger.close()

    await desk.reserved(draft("Two"))

    assert disk.sizes[-1] == disk.log.stat().st_size


async def test_a_ledger_behind_a_link_syncs_the_log_beside_the_file_itself(
    open_desk: OpenDesk, disk: Disk, tmp_path: Path
) -> None:
    """SQLite keeps it there; a file of that name beside the link is somebody's old one."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "ledger.db").symlink_to(tmp_path / "ledger.db")
    (home / "ledger.db-wal").touch(0o600)
    (tmp_path / "ledger.db").touch(0o600)

    await open_desk(home / "ledger.db").reserved(draft("One"))

    assert disk.sizes


@pytest.mark.skipif(not hasattr(os, "fdatasync"), reason="this system has another")
async def test_a_sync_is_one_of_the_system(
    open_desk: OpenDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else makes a commit durable."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    desk = open_desk()
    await desk.reserved(draft("Before"))
    before = len(synced)

    await desk.reserved(draft("One"))

    assert len(synced) == before + 1


async def test_the_next_process_decides_while_one_waits_for_the_disk(
    open_desk: OpenDesk, disk: Disk
) -> None:
    """A turn ends with the commit, not with the sync; what was decided is seen by the next one."""
    slow, quick = open_desk(), open_desk()
    await slow.reserved(draft("Before"))
    await quick.ledger.recent()
    waits, goes_on = threading.Event(), threading.Event()

    def first_waits() -> None:
        if not waits.is_set():
            waits.set()
            goes_on.wait()

    disk.before = first_waits
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


async def test_whoever_reads_what_others_wrote_syncs_before_it_tells(
    open_desk: OpenDesk, disk: Disk
) -> None:
    """Else what it told, or left undone because it was known, may be forgotten with the power."""
    writer, reader = open_desk(), open_desk()
    await writer.reserved(draft("One"))
    await reader.ledger.recent()
    await writer.record(own(writer.now))
    disk.sizes.clear()

    await reader.ledger.recent()
    assert len(disk.sizes) == 1

    await reader.ledger.recent()
    assert len(disk.sizes) == 1


async def test_a_disk_that_fails_to_sync_is_named_and_not_believed_again(
    open_desk: OpenDesk, disk: Disk
) -> None:
    """Nothing more is decided, read or written over that connection."""
    desk = open_desk()
    await desk.reserved(draft("One"))
    disk.fail_at(0)

    for _ in range(2):
        with pytest.raises(LedgerUnavailable, match=r"synced to its disk \(Input/output error\)"):
            await desk.reserve(draft("Two"))
    with pytest.raises(LedgerUnavailable, match="check the disk"):
        await desk.ledger.recent()

    assert [entry.text for entry in await open_desk().ledger.recent()] == ["Two", "One"]


async def test_whoever_opens_a_ledger_writes_its_log_anew(
    open_desk: OpenDesk, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system may call pages written that it lost; what is committed behind such a hole would be
    lost with it. Written once more they are sure to reach the disk with the next sync."""
    desk = open_desk()
    await desk.reserved(draft("One"))
    disk.fail_at(0)
    with pytest.raises(LedgerUnavailable):
        await desk.reserve(draft("Two"))
    found, written = disk.log.read_bytes(), bytearray()
    monkeypatch.setattr(syncing, "AT_ONCE", 5_000)
    write = os.write

    def seen(file: int, some: bytes) -> int:
        if os.path.samestat(os.fstat(file), disk.log.stat()):
            assert os.lseek(file, 0, os.SEEK_CUR) == len(written)
            written.extend(some)
        return write(file, some)

    monkeypatch.setattr(os, "write", seen)
    disk.sizes.clear()

    await open_desk().ledger.recent()

    assert bytes(written) == found
    assert disk.sizes[0] == len(found)
    assert disk.log.read_bytes() == found


@pytest.mark.parametrize("number", range(4))
async def test_nothing_leaves_for_a_decision_that_the_disk_did_not_keep(
    open_desk: OpenDesk, disk: Disk, number: int
) -> None:
    """A send syncs its look at the account, twice, its decision and its outcome: only after the
    third may its request leave, and what X answered then is told all the same."""
    desk = open_desk()
    await meet_everybody(desk.ledger)
    delivered: list[str] = []
    outbox = outbox_over(desk.ledger, Quick(delivered.append), Roomy.of(10), ManualClock(desk.now))
    disk.fail_at(number)

    if number < 3:
        with pytest.raises(LedgerUnavailable):
            await outbox.send(text="Hello", to=PEOPLE[0])
        assert delivered == []
    else:
        assert (await outbox.send(text="Hello", to=PEOPLE[0])).status == "sent"
        assert delivered == ["Hello"]


@pytest.mark.parametrize(("number", "falls_back"), [(errno.ENOTSUP, True), (errno.EIO, False)])
def test_where_a_plain_sync_is_not_enough_only_its_absence_is_forgiven(
    monkeypatch: pytest.MonkeyPatch, number: int, falls_back: bool
) -> None:
    """On macOS a full sync is asked for; a disk that fails at it has failed."""
    plain: list[int] = []

    class Fcntl:
        F_FULLFSYNC = 51

        def fcntl(self, file: int, _: int) -> None:
            raise OSError(number, "No.")

    monkeypatch.setattr(syncing.sys, "platform", "darwin")
    monkeypatch.setattr(syncing, "fcntl", Fcntl(), raising=False)
    monkeypatch.setattr(os, "fdatasync", plain.append, raising=False)

    with nullcontext() if falls_back else pytest.raises(OSError, match="No"):
        syncing.flush(7)

    assert plain == [7] * falls_back
