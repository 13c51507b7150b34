"""The books counted anew from the rows, by somebody who knows nothing of the ledger's ways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from tests.faults.program import READ_COSTS
from xdm_mcp.ledger.audit import verify
from xdm_mcp.ledger.sqlite import ApswSql

MARGIN = 40_000
"""By how many ms every window is longer than X's."""

LENGTHS = {"15m": 900_000, "24h": 86_400_000}
"""How long (ms) the windows of sends are, by the end of their names."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Rows:
    """What a ledger's file holds: sends, sends made elsewhere, money; and whether it is whole, by
    SQLite's word and by the chain of the audit."""

    entries: tuple[Row, ...] = ()
    external: tuple[Row, ...] = ()
    spent: int = 0
    automatic: int = 0
    integrity: str = "ok"

    def states(self) -> dict[int, str]:
        """Return the state of each send, by its id."""
        return {row["id"]: row["state"] for row in self.entries}


def rows_in(path: Path) -> Rows:
    """Read the ledger at `path`."""
    connection = apsw.Connection(str(path))
    try:
        [[spent, automatic]] = connection.execute(
            "SELECT coalesce(sum(spent), 0), coalesce(sum(automatic), 0) FROM daily"
        )
        strays = connection.execute("PRAGMA foreign_key_check").fetchall()
        broken_at = verify(ApswSql(connection)).broken_at
        return Rows(
            _all(connection, "entry"),
            _all(connection, "external"),
            spent,
            automatic,
            f"{connection.pragma('integrity_check')}{strays or ''}{broken_at or ''}",
        )
    finally:
        connection.close()


def counts(row: Row) -> bool:
    """Whether a send counts in a window of attempts, and costs money: it was let go, and it is not
    certain that no byte of it left."""
    return bool(row["charges"]) and not row["not_sent"]


def used(rows: Rows, name: str, now: int) -> int:
    """Count what a window of sends, such as `messages/24h`, holds at the moment `now` (ms)."""
    scope, _, length = name.rpartition("/")
    since = now - LENGTHS[length] - MARGIN
    own = [row for row in rows.entries if counts(row) and row["slot_at"] > since]
    if scope == "first_contacts":
        own = [row for row in own if row["first_contact"]]
    elsewhere = [row for row in rows.external if row["at"] > since]
    return len(own) + (len(elsewhere) if scope == "messages" else 0)


def miscounted(rows: Rows, quota: Mapping[str, Any], now: int) -> Iterator[str]:
    """Yield a sentence for each window of `quota_status` at `now` (ms) that the rows contradict.

    X's own headers may have lowered a window: then it shows no less than the rows.
    """
    for window in quota["windows"]:
        name, shown = window["name"], window["used"]
        expected = shown if name.startswith("reads/") else used(rows, name, now)
        if shown < expected or (window["source"] == "policy" and shown != expected):
            yield f"{name} says {shown} used, the rows {expected}"


def misbooked(rows: Rows, quota: Mapping[str, Any], bill: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each sum of `quota_status` that the rows or X's own bill contradict."""
    money = round(float(quota["money"]["total_usd"]) * 1_000_000)
    sends: int = sum(row["cost"] for row in rows.entries if counts(row))
    if money != rows.spent or money % READ_COSTS != sends:
        yield f"the money is {money}, of which sends {money % READ_COSTS}, not {sends}"
    billed = sum(line["count"] for name, line in bill["items"].items() if name.endswith("_read"))
    if money // READ_COSTS < billed:
        yield f"{money // READ_COSTS} reads are booked and X billed {billed}"
    automatic = sum(counts(row) and row["automatic"] for row in rows.entries)
    if rows.automatic != automatic:
        yield f"{rows.automatic} sends that asked nobody are booked, not {automatic}"


def _all(connection: apsw.Connection, table: str) -> tuple[Row, ...]:
    cursor = connection.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
    rows = cursor.fetchall()
    if not rows:
        return ()
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    return tuple(dict(zip(names, row, strict=True)) for row in rows)
