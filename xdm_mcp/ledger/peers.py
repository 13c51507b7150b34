"""What is remembered of each recipient: their last word, the reply credit it grants, opt-outs,
refusals. What the guard may know of it is in `recipients.py`."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from datetime import timedelta

from xdm_mcp.ledger.audit import append
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.models.quota import WINDOW_MARGIN

CREDITS = 5
"""Sends that one inbound message pays for (`direct_messages/events/new`, X API v1.1)."""

CREDIT_SPAN = 24 * 60 * 60 * 1000
"""For how long (ms) it does: from its own time on, the last instant excluded (same source)."""

ON_ITS_WAY = WINDOW_MARGIN // timedelta(milliseconds=1)
"""How long (ms) after its slot X may accept a send."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One row: a recipient of one account. Times in ms; `newest_id` is the newest message of the
    thread, whoever wrote it."""

    account_id: str
    key: str
    inbound_id: str | None = None
    inbound_at: int | None = None
    newest_id: str | None = None
    opted_out_id: str | None = None
    opted_out_at: int | None = None
    cleared_id: str | None = None
    closed_at: int | None = None
    closed_until: int | None = None
    closed_code: str | None = None

    @property
    def credit_ends(self) -> int:
        """When (ms) the last message of theirs stops to grant credit; 0 if there is none."""
        return 0 if self.inbound_at is None else self.inbound_at + CREDIT_SPAN

    def credits(self, out: int, now: int) -> int:
        """Return how many replies are still paid for after `out` of them; a group grants none."""
        grants = self.key.startswith("user:") and now < self.credit_ends
        return max(0, CREDITS - out) if grants else 0


FIELDS = (
    "account_id", "peer", "inbound_id", "inbound_at", "newest_id", "opted_out_id", "opted_out_at",
    "cleared_id", "closed_at", "closed_until", "closed_code",
)  # fmt: skip
"""The columns, in the order of `Peer`."""


def load_peer(sql: Sql, account_id: str, key: str) -> Peer:
    """Return what is known of a recipient, an empty row for a stranger."""
    row = sql.one(
        f"SELECT {', '.join(FIELDS)} FROM peer WHERE account_id = ? AND peer = ?",  # noqa: S608 - our own names
        account_id, key,
    )  # fmt: skip
    return Peer(account_id, key) if row is None else Peer(*row)


def save_peer(sql: Sql, peer: Peer) -> None:
    """Write the row."""
    sets = ", ".join(f"{name} = excluded.{name}" for name in FIELDS[2:])
    sql.run(
        f"INSERT INTO peer ({', '.join(FIELDS)}) VALUES ({', '.join('?' * len(FIELDS))})"  # noqa: S608 - our own names
        f" ON CONFLICT (account_id, peer) DO UPDATE SET {sets}",
        *astuple(peer),
    )


def newer(message_id: str, than: str | None) -> bool:
    """Whether a message is newer than another; ids of X grow with time."""
    return than is None or int(message_id) > int(than)


def close(sql: Sql, account_id: str, key: str, now: int, until: int, code: str) -> None:
    """Remember that this recipient refused us, until `until` (ms) or a newer message of theirs."""
    peer = load_peer(sql, account_id, key)
    save_peer(sql, replace(peer, closed_at=now, closed_until=until, closed_code=code))


def opt_out(sql: Sql, account_id: str, user_id: str, message_id: str, at: int) -> None:
    """Remember that a person asked us to stop, unless the owner cleared this or a later request."""
    peer = load_peer(sql, account_id, f"user:{user_id}")
    if newer(message_id, peer.cleared_id) and newer(message_id, peer.opted_out_id):
        save_peer(sql, replace(peer, opted_out_id=message_id, opted_out_at=at))


def clear_opt_out(sql: Sql, account_id: str, user_id: str, by: str, now: int) -> bool:
    """Forget an opt-out and every request to stop up to the newest message known; False where there
    was none."""
    peer = load_peer(sql, account_id, f"user:{user_id}")
    if peer.opted_out_id is None:
        return False
    known = [peer.opted_out_id, *([peer.newest_id] if peer.newest_id else [])]
    cleared = max(known, key=int)
    save_peer(sql, replace(peer, opted_out_id=None, opted_out_at=None, cleared_id=cleared))
    append(sql, now, account_id, "opt_out_cleared", {"user": user_id, "by": by})
    return True
