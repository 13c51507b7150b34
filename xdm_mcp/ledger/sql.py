"""What the parts of the ledger need of an engine: three ways to speak SQL, three kinds of
transaction.

The statements of this package stay within what SQLite and PostgreSQL both understand, with `?` for
values: an engine brings its schema and its connection, and the rules of a send are written once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from xdm_mcp.ledger.fulltext import FullText

from xdm_mcp.ledger.changes import Changes

Value = str | int | bytes | None
"""What is stored. Times are whole milliseconds since 1970 (UTC), money is micro-dollars, truth is 0
or 1."""

Row = tuple[Any, ...]
"""One row of an answer."""

T = TypeVar("T")


class Sql(Protocol):
    """One open transaction. Good for nothing after it has ended."""

    @property
    def full_text(self) -> FullText:
        """How the engine finds words."""
        ...

    def all(self, statement: str, *values: Value) -> list[Row]:
        """Return every row of the answer."""
        ...

    def one(self, statement: str, *values: Value) -> Row | None:
        """Return the first row of the answer, or None."""
        ...

    def run(self, statement: str, *values: Value) -> int:
        """Carry out a change and return how many rows it touched."""
        ...


Work = Callable[[Sql], T]
"""What is done within one transaction, without waiting for anything but the database."""


class Database(Protocol):
    """An engine. Its transactions are serialised; a `Work` that raises leaves nothing behind.

    Constructing one touches nothing; the first transaction opens it and brings its schema up to
    date. Every transaction may raise LedgerUnavailable, and then nothing was changed; or, where the
    disk or the server failed at the very end, nobody knows, and the caller does nothing for it.
    """

    @property
    def place(self) -> str:
        """Where it is, for people, without secrets."""
        ...

    async def read(self, work: Work[T]) -> T:
        """Do `work` on one consistent state, alongside writers."""
        ...

    async def write(self, work: Work[T]) -> T:
        """Do `work` alone among all writers; when this returns, what it wrote is durable."""
        ...

    async def imagine(self, work: Work[T]) -> T:
        """Do `work` as `write` does, return what it returned, and undo all of it."""
        ...

    async def scrub(self, patience: float) -> bool:
        """Write the engine's own files anew, without a trace of what was deleted. False where
        others kept it from finishing within `patience` (s)."""
        ...

    async def changes(self) -> Changes:
        """Return what waits for writes of other processes, from now on."""
        ...

    async def close(self) -> None:
        """Let go of files and threads; a later transaction opens again."""
        ...
