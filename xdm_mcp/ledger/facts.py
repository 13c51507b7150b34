"""Everything the guard may know of a send, gathered inside one transaction, and what it would
charge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xdm_mcp.clock import from_ms
from xdm_mcp.digests import match_digest, similar_digest
from xdm_mcp.ledger.books import DAY, halts
from xdm_mcp.ledger.glance import glance
from xdm_mcp.ledger.marks import leaks
from xdm_mcp.ledger.recipients import Recipient, recipient
from xdm_mcp.ledger.rows import Stored, moment
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.standing_rules import concerning
from xdm_mcp.ledger.taints import taints
from xdm_mcp.ledger.windows import CREDIT, windows
from xdm_mcp.marks import Marked, marked
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Draft, Target
from xdm_mcp.models.verdicts import Duplicate, Facts, PeerFacts


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for in the past of a send: the same key, the same request, the same match,
    nearly the same text; the digest of its content; the marks of its text, None where a person saw
    it already: then what it carries and what was read before is no question."""

    account_id: str
    target: Target
    key: str
    content: str
    request: str
    match: str
    similar: str
    own_id: int = 0
    marks: Marked | None = None


@dataclass(frozen=True, slots=True)
class Weighed:
    """The facts of a send, and what it charges if it is allowed.

    `scopes` are the names to charge, each with its excuse; `newest_id` is the newest message of the
    thread. Nothing of the account may leave before `blocked_until` (ms). `credit_ends` is when
    (ms) the reply credit ends that pays for it, None where none does.
    """

    facts: Facts
    scopes: Mapping[str, int]
    first_contact: bool
    newest_id: str | None
    blocked_until: int
    credit_ends: int | None


def wanted_by(draft: Draft, key: bytes) -> Wanted:
    """Return what to look for before `draft`, its text marked under the ledger's `key`. Digests and
    marks take a while: make them before the hold of the ledger."""
    content = draft.content
    request = draft.request_for(content)
    drafted, match, similar = (
        draft.key_for(request),
        match_digest(draft.text),
        similar_digest(draft.text),
    )
    return Wanted(
        draft.account_id, draft.target, drafted, content, request, match, similar,
        marks=marked(draft.text, key, draft.account_id),
    )  # fmt: skip


def wanted_again(stored: Stored) -> Wanted:
    """Return what to look for before a stored send goes out."""
    entry = stored.entry
    return Wanted(
        entry.account_id,
        entry.target,
        entry.draft_key,
        entry.content,
        entry.request,
        entry.match,
        stored.similar,
        entry.id,
    )


def weigh(
    sql: Sql, wanted: Wanted, limits: Sequence[Limit], now: int, *, credit: bool = True
) -> Weighed:
    """Gather the facts of a send at the moment `now` (ms); without `credit` no reply credit pays
    for it."""
    account_id, target = wanted.account_id, wanted.target
    thread = recipient(sql, account_id, target.peer, wanted.own_id)
    peers = _peers(sql, thread, wanted, now, credit=credit)
    first_contact = target.is_new_group or any(peer.last_inbound_at is None for peer in peers)
    credited = not target.is_new_group and peers[0].credits_left > 0
    charged = [limit for limit in limits if _charges(limit, first_contact, credited)]
    exempt = {limit.scope for limit in limits if limit.reply_exempt and credited}
    account = glance(sql, account_id, now)
    facts = Facts(
        account_id=account_id,
        peers=peers,
        windows=windows(sql, charged, now),
        spend=account.spend,
        halts=halts(sql, account_id, now) if account.halted else (),
        duplicate=_duplicate(sql, wanted, now),
        similar_peers=_similar_peers(sql, wanted, now),
        automatic_today=account.automatic,
        held=account.held,
        last_send_at=moment(account.last_send_at),
        new_group=target.is_new_group,
        standing_rules=concerning(sql, account_id, target, now) if account.ruled else (),
        leaks=leaks(sql, account_id, target, wanted.marks) if wanted.marks else (),
        taints=taints(sql, account_id, target) if wanted.marks and account.shown else (),
    )
    scopes = {limit.scope: CREDIT if limit.scope in exempt else 0 for limit in charged}
    paid = credited and any(limit.reply_exempt for limit in limits)
    return Weighed(
        facts, scopes, first_contact, thread.peer.newest_id, account.blocked_until,
        thread.peer.credit_ends if paid else None,
    )  # fmt: skip


def _charges(limit: Limit, first_contact: bool, credited: bool) -> bool:
    if limit.first_contacts_only and not first_contact:
        return False
    return not (limit.reply_exempt and credited)


def _peers(
    sql: Sql, thread: Recipient, wanted: Wanted, now: int, *, credit: bool
) -> tuple[PeerFacts, ...]:
    """One item for a person or a group, one for each member of a group still to be opened."""
    target, own = wanted.target, thread.facts(now, credit=credit)
    if not target.is_new_group:
        return (own,)
    members = tuple(
        recipient(sql, wanted.account_id, f"user:{user_id}").facts(now)
        for user_id in target.user_ids
    )
    if own.closed_until is None:
        return members
    # X refused this very group, and does not say on whose account.
    return tuple(
        replace(peer, closed_until=own.closed_until, closed_code=own.closed_code)
        for peer in members
    )


def _duplicate(sql: Sql, wanted: Wanted, now: int) -> Duplicate | None:
    """The newest send of the same text to the same recipient within 24 h, or one that cannot be
    told from it yet."""
    row = sql.one(
        SAME,
        wanted.request, wanted.account_id, wanted.target.peer, now - DAY, wanted.match,
        wanted.own_id, wanted.request,
        wanted.account_id, wanted.match, wanted.target.peer, wanted.own_id,
    )  # fmt: skip
    return None if row is None else Duplicate(int(row[0]), row[1], from_ms(row[2]))


SAME = """
SELECT id, state, slot_at FROM (
    SELECT id, state, slot_at,
        CASE WHEN state NOT IN ('reserved', 'in_flight', 'unknown') THEN 3
            WHEN request <> ? THEN 2 WHEN state = 'unknown' THEN 0 ELSE 1 END AS rank
    FROM entry
    WHERE account_id = ? AND peer = ? AND slot_at > ? AND match_digest = ? AND id <> ?
        AND (state IN ('reserved', 'in_flight', 'unknown')
            OR request = ? AND state NOT IN ('failed', 'rejected', 'expired'))
    UNION ALL
    SELECT id, state, slot_at, 2 AS rank FROM entry
    WHERE account_id = coalesce(?, account_id) AND settled_at IS NULL AND state = 'unknown'
        AND match_digest = ? AND peer = ? AND id <> ?
) AS same ORDER BY rank, slot_at DESC LIMIT 1
"""
"""What may be the same send: of a day, or unknown however old; what is open comes first, since a
rule may let a settled one be repeated sooner. What is reserved or in flight is of this day, since
the sweep ends the rest.

Here and below `coalesce` does nothing but keep SQLite from walking all sends of an account: it
shall walk the few that are open.
"""


def _similar_peers(sql: Sql, wanted: Wanted, now: int) -> int:
    """Count others who got nearly this text, up to 100: any sensible rule refuses far below."""
    others = sql.all(
        "SELECT DISTINCT peer FROM entry"
        " WHERE account_id = ? AND similar_digest = ? AND slot_at > ? AND peer <> ?"
        " AND state NOT IN ('failed', 'rejected', 'expired') LIMIT 100",
        wanted.account_id, wanted.similar, now - DAY, wanted.target.peer,
    )  # fmt: skip
    return len(others)
