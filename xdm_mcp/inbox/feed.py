"""The newest messages of the account, read once for everybody in the process.

Reading stops at the first known message, so news costs what is new plus at most one small page,
and where nothing is new that page alone, which X bills once a day. What is read teaches the ledger
(who wrote last, who opted out, what was sent elsewhere) and is kept in memory only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Container, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta

import anyio

from xdm_mcp.clock import Clock, rfc3339
from xdm_mcp.errors import LedgerUnavailable, NotFound, Unavailable, Unsupported
from xdm_mcp.inbox.news import News
from xdm_mcp.inbox.reach import UNKNOWN, Reach
from xdm_mcp.models.messages import Message, MessagePage, one_to_one
from xdm_mcp.people import People
from xdm_mcp.reads import Reads
from xdm_mcp.sections import InboxSettings

LARGEST = 100
"""The largest page that is asked for; a backend may have a smaller one."""

Kept = Callable[[Collection[str]], Awaitable[Sequence[Message]]]
"""Returns those of the messages with these ids whose text is kept on this machine."""


class Feed:
    """Messages read so far, newest first, and how far back they reach."""

    def __init__(
        self,
        reads: Reads,
        people: People,
        news: News,
        clock: Clock,
        settings: InboxSettings,
        kept: Kept | None = None,
    ) -> None:
        """Look through `reads`, in pages as `settings` say; what is new goes to `news`. What
        another process has read is taken from `kept`, where there is such a thing."""
        self._reads = reads
        self._people = people
        self._news = news
        self._clock = clock
        self._settings = settings
        self._kept = kept
        self._known: dict[str, Message] = {}
        self._read_on: dict[str, date] = {}
        self._unread: dict[str, bool] = {}
        self._reach = Reach()
        self._untold: list[Message] = []
        self._pages_back = 0
        self._forgotten = 0
        self._ended: set[str] = set()
        self.trouble: str | None = None
        self._read_at: datetime | None = None
        self._reading = anyio.Lock()

    @property
    def as_of(self) -> datetime:
        """When the inbox was last looked at with success; now if it never was."""
        return self._read_at or self._clock.now()

    def messages(self) -> list[Message]:
        """Return every message read so far, newest first."""
        return sorted(self._known.values(), key=lambda m: int(m.id), reverse=True)

    def conversations(self) -> dict[str, list[Message]]:
        """Return the messages by conversation, both newest first."""
        threads: dict[str, list[Message]] = {}
        for message in self.messages():
            if message.kind == "message":
                threads.setdefault(message.conversation_id, []).append(message)
        return threads

    def find(self, message_id: str) -> Message | None:
        """Return a message that was read before, or None."""
        return self._known.get(message_id)

    def unread(self, conversation_id: str) -> bool | None:
        """Return whether nobody has opened the newest messages of a conversation, as it was told
        last; None where the backend does not tell."""
        return self._unread.get(conversation_id)

    def forget(self) -> None:
        """Begin anew, as a process does that has read nothing: something was forgotten."""
        self._forgotten += 1  # so that what is being read just now is not kept either
        self._known, self._read_on, self._untold, self._ended = {}, {}, [], set()
        self._unread = {}
        self._reach, self._pages_back, self._read_at = Reach(), 0, None

    def notes(self, *, whole: bool, listed: bool = True) -> tuple[str, ...]:
        """Return what a reader must know of what is missing; `whole` when the page seems to be
        the last, `listed` when it was made of what this process has read of the whole list."""
        trouble = self.trouble or self._news.trouble
        notes = [trouble] if trouble else []
        if whole and listed and self._reach.older is not None and self._known:
            notes.append(f"Messages before {rfc3339(self._complete_since())} were not read.")
        return (*notes, self._unseen()) if whole else tuple(notes)

    def _unseen(self) -> str:
        requests = "hidden requests" if self._reads.capabilities.requests else "message requests"
        return (
            f"Not shown, though they may exist: encrypted threads, {requests}, and what is older"
            f" than {self._settings.horizon_days} days."
        )

    def _fresh(self, age: timedelta) -> bool:
        """Whether a look within `age` answers, and nothing was told since that is not read here."""
        recent = self._read_at is not None and self._clock.now() - self._read_at < age
        return recent and not self._news.missed and self._news.unread <= self._known.keys()

    async def refresh_if_older(self, age: timedelta) -> None:
        """Look again unless somebody did within `age`. A limit, a spent budget or silence becomes a
        note, if anything is known; else it is raised."""
        if self._fresh(age):
            return
        async with self._reading:
            if not self._fresh(age):
                await self._learn()
            failed = None if self._fresh(age) else await self._look()
        if failed is not None and self._read_at is None:
            raise failed

    async def refresh_if_told(self) -> None:
        """Look again if something was told that is not read here."""
        await self.refresh_if_older(timedelta.max)

    async def _learn(self) -> None:
        """Learn what other processes found. Where all of that is known here, their last look is as
        good as one of our own."""
        if self._read_at is None:
            return
        forgotten = self._forgotten
        with suppress(LedgerUnavailable):
            polling = await self._news.catch_up()
            missing = self._news.unread - self._known.keys()
            kept = await self._kept(missing) if missing and self._kept is not None else ()
            if forgotten != self._forgotten:
                return
            self._known.update({message.id: message for message in kept})
            if self._news.unread <= self._known.keys() and not self._news.missed:
                self._read_at = max(self._read_at, polling.looked_at or self._read_at)

    async def look(self) -> Unavailable | None:
        """Read what is new and tell it, though nobody asked; return the limit, the spent budget or
        the silence that kept us from that."""
        async with self._reading:
            return await self._look(background=True)

    async def _look(self, *, background: bool = False) -> Unavailable | None:
        failed: Unavailable | None = None
        await self._news.begin()
        told = frozenset(self._news.unread)
        try:
            await self._read_new(background=background)
            self.trouble, self._read_at = None, self._clock.now()
            self._news.unread -= told  # what a look does not find, the next one will not either
            self._news.missed = False
        except Unavailable as error:
            self.trouble, failed = str(error), error
        if failed is None or (self._untold and not isinstance(failed, LedgerUnavailable)):
            await self._news.found(self._untold)
            self._untold = []
        return failed

    async def reach_back(self, since: datetime | None) -> bool:
        """Read one older page; False when there is none, it lies before `since` or the horizon, or
        enough pages were read."""
        async with self._reading:
            older = self._reach.older
            if older is None or self._pages_back >= self._settings.max_pages:
                return False
            horizon = self._clock.now() - timedelta(days=self._settings.horizon_days)
            if self._known and self._complete_since() < max(since or horizon, horizon):
                return False
            try:
                page = await self._page(self._settings.first_page, older)
            except Unavailable as error:
                self.trouble = str(error)
                return False
            if page is None:
                return await self._look() is None
            self._reach, self._pages_back = self._reach.further(page), self._pages_back + 1
            self._keep(page)
            return True

    async def thread(
        self, conversation_id: str, limit: int, cursor: str | None
    ) -> tuple[list[Message], str | None]:
        """Return one page of a conversation, newest first, and where the next one begins."""
        account = await self._people.account()
        other = one_to_one(conversation_id, account.id)
        if other is None:
            self._require_readable(conversation_id)
        forgotten = self._forgotten
        page = await self._reads.page(
            limit,
            cursor=cursor,
            with_user=other,
            conversation_id=None if other else conversation_id,
        )
        if forgotten == self._forgotten:
            self._keep(page, news_after=self._reach.newest)
            if cursor is None and page.next_cursor is None and self._reach.begun:
                self._ended.add(conversation_id)
        ordered = sorted(page.messages, key=lambda m: int(m.id), reverse=True)
        return ordered, page.next_cursor

    async def whole(self, conversation_id: str, age: timedelta) -> list[Message] | None:
        """Return a conversation, newest first, where all that the backend shows of it is known here
        and somebody looked within `age`; else None. What was sent a moment ago may not be in a list
        yet, so then it is None too."""
        ended = conversation_id in self._ended or (self._reach.begun and self._reach.older is None)
        if not ended or self._reach.gap or not self._fresh(age):
            return None
        if await self._reads.sent_lately():
            return None
        said = [m for m in self.messages() if m.conversation_id == conversation_id]
        return said or None

    def _require_readable(self, conversation_id: str) -> None:
        if "-" in conversation_id:
            raise NotFound(
                "There is no such conversation of this account; list yours with list_dms."
            )
        if not self._reads.capabilities.threads:
            raise Unsupported(
                f"The backend {self._reads.backend} cannot read a conversation by its id;"
                " name a person with with_user."
            )

    async def fetch(self, message_id: str) -> Message:
        """Read one message by its id. Raises NotFound, Unsupported where the backend cannot."""
        if not self._reads.capabilities.one_message:
            raise Unsupported(
                f"The backend {self._reads.backend} cannot read a message by its id;"
                " read its conversation with list_dms."
            )
        return await self._reads.message(message_id)

    async def _read_new(self, *, background: bool) -> None:
        """Read from the newest message to the first known one, and on through the gap that an
        earlier look may have left; what was not known waits to be told."""
        page = await self._page(self._settings.first_page, background=background)
        if page is None:
            return await self._read_new(background=background)
        first, self._reach = not self._reach.begun, self._reach.from_the_top(page)
        self._keep(page, news_after=0, known=() if first else self._known)
        for _ in range(self._settings.max_pages - 1):
            if not self._reach.gap:
                return
            page = await self._page(self._page_size(), self._reach.older, background=background)
            if page is None:
                return await self._read_new(background=background)
            self._reach = self._reach.further(page)
            self._keep(page, news_after=0)

    async def _page(
        self, size: int, cursor: str | None = None, *, background: bool = False
    ) -> MessagePage | None:
        """Read a page of the list; None where something was forgotten meanwhile: the place that was
        asked for is then no longer known."""
        forgotten = self._forgotten
        page = await self._reads.page(size, cursor=cursor, background=background)
        return page if forgotten == self._forgotten else None

    def _page_size(self) -> int:
        """Return how many messages to ask for on the way down to a known stretch.

        What lies at its top and was read today is free (docs.x.com pricing, 2026-08), so a page may
        reach that far into it beyond the size of a small page.
        """
        known, today = self._reach.stretches[1], self._clock.now().date()
        free = 0
        for message in self.messages():
            if known.oldest <= int(message.id) <= known.newest:
                if self._read_on.get(message.id) != today:
                    break
                free += 1
        return min(self._settings.first_page + free, LARGEST)

    def _complete_since(self) -> datetime:
        """Return the time of the oldest message down to which nothing is missing."""
        complete = [m for m in self._known.values() if int(m.id) >= self._reach.oldest]
        return min((m.created_at for m in complete), default=self._clock.now())

    def _keep(
        self, page: MessagePage, *, news_after: int = UNKNOWN, known: Container[str] | None = None
    ) -> None:
        """Remember a page; what was not `known` and has an id beyond `news_after` is to be told."""
        known = self._known if known is None else known
        fresh = (message for message in page.messages if message.id not in known)
        self._untold += [message for message in fresh if int(message.id) > news_after]
        today = self._clock.now().date()
        self._known.update({message.id: message for message in page.messages})
        self._read_on.update({message.id: today for message in page.messages})
        self._unread.update(page.unread)
