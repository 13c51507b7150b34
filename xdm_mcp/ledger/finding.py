"""Finding entries: by id, by approval, the waiting, the newest, and those that want work."""

from __future__ import annotations

from datetime import datetime

from xdm_mcp.clock import from_ms
from xdm_mcp.ledger.attempts import Breaker
from xdm_mcp.ledger.entries import find
from xdm_mcp.ledger.rows import moment
from xdm_mcp.ledger.sql import Sql, Value
from xdm_mcp.ledger.sweeping import any_lapsed, sweep
from xdm_mcp.models.sends import Entry, SendState


def entry(sql: Sql, entry_id: int) -> Entry | None:
    """See Ledger.entry."""
    return _first(sql, "WHERE id = ?", entry_id)


def by_approval(sql: Sql, approval_id: str) -> Entry | None:
    """See Ledger.by_approval."""
    return _first(sql, "WHERE approval_id = ?", approval_id)


def waiting(sql: Sql, account_id: str | None) -> tuple[Entry, ...]:
    """See Ledger.waiting."""
    found = _entries(
        sql,
        "WHERE settled_at IS NULL AND state IN ('held', 'approved')"
        " AND account_id = coalesce(?, account_id)",
        account_id,
    )
    return tuple(sorted(found, key=lambda entry: entry.id))


def asked(sql: Sql, limit: int) -> tuple[Entry, ...]:
    """See Ledger.asked."""
    return _entries(sql, "WHERE approval_id IS NOT NULL ORDER BY id DESC LIMIT ?", limit)


def recent(sql: Sql, limit: int) -> tuple[Entry, ...]:
    """See Ledger.recent."""
    return _entries(sql, "ORDER BY id DESC LIMIT ?", limit)


def unknown(sql: Sql) -> tuple[Entry, ...]:
    """See Ledger.unknown."""
    return _entries(sql, "WHERE settled_at IS NULL AND state = 'unknown' ORDER BY id DESC")


def due_by_now(sql: Sql, now: int) -> tuple[Entry, ...] | None:
    """See Ledger.due; None where there is something to sweep first."""
    return None if any_lapsed(sql, now) else _due(sql, now)


def due(sql: Sql, now: int, breaker: Breaker | None = None) -> tuple[Entry, ...]:
    """See Ledger.due."""
    sweep(sql, now, breaker)
    return _due(sql, now)


def _due(sql: Sql, now: int) -> tuple[Entry, ...]:
    moment = from_ms(now)
    ready = (
        entry
        for entry in waiting(sql, None)
        if entry.state is SendState.APPROVED and (entry.retry_at or moment) <= moment
    )
    unread = _entries(sql, "WHERE next_read_at <= ? ORDER BY next_read_at, id", now)
    return (*ready, *unread)


def newest_stamp(sql: Sql, account_id: str) -> datetime | None:
    """See Ledger.newest_stamp."""
    [[left, decided]] = sql.all(
        # A slot is never earlier than its dispatch, but after a step of the clock it may be later.
        "SELECT (SELECT max(dispatched_at) FROM (SELECT dispatched_at FROM entry"
        " WHERE account_id = ? AND booked_day IS NOT NULL AND dispatched_at IS NOT NULL"
        " ORDER BY slot_at DESC LIMIT 20) AS newest),"
        " (SELECT at FROM audit WHERE seq > 0 ORDER BY seq DESC LIMIT 1)",
        account_id,
    )
    return moment(max((at for at in (left, decided) if at is not None), default=None))


def _entries(sql: Sql, where: str, *values: Value) -> tuple[Entry, ...]:
    return tuple(stored.entry for stored in find(sql, where, *values))


def _first(sql: Sql, where: str, value: Value) -> Entry | None:
    rows = _entries(sql, where, value)
    return rows[0] if rows else None
