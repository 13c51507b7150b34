"""What the embedded engine must do as SQLite: durable, shared, private, and whole when the disk is
not."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import apsw
import pytest

from tests.contract.ledger.desk import Desk, draft, message, own, sent
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger import sqlite
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import ApswSql, SqliteDatabase


def raw_bytes(folder: Path) -> bytes:
    """Return every byte of every file in a folder."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def run_each(program: str, *arguments: list[str]) -> list[tuple[int, bytes]]:
    """Run a program at once for each list of arguments; return how each ended and what it said."""
    children = [
        subprocess.Popen([sys.executable, "-c", program, *given], stderr=subprocess.PIPE)
        for given in arguments
    ]
    said = [child.communicate(timeout=60)[1] for child in children]
    return [(child.returncode, words) for child, words in zip(children, said, strict=True)]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    """An engine on a fresh file."""
    database = SqliteDatabase(tmp_path / "ledger.db")
    yield database
    await database.close()


@pytest.fixture
def desk(database: SqliteDatabase) -> Desk:
    """A desk over that engine."""
    return Desk(SqlLedger(database))


async def test_the_settings_that_promises_rest_on_are_in_force(database: SqliteDatabase) -> None:
    """Write-ahead log that is synced round checkpoints, foreign keys, overwritten deletions; each
    commit is synced by `ledger/syncing.py`."""

    def read(sql: ApswSql) -> dict[str, object]:
        names = ["journal_mode", "synchronous", "foreign_keys", "secure_delete", "busy_timeout"]
        return {name: (sql.one(f"PRAGMA {name}") or [None])[0] for name in names}

    assert await database.read(read) == {  # type: ignore[arg-type]
        "journal_mode": "wal",
        "synchronous": 1,
        "foreign_keys": 1,
        "secure_delete": 1,
        "busy_timeout": 5000,
    }


async def test_an_sqlite_that_may_lose_commits_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before 3.51.3 a checkpoint could skip what another process had committed."""
    monkeypatch.setattr(sqlite.apsw, "sqlite_lib_version", lambda: "3.51.2")

    with pytest.raises(LedgerUnavailable, match=r"3\.51\.2"):
        await desk.ledger.recent()


async def test_a_busy_ledger_says_so_and_changes_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else keeps the lock for too long: unavailable now, and fine afterwards."""
    monkeypatch.setattr(sqlite, "SETTINGS", ("PRAGMA busy_timeout = 1",))
    await desk.reserved(draft("One"))
    other = apsw.Connection(str(tmp_path / "ledger.db"))
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(LedgerUnavailable, match="busy"):
        await desk.reserve(draft("Two"))

    other.execute("ROLLBACK")
    other.close()
    assert (await desk.reserve(draft("Two"))).entry is not None


async def test_a_full_disk_is_named_and_nothing_is_half_written(
    desk: Desk, database: SqliteDatabase
) -> None:
    """The send that does not fit leaves no charge, and the next one works once there is room."""
    await desk.reserved(draft("One"))
    before = await database.read(_dump)
    [[pages]] = await database.read(lambda sql: sql.all("PRAGMA page_count"))
    await database.read(lambda sql: sql.run(f"PRAGMA max_page_count = {pages}"))

    with pytest.raises(LedgerUnavailable, match="disk is full"):
        await desk.reserve(draft("x" * 90_000))

    assert await database.read(_dump) == before
    await database.read(lambda sql: sql.run("PRAGMA max_page_count = 1000000"))
    assert (await desk.reserve(draft("x" * 90_000))).entry is not None


