"""What may be the same send: made before, here or elsewhere, on its way, waiting, or refused by a
person."""

from __future__ import annotations

from xdm_mcp.clock import from_ms
from xdm_mcp.ledger.books import DAY
from xdm_mcp.ledger.sql import Row, Sql
from xdm_mcp.ledger.wanted import Wanted
from xdm_mcp.models.verdicts import ELSEWHERE, PASSABLE, Duplicate


def duplicate(sql: Sql, wanted: Wanted, now: int) -> Duplicate | None:
    """Return the newest send of the same text to the same recipient within 24 h, or one that cannot
    be told from it yet; failing that, one that a person rejected or made elsewhere."""
    row = sql.one(
        SAME,
        wanted.request, wanted.account_id, wanted.target.peer, now - DAY, wanted.match,
        wanted.own_id, wanted.request,
        wanted.account_id, wanted.match, wanted.target.peer, wanted.own_id,
        ELSEWHERE, wanted.account_id, wanted.target.peer, now - DAY, wanted.match,
    )  # fmt: skip
    if row is None or row[1] in PASSABLE:
        row = _by_opening(sql, wanted, now) or row
    return None if row is None else Duplicate(row[0], row[1], from_ms(row[2]))


def _by_opening(sql: Sql, wanted: Wanted, now: int) -> Row | None:
    """The same to a group that a send of ours opened, or may have: that one names its people."""
    group = wanted.target.conversation_id
    if group is None:
        return None
    return sql.one(
        OPENING,
        wanted.account_id, now - DAY, group, wanted.content, wanted.own_id,
        wanted.account_id, wanted.match, wanted.own_id,
    )  # fmt: skip


SAME = """
SELECT id, state, slot_at FROM (
    SELECT id, state, slot_at,
        CASE WHEN state = 'rejected' THEN 4
            WHEN state NOT IN ('reserved', 'in_flight', 'unknown') THEN 3
            WHEN request <> ? THEN 2 WHEN state = 'unknown' THEN 0 ELSE 1 END AS rank
    FROM entry
    WHERE account_id = ? AND peer = ? AND slot_at > ? AND match_digest = ? AND id <> ?
        AND (state IN ('reserved', 'in_flight', 'unknown', 'rejected')
            OR request = ? AND state NOT IN ('failed', 'expired'))
    UNION ALL
    SELECT id, state, slot_at, 2 AS rank FROM entry
    WHERE account_id = coalesce(?, account_id) AND settled_at IS NULL AND state = 'unknown'
        AND match_digest = ? AND peer = ? AND id <> ?
    UNION ALL
    SELECT NULL, ?, at, 4 AS rank FROM external
    WHERE account_id = ? AND peer = ? AND at > ? AND match_digest = ?
) AS same ORDER BY rank, slot_at DESC LIMIT 1
"""
"""What may be the same send: of a day, or unknown however old; what is open comes first, since a
rule may let a settled one be repeated sooner, and what a person may let pass comes last: what one
rejected, or sent by hand. What is reserved or in flight is of this day, since the sweep ends the
rest.

Here and elsewhere `coalesce` does nothing but keep SQLite from walking all sends of an account: it
shall walk the few that are open.
"""

OPENING = """
SELECT id, state, slot_at FROM (
    SELECT id, state, slot_at FROM entry
    WHERE account_id = ? AND booked_day IS NOT NULL AND slot_at > ? AND thread_id = ?
        AND content_digest = ? AND state = 'sent' AND id <> ?
    UNION ALL
    SELECT id, state, slot_at FROM entry
    WHERE account_id = coalesce(?, account_id) AND settled_at IS NULL
        AND state IN ('reserved', 'in_flight', 'unknown') AND match_digest = ?
        AND substr(peer, 1, 6) = 'group:' AND id <> ?
) AS opening ORDER BY slot_at DESC LIMIT 1
"""
"""A send that opens a group learns its number with the answer; until then it may be any group's."""
