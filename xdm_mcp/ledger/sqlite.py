"""The embedded engine: one SQLite file, one connection, every transaction in one hop to a worker
thread.

The bundled SQLite of `apsw` is used on purpose: before 3.51.3 a checkpoint could lose commits when
two processes used one file in WAL mode (sqlite.org/wal.html, 2026-08), and two processes on one
file are our normal case.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import apsw

from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger.changes import Changes, Looking
from xdm_mcp.ledger.files import prepare
from xdm_mcp.ledger.fulltext import FullText
from xdm_mcp.ledger.fulltext_sqlite import Fts5
from xdm_mcp.ledger.hops import Hops
from xdm_mcp.ledger.migrations import APPLICATION_ID, MIGRATIONS, migrate
from xdm_mcp.ledger.sql import Row, T, Value, Work
from xdm_mcp.ledger.syncing import Log
from xdm_mcp.ledger.turns import Turns

MEMORY = ":memory:"
"""The path of a ledger that lives and dies with its process."""

FIXED = (3, 51, 3)
"""The first SQLite without the WAL-reset fault (sqlite.org release log, 2026-03)."""

BUSY_MS = 5_000
"""How long a transaction waits for another process before it gives up."""

OPEN_AGAIN = 0.02
"""Seconds between tries to open a file that another process is making."""

SETTINGS = (
    f"PRAGMA busy_timeout = {BUSY_MS}",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA foreign_keys = ON",
    "PRAGMA synchronous = NORMAL",  # commits are synced by `Log`, once the turn is given on
    "PRAGMA fullfsync = ON",  # on macOS a plain fsync does not reach the disk
    "PRAGMA secure_delete = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -8192",  # KiB: room for all that lies above the leaves of large tables
)
"""What every connection sets before it touches anything."""

TROUBLE: tuple[tuple[type[apsw.Error], str], ...] = (
    (apsw.BusyError, "is kept busy by another process; try again in a moment"),
    (apsw.FullError, "cannot grow because its disk is full; free some space and try again"),
    (apsw.ReadOnlyError, "cannot be written; give the program the right to write it"),
    (apsw.CantOpenError, "cannot be opened; check that its folder exists and may be written"),
    (apsw.NotADBError, "is not a ledger; set `ledger_url` to another file"),
    (apsw.CorruptError, "is damaged; restore it from a backup before anything is sent"),
    (apsw.IOError, "cannot be read or written; check its disk"),
)
"""What each failure of the engine means for the owner."""


class SqliteDatabase:
    """See Database. `path` is a file, or `MEMORY`."""

    def __init__(self, path: Path | str) -> None:
        """Remember where; open nothing."""
        self._path = path
        self._connection: apsw.Connection | None = None
        self._log: Log | None = None
        self._hops = Hops()
        self._turns = Turns(path)

    @property
    def place(self) -> str:
        """See Database.place."""
        return "memory" if self._path == MEMORY else str(self._path)

    async def read(self, work: Work[T]) -> T:
        """See Database.read."""
        return await self._hop(partial(self._transact, "BEGIN", work, "COMMIT"))

    async def write(self, work: Work[T]) -> T:
        """See Database.write."""
        return await self._hop(partial(self._transact, "BEGIN IMMEDIATE", work, "COMMIT"))

    async def imagine(self, work: Work[T]) -> T:
        """See Database.imagine."""
        return await self._hop(partial(self._transact, "BEGIN IMMEDIATE", work, "ROLLBACK"))

    async def scrub(self, patience: float) -> bool:
        """See Database.scrub."""
        return await self._hop(partial(self._scrub, patience))

    async def changes(self) -> Changes:
        """See Database.changes. SQLite counts for each connection what others committed."""
        return Looking(self._pulse, await self._pulse())

    async def _pulse(self) -> int:
        return await self._hop(lambda: _number(self._opened(), "data_version"))

    async def close(self) -> None:
        """See Database.close."""
        await self._hop(self._close)
        self._hops.end()

    async def _hop(self, step: Callable[[], T]) -> T:
        return await self._hops.hop(partial(self._guarded, step))

    def _guarded(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except apsw.Error as error:
            for kind, says in TROUBLE:
                if isinstance(error, kind):
                    raise LedgerUnavailable(f"The ledger {self.place} {says}.") from error
            raise

    def _transact(self, begin: str, work: Work[T], end: str) -> T:
        connection = self._opened()
        writes = begin == "BEGIN IMMEDIATE"
        with self._turns.turn() if writes and isinstance(self._path, Path) else nullcontext():
            connection.execute(begin)
            try:
                result = work(ApswSql(connection))
                version = _number(connection, "data_version")
                connection.execute(end)
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        if self._log is not None:
            self._log.cover(version, wrote=writes and end == "COMMIT")
        return result

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            if _version() < FIXED:
                raise LedgerUnavailable(
                    f"SQLite {apsw.sqlite_lib_version()} can lose what two processes write;"
                    " install an `apsw` that brings its own."
                )
            if isinstance(self._path, Path):
                prepare(self._path)
            connection = apsw.Connection(str(self._path))
            try:
                self._make_ready(connection)
            except BaseException:
                self._let_go_of_log()
                connection.close()
                raise
            self._connection = connection
        if self._log is not None:
            self._log.check()
        return self._connection

    def _make_ready(self, connection: apsw.Connection) -> None:
        for setting in SETTINGS:
            connection.execute(setting)
        # Else SQLite looks at bound values while it plans, and plans anew for each new value.
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        # Two first openers both want the file to themselves when they turn its journal to WAL, and
        # SQLite refuses one at once instead of having it wait: it would be a deadlock.
        until = time.monotonic() + BUSY_MS / 1000
        while True:
            try:
                return self._settle_in(connection)
            except apsw.BusyError:
                if time.monotonic() > until:
                    raise
                time.sleep(OPEN_AGAIN)

    def _settle_in(self, connection: apsw.Connection) -> None:
        # In one snapshot: between two reads of their own another process may make the tables.
        connection.execute("BEGIN")
        try:
            self._refuse_strange(connection)
        finally:
            connection.execute("ROLLBACK")
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._refuse_strange(connection)  # again: another process may have migrated meanwhile
            if isinstance(self._path, Path):
                self._let_go_of_log()
                self._log = Log(connection.filename_wal, self.place)
                self._log.renew()
            migrate(ApswSql(connection), _number(connection, "user_version"))
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise

    def _refuse_strange(self, connection: apsw.Connection) -> None:
        owner, version = _number(connection, "application_id"), _number(connection, "user_version")
        empty = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
        if owner != APPLICATION_ID and not (empty and owner == 0 and version == 0):
            raise LedgerUnavailable(
                f"The file {self.place} is not a ledger; set `ledger_url` to another file."
            )
        if version > len(MIGRATIONS):
            raise LedgerUnavailable(
                f"The ledger {self.place} was written by a newer version of this program;"
                " update this one."
            )

    def _scrub(self, patience: float) -> bool:
        if self._path == MEMORY:
            return True
        connection = self._opened()
        connection.set_busy_timeout(round(patience * 1000))
        try:
            with self._turns.turn():
                connection.execute("VACUUM")
            [[busy, _, _]] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except apsw.BusyError:
            return False
        finally:
            connection.set_busy_timeout(BUSY_MS)
        return not busy

    def _close(self) -> None:
        self._let_go_of_log()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._turns.close()

    def _let_go_of_log(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            log.close()


class ApswSql:
    """See Sql."""

    full_text: FullText = Fts5()

    def __init__(self, connection: apsw.Connection) -> None:
        """Speak to `connection`, within the transaction that is open on it."""
        self._connection = connection

    def all(self, statement: str, *values: Value) -> list[Row]:
        """See Sql.all."""
        return self._connection.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Value) -> Row | None:
        """See Sql.one."""
        rows = self._connection.execute(statement, values).fetchall()
        return rows[0] if rows else None

    def run(self, statement: str, *values: Value) -> int:
        """See Sql.run."""
        self._connection.execute(statement, values)
        return self._connection.changes()


def _number(connection: apsw.Connection, pragma: str) -> int:
    [[value]] = connection.execute(f"PRAGMA {pragma}").fetchall()  # planned once
    return value if isinstance(value, int) else 0


def _version() -> tuple[int, ...]:
    return tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
