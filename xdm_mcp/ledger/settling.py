"""From the moment a send may leave to its end: `dispatch`, `settle`, and what each outcome gives
back.

A receipt is evidence: it settles an entry whatever its fence. Any other outcome counts only for the
owner that still holds the lease, and nothing that was ever in flight becomes sendable again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.errors import BadInput
from xdm_mcp.ledger.attempts import Attempt, Trip
from xdm_mcp.ledger.books import book, halt
from xdm_mcp.ledger.elsewhere import sent_elsewhere, sent_here
from xdm_mcp.ledger.entries import change, find, load, note
from xdm_mcp.ledger.marks import conversation_of, mark
from xdm_mcp.ledger.peers import close
from xdm_mcp.ledger.rows import Stored
from xdm_mcp.ledger.snowflakes import time_of
from xdm_mcp.ledger.sql import Sql, Value
from xdm_mcp.ledger.windows import (
    NEVER_LEFT,
    REFUSED,
    block,
    count_again,
    excuse,
    observe,
)
from xdm_mcp.ledger.withholding import withheld
from xdm_mcp.models.messages import Message
from xdm_mcp.models.quota import DEADLINE
from xdm_mcp.models.sends import Assurance, Entry, Outcome, Receipt, SendState, Target

IN_FLIGHT_FOR = (DEADLINE + timedelta(seconds=30)) // timedelta(milliseconds=1)
"""How long (ms) an owner has to tell the outcome before the sweep calls it unknown."""

LEFT = "left"
"""The code of a send that was taken back because the one who carried it out ended."""

MISSED = frozenset({"late", LEFT})
"""Codes of sends that missed their turn, and no more."""

FOUND = "found"
"""The code of a send that is proven by a message with its words alone."""

MISTAKEN = "mistaken"
"""The code of a send whose proof turned out to be another send's."""

FIRST_READ = 5_000
"""How long (ms) after an unknown outcome the conversation is first read back."""

PROVABLE = frozenset(
    {SendState.RESERVED, SendState.IN_FLIGHT, SendState.UNKNOWN, SendState.FAILED, SendState.SENT}
)
"""States of a send that may have left, and that a receipt can prove."""


def dispatch(
    sql: Sql, owner: str, entry: Entry, now: int, *, heed_opt_outs: bool = True
) -> Entry | None:
    """See Ledger.dispatch."""
    stored = load(sql, entry.id)
    if not _owned(stored, entry, owner, SendState.RESERVED):
        return None
    why = withheld(sql, stored, now, heed_opt_outs=heed_opt_outs)
    if why is not None:
        _end(sql, stored, why, now)
        return None
    note(sql, stored, now, "dispatched")
    return change(
        sql, stored, state=SendState.IN_FLIGHT, dispatched_at=now, slot_at=max(now, stored.slot_at),
        lapses_at=now + IN_FLIGHT_FOR,
    ).entry  # fmt: skip


def settle(
    sql: Sql,
    owner: str,
    entry: Entry,
    outcome: Outcome,
    now: int,
    trip: Trip,
    *,
    marked_for: timedelta,
) -> Entry:
    """See Ledger.settle."""
    stored = load(sql, entry.id)
    held = _owned(stored, entry, owner, SendState.RESERVED, SendState.IN_FLIGHT)
    if outcome.receipt is not None:
        changed = prove(sql, stored, outcome.receipt, now, code=outcome.code, says=outcome.says)
        _mark_sent(sql, stored, outcome.receipt, marked_for, now)
    elif held:
        changed = _end(sql, stored, outcome, now)
    elif outcome.not_sent and _only_found(stored, entry):
        changed = _not_it(sql, stored, outcome, now)
    elif outcome.state is SendState.FAILED and _robbed(stored, entry):
        changed = _end(sql, stored, outcome, now)
    else:
        changed = stored
    _account_effects(sql, stored, outcome, now)
    if changed is not stored:
        heed(sql, entry.account_id, trip)
    return changed.entry


def _mark_sent(sql: Sql, stored: Stored, receipt: Receipt, marked_for: timedelta, now: int) -> None:
    """Keep marks of a text that was just sent: nobody may read it back before the next send. It has
    no text any more where the owner had it forgotten."""
    entry = stored.entry
    # X may name a conversation with one person by another number than later sends to them do.
    thread = conversation_of(entry.account_id, entry.target) or receipt.conversation_id
    if thread is not None:
        said = Message(receipt.message_id, thread, entry.account_id, from_ms(now), entry.text)
        mark(sql, entry.account_id, [said], marked_for, now)


def heed(sql: Sql, account_id: str, trip: Trip) -> None:
    """Let a breaker look at the latest attempts of an account, and halt it if that says so."""
    tripped = trip(_attempts(sql, account_id))
    if tripped is not None:
        halt(sql, account_id, tripped)


