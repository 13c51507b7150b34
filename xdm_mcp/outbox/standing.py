"""How things stand: what `quota_status` and `check_can_dm` answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Literal

from xdm_mcp.backends.base import Backend
from xdm_mcp.clock import Clock, rfc3339
from xdm_mcp.errors import BadInput
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.people import USER_ID, User
from xdm_mcp.models.quota import Limit, Window, usd
from xdm_mcp.models.results import (
    BackendRow,
    CanDmReport,
    CreditRow,
    HaltRow,
    HeldRow,
    Money,
    QuotaStatus,
    Reason,
    RecipientRow,
    WindowRow,
)
from xdm_mcp.models.sends import Draft, Entry, SendState, Target
from xdm_mcp.models.verdicts import Facts, Verdict
from xdm_mcp.outbox.timing import off, stepped
from xdm_mcp.people import People, normalise
from xdm_mcp.reads import bound_of

RULES_SHOWN = 5
"""How many standing rules `quota_status` tells of, the oldest first; `xdm://policy` has all."""

PROBE = "."
"""The text of a send that is only imagined: rules about text have nothing to say of it."""

VERDICTS: dict[Verdict, Literal["allow", "hold", "deny"]] = {
    Verdict.ALLOW: "allow",
    Verdict.HOLD: "hold",
    Verdict.DENY: "deny",
}
"""The guard's words as the tools say them."""


