"""What agents were shown of other people's words, until those are answered or a person has looked.

A stranger's text may tell an agent to write to somebody else. So it is noted which conversations an
agent has read; every process of the account sees it, and a restart forgets nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger.sql import Database, Sql
from xdm_mcp.models.messages import Message, one_to_one
from xdm_mcp.models.sends import Entry, Target
from xdm_mcp.models.verdicts import Taint

TOLD = 4
"""How many conversations the guard is told of at most: one is enough to ask."""

TABLES = (
    """CREATE TABLE shown (
        account_id TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        peer TEXT NOT NULL,
        message_id TEXT NOT NULL,
        wrote_at INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (account_id, conversation_id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX shown_at ON shown (account_id, at)",
    """CREATE TABLE looked (
        account_id TEXT PRIMARY KEY,
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
)
"""`shown` holds the newest message of somebody else of each conversation that an agent was given;
`looked` up to when a person knows what an agent asked for."""

ANSWERED = (
    "(EXISTS (SELECT 1 FROM entry WHERE entry.account_id = shown.account_id"
    " AND entry.peer = shown.peer AND entry.slot_at >= shown.wrote_at AND entry.state = 'sent')"
    " OR EXISTS (SELECT 1 FROM external WHERE external.account_id = shown.account_id"
    " AND external.peer = shown.peer AND external.at >= shown.wrote_at))"
)
"""Whether a message of ours in the conversation is newer than what was shown."""

UNSEEN = "at > coalesce((SELECT at FROM looked WHERE looked.account_id = shown.account_id), 0)"
"""Whether it was shown after the last look of a person, and is not known to be answered."""


class TaintLedger(Protocol):
    """The part of the contract that is about what agents were shown."""

    async def note_shown(self, account_id: str, messages: Sequence[Message], now: datetime) -> None:
        """Note messages of other people that an agent is given now; what is known or older than
        what is known changes nothing, and writes nothing."""
        ...


class SqlTaints:
    """See TaintLedger."""

    _database: Database

    async def note_shown(self, account_id: str, messages: Sequence[Message], now: datetime) -> None:
        """See TaintLedger.note_shown."""
        newest = newest_of(account_id, messages)
        if not newest:
            return
        news = await self._database.read(lambda sql: _unknown(sql, account_id, newest))
        if news:
            at = to_ms(now)
            await self._database.write(lambda sql: note_shown(sql, account_id, news, at))


def newest_of(account_id: str, messages: Sequence[Message]) -> dict[str, Message]:
    """Return the newest message of somebody else in each conversation."""
    newest: dict[str, Message] = {}
    for message in messages:
        known = newest.get(message.conversation_id)
        theirs = message.sender_id != account_id and message.text is not None
        if theirs and (known is None or int(message.id) > int(known.id)):
            newest[message.conversation_id] = message
    return newest


def note_shown(sql: Sql, account_id: str, newest: Mapping[str, Message], now: int) -> None:
    """Write down what is shown; what was answered meanwhile counts no longer, and is looked at no
    more, but stays known."""
    for conversation_id, message in _unknown(sql, account_id, newest).items():
        other = one_to_one(conversation_id, account_id)
        target = Target((other,)) if other else Target(conversation_id=conversation_id)
        sql.run(
            "INSERT INTO shown (account_id, conversation_id, peer, message_id, wrote_at, at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, conversation_id) DO UPDATE SET"
            " message_id = excluded.message_id, wrote_at = excluded.wrote_at, at = excluded.at",
            account_id, conversation_id, target.peer, message.id,
            min(to_ms(message.created_at), now), now,
        )  # fmt: skip
    sql.run(
        f"UPDATE shown SET at = 0 WHERE account_id = ? AND {UNSEEN} AND {ANSWERED}",  # noqa: S608
        account_id,
    )


def looked(sql: Sql, entry: Entry) -> None:
    """Note that a person knows of a send: what was shown before it was asked for has had its
    look."""
    sql.run(
        "INSERT INTO looked (account_id, at) VALUES (?, ?) ON CONFLICT (account_id) DO UPDATE SET"
        " at = CASE WHEN excluded.at > looked.at THEN excluded.at ELSE looked.at END",
        entry.account_id, to_ms(entry.created_at),
    )  # fmt: skip


def taints(sql: Sql, account_id: str, target: Target) -> tuple[Taint, ...]:
    """Return what was shown of other conversations than `target`, unanswered and since a person
    looked, the newest first, at most `TOLD`."""
    rows = sql.all(
        "SELECT conversation_id, message_id, at FROM shown"  # noqa: S608 - our own words
        f" WHERE account_id = ? AND peer <> ? AND {UNSEEN} AND NOT {ANSWERED}"
        " ORDER BY at DESC LIMIT ?",
        account_id, target.peer, TOLD,
    )  # fmt: skip
    return tuple(Taint(thread, message_id, from_ms(at)) for thread, message_id, at in rows)


def forget(sql: Sql, account_id: str, conversation_id: str | None = None) -> None:
    """Forget what was shown of an account, or of one of its conversations."""
    sql.run(
        "DELETE FROM shown WHERE account_id = ? AND conversation_id = coalesce(?, conversation_id)",
        account_id, conversation_id,
    )  # fmt: skip


def _unknown(sql: Sql, account_id: str, newest: Mapping[str, Message]) -> dict[str, Message]:
    """Return what is newer than what is known to have been shown."""
    fresh = {}
    for conversation_id, message in newest.items():
        row = sql.one(
            "SELECT message_id FROM shown WHERE account_id = ? AND conversation_id = ?",
            account_id, conversation_id,
        )  # fmt: skip
        if row is None or int(message.id) > int(row[0]):
            fresh[conversation_id] = message
    return fresh
