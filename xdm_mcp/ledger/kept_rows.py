"""Kept messages in the database: written by the transaction that learns from them, found by id,
conversation, time and words, erased in small batches."""

from __future__ import annotations

from collections.abc import Sequence

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger.fulltext import (
    COLUMNS,
    DROPPED,
    EVERYTHING,
    REMEMBERED,
    Indexed,
    Wanted,
)
from xdm_mcp.ledger.snowflakes import GREATEST, first_at
from xdm_mcp.ledger.sql import Row, Sql, Value
from xdm_mcp.models.messages import Message
from xdm_mcp.words import words

KEPT = (
    """CREATE TABLE kept (
        account_id TEXT NOT NULL,
        id INTEGER NOT NULL,
        conversation_id TEXT NOT NULL,
        sender_id TEXT,
        created_at INTEGER NOT NULL,
        text TEXT,
        kind TEXT NOT NULL CHECK (kind IN ('message', 'join', 'leave')),
        participants TEXT NOT NULL,
        attachment INTEGER NOT NULL,
        PRIMARY KEY (account_id, id)
    ) STRICT""",
    "CREATE INDEX kept_thread ON kept (account_id, conversation_id, id)",
    """CREATE TABLE forgotten (
        account_id TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        newest_id INTEGER NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (account_id, conversation_id)
    ) STRICT, WITHOUT ROWID""",
)
"""The tables. The rows of `kept` lie in the order in which they came, so that none is moved about
and leaves a copy behind; a row of `forgotten` without a conversation is about all of them."""

TOLERANCE = 60_000
"""How far (ms) the time of a message and the time in its id may differ."""

SELECT = f"SELECT {COLUMNS} FROM kept AS k WHERE k.account_id = ?"  # noqa: S608 - our own names


def make(sql: Sql) -> None:
    """Make the tables."""
    for statement in KEPT:
        sql.run(statement)
    sql.full_text.prepare(sql)


def keep(sql: Sql, account_id: str, messages: Sequence[Message], since: int) -> None:
    """Keep messages from the time `since` (ms) on that are neither kept nor forgotten."""
    new: dict[int, Indexed] = {}
    for message in messages:
        number = int(message.id)
        if to_ms(message.created_at) < since or number > GREATEST or number in new:
            continue
        if not _is_known(sql, account_id, message):  # most are: a look reads a page again
            said = " ".join(words(message.text or ""))
            _insert(sql, account_id, message, said)
            new[number] = Indexed(number, message.conversation_id, said)
    sql.full_text.add(sql, account_id, [row for row in new.values() if row.words])


def _insert(sql: Sql, account_id: str, message: Message, said: str) -> None:
    index = sql.full_text
    sql.run(
        "INSERT INTO kept (account_id, id, conversation_id, sender_id, created_at, text, kind,"  # noqa: S608 - our own words
        f" participants, attachment, words) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, {index.value})",
        account_id, int(message.id), message.conversation_id, message.sender_id,
        to_ms(message.created_at), message.text, message.kind,
        " ".join(message.participant_ids), int(message.has_attachment),
        index.stored(message.text or "", said) if said else None,
    )  # fmt: skip


def message_of(row: Row) -> Message:
    """Return a kept message from its row."""
    number, conversation_id, sender_id, created_at, text, kind, participants, attachment = row
    return Message(
        id=str(number),
        conversation_id=conversation_id,
        sender_id=sender_id,
        created_at=from_ms(created_at),
        text=text,
        kind=kind,
        participant_ids=tuple(participants.split()),
        has_attachment=bool(attachment),
    )


def newest(sql: Sql, account_id: str, below: int, limit: int) -> tuple[Message, ...]:
    """Return messages with an id under `below`, the newest first."""
    return _messages(
        sql, f"{SELECT} AND k.id < ? AND{REMEMBERED} ORDER BY k.id DESC LIMIT ?",
        account_id, below, limit,
    )  # fmt: skip


def thread(
    sql: Sql, account_id: str, conversation_id: str, below: int, limit: int
) -> tuple[Message, ...]:
    """Return messages of a conversation with an id under `below`, the newest first."""
    return _messages(
        sql,
        f"{SELECT} AND k.conversation_id = ? AND k.id < ? AND{REMEMBERED}"
        " ORDER BY k.id DESC LIMIT ?",
        account_id, conversation_id, below, limit,
    )  # fmt: skip


def after(sql: Sql, account_id: str, number: int, limit: int) -> tuple[Message, ...]:
    """Return messages with a greater id, the oldest first."""
    return _messages(
        sql, f"{SELECT} AND k.id > ? AND{REMEMBERED} ORDER BY k.id LIMIT ?",
        account_id, number, limit,
    )  # fmt: skip


def one(sql: Sql, account_id: str, number: int) -> Message | None:
    """Return the message with an id, or None."""
    found = _messages(sql, f"{SELECT} AND k.id = ? AND{REMEMBERED}", account_id, number)
    return found[0] if found else None


