"""Who looks at the inbox of an account, and what came: the part of the ledger through which its
processes share one poller.

An arrival is told once, whichever process found it: its number is taken by the transaction that
writes it. It holds ids and no text.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Protocol

from xdm_mcp.clock import to_ms
from xdm_mcp.ledger.changes import Changes
from xdm_mcp.ledger.rows import moment
from xdm_mcp.ledger.sql import Database, Sql
from xdm_mcp.models.messages import Message
from xdm_mcp.models.news import Arrival, Polling

KEPT = 500
"""How many arrivals of an account are kept; a process that is further behind reads the inbox."""


class PollingLedger(Protocol):
    """The part of the contract that is about looking at the inbox."""

    async def polling(self, account_id: str) -> Polling:
        """Return how the inbox is looked at; the defaults of `Polling` where nobody ever did."""
        ...

    async def take_polling(self, account_id: str, until: datetime, now: datetime) -> bool:
        """Become the one poller of an account until `until`, or stay it; False while another is.

        One transaction compares and swaps: of several that ask at once, one gets it. Who let its
        lease run out has lost it to the next who asks.
        """
        ...

    async def leave_polling(self, account_id: str) -> None:
        """Give the lease back at once; nothing where it is another's."""
        ...

    async def plan_look(
        self, account_id: str, at: datetime, until: datetime, trouble: str | None
    ) -> bool:
        """Write down when the next look is due, what was wrong with the last, and that the lease
        is held until `until`; False, and nothing changed, where it is another's by now."""
        ...

    async def want_news(self, account_id: str, until: datetime) -> None:
        """Let whoever polls know that an agent waits for news until then; never shortens."""
        ...

    async def looked(self, account_id: str, found: Sequence[Message], now: datetime) -> Polling:
        """Write down a look that succeeded, and those of the messages `found` that are news.

        Any process may look, poller or not. News is what no look has told before, by its id; of
        the very first look of an account nothing is. Older than the oldest of the `KEPT` newest
        arrivals is never news.
        """
        ...

    async def arrivals(self, account_id: str, after: int) -> tuple[Arrival, ...]:
        """Return the arrivals with a number above `after` that are still kept, oldest first."""
        ...

    def changes(self) -> AbstractAsyncContextManager[Changes]:
        """Watch for what other processes write, while entered."""
        ...


class SqlPolling:
    """See PollingLedger."""

    _database: Database
    _owner: str

    async def polling(self, account_id: str) -> Polling:
        """See PollingLedger.polling."""
        return await self._database.read(lambda sql: polling(sql, self._owner, account_id))

    async def take_polling(self, account_id: str, until: datetime, now: datetime) -> bool:
        """See PollingLedger.take_polling."""
        ends, at = to_ms(until), to_ms(now)
        return await self._database.write(lambda sql: take(sql, self._owner, account_id, ends, at))

    async def leave_polling(self, account_id: str) -> None:
        """See PollingLedger.leave_polling."""
        leave = (
            "UPDATE polling SET owner = NULL, until = NULL, version = version + 1"
            " WHERE account_id = ? AND owner = ?"
        )
        await self._database.write(lambda sql: sql.run(leave, account_id, self._owner))

    async def plan_look(
        self, account_id: str, at: datetime, until: datetime, trouble: str | None
    ) -> bool:
        """See PollingLedger.plan_look."""
        plan = (
            "UPDATE polling SET next_look_at = ?, until = ?, trouble = ?, version = version + 1"
            " WHERE account_id = ? AND owner = ?"
        )
        values = (to_ms(at), to_ms(until), trouble, account_id, self._owner)
        return await self._database.write(lambda sql: sql.run(plan, *values) == 1)

    async def want_news(self, account_id: str, until: datetime) -> None:
        """See PollingLedger.want_news."""
        await self._database.write(lambda sql: want(sql, account_id, to_ms(until)))

    async def looked(self, account_id: str, found: Sequence[Message], now: datetime) -> Polling:
        """See PollingLedger.looked."""
        at = to_ms(now)
        return await self._database.write(
            lambda sql: looked(sql, self._owner, account_id, found, at)
        )

    async def arrivals(self, account_id: str, after: int) -> tuple[Arrival, ...]:
        """See PollingLedger.arrivals."""
        return await self._database.read(lambda sql: arrivals(sql, account_id, after))

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[Changes]:
        """See PollingLedger.changes."""
        yield await self._database.changes()


