"""What came, told once to everybody in the process, whichever process of the account found it.

The ledger numbers what came; here it is known up to which number this process has been told. Ids
alone pass between processes, so a process that wants the words reads them for itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

import anyio

from xdm_mcp.bus import Bus, Changed
from xdm_mcp.clock import Clock
from xdm_mcp.ledger.polling import PollingLedger
from xdm_mcp.models.messages import Message
from xdm_mcp.models.news import Polling
from xdm_mcp.people import People

SAVES = timedelta(seconds=10)
"""How much longer than asked for a wish is written down, so that the next agents need not."""


class News:
    """The news of one account in one process, and who here wants to hear of them."""

    def __init__(self, ledger: PollingLedger, people: People, bus: Bus, clock: Clock) -> None:
        """Share news through `ledger`, tell them on `bus`."""
        self._ledger = ledger
        self._people = people
        self._bus = bus
        self._clock = clock
        self._number: int | None = None
        self._inbound: Counter[str] = Counter()
        self._watchers = 0
        self._wished: datetime | None = None
        self._came = anyio.Event()
        self._first = anyio.Event()
        self._nudge: Callable[[], None] | None = None
        self._nudged = False
        self.unread: set[str] = set()
        """Ids of what was told, and perhaps not read here."""
        self.missed = False
        """Whether more came than the ledger still tells of, so that only a look can find it."""
        self.trouble: str | None = None
        """What keeps the poller from looking, in whichever process it is."""

    @property
    def watched(self) -> bool:
        """Whether anybody here wants to be told of new messages."""
        return self._watchers > 0

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Want to be told of new messages while entered; they go out on the bus."""
        self._watchers += 1
        self._first.set()
        self._tell_poller()
        try:
            yield
        finally:
            self._watchers -= 1
            self._tell_poller()

    async def want(self, until: datetime) -> None:
        """Let the poller know, in whichever process, that an agent here waits until then."""
        if self._wished is None or self._wished < until:
            self._wished = until + SAVES
            await self._ledger.want_news((await self._people.account()).id, self._wished)
            self._tell_poller()

    async def wanted(self) -> None:
        """Return once somebody here watches."""
        while not self.watched:
            self._first = anyio.Event()
            await self._first.wait()

    @contextmanager
    def nudging(self, nudge: Callable[[], None]) -> Iterator[None]:
        """Call `nudge` while entered when somebody here begins or ceases to want news, and at once
        if that was so since the last time."""
        self._nudge = nudge
        if self._nudged:
            nudge()
        self._nudged = False
        try:
            yield
        finally:
            self._nudge = None

    def _tell_poller(self) -> None:
        if self._nudge is not None:
            self._nudge()
        else:
            self._nudged = True

    def heard(self, conversation_id: str | None) -> int:
        """Return how many messages of others this process has been told of, in a conversation or
        in all."""
        if conversation_id is not None:
            return self._inbound[conversation_id]
        return self._inbound.total()

    async def more(self, conversation_id: str | None, than: int) -> None:
        """Return as soon as more than that many messages were heard of."""
        while self.heard(conversation_id) <= than:
            await self._came.wait()

    async def begin(self) -> None:
        """Know where the count stands, so that only what comes from now on is told."""
        if self._number is None:
            polling = await self._ledger.polling((await self._people.account()).id)
            if self._number is None:
                self._number = polling.arrivals

    async def found(self, messages: Sequence[Message]) -> None:
        """Write down a look that succeeded, and tell what of its messages no process has told."""
        await self.begin()
        account = await self._people.account()
        await self._tell(await self._ledger.looked(account.id, messages, self._clock.now()))

    async def catch_up(self) -> Polling:
        """Tell what other processes found since; return how the inbox is looked at."""
        await self.begin()
        account = await self._people.account()
        polling = await self._ledger.polling(account.id)
        await self._tell(polling)
        return polling

    async def _tell(self, polling: Polling) -> None:
        """Tell the arrivals that this process has not been told of."""
        self.trouble = polling.trouble
        told = self._number or 0
        if polling.arrivals <= told:
            return
        account = await self._people.account()
        came = await self._ledger.arrivals(account.id, told)
        told = self._number or 0  # another task may have told some meanwhile
        came = tuple(arrival for arrival in came if arrival.number > told)
        if not came:
            return
        self.missed = self.missed or came[0].number > told + 1
        self._number = came[-1].number
        self.unread.update(arrival.message_id for arrival in came)
        self._inbound.update(arrival.conversation_id for arrival in came if arrival.inbound)
        self._came.set()
        self._came = anyio.Event()
        threads = dict.fromkeys(arrival.conversation_id for arrival in came)
        self._bus.publish(Changed("inbox"), *(Changed("conversation", key) for key in threads))
