"""The index of words in PostgreSQL: a `tsvector` beside each message, and one GIN index.

Words and places are written out instead of asking `to_tsvector`, whose idea of a letter depends on
the language that the database was made for; with its `simple` configuration they would be the same.
Deleting a row takes its words with it, and what VACUUM has passed is gone from table and index.
PostgreSQL notes at most 256 places of one word in one text; a phrase whose first word stands there
more often may be missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from xdm_mcp.ledger.fulltext import COLUMNS, REMEMBERED, Indexed, Wanted
from xdm_mcp.words import Phrase

if TYPE_CHECKING:
    from xdm_mcp.ledger.sql import Row, Sql, Value


class TsVector:
    """See FullText."""

    value = "CAST(? AS tsvector)"

    def prepare(self, sql: Sql) -> None:
        """See FullText.prepare."""
        sql.run("ALTER TABLE kept ADD COLUMN words TSVECTOR")
        sql.run("CREATE INDEX kept_words ON kept USING gin (words)")

    def stored(self, text: str, words: str) -> str | None:
        """See FullText.stored."""
        return " ".join(f"'{word}':{place}" for place, word in enumerate(words.split(" "), 1))

    def add(self, sql: Sql, account_id: str, rows: Sequence[Indexed]) -> None:
        """See FullText.add: the row itself is what is indexed."""

    def drop(self, sql: Sql, account_id: str, rows: Sequence[Indexed]) -> None:
        """See FullText.drop: the row itself is what is indexed."""

    def drop_all(self, sql: Sql, account_id: str) -> None:
        """See FullText.drop_all: the rows go one batch after another."""

    def tidy(self, sql: Sql, account_id: str, *, begin: bool) -> bool:
        """See FullText.tidy: VACUUM does it."""
        return False

    def find(self, sql: Sql, account_id: str, wanted: Wanted) -> list[Row]:
        """See FullText.find: for common words the planner reads from the newest on, for rare ones
        it asks the index."""
        values: list[Value] = [account_id, _expression(wanted), wanted.above, wanted.below]
        there = ""
        if wanted.conversation_id is not None:
            there = " AND k.conversation_id = ?"
            values.append(wanted.conversation_id)
        return sql.all(
            f"SELECT {COLUMNS} FROM kept AS k WHERE k.account_id = ?"  # noqa: S608 - our own names
            f" AND k.words @@ CAST(? AS tsquery) AND k.id >= ? AND k.id < ?{there}"
            f" AND k.created_at >= ? AND k.created_at < ? AND{REMEMBERED}"
            " ORDER BY k.id DESC LIMIT ?",
            *values, wanted.since, wanted.until, wanted.limit,
        )  # fmt: skip


def _expression(wanted: Wanted) -> str:
    """Return the query as a `tsquery`; words hold letters, digits, marks and emoji, and nothing
    that could end a string."""
    return " & ".join(_phrase(phrase) for phrase in wanted.phrases)


def _phrase(phrase: Phrase) -> str:
    *heads, last = (f"'{word}'" for word in phrase.words)
    return f"({' <-> '.join([*heads, f'{last}:*' if phrase.prefix else last])})"
