"""The engine for many machines: one PostgreSQL database, every transaction in one hop to a worker
thread, on one session."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

from xdm_mcp.errors import ConfigError, LedgerUnavailable
from xdm_mcp.ledger.changes import Changes
from xdm_mcp.ledger.hops import Hops
from xdm_mcp.ledger.listening import Hearing, Listening
from xdm_mcp.ledger.session import (
    CONNECTING,
    NOTIFY,
    PsycopgSql,
    Session,
    begin_read,
    begin_write,
    committed,
    connect,
)
from xdm_mcp.ledger.sql import T, Work

PATIENCE = 10.0
"""For how long (s) we try to learn what became of a commit whose answer was lost."""

PAUSE = 0.2
"""How long (s) we wait between two such tries."""

SCRUBBED = ("kept", "entry", "person")
"""The tables in which words of people lie."""

TROUBLE: tuple[tuple[type[psycopg.Error], str], ...] = (
    (errors.LockNotAvailable, "is kept busy by another process; try again in a moment"),
    (errors.DiskFull, "cannot grow because its server's disk is full; free some space there"),
    (errors.ReadOnlySqlTransaction, "cannot be written; let its server accept changes"),
    (errors.InsufficientPrivilege, "is closed to this user; let it create and write tables there"),
    (errors.InvalidSchemaName, "has no schema for this user; name one in its address"),
    (errors.DuplicateTable, "holds another program's tables; give it a database of its own"),
    (psycopg.InternalError, "gave up; look into the log of its server"),
    (
        psycopg.OperationalError,
        "cannot be reached or does not let us in; check its server, and user and password in"
        " `ledger_url`",
    ),
)
"""What each failure of the engine means for the owner; the first that fits."""

Begin = Callable[[Session], str]


class PostgresDatabase:
    """See Database. `url` is an address as libpq takes it: `postgresql://user@host/database`."""

    def __init__(self, url: str) -> None:
        """Remember where; connect to nothing.

        Raises ConfigError for an address that cannot be read, without repeating it.
        """
        try:
            self._address: dict[str, Any] = CONNECTING | conninfo_to_dict(url)
        except psycopg.Error:
            raise ConfigError(
                "`ledger_url` cannot be read; write it as `postgresql://user@host/database`, with"
                " percent signs for special characters."
            ) from None
        self._session: Session | None = None
        self._hops = Hops()
        self._listening = Listening(self._address, self.place, self._notify)

    @property
    def place(self) -> str:
        """See Database.place."""
        host = self._address.get("host") or self._address.get("hostaddr") or ""
        port = self._address.get("port")
        name = self._address.get("dbname") or ""
        return f"postgresql://{host}{f':{port}' if port else ''}/{name}"

    async def read(self, work: Work[T]) -> T:
        """See Database.read."""
        return await self._hop(partial(self._transact, begin_read, work, "COMMIT"))

    async def write(self, work: Work[T]) -> T:
        """See Database.write."""
        return await self._hop(partial(self._transact, begin_write, work, "COMMIT"))

    async def imagine(self, work: Work[T]) -> T:
        """See Database.imagine."""
        return await self._hop(partial(self._transact, begin_write, work, "ROLLBACK"))

    async def scrub(self, patience: float) -> bool:
        """See Database.scrub. Its own log is the server's, and goes as its settings say."""
        return await self._hop(partial(self._scrub, patience))

    async def changes(self) -> Changes:
        """See Database.changes."""
        await self._listening.open()
        return Hearing(self._listening)

    async def _notify(self) -> None:
        await self._hop(self._notify_now)

    def _notify_now(self) -> None:
        session, _ = self._begun(lambda kept: kept.execute("BEGIN").statusmessage or "")
        session.execute(NOTIFY)
        session.execute("COMMIT")

    async def close(self) -> None:
        """See Database.close."""
        self._listening.close()
        await self._hop(self._drop)
        self._hops.end()

    async def _hop(self, step: Callable[[], T]) -> T:
        return await self._hops.hop(partial(self._guarded, step))

    def _guarded(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except psycopg.Error as error:
            for kind, says in TROUBLE:
                if isinstance(error, kind):
                    raise LedgerUnavailable(f"The ledger {self.place} {says}.") from error
            raise

    def _transact(self, begin: Begin, work: Work[T], end: str) -> T:
        session, number = self._begun(begin)
        sql = PsycopgSql(session)
        try:
            result = work(sql)
        except BaseException:
            self._undo(session)
            raise
        self._end(session, end, number)
        if sql.wrote and end == "COMMIT":
            self._tell()
        return result

    def _begun(self, begin: Begin) -> tuple[Session, str]:
        """Begin on the session there is, or on a new one if the server has let go of it."""
        kept = self._session
        if kept is not None:
            try:
                return kept, self._begin(begin, kept)
            except psycopg.OperationalError:
                if not kept.closed:
                    raise
        session = self._session = connect(self._address, self.place)
        return session, self._begin(begin, session)

    def _begin(self, begin: Begin, session: Session) -> str:
        try:
            return begin(session)
        except BaseException:
            self._undo(session)
            raise

    def _end(self, session: Session, end: str, number: str) -> None:
        try:
            said = self._say(session, end)
        except psycopg.OperationalError:
            if not session.closed:
                raise
            self._drop()
            if end == "COMMIT" and number and not self._was_committed(number):
                raise
            return
        if said != end:
            raise LedgerUnavailable(f"The ledger {self.place} undid this; try again.")

    def _scrub(self, patience: float) -> bool:
        session, _ = self._begun(begin_read)
        session.execute("COMMIT")
        session.execute(f"SET lock_timeout = {round(patience * 1000)}")
        try:
            for table in SCRUBBED:
                session.execute(f"VACUUM (FULL) {table}")
        except errors.LockNotAvailable:
            return False
        finally:
            session.execute("RESET lock_timeout")
        return True

    def _say(self, session: Session, end: str) -> str | None:
        return session.execute(end).statusmessage

    def _was_committed(self, number: str) -> bool:
        """Ask until somebody answers: a commit whose answer was lost has happened, or it has
        not."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                self._session = connect(self._address, self.place)
                return committed(self._session, number)
            except (psycopg.OperationalError, LedgerUnavailable):
                self._drop()
                if time.monotonic() > until:
                    raise
            time.sleep(PAUSE)

    def _tell(self) -> None:
        """Notify who listens. It is no part of the transaction: commits that notify wait for each
        other in the whole server. Who misses it looks a little later."""
        if self._session is not None:
            with suppress(psycopg.Error):
                self._session.execute(NOTIFY)

    def _undo(self, session: Session) -> None:
        if session.info.transaction_status is TransactionStatus.IDLE:
            return
        try:
            session.execute("ROLLBACK")
        except psycopg.Error:
            self._drop()  # with the session goes its transaction

    def _drop(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
