"""What is remembered of each recipient: their last word, the reply credit it grants, opt-outs,
refusals."""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from datetime import timedelta

from xdm_mcp.ledger.audit import append
from xdm_mcp.ledger.people import standing
from xdm_mcp.ledger.rows import moment
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.models.quota import WINDOW_MARGIN
from xdm_mcp.models.verdicts import PeerFacts

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
    "account_id, peer, inbound_id, inbound_at, newest_id, opted_out_id, opted_out_at,"
    " cleared_id, closed_at, closed_until, closed_code"
)
"""The columns, in the order of `Peer`."""


def load_peer(sql: Sql, account_id: str, key: str) -> Peer:
    """Return what is known of a recipient, an empty row for a stranger."""
    row = sql.one(
        f"SELECT {FIELDS} FROM peer WHERE account_id = ? AND peer = ?",  # noqa: S608 - our own names
        account_id, key,
    )  # fmt: skip
    return Peer(account_id, key) if row is None else Peer(*row)


def save_peer(sql: Sql, peer: Peer) -> None:
    """Write the row."""
    names = FIELDS.replace(" ", "").split(",")
    sets = ", ".join(f"{name} = excluded.{name}" for name in names[2:])
    sql.run(
        f"INSERT INTO peer ({FIELDS}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - our own names
        f" ON CONFLICT (account_id, peer) DO UPDATE SET {sets}",
        *astuple(peer),
    )


def newer(message_id: str, than: str | None) -> bool:
    """Whether a message is newer than another; ids of X grow with time."""
    return than is None or int(message_id) > int(than)


@dataclass(frozen=True, slots=True)
class Sends:
    """Our sends to a recipient since a moment: those that went or go out, and those that wait for a
    person."""

    out: int
    waiting: int


def sends_since(sql: Sql, peer: Peer, but_for: int = 0) -> Sends:
    """Count sends to a recipient since their last word, those made elsewhere included, but not the
    waiting one with the id `but_for`. Of what left shortly before their word X may have taken it
    later: where its message is known, the ids tell.

    At most `ENOUGH` of each kind: each that is counted is one more row to read.
    """
    account_id, key, since = peer.account_id, peer.key, peer.inbound_at or 0
    word = peer.inbound_id or ""
    [[own, elsewhere, waiting]] = sql.all(
        SINCE,
        account_id, key, since - ON_ITS_WAY, since, word, word, word, ENOUGH,
        account_id, key, since, ENOUGH,
        account_id, key, since, but_for, ENOUGH,
    )  # fmt: skip
    return Sends(int(own) + int(elsewhere), int(waiting))


ENOUGH = 2 * CREDITS
"""More sends to one recipient than any rule asks for."""

SINCE = """
SELECT
    (SELECT count(*) FROM (SELECT 1 FROM entry
        WHERE account_id = ? AND peer = ? AND slot_at >= ?
        AND (slot_at >= ? OR message_id IS NULL OR length(message_id) > length(?)
            OR length(message_id) = length(?) AND message_id > ?)
        AND state IN ('reserved', 'in_flight', 'sent', 'unknown') LIMIT ?) AS own),
    (SELECT count(*) FROM (SELECT 1 FROM external
        WHERE account_id = ? AND peer = ? AND at >= ? LIMIT ?) AS elsewhere),
    (SELECT count(*) FROM (SELECT 1 FROM entry
        WHERE account_id = coalesce(?, account_id) AND settled_at IS NULL
        AND state IN ('held', 'approved') AND peer = ? AND slot_at >= ? AND id <> ? LIMIT ?)
        AS waiting)
"""


def peer_facts(sql: Sql, peer: Peer, now: int, but_for: int = 0) -> PeerFacts:
    """Return what the guard may know of a recipient, where the send `but_for` is judged again."""
    user_id = peer.key.removeprefix("user:") if peer.key.startswith("user:") else None
    told = standing(sql, user_id) if user_id else None
    sends = sends_since(sql, peer, but_for)
    credits_left = peer.credits(sends.out, now)
    reopened = (peer.inbound_at or 0) > (peer.closed_at or 0)
    closed = (peer.closed_until or 0) > now and not reopened
    return PeerFacts(
        peer=peer.key,
        user_id=user_id,
        last_inbound_at=moment(peer.inbound_at),
        own_since_inbound=sends.out + sends.waiting,
        opted_out_at=moment(peer.opted_out_at),
        closed_until=moment(peer.closed_until) if closed else None,
        closed_code=peer.closed_code if closed else None,
        blocked=told.blocked if told else False,
        suspended=told.suspended if told else False,
        can_dm=told.can_dm if told else None,
        can_dm_at=told.at if told else None,
        credits_left=credits_left,
        credits_until=moment(peer.credit_ends) if credits_left else None,
    )


def credited(sql: Sql, account_id: str, now: int) -> tuple[PeerFacts, ...]:
    """Return the people whose last message still grants reply credit, the newest first."""
    rows = sql.all(
        f"SELECT {FIELDS} FROM peer WHERE account_id = ? AND inbound_at > ?"  # noqa: S608 - our own names
        " ORDER BY inbound_at DESC",
        account_id, now - CREDIT_SPAN,
    )  # fmt: skip
    found = (peer_facts(sql, Peer(*row), now) for row in rows)
    return tuple(facts for facts in found if facts.credits_left > 0)


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
