"""A race: many processes on one ledger, each sending through the real outbox as fast as it can.

The backend delivers into a file that all of them share, so that what left is counted outside of the
program. The policy is the real one with one large window in place of its small ones, and without
the pauses between sends.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import PrivateAttr

from tests.faults.clocks import START
from xdm_mcp.backends.base import Capabilities, Picture, Prices
from xdm_mcp.bus import Bus
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sql import T, Work
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.models.messages import Message, MessagePage, pair_id
from xdm_mcp.models.people import User
from xdm_mcp.models.quota import Limit, ServerWindow
from xdm_mcp.models.sends import Outcome, Receipt, SendState, Target
from xdm_mcp.outbox.drafts import Drafts
from xdm_mcp.outbox.reconcile import Reconciler
from xdm_mcp.outbox.sending import Outbox
from xdm_mcp.people import People

ME = "100"
PEOPLE = tuple(str(number) for number in range(1, 21))
"""Twenty people who wrote to us first."""

GUARD = {"pacing": {"enabled": False}, "confirmation": {"mode": "never"}}


class Roomy(Policy):
    """The policy with one window of a size that no owner may set."""

    _room: int = PrivateAttr(default=0)

    @classmethod
    def of(cls, room: int) -> Roomy:
        """Return the policy that allows `room` messages in 24 hours."""
        policy = cls.load(GUARD)
        policy._room = room
        return policy

    def limits(self, account_id: str, backend_limits: Sequence[Limit]) -> tuple[Limit, ...]:
        """See Policy.limits."""
        return (Limit(f"{account_id}/messages", self._room, timedelta(hours=24)),)


class Quick:
    """See `Backend`: it accepts everything at once and writes it into a file."""

    name, origin = "quick", "https://quick.example"
    capabilities = Capabilities(
        coverage="legacy_unencrypted_only",
        max_page=1,
        prices=Prices(0, 0, 0, "nobody's"),
        new_groups=False,
        conversations=False,
        attachments=False,
        reply_credit=False,
        read_back=False,
    )

    def __init__(self, file: Path, worker: int) -> None:
        """Deliver into `file`, with ids of its own for each `worker`."""
        self._file = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self._next_id = (worker + 1) * 10**6

    async def me(self) -> User:
        """See Backend.me."""
        return User(ME)

    async def send(self, target: Target, text: str, picture: Picture | None) -> Outcome:
        """See Backend.send."""
        os.write(self._file, text.encode() + b"\n")
        self._next_id += 1
        return Outcome(SendState.SENT, "accepted", "Done.", receipt=Receipt(str(self._next_id)))

    async def messages(
        self,
        *,
        limit: int,
        cursor: str | None = None,
        with_user: str | None = None,
        conversation_id: str | None = None,
    ) -> MessagePage:
        """See Backend.messages. Nobody asks."""
        raise NotImplementedError

    async def message(self, message_id: str) -> Message:
        """See Backend.message. Nobody asks."""
        raise NotImplementedError

    async def users(
        self, *, ids: Sequence[str] = (), handles: Sequence[str] = ()
    ) -> tuple[User, ...]:
        """See Backend.users. Nobody asks."""
        raise NotImplementedError

    def server_windows(self) -> tuple[ServerWindow, ...]:
        """See Backend.server_windows."""
        return ()

    async def close(self) -> None:
        """See Backend.close."""
        os.close(self._file)


class Deferred(SqliteDatabase):
    """Without the exclusive hold: a transaction that reads first and takes the lock to write."""

    async def write(self, work: Work[T]) -> T:
        """Break the promise of Database.write."""
        return await self._hop(partial(self._transact, "BEGIN", work, "COMMIT"))


class Loose(SqliteDatabase):
    """Without any hold: each statement on its own."""

    async def write(self, work: Work[T]) -> T:
        """Break the promise of Database.write."""
        return await self._hop(partial(self._transact, "SELECT 1", work, "SELECT 1"))


HOLDS: Mapping[str, type[SqliteDatabase]] = {
    "exclusive": SqliteDatabase,
    "deferred": Deferred,
    "none": Loose,
}
"""What guards a decision: the real hold, and two mutations."""


async def meet(say: Callable[[dict[str, Any]], None], *, home: str, **_: Any) -> None:
    """Let the ledger in `home` know everybody, and that they wrote first."""
    ledger = SqlLedger(SqliteDatabase(Path(home) / "ledger.db"))
    await ledger.remember_users([User(each) for each in (*PEOPLE, ME)], START)
    said = [
        Message(str(10**16 + int(who)), pair_id(ME, who), who, START, "Hello") for who in PEOPLE
    ]
    await ledger.record(ME, said, lambda _: False, START)
    await ledger.close()


async def race(
    say: Callable[[dict[str, Any]], None],
    *,
    home: str,
    worker: int,
    attempts: int,
    room: int,
    hold: str,
    **_: Any,
) -> None:
    """Try to send `attempts` messages where `room` fit, and say how the attempts ended."""
    backend = Quick(Path(home) / "deliveries", worker)
    ledger = SqlLedger(HOLDS[hold](Path(home) / "ledger.db"))
    policy, bus, clock = Roomy.of(room), Bus(), ManualClock(START)
    people = People(backend, ledger, policy.budget(), clock)
    outbox = Outbox(
        backend=backend,
        ledger=ledger,
        policy=policy,
        drafts=Drafts(backend, people, Path(home), 0),
        reconciler=Reconciler(backend, ledger, policy, bus, clock),
        bus=bus,
        clock=clock,
        holds_for=timedelta(minutes=15),
    )
    ends: Counter[str] = Counter()
    for number in range(attempts):
        who = PEOPLE[number % len(PEOPLE)]
        try:
            ends[(await outbox.send(text=words(worker, number), to=who)).status] += 1
        except LedgerUnavailable:
            ends["error"] += 1
    say({"ends": dict(ends)})
    await ledger.close()
    await backend.close()


def words(worker: int, number: int) -> str:
    """Return a text that is not even nearly the same as another one."""
    return "".join("abcdefghij"[int(digit)] for digit in f"{worker}{number:05}")
