"""What the ledger keeps of messages where the owner said so, and how it forgets them.

Kept messages are written by the very transaction that learns from them (`Ledger.record`): after a
crash there are both or neither. Reading the same message again changes nothing. What was forgotten
is out of every answer from that moment on and is not kept again when it is read again; its bytes
go in small batches (`sweep_kept`), whichever process comes first.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger import forgetting, kept_rows
from xdm_mcp.ledger.fulltext import EVERYTHING, Wanted
from xdm_mcp.ledger.snowflakes import GREATEST, first_at
from xdm_mcp.ledger.sql import Database, Sql
from xdm_mcp.models.messages import Message
from xdm_mcp.words import Phrase

END_OF_TIME = 1 << 62
"""Later (ms) than any message."""


@dataclass(frozen=True, slots=True)
class KeptSpan:
    """The times of the oldest and of the newest kept message of an account."""

    oldest: datetime
    newest: datetime


class KeptLedger(Protocol):
    """The part of the contract that is about kept messages. Each answer is one account's."""

    async def kept_newest(
        self, account_id: str, limit: int, *, before_id: str | None = None
    ) -> tuple[Message, ...]:
        """Return kept messages, the newest first, those older than `before_id` where it is
        given."""
        ...

    async def kept_thread(
        self, account_id: str, conversation_id: str, limit: int, *, before_id: str | None = None
    ) -> tuple[Message, ...]:
        """Return kept messages of one conversation, as `kept_newest` does."""
        ...

    async def kept_after(self, account_id: str, message_id: str, limit: int) -> tuple[Message, ...]:
        """Return kept messages newer than one, the oldest first."""
        ...

    async def kept_message(self, account_id: str, message_id: str) -> Message | None:
        """Return one kept message, or None."""
        ...

    async def kept_messages(self, account_id: str, ids: Collection[str]) -> tuple[Message, ...]:
        """Return those of the messages with these ids that are kept, the newest first."""
        ...

    async def kept_span(self, account_id: str) -> KeptSpan | None:
        """Return from when to when messages are kept, None without any. What lies between need not
        be complete: only what was read is kept."""
        ...

    async def keeps_any(self) -> bool:
        """Whether a message of any account is kept, or was and is not yet gone without a trace."""
        ...

    async def kept_count(self, account_id: str) -> int:
        """Return how many messages are kept. For people: the cost grows with their number."""
        ...

    async def search_kept(
        self,
        account_id: str,
        phrases: Sequence[Phrase],
        *,
        conversation_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before_id: str | None = None,
        limit: int = 20,
    ) -> tuple[Message, ...]:
        """Return kept messages that hold all phrases (`words.parse`), the newest first.

        From `since` on, before `until`, older than `before_id`, where they are given. Without a
        phrase nothing is found. The same on every engine, and the same as `words.matches` says.
        """
        ...

    async def forget(
        self, account_id: str, conversation_id: str | None, by: str, now: datetime
    ) -> int:
        """Forget a conversation, or with None everything kept of the account, up to now; only the
        owner (`by`) asks for this. Return how many sends that had not left it ended.

        Held and approved drafts to it end as rejected, what waits for its slot as failed (code
        `forgotten`, `not_sent`) with everything given back; the text of those in flight or of
        unknown outcome goes, and so does the name of its person. Digests, ids, times and the
        audit chain stay, and an opt-out does. Erasing what was kept is left to `sweep_kept`.
        """
        ...

    async def forgotten_at(self, account_id: str) -> datetime | None:
        """Return when the owner last had something forgotten, a later moment with each time, None
        for never: what a process has in memory from before must go."""
        ...

    async def sweep_kept(
        self, account_id: str, keep: timedelta | None, now: datetime, limit: int = 200
    ) -> int:
        """Erase at most `limit` messages that were forgotten or are older than `keep` (with None,
        all that are kept); return how many, 0 when nothing is left to erase."""
        ...

    async def tidy_kept(self, account_id: str, *, begin: bool = False) -> bool:
        """Work off a little of what erasing left in the index, `begin` first and then until it is
        False. Each call is one short transaction."""
        ...

    async def has_traces(self, account_id: str) -> bool:
        """Whether something was erased since `scrub` last was done: so a process that died in
        between is made up for by the next one."""
        ...

    async def scrub(self, patience: float) -> bool:
        """Take every trace of what was erased out of the engine's own files, which are written
        anew; it costs as much as they are large. False where others kept it from finishing within
        `patience` seconds."""
        ...


