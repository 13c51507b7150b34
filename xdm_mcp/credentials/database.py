"""Logins that several machines share: in the PostgreSQL database where their ledger is.

The row holds the secrets as they are: who can read the database can speak for the account. What a
file does for the processes of one machine, an advisory lock does among machines. It is held, by an
open transaction, for as long as a renewal takes; if the connection breaks meanwhile, the note in
the row still says that a renewal began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import errors

from xdm_mcp.credentials.record import Record, mark, to_json
from xdm_mcp.credentials.store import Place, Store
from xdm_mcp.errors import ConfigError, Unavailable

TABLE = """
CREATE TABLE IF NOT EXISTS stored_login (
    backend TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    renewing TEXT,
    renewing_since TIMESTAMPTZ
)
"""

KNOWN = "SELECT to_regclass(quote_ident(current_schema()) || '.' || %s) IS NOT NULL"

ALONE = """
BEGIN;
SET LOCAL idle_in_transaction_session_timeout = 0;
SET LOCAL lock_timeout = '60s';
"""

LOCK = "SELECT pg_advisory_xact_lock(hashtext('xdm-mcp login'), hashtext(current_schema() || %s))"

Session = psycopg.Connection[tuple[str, str | None, datetime]]
"""An open connection, whose rows are those of the table."""

CONNECTING: dict[str, Any] = {
    "autocommit": True,
    "connect_timeout": "5",
    "application_name": "xdm-mcp login",
}


class DatabaseStore(Store):
    """See Store; a login that no file of this home stands for is looked for in the database."""

    def __init__(self, home: Path, url: str) -> None:
        """Keep logins for the home `home`, or in the database at `url`."""
        super().__init__(home)
        self._url = url

    @property
    def variables(self) -> Mapping[str, str]:
        """See Store.variables."""
        return {"XDM_LEDGER_URL": self._url}

    def place_of(self, backend: str) -> Place | None:
        """See Store.place_of."""
        here = super().place_of(backend)
        return here or ("database" if self._row(backend) is not None else None)

    def check(self, place: Place) -> None:
        """See Store.check."""
        if place != "database":
            return super().check(place)
        with self._connected() as session:
            _require_ledger(session)
        return None

    def save(self, record: Record, place: Place | None = None) -> None:
        """See Store.save."""
        if (place or self.place_of(record.backend)) == "database":
            self._keep(record)
            super().delete(record.backend)
        else:
            super().save(record, place)
            self._forget(record.backend)

    def delete(self, backend: str) -> None:
        """See Store.delete."""
        super().delete(backend)
        self._forget(backend)

    def note(self, record: Record, now: datetime) -> None:
        """See Store.note."""
        if not self._shared(record.backend):
            return super().note(record, now)
        self._said(
            "UPDATE stored_login SET renewing = %s, renewing_since = %s WHERE backend = %s",
            mark(record.refresh), now, record.backend,
        )  # fmt: skip
        return None

    def wipe_note(self, backend: str) -> None:
        """See Store.wipe_note."""
        if not self._shared(backend):
            return super().wipe_note(backend)
        self._said("UPDATE stored_login SET renewing = NULL WHERE backend = %s", backend)
        return None

    def cut_off_at(self, record: Record) -> datetime | None:
        """See Store.cut_off_at."""
        if not self._shared(record.backend):
            return super().cut_off_at(record)
        row = self._row(record.backend)
        if row is None or row[1] != mark(record.refresh):
            return None
        since: datetime = row[2]
        return since

    @contextmanager
    def alone(self, backend: str) -> Iterator[None]:
        """See Store.alone."""
        if not self._shared(backend):
            yield
            return
        with self._connected() as session:
            session.execute(ALONE)
            session.execute(LOCK, [backend])
            yield

    def _text(self, backend: str) -> str | None:
        if super().place_of(backend) is not None:
            return super()._text(backend)
        row = self._row(backend)
        return None if row is None else str(row[0])

    def _shared(self, backend: str) -> bool:
        return self.place_of(backend) == "database"

    def _row(self, backend: str) -> tuple[str, str | None, datetime] | None:
        with self._connected() as session:
            if not _has(session, "stored_login"):
                return None
            asked = session.execute(
                "SELECT login, renewing, renewing_since FROM stored_login WHERE backend = %s",
                [backend],
            )
            return asked.fetchone()

    def _keep(self, record: Record) -> None:
        with self._connected() as session:
            _require_ledger(session)
            session.execute(TABLE)
            session.execute(
                "INSERT INTO stored_login (backend, login) VALUES (%s, %s)"
                " ON CONFLICT (backend) DO UPDATE SET login = EXCLUDED.login",
                [record.backend, to_json(record)],
            )

    def _forget(self, backend: str) -> None:
        if self._row(backend) is not None:
            self._said("DELETE FROM stored_login WHERE backend = %s", backend)

    def _said(self, statement: str, *values: object) -> None:
        with self._connected() as session:
            session.execute(statement.encode(), values)

    @contextmanager
    def _connected(self) -> Iterator[Session]:
        """Yield a session whose statements are each safe on the disk when they return."""
        try:
            with psycopg.connect(self._url, **CONNECTING) as session:
                session.execute("SELECT set_config('synchronous_commit', 'on', false)")
                yield session
        except errors.InsufficientPrivilege:
            raise ConfigError(
                "This user of the database may not keep a login there: let it create tables."
            ) from None
        except psycopg.Error:
            raise Unavailable(
                "The database that keeps the login does not answer; try again in a moment."
            ) from None


def _require_ledger(session: Session) -> None:
    """Raise ConfigError where the ledger's schema is not there yet: the table belongs beside it."""
    if not _has(session, "ledger_version"):
        raise ConfigError(
            "There is no ledger in that database yet: run `xdm-mcp audit` once, then log in."
        )


def _has(session: Session, table: str) -> bool:
    found = session.execute(KNOWN, [table]).fetchone()
    return bool(found and found[0])
