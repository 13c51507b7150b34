"""What a decision and a whole send consist of, for `benchmarks/ledger.py`.

A decision is taken apart into the synchronous call in the ledger, the same without the sync, a
commit of as many pages that decides nothing, and a bare hop to a thread. A whole send goes through
the real outbox and guard to a backend that answers at once; the same without the ledger's thread
shows what asynchronous hops add.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import anyio
import apsw

from benchmarks.ledger import (
    DISK,
    LIMITS,
    ME,
    PEOPLE,
    ROOM,
    Bars,
    Took,
    allow,
    never,
    timed,
    words,
)
from tests.faults.quick import PEOPLE as FRIENDS
from tests.faults.quick import Quick, Roomy, meet_everybody, outbox_over
from xdm_mcp.clock import SystemClock, to_ms
from xdm_mcp.ledger.fulltext import FullText
from xdm_mcp.ledger.hops import Hops
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.reserving import reserve
from xdm_mcp.ledger.sql import Row, Sql, T, Value, Work
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.ledger.wanted import wanted_by
from xdm_mcp.models.people import User
from xdm_mcp.models.sends import Draft, Target

WRITES, AROUND_MS = 2.0, 0.4
"""The bars of a whole send: its durable writes, and its p50 outside of the ledger's
transactions."""

PAGES = 14
"""How many pages of 4 kB a decision writes."""


def parts(folder: Path, seconds: float, disk: Took, bars: Bars) -> None:
    """Print what a decision and a whole send consist of, and judge them."""
    call = synchronous(folder / "call.db", seconds / 2)
    dry = synchronous(folder / "dry.db", seconds / 2, dry=True)
    floor = pages_alone(folder / "pages.db", seconds / 4)
    hop, whole = bare_hop(seconds / 4), whole_sends(Counting(folder / "whole.db"), seconds)
    direct = whole_sends(Direct(folder / "direct.db"), seconds)
    print(f"  the ledger's call by itself : {call}")
    print(f"  the same without the sync   : {dry}")
    print(f"  {PAGES} pages, nothing decided   : {floor}")
    print(f"  a bare hop to a thread      : {hop}")
    print(f"  a whole send                : {whole.took}")
    print(f"  of it outside of the ledger : {whole.around}")
    print(f"  the same without a thread   : {direct.around}")
    print(f"  a whole send is {whole.statements:.1f} statements")
    bars.judge("p50 of the ledger's call against one sync", call.at(0.5) / disk.at(0.5), DISK)
    bars.judge("durable writes of a whole send", whole.writes, WRITES)
    bars.judge("p50 of a whole send outside of the ledger, ms", whole.around.at(0.5), AROUND_MS)
    added = whole.around.at(0.5) - direct.around.at(0.5)
    bars.judge("of that, what its asynchronous hops add, ms", added, AROUND_MS)


class Counting(SqliteDatabase):
    """The engine, with its statements and durable writes counted and its transactions timed."""

    statements = writes = 0
    inside = 0.0

    def _transact(self, begin: str, work: Work[T], end: str) -> T:
        def counted(sql: Sql) -> T:
            return work(CountingSql(sql, self))

        start = time.perf_counter()
        try:
            return super()._transact(begin, counted, end)
        finally:
            self.inside += (time.perf_counter() - start) * 1e3
            self.writes += begin == "BEGIN IMMEDIATE" and end == "COMMIT"


class Direct(Counting):
    """The same in the event loop's own thread, which stands still meanwhile."""

    async def _hop(self, step: Callable[[], T]) -> T:
        return self._guarded(step)


class CountingSql:
    """See `Sql`."""

    def __init__(self, inner: Sql, database: Counting) -> None:
        """Count for `database`."""
        self._inner = inner
        self._database = database

    @property
    def full_text(self) -> FullText:
        """See Sql.full_text."""
        return self._inner.full_text

    def all(self, statement: str, *values: Value) -> list[Row]:
        """See Sql.all."""
        self._database.statements += 1
        return self._inner.all(statement, *values)

    def one(self, statement: str, *values: Value) -> Row | None:
        """See Sql.one."""
        self._database.statements += 1
        return self._inner.one(statement, *values)

    def run(self, statement: str, *values: Value) -> int:
        """See Sql.run."""
        self._database.statements += 1
        return self._inner.run(statement, *values)