def prove(sql: Sql, stored: Stored, receipt: Receipt, now: int, *, code: str, says: str) -> Stored:
    """Settle a send as sent because its message exists; return the row, unchanged if that was
    known."""
    entry, known = stored.entry, stored.entry.receipt
    same = known is not None and known.message_id == receipt.message_id
    if entry.state not in PROVABLE or same:
        return stored
    _take_from_others(sql, stored, receipt.message_id, now)
    if known is not None:
        _let_go(sql, stored, now)
    if entry.state is SendState.FAILED:
        _count_after_all(sql, stored)
    note(sql, stored, now, "sent", code=code, message=receipt.message_id)
    return change(
        sql, stored, state=SendState.SENT, message_id=receipt.message_id,
        thread_id=receipt.conversation_id, code=code, says=says, not_sent=0, retry_at=None,
        settled_at=now,
    )  # fmt: skip


def resolve(sql: Sql, entry_id: int, outcome: Outcome, by: str, now: int) -> Entry:
    """See Ledger.resolve."""
    stored = load(sql, entry_id)
    if stored.entry.state is not SendState.UNKNOWN:
        raise BadInput(f"That send is {stored.entry.state}; only an unknown one can be resolved.")
    if outcome.state not in {SendState.SENT, SendState.FAILED}:
        raise BadInput("An unknown send is resolved as sent or as failed.")
    note(sql, stored, now, "resolved", by=by)
    if outcome.receipt is not None:
        proof = outcome.receipt
        return prove(sql, stored, proof, now, code=outcome.code, says=outcome.says).entry
    return _end(sql, stored, replace(outcome, not_sent=False), now).entry


def postpone_read(sql: Sql, entry: Entry, next_read_at: int | None) -> Entry:
    """See Ledger.postpone_read."""
    stored = load(sql, entry.id)
    stands = stored.entry
    if stands.state is not SendState.UNKNOWN or stands.reads != entry.reads:
        return stands
    return change(sql, stored, reads=stands.reads + 1, next_read_at=next_read_at).entry


def missed(sql: Sql, stored: Stored, now: int, code: str) -> Stored | None:
    """Return an approved send that missed its turn to where it stood, with everything given back:
    the person's word holds until it expires. None where there is no such word.

    Only a reserved one may come back: of it no byte can have left.
    """
    entry, hold = stored.entry, stored.entry.hold
    if entry.state is not SendState.RESERVED or hold is None or hold.approved_at is None:
        return None
    by_client = code == LEFT and hold.assurance is Assurance.CLIENT  # who said yes is gone
    if by_client or hold.expires_at <= from_ms(now):
        return None
    give_back(sql, stored, everything=True)
    note(sql, stored, now, "missed", code=code)
    return change(
        sql, stored, state=SendState.APPROVED, fence=entry.fence + 1, owner=None, charges="",
        booked_day=None, not_before=None, lapses_at=to_ms(hold.expires_at),
    )  # fmt: skip


def give_back(sql: Sql, stored: Stored, *, everything: bool) -> None:
    """Give back what a refusal gives back by each limit's own word, or everything where no byte
    left."""
    account_id = stored.entry.account_id
    excuse(sql, stored.charges, NEVER_LEFT if everything else REFUSED)
    if everything and stored.booked_day is not None:
        book(sql, account_id, stored.booked_day, -stored.entry.cost, -int(stored.automatic))


def _count_after_all(sql: Sql, stored: Stored) -> None:
    account_id = stored.entry.account_id
    count_again(sql, stored.charges)
    if stored.entry.not_sent and stored.booked_day is not None:
        book(sql, account_id, stored.booked_day, stored.entry.cost, int(stored.automatic))


def _owned(stored: Stored, entry: Entry, owner: str, *states: SendState) -> bool:
    stands = stored.entry
    return stands.state in states and stored.owner == owner and stands.fence == entry.fence


def _end(sql: Sql, stored: Stored, outcome: Outcome, now: int, **more: Value) -> Stored:
    if outcome.not_sent and outcome.code in MISSED:
        again = missed(sql, stored, now, outcome.code)
        if again is not None:
            return again
    note(sql, stored, now, outcome.state, code=outcome.code, not_sent=outcome.not_sent)
    columns: dict[str, Value] = {
        **more,
        "state": outcome.state,
        "code": outcome.code,
        "says": outcome.says,
        "retry_at": to_ms(outcome.retry_at) if outcome.retry_at else None,
    }
    if outcome.state is SendState.UNKNOWN:
        return change(
            sql, stored, **columns, next_read_at=now + FIRST_READ, owner=None, lapses_at=None,
            fence=stored.entry.fence + 1,
        )  # fmt: skip
    if outcome.state is SendState.FAILED:
        give_back(sql, stored, everything=outcome.not_sent)
        columns["not_sent"] = outcome.not_sent
    return change(sql, stored, **columns, settled_at=now)


