"""The desk at which a person decides about held sends, whatever the channel: terminal, page or
form.

It is no part of any tool. Nothing here approves without a `Proof`, and a proof is made only by a
check of a factor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from xdm_mcp.approvals.factors import Proof
from xdm_mcp.approvals.passkeys import Passkeys
from xdm_mcp.approvals.pin import Pin
from xdm_mcp.approvals.view import Heard, HeldView, conversation_of, view_of
from xdm_mcp.backends.base import Backend
from xdm_mcp.clock import Clock
from xdm_mcp.errors import BadInput
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.messages import Message
from xdm_mcp.models.results import QuotaStatus
from xdm_mcp.models.sends import Assurance, Entry, SendState, Target
from xdm_mcp.models.verdicts import Facts
from xdm_mcp.outbox.drafts import draft_of
from xdm_mcp.outbox.sending import Outbox
from xdm_mcp.outbox.standing import Standing
from xdm_mcp.spelling import one_line


@dataclass(frozen=True, slots=True)
class Past:
    """What became of a send about which a person was asked; its text is gone.

    `state` is how it stands (`held` and `approved` ones are still open). `assurance` and
    `decided_by` say how and where it was approved or rejected, and are None where nobody decided.
    `digest` is what the approval named, `says` one sentence on how it ended, `content` the digest
    of the exact text. `cost` is in micro-dollars. Handles are harmless to draw.
    """

    entry_id: int
    approval_id: str
    state: SendState
    account_id: str
    backend: str
    target: Target
    handle: str | None
    content: str
    reasons: tuple[tuple[str, str], ...]
    least: Assurance
    cost: int
    created_at: datetime
    expires_at: datetime
    assurance: Assurance | None
    decided_by: str | None
    decided_at: datetime | None
    settled_at: datetime | None
    message_id: str | None
    says: str | None
    digest: str


class Desk:
    """Held sends, and a person's word on them. `pin` and `passkeys` are how a person proves it."""

    def __init__(
        self,
        *,
        outbox: Outbox,
        standing: Standing,
        ledger: Ledger,
        backend: Backend,
        policy: Policy,
        clock: Clock,
        pin: Pin,
        passkeys: Passkeys,
        heard: Heard,
    ) -> None:
        """Decide through `outbox`; show what `ledger` knows and this process `heard`."""
        self._outbox = outbox
        self._standing = standing
        self._ledger = ledger
        self._backend = backend
        self._policy = policy
        self._clock = clock
        self._heard = heard
        self.pin = pin
        self.passkeys = passkeys

    async def held(self) -> tuple[HeldView, ...]:
        """Return what waits for a person, or was approved and waits for its turn, oldest first.

        An expired one is not among them.
        """
        await self._sweep()
        return tuple([await self._look(entry) for entry in await self._ledger.waiting()])

    async def view(self, approval: str) -> HeldView:
        """Return one send by its approval id, or by the first 4 or more characters of a waiting
        one's.

        A settled one has lost its text and shows no digest. Raises NotFound.
        """
        await self._sweep()
        return await self._look(await self._outbox.find(approval))

    async def approve(self, approval_id: str, digest: str, proof: Proof) -> Entry:
        """Approve exactly what was shown under `digest`; a running server then sends it once.

        Raises NotFound for an unknown id, and BadInput where the proof is about something else, the
        row was altered, something else was shown, it expired, it no longer waits, or the proof is
        of too little assurance.
        """
        await self._sweep()
        if proof.about != digest:
            raise BadInput("That approval was given for something else; look at the send again.")
        view = await self._look(await self._outbox.find(approval_id))
        if view.altered:
            raise BadInput("This held send was altered after it was held; reject it and ask again.")
        return await self._outbox.approve(
            approval_id, digest=digest, assurance=proof.assurance, by=proof.by
        )

    async def reject(self, approval_id: str, by: str) -> Entry:
        """End a held or approved send for good, which takes no proof. `by` says where.

        Raises NotFound, and BadInput where it no longer waits.
        """
        await self._sweep()
        return await self._outbox.reject(approval_id, by=by)

    async def history(self, limit: int = 20) -> tuple[Past, ...]:
        """Return the newest `limit` sends about which a person was asked, newest first."""
        await self._sweep()
        return tuple(_past(entry) for entry in await self._ledger.asked(limit))

    async def quota(self) -> QuotaStatus:
        """Return every window, money and halt: what a page draws as gauges.

        The first call of a process may ask the backend which account this is; raises what that may
        raise.
        """
        return await self._standing.quota()

    async def _sweep(self) -> None:
        await self._ledger.due(self._clock.now())

    async def _look(self, entry: Entry) -> HeldView:
        now = self._clock.now()
        here = (entry.backend, entry.origin) == (self._backend.name, self._backend.origin)
        documented = self._backend.capabilities.limits if here else ()
        limits = self._policy.limits(entry.account_id, documented)
        facts = await self._ledger.facts(draft_of(entry), limits, now)
        conversation = conversation_of(entry)
        said = self._heard(conversation) if conversation else ()
        carried = self._carried(facts)
        return view_of(entry, facts, await self._handles(entry), said, now, carried)

    def _carried(self, facts: Facts) -> list[Message]:
        """Return the messages of which a draft carries pieces, as far as this process has read
        them."""
        places = {(leak.conversation_id, leak.message_id) for leak in facts.leaks}
        return [
            message
            for conversation_id in dict.fromkeys(leak.conversation_id for leak in facts.leaks)
            for message in self._heard(conversation_id)
            if (conversation_id, message.id) in places
        ]

    async def _handles(self, entry: Entry) -> dict[str, str]:
        ids = (entry.account_id, *entry.target.user_ids)
        known = await self._ledger.known_users(ids)
        return {found.user.id: found.user.handle for found in known if found and found.user.handle}


def _past(entry: Entry) -> Past:
    hold = entry.hold
    if hold is None:
        raise ValueError(f"entry {entry.id} was never held")
    rejected = entry.state is SendState.REJECTED
    return Past(
        entry_id=entry.id,
        approval_id=hold.approval_id,
        state=entry.state,
        account_id=entry.account_id,
        backend=entry.backend,
        target=entry.target,
        handle=one_line(entry.handle) if entry.handle else None,
        content=entry.content,
        reasons=tuple((rule, one_line(says)) for rule, says in hold.reasons),
        least=hold.least,
        cost=entry.cost,
        created_at=entry.created_at,
        expires_at=hold.expires_at,
        assurance=hold.assurance,
        decided_by=hold.rejected_by if rejected else hold.approved_by,
        decided_at=entry.settled_at if rejected else hold.approved_at,
        settled_at=entry.settled_at,
        message_id=entry.receipt.message_id if entry.receipt else None,
        says=entry.says,
        digest=hold.digest,
    )