class Standing:
    """Answers about limits, money, halts and people, without sending anything."""

    def __init__(
        self,
        backend: Backend,
        ledger: Ledger,
        policy: Policy,
        people: People,
        clock: Clock,
        reads_per_day: int | None = None,
    ) -> None:
        """Ask `ledger` what was counted and `policy` what it would say; `reads_per_day` is the
        owner's bound of reads."""
        self._backend = backend
        self._ledger = ledger
        self._policy = policy
        self._people = people
        self._clock = clock
        self._reads_per_day = reads_per_day

    async def quota(self) -> QuotaStatus:
        """Return every window, credit, halt and rule, the money, and the sends that wait for a
        person."""
        account = await self._people.account()
        now = self._clock.now()
        capabilities = self._backend.capabilities
        limits = [
            *self._policy.limits(account.id, capabilities.limits),
            *(limit.of(account.id) for limit in capabilities.reads.values()),
            *bound_of(account.id, self._reads_per_day),
        ]
        return QuotaStatus(
            account_id=account.id,
            backend=BackendRow(
                name=self._backend.name,
                origin=self._backend.origin,
                coverage=capabilities.coverage,
                risk=capabilities.risk,
            ),
            windows=[_window(window) for window in await self._ledger.windows(limits, now)],
            reply_credits=await self._credits(account.id, now) if capabilities.reply_credit else [],
            money=await self._money(account.id, now),
            held=await self.approvals(),
            halts=[
                HaltRow(
                    code=halt.code,
                    scope=halt.scope,
                    says=halt.says,
                    since=rfc3339(halt.since),
                    until=rfc3339(halt.until) if halt.until else None,
                )
                for halt in await self._ledger.halts(account.id, now)
            ],
            rules=[
                *(Reason(rule=rule, says=says) for rule, says in self._policy.describe()),
                *(await self.standing_rules())[:RULES_SHOWN],
            ],
            notes=await self._clock_notes(account.id, now),
        )

    async def _clock_notes(self, account_id: str, now: datetime) -> list[str]:
        """What is wrong with this machine's clock: X's dates and the ledger's stamps tell."""
        newest = await self._ledger.newest_stamp(account_id)
        told = (off(self._backend.skew), stepped(newest, now))
        return [says for says in told if says is not None]

    async def standing_rules(self) -> list[Reason]:
        """Return the standing rules in force of this account, each in a sentence, oldest first."""
        account = await self._people.account()
        uses = await self._ledger.standing_rules(account.id, self._clock.now())
        return [Reason(rule=f"standing_rule {use.rule.id}", says=use.describe()) for use in uses]

    async def approvals(self) -> list[HeldRow]:
        """Return the sends of this account that wait for a person, without their text."""
        account = await self._people.account()
        return [held_row(entry) for entry in await self._ledger.waiting(account.id)]

    async def check(self, recipients: Sequence[str]) -> CanDmReport:
        """Return for each of 1 to 100 handles or ids whether they can be written to, and the
        guard's word now. Raises BadInput, and what a look-up may raise."""
        if not 1 <= len(recipients) <= 100:
            raise BadInput("check_can_dm takes 1 to 100 recipients.")
        account = await self._people.account()
        before = (await self._ledger.spend(account.id, self._clock.now())).total
        users = await self._people.find_many(recipients)
        after = (await self._ledger.spend(account.id, self._clock.now())).total
        rows = [
            await self._row(who, user, account) for who, user in zip(recipients, users, strict=True)
        ]
        return CanDmReport(recipients=rows, cost_usd=usd(after - before))

    async def _row(self, who: str, user: User | None, account: User) -> RecipientRow:
        shown = normalise(who)
        if user is None:
            says = "There is no such X user; check the handle, or use the numeric user id."
            if USER_ID.match(shown):
                says = "There is no X user with that id; check it, or use the handle with its @."
            return RecipientRow(
                who=shown,
                can_dm=False,
                basis="unknown",
                verdict="deny",
                reasons=[Reason(rule="recipients", says=says)],
            )
        draft = Draft(
            account_id=account.id,
            backend=self._backend.name,
            origin=self._backend.origin,
            target=Target(user_ids=(user.id,)),
            text=PROBE,
            cost=self._backend.capabilities.prices.send,
            handle=user.handle,
        )
        now = self._clock.now()
        limits = self._policy.limits(account.id, self._backend.capabilities.limits)
        judge = partial(self._policy.decide, draft)
        seen = await self._ledger.preview(draft, limits, judge, now)
        can_dm, basis = _can_dm(user, seen.facts, now)
        return RecipientRow(
            who=shown,
            user_id=user.id,
            can_dm=can_dm,
            basis=basis,
            verdict=VERDICTS[seen.decision.verdict],
            reasons=[Reason(rule=rule, says=says) for rule, says in seen.decision.reasons],
        )

    async def _money(self, account_id: str, now: datetime) -> Money:
        spend, budget = await self._ledger.spend(account_id, now), self._policy.budget()
        return Money(
            today_usd=usd(spend.today),
            total_usd=usd(spend.total),
            per_day_usd=None if budget.per_day is None else usd(budget.per_day),
            max_total_usd=None if budget.total is None else usd(budget.total),
        )

    async def _credits(self, account_id: str, now: datetime) -> list[CreditRow]:
        return [
            CreditRow(
                user_id=peer.user_id, left=peer.credits_left, until=rfc3339(peer.credits_until)
            )
            for peer in await self._ledger.credits(account_id, now)
            if peer.user_id and peer.credits_until
        ]


def held_row(entry: Entry) -> HeldRow:
    """Return what an agent may know of a send that waits for a person."""
    if entry.hold is None:
        raise ValueError(f"entry {entry.id} waits for nobody")
    return HeldRow(
        approval_id=entry.hold.approval_id,
        recipient_ids=list(entry.target.user_ids),
        expires_at=rfc3339(entry.hold.expires_at),
        approved=entry.state is SendState.APPROVED,
    )


def _window(window: Window) -> WindowRow:
    limit: Limit = window.limit
    return WindowRow(
        name=limit.name,
        limit=limit.limit,
        used=window.used,
        remaining=window.remaining,
        resets_at=rfc3339(window.resets_at) if window.resets_at else None,
        source=window.source,
    )


def _can_dm(user: User, facts: Facts, now: datetime) -> tuple[bool | None, str]:
    """What is known of being able to write, strongest evidence first; never a statement of
    consent."""
    peer = facts.peers[0] if facts.peers else None
    if peer and peer.closed_until and peer.closed_until > now:
        return False, "negative_cache"
    if user.suspended or "blocking" in user.connection:
        return False, "relative"
    if user.can_dm_basis != "relative" and peer and peer.last_inbound_at:
        return True, "history"  # what is told of everybody does not shut out who wrote to us
    return user.can_dm, user.can_dm_basis