def _take_from_others(sql: Sql, stored: Stored, message_id: str, now: int) -> None:
    """One message proves one send: it was not made elsewhere, and what it seemed to prove is
    unknown again."""
    account_id = stored.entry.account_id
    sent_here(sql, account_id, message_id)
    for other in find(
        sql, "WHERE account_id = ? AND message_id = ? AND id <> ?",
        account_id, message_id, stored.entry.id,
    ):  # fmt: skip
        note(sql, other, now, "unknown", code=MISTAKEN)
        change(
            sql, other, state=SendState.UNKNOWN, message_id=None, thread_id=None, settled_at=None,
            code=MISTAKEN, next_read_at=now,
            says="The message that seemed to prove it belongs to another send.",
        )  # fmt: skip


def _attempts(sql: Sql, account_id: str) -> tuple[Attempt, ...]:
    """Return the ten latest attempts, newest first."""
    rows = sql.all(
        "SELECT state, code, first_contact FROM entry WHERE account_id = ?"
        " AND booked_day IS NOT NULL AND dispatched_at IS NOT NULL"
        " AND state IN ('sent', 'failed', 'unknown') ORDER BY slot_at DESC, id DESC LIMIT 10",
        account_id,
    )  # fmt: skip
    return tuple(Attempt(state, code, bool(first)) for state, code, first in rows)


def _only_found(stored: Stored, entry: Entry) -> bool:
    """Whether words alone prove a send whose owner still has to speak."""
    return stored.entry.code == FOUND and _has_to_speak(stored, entry)


def _robbed(stored: Stored, entry: Entry) -> bool:
    """Whether a send lost its message to another one before its owner spoke: then the owner knows
    best how it ended."""
    stands = stored.entry
    lost = stands.state is SendState.UNKNOWN and stands.code == MISTAKEN
    return lost and _has_to_speak(stored, entry)


def _has_to_speak(stored: Stored, entry: Entry) -> bool:
    """Whether an owner let a send leave and has neither told its end nor lost its lease."""
    return stored.entry.dispatched_at is not None and stored.entry.fence == entry.fence


def _not_it(sql: Sql, stored: Stored, outcome: Outcome, now: int) -> Stored:
    """End a send of which nothing left after all: the message with its words is somebody else's."""
    _let_go(sql, stored, now)
    return _end(sql, stored, outcome, now, message_id=None, thread_id=None)


def _let_go(sql: Sql, stored: Stored, now: int) -> None:
    """What seemed to be this send is another message: it counts by itself, unless an open send with
    the same words may own it, as its next reading then says."""
    entry = stored.entry
    proof = entry.receipt
    if proof is None:
        raise ValueError(f"entry {entry.id} has no message")
    if _has_twin(sql, stored):
        return
    at = time_of(int(proof.message_id)) or now
    peer = _place(stored, proof).peer
    sent_elsewhere(sql, entry.account_id, peer, proof.message_id, entry.match, at, now)


def _place(stored: Stored, proof: Receipt) -> Target:
    """Return where the inbox sees a message: a group that was opened has an id of its own since."""
    target, group = stored.entry.target, proof.conversation_id
    opened = target.is_new_group and group is not None
    return Target(conversation_id=group) if opened else target


def _has_twin(sql: Sql, stored: Stored) -> bool:
    entry = stored.entry
    row = sql.one(
        "SELECT 1 FROM entry WHERE account_id = ? AND peer = ? AND match_digest = ? AND id <> ?"
        " AND message_id IS NULL AND state IN ('in_flight', 'unknown')",
        entry.account_id, stored.peer, entry.match, entry.id,
    )  # fmt: skip
    return row is not None


def _account_effects(sql: Sql, stored: Stored, outcome: Outcome, now: int) -> None:
    """What an answer says of the account and the recipient holds, whoever brings it."""
    account_id = stored.entry.account_id
    said = [replace(w, scope=w.scope.replace("{account}", account_id)) for w in outcome.windows]
    observe(sql, said, now)  # the answered send is no longer open here
    if outcome.retry_at is not None:
        block(sql, account_id, to_ms(outcome.retry_at))
    if outcome.closed_for is not None:
        until = to_ms(from_ms(now) + outcome.closed_for)
        close(sql, account_id, stored.peer, now, until, outcome.code)
    if outcome.halt is not None:
        halt(sql, account_id, outcome.halt)
