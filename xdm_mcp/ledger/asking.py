"""What the processes of a ledger share about questions to clients: that each takes one answer, and
the keys under which a question travels through the client.

So a question that one process put can be answered at another one, and after a restart.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.errors import NotFound
from xdm_mcp.ledger.entries import change, find
from xdm_mcp.ledger.rows import hold_text
from xdm_mcp.ledger.sql import Database, Sql

LASTS = timedelta(days=1)
"""For how long a key seals; then a new one does."""

OPENS = timedelta(hours=1)
"""For how long after that it still opens: longer than any question stands."""

TABLES = (
    """CREATE TABLE state_key (
        secret TEXT PRIMARY KEY,
        made_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
)


class AskingLedger(Protocol):
    """The part of the contract that is about questions to clients."""

    async def answer_once(self, approval_id: str, now: datetime) -> bool:
        """Note that a client answered about a held send, and return whether that was the first
        answer; an approval of the assurance `client` is one too. Once noted, no such approval is
        taken any more. Raises NotFound for an unknown id."""
        ...

    async def state_keys(self, now: datetime) -> tuple[bytes, ...]:
        """Return the secrets under which the state of open questions is sealed: the first one
        seals, every one opens. They are the same for all processes, and each seals for a day."""
        ...


class SqlAsking:
    """See AskingLedger."""

    _database: Database

    async def answer_once(self, approval_id: str, now: datetime) -> bool:
        """See AskingLedger.answer_once."""
        at = to_ms(now)
        return await self._database.write(lambda sql: answer_once(sql, approval_id, at))

    async def state_keys(self, now: datetime) -> tuple[bytes, ...]:
        """See AskingLedger.state_keys."""
        at = to_ms(now)
        keys = await self._database.read(lambda sql: _keys(sql, at))
        return keys or await self._database.write(lambda sql: renew_keys(sql, at))


def answer_once(sql: Sql, approval_id: str, now: int) -> bool:
    """See AskingLedger.answer_once."""
    rows = find(sql, "WHERE approval_id = ?", approval_id)
    if not rows or (hold := rows[0].entry.hold) is None:
        raise NotFound("No held send has that id; list them with `xdm-mcp approvals`.")
    if hold.answered_at is not None:
        return False
    change(sql, rows[0], hold=hold_text(replace(hold, answered_at=from_ms(now))))
    return True


def renew_keys(sql: Sql, now: int) -> tuple[bytes, ...]:
    """Make a new key where none seals any more, and forget those that open nothing any more."""
    if not _keys(sql, now):
        sql.run("DELETE FROM state_key WHERE made_at <= ?", now - _ms(LASTS) - _ms(OPENS))
        sql.run("INSERT INTO state_key VALUES (?, ?)", secrets.token_hex(32), now)
    return _keys(sql, now)


def _keys(sql: Sql, now: int) -> tuple[bytes, ...]:
    """Return the keys, newest first; none where the newest seals no more."""
    rows = sql.all("SELECT secret, made_at FROM state_key ORDER BY made_at DESC, secret")
    fresh = bool(rows) and now - rows[0][1] < _ms(LASTS)
    return tuple(bytes.fromhex(secret) for secret, _ in rows) if fresh else ()


def _ms(length: timedelta) -> int:
    return round(length.total_seconds() * 1000)
