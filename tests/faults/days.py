"""Years of a greedy sender on one ledger, and what X saw of them.

Simulated, so that a hundred thousand sends take minutes. X keeps a clock of its own: it stamps each
request a while after we counted it, and our clock may step back behind it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from tests.contract.ledger.desk import (
    ME,
    NOT_SENT,
    REFUSED,
    START,
    UNKNOWN,
    Desk,
    draft,
    message,
    own,
    sent,
    within_windows,
)
from xdm_mcp.ledger.base import Ledger
from xdm_mcp.models.quota import DEADLINE, Limit
from xdm_mcp.models.sends import Entry, SendState

PEERS = tuple(str(number) for number in range(11, 51))
"""Forty people."""

LIMITS = (
    Limit(f"{ME}/requests", 15, timedelta(minutes=15)),
    Limit(f"{ME}/messages", 120, timedelta(hours=24), counts="messages"),
    Limit(f"{ME}/messages", 90, timedelta(hours=24), counts="messages", reply_exempt=True),
)
"""Every kind of window: of attempts, of messages, and of messages that answer nobody."""

CREDITS, CREDIT_SPAN = 5, timedelta(hours=24)

ENDS = {"sent": 80, "refused": 7, "not sent": 4, "unseen": 5, "lost": 4}
"""How a request ends, by weight: accepted, refused, never left, delivered without an answer, and
lost without one."""


@dataclass
class Seen:
    """What X saw: when each request arrived, and each message; of messages also those that no
    credit covered. And how often each thing happened."""

    requests: list[datetime] = field(default_factory=list)
    messages: list[datetime] = field(default_factory=list)
    uncovered: list[datetime] = field(default_factory=list)
    happened: Counter[str] = field(default_factory=Counter)

    def stamps(self, limit: Limit) -> list[datetime]:
        """Return the times of all that a limit is about."""
        if limit.counts == "attempts":
            return self.requests
        return self.uncovered if limit.reply_exempt else self.messages


class Days:
    """A sender who tries again the moment that the ledger names, on a ledger of two processes."""

    def __init__(self, ledgers: Sequence[Ledger], seed: int) -> None:
        """Begin with nothing."""
        self._ledgers = ledgers
        self._random = Random(seed)  # noqa: S311 - repeats, guards nothing
        self._desk = Desk(ledgers[0])
        self._x_now = START
        self._credit: dict[str, tuple[datetime, int]] = {}
        self._number = 0
        self.seen = Seen()

    async def live(self, sends: int) -> Seen:
        """Go on until so many requests were counted; return what X saw."""
        while self.seen.happened["counted"] < sends:
            await self._happen()
        return self.seen

    async def _happen(self) -> None:
        what = self._random.random()
        if what < 0.04:
            await self._hear()
        elif what < 0.045:
            self._desk.later(seconds=-self._random.choice([1, 30, 600, 3_600]))
            self.seen.happened["clock stepped back"] += 1
        elif what < 0.06:
            await self._type()
        else:
            await self._send()

    def _pass(self, seconds: float) -> None:
        self._desk.later(seconds=seconds)
        self._x_now += timedelta(seconds=seconds)

    async def _hear(self) -> None:
        """Somebody writes to us, and it is read at once."""
        peer = self._random.choice(PEERS)
        self._number += 1
        said = message(self._x_now, f"Hello {self._number}", sender=peer, peer=peer,
                       serial=self._number)  # fmt: skip
        await self._desk.record(said)
        self._credit[peer] = (min(self._x_now, self._desk.now), CREDITS)
        self.seen.happened["inbound"] += 1

    async def _type(self) -> None:
        """The owner writes in X's own app: it counts from when we read it."""
        room = await self._desk.ledger.windows(LIMITS[1:], self._desk.now)
        if any(window.remaining < 2 for window in room):
            return  # X counts the owner's own words too, and it is not we who would exceed
        self._number += 1
        typed = own(self._x_now, f"Typed {self._number}", peer=PEERS[0], serial=self._number)
        await self._desk.record(typed)
        self.seen.messages.append(self._x_now)
        self.seen.uncovered.append(self._x_now)
        self.seen.happened["typed elsewhere"] += 1

    async def _send(self) -> None:
        self._number += 1
        self._desk.ledger = self._random.choice(self._ledgers)
        peer = self._random.choice(PEERS)
        reserved = await self._desk.reserve(
            draft(f"Words {self._number}", peer, cost=0), within_windows, LIMITS
        )
        if reserved.entry is None:
            await self._refused(reserved.decision.retry_at if reserved.decision else None)
            return
        self.seen.happened["counted"] += 1
        flying = await self._leave(reserved.entry)
        if flying is not None:
            await self._end(flying, peer)

    async def _refused(self, retry_at: datetime | None) -> None:
        """Wait until just before, or until, the moment at which there shall be room."""
        self.seen.happened["denied"] += 1
        assert retry_at is not None
        early = self._random.choice([0, 0, 0, 1])
        self._pass(max(0.0, (retry_at - self._desk.now).total_seconds() - early))

    async def _leave(self, entry: Entry) -> Entry | None:
        if entry.state is SendState.IN_FLIGHT:
            return entry
        self._pass(self._random.choice([0, 0, 2, 5]))
        return await self._desk.ledger.dispatch(entry, self._desk.now)

    async def _end(self, entry: Entry, peer: str) -> None:
        """Let the request arrive within its time, and end as it may."""
        end = self._random.choices(list(ENDS), list(ENDS.values()))[0]
        self.seen.happened[end] += 1
        covered = self._spend(peer)
        delay = self._random.choice([0.1, 0.3, 5, DEADLINE.total_seconds()])
        self._pass(delay)
        if end != "not sent":
            self.seen.requests.append(self._x_now)
        if end in {"sent", "unseen"}:
            self.seen.messages.append(self._x_now)
            if not covered:
                self.seen.uncovered.append(self._x_now)
        elif covered and end != "lost":
            self._give_back(peer)
        accepted = sent(str(10**17 + self._number))
        outcome = {"sent": accepted, "refused": REFUSED, "not sent": NOT_SENT}.get(end, UNKNOWN)
        await self._desk.settle(entry, outcome)

    def _spend(self, peer: str) -> bool:
        since, left = self._credit.get(peer, (START, 0))
        if not left or self._desk.now - since >= CREDIT_SPAN:
            return False
        self._credit[peer] = (since, left - 1)
        return True

    def _give_back(self, peer: str) -> None:
        since, left = self._credit[peer]
        self._credit[peer] = (since, left + 1)


def fullest(stamps: Sequence[datetime], per: timedelta) -> int:
    """Return how many of `stamps` lie in the fullest half-open interval of the length `per`."""
    ordered = sorted(stamps)
    most = first = 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= per:
            first += 1
        most = max(most, last - first + 1)
    return most
