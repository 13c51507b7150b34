"""Deciding about a send and writing the decision down: `reserve`, and `claim` for one that a person
approved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger.attempts import Breaker
from xdm_mcp.ledger.audit import append
from xdm_mcp.ledger.base import MakeHold, Reservation
from xdm_mcp.ledger.books import DAY, book, stops
from xdm_mcp.ledger.entries import change, find, insert, load, note
from xdm_mcp.ledger.facts import Weighed, weigh
from xdm_mcp.ledger.judging import Judge, Preview
from xdm_mcp.ledger.marks import key_of
from xdm_mcp.ledger.peers import ON_ITS_WAY
from xdm_mcp.ledger.rows import Stored, attachment_text, charges_text, hold_text
from xdm_mcp.ledger.settling import IN_FLIGHT_FOR
from xdm_mcp.ledger.sql import Sql, Value
from xdm_mcp.ledger.standing_rules import stamp
from xdm_mcp.ledger.sweeping import sweep
from xdm_mcp.ledger.wanted import Wanted, wanted_again, wanted_by
from xdm_mcp.ledger.windows import charge
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Draft, SendState
from xdm_mcp.models.verdicts import Decision, Facts, Verdict

RESERVED_FOR = 60_000
"""How long (ms) after its slot a reserved send may still leave before the sweep takes it for
abandoned. Who found no slot in time looks again after as long: one may have been given back."""

KEY_LIVES = DAY
"""For how long (ms) a derived key answers from the slot of its send on, as the look for duplicates
does: an entry that no longer answers is no duplicate of its own draft either."""

LIVE = frozenset(
    {SendState.HELD, SendState.APPROVED, SendState.RESERVED, SendState.IN_FLIGHT, SendState.UNKNOWN}
)
"""States in which a send is not over; its key answers for it however old it is."""


def facts(
    sql: Sql,
    draft: Draft,
    limits: Sequence[Limit],
    now: int,
    wanted: Wanted | None = None,
    breaker: Breaker | None = None,
) -> Facts:
    """See JudgingLedger.facts. `wanted` and `breaker` as in `reserve`."""
    return weigh(sql, _looked_for(sql, draft, now, wanted, breaker), limits, now).facts


def preview(
    sql: Sql,
    draft: Draft,
    limits: Sequence[Limit],
    judge: Judge,
    now: int,
    wanted: Wanted | None = None,
    breaker: Breaker | None = None,
) -> Preview:
    """See JudgingLedger.preview. `wanted` and `breaker` as in `reserve`."""
    wanted = _looked_for(sql, draft, now, wanted, breaker)
    weighed, decision = _judged(sql, wanted, limits, judge, now)
    return Preview(decision, weighed.facts)


def reserve(
    sql: Sql,
    owner: str,
    draft: Draft,
    limits: Sequence[Limit],
    judge: Judge,
    hold: MakeHold,
    now: int,
    *,
    leave: bool = False,
    wanted: Wanted | None = None,
    breaker: Breaker | None = None,
) -> Reservation:
    """See Ledger.reserve. `wanted` is what `wanted_by` makes of the draft, where that was done
    before the hold; `breaker` is for the sweep."""
    sweep(sql, now, breaker)
    wanted = wanted or wanted_by(draft, key_of(sql))
    earlier = _under_key(sql, wanted)
    if earlier is not None and earlier.entry.request != wanted.request:
        return Reservation(None, mismatch=True)
    if earlier is not None and answers(earlier, now):
        return Reservation(earlier.entry, repeat=True)
    weighed, decision = _judged(sql, _but_for(earlier, wanted), limits, judge, now)
    told = _told(draft, wanted, decision)
    if decision.verdict is Verdict.DENY:
        append(sql, now, draft.account_id, "denied", told)
        return Reservation(None, decision)
    if earlier is not None:
        change(sql, earlier, draft_key=f"o:{earlier.entry.id}:{earlier.entry.draft_key}")
    columns = _columns(draft, wanted, weighed, now)
    if decision.verdict is Verdict.HOLD:
        asked = hold(decision, from_ms(now))
        columns |= {
            "state": SendState.HELD,
            "slot_at": now,
            "approval_id": asked.approval_id,
            "hold": hold_text(asked),
            "lapses_at": to_ms(asked.expires_at),
        }
    else:
        taken = Taking(owner, draft.account_id, draft.cost, automatic=True, leave=leave)
        columns |= _take(sql, taken, weighed, _slot(decision, now), now)
        columns |= _let_pass(sql, draft.account_id, decision, _slot(decision, now))
    stored = insert(sql, **columns)
    event = "held" if decision.verdict is Verdict.HOLD else "reserved"
    note(sql, stored, now, event, state=stored.entry.state, **told)
    return Reservation(stored.entry, decision)


def claim(
    sql: Sql,
    owner: str,
    entry_id: int,
    limits: Sequence[Limit],
    judge: Judge,
    now: int,
    *,
    leave: bool = False,
    breaker: Breaker | None = None,
) -> Reservation:
    """See Ledger.claim."""
    sweep(sql, now, breaker)
    stored = load(sql, entry_id)
    entry = stored.entry
    if entry.state is not SendState.APPROVED:
        return Reservation(entry, repeat=True)
    weighed, decision = _judged(sql, wanted_again(stored), limits, judge, now)
    if decision.verdict is Verdict.ALLOW and not _sure_enough(stored):
        event, columns = "held", _asked_again(stored, decision)
    elif decision.verdict is Verdict.ALLOW and _slot(decision, now) >= _word_ends(stored):
        event = "postponed"
        columns = {"retry_at": min(now + RESERVED_FOR, _word_ends(stored))}
    elif decision.verdict is Verdict.ALLOW:
        taken = Taking(owner, entry.account_id, entry.cost, automatic=False, leave=leave)
        event, columns = "claimed", _take(sql, taken, weighed, _slot(decision, now), now)
        columns |= {"fence": entry.fence + 1, "retry_at": None}
        columns |= _let_pass(sql, entry.account_id, decision, _slot(decision, now))
    elif decision.verdict is Verdict.HOLD:
        event, columns = "held", _asked_again(stored, decision)
    elif decision.retry_at is not None:
        event, columns = "postponed", {"retry_at": to_ms(decision.retry_at)}
    else:
        event = "denied"
        columns = {
            "state": SendState.FAILED,
            "code": "denied",
            "says": decision.reasons[0][1] if decision.reasons else "The policy refuses it.",
            "settled_at": now,
            "not_sent": 1,
            "retry_at": None,
        }
    changed = change(sql, stored, **columns)
    note(
        sql,
        changed,
        now,
        event,
        state=changed.entry.state,
        rules=rules(decision),
        **_by_rule(decision),
    )
    return Reservation(changed.entry, decision)


def answers(earlier: Stored, now: int) -> bool:
    """Whether an entry answers for a repeat of its draft; else it makes way for a new attempt."""
    entry = earlier.entry
    if entry.state in LIVE:
        return True
    if entry.not_sent:
        return False
    if entry.draft_key.startswith("k:"):
        return True
    fresh = now - earlier.slot_at < KEY_LIVES
    return fresh and entry.state in {SendState.SENT, SendState.REJECTED}


def rules(decision: Decision) -> dict[str, str]:
    """Return the rules that spoke, each with the strictest that it said."""
    spoke = sorted(decision.findings, key=lambda finding: finding.verdict)
    return {finding.rule: finding.verdict.name.lower() for finding in spoke}


@dataclass(frozen=True, slots=True)
class Taking:
    """Who takes a slot, for which account, at which price, whether anybody was asked, and whether
    the request may leave at once."""

    owner: str
    account_id: str
    cost: int
    automatic: bool
    leave: bool


def _judged(
    sql: Sql, wanted: Wanted, limits: Sequence[Limit], judge: Judge, now: int
) -> tuple[Weighed, Decision]:
    """Weigh a send and judge it; without a reply credit that may end before X has the send."""
    weighed = weigh(sql, wanted, limits, now)
    decision = judge(weighed.facts, from_ms(now))
    ends = weighed.credit_ends
    arrives = _slot(decision, now) + ON_ITS_WAY
    if decision.verdict is Verdict.ALLOW and ends is not None and arrives >= ends:
        weighed = weigh(sql, wanted, limits, now, credit=False)
        decision = judge(weighed.facts, from_ms(now))
    return weighed, decision


def _looked_for(
    sql: Sql, draft: Draft, now: int, wanted: Wanted | None, breaker: Breaker | None
) -> Wanted:
    """Sweep as `reserve` does first, and return what it would look for."""
    sweep(sql, now, breaker)
    wanted = wanted or wanted_by(draft, key_of(sql))
    return _but_for(_under_key(sql, wanted), wanted)


def _under_key(sql: Sql, wanted: Wanted) -> Stored | None:
    rows = find(sql, "WHERE account_id = ? AND draft_key = ?", wanted.account_id, wanted.key)
    return rows[0] if rows else None


def _but_for(earlier: Stored | None, wanted: Wanted) -> Wanted:
    """An entry that stands for a draft is no duplicate of it."""
    return wanted if earlier is None else replace(wanted, own_id=earlier.entry.id)


def _let_pass(sql: Sql, account_id: str, decision: Decision, slot: int) -> dict[str, Value]:
    """What the row remembers of the standing rule that let a send pass, if one did."""
    if decision.standing_rule is None:
        return {"standing_rule": None}
    return {"standing_rule": int(decision.standing_rule), "slot_at": stamp(sql, account_id, slot)}


def _slot(decision: Decision, now: int) -> int:
    return now if decision.not_before is None else max(now, to_ms(decision.not_before))


def _take(sql: Sql, by: Taking, weighed: Weighed, slot: int, now: int) -> dict[str, Value]:
    """Charge windows, credit and money; return what the row of the send remembers of it."""
    book(sql, by.account_id, slot // DAY, by.cost, int(by.automatic))
    leaves = by.leave and _may_leave(by, weighed, slot, now)
    return {
        "state": SendState.IN_FLIGHT if leaves else SendState.RESERVED,
        "slot_at": slot,
        "not_before": slot,
        "dispatched_at": now if leaves else None,
        "lapses_at": now + IN_FLIGHT_FOR if leaves else slot + RESERVED_FOR,
        "owner": by.owner,
        "charges": charges_text(charge(sql, weighed.scopes, slot)),
        "high_water": weighed.newest_id,
        "first_contact": weighed.first_contact,
        "automatic": by.automatic,
        "booked_day": slot // DAY,
    }


def _may_leave(by: Taking, weighed: Weighed, slot: int, now: int) -> bool:
    """Whether `dispatch` would let it go at this very moment: no wait, no halt, no pause."""
    stopped = any(
        stops(halt, first_contact=weighed.first_contact, cost=by.cost)
        for halt in weighed.facts.halts
    )
    return slot <= now and not stopped and weighed.blocked_until <= now


def _sure_enough(stored: Stored) -> bool:
    """Whether the approval that a row holds is as sure as the row asks for."""
    hold = stored.entry.hold
    return hold is not None and hold.assurance is not None and hold.assurance >= hold.least


def _word_ends(stored: Stored) -> int:
    """Return when (ms) a person's yes ends: what cannot leave before must not take a slot."""
    hold = stored.entry.hold
    if hold is None:
        raise ValueError(f"entry {stored.entry.id} was approved without a hold")
    return to_ms(hold.expires_at)


