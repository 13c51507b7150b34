"""A process that guesses at the PIN of a ledger: `python -m tests.approvals.guesser LEDGER PIN
COUNT`.

It says `ready`, waits for a line, guesses, and prints how often its guess was really judged.
"""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
from argon2 import PasswordHasher

from xdm_mcp.approvals.pin import Pin
from xdm_mcp.clock import SystemClock
from xdm_mcp.errors import FactorLocked, NotProven
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import SqliteDatabase


class Counting(PasswordHasher):
    """The library's hasher, which counts what it was asked to judge."""

    judged = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # type: ignore[override]
        """See PasswordHasher.verify."""
        self.judged += 1
        return super().verify(hash, password)


async def guess(ledger: SqlLedger, secret: str, count: int) -> int:
    """Guess so many times; return how many guesses were judged."""
    hasher = Counting()
    pin = Pin(ledger, SystemClock(), hasher)
    for _ in range(count):
        try:
            await pin.check(secret, "digest", "test")
        except (NotProven, FactorLocked):
            continue
    await ledger.close()
    return hasher.judged


if __name__ == "__main__":
    _, place, wrong, tries = sys.argv
    shared = SqlLedger(SqliteDatabase(Path(place)))
    print("ready", flush=True)  # noqa: T201 - this is how the parent hears of it
    sys.stdin.readline()
    print(anyio.run(guess, shared, wrong, int(tries)), flush=True)  # noqa: T201
