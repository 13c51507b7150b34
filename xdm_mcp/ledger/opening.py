"""From the address of a ledger to the ledger: one scheme per engine, each loaded only when it is
asked for."""

from __future__ import annotations

from pathlib import Path

from xdm_mcp.errors import ConfigError
from xdm_mcp.ledger.attempts import Breaker
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.ledger.sql import Database
from xdm_mcp.ledger.watched import WatchedDatabase
from xdm_mcp.steps import in_force

SQLITE = "sqlite:///"
"""How the address of an embedded ledger begins; a path follows, or `:memory:`."""

POSTGRES = ("postgresql://", "postgres://")
"""How the address of a ledger for many machines begins, as libpq takes it."""


def open_ledger(url: str, breaker: Breaker | None = None) -> Ledger:
    """Return the ledger at `url`: `sqlite:///` and a path, `sqlite:///:memory:`, or
    `postgresql://user@host/database`. Touches nothing yet. Its transactions are steps. The
    `breaker` looks at attempts that a sweep ends: each process that shares the ledger has one.

    Raises ConfigError for any other address, without repeating it: it may hold a password.
    """
    from xdm_mcp.ledger.keeping import SqlLedger

    return SqlLedger(WatchedDatabase(_engine(url), in_force()), breaker)


def _engine(url: str) -> Database:
    if url.startswith(POSTGRES):
        return _postgres(url)
    if url.startswith(SQLITE) and url != SQLITE:
        return _sqlite(url.removeprefix(SQLITE))
    raise ConfigError(
        "`ledger_url` is `sqlite:///` and the path of a file, or"
        " `postgresql://user@host/database`; write it so."
    )


def _sqlite(path: str) -> Database:
    from xdm_mcp.ledger.sqlite import MEMORY, SqliteDatabase

    return SqliteDatabase(MEMORY if path == MEMORY else Path(path).expanduser().absolute())


def _postgres(url: str) -> Database:
    try:
        from xdm_mcp.ledger.postgres import PostgresDatabase
    except ImportError:
        raise ConfigError(
            "A ledger in PostgreSQL needs a driver; run `uv tool install '.[postgres]'` in a"
            " checkout."
        ) from None
    return PostgresDatabase(url)