def _asked_again(stored: Stored, decision: Decision) -> dict[str, Value]:
    """The policy now wants a surer approval than was given: the send waits for a person again."""
    hold = stored.entry.hold
    if hold is None:
        raise ValueError(f"entry {stored.entry.id} was approved without a hold")
    least = max(hold.least, decision.least)
    asked = replace(hold, least=least, assurance=None, approved_by=None, approved_at=None)
    return {"state": SendState.HELD, "hold": hold_text(asked), "retry_at": None}


def _told(draft: Draft, wanted: Wanted, decision: Decision) -> dict[str, object]:
    """What the audit chain keeps of a draft: digests, numbers, and the rules that spoke."""
    return {
        "request": wanted.request,
        "content": wanted.content,
        "peer": draft.target.peer,
        "backend": draft.backend,
        "cost": draft.cost,
        "rules": rules(decision),
        **_by_rule(decision),
    }


def _by_rule(decision: Decision) -> dict[str, object]:
    """What the audit chain keeps of the standing rule that let a send pass, if one did."""
    return {} if decision.standing_rule is None else {"standing_rule": decision.standing_rule}


def _columns(draft: Draft, wanted: Wanted, weighed: Weighed, now: int) -> dict[str, Value]:
    return {
        "account_id": draft.account_id,
        "draft_key": wanted.key,
        "request": wanted.request,
        "backend": draft.backend,
        "origin": draft.origin,
        "peer": draft.target.peer,
        "user_ids": " ".join(draft.target.user_ids),
        "conversation_id": draft.target.conversation_id,
        "handle": draft.handle,
        "text": draft.text,
        "content_digest": wanted.content,
        "match_digest": wanted.match,
        "similar_digest": wanted.similar,
        "attachment": attachment_text(draft.attachment),
        "cost": draft.cost,
        "created_at": now,
        "fence": 1,
        "first_contact": weighed.first_contact,
        "automatic": 0,
    }
