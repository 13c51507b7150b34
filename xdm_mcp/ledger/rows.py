"""How an entry lies in its row, and back: pure, and the same for every engine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger.sql import Row
from xdm_mcp.models.sends import Assurance, Attachment, Entry, Hold, Receipt, SendState, Target

COLUMNS = (
    "id", "account_id", "draft_key", "request", "backend", "origin", "user_ids", "conversation_id",
    "handle", "text", "content_digest", "match_digest", "similar_digest", "attachment", "cost",
    "state", "created_at", "slot_at", "fence", "hold", "not_before", "dispatched_at", "settled_at",
    "message_id", "thread_id", "code", "says", "retry_at", "reads", "next_read_at", "owner",
    "high_water", "charges", "first_contact", "automatic", "not_sent", "booked_day",
    "standing_rule",
)  # fmt: skip
"""What is read of a row, in this order."""

Charge = tuple[int, int]
"""One charge by its place: the scope's row and the number within the scope."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A row: the entry that others see, and what only the ledger needs.

    `slot_at` (ms) is the moment that counts: creation, then the slot, then the dispatch; of what a
    standing rule let pass never before that of an earlier send.
    `high_water` is the newest message of the thread when it was reserved, `booked_day` the day that
    paid for it.
    """

    entry: Entry
    similar: str
    slot_at: int
    owner: str | None
    high_water: str | None
    charges: tuple[Charge, ...]
    first_contact: bool
    automatic: bool
    booked_day: int | None

    @property
    def turn(self) -> int:
        """When (ms) it may leave. `slot_at` is later where it left late, or where the clock stepped
        back and a standing rule counts it."""
        at = self.entry.not_before
        return self.slot_at if at is None else to_ms(at)

    @property
    def peer(self) -> str:
        """The key of the recipient."""
        return self.entry.target.peer


def stored_of(row: Row) -> Stored:
    """Return what a row of `COLUMNS` holds."""
    (
        number, account_id, draft_key, request, backend, origin, user_ids, conversation_id,
        handle, text, content, match, similar, attachment, cost,
        state, created_at, slot_at, fence, hold, not_before, dispatched_at, settled_at,
        message_id, thread_id, code, says, retry_at, reads, next_read_at, owner,
        high_water, charges, first_contact, automatic, not_sent, booked_day,
        standing_rule,
    ) = row  # fmt: skip
    entry = Entry(
        id=number,
        draft_key=draft_key,
        request=request,
        account_id=account_id,
        backend=backend,
        origin=origin,
        target=Target(tuple(user_ids.split()), conversation_id),
        handle=handle,
        text=text,
        content=content,
        match=match,
        attachment=None if attachment is None else Attachment(*json.loads(attachment)),
        cost=cost,
        state=SendState(state),
        created_at=from_ms(created_at),
        fence=fence,
        hold=None if hold is None else _hold(hold),
        not_before=moment(not_before),
        dispatched_at=moment(dispatched_at),
        settled_at=moment(settled_at),
        receipt=None if message_id is None else Receipt(message_id, thread_id),
        code=code,
        says=says,
        retry_at=moment(retry_at),
        reads=reads,
        next_read_at=moment(next_read_at),
        not_sent=bool(not_sent),
        standing_rule=None if standing_rule is None else str(standing_rule),
    )
    return Stored(
        entry=entry,
        similar=similar,
        slot_at=slot_at,
        owner=owner,
        high_water=high_water,
        charges=charges_of(charges),
        first_contact=bool(first_contact),
        automatic=bool(automatic),
        booked_day=booked_day,
    )


def hold_text(hold: Hold) -> str:
    """Return a hold as it is stored."""
    kept = {
        "approval_id": hold.approval_id,
        "digest": hold.digest,
        "reasons": hold.reasons,
        "least": hold.least,
        "expires_at": to_ms(hold.expires_at),
        "nonce": hold.nonce,
        "assurance": hold.assurance,
        "approved_by": hold.approved_by,
        "approved_at": to_ms(hold.approved_at) if hold.approved_at else None,
        "rejected_by": hold.rejected_by,
        "asked_at": to_ms(hold.asked_at) if hold.asked_at else None,
        "answered_at": to_ms(hold.answered_at) if hold.answered_at else None,
    }
    return json.dumps(kept)


def attachment_text(attachment: Attachment | None) -> str | None:
    """Return an attachment as it is stored."""
    if attachment is None:
        return None
    return json.dumps([attachment.name, attachment.sha256, attachment.media_type, attachment.size])


def charges_text(charges: tuple[Charge, ...]) -> str:
    """Return charges as they are stored."""
    return " ".join(f"{scope}:{seq}" for scope, seq in charges)


def charges_of(text: str) -> tuple[Charge, ...]:
    """Return charges from how they are stored."""
    pairs = (pair.split(":") for pair in text.split())
    return tuple((int(scope), int(seq)) for scope, seq in pairs)


def moment(ms: int | None) -> datetime | None:
    """Return a stored time as one that others understand."""
    return None if ms is None else from_ms(ms)


def _hold(text: str) -> Hold:
    kept = json.loads(text)
    return Hold(
        approval_id=kept["approval_id"],
        digest=kept["digest"],
        reasons=tuple((rule, says) for rule, says in kept["reasons"]),
        least=Assurance(kept["least"]),
        expires_at=from_ms(kept["expires_at"]),
        nonce=kept["nonce"],
        assurance=None if kept["assurance"] is None else Assurance(kept["assurance"]),
        approved_by=kept["approved_by"],
        approved_at=moment(kept["approved_at"]),
        rejected_by=kept.get("rejected_by"),
        asked_at=moment(kept.get("asked_at")),
        answered_at=moment(kept.get("answered_at")),
    )
