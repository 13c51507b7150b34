"""Messages of our account that did not come from here: typed in X's own app, or sent by another
program. They charge the account's messages as ours do, and what they say is not said again."""

from __future__ import annotations

from datetime import timedelta

from xdm_mcp.ledger.books import DAY
from xdm_mcp.ledger.rows import charges_of, charges_text
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.windows import NEVER_LEFT, Due, charge, excuse
from xdm_mcp.models.quota import WINDOW_MARGIN

CHARGED_FOR = DAY + WINDOW_MARGIN // timedelta(milliseconds=1)
"""How old (ms) a message that we did not send may be and still charge: the longest window of
messages that X has."""


def is_elsewhere(sql: Sql, account_id: str, message_id: str) -> bool:
    """Whether a message is known as one that was not sent from here."""
    row = sql.one(
        "SELECT 1 FROM external WHERE account_id = ? AND message_id = ?", account_id, message_id
    )
    return row is not None


def sent_elsewhere(
    sql: Sql, account_id: str, peer: str, message_id: str, match: str, at: int, now: int
) -> None:
    """Note a message that X accepted at `at` (ms); what lies in the future counts from now. The
    digest `match` of its text is kept only where it can still be repeated."""
    stamp = min(at, now)
    repeatable = match if stamp > now - DAY else None
    scopes = {f"{account_id}/messages": Due()} if stamp > now - CHARGED_FOR else {}
    sql.run(
        "INSERT INTO external (account_id, message_id, peer, at, charges, match_digest)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        account_id, message_id, peer, stamp, charges_text(charge(sql, scopes, stamp)), repeatable,
    )  # fmt: skip


def sent_here(sql: Sql, account_id: str, message_id: str) -> None:
    """Take back that a message was sent elsewhere, if that was said of it."""
    for (charges,) in sql.all(
        "DELETE FROM external WHERE account_id = ? AND message_id = ? RETURNING charges",
        account_id, message_id,
    ):  # fmt: skip
        excuse(sql, charges_of(charges), NEVER_LEFT)
