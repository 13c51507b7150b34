"""The audit chain: every decision, appended by the transaction that makes it and never changed.

A record holds the hash of the one before, so that whoever alters, removes or moves one breaks the
chain at that place. Transactions that write are serialised, so the chain never forks. An append
costs one look at the last record and one new row, however long the chain is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xdm_mcp.clock import from_ms
from xdm_mcp.digests import canonical, digest
from xdm_mcp.ledger.sql import Row, Sql
from xdm_mcp.models.audit import FIRST, AuditRecord, AuditVerdict

PAGE = 1_000
"""How many records a check holds in memory at once."""


def append(
    sql: Sql,
    at: int,
    account_id: str,
    event: str,
    what: Mapping[str, object],
    entry_id: int | None = None,
) -> None:
    """Append one record at the moment `at` (ms).

    `what` is as `digests.canonical` takes it. Raises TypeError or ValueError for anything else.
    """
    told = canonical(dict(what)).decode()
    last = sql.one("SELECT seq, hash FROM audit WHERE seq > 0 ORDER BY seq DESC LIMIT 1")
    seq, before = (last[0] + 1, last[1]) if last else (1, FIRST)
    sql.run(
        "INSERT INTO audit (seq, at, account_id, entry_id, event, what, before, hash)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        seq, at, account_id, entry_id, event, told, before,
        seal(seq, at, account_id, entry_id, event, told, before),
    )  # fmt: skip


def seal(
    seq: int, at: int, account_id: str, entry_id: int | None, event: str, what: str, before: str
) -> str:
    """Return the hash of a record: SHA-256 over canonical JSON of all that it says."""
    return digest("audit/1", [seq, at, account_id, entry_id, event, what, before])


def records(sql: Sql, after: int, limit: int) -> tuple[AuditRecord, ...]:
    """See Ledger.audit."""
    if after < 0:
        [[newest]] = sql.all("SELECT coalesce(max(seq), 0) FROM audit")
        after += newest
    return tuple(
        AuditRecord(seq, from_ms(at), *rest) for seq, at, *rest in _rows(sql, after, limit)
    )


def verify(sql: Sql) -> AuditVerdict:
    """See Ledger.verify_audit."""
    count, head = 0, FIRST
    for row in _every(sql):
        seq, before, its_hash = row[0], row[6], row[7]
        if seq != count + 1 or before != head or its_hash != seal(*row[:7]):
            return AuditVerdict(count + 1, count, head)
        count, head = seq, its_hash
    return AuditVerdict(None, count, head)


def _every(sql: Sql) -> Iterator[Row]:
    rows = _rows(sql, -(2**63), PAGE)
    while rows:
        yield from rows
        rows = _rows(sql, rows[-1][0], PAGE)


def _rows(sql: Sql, after: int, limit: int) -> list[Row]:
    return sql.all(
        "SELECT seq, at, account_id, entry_id, event, what, before, hash FROM audit"
        " WHERE seq > ? ORDER BY seq LIMIT ?",
        after, limit,
    )  # fmt: skip
