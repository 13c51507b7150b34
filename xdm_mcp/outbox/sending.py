"""The write path: the only way by which anything leaves.

A draft is judged and written down in one hold of the ledger, waits for a person where the guard
says so, leaves at most once, and is settled by what the backend proved. `docs/outbox.md` draws the
states.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import anyio
import anyio.lowlevel

from xdm_mcp.backends.base import Backend
from xdm_mcp.bus import Bus, Changed
from xdm_mcp.clock import Clock
from xdm_mcp.errors import (
    BadInput,
    LedgerUnavailable,
    NotFound,
    Refused,
    Unavailable,
)
from xdm_mcp.guard.breakers import trip
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.base import Ledger, Reservation
from xdm_mcp.models.quota import LATENESS, Limit
from xdm_mcp.models.results import SendResult
from xdm_mcp.models.sends import (
    Assurance,
    Draft,
    Entry,
    Hold,
    Outcome,
    SendState,
    approval_digest,
)
from xdm_mcp.models.verdicts import Decision, Facts, Verdict
from xdm_mcp.outbox.drafts import Drafts, draft_of
from xdm_mcp.outbox.fitness import ALTERED, Fit, altered, fitness, left, withdrawn
from xdm_mcp.outbox.reconcile import Reconciler
from xdm_mcp.outbox.telling import tell_denied, tell_entry, tell_preview
from xdm_mcp.outbox.timing import Timekeeper
from xdm_mcp.people import People
from xdm_mcp.reads import Reads

OPEN = frozenset({SendState.RESERVED, SendState.IN_FLIGHT})
"""States that end by themselves within seconds: worth waiting for."""

WAITING = frozenset({SendState.HELD, SendState.APPROVED})
"""States in which a send waits for a person, or for a turn that has not come."""

PATIENCE = timedelta(seconds=45)
"""How long a repeated call waits for another process that is sending the same draft."""

GREETING = 5
"""How many messages are read of a conversation that we know nothing of: each one is billed."""

AGAIN = timedelta(seconds=30)
"""How long after we could not learn whose account this is we ask again."""

Draw = Callable[[int], str]
"""Draws `n` random bytes as hex; injected so that tests repeat."""


class Outbox:
    """Sends, held sends and their approvals, for the account of one backend."""

    def __init__(
        self,
        *,
        backend: Backend,
        ledger: Ledger,
        policy: Policy,
        drafts: Drafts,
        people: People,
        reads: Reads,
        timekeeper: Timekeeper,
        reconciler: Reconciler,
        bus: Bus,
        clock: Clock,
        holds_for: timedelta,
        draw: Draw = secrets.token_hex,
    ) -> None:
        """Send through `backend` what `policy` lets pass; ask a person for `holds_for` at most."""
        self._backend = backend
        self._ledger = ledger
        self._policy = policy
        self._drafts = drafts
        self._people = people
        self._reads = reads
        self._timekeeper = timekeeper
        self._reconciler = reconciler
        self._bus = bus
        self._clock = clock
        self._holds_for = holds_for
        self._draw = draw
        self._leaving: set[anyio.Event] = set()
        self._introduced: set[str] = set()
        self._ask_again_at: datetime | None = None

    async def all_left(self) -> None:
        """Wait until no send of this process is on its way."""
        for gone in tuple(self._leaving):
            await gone.wait()

    async def send(
        self,
        *,
        text: str,
        to: str | None = None,
        conversation_id: str | None = None,
        new_group: Sequence[str] | None = None,
        attachment: str | None = None,
        idempotency_key: str | None = None,
        dry_run: bool = False,
    ) -> SendResult:
        """Send, or hold, or refuse; the answer says which, and never `sent` when it is not so.

        Exactly one of `to`, `conversation_id` and `new_group` (2 to 49) is given. Raises BadInput,
        NotFound and Unsupported for what cannot be asked, Unavailable where nothing could be
        decided.
        """
        draft = await self._drafts.make(
            text=text,
            to=to,
            conversation_id=conversation_id,
            new_group=new_group,
            attachment=attachment,
            idempotency_key=idempotency_key,
            look_up=not dry_run,
        )
        limits = self._limits(draft)
        now = self._clock.now()
        if dry_run:
            judge = partial(self._policy.decide, draft)
            seen = await self._ledger.preview(draft, limits, judge, now)
            return tell_preview(draft, seen.decision)
        await self._meet(draft)
        late = await self._timekeeper.refusal()
        fit = Fit(draft, late) if late else await fitness(draft, self._drafts, self._backend)
        reservation = await self._decided(
            self._ledger.reserve(
                draft,
                limits,
                partial(self._judge, fit, None),
                partial(self._hold, draft),
                self._clock.now(),
                leave=fit.leaves,
            ),
            fit,
        )
        return await self._answer(reservation, fit)

    async def approve(
        self, approval_id: str, *, digest: str, assurance: Assurance, by: str
    ) -> Entry:
        """Record a person's approval of exactly what `digest` names; the sending follows by `work`.

        Raises NotFound or BadInput where it does not fit. No tool calls this.
        """
        entry = await self._ledger.approve(approval_id, digest, assurance, by, self._clock.now())
        self._bus.publish(Changed("approvals"))
        return entry

    async def reject(self, approval_id: str, *, by: str) -> Entry:
        """End a held send for good. Raises NotFound or BadInput where it does not fit."""
        entry = await self._ledger.reject(approval_id, by, self._clock.now())
        self._bus.publish(Changed("approvals"))
        return entry

    async def waiting(self) -> tuple[Entry, ...]:
        """Return the sends that wait for a person, or for their turn after one approved."""
        return await self._ledger.waiting()

    async def find(self, approval: str) -> Entry:
        """Return the entry whose approval id is, or uniquely begins with, `approval` (4
        characters or more). Raises NotFound."""
        exact = await self._ledger.by_approval(approval)
        if exact is not None:
            return exact
        near = [
            e for e in await self.waiting() if e.hold and e.hold.approval_id.startswith(approval)
        ]
        if len(approval) < 4 or len(near) != 1:
            raise NotFound("No held send has that id; list them with `xdm-mcp approvals`.")
        return near[0]

    async def work(self) -> int:
        """Do once what is due: send what was approved, read back what is unknown. Return how
        much was done.

        What belongs to another account, backend or place is left to a process that speaks for it.
        Raises what looking our own account up may raise.
        """
        done = 0
        now = self._clock.now()
        for entry in await self._ledger.due(now):
            if not await self._is_ours(entry):
                continue
            if entry.state is SendState.UNKNOWN:
                done += await self._reconciler.read_back(entry)
            elif entry.retry_at is None or entry.retry_at <= now:
                done += await self.send_approved(entry) is not None
        return done

    async def send_approved(self, entry: Entry) -> Entry | None:
        """Claim an approved entry and send it; None where another process was faster, it must wait,
        or it is not for this process to send."""
        if not await self._is_ours(entry) or await self._timekeeper.refusal():
            return None
        fit = await fitness(draft_of(entry), self._drafts, self._backend, entry)
        approval = entry.hold.assurance if entry.hold else None
        reservation = await self._decided(
            self._ledger.claim(
                entry.id,
                self._limits(fit.draft),
                partial(self._judge, fit, approval),
                self._clock.now(),
                leave=fit.leaves,
            ),
            fit,
        )
        claimed, decision = reservation.entry, reservation.decision
        allowed = decision is not None and decision.verdict is Verdict.ALLOW
        if reservation.repeat or claimed is None or not allowed or claimed.state in WAITING:
            self._bus.publish(Changed("approvals"))
            return None
        return await self._carry(claimed, fit) if claimed.state in OPEN else claimed

    async def _is_ours(self, entry: Entry) -> bool:
        """Whether this process speaks for the account of an entry, over the same wire: a ledger may
        be shared, and what a person approved for one account leaves from no other."""
        if (entry.backend, entry.origin) != (self._backend.name, self._backend.origin):
            return False
        now = self._clock.now()
        if self._ask_again_at is not None and now < self._ask_again_at:
            return False
        self._ask_again_at = now + AGAIN  # in case it raises: X is not asked twice a second
        account = await self._people.account()
        self._ask_again_at = None
        return entry.account_id == account.id

    async def _meet(self, draft: Draft) -> None:
        """Read the last words of a conversation that the ledger knows nothing of, once per process.

        Without it somebody who wrote yesterday looks like a first contact. A read that fails leaves
        it at that: the guard then asks a person.
        """
        if draft.target.peer in self._introduced:
            return
        self._introduced.add(draft.target.peer)
        facts = await self._ledger.facts(draft, (), self._clock.now())
        if all(peer.last_inbound_at is None for peer in facts.peers):
            with suppress(Unavailable, Refused, BadInput):
                await self._reads.of(draft.target, GREETING)

    async def _decided(self, decision: Awaitable[Reservation], fit: Fit) -> Reservation:
        """Take what was written as in flight to its end, as part of the decision itself: in between
        nobody is told that no send is on its way."""
        with self._on_its_way():
            reservation = await decision
            entry = reservation.entry
            if entry is None or reservation.repeat or entry.state is not SendState.IN_FLIGHT:
                return reservation
            return replace(reservation, entry=await self._carry(entry, fit))

    async def _answer(self, reservation: Reservation, fit: Fit) -> SendResult:
        if reservation.mismatch:
            raise BadInput(
                "That idempotency_key already belongs to a send with another text or recipient;"
                " use a new key for a new message."
            )
        entry, decision = reservation.entry, reservation.decision
        if reservation.repeat and entry is not None:
            return tell_entry(await self._await_outcome(entry), replayed=True)
        if entry is None:
            return tell_denied(fit.draft, decision or Decision(Verdict.DENY, ()))
        if entry.state is SendState.RESERVED:
            return tell_entry(await self._carry(entry, fit))
        self._bus.publish(Changed("approvals"), Changed("quota"))
        return tell_entry(entry)

    async def _await_outcome(self, entry: Entry) -> Entry:
        """Return a send of another call once it ended, or as it was seen last."""
        until = self._clock.now() + PATIENCE
        while entry.state in OPEN and self._clock.now() < until:
            await self._clock.sleep(0.2)
            with suppress(LedgerUnavailable):
                entry = await self._ledger.entry(entry.id) or entry
        return entry

    async def _carry(self, entry: Entry, fit: Fit) -> Entry:
        """Take a reserved entry, or one just written as in flight, to its end; from the moment it
        may leave, nothing cancels it."""
        if fit.unfit is not None:
            with anyio.CancelScope(shield=True):
                entry = await self._settle(entry, fit.unfit)
            return entry
        try:
            await self._pace(entry)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True):
                await self._settle(entry, left())
            raise
        with anyio.CancelScope(shield=True), self._on_its_way():
            leave = self._leave if entry.state is SendState.IN_FLIGHT else self._dispatch
            entry = await leave(entry, fit)
        return entry

    async def _pace(self, entry: Entry) -> None:
        if entry.not_before is not None:
            wait = (entry.not_before - self._clock.now()).total_seconds()
            if wait > 0:
                await self._clock.sleep(wait)
        await anyio.lowlevel.checkpoint_if_cancelled()

    @contextmanager
    def _on_its_way(self) -> Iterator[None]:
        gone = anyio.Event()
        self._leaving.add(gone)
        try:
            yield
        finally:
            self._leaving.discard(gone)
            gone.set()

    async def _dispatch(self, entry: Entry, fit: Fit) -> Entry:
        """Let a send go that had to wait: everything is looked at once more."""
        fit = await fitness(fit.draft, self._drafts, self._backend, entry)
        if fit.unfit is not None:
            return await self._settle(entry, fit.unfit)
        heed = self._policy.recipients.enabled
        flying = await self._ledger.dispatch(entry, self._clock.now(), heed_opt_outs=heed)
        if flying is None:
            return await self._ledger.entry(entry.id) or entry
        return await self._leave(flying, fit)

    async def _leave(self, flying: Entry, fit: Fit) -> Entry:
        if altered(flying):
            return await self._settle(flying, withdrawn(ALTERED))
        if self._overslept(flying):
            return await self._settle(flying, withdrawn("The machine slept; try again."))
        outcome = await self._backend.send(flying.target, flying.text or "", fit.picture)
        try:
            return await self._settle(flying, outcome)
        except LedgerUnavailable:
            return self._unwritten(flying, outcome)

    def _overslept(self, entry: Entry) -> bool:
        """Whether so much time passed while the dispatch was written that the windows no longer
        have room: a machine that slept just then must not send when it wakes."""
        slot = entry.not_before or entry.created_at
        return self._clock.now() > slot + LATENESS

    def _unwritten(self, entry: Entry, outcome: Outcome) -> Entry:
        """Return what can be said of an attempt whose end could not be written down.

        A receipt proves that it was sent. Without one it is unknown: the ledger's lease makes the
        row so too, and has it read back.
        """
        if outcome.receipt is None:
            return replace(entry, state=SendState.UNKNOWN)
        now = self._clock.now()
        return replace(entry, state=SendState.SENT, receipt=outcome.receipt, settled_at=now)

    async def _settle(self, entry: Entry, outcome: Outcome) -> Entry:
        now = self._clock.now()
        trips, marked_for = partial(trip, now=now), self._policy.leak.remembered
        settled = await self._ledger.settle(entry, outcome, now, trips, marked_for=marked_for)
        self._bus.publish(Changed("approvals"), Changed("quota"), Changed("inbox"))
        if settled.receipt and settled.receipt.conversation_id:
            self._bus.publish(Changed("conversation", settled.receipt.conversation_id))
        return settled

    def _limits(self, draft: Draft) -> tuple[Limit, ...]:
        return self._policy.limits(draft.account_id, self._backend.capabilities.limits)

    def _judge(self, fit: Fit, approval: Assurance | None, facts: Facts, now: datetime) -> Decision:
        return fit.refusal or self._policy.decide(fit.draft, facts, now, approval)

    def _hold(self, draft: Draft, decision: Decision, now: datetime) -> Hold:
        expires_at, nonce = now + self._holds_for, self._draw(16)
        return Hold(
            approval_id=self._draw(16),
            digest=approval_digest(draft, nonce, expires_at, decision.reasons),
            reasons=decision.reasons,
            least=decision.least,
            expires_at=expires_at,
            nonce=nonce,
        )