def search(sql: Sql, account_id: str, wanted: Wanted) -> tuple[Message, ...]:
    """Return the messages that are wanted, the newest first."""
    if not wanted.phrases or wanted.above >= wanted.below:
        return ()
    return tuple(message_of(row) for row in sql.full_text.find(sql, account_id, wanted))


def oldest_and_newest(sql: Sql, account_id: str) -> tuple[int, int] | None:
    """Return the times (ms) of the oldest and of the newest kept message, None without any."""
    [[first]] = sql.all("SELECT min(id) FROM kept WHERE account_id = ?", account_id)
    [[last]] = sql.all("SELECT max(id) FROM kept WHERE account_id = ?", account_id)
    if first is None:
        return None
    at = "SELECT created_at FROM kept WHERE account_id = ? AND id = ?"
    [[begin]], [[end]] = sql.all(at, account_id, first), sql.all(at, account_id, last)
    return begin, end


def count(sql: Sql, account_id: str) -> int:
    """Return how many messages are kept; the cost grows with them."""
    [[kept]] = sql.all("SELECT count(*) FROM kept WHERE account_id = ?", account_id)
    return int(kept)


def drop_older(sql: Sql, account_id: str, than: int, limit: int) -> int:
    """Erase at most `limit` messages that are older than a time (ms); return how many."""
    return _drop(
        sql, account_id, "account_id = ? AND id < ? ORDER BY id LIMIT ?",
        account_id, first_at(than), limit,
    )  # fmt: skip


def drop_forgotten(sql: Sql, account_id: str, limit: int) -> int:
    """Erase at most `limit` messages that were forgotten; return how many."""
    erased = 0
    for where, values in _marks(sql, account_id):
        erased += _drop(
            sql, account_id, f"{where} ORDER BY id LIMIT ?", *values, limit - erased
        )  # fmt: skip
    if erased < limit:
        sql.run(
            "DELETE FROM forgotten WHERE account_id = ? AND conversation_id = ?",
            account_id, DROPPED,
        )  # fmt: skip
    return erased


def any_older(sql: Sql, account_id: str, than: int) -> bool:
    """Whether a message is kept that is older than a time (ms)."""
    oldest = "SELECT 1 FROM kept WHERE account_id = ? AND id < ? LIMIT 1"
    return sql.one(oldest, account_id, first_at(than)) is not None


def any_forgotten(sql: Sql, account_id: str) -> bool:
    """Whether a message lies there still that was forgotten, or all are being erased."""
    dropping = "SELECT 1 FROM forgotten WHERE account_id = ? AND conversation_id = ?"
    return bool(sql.one(dropping, account_id, DROPPED)) or any(
        sql.one(f"SELECT 1 FROM kept WHERE {where} LIMIT 1", *values)  # noqa: S608 - our own words
        for where, values in _marks(sql, account_id)
    )


def _marks(sql: Sql, account_id: str) -> list[tuple[str, tuple[Value, ...]]]:
    """Return the conditions that choose what was forgotten, one for each mark."""
    rows = sql.all(
        "SELECT conversation_id, newest_id FROM forgotten WHERE account_id = ?", account_id
    )
    return [
        ("account_id = ? AND id <= ?", (account_id, newest_id))
        if conversation_id in (EVERYTHING, DROPPED)
        else (
            "account_id = ? AND conversation_id = ? AND id <= ?",
            (account_id, conversation_id, newest_id),
        )
        for conversation_id, newest_id in rows
    ]


def _drop(sql: Sql, account_id: str, where: str, *values: Value) -> int:
    rows = sql.all(
        f"SELECT id, conversation_id, text, words FROM kept WHERE {where}",  # noqa: S608 - our own words
        *values,
    )
    [[gone]] = sql.all(
        "SELECT coalesce(max(newest_id), 0) FROM forgotten WHERE account_id = ?"
        " AND conversation_id IN ('', '*')",
        account_id,
    )  # of these the index went at once
    old = [
        Indexed(number, conversation_id, " ".join(words(text)) if said is None else said)
        for number, conversation_id, text, said in rows
        if text is not None and number > gone
    ]
    sql.full_text.drop(sql, account_id, [row for row in old if row.words])
    for number, *_ in rows:
        sql.run("DELETE FROM kept WHERE account_id = ? AND id = ?", account_id, number)
    return len(rows)


def _is_known(sql: Sql, account_id: str, message: Message) -> bool:
    """Whether a message is kept, or was forgotten and is to stay so."""
    return bool(
        sql.one(
            "SELECT 1 FROM kept WHERE account_id = ? AND id = ?", account_id, int(message.id)
        )
        or sql.one(
            "SELECT 1 FROM forgotten WHERE account_id = ? AND conversation_id IN ('', '*', ?)"
            " AND newest_id >= ?",
            account_id, message.conversation_id, int(message.id),
        )
    )  # fmt: skip


def _messages(sql: Sql, statement: str, *values: Value) -> tuple[Message, ...]:
    return tuple(message_of(row) for row in sql.all(statement, *values))