def polling(sql: Sql, owner: str, account_id: str) -> Polling:
    """See PollingLedger.polling."""
    row = sql.one(
        "SELECT owner, until, wanted_until, arrivals, newest_id, news_at, looked_at, next_look_at,"
        " trouble FROM polling WHERE account_id = ?",
        account_id,
    )
    if row is None:
        return Polling()
    holder, until, wanted_until, count, newest_id, news_at, looked_at, next_look_at, trouble = row
    return Polling(
        mine=holder == owner,
        until=moment(until),
        wanted_until=moment(wanted_until),
        arrivals=count,
        newest_id=newest_id,
        news_at=moment(news_at),
        looked_at=moment(looked_at),
        next_look_at=moment(next_look_at),
        trouble=trouble,
    )


def take(sql: Sql, owner: str, account_id: str, until: int, now: int) -> bool:
    """See PollingLedger.take_polling."""
    _begin(sql, account_id)
    taken = sql.run(
        "UPDATE polling SET owner = ?, until = ?, version = version + 1"
        " WHERE account_id = ? AND (owner IS NULL OR owner = ? OR until <= ?)",
        owner, until, account_id, owner, now,
    )  # fmt: skip
    return taken == 1


def want(sql: Sql, account_id: str, until: int) -> None:
    """See PollingLedger.want_news."""
    _begin(sql, account_id)
    sql.run(
        "UPDATE polling SET wanted_until = ?, version = version + 1"
        " WHERE account_id = ? AND coalesce(wanted_until, 0) < ?",
        until, account_id, until,
    )  # fmt: skip


def looked(sql: Sql, owner: str, account_id: str, found: Sequence[Message], now: int) -> Polling:
    """See PollingLedger.looked."""
    _begin(sql, account_id)
    [[count, newest_id, floor_id]] = sql.all(
        "SELECT arrivals, newest_id, floor_id FROM polling WHERE account_id = ?", account_id
    )
    newest = max((int(message.id) for message in found), default=0)
    if floor_id is None:  # the very first look
        news, floor_id = [], newest
    else:
        told = (
            {
                message_id
                for (message_id,) in sql.all(
                    "SELECT message_id FROM arrival WHERE account_id = ?", account_id
                )
            }
            if found
            else set()
        )
        news = sorted(
            {m.id: m for m in found if int(m.id) > int(floor_id) and m.id not in told}.values(),
            key=lambda message: int(message.id),
        )
    for message in news:
        count += 1
        sql.run(
            "INSERT INTO arrival (account_id, number, message_id, conversation_id, inbound)"
            " VALUES (?, ?, ?, ?, ?)",
            account_id, count, message.id, message.conversation_id,
            message.kind == "message" and message.sender_id != account_id,
        )  # fmt: skip
    gone = sql.all(
        "DELETE FROM arrival WHERE account_id = ? AND number <= ? RETURNING message_id",
        account_id, count - KEPT,
    ) if news else []  # fmt: skip
    floor_id = max([int(floor_id), *(int(message_id) for (message_id,) in gone)])
    sql.run(
        "UPDATE polling SET arrivals = ?, newest_id = ?, floor_id = ?, looked_at = ?,"
        " news_at = coalesce(?, news_at), trouble = NULL, version = version + 1"
        " WHERE account_id = ?",
        count, str(max(newest, int(newest_id or 0))), str(floor_id), now,
        now if news else None, account_id,
    )  # fmt: skip
    return polling(sql, owner, account_id)


def arrivals(sql: Sql, account_id: str, after: int) -> tuple[Arrival, ...]:
    """See PollingLedger.arrivals."""
    rows = sql.all(
        "SELECT number, message_id, conversation_id, inbound FROM arrival"
        " WHERE account_id = ? AND number > ? ORDER BY number",
        account_id, after,
    )  # fmt: skip
    return tuple(
        Arrival(number, its, thread, bool(inbound)) for number, its, thread, inbound in rows
    )


def _begin(sql: Sql, account_id: str) -> None:
    sql.run(
        "INSERT INTO polling (account_id, version, arrivals) VALUES (?, 0, 0)"
        " ON CONFLICT (account_id) DO NOTHING",
        account_id,
    )


TABLES = (
    """CREATE TABLE polling (
        account_id TEXT PRIMARY KEY,
        version INTEGER NOT NULL,
        owner TEXT,
        until INTEGER,
        wanted_until INTEGER,
        arrivals INTEGER NOT NULL,
        newest_id TEXT,
        floor_id TEXT,
        news_at INTEGER,
        looked_at INTEGER,
        next_look_at INTEGER,
        trouble TEXT
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE arrival (
        account_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        inbound INTEGER NOT NULL,
        PRIMARY KEY (account_id, number)
    ) STRICT, WITHOUT ROWID""",
)
"""What is added to the schema."""
