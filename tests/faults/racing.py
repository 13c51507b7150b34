"""A race: many processes on one ledger, each sending through the real outbox as fast as it can.

What left is counted outside of the program: the backend delivers into a file that all share.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from tests.faults.clocks import START
from tests.faults.quick import PEOPLE, Quick, Roomy, meet_everybody, outbox_over
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger import entries, reserving
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.ledger.sql import T, Work
from xdm_mcp.ledger.sqlite import SqliteDatabase


class Deferred(SqliteDatabase):
    """Without the exclusive hold: a transaction that reads first and takes the lock to write."""

    async def write(self, work: Work[T]) -> T:
        """Break the promise of Database.write."""
        return await self._hop(partial(self._transact, "BEGIN", work, "COMMIT"))


class Loose(SqliteDatabase):
    """Without any hold: each statement on its own."""

    async def write(self, work: Work[T]) -> T:
        """Break the promise of Database.write."""
        try:
            return await self._hop(partial(self._transact, "SELECT 1", work, "SELECT 1"))
        except TypeError:  # a scope whose charge is still to come: what is half written
            return await self.write(work)

    def _make_ready(self, connection: apsw.Connection) -> None:
        super()._make_ready(connection)
        connection.execute("PRAGMA synchronous = FULL")  # others come between two slow statements


MUTATIONS: Mapping[str, type[SqliteDatabase]] = {"deferred": Deferred, "none": Loose}
"""What there is in the place of the exclusive hold."""

Say = Callable[[dict[str, Any]], None]


async def meet(say: Say, *, url: str, **_: Any) -> None:
    """Make the ledger at `url`."""
    ledger = open_ledger(url)
    await meet_everybody(ledger)
    await ledger.close()


async def race(
    say: Say,
    *,
    home: str,
    url: str,
    worker: int,
    attempts: int,
    room: int,
    hold: str | None,
    **_: Any,
) -> None:
    """Try to send `attempts` messages where `room` fit, and say how the attempts ended.

    `hold` names a mutation of the hold on the ledger in `home`; without one it is the ledger at
    `url`.
    """
    file = os.open(Path(home) / "deliveries", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)

    def deliver(text: str) -> None:
        os.write(file, text.encode() + b"\n")

    mutation = MUTATIONS[hold](Path(home) / "ledger.db") if hold else None
    if hold == "none":  # the chain of the audit would notice that it forks, and stop the send
        vars(entries)["append"] = vars(reserving)["append"] = lambda *_: None
    ledger = SqlLedger(mutation) if mutation else open_ledger(url)
    outbox = outbox_over(ledger, Quick(deliver, worker), Roomy.of(room), ManualClock(START))
    ends: Counter[str] = Counter()
    for number in range(attempts):
        who = PEOPLE[number % len(PEOPLE)]
        try:
            ends[(await outbox.send(text=words(worker, number), to=who)).status] += 1
        except LedgerUnavailable:
            ends["error"] += 1
    say({"ends": dict(ends)})
    await ledger.close()


async def pyrate(say: Say, *, home: str, attempts: int, room: int, **_: Any) -> None:
    """Ask pyrate-limiter's SQLite bucket as often, which counts and does nothing else."""
    from pyrate_limiter import Duration, Rate, RateItem, SQLiteBucket

    rates = [Rate(room, Duration.DAY)]
    bucket = SQLiteBucket.init_from_file(rates, db_path=str(Path(home) / "pyrate.db"))
    asked = (bucket.put(RateItem("all", time.time_ns() // 10**6)) for _ in range(attempts))
    say({"ends": {"sent": sum(asked)}})


def words(worker: int, number: int) -> str:
    """Return a text that is not even nearly the same as another one."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{worker}{number:05}")
