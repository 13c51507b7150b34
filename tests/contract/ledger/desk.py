"""A desk to try a ledger at: drafts, judges, messages, and a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from xdm_mcp.clock import to_ms
from xdm_mcp.ledger.attempts import Attempt
from xdm_mcp.ledger.base import Ledger, Reservation
from xdm_mcp.ledger.judging import Judge
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.quota import Limit, Window
from xdm_mcp.models.sends import (
    Assurance,
    Draft,
    Entry,
    Halt,
    Hold,
    Outcome,
    Receipt,
    SendState,
    Target,
)
from xdm_mcp.models.verdicts import Decision, Facts, Finding, Verdict

ME = "100"
"""Our account."""

ANNA, BEN, CARA = "7", "8", "9"
"""Three people."""

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""When every test begins."""

PRICE = 15_000
"""What a send costs, in micro-dollars."""

MARGIN = timedelta(seconds=40)
"""By how much every window is longer than X's."""

REQUESTS = Limit(f"{ME}/requests", 15, timedelta(minutes=15))
MESSAGES = Limit(f"{ME}/messages", 500, timedelta(hours=24), counts="messages")
LIMITS = (REQUESTS, MESSAGES)

EPOCH = 1288834974657
"""When X's message ids began to carry a time, in ms."""


def allow(facts: Facts, now: datetime) -> Decision:
    """Let everything pass."""
    return Decision(Verdict.ALLOW, ())


def allow_at(slot: datetime) -> Judge:
    """Return a judge that lets everything pass, not before `slot`."""
    found = Finding("pacing", Verdict.ALLOW, "It waits.", not_before=slot)
    return lambda facts, now: Decision(Verdict.ALLOW, (found,))


def deny(retry_at: datetime | None = None) -> Judge:
    """Return a judge that refuses everything, until `retry_at` where it is given."""
    found = Finding("text", Verdict.DENY, "It may not be said.", retry_at=retry_at)
    return lambda facts, now: Decision(Verdict.DENY, (found,))


def ask(least: Assurance = Assurance.PERSON) -> Judge:
    """Return a judge that wants a person's approval for everything."""
    found = Finding("confirmation", Verdict.HOLD, "A person decides.", least=least)
    return lambda facts, now: Decision(Verdict.HOLD, (found,))


def within_windows(facts: Facts, now: datetime) -> Decision:
    """Refuse what a full window forbids, with the moment at which all of them have room."""
    full = [window for window in facts.windows if window.remaining <= 0]
    if not full:
        return Decision(Verdict.ALLOW, ())
    retry_at = max(window.free_at for window in full if window.free_at is not None)
    return deny(retry_at)(facts, now)


def quiet(attempts: Sequence[Attempt]) -> Halt | None:
    """Never trip."""
    return None


def draft(
    text: str = "Your parcel is on its way.",
    to: str = ANNA,
    *,
    key: str | None = None,
    target: Target | None = None,
    account: str = ME,
    cost: int = PRICE,
) -> Draft:
    """Return a draft."""
    return Draft(
        account_id=account,
        backend="x-api-v2",
        origin="https://api.example",
        target=target or Target((to,)),
        text=text,
        cost=cost,
        handle="anna",
        idempotency_key=key,
    )


def snowflake(at: datetime, serial: int = 1) -> str:
    """Return the id of a message that X accepted at `at`."""
    return str(((to_ms(at) - EPOCH) << 22) + serial)


def message(
    at: datetime,
    text: str | None = "Hello",
    *,
    sender: str = ANNA,
    peer: str = ANNA,
    conversation: str | None = None,
    serial: int = 1,
) -> Message:
    """Return a message of the conversation with `peer`, or of the group `conversation`."""
    return Message(
        id=snowflake(at, serial),
        conversation_id=conversation or pair_id(ME, peer),
        sender_id=sender,
        created_at=at,
        text=text,
    )


def own(at: datetime, text: str = "Written in X's own app.", **more: object) -> Message:
    """Return a message that our account wrote."""
    return message(at, text, sender=ME, **more)  # type: ignore[arg-type]


def sent(message_id: str, conversation_id: str | None = None) -> Outcome:
    """Return the outcome of a send that X accepted."""
    receipt = Receipt(message_id, conversation_id)
    return Outcome(SendState.SENT, "sent", "X accepted the message.", receipt=receipt)


