"""Why a send that was allowed must not leave after all: what became known while it waited for its
slot."""

from __future__ import annotations

from datetime import timedelta

from xdm_mcp.clock import from_ms
from xdm_mcp.ledger.books import halts, stops
from xdm_mcp.ledger.rows import Stored
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.standing_rules import in_force
from xdm_mcp.ledger.windows import blocked_until
from xdm_mcp.models.quota import LATENESS
from xdm_mcp.models.sends import Outcome, SendState

LATE = LATENESS // timedelta(milliseconds=1)
"""How late (ms) after its slot a send may leave."""


def withheld(sql: Sql, stored: Stored, now: int, *, heed_opt_outs: bool) -> Outcome | None:
    """Return why a reserved send must not leave now, None where nothing speaks against it.

    An opt-out counts as the guard's rule `recipients` has it, where the owner has that rule on.
    """
    entry = stored.entry
    for halted in halts(sql, entry.account_id, now):
        if stops(halted, first_contact=stored.first_contact, cost=entry.cost):
            return _fails("halted", f"Sending was halted ({halted.code}) before it could leave.")
    gone = _opted_out(sql, stored) if heed_opt_outs else None
    if gone is not None:
        says = (
            f"User {gone} asked not to be written to before it could leave;"
            f" only the owner clears it, with `xdm-mcp clear opt-out {gone}`."
        )
        return _fails("opted_out", says)
    if entry.hold is not None and entry.hold.expires_at <= from_ms(now):
        return _fails("expired", "Its approval expired before its turn came; ask again.")
    if entry.standing_rule is not None and not in_force(sql, entry.standing_rule, now):
        says = "The standing rule that let it pass ended before it could leave; ask again."
        return _fails("rule_ended", says)
    until = blocked_until(sql, entry.account_id)
    if until > now:
        says = "X wants a pause of the whole account before anything more is sent; try again then."
        retry_at = from_ms(until)
        return Outcome(SendState.FAILED, "paused", says, not_sent=True, retry_at=retry_at)
    if now > stored.turn + LATE:
        says = (
            "Its turn passed before it could leave, perhaps because the machine slept; try again."
        )
        return _fails("late", says)
    return None


def _fails(code: str, says: str) -> Outcome:
    return Outcome(SendState.FAILED, code, says, not_sent=True)


def _opted_out(sql: Sql, stored: Stored) -> str | None:
    """Return who asked us to stop, of those to whom a send goes by their own number: one person, or
    each member of a group still to be opened. Of a group that exists the members are not known."""
    target = stored.entry.target
    if target.conversation_id is not None:
        return None
    row = sql.one(
        "SELECT min(peer) FROM peer WHERE account_id = ? AND opted_out_at IS NOT NULL"  # noqa: S608 - our own marks
        f" AND peer IN ({', '.join('?' * len(target.user_ids))})",
        stored.entry.account_id, *(f"user:{user_id}" for user_id in target.user_ids),
    )  # fmt: skip
    return None if row is None or row[0] is None else str(row[0]).removeprefix("user:")
