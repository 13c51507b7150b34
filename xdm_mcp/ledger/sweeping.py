"""What time alone does to a send: holds that expire, owners that vanish. Any process may carry it
out."""

from __future__ import annotations

from xdm_mcp.clock import from_ms
from xdm_mcp.ledger.attempts import Breaker
from xdm_mcp.ledger.entries import change, load, note
from xdm_mcp.ledger.rows import Stored
from xdm_mcp.ledger.settling import give_back, heed, missed
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.models.sends import SendState

LAPSED = """
SELECT lapses_at, id FROM entry
WHERE settled_at IS NULL AND state IN ('held', 'approved', 'reserved', 'in_flight')
AND lapses_at <= ?
"""


def any_lapsed(sql: Sql, now: int) -> bool:
    """Whether there is something to end."""
    return sql.one(LAPSED, now) is not None


def sweep(sql: Sql, now: int, breaker: Breaker | None = None) -> None:
    """End every hold that nobody answered in time and every lease whose owner did not come back.

    A send of which nobody knows whether it left is an attempt like one that an owner settles, so
    the `breaker` looks at it in this very transaction: whoever decides next knows the halt.
    """
    doubtful: set[str] = set()
    for _, entry_id in sorted(sql.all(LAPSED, now)):
        stored = load(sql, int(entry_id))
        match stored.entry.state:
            case SendState.HELD | SendState.APPROVED:
                _expire(sql, stored, now)
            case SendState.RESERVED:
                _abandon(sql, stored, now)
            case SendState.IN_FLIGHT:
                _doubt(sql, stored, now)
                doubtful.add(stored.entry.account_id)
            case state:
                raise ValueError(f"a {state} entry has no lease")
    if breaker is not None:
        for account_id in sorted(doubtful):
            heed(sql, account_id, lambda latest: breaker(latest, from_ms(now)))


def _expire(sql: Sql, stored: Stored, now: int) -> None:
    says = "Nobody approved it in time."
    if stored.entry.state is SendState.APPROVED:
        says = "It was approved, but no turn came in time."
    note(sql, stored, now, "expired")
    change(
        sql, stored, state=SendState.EXPIRED, code="expired", says=says, settled_at=now,
        retry_at=None,
    )  # fmt: skip


def _abandon(sql: Sql, stored: Stored, now: int) -> None:
    """Nothing has left, for that the state says so before the first byte may."""
    if missed(sql, stored, now, "abandoned") is not None:
        return
    give_back(sql, stored, everything=True)
    note(sql, stored, now, "failed", code="abandoned", not_sent=True)
    change(
        sql, stored, state=SendState.FAILED, code="abandoned", not_sent=1, settled_at=now,
        says="The process that was to send it ended before it could; nothing left.",
        fence=stored.entry.fence + 1,
    )  # fmt: skip


def _doubt(sql: Sql, stored: Stored, now: int) -> None:
    note(sql, stored, now, "unknown", code="interrupted")
    change(
        sql, stored, state=SendState.UNKNOWN, code="interrupted", next_read_at=now,
        says="The process that sent it ended before it knew the outcome.",
        fence=stored.entry.fence + 1, owner=None, lapses_at=None,
    )  # fmt: skip
