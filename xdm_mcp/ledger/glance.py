"""How an account stands, in one look: what every decision needs of it, and which of its books have
anything to say.

Halts, standing rules and words of strangers are rare, so a decision looks for them only where the
glance says there are some: each look-up is a statement more, and with PostgreSQL a round trip.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdm_mcp.ledger.books import DAY
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.taints import UNSEEN
from xdm_mcp.models.quota import Spend


@dataclass(frozen=True, slots=True)
class Glance:
    """How an account stands at a moment.

    `spend` and `automatic` are what is booked, and the sends of today that asked nobody; what is to
    leave on a later day counts today too. `held` sends wait for a person; `last_send_at` (ms) is
    the slot of the newest one that counts. Nothing may leave before `blocked_until` (ms). The rest
    says whether there are halts, standing rules in force, and words of others that an agent read
    since a person looked.
    """

    spend: Spend
    automatic: int
    held: int
    last_send_at: int | None
    blocked_until: int
    halted: bool
    ruled: bool
    shown: bool


def glance(sql: Sql, account_id: str, now: int) -> Glance:
    """Look at an account at the moment `now` (ms)."""
    [[today, total, automatic, held, last_send_at, blocked_until, *any_of]] = sql.all(
        GLANCE,
        now // DAY, now // DAY, account_id, account_id, f"{account_id}/requests",
        account_id, now, account_id, now, account_id, account_id,
    )  # fmt: skip
    halted, ruled, shown = map(bool, any_of)
    spend = Spend(int(today), int(total))
    return Glance(
        spend, int(automatic), held, last_send_at, blocked_until or 0, halted, ruled, shown
    )


GLANCE = f"""
SELECT
    coalesce(sum(CASE WHEN day >= ? THEN spent ELSE 0 END), 0),
    coalesce(sum(spent), 0),
    coalesce(sum(CASE WHEN day >= ? THEN automatic ELSE 0 END), 0),
    (SELECT count(*) FROM entry WHERE entry.account_id = coalesce(?, entry.account_id)
        AND settled_at IS NULL AND state IN ('held', 'approved')),
    (SELECT slot_at FROM entry WHERE entry.account_id = ? AND booked_day IS NOT NULL
        AND state IN ('reserved', 'in_flight', 'sent', 'unknown')
        ORDER BY slot_at DESC LIMIT 1),
    (SELECT blocked_until FROM scope WHERE name = ?),
    EXISTS (SELECT 1 FROM halt WHERE halt.account_id = ? AND (until IS NULL OR until > ?)),
    EXISTS (SELECT 1 FROM standing_rule AS rule WHERE rule.account_id = ?
        AND withdrawn_at IS NULL AND rule.until > ?),
    EXISTS (SELECT 1 FROM shown WHERE shown.account_id = ? AND {UNSEEN})
FROM daily WHERE daily.account_id = ?
"""  # noqa: S608 - our own words
"""The sends that wait are looked for among what is open, see `duplicates.SAME`."""