def _dump(sql: object) -> list[object]:
    tables = sql.all(  # type: ignore[attr-defined]
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return [(name, sql.all(f"SELECT * FROM {name}")) for (name,) in tables]  # type: ignore[attr-defined]  # noqa: S608


async def test_the_text_of_a_settled_send_is_gone_from_the_file(desk: Desk, tmp_path: Path) -> None:
    """Sent, refused, rejected or expired: after a checkpoint no byte of the words is left."""
    secret = "Zanzibar-4711"
    await desk.send(draft(f"{secret} sent " * 200))
    held = await desk.held(draft(f"{secret} rejected " * 200))
    assert held.hold is not None
    await desk.ledger.reject(held.hold.approval_id, "owner", desk.now)
    await desk.held(draft(f"{secret} expired"))
    desk.later(hours=1)
    await desk.ledger.due(desk.now)
    await desk.record(message(desk.now, secret), own(desk.now, secret, serial=2))
    assert secret.encode() in raw_bytes(tmp_path)  # or the test would prove nothing

    other = apsw.Connection(str(tmp_path / "ledger.db"))
    other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()

    assert len(raw_bytes(tmp_path)) > 4096
    assert secret.encode() not in raw_bytes(tmp_path)


async def test_a_waiting_send_keeps_its_text(desk: Desk) -> None:
    """What a person is asked about must still be there when the process starts again."""
    held = await desk.held(draft("Please read this"))
    await desk.ledger.close()

    assert await desk.ledger.entry(held.id) == held


async def test_many_processes_may_open_a_new_ledger_at_once(tmp_path: Path) -> None:
    """Eight of them race to make the schema, and every one can work with it."""
    program = (
        "import sys, anyio\n"
        "from datetime import UTC, datetime\n"
        "from xdm_mcp.ledger.opening import open_ledger\n"
        "from xdm_mcp.models.people import User\n"
        "async def main():\n"
        "    ledger = open_ledger('sqlite:///' + sys.argv[1])\n"
        "    await ledger.remember_users([User(sys.argv[2])], datetime.now(UTC))\n"
        "    await ledger.close()\n"
        "anyio.run(main)\n"
    )
    path = str(tmp_path / "home" / "ledger.db")

    ended = run_each(program, *([path, str(number)] for number in range(8)))

    assert ended == [(0, b"")] * 8
    ledger = SqlLedger(SqliteDatabase(Path(path)))
    known = [await ledger.known_user(str(number)) for number in range(8)]
    await ledger.close()
    assert all(known)


async def test_a_crowd_of_tasks_is_served_in_one_thread_at_a_time(desk: Desk) -> None:
    """Fifty sends at once, whichever worker threads they land on."""
    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(desk.reserve, draft(f"Text {number}"))

    assert len(await desk.ledger.recent(100)) == 50


def test_a_ledger_may_serve_one_event_loop_after_another() -> None:
    """A command that runs several loops keeps one ledger."""
    desk = Desk(SqlLedger(SqliteDatabase(sqlite.MEMORY)))

    anyio.run(desk.reserve, draft("One"))
    anyio.run(desk.reserve, draft("Two"))

    assert len(anyio.run(desk.ledger.recent)) == 2
    anyio.run(desk.ledger.close)


async def test_a_killed_process_leaves_what_it_committed_and_nothing_else(tmp_path: Path) -> None:
    """SIGKILL within a transaction: the reservation before it stands, the half one is gone."""
    program = (
        "import os, signal, sys, anyio\n"
        "from tests.contract.ledger.desk import Desk, draft\n"
        "from xdm_mcp.ledger.opening import open_ledger\n"
        "def die(facts, now):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "async def main():\n"
        "    desk = Desk(open_ledger('sqlite:///' + sys.argv[1]))\n"
        "    await desk.flying(draft('One'))\n"
        "    await desk.reserve(draft('Two'), die)\n"
        "anyio.run(main)\n"
    )
    path = tmp_path / "ledger.db"

    assert run_each(program, [str(path)]) == [(-signal.SIGKILL, b"")]

    desk = Desk(SqlLedger(SqliteDatabase(path)))
    desk.later(minutes=2)
    [due] = await desk.ledger.due(desk.now)
    assert (due.text, due.state) == ("One", "unknown")
    assert (await desk.reserve(draft("Two"))).entry is not None
    await desk.ledger.close()


async def test_no_statement_of_a_send_reads_a_whole_table(
    desk: Desk, database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every look-up of a decision, a settlement and a sweep goes by an index."""
    await desk.ledger.recent()  # the steps of the schema are not looked at
    statements: set[tuple[str, int]] = set()
    for name in ("all", "one", "run"):
        plain = getattr(ApswSql, name)

        def noted(self: ApswSql, statement: str, *values: object, plain: object = plain) -> object:
            statements.add((statement, len(values)))
            return plain(self, statement, *values)  # type: ignore[operator]

        monkeypatch.setattr(ApswSql, name, noted)
    await desk.record(message(desk.now), own(desk.now))
    flying = await desk.flying(draft("One"))
    await desk.settle(flying, replace(sent("555"), retry_at=desk.now + timedelta(minutes=1)))
    await desk.claim(await desk.approved(draft("Two")))
    await desk.ledger.due(desk.now)
    monkeypatch.undo()

    plans = {statement: await database.read(_plan(statement, n)) for statement, n in statements}

    tables = await database.read(lambda sql: {row[0] for row in sql.all(TABLES)})
    scans = {s for s, plan in plans.items() if any(_scanned(line) in tables for line in plan)}
    few = {s for s in scans if s.startswith("UPDATE scope")}  # an account has a handful of scopes
    assert scans == few
    assert len(plans) > 25


TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table'"


def _scanned(line: str) -> str:
    """Return what a line of a plan reads from one end to the other: a table, a part of the
    statement itself, or nothing."""
    words = line.split()
    return words[1] if words[0] == "SCAN" else ""


def _plan(statement: str, count: int) -> object:
    def explain(sql: ApswSql) -> list[str]:
        if statement.strip().startswith(("CREATE", "PRAGMA")):
            return []
        return [row[3] for row in sql.all(f"EXPLAIN QUERY PLAN {statement}", *[None] * count)]

    return explain
