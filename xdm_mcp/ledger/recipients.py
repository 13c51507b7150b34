"""What the guard may know of a recipient: their row, what was told of the person, and how often we
wrote since their last word, all in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from xdm_mcp.ledger.peers import CREDIT_SPAN, CREDITS, FIELDS, ON_ITS_WAY, Peer
from xdm_mcp.ledger.people import Standing, standing_of
from xdm_mcp.ledger.rows import moment
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.models.verdicts import PeerFacts

ENOUGH = 2 * CREDITS
"""More sends to one recipient than any rule asks for: each that is counted is one more row to
read."""


class Sends(NamedTuple):
    """Our sends to a recipient since their last word, `ENOUGH` of a kind at most: those that went
    or go out from here, those made elsewhere, those that wait for a person."""

    here: int
    elsewhere: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Recipient:
    """A recipient of one account as the ledger knows it; `told` is None for one nobody told of."""

    peer: Peer
    told: Standing | None
    sends: Sends

    def facts(self, now: int, *, credit: bool = True) -> PeerFacts:
        """Return what the guard is told at the moment `now` (ms); without `credit` no reply is paid
        for."""
        peer, told, sends = self.peer, self.told, self.sends
        out = sends.here + sends.elsewhere
        credits_left = peer.credits(out, now) if credit else 0
        reopened = (peer.inbound_at or 0) > (peer.closed_at or 0)
        closed = (peer.closed_until or 0) > now and not reopened
        return PeerFacts(
            peer=peer.key,
            user_id=user_of(peer.key),
            last_inbound_at=moment(peer.inbound_at),
            own_since_inbound=out + sends.waiting,
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


def recipient(sql: Sql, account_id: str, key: str, but_for: int = 0) -> Recipient:
    """Return what is known of a recipient, sends made elsewhere included, but not the waiting one
    with the id `but_for`."""
    [row] = sql.all(
        RECIPIENT,
        account_id, key, account_id, key, account_id, key, but_for,
        account_id, key, user_of(key),
    )  # fmt: skip
    told, own, sends = row[0:5], row[5 : 5 + KNOWN], row[-3:]
    return Recipient(
        Peer(account_id, key, *own),
        standing_of(told[1:]) if told[0] is not None else None,
        Sends(*map(int, sends)),
    )


def user_of(key: str) -> str | None:
    """Return the id of the person that a recipient's key names, None for a group."""
    return key.removeprefix("user:") if key.startswith("user:") else None


KNOWN = len(FIELDS) - 2
"""How many columns of a recipient's row are not its key."""

RECIPIENT = f"""
SELECT person.id, person.connection, person.suspended, person.can_dm, person.standing_at,
    {", ".join(f"peer.{name}" for name in FIELDS[2:])},
    (SELECT count(*) FROM (SELECT 1 FROM entry
        WHERE entry.account_id = ? AND entry.peer = ?
        AND slot_at >= coalesce(peer.inbound_at, 0) - {ON_ITS_WAY}
        AND (slot_at >= coalesce(peer.inbound_at, 0) OR message_id IS NULL
            OR length(message_id) > length(coalesce(peer.inbound_id, ''))
            OR length(message_id) = length(coalesce(peer.inbound_id, ''))
                AND message_id > coalesce(peer.inbound_id, ''))
        AND state IN ('reserved', 'in_flight', 'sent', 'unknown') LIMIT {ENOUGH}) AS here),
    (SELECT count(*) FROM (SELECT 1 FROM external
        WHERE external.account_id = ? AND external.peer = ?
        AND at >= coalesce(peer.inbound_at, 0) LIMIT {ENOUGH}) AS elsewhere),
    (SELECT count(*) FROM (SELECT 1 FROM entry
        WHERE entry.account_id = coalesce(?, entry.account_id) AND settled_at IS NULL
        AND state IN ('held', 'approved') AND entry.peer = ?
        AND slot_at >= coalesce(peer.inbound_at, 0) AND entry.id <> ? LIMIT {ENOUGH}) AS waiting)
FROM (SELECT 1 AS one) AS it
LEFT JOIN peer ON peer.account_id = ? AND peer.peer = ?
LEFT JOIN person ON person.id = ?
"""  # noqa: S608 - our own names and numbers
"""Of what left shortly before their word X may have taken it later: where its message is known, the
ids tell. The sends that wait are looked for among what is open, see `duplicates.SAME`."""


def credited(sql: Sql, account_id: str, now: int) -> tuple[PeerFacts, ...]:
    """Return the people whose last message still grants reply credit, the newest first."""
    rows = sql.all(
        "SELECT peer FROM peer WHERE account_id = ? AND inbound_at > ? ORDER BY inbound_at DESC",
        account_id, now - CREDIT_SPAN,
    )  # fmt: skip
    found = (recipient(sql, account_id, key).facts(now) for (key,) in rows)
    return tuple(facts for facts in found if facts.credits_left > 0)
