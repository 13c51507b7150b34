"""The ledger over any SQL engine: each method of the contract is one transaction around one plain
function."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from xdm_mcp.clock import to_ms
from xdm_mcp.ledger import (
    audit,
    books,
    finding,
    holding,
    peers,
    people,
    recipients,
    recording,
    reserving,
    settling,
    standing_rules,
    windows,
)
from xdm_mcp.ledger.asking import SqlAsking
from xdm_mcp.ledger.attempts import Breaker, Trip
from xdm_mcp.ledger.base import MakeHold, Reservation
from xdm_mcp.ledger.books import Booking
from xdm_mcp.ledger.factors import SqlFactors
from xdm_mcp.ledger.judging import Judge, Preview
from xdm_mcp.ledger.kept import SqlKept, length_ms
from xdm_mcp.ledger.knowing import SqlKnowing
from xdm_mcp.ledger.marks import REMEMBERED, key_of, known_key
from xdm_mcp.ledger.polling import SqlPolling
from xdm_mcp.ledger.sql import Database
from xdm_mcp.ledger.taints import SqlTaints
from xdm_mcp.ledger.wanted import Wanted, wanted_by
from xdm_mcp.ledger.windows import observe
from xdm_mcp.models.audit import AuditRecord, AuditVerdict
from xdm_mcp.models.messages import Message
from xdm_mcp.models.people import KnownUser, User
from xdm_mcp.models.quota import Budget, Limit, ServerWindow, Spend, Window
from xdm_mcp.models.sends import Assurance, Draft, Entry, Halt, Outcome
from xdm_mcp.models.standing_rules import RuleUse, StandingRule, Terms
from xdm_mcp.models.verdicts import Facts, PeerFacts


class SqlLedger(SqlAsking, SqlFactors, SqlKept, SqlKnowing, SqlPolling, SqlTaints):
    """See Ledger. One instance is one owner of the sends that it reserves."""

    def __init__(self, database: Database, breaker: Breaker | None = None) -> None:
        """Keep everything in `database`; touch nothing yet. `breaker` looks at what sweeps end."""
        self._database = database
        self._breaker = breaker
        self._owner = secrets.token_hex(8)
        self._key: bytes | None = None

    @property
    def place(self) -> str:
        """See Ledger.place."""
        return self._database.place

    async def close(self) -> None:
        """See Ledger.close."""
        await self._database.close()

    async def facts(self, draft: Draft, limits: Sequence[Limit], now: datetime) -> Facts:
        """See JudgingLedger.facts."""
        at = to_ms(now)
        wanted = await self._wanted(draft)
        return await self._database.imagine(
            lambda sql: reserving.facts(sql, draft, limits, at, wanted, self._breaker)
        )

    async def preview(
        self, draft: Draft, limits: Sequence[Limit], judge: Judge, now: datetime
    ) -> Preview:
        """See JudgingLedger.preview."""
        at = to_ms(now)
        wanted = await self._wanted(draft)
        return await self._database.imagine(
            lambda sql: reserving.preview(sql, draft, limits, judge, at, wanted, self._breaker)
        )

    async def reserve(
        self,
        draft: Draft,
        limits: Sequence[Limit],
        judge: Judge,
        hold: MakeHold,
        now: datetime,
        *,
        leave: bool = False,
    ) -> Reservation:
        """See Ledger.reserve."""
        at = to_ms(now)
        wanted = await self._wanted(draft)
        return await self._database.write(
            lambda sql: reserving.reserve(
                sql,
                self._owner,
                draft,
                limits,
                judge,
                hold,
                at,
                leave=leave,
                wanted=wanted,
                breaker=self._breaker,
            )
        )

    async def ask_once(self, approval_id: str, now: datetime) -> bool:
        """See Ledger.ask_once."""
        at = to_ms(now)
        return await self._database.write(lambda sql: holding.ask_once(sql, approval_id, at))

    async def approve(
        self, approval_id: str, digest: str, assurance: Assurance, by: str, now: datetime
    ) -> Entry:
        """See Ledger.approve."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: holding.approve(sql, approval_id, digest, assurance, by, at)
        )

    async def reject(self, approval_id: str, by: str, now: datetime) -> Entry:
        """See Ledger.reject."""
        at = to_ms(now)
        return await self._database.write(lambda sql: holding.reject(sql, approval_id, by, at))

    async def claim(
        self,
        entry_id: int,
        limits: Sequence[Limit],
        judge: Judge,
        now: datetime,
        *,
        leave: bool = False,
    ) -> Reservation:
        """See Ledger.claim."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: reserving.claim(
                sql, self._owner, entry_id, limits, judge, at, leave=leave, breaker=self._breaker
            )
        )

    async def dispatch(
        self, entry: Entry, now: datetime, *, heed_opt_outs: bool = True
    ) -> Entry | None:
        """See Ledger.dispatch."""
        at, owner = to_ms(now), self._owner
        return await self._database.write(
            lambda sql: settling.dispatch(sql, owner, entry, at, heed_opt_outs=heed_opt_outs)
        )

    async def settle(
        self,
        entry: Entry,
        outcome: Outcome,
        now: datetime,
        trip: Trip,
        *,
        marked_for: timedelta = REMEMBERED,
    ) -> Entry:
        """See Ledger.settle."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: settling.settle(
                sql, self._owner, entry, outcome, at, trip, marked_for=marked_for
            )
        )

    async def resolve(self, entry_id: int, outcome: Outcome, by: str, now: datetime) -> Entry:
        """See Ledger.resolve."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: settling.resolve(sql, entry_id, outcome, by, at)
        )

    async def postpone_read(
        self, entry: Entry, next_read_at: datetime | None, now: datetime
    ) -> Entry:
        """See Ledger.postpone_read."""
        at = None if next_read_at is None else to_ms(next_read_at)
        return await self._database.write(lambda sql: settling.postpone_read(sql, entry, at))

    async def entry(self, entry_id: int) -> Entry | None:
        """See Ledger.entry."""
        return await self._database.read(lambda sql: finding.entry(sql, entry_id))

    async def by_approval(self, approval_id: str) -> Entry | None:
        """See Ledger.by_approval."""
        return await self._database.read(lambda sql: finding.by_approval(sql, approval_id))

    async def waiting(self, account_id: str | None = None) -> tuple[Entry, ...]:
        """See Ledger.waiting."""
        return await self._database.read(lambda sql: finding.waiting(sql, account_id))

    async def asked(self, limit: int = 20) -> tuple[Entry, ...]:
        """See Ledger.asked."""
        return await self._database.read(lambda sql: finding.asked(sql, limit))

    async def recent(self, limit: int = 20) -> tuple[Entry, ...]:
        """See Ledger.recent."""
        return await self._database.read(lambda sql: finding.recent(sql, limit))

    async def unknown(self) -> tuple[Entry, ...]:
        """See Ledger.unknown."""
        return await self._database.read(finding.unknown)

    async def due(self, now: datetime) -> tuple[Entry, ...]:
        """See Ledger.due."""
        at = to_ms(now)
        found = await self._database.read(lambda sql: finding.due_by_now(sql, at))
        if found is not None:
            return found  # so that an idle process writes nothing and keeps no writer waiting
        return await self._database.write(lambda sql: finding.due(sql, at, self._breaker))

    async def record(
        self,
        account_id: str,
        messages: Sequence[Message],
        opted_out: Callable[[str], bool],
        now: datetime,
        *,
        keep: timedelta | None = None,
        marked_for: timedelta = REMEMBERED,
    ) -> int:
        """See Ledger.record."""
        at, kept = to_ms(now), length_ms(keep)
        return await self._database.write(
            lambda sql: recording.record(
                sql, account_id, messages, opted_out, at, marked_for=marked_for, keep=kept
            )
        )

    async def remember_users(self, users: Sequence[User], now: datetime) -> None:
        """See Ledger.remember_users."""
        at = to_ms(now)
        await self._database.write(lambda sql: people.remember(sql, users, at))

    async def known_user(self, who: str) -> KnownUser | None:
        """See Ledger.known_user."""
        return (await self.known_users([who]))[0]

    async def known_users(self, whos: Sequence[str]) -> tuple[KnownUser | None, ...]:
        """See Ledger.known_users."""
        return await self._database.read(lambda sql: people.known(sql, whos))

    async def credits(self, account_id: str, now: datetime) -> tuple[PeerFacts, ...]:
        """See Ledger.credits."""
        at = to_ms(now)
        return await self._database.read(lambda sql: recipients.credited(sql, account_id, at))

    async def clear_opt_out(self, account_id: str, user_id: str, by: str, now: datetime) -> bool:
        """See Ledger.clear_opt_out."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: peers.clear_opt_out(sql, account_id, user_id, by, at)
        )

    async def windows(self, limits: Sequence[Limit], now: datetime) -> tuple[Window, ...]:
        """See Ledger.windows."""
        at = to_ms(now)
        return await self._database.read(lambda sql: windows.windows(sql, limits, at))

    async def observe(self, windows: Sequence[ServerWindow], now: datetime) -> None:
        """See Ledger.observe."""
        at = to_ms(now)
        if windows:
            await self._database.write(lambda sql: observe(sql, windows, at))

    async def book_read(
        self, account_id: str, cost: int, budget: Budget, limits: Sequence[Limit], now: datetime
    ) -> Booking:
        """See Ledger.book_read."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: books.book_read(sql, account_id, cost, budget, limits, at)
        )

    async def settle_read(self, booking: Booking, cost: int) -> None:
        """See Ledger.settle_read."""
        await self._database.write(lambda sql: books.settle_read(sql, booking, cost))

    async def spend(self, account_id: str, now: datetime) -> Spend:
        """See Ledger.spend."""
        at = to_ms(now)
        return await self._database.read(lambda sql: books.spend(sql, account_id, at))

    async def halt(self, account_id: str, halt: Halt) -> None:
        """See Ledger.halt."""
        await self._database.write(lambda sql: books.halt(sql, account_id, halt))

    async def halts(self, account_id: str, now: datetime) -> tuple[Halt, ...]:
        """See Ledger.halts."""
        at = to_ms(now)
        return await self._database.read(lambda sql: books.halts(sql, account_id, at))

    async def clear_halt(self, account_id: str, code: str | None, by: str, now: datetime) -> int:
        """See Ledger.clear_halt."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: books.clear_halt(sql, account_id, code, by, at)
        )

    async def add_standing_rule(
        self, account_id: str, terms: Terms, assurance: Assurance, by: str, now: datetime
    ) -> StandingRule:
        """See RulesLedger.add_standing_rule."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: standing_rules.add(sql, account_id, terms, assurance, by, at)
        )

    async def withdraw_standing_rule(
        self, account_id: str, rule_id: str, by: str, now: datetime
    ) -> StandingRule:
        """See RulesLedger.withdraw_standing_rule."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: standing_rules.withdraw(sql, account_id, rule_id, by, at)
        )

    async def standing_rules(self, account_id: str, now: datetime) -> tuple[RuleUse, ...]:
        """See RulesLedger.standing_rules."""
        at = to_ms(now)
        return await self._database.read(lambda sql: standing_rules.of_account(sql, account_id, at))

    async def newest_stamp(self, account_id: str) -> datetime | None:
        """See Ledger.newest_stamp."""
        return await self._database.read(lambda sql: finding.newest_stamp(sql, account_id))

    async def record_act(
        self, account_id: str, event: str, what: Mapping[str, object], by: str, now: datetime
    ) -> None:
        """See Ledger.record_act."""
        told, at = {**what, "by": by}, to_ms(now)
        await self._database.write(lambda sql: audit.append(sql, at, account_id, event, told))

    async def audit(self, after: int = 0, limit: int = 100) -> tuple[AuditRecord, ...]:
        """See Ledger.audit."""
        return await self._database.read(lambda sql: audit.records(sql, after, limit))

    async def verify_audit(self) -> AuditVerdict:
        """See Ledger.verify_audit."""
        return await self._database.read(audit.verify)

    async def _wanted(self, draft: Draft) -> Wanted:
        """Make digests and marks of a draft outside of any transaction."""
        if self._key is None:
            known = await self._database.read(known_key)
            key = known if known is not None else await self._database.write(key_of)
            self._key = key
        return wanted_by(draft, self._key)
