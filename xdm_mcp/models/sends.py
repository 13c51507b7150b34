"""A send on its way: the draft somebody wants, its ledger entry, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from xdm_mcp.digests import content_digest, digest
from xdm_mcp.models.quota import ServerWindow


class Assurance(IntEnum):
    """How sure an approval is that a person gave it; higher is surer."""

    STANDING_RULE = 1
    CLIENT = 2
    PERSON = 3
    PASSKEY = 4


class SendState(StrEnum):
    """Where an entry stands; `docs/outbox.md` draws the transitions."""

    HELD = "held"
    APPROVED = "approved"
    RESERVED = "reserved"
    IN_FLIGHT = "in_flight"
    SENT = "sent"
    FAILED = "failed"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    EXPIRED = "expired"


SETTLED = frozenset({SendState.SENT, SendState.FAILED, SendState.REJECTED, SendState.EXPIRED})
"""The states that end a send."""

FORGOTTEN = "The owner had this conversation forgotten, so this was not sent."
"""What a rejected row says that nobody rejected by itself."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom a draft goes to, as numbers only.

    Exactly one form: one user (`user_ids` of one, no conversation), an existing group
    (`conversation_id`), or a new group (`user_ids` of 2 to 49, no conversation).
    """

    user_ids: tuple[str, ...] = ()
    conversation_id: str | None = None

    @property
    def peer(self) -> str:
        """The key under which the ledger remembers this target."""
        if self.conversation_id is not None:
            return f"conversation:{self.conversation_id}"
        if len(self.user_ids) == 1:
            return f"user:{self.user_ids[0]}"
        return "group:" + ",".join(sorted(self.user_ids, key=int))

    @property
    def is_new_group(self) -> bool:
        """Whether sending creates a group."""
        return self.conversation_id is None and len(self.user_ids) > 1


@dataclass(frozen=True, slots=True)
class Attachment:
    """One image of the owner's attachments folder: its file name, digest, media type and size in
    bytes."""

    name: str
    sha256: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A send that somebody wants, with everything decided by numbers.

    `backend` and `origin` say over which wire it would go (`x-api-v2`, `https://api.x.com`), `cost`
    is what it will cost in micro-dollars, `handle` is shown to people and never used to send.
    """

    account_id: str
    backend: str
    origin: str
    target: Target
    text: str
    cost: int
    attachment: Attachment | None = None
    handle: str | None = None
    idempotency_key: str | None = None

    @property
    def content(self) -> str:
        """Digest of what would be written: the exact text and the attachment's bytes."""
        return content_digest(self.text, self.attachment.sha256 if self.attachment else None)

    @property
    def request(self) -> str:
        """Digest of the whole request, without its key: same request, same digest."""
        return self.request_for(self.content)

    @property
    def key(self) -> str:
        """The key under which a repeat finds this send: the caller's own, else derived from
        content."""
        return self.key_for(self.request)

    def request_for(self, content: str) -> str:
        """Return `request`, where `content` is known already."""
        return digest("request/1", [self.account_id, self.target.peer, content])

    def key_for(self, request: str) -> str:
        """Return `key`, where `request` is known already."""
        return f"k:{self.idempotency_key}" if self.idempotency_key is not None else f"d:{request}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The backend's proof that it accepted a send: accepted, never proof of delivery."""

    message_id: str
    conversation_id: str | None = None


@dataclass(frozen=True, slots=True)
class Halt:
    """A stop of all sends after X signalled trouble, until a person clears it or `until` has
    passed.

    `scope` is `account` (every send), `first_contacts` (sends to people who never wrote) or
    `spending`.
    """

    code: str
    says: str
    since: datetime
    scope: str = "account"
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended, as evidence for the ledger.

    `state` is SENT, FAILED or UNKNOWN; `code` is one of our own short words and `says` our own
    sentence. `not_sent` is True only when no byte can have left: then everything reserved is given
    back. `retry_at` is when a failed send may be tried anew, and until then nothing leaves the
    account. `closed_for` asks to remember the refusal of this recipient, `halt` to stop all sends,
    `windows` is what the backend's headers said.
    """

    state: SendState
    code: str
    says: str
    receipt: Receipt | None = None
    not_sent: bool = False
    retry_at: datetime | None = None
    closed_for: timedelta | None = None
    halt: Halt | None = None
    windows: tuple[ServerWindow, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """What a person is asked about a held send.

    `digest` binds account, backend, recipient, exact text, attachment, cost, reasons, expiry and a
    nonce: an approval names this digest and dies with any change. `asked_at` is when the client was
    asked about it, which happens once, and `answered_at` when its one answer came.
    """

    approval_id: str
    digest: str
    reasons: tuple[tuple[str, str], ...]
    least: Assurance
    expires_at: datetime
    nonce: str
    assurance: Assurance | None = None
    approved_by: str | None = None
    approved_at: datetime | None = None
    rejected_by: str | None = None
    asked_at: datetime | None = None
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A send's row in the ledger.

    `text` is None once the send is settled: only digests stay. `fence` rises with every change of
    owner; a write with an older fence is refused. `not_sent` says of a failed one that no byte of
    it left, so that it cost nothing. `standing_rule` is the id of the rule that let it pass, if one
    did. Times are aware UTC.
    """

    id: int
    draft_key: str
    request: str
    account_id: str
    backend: str
    origin: str
    target: Target
    handle: str | None
    text: str | None
    content: str
    match: str
    attachment: Attachment | None
    cost: int
    state: SendState
    created_at: datetime
    fence: int
    hold: Hold | None = None
    not_before: datetime | None = None
    dispatched_at: datetime | None = None
    settled_at: datetime | None = None
    receipt: Receipt | None = None
    code: str | None = None
    says: str | None = None
    retry_at: datetime | None = None
    reads: int = 0
    next_read_at: datetime | None = None
    not_sent: bool = False
    standing_rule: str | None = None


def approval_digest(
    draft: Draft, hold_nonce: str, expires_at: datetime, reasons: tuple[tuple[str, str], ...]
) -> str:
    """Return the digest that an approval of `draft` must name (hex SHA-256)."""
    attachment = draft.attachment
    return digest(
        "approval/1",
        {
            "account": draft.account_id,
            "backend": [draft.backend, draft.origin],
            "recipient": {
                "users": list(draft.target.user_ids),
                "conversation": draft.target.conversation_id,
            },
            "text": draft.text,
            "attachment": [attachment.name, attachment.sha256] if attachment else None,
            "cost": draft.cost,
            "reasons": [list(reason) for reason in reasons],
            "expires": expires_at.isoformat(),
            "nonce": hold_nonce,
        },
    )
