"""What a decision costs with little and with much behind it: `python benchmarks/guard.py`.

A decision is one transaction on a ledger file: facts, every rule of the default policy, and the
draft withdrawn before anything is written. Two ledgers, one with 100 and one with 15,000 sends
inside the windows, are asked in turn, so that both meet the same machine. The bar: the larger may
cost at most twice as much. Exits with 1 above it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anyio

from xdm_mcp.clock import to_ms
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger import recording, reserving, settling
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Draft, Hold, Outcome, Receipt, SendState, Target
from xdm_mcp.models.verdicts import Decision, Facts, Verdict

FEW, MANY = 100, 15_000
"""Sends inside the windows: a quiet account's, and as many as X lets an app make in a day."""

BAR = 2.0
"""How much more the many may cost than the few."""

ROUNDS = 400
"""Decisions measured on each ledger."""

PER_PERSON = 10
"""Sends to each person, the same on both ledgers."""

PRICE = 1
"""What a send costs here in micro-dollars, so that no budget ends the measurement."""

ME, OWNER = "100", "benchmark"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WITHIN = timedelta(hours=23)
ROOM = 100_000
"""Every limit is raised to this, so that both ledgers are decided alike."""


class Withdrawn(Exception):
    """Ends a transaction after the decision and before anything is written."""


@dataclass(frozen=True)
class Ledger:
    """A filled ledger and the judge that is asked there."""

    ledger: SqlLedger
    policy: Policy
    limits: tuple[Limit, ...]
    people: int

    async def decide(self, number: int) -> float:
        """Decide about one new draft; return the microseconds it took."""
        wanted = draft(f"A new question, number {words(number)}", person(number % self.people))
        judge = partial(self.policy.decide, wanted)
        begin = time.perf_counter()
        try:
            await self.ledger.reserve(wanted, self.limits, judge, withdraw, NOW)
        except Withdrawn:
            return (time.perf_counter() - begin) * 1e6
        raise SystemExit("the default policy no longer asks a person: measure something else")


def withdraw(decision: Decision, now: datetime) -> Hold:
    """Stand in for the question to a person."""
    raise Withdrawn


def allow(facts: Facts, now: datetime) -> Decision:
    """Let everything pass while the ledger is filled."""
    return Decision(Verdict.ALLOW, ())


def person(number: int) -> str:
    """Return somebody's id."""
    return str(1_000 + number)


def draft(text: str, to: str) -> Draft:
    """Return a draft."""
    return Draft(ME, "x-api-v2", "https://api.example", Target((to,)), text, PRICE)


def words(number: int) -> str:
    """Return letters of their own for a number: digits alone would make near copies."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


async def filled(path: Path, sends: int) -> Ledger:
    """Make a ledger with so many sends, spread evenly over the last 23 hours."""
    policy = Policy.load({})
    limits = tuple(replace(limit, limit=ROOM) for limit in policy.limits(ME, app_limits()))
    database = SqliteDatabase(path)
    await database.write(partial(fill, sends=sends, limits=limits))
    return Ledger(SqlLedger(database), policy, limits, sends // PER_PERSON)


def app_limits() -> Sequence[Limit]:
    """Return a limit of all accounts of an app, as the backends have them."""
    return [Limit("app/messages", MANY, timedelta(hours=24), "messages")]


def fill(sql: Sql, *, sends: int, limits: Sequence[Limit]) -> None:
    """Let everybody write once, then send, each step as the ledger itself takes it."""
    people = sends // PER_PERSON
    first = [inbound(number) for number in range(people)]
    recording.record(sql, ME, first, lambda text: False, to_ms(NOW - WITHIN))
    for number in range(sends):
        at = to_ms(NOW - WITHIN + number * WITHIN / sends)
        wanted = draft(f"An answer, number {words(number)}", person(number % people))
        entry = reserving.reserve(sql, OWNER, wanted, limits, allow, withdraw, at).entry
        flying = settling.dispatch(sql, OWNER, entry, at) if entry else None
        if flying is None:
            raise SystemExit("the ledger did not take a send that it was told to allow")
        receipt = Receipt(str(number + 1), None)
        accepted = Outcome(SendState.SENT, "sent", "X accepted it.", receipt=receipt)
        settling.settle(
            sql, OWNER, flying, accepted, at, lambda attempts: None, marked_for=timedelta()
        )


def inbound(number: int) -> Message:
    """Return the word of somebody that makes them no stranger."""
    who = person(number)
    return Message(str(number + 1), pair_id(ME, who), who, NOW - WITHIN, "Hello")


async def measure(folder: Path) -> tuple[float, float]:
    """Return the median microseconds of a decision after few and after many sends."""
    few = await filled(folder / "few.db", FEW)
    many = await filled(folder / "many.db", MANY)
    took: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        for side, ledger in enumerate((few, many)):
            took[side].append(await ledger.decide(number))
    await few.ledger.close()
    await many.ledger.close()
    return statistics.median(took[0]), statistics.median(took[1])


def main() -> int:
    """Measure, print, and judge by the bar."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = anyio.run(measure, Path(folder))
    ratio = many / few
    print(f"one decision after {FEW:>6,} sends: {few:7.0f} µs (median of {ROUNDS})")
    print(f"one decision after {MANY:>6,} sends: {many:7.0f} µs")
    print(f"ratio {ratio:.2f}, at most {BAR:.1f}")
    return 0 if ratio <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
