"""Entries in the database: written once, found again, changed by compare-and-swap."""

from __future__ import annotations

from functools import cache
from operator import itemgetter

from xdm_mcp.errors import LedgerUnavailable, NotFound
from xdm_mcp.ledger.audit import append
from xdm_mcp.ledger.rows import COLUMNS, Stored, stored_of
from xdm_mcp.ledger.sql import Sql, Value
from xdm_mcp.models.sends import SETTLED

SELECT = f"SELECT {', '.join(COLUMNS)} FROM entry "  # noqa: S608 - our own names, nobody's input

RETURNING = f"RETURNING {', '.join(COLUMNS)}"
"""How a change answers with the row as it then is."""

UNSAID: dict[str, Value] = {**dict.fromkeys(COLUMNS), "reads": 0, "charges": "", "not_sent": 0}
"""What a column holds in a new row that says nothing of it, by the table's own defaults."""

IN_ORDER = itemgetter(*COLUMNS)
"""Takes the values of a row in the order in which rows are read."""

NO_LONGER = {"text": None, "lapses_at": None, "next_read_at": None, "owner": None}
"""What a settled entry keeps nothing of: its text, its plans, its lease."""


def find(sql: Sql, where: str, *values: Value) -> list[Stored]:
    """Return the rows that `where`, the rest of a SELECT, chooses."""
    return [stored_of(row) for row in sql.all(SELECT + where, *values)]


def load(sql: Sql, entry_id: int) -> Stored:
    """Return the row of an entry. Raises NotFound."""
    rows = find(sql, "WHERE id = ?", entry_id)
    if not rows:
        raise NotFound("There is no send with that id.")
    return rows[0]


def insert(sql: Sql, **columns: Value) -> Stored:
    """Write a new row and return it."""
    [[entry_id]] = sql.all(_inserting(tuple(columns)), *columns.values())
    return stored_of(IN_ORDER(UNSAID | columns | {"id": entry_id}))


@cache
def _inserting(columns: tuple[str, ...]) -> str:
    """Return the statement that writes these columns: there are as many as ways to decide."""
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    return f"INSERT INTO entry ({names}) VALUES ({marks}) RETURNING id"  # noqa: S608 - our own names


def change(sql: Sql, stored: Stored, **columns: Value) -> Stored:
    """Change a row that still stands as it was read, and return it.

    Raises LedgerUnavailable where another transaction changed it first, so that this one leaves
    nothing behind.
    """
    entry = stored.entry
    if columns.get("state") in SETTLED:
        columns = columns | NO_LONGER
    names = ", ".join(f"{name} = ?" for name in columns)
    statement = f"UPDATE entry SET {names} WHERE id = ? AND state = ? AND fence = ? {RETURNING}"  # noqa: S608 - our own names
    rows = sql.all(statement, *columns.values(), entry.id, entry.state, entry.fence)
    if not rows:
        raise LedgerUnavailable("Another process changed this send at the same moment; try again.")
    return stored_of(rows[0])


def note(sql: Sql, stored: Stored, now: int, event: str, **what: object) -> None:
    """Write down in the audit chain what was decided about an entry."""
    append(sql, now, stored.entry.account_id, event, what, stored.entry.id)
