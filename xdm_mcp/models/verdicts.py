"""How the guard speaks: facts in, findings by rule, one decision out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from xdm_mcp.models.quota import Spend, Window
from xdm_mcp.models.sends import Assurance, Halt, SendState
from xdm_mcp.models.standing_rules import RuleUse


class Verdict(IntEnum):
    """What a finding or a decision says; the higher is the stricter."""

    ALLOW = 0
    HOLD = 1
    DENY = 2


@dataclass(frozen=True, slots=True)
class PeerFacts:
    """What the ledger knows of one recipient.

    `peer` is the ledger's key (`user:<id>` or `conversation:<id>`). `own_since_inbound` counts our
    sends (open ones included) since the last message of theirs. `closed_until` is set while a
    refusal of theirs is remembered. `blocked`, `suspended` and `can_dm` are what the backend last
    told, at `can_dm_at`.
    """

    peer: str
    user_id: str | None = None
    last_inbound_at: datetime | None = None
    own_since_inbound: int = 0
    opted_out_at: datetime | None = None
    closed_until: datetime | None = None
    closed_code: str | None = None
    blocked: bool = False
    suspended: bool = False
    can_dm: bool | None = None
    can_dm_at: datetime | None = None
    credits_left: int = 0
    credits_until: datetime | None = None


ELSEWHERE = "elsewhere"
"""The state of a message that the owner sent by hand, or by another program."""

PASSABLE = frozenset({SendState.REJECTED, ELSEWHERE})
"""The states of a duplicate that a person may let pass; nothing goes out twice from here."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An earlier send of the same text to the same peer that still counts, and its state; for what
    was not sent from here that is `ELSEWHERE`, and it has no entry."""

    entry_id: int | None
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Leak:
    """What a draft carries of one message of another conversation.

    `kind` is `words`, `code`, `key`, `address` or `amount`; or `said`, for words that an agent sent
    there without a person. `marks` is how much of it; `wrote_at` is when it was written.
    """

    kind: str
    conversation_id: str
    message_id: str
    wrote_at: datetime
    marks: int


@dataclass(frozen=True, slots=True)
class Taint:
    """A conversation of which an agent has read words of somebody else that nobody answered, since
    a person last looked; `at` is when it read them."""

    conversation_id: str
    message_id: str
    at: datetime


NOTHING_SPENT = Spend()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the guard may know of a draft, gathered in one hold of the ledger.

    `peers` has one item per recipient (a group counts as one). `similar_peers` counts other peers
    who got nearly this text within 24 h. `last_send_at` is the slot of the newest counted send of
    the account. `standing_rules` are those in force that may concern this recipient. `leaks` is
    what the text carries of other conversations, `taints` what was read of others, the newest
    first.
    """

    account_id: str
    peers: tuple[PeerFacts, ...] = ()
    windows: tuple[Window, ...] = ()
    spend: Spend = NOTHING_SPENT
    halts: tuple[Halt, ...] = ()
    duplicate: Duplicate | None = None
    similar_peers: int = 0
    automatic_today: int = 0
    held: int = 0
    last_send_at: datetime | None = None
    new_group: bool = False
    standing_rules: tuple[RuleUse, ...] = ()
    leaks: tuple[Leak, ...] = ()
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule says of a draft, in one sentence.

    `retry_at` is when time alone heals a DENY; `not_before` is when an allowed send may leave;
    `least` is the least assurance that answers a HOLD.
    """

    rule: str
    verdict: Verdict
    says: str
    retry_at: datetime | None = None
    not_before: datetime | None = None
    least: Assurance = Assurance.PERSON


@dataclass(frozen=True, slots=True)
class Decision:
    """The guard's word on a draft: the strictest finding wins, and every finding is kept.

    `standing_rule` is the id of the standing rule that let it pass, if one was needed. `by_hand`
    says of a refused draft that the owner may be offered to send it by hand.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    standing_rule: str | None = None
    by_hand: bool = False

    @property
    def reasons(self) -> tuple[tuple[str, str], ...]:
        """(rule, sentence) of each finding as strict as the verdict; of an ALLOW, every remark."""
        return tuple((f.rule, f.says) for f in self.findings if f.verdict is self.verdict)

    @property
    def retry_at(self) -> datetime | None:
        """When every denying rule may be healed by time, the latest of those times; else None."""
        times = [f.retry_at for f in self.findings if f.verdict is Verdict.DENY]
        known = [at for at in times if at is not None]
        return max(known) if known and len(known) == len(times) else None

    @property
    def not_before(self) -> datetime | None:
        """The earliest moment at which an allowed send may leave, None for at once."""
        times = [f.not_before for f in self.findings if f.not_before is not None]
        return max(times) if times else None

    @property
    def least(self) -> Assurance:
        """The least assurance that satisfies every holding rule."""
        holds = [f.least for f in self.findings if f.verdict is Verdict.HOLD]
        return max(holds, default=Assurance.PERSON)
