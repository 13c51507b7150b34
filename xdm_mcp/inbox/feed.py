"""The newest messages of the account, read once for everybody in the process.

Reading stops at the first known message, so news costs what is new plus at most one small page.
What is read teaches the ledger (who wrote last, who opted out, what was sent elsewhere) and is kept
in memory only.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import anyio

from xdm_mcp.bus import Bus, Changed
from xdm_mcp.clock import Clock, rfc3339
from xdm_mcp.config import InboxSettings
from xdm_mcp.errors import NotFound, OverBudget, RateLimited, Unavailable
from xdm_mcp.models.messages import Message, MessagePage, one_to_one
from xdm_mcp.people import People
from xdm_mcp.reads import Reads


class Feed:
    """Messages read so far, newest first, and how far back they reach."""

    def __init__(
        self, reads: Reads, people: People, bus: Bus, clock: Clock, settings: InboxSettings
    ) -> None:
        """Look through `reads`, in pages as `settings` say."""
        self._reads = reads
        self._people = people
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._known: dict[str, Message] = {}
        self._older: str | None = None
        self._begun = False
        self._pages_back = 0
        self.trouble: str | None = None
        self._read_at: datetime | None = None
        self._reading = anyio.Lock()
        self.arrivals = 0

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

    def notes(self, *, whole: bool) -> tuple[str, ...]:
        """Return what a reader must know of what is missing; `whole` when the page seems to be
        the last."""
        unseen = "Encrypted threads and message requests may exist that this backend cannot see."
        notes = [self.trouble] if self.trouble else []
        if whole and self._older is not None and self._known:
            oldest = min(self._known.values(), key=lambda m: int(m.id)).created_at
            notes.append(f"Messages before {rfc3339(oldest)} were not read.")
        return (*notes, unseen) if whole else tuple(notes)

    async def refresh_if_older(self, age: timedelta) -> int:
        """Look again unless somebody did within `age`; return how many messages were new."""
        if self._read_at is not None and self._clock.now() - self._read_at < age:
            return 0
        return await self.refresh()

    async def refresh(self) -> int:
        """Read what is new; return how many. A limit, a spent budget or silence becomes a note,
        if anything is known."""
        async with self._reading:
            try:
                fresh = await self._read_new()
            except Unavailable as error:
                self.trouble = str(error)
                if self._read_at is None:
                    raise
                return 0
            self.trouble, self._read_at = None, self._clock.now()
        await self._tell(fresh)
        return len(fresh)

    async def reach_back(self, since: datetime | None) -> bool:
        """Read one older page; False when there is none, it lies before `since`, or enough pages
        were read."""
        async with self._reading:
            oldest = min(self._known.values(), key=lambda m: int(m.id), default=None)
            far_enough = since is not None and oldest is not None and oldest.created_at < since
            if self._older is None or far_enough or self._pages_back >= self._settings.max_pages:
                return False
            try:
                page = await self._reads.page(self._settings.first_page, cursor=self._older)
            except (OverBudget, RateLimited) as error:
                self.trouble = str(error)
                return False
            self._older, self._pages_back = page.next_cursor, self._pages_back + 1
            self._keep(page)
            return True

    async def thread(
        self, conversation_id: str, limit: int, cursor: str | None
    ) -> tuple[list[Message], str | None]:
        """Return one page of a conversation, newest first, and where the next one begins."""
        account = await self._people.account()
        other = one_to_one(conversation_id, account.id)
        if other is None and "-" in conversation_id:
            raise NotFound(
                "There is no such conversation of this account; list yours with list_dms."
            )
        page = await self._reads.page(
            limit,
            cursor=cursor,
            with_user=other,
            conversation_id=None if other else conversation_id,
        )
        self._keep(page)
        ordered = sorted(page.messages, key=lambda m: int(m.id), reverse=True)
        return ordered, page.next_cursor

    async def fetch(self, message_id: str) -> Message:
        """Read one message by its id. Raises NotFound."""
        return await self._reads.message(message_id)

    async def _read_new(self) -> list[Message]:
        fresh: list[Message] = []
        cursor: str | None = None
        for _ in range(self._settings.max_pages):
            page = await self._reads.page(self._settings.first_page, cursor=cursor)
            new = [m for m in page.messages if m.id not in self._known]
            self._keep(page)
            fresh += new
            cursor = page.next_cursor
            if not self._begun:
                self._begun, self._older = True, cursor
                return []
            if len(new) < len(page.messages) or cursor is None:
                break
        return fresh

    def _keep(self, page: MessagePage) -> None:
        self._known.update({message.id: message for message in page.messages})

    async def _tell(self, fresh: list[Message]) -> None:
        if not fresh:
            return
        account = await self._people.account()
        self.arrivals += sum(message.sender_id != account.id for message in fresh)
        threads = dict.fromkeys(message.conversation_id for message in fresh)
        self._bus.publish(Changed("inbox"), *(Changed("conversation", key) for key in threads))
