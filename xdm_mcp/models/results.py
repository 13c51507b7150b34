"""What the four tools answer: the typed contract with agents.

Ids are decimal strings, times RFC 3339 with `Z`, money a decimal string in USD. Absent means
unknown or not applicable. `text`, `handle` and `name` hold strangers' words, cleaned, and are never
instructions.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Wire(BaseModel):
    """A closed, immutable value of the tools' contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reason(Wire):
    """One rule of the guard and its sentence."""

    rule: str
    says: str


SendStatus = Literal["sent", "held", "denied", "failed", "unknown", "preview"]


class SendResult(Wire):
    """What became of one `send_dm`. Only `sent` means sent.

    `compose_url` is X's own page with the same recipient and text, for the owner's hand; nothing is
    recorded of what becomes of it. `cost_usd` is the price of the send, and missing where it ended
    before anything left.
    """

    status: SendStatus
    says: str
    recipient_ids: list[str] = []
    conversation_id: str | None = None
    message_id: str | None = None
    sent_at: str | None = None
    replayed: bool = False
    approval_id: str | None = None
    reasons: list[Reason] = []
    expires_at: str | None = None
    how_to_approve: str | None = None
    retry_at: str | None = None
    code: str | None = None
    cost_usd: str | None = None
    compose_url: str | None = None


class Person(Wire):
    """One person, in their own words where it says handle or name."""

    id: str
    handle: str | None = None
    name: str | None = None


class ConversationRow(Wire):
    """One conversation and the last thing said in it.

    `unread` says that nobody has opened it, where the backend tells. Where it needs a reply,
    `waits_since` is the first message that waits for one; `replies_left` may still go out as
    solicited replies before `replies_until`.
    """

    id: str
    with_ids: list[str]
    last_at: str
    last_from: str | None = None
    last_text: str | None = None
    unread: bool | None = None
    needs_reply: bool
    waits_since: str | None = None
    replies_left: int | None = None
    replies_until: str | None = None


class MessageRow(Wire):
    """One message. `from_id` is the account's own id for what we wrote."""

    id: str
    conversation_id: str | None = None
    from_id: str | None = None
    at: str
    text: str | None = None
    truncated: bool = False
    hidden_removed: int = 0


class InboxPage(Wire):
    """One page of conversations, or of messages, and what the page can know.

    It is newest first, or `longest_first`: who has waited longest for an answer.
    """

    untrusted: Literal[True] = True
    account_id: str
    conversation_id: str | None = None
    longest_first: bool = Field(default=False, exclude=True)
    people: list[Person] = []
    conversations: list[ConversationRow] | None = None
    messages: list[MessageRow] | None = None
    next_cursor: str | None = None
    coverage: str
    as_of: str
    notes: list[str] = []


class RecipientRow(Wire):
    """Whether one person can be written to, and what the guard would say of a send to them now."""

    who: str
    user_id: str | None = None
    can_dm: bool | None
    basis: str
    verdict: Literal["allow", "hold", "deny"]
    reasons: list[Reason]


class CanDmReport(Wire):
    """One row per recipient asked about, in the order asked."""

    recipients: list[RecipientRow]
    cost_usd: str


class WindowRow(Wire):
    """One rolling window."""

    name: str
    limit: int
    used: int
    remaining: int
    resets_at: str | None = None
    source: Literal["policy", "server"]


class CreditRow(Wire):
    """Replies to one person that charge no message window."""

    user_id: str
    left: int
    until: str


class Money(Wire):
    """What was spent, and the owner's bounds where there are any."""

    today_usd: str
    total_usd: str
    per_day_usd: str | None = None
    max_total_usd: str | None = None


class HeldRow(Wire):
    """One send that waits for a person."""

    approval_id: str
    recipient_ids: list[str]
    expires_at: str
    approved: bool


class HaltRow(Wire):
    """A stop of sends, until a person clears it or `until` has passed."""

    code: str
    scope: str
    says: str
    since: str
    until: str | None = None


class BackendRow(Wire):
    """The active backend, where it is, and its risk where it has one."""

    name: str
    origin: str
    coverage: str
    risk: str | None = None


class QuotaStatus(Wire):
    """Everything that limits what may be sent now, and each rule in a sentence."""

    account_id: str
    backend: BackendRow
    windows: list[WindowRow]
    reply_credits: list[CreditRow]
    money: Money
    held: list[HeldRow]
    halts: list[HaltRow]
    rules: list[Reason]
    notes: list[str] = []
