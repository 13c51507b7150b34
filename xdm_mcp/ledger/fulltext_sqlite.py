"""The index of words in SQLite: one FTS5 table for each account.

A table of its own makes an account's search blind to every other account, lets a message's id be
the row's number, which gives the newest first for nothing, and is gone at once when all is
forgotten. It holds no text (`content=''`). An entry is taken out of it with the very words that
were put in, so that `secure-delete` finds each: where a later Python might fold a text into other
words, the words are kept beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xdm_mcp.ledger.fulltext import COLUMNS, REMEMBERED, Indexed, Wanted
from xdm_mcp.models.people import USER_ID
from xdm_mcp.words import Phrase

if TYPE_CHECKING:
    from xdm_mcp.ledger.sql import Row, Sql

STEP = 64
"""How many pages of an index one step of tidying writes: some tens of milliseconds."""


class Fts5:
    """See FullText."""

    value = "?"

    def prepare(self, sql: Sql) -> None:
        """See FullText.prepare."""
        sql.run("ALTER TABLE kept ADD COLUMN words TEXT")

    def stored(self, text: str, words: str) -> str | None:
        """See FullText.stored: ASCII folds the same for ever."""
        return None if text.isascii() else words

    def add(self, sql: Sql, account_id: str, rows: Sequence[Indexed]) -> None:
        """See FullText.add."""
        table = _table(account_id)
        if rows and not _exists(sql, table):
            sql.run(
                f"CREATE VIRTUAL TABLE {table} USING fts5"
                "(thread, words, content='', columnsize=0, tokenize='ascii')"
            )
            sql.run(f"INSERT INTO {table} ({table}, rank) VALUES ('secure-delete', 1)")  # noqa: S608 - our own name
        for row in rows:
            sql.run(
                f"INSERT INTO {table} (rowid, thread, words) VALUES (?, ?, ?)",  # noqa: S608 - our own name
                row.id, _thread(row.conversation_id), row.words,
            )  # fmt: skip

    def drop(self, sql: Sql, account_id: str, rows: Sequence[Indexed]) -> None:
        """See FullText.drop."""
        table = _table(account_id)
        if not _exists(sql, table):  # all of it went at once, and its rows go now
            return
        for row in rows:
            sql.run(
                f"INSERT INTO {table} ({table}, rowid, thread, words) VALUES ('delete', ?, ?, ?)",  # noqa: S608 - our own name
                row.id, _thread(row.conversation_id), row.words,
            )  # fmt: skip

    def drop_all(self, sql: Sql, account_id: str) -> None:
        """See FullText.drop_all."""
        sql.run(f"DROP TABLE IF EXISTS {_table(account_id)}")

    def tidy(self, sql: Sql, account_id: str, *, begin: bool) -> bool:
        """See FullText.tidy: a word that stood at the head of a page outlives its entry there as
        the name of the page, until the pages are written anew."""
        table = _table(account_id)
        if not _exists(sql, table):
            return False
        pages = -STEP if begin else STEP
        [[before]] = sql.all("SELECT total_changes()")
        sql.run(f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)", pages)  # noqa: S608 - our own name
        [[after]] = sql.all("SELECT total_changes()")
        return bool(begin or after - before > 1)  # as fts5.html, "The 'merge' Command", says

    def find(self, sql: Sql, account_id: str, wanted: Wanted) -> list[Row]:
        """See FullText.find: the index gives the newest first, and no more than the page needs is
        looked at."""
        table = _table(account_id)
        if not _exists(sql, table):
            return []
        return sql.all(
            f"SELECT {COLUMNS} FROM {table} CROSS JOIN kept AS k"  # noqa: S608 - our own names
            f" ON k.account_id = ? AND k.id = {table}.rowid"
            f" WHERE {table} MATCH ? AND {table}.rowid >= ? AND {table}.rowid < ?"
            f" AND k.created_at >= ? AND k.created_at < ? AND{REMEMBERED}"
            f" ORDER BY {table}.rowid DESC LIMIT ?",
            account_id, _expression(wanted), wanted.above, wanted.below,
            wanted.since, wanted.until, wanted.limit,
        )  # fmt: skip


def _table(account_id: str) -> str:
    """Return the name of an account's table; a name of ours, since an id is digits."""
    if not USER_ID.match(account_id):
        raise ValueError("the id of an account is a number")
    return f"kept_words_{account_id}"


def _exists(sql: Sql, table: str) -> bool:
    return sql.one("SELECT 1 FROM sqlite_schema WHERE name = ?", table) is not None


def _thread(conversation_id: str) -> str:
    return conversation_id.replace("-", "x")


def _expression(wanted: Wanted) -> str:
    """Return the query in the language of FTS5; words hold letters, digits, marks and emoji, and
    nothing that could end a string."""
    parts = [f"words : {_phrase(phrase)}" for phrase in wanted.phrases]
    if wanted.conversation_id is not None:
        parts.append(f'thread : "{_thread(wanted.conversation_id)}"')
    return " AND ".join(parts)


def _phrase(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"{" *" if phrase.prefix else ""}'