def synchronous(path: Path, seconds: float, *, dry: bool = False) -> Took:
    """Decide so long in this very thread, the log synced or (`dry`) not."""
    database, number = SqliteDatabase(path), iter(range(10**9))
    database._opened()
    if dry:
        database._log = None

    def once() -> None:
        serial = next(number)
        wanted = Draft(
            ME, "x-api-v2", "https://api.example", Target((str(serial % PEOPLE + 1),)),
            words(f"{path.stem} {serial} {time.time_ns()}"), 1,
        )  # fmt: skip
        at, digests = to_ms(datetime.now(UTC)), wanted_by(wanted, b"benchmark")
        database._transact(
            "BEGIN IMMEDIATE",
            lambda sql: reserve(
                sql, "bench", wanted, LIMITS, allow, never, at, leave=True, wanted=digests
            ),
            "COMMIT",
        )

    took = timed(once, seconds)
    anyio.run(database.close)
    return took


def pages_alone(path: Path, seconds: float) -> Took:
    """Commit as many pages as a decision writes by one statement, and sync the log: what the engine
    and the disk take for them, whatever is decided."""
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "NORMAL")
    connection.execute("CREATE TABLE page (id INTEGER PRIMARY KEY, content BLOB)")
    for number in range(PAGES):
        connection.execute("INSERT INTO page VALUES (?, randomblob(3900))", (number,))
    log = os.open(f"{path}-wal", os.O_RDWR)
    settle = getattr(os, "fdatasync", os.fsync)

    def once() -> None:
        connection.execute("UPDATE page SET content = randomblob(3900)")
        settle(log)

    took = timed(once, seconds)
    os.close(log)
    connection.close()
    return took


def bare_hop(seconds: float) -> Took:
    """Hop to a worker thread and back, and do nothing there."""

    async def run() -> Took:
        hops, begin = Hops(), time.perf_counter()
        times: list[float] = []
        while (start := time.perf_counter()) - begin < seconds:
            await hops.hop(lambda: None)
            times.append((time.perf_counter() - start) * 1e3)
        return Took(sorted(times), len(times) / seconds)

    return anyio.run(run)


@dataclass(frozen=True)
class Whole:
    """Whole sends: how long each took, how much of it outside of the ledger's transactions, and
    per send the durable writes and the statements."""

    took: Took
    around: Took
    writes: float
    statements: float


def whole_sends(database: Counting, seconds: float) -> Whole:
    """Send through the outbox for so long, to people who wrote to us first."""

    async def run() -> Whole:
        ledger = SqlLedger(database)
        await meet_everybody(ledger)
        await ledger.remember_users([User(who) for who in (*FRIENDS, ME)], datetime.now(UTC))
        outbox = outbox_over(ledger, Quick(lambda _: None), Roomy.of(ROOM), SystemClock())
        for number, who in enumerate(FRIENDS):  # each is met once
            await outbox.send(text=words(f"warm {number}"), to=who)
        times: list[float] = []
        around: list[float] = []
        writes, statements = database.writes, database.statements
        begin = time.perf_counter()
        while (start := time.perf_counter()) - begin < seconds:
            inside, number = database.inside, len(times)
            sent = await outbox.send(
                text=words(f"whole {number}"), to=FRIENDS[number % len(FRIENDS)]
            )
            assert sent.status == "sent", sent
            times.append((time.perf_counter() - start) * 1e3)
            around.append(times[-1] - (database.inside - inside))
        await ledger.close()
        n = len(times)
        return Whole(
            Took(sorted(times), n / seconds), Took(sorted(around), n / seconds),
            (database.writes - writes) / n, (database.statements - statements) / n,
        )  # fmt: skip

    return anyio.run(run)