class SqlKept:
    """See KeptLedger."""

    _database: Database

    async def kept_newest(
        self, account_id: str, limit: int, *, before_id: str | None = None
    ) -> tuple[Message, ...]:
        """See KeptLedger.kept_newest."""
        below = _below(before_id)
        return await self._database.read(
            lambda sql: kept_rows.newest(sql, account_id, below, limit)
        )

    async def kept_thread(
        self, account_id: str, conversation_id: str, limit: int, *, before_id: str | None = None
    ) -> tuple[Message, ...]:
        """See KeptLedger.kept_thread."""
        below = _below(before_id)
        return await self._database.read(
            lambda sql: kept_rows.thread(sql, account_id, conversation_id, below, limit)
        )

    async def kept_after(self, account_id: str, message_id: str, limit: int) -> tuple[Message, ...]:
        """See KeptLedger.kept_after."""
        number = _below(message_id)
        return await self._database.read(
            lambda sql: kept_rows.after(sql, account_id, number, limit)
        )

    async def kept_message(self, account_id: str, message_id: str) -> Message | None:
        """See KeptLedger.kept_message."""
        number = _below(message_id)
        return await self._database.read(lambda sql: kept_rows.one(sql, account_id, number))

    async def kept_messages(self, account_id: str, ids: Collection[str]) -> tuple[Message, ...]:
        """See KeptLedger.kept_messages."""
        numbers = sorted({_below(message_id) for message_id in ids}, reverse=True)
        found = await self._database.read(
            lambda sql: [kept_rows.one(sql, account_id, number) for number in numbers]
        )
        return tuple(message for message in found if message is not None)

    async def kept_span(self, account_id: str) -> KeptSpan | None:
        """See KeptLedger.kept_span."""
        span = await self._database.read(lambda sql: kept_rows.oldest_and_newest(sql, account_id))
        return None if span is None else KeptSpan(from_ms(span[0]), from_ms(span[1]))

    async def keeps_any(self) -> bool:
        """See KeptLedger.keeps_any."""
        return await self._database.read(
            lambda sql: bool(
                sql.one("SELECT 1 FROM kept LIMIT 1")
                or sql.one("SELECT 1 FROM forgotten WHERE conversation_id IN ('*', '!') LIMIT 1")
            )
        )

    async def kept_count(self, account_id: str) -> int:
        """See KeptLedger.kept_count."""
        return await self._database.read(lambda sql: kept_rows.count(sql, account_id))

    async def search_kept(
        self,
        account_id: str,
        phrases: Sequence[Phrase],
        *,
        conversation_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        before_id: str | None = None,
        limit: int = 20,
    ) -> tuple[Message, ...]:
        """See KeptLedger.search_kept."""
        begin = 0 if since is None else to_ms(since)
        end = END_OF_TIME if until is None else to_ms(until)
        latest = GREATEST if until is None else first_at(end + kept_rows.TOLERANCE) or GREATEST
        wanted = Wanted(
            phrases=phrases,
            conversation_id=conversation_id,
            above=first_at(begin - kept_rows.TOLERANCE),
            below=min(_below(before_id), latest),
            since=begin,
            until=end,
            limit=limit,
        )
        return await self._database.read(lambda sql: kept_rows.search(sql, account_id, wanted))

    async def forget(
        self, account_id: str, conversation_id: str | None, by: str, now: datetime
    ) -> int:
        """See KeptLedger.forget."""
        what, at = conversation_id or EVERYTHING, to_ms(now)
        return await self._database.write(
            lambda sql: forgetting.forget(sql, account_id, what, by, at)
        )

    async def forgotten_at(self, account_id: str) -> datetime | None:
        """See KeptLedger.forgotten_at."""
        at = await self._database.read(lambda sql: forgetting.forgotten_at(sql, account_id))
        return from_ms(at) if at else None

    async def sweep_kept(
        self, account_id: str, keep: timedelta | None, now: datetime, limit: int = 200
    ) -> int:
        """See KeptLedger.sweep_kept."""
        kept, at = length_ms(keep), to_ms(now)
        if not await self._database.read(lambda sql: _is_due(sql, account_id, kept, at)):
            return 0  # so that an idle process writes nothing
        return await self._database.write(lambda sql: _sweep(sql, account_id, kept, at, limit))

    async def tidy_kept(self, account_id: str, *, begin: bool = False) -> bool:
        """See KeptLedger.tidy_kept."""
        return await self._database.write(
            lambda sql: sql.full_text.tidy(sql, account_id, begin=begin)
        )

    async def has_traces(self, account_id: str) -> bool:
        """See KeptLedger.has_traces."""
        traces = await self._database.read(forgetting.traces)
        return any(account == account_id for account, _ in traces)

    async def scrub(self, patience: float) -> bool:
        """See KeptLedger.scrub."""
        traces = await self._database.read(forgetting.traces)
        if not await self._database.scrub(patience):
            return False
        if traces:
            await self._database.write(lambda sql: forgetting.end_traces(sql, traces))
        return True


def length_ms(length: timedelta | None) -> int | None:
    """Return a length in ms."""
    return None if length is None else length // timedelta(milliseconds=1)


def _is_due(sql: Sql, account_id: str, keep: int | None, now: int) -> bool:
    if keep is None:
        any_left = kept_rows.oldest_and_newest(sql, account_id) is not None
        return any_left or kept_rows.any_forgotten(sql, account_id)
    return kept_rows.any_older(sql, account_id, now - keep) or kept_rows.any_forgotten(
        sql, account_id
    )


def _sweep(sql: Sql, account_id: str, keep: int | None, now: int, limit: int) -> int:
    if keep is None:
        forgetting.drop_everything(sql, account_id, now)
    erased = kept_rows.drop_forgotten(sql, account_id, limit)
    if keep is not None and erased < limit:
        erased += kept_rows.drop_older(sql, account_id, now - keep, limit - erased)
    if erased:
        forgetting.leave_trace(sql, account_id)
    return erased


def _below(message_id: str | None) -> int:
    """Return an id as a number that an engine can hold."""
    return GREATEST if message_id is None else min(int(message_id), GREATEST)