REFUSED = Outcome(SendState.FAILED, "recipient_closed", "X refused: the recipient takes none.")
NOT_SENT = Outcome(SendState.FAILED, "connect", "X could not be reached.", not_sent=True)
UNKNOWN = Outcome(SendState.UNKNOWN, "timeout", "X did not answer in time.")


def stop(text: str) -> bool:
    """Whether a text asks us to stop."""
    return text == "stop"


@dataclass
class Desk:
    """A ledger and a clock; each method is one step of a send, with quiet defaults."""

    ledger: Ledger
    now: datetime = START
    holds: int = 0

    def later(self, **by: float) -> datetime:
        """Move the clock by a timedelta's arguments, perhaps back, and return the new time."""
        self.now += timedelta(**by)
        return self.now

    def hold(self, decision: Decision, now: datetime) -> Hold:
        """Make the question for a person."""
        self.holds += 1
        return Hold(
            approval_id=f"approval{self.holds}",
            digest=f"digest{self.holds}",
            reasons=decision.reasons,
            least=decision.least,
            expires_at=now + timedelta(minutes=15),
            nonce="n",
        )

    async def reserve(
        self, wanted: Draft, judge: Judge = allow, limits: Sequence[Limit] = LIMITS
    ) -> Reservation:
        """Ask for a send."""
        return await self.ledger.reserve(wanted, limits, judge, self.hold, self.now)

    async def reserved(self, wanted: Draft, limits: Sequence[Limit] = LIMITS) -> Entry:
        """Return the entry of a send that was allowed."""
        entry = (await self.reserve(wanted, limits=limits)).entry
        assert entry is not None
        assert entry.state is SendState.RESERVED
        return entry

    async def flying(self, wanted: Draft, limits: Sequence[Limit] = LIMITS) -> Entry:
        """Return the entry of a send whose request has left."""
        entry = await self.ledger.dispatch(await self.reserved(wanted, limits), self.now)
        assert entry is not None
        return entry

    async def send(
        self, wanted: Draft, outcome: Outcome | None = None, limits: Sequence[Limit] = LIMITS
    ) -> Entry:
        """Return the entry of a send that ended with `outcome`, by default accepted."""
        flying = await self.flying(wanted, limits)
        default = sent(snowflake(self.now, serial=flying.id + 1000))
        return await self.settle(flying, outcome or default)

    async def settle(self, entry: Entry, outcome: Outcome) -> Entry:
        """Tell how an attempt ended."""
        return await self.ledger.settle(entry, outcome, self.now, quiet)

    async def held(self, wanted: Draft, least: Assurance = Assurance.PERSON) -> Entry:
        """Return the entry of a send that waits for a person."""
        entry = (await self.reserve(wanted, ask(least))).entry
        assert entry is not None
        assert entry.state is SendState.HELD
        return entry

    async def approve(self, entry: Entry, assurance: Assurance = Assurance.PERSON) -> Entry:
        """Approve what was shown."""
        assert entry.hold is not None
        hold = entry.hold
        return await self.ledger.approve(
            hold.approval_id, hold.digest, assurance, "owner", self.now
        )

    async def approved(self, wanted: Draft) -> Entry:
        """Return the entry of a send that a person approved."""
        return await self.approve(await self.held(wanted))

    async def claim(
        self, entry: Entry, judge: Judge = allow, limits: Sequence[Limit] = LIMITS
    ) -> Reservation:
        """Take up an approved send."""
        return await self.ledger.claim(entry.id, limits, judge, self.now)

    async def record(self, *messages: Message, keep: timedelta | None = None) -> int:
        """Learn from messages, and keep them for a time where one is given."""
        return await self.ledger.record(ME, messages, stop, self.now, keep=keep)

    async def facts(self, wanted: Draft, limits: Sequence[Limit] = LIMITS) -> Facts:
        """Return what the guard would be told."""
        return await self.ledger.facts(wanted, limits, self.now)

    async def window(self, limit: Limit) -> Window:
        """Return how a limit stands."""
        return (await self.ledger.windows([limit], self.now))[0]

    async def used(self, limit: Limit) -> int:
        """Return how many charges count in a window."""
        return (await self.window(limit)).used
