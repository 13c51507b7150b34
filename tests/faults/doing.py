"""What the rules of random lives do: each step at the real ledger and at the oracle, compared.

X keeps a clock of its own. Ours may step back, and then lags behind it; a step forward is time that
passed, for nobody without a second clock can tell the difference.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.contract.ledger.desk import (
    ME,
    PRICE,
    START,
    Desk,
    allow_at,
    deny,
    draft,
    quiet,
    stop,
)
from tests.contract.ledger.desk import ask as wants
from tests.contract.ledger.desk import message as posted
from tests.faults.drawing import PEERS
from tests.faults.oracle import LATE, MARGIN, MINUTE, Life, Oracle, answers
from xdm_mcp.ledger.judging import Judge
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import MEMORY, SqliteDatabase
from xdm_mcp.models.messages import Message
from xdm_mcp.models.quota import DEADLINE, Limit
from xdm_mcp.models.sends import Entry, Halt, Outcome, Receipt, SendState
from xdm_mcp.models.verdicts import Decision, Facts

T = TypeVar("T")

HELD_FOR = timedelta(minutes=15)
FIRST_READ = timedelta(seconds=5)


def judge(decided: Judge) -> Judge:
    """Return a judge that refuses under a halt, for a repeat and for a full window, and else leaves
    it to `decided`."""

    def decide(facts: Facts, now: datetime) -> Decision:
        if facts.halts or facts.duplicate:
            return deny()(facts, now)
        full = [window.free_at for window in facts.windows if window.remaining <= 0]
        if full:
            return deny(max(at for at in full if at is not None))(facts, now)
        return decided(facts, now)

    return decide


@dataclass
class Attempt:
    """A reserved send in the hands of the process that has it, alive or not."""

    life: Life
    entry: Entry
    ledger: SqlLedger
    told: bool = False

    @property
    def stale(self) -> bool:
        """Whether the send missed its turn meanwhile, and perhaps has another attempt."""
        return self.life.fence != self.entry.fence


class Doing:
    """The ledger of two processes, the oracle, X's threads and both clocks."""

    def set_up(self, limits: tuple[Limit, ...]) -> None:
        """Begin with an empty ledger under these quotas."""
        self.runner = asyncio.Runner()
        self.database = SqliteDatabase(MEMORY)
        self.ledgers = [SqlLedger(self.database), SqlLedger(self.database)]
        self.desk = Desk(self.ledgers[0])
        self.oracle = Oracle(limits, ME)
        self.attempts: list[Attempt] = []
        self.thread: dict[str, list[Message]] = {peer: [] for peer in PEERS}
        self.typed: set[tuple[str, str]] = set()
        self.seen: dict[str, datetime] = {}
        self.x_now = START
        self.serial = 0

    def tear_down(self) -> None:
        """Close the ledger, if there is one."""
        if hasattr(self, "runner"):
            self.run(self.database.close())
            self.runner.close()

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        """Take one step of the ledger's."""
        return self.runner.run(step)

    @property
    def now(self) -> datetime:
        """Our own clock, which may lag behind X's."""
        return self.desk.now

    def wait(self, by: timedelta) -> None:
        """Let time pass, or our clock alone step back."""
        self.desk.now += by
        self.x_now += max(by, timedelta())

    def want(
        self,
        text: str,
        to: str,
        ledger: SqlLedger,
        *,
        key: str | None = None,
        holds: bool = False,
        pause: int = 0,
    ) -> None:
        """Ask for a send, which a person is to approve or which is to wait for `pause` seconds."""
        now, oracle = self.now, self.oracle
        slot = now + timedelta(seconds=pause)
        decided = judge(wants() if holds else allow_at(slot))
        wanted = draft(text, to, key=key)
        oracle.sweep(now)
        earlier = oracle.under(wanted.key)
        done = self.run(ledger.reserve(wanted, oracle.limits, decided, self.desk.hold, now))
        if earlier is not None and (earlier.text, earlier.to) != (text, to):
            assert done.mismatch
        elif earlier is not None and answers(earlier, now):
            assert done.repeat
            assert done.entry is not None
            assert done.entry.id == earlier.id
        elif self.denied(
            text, to, earlier.id if earlier else None, now if holds else slot + MARGIN
        ):
            assert done.entry is None
        else:
            assert done.entry is not None
            if earlier is not None:
                earlier.key += f"#{earlier.id}"
            ends = now + HELD_FOR
            life = Life(done.entry.id, wanted.key, text, to, "held", now, ends, PRICE)
            if not holds:
                self.take(life, done.entry, ledger, slot)
            oracle.lives.append(life)

    def denied(self, text: str, to: str, own: int | None, at: datetime) -> bool:
        """Whether the oracle would refuse a send that X may have as late as `at`."""
        oracle, now = self.oracle, self.now
        return oracle.halted or oracle.repeats(text, to, own, now) or oracle.full(to, now, at)

    def take(self, life: Life, entry: Entry, ledger: SqlLedger, slot: datetime) -> None:
        """Note that a process has a send to make."""
        self.oracle.take(life, slot, self.now, ledger)
        life.fence = entry.fence
        self.attempts.append(Attempt(life, entry, ledger))

    def leave(self, attempt: Attempt, ledger: SqlLedger) -> None:
        """Note that the request of an attempt leaves, or must not."""
        life, now = attempt.life, self.now
        flying = self.run(ledger.dispatch(attempt.entry, now))
        if life.state != "reserved" or life.process is not ledger or attempt.stale:
            assert flying is None
        elif self.oracle.halted or self.oracle.paused(now) or life.expired(now):
            assert flying is None
            self.oracle.withdraw(life, now)
        elif now > life.slot + LATE:
            assert flying is None
            self.oracle.miss(life, now)
        else:
            assert flying is not None
            attempt.entry = flying
            life.state, life.left, life.slot = "in_flight", now, max(now, life.slot)
            life.ends = now + MINUTE
            life.left_at.append(self.x_now)

    def reach(self, attempt: Attempt) -> None:
        """Deliver an attempt that has left."""
        if not self.may_arrive(attempt):
            return
        message = self.post(ME, attempt.life.to, attempt.life.text)
        attempt.life.delivered[message.id] = self.x_now
        if attempt.life.state == "failed":
            attempt.life.misjudged = True

    def may_arrive(self, attempt: Attempt) -> bool:
        """Whether X may still deliver an attempt."""
        life = attempt.life
        young = bool(life.left_at) and self.x_now - life.left_at[-1] <= DEADLINE
        return young and not life.delivered and not attempt.told and not attempt.stale

    def end(self, attempt: Attempt, ending: str) -> None:
        """Tell how an attempt ended, as far as that can be."""
        if not self.may_settle(attempt):
            return
        life, now, oracle = attempt.life, self.now, self.oracle
        if life.delivered and ending not in {"unknown", "lie"}:
            ending = "sent"
        elif not life.delivered and ending in {"sent", "lie"}:
            ending = "unknown"
        attempt.told = ending != "unknown"
        outcome = self.outcome(life, ending)
        self.run(attempt.ledger.settle(attempt.entry, outcome, now, quiet))
        owned = life.state in {"reserved", "in_flight"} and life.process is attempt.ledger
        owned = owned or (life.robbed and life.owned and ending != "unknown")
        if outcome.receipt is not None:
            oracle.prove(life, outcome.receipt.message_id, now)
        elif owned and ending == "unknown":
            life.state, life.ends, life.process, life.owned = "unknown", None, None, False
            life.read_at = now + FIRST_READ
        elif owned and ending == "not sent":
            oracle.withdraw(life, now)
        elif ending == "not sent" and life.state == "sent" and life.found and life.owned:
            oracle.not_it(life, now)
        elif owned:
            oracle.refused(life, now)
            life.misjudged = ending == "lie"
        if outcome.retry_at is not None:
            oracle.blocked_until = max(outcome.retry_at, oracle.blocked_until or now)
        oracle.halted = oracle.halted or outcome.halt is not None

    def may_settle(self, attempt: Attempt) -> bool:
        """Whether a process has an outcome to tell."""
        return bool(attempt.life.left_at) and not attempt.told and not attempt.stale

    def is_flying(self, attempt: Attempt) -> bool:
        """Whether a request is on its way of which nobody has told anything."""
        return attempt.life.state == "in_flight" and self.may_settle(attempt)

    def outcome(self, life: Life, ending: str) -> Outcome:
        """Return the outcome of an attempt that ended so."""
        if ending == "sent":
            receipt = Receipt(next(iter(life.delivered)))
            return Outcome(SendState.SENT, "accepted", "Done.", receipt=receipt)
        if ending == "unknown":
            return Outcome(SendState.UNKNOWN, "no_answer", "Nobody knows.")
        return Outcome(
            SendState.FAILED,
            "refused",
            "X refused.",
            not_sent=ending == "not sent",
            retry_at=self.now + timedelta(minutes=10) if ending == "limited" else None,
            halt=Halt("trouble", "X is angry.", self.now) if ending == "trouble" else None,
        )

    def learn(self, peer: str, seen: Sequence[Message]) -> None:
        """Let the ledger read messages of a thread."""
        self.run(self.desk.ledger.record(ME, seen, stop, self.now))
        for each in seen:
            if each.sender_id == ME:
                self.seen[each.id] = each.created_at
                self.oracle.read(each.id, peer, each.text or "", each.created_at, self.now)
            else:
                self.oracle.hear(each.id, peer, each.created_at, self.now)
            self.oracle.see(each.id, peer)

    def post(self, sender: str, peer: str, text: str) -> Message:
        """Let X have a new message."""
        self.serial += 1
        message = posted(self.x_now, text, sender=sender, peer=peer, serial=self.serial)
        self.thread[peer].append(message)
        return message
