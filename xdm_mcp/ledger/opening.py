"""From the address of a ledger to the ledger: one scheme per engine, each loaded only when it is
asked for."""

from __future__ import annotations

from pathlib import Path

from xdm_mcp.errors import ConfigError
from xdm_mcp.ledger.base import Ledger

SQLITE = "sqlite:///"
"""How the address of an embedded ledger begins; a path follows, or `:memory:`."""


def open_ledger(url: str) -> Ledger:
    """Return the ledger at `url`: `sqlite:///` and a path, or `sqlite:///:memory:`. Touches nothing
    yet.

    Raises ConfigError for any other address, without repeating it: it may hold a password.
    """
    scheme, found, path = url.partition(SQLITE)
    if scheme or not found or not path:
        raise ConfigError(
            "`ledger_url` is `sqlite:///` and the path of a file; other engines are not built in."
        )
    from xdm_mcp.ledger.keeping import SqlLedger
    from xdm_mcp.ledger.sqlite import MEMORY, SqliteDatabase

    place = MEMORY if path == MEMORY else Path(path).expanduser().absolute()
    return SqlLedger(SqliteDatabase(place))
