"""What looking for words needs of an engine; each has its own index, and both find the same.

Words are made by `xdm_mcp.words` on both sides, so an index holds them as they are and no engine's
own idea of a language plays a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from xdm_mcp.words import Phrase

if TYPE_CHECKING:
    from xdm_mcp.ledger.sql import Row, Sql

COLUMNS = (
    "k.id, k.conversation_id, k.sender_id, k.created_at, k.text, k.kind, k.participants,"
    " k.attachment"
)
"""What is read of a kept message, in the order of `kept_rows.message_of`."""

EVERYTHING, DROPPED = "", "*"
"""What stands in `forgotten` for every conversation: forgotten by the owner, or being erased since
nothing is to be kept any more. Either way the index went at once."""

UNSCRUBBED = "!"
"""What stands there for a trace of what was erased that may lie in the files: its number grows with
each time that something is erased."""

REMEMBERED = (
    " NOT EXISTS (SELECT 1 FROM forgotten AS f WHERE f.account_id = k.account_id"
    " AND f.conversation_id IN ('', '*', k.conversation_id) AND f.newest_id >= k.id)"
)
"""Leaves out what the owner had forgotten, from the very moment on, however long erasing takes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: all of these phrases, in messages with `above` <= id < `below`, written
    from `since` on and before `until` (ms), of one conversation where it is given."""

    phrases: Sequence[Phrase]
    conversation_id: str | None
    above: int
    below: int
    since: int
    until: int
    limit: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """A kept message as its index needs it to add it and to take it out again: its `words` in
    their order, one blank between two."""

    id: int
    conversation_id: str
    words: str


class FullText(Protocol):
    """The index of an engine. Every method works within the transaction of `sql`."""

    value: str
    """How the value of the column `words` is written in a statement."""

    def prepare(self, sql: Sql) -> None:
        """Make what the schema needs; a step of the migrations."""
        ...

    def stored(self, text: str, words: str) -> str | None:
        """Return what the column `words` holds beside a text."""
        ...

    def add(self, sql: Sql, account_id: str, rows: Sequence[Indexed]) -> None:
        """Index messages of an account that are not indexed yet."""
        ...

    def drop(self, sql: Sql, account_id: str, rows: Sequence[Indexed]) -> None:
        """Take out messages that were added with just these words."""
        ...

    def drop_all(self, sql: Sql, account_id: str) -> None:
        """Take out every message of an account at once."""
        ...

    def tidy(self, sql: Sql, account_id: str, *, begin: bool) -> bool:
        """Work off a little of what taking out left behind; False when nothing is left."""
        ...

    def find(self, sql: Sql, account_id: str, wanted: Wanted) -> list[Row]:
        """Return the `COLUMNS` of what is wanted, the newest first."""
        ...
