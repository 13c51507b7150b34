"""One session with a PostgreSQL server: how it is opened, how its transactions begin, and what it
knows of one that ended without a word.

Writers are serialised by an advisory lock that belongs to the transaction (PostgreSQL 18
documentation, "Advisory Locks"): no row needs to be there to be locked, no order of locks can
deadlock, and no pooler between us and the server lets it leak. There is one for each schema, so
that ledgers in two schemas never wait for each other. Under READ COMMITTED each statement after the
lock sees all that its holder before committed.
"""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg import errors

from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger.dialect import for_postgres, read_row, written
from xdm_mcp.ledger.fulltext import FullText
from xdm_mcp.ledger.fulltext_postgres import TsVector
from xdm_mcp.ledger.migrations import APPLICATION_ID, MIGRATIONS
from xdm_mcp.ledger.sql import Row, Value

Session = psycopg.Connection[Row]
"""An open connection that begins and ends its transactions only when told to."""

CONNECTING = {
    "application_name": "xdm-mcp",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
"""What holds where the address says nothing else: a server that is gone is noticed in seconds."""

READ = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
"""How a transaction begins that sees one state, alongside writers."""

WRITE = f"""
BEGIN ISOLATION LEVEL READ COMMITTED;
SET LOCAL lock_timeout = '5s';
SET LOCAL idle_in_transaction_session_timeout = '10s';
SELECT set_config('synchronous_commit', 'on', true)
    WHERE current_setting('synchronous_commit') IN ('off', 'local');
SELECT pg_advisory_xact_lock({APPLICATION_ID}, hashtext(coalesce(current_schema(), '')));
SELECT pg_current_xact_id()::text, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
"""  # noqa: S608 - our own number
"""How a transaction begins that is alone among all writers, in one trip.

Settings are made for the transaction, since a pooler may hand us another session the next time. A
process that stands still while it holds the lock loses it after ten seconds.
"""

SKEW_MS = 2_000
"""How far (ms) this machine's clock may be from the server's: machines that share a ledger share
its windows."""

NAMED = """
SELECT quote_ident(name[1]) FROM (
    SELECT parse_ident(split_part(current_setting('search_path'), ',', 1), true)
) AS path (name) WHERE array_length(name, 1) = 1 AND name[1] NOT IN ('$user', '')
    AND to_regnamespace(quote_ident(name[1])) IS NULL
"""
"""The first schema that the address names, where it does not exist yet."""

KNOWN = """
SELECT to_regclass(CASE WHEN current_setting('search_path') LIKE '"$user"%'
    THEN 'ledger_version' ELSE quote_ident(current_schema()) || '.ledger_version' END) IS NOT NULL
"""
"""Whether there is a ledger. In a schema that the address names it is there or nowhere: the next
one of the path may be somebody else's."""

CHANNEL = "'xdm1_' || md5(coalesce(current_schema(), ''))"
"""What is notified when a ledger changed: one channel for each schema."""

NOTIFY = f"SELECT pg_notify({CHANNEL}, '')"
"""Tells everybody who listens that the ledger changed."""

VERSION = "CREATE TABLE ledger_version (version BIGINT NOT NULL)"
"""Where the number of the schema is kept, in one row."""

COUNT_ON = """
SELECT setval(pg_get_serial_sequence('entry', 'id'), (SELECT coalesce(max(id), 0) + 1 FROM entry),
    false)
"""
"""Makes the numbers of sends go on after the last one: SQLite does so by itself where a table is
made anew."""


class PsycopgSql:
    """See Sql. `wrote` is whether a statement changed anything so far."""

    full_text: FullText = TsVector()

    def __init__(self, session: Session) -> None:
        """Speak on `session`, within the transaction that is open on it."""
        self._cursor = session.cursor()
        self.wrote = False

    def all(self, statement: str, *values: Value) -> list[Row]:
        """See Sql.all."""
        return [read_row(row) for row in self._said(statement, values)]

    def one(self, statement: str, *values: Value) -> Row | None:
        """See Sql.one."""
        row = self._said(statement, values).fetchone()
        return None if row is None else read_row(row)

    def run(self, statement: str, *values: Value) -> int:
        """See Sql.run."""
        return self._said(statement, values).rowcount

    def _said(self, statement: str, values: tuple[Value, ...]) -> psycopg.Cursor[Row]:
        said = self._cursor.execute(for_postgres(statement), [written(value) for value in values])
        if said.rowcount and not (said.statusmessage or "").startswith("SELECT"):
            self.wrote = True
        return said


def connect(address: dict[str, Any], place: str) -> Session:
    """Return an open session on a ledger whose schema is up to date.

    Raises LedgerUnavailable where there is none to be had, psycopg.Error where the server says no.
    """
    session = psycopg.connect(**address, autocommit=True)
    try:
        _refuse_unfit(session, place)
        _make_schema(session, place)
        if _version(session, place) < len(MIGRATIONS):
            _migrate(session, place)
    except BaseException:
        session.close()
        raise
    return session


def begin_read(session: Session) -> str:
    """Begin a transaction that only reads. It has no number."""
    session.execute(READ)
    return ""


def begin_write(session: Session) -> str:
    """Begin a transaction that is alone among all writers; return the number that it has.

    Raises LedgerUnavailable where this machine's clock and the server's disagree.
    """
    before = time.time() * 1000
    cursor = session.execute(WRITE)
    while cursor.nextset():
        pass
    [[number, server]] = cursor.fetchall()
    # The lock may have been waited for in between, so only what lies outside is known to be wrong.
    off = max(before - server, server - time.time() * 1000)
    if off > SKEW_MS:
        raise LedgerUnavailable(
            f"This machine's clock is {off / 1000:.0f} seconds off the clock of the ledger's"
            " server; correct it before anything is sent."
        )
    return str(number)


def committed(session: Session, number: str) -> bool:
    """Whether the transaction of that number was committed; one that is still open is waited
    for."""
    begin_write(session)  # it held the lock, so it is over now
    try:
        [[status]] = session.execute("SELECT pg_xact_status(%s::text::xid8)", [number]).fetchall()
    finally:
        session.execute("ROLLBACK")
    return bool(status == "committed")


def _refuse_unfit(session: Session, place: str) -> None:
    [[standby, encoding]] = session.execute(
        "SELECT pg_is_in_recovery(), current_setting('server_encoding')"
    ).fetchall()
    if standby:
        raise LedgerUnavailable(
            f"The ledger {place} cannot be written: it is a standby; set `ledger_url` to the"
            " primary server."
        )
    if encoding != "UTF8":
        raise LedgerUnavailable(
            f"The database {place} cannot hold every text ({encoding}); make one with the"
            " encoding UTF8."
        )


def _make_schema(session: Session, place: str) -> None:
    """Make the schema that the address names first. Without it the server would take the next one
    of the path, which may be somebody else's ledger."""
    for (name,) in session.execute(NAMED).fetchall():
        try:
            session.execute(f"CREATE SCHEMA IF NOT EXISTS {name}")  # it comes quoted
        except errors.InsufficientPrivilege:
            raise LedgerUnavailable(
                f"The ledger {place} has no schema of that name and this user may not create it;"
                " create it and give it to this user."
            ) from None
        except (errors.UniqueViolation, errors.DuplicateSchema):
            pass  # another process has just made it


def _version(session: Session, place: str) -> int:
    """Return the number of steps that the schema has seen."""
    [[known]] = session.execute(KNOWN).fetchall()
    if not known:
        return 0
    [[version]] = session.execute("SELECT version FROM ledger_version").fetchall()
    if version > len(MIGRATIONS):
        raise LedgerUnavailable(
            f"The ledger {place} was written by a newer version of this program; update this one."
        )
    return int(version)


def _migrate(session: Session, place: str) -> None:
    begin_write(session)
    version = _version(session, place)  # again: another process may have migrated meanwhile
    sql = PsycopgSql(session)
    if version == 0:
        sql.run(VERSION)
        sql.run("INSERT INTO ledger_version (version) VALUES (0)")
    for step in MIGRATIONS[version:]:
        step(sql)
    sql.run(COUNT_ON)
    sql.run("UPDATE ledger_version SET version = ?", len(MIGRATIONS))
    session.execute("COMMIT")
