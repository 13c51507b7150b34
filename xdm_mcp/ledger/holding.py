"""What a person does to a held send, approve exactly what was shown or end it for good, and what a
client is asked about it."""

from __future__ import annotations

import hmac
from dataclasses import replace

from xdm_mcp.clock import from_ms
from xdm_mcp.errors import BadInput, NotFound
from xdm_mcp.ledger.entries import change, find, note
from xdm_mcp.ledger.rows import Stored, hold_text
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.taints import looked
from xdm_mcp.models.sends import Assurance, Entry, Hold, SendState


def approve(
    sql: Sql, approval_id: str, digest: str, assurance: Assurance, by: str, now: int
) -> Entry:
    """See Ledger.approve."""
    stored, hold = _waiting(sql, approval_id, now, SendState.HELD)
    if not hmac.compare_digest(digest.encode(), hold.digest.encode()):
        raise BadInput("That approval is for something else than what waits; look at it again.")
    if assurance < hold.least:
        raise BadInput(
            f"This send needs an approval of the kind `{hold.least.name.lower()}` or surer;"
            " approve it there."
        )
    at = from_ms(now)
    approved = replace(hold, assurance=assurance, approved_by=by, approved_at=at)
    if assurance is Assurance.CLIENT:
        if hold.answered_at is not None:
            raise BadInput("The client has already answered about this send; approve it elsewhere.")
        approved = replace(approved, answered_at=at)
    if assurance >= Assurance.PERSON:
        looked(sql, stored.entry)
    note(sql, stored, now, "approved", assurance=assurance.name.lower(), by=by, digest=digest)
    return change(sql, stored, state=SendState.APPROVED, hold=hold_text(approved)).entry


def reject(sql: Sql, approval_id: str, by: str, now: int) -> Entry:
    """See Ledger.reject."""
    stored, hold = _waiting(sql, approval_id, now, SendState.HELD, SendState.APPROVED)
    # No look of a person: it takes no proof, so it may let nothing pass.
    note(sql, stored, now, "rejected", by=by)
    return change(
        sql, stored, state=SendState.REJECTED, code="rejected", says="A person rejected it.",
        settled_at=now, retry_at=None, hold=hold_text(replace(hold, rejected_by=by)),
    ).entry  # fmt: skip


def ask_once(sql: Sql, approval_id: str, now: int) -> bool:
    """See Ledger.ask_once."""
    rows = find(sql, "WHERE approval_id = ?", approval_id)
    if not rows or (hold := rows[0].entry.hold) is None:
        raise NotFound("No held send has that id; list them with `xdm-mcp approvals`.")
    late = hold.expires_at <= from_ms(now)
    if rows[0].entry.state is not SendState.HELD or hold.asked_at is not None or late:
        return False
    note(sql, rows[0], now, "asked", digest=hold.digest)
    change(sql, rows[0], hold=hold_text(replace(hold, asked_at=from_ms(now))))
    return True


def _waiting(sql: Sql, approval_id: str, now: int, *states: SendState) -> tuple[Stored, Hold]:
    rows = find(sql, "WHERE approval_id = ?", approval_id)
    if not rows or rows[0].entry.hold is None:
        raise NotFound("No held send has that id; list them with `xdm-mcp approvals`.")
    stored, hold = rows[0], rows[0].entry.hold
    if stored.entry.state not in states:
        raise BadInput(f"That send is {stored.entry.state} and no longer waits for this.")
    if hold.expires_at <= from_ms(now):
        raise BadInput("That send expired before it was decided; have it asked for again.")
    return stored, hold
