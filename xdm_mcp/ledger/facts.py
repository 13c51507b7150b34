"""Everything the guard may know of a send, gathered inside one transaction, and what it would
charge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xdm_mcp.ledger.books import DAY, halts
from xdm_mcp.ledger.duplicates import duplicate
from xdm_mcp.ledger.glance import glance
from xdm_mcp.ledger.marks import leaks
from xdm_mcp.ledger.recipients import Recipient, recipient
from xdm_mcp.ledger.rows import moment
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.standing_rules import concerning
from xdm_mcp.ledger.taints import taints
from xdm_mcp.ledger.wanted import Wanted
from xdm_mcp.ledger.windows import CREDIT, Due, windows
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.verdicts import Facts, PeerFacts


@dataclass(frozen=True, slots=True)
class Weighed:
    """The facts of a send, and what it charges if it is allowed.

    `scopes` are the names to charge, each with how often and its excuse; `newest_id` is the newest
    message of the thread. Nothing of the account may leave before `blocked_until` (ms).
    `credit_ends` is when (ms) the reply credit ends that pays for it, None where none does.
    """

    facts: Facts
    scopes: Mapping[str, Due]
    first_contact: bool
    newest_id: str | None
    blocked_until: int
    credit_ends: int | None


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
    concerned = [limit for limit in limits if first_contact or not limit.first_contacts_only]
    judged = [limit for limit in concerned if not (limit.reply_exempt and credited)]
    account = glance(sql, account_id, now)
    facts = Facts(
        account_id=account_id,
        peers=peers,
        windows=windows(sql, judged, now),
        spend=account.spend,
        halts=halts(sql, account_id, now) if account.halted else (),
        duplicate=duplicate(sql, wanted, now),
        similar_peers=_similar_peers(sql, wanted, now),
        automatic_today=account.automatic,
        held=account.held,
        last_send_at=moment(account.last_send_at),
        new_group=target.is_new_group,
        standing_rules=concerning(sql, account_id, target, now) if account.ruled else (),
        leaks=leaks(sql, account_id, target, wanted.marks) if wanted.marks else (),
        taints=taints(sql, account_id, target) if wanted.marks and account.shown else (),
    )
    strangers = sum(peer.last_inbound_at is None for peer in peers)
    paid = credited and any(limit.reply_exempt for limit in limits)
    return Weighed(
        facts=facts,
        scopes=_dues(concerned, strangers, credited=credited),
        first_contact=first_contact,
        newest_id=thread.peer.newest_id,
        blocked_until=account.blocked_until,
        credit_ends=thread.peer.credit_ends if paid else None,
    )


def _dues(limits: Sequence[Limit], strangers: int, *, credited: bool) -> dict[str, Due]:
    """What a send charges: a scope of first contacts once for each stranger, any other once.

    What a reply credit pays for is charged too, with that excuse: another backend of the account
    may know no credit, and its limits count it.
    """
    exempt = {limit.scope for limit in limits if limit.reply_exempt and credited}
    return {
        limit.scope: Due(
            max(1, strangers) if limit.first_contacts_only else 1,
            CREDIT if limit.scope in exempt else 0,
        )
        for limit in limits
    }


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


def _similar_peers(sql: Sql, wanted: Wanted, now: int) -> int:
    """Count others who got nearly this text, up to 100: any sensible rule refuses far below."""
    others = sql.all(
        "SELECT DISTINCT peer FROM entry"
        " WHERE account_id = ? AND similar_digest = ? AND slot_at > ? AND peer <> ?"
        " AND state NOT IN ('failed', 'rejected', 'expired') LIMIT 100",
        wanted.account_id, wanted.similar, now - DAY, wanted.target.peer,
    )  # fmt: skip
    return len(others)
