"""How marks lie in the tables: a row for each digest and conversation, a row for each message.

No statement takes longer the more was read, but for what the owner has forgotten.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import chain
from typing import TypeVar

from xdm_mcp.clock import to_ms
from xdm_mcp.ledger.snowflakes import GREATEST
from xdm_mcp.ledger.sql import Row, Sql, Value
from xdm_mcp.marks import SIZE
from xdm_mcp.models.messages import Message

V = TypeVar("V", bound=Value)

COMMON = 3
"""In so many conversations a mark is a common phrase, and counts no longer."""

BATCH = 512
"""How many messages are forgotten with one statement at the owner's word."""

PRUNED = 128
"""How many messages are forgotten at a time at most, so that no transaction takes long."""

SIZES = (2, 8, 32, 128, 512)
"""How many values a look-up has: few different statements, planned once each."""

PIECES = (64, 16, 4, 1)
"""How many rows are written with one statement."""

TABLES = (
    """CREATE TABLE mark_key (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        secret TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE mark_thread (
        id INTEGER PRIMARY KEY,
        account_id TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        UNIQUE (account_id, conversation_id)
    ) STRICT""",
    """CREATE TABLE marked (
        id INTEGER PRIMARY KEY,
        thread INTEGER NOT NULL,
        message_id TEXT NOT NULL,
        wrote_at INTEGER NOT NULL,
        read_at INTEGER NOT NULL,
        digests BLOB NOT NULL,
        UNIQUE (message_id, thread)
    ) STRICT""",
    "CREATE INDEX marked_read ON marked (read_at)",
    """CREATE TABLE mark (
        digest INTEGER NOT NULL,
        marked INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        around INTEGER NOT NULL,
        PRIMARY KEY (digest, marked)
    ) STRICT, WITHOUT ROWID""",
)
"""A digest stands once for each conversation, at its newest message. A message knows its digests,
in `SIZE` bytes each, by which they are found when it is forgotten: an index of twenty million marks
by message would be larger than they are and would cost a page with each."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A mark as it is stored: at which message, in which conversation."""

    marked: int
    thread: int
    kind: int
    around: int


def standing(sql: Sql, digests: Iterable[int]) -> dict[int, list[Row]]:
    """Return where digests stand: at most `COMMON` rows each."""
    stands: dict[int, list[Row]] = {}
    for some in slices(digests):
        for row in sql.all(
            "SELECT mark.digest, mark.around, mark.kind, mark_thread.conversation_id,"  # noqa: S608
            " marked.message_id, marked.wrote_at FROM mark JOIN marked ON marked.id = mark.marked"
            " JOIN mark_thread ON mark_thread.id = marked.thread"
            f" WHERE mark.digest IN ({places(some)})",
            *some,
        ):
            stands.setdefault(row[0], []).append(row)
    return stands


def threads_of(sql: Sql, account_id: str, said: Sequence[Message]) -> dict[str, int]:
    """Return the numbers of the conversations that are marked already."""
    return {
        conversation_id: number
        for some in slices({message.conversation_id for message in said})
        for conversation_id, number in sql.all(
            "SELECT conversation_id, id FROM mark_thread WHERE account_id = ?"  # noqa: S608 - our own words
            f" AND conversation_id IN ({places(some)})",
            account_id, *some,
        )
    }  # fmt: skip


def known(sql: Sql, said: Sequence[Message], threads: Set[int]) -> dict[str, tuple[int, int]]:
    """Return the messages that are marked already: their row, and when they were last read."""
    return {
        message_id: (row, read_at)
        for some in slices([message.id for message in said])
        for message_id, thread, row, read_at in sql.all(
            "SELECT message_id, thread, id, read_at FROM marked"  # noqa: S608 - our own words
            f" WHERE message_id IN ({places(some)})",
            *some,
        )
        if thread in threads
    }


def thread_of(sql: Sql, account_id: str, conversation_id: str) -> int:
    """Give a conversation a number; it must have none."""
    [[thread]] = sql.all(
        "INSERT INTO mark_thread (account_id, conversation_id) VALUES (?, ?) RETURNING id",
        account_id, conversation_id,
    )  # fmt: skip
    return int(thread)


def add(sql: Sql, thread: int, message: Message, digests: Iterable[int], now: int) -> int:
    """Note that a message was read just now, and its digests; return its number."""
    [[row]] = sql.all(
        "INSERT INTO marked (thread, message_id, wrote_at, read_at, digests)"
        " VALUES (?, ?, ?, ?, ?) RETURNING id",
        thread, message.id, to_ms(message.created_at), now, packed(digests),
    )  # fmt: skip
    return int(row)


def renew(sql: Sql, numbers: Sequence[int], now: int) -> None:
    """Note that messages were read again."""
    for some in slices(numbers):
        sql.run(f"UPDATE marked SET read_at = ? WHERE id IN ({places(some)})", now, *some)  # noqa: S608


def write(sql: Sql, new: Mapping[int, Sequence[Standing]]) -> None:
    """Write marks down, by their digests, beside those that stand already."""
    stands: dict[int, dict[int, Standing]] = {digest: {} for digest in new}
    for some in slices(new):
        for digest, *what in sql.all(
            "SELECT mark.digest, mark.marked, marked.thread, mark.kind, mark.around"  # noqa: S608
            " FROM mark JOIN marked ON marked.id = mark.marked"
            f" WHERE mark.digest IN ({places(some)})",
            *some,
        ):
            old = Standing(*what)
            stands[digest][old.thread] = old
    rows: list[Row] = []
    gone: list[int] = []
    for digest, here in stands.items():
        before = dict(here)
        for one in new[digest]:
            _stand(here, one)
        if before and here != before:
            gone.append(digest)
        if here != before:
            rows += ((digest, one.marked, one.kind, one.around) for one in here.values())
    for some in slices(gone):  # where one is replaced, all of its digest are written anew
        sql.run(f"DELETE FROM mark WHERE digest IN ({places(some)})", *some)  # noqa: S608
    for piece in _pieces(rows):
        values = ", ".join(["(?, ?, ?, ?)"] * len(piece))
        sql.run(
            f"INSERT INTO mark (digest, marked, kind, around) VALUES {values}",  # noqa: S608
            *chain.from_iterable(piece),
        )


def _stand(here: dict[int, Standing], new: Standing) -> None:
    """Add a mark to those of its digest, by conversation: none where it is a common phrase."""
    if new.thread in here:
        new = replace(new, kind=min(new.kind, here[new.thread].kind))
    elif len(here) >= COMMON:
        return
    here[new.thread] = new


def prune(sql: Sql, before: int) -> None:
    """Erase messages that were last read before a time (ms), some at a time."""
    _drop(
        sql,
        sql.all("SELECT id, digests FROM marked WHERE read_at < ? LIMIT ?", before, PRUNED),
    )


def forget(sql: Sql, account_id: str, conversation_id: str | None = None) -> None:
    """Forget every mark of an account, or of one of its conversations; as `marked` has no index by
    conversation, that looks at each message."""
    if conversation_id is None and not sql.one(
        "SELECT 1 FROM mark_thread WHERE account_id <> ? LIMIT 1", account_id
    ):
        for table in ("mark", "marked", "mark_thread"):
            sql.run(f"DELETE FROM {table}")  # noqa: S608 - SQLite lets go of all pages at once
        return
    threads = (
        "SELECT id FROM mark_thread WHERE account_id = ?"
        " AND conversation_id = coalesce(?, conversation_id)"
    )
    values, below = (account_id, conversation_id), GREATEST
    while rows := sql.all(
        f"SELECT id, digests FROM marked WHERE thread IN ({threads}) AND id < ?"  # noqa: S608
        " ORDER BY id DESC LIMIT ?",
        *values, below, BATCH,
    ):  # fmt: skip
        below = rows[-1][0]
        _drop(sql, rows)
    sql.run(f"DELETE FROM mark_thread WHERE id IN ({threads})", *values)  # noqa: S608


def _drop(sql: Sql, rows: Sequence[Row]) -> None:
    """Erase messages with their marks; `rows` are their numbers with their digests."""
    for some in slices([row for row, _ in rows]):
        # Without the sign an engine would look up each digest with each message.
        these = f"digest IN ({{}}) AND +marked IN ({places(some)})"
        for digests in slices({digest for _, many in rows for digest in unpacked(many)}):
            where = these.format(places(digests))
            sql.run(f"DELETE FROM mark WHERE {where}", *digests, *some)  # noqa: S608
        sql.run(f"DELETE FROM marked WHERE id IN ({places(some)})", *some)  # noqa: S608


def packed(digests: Iterable[int]) -> bytes:
    """Return digests as a message keeps them."""
    return b"".join(digest.to_bytes(SIZE, "big", signed=True) for digest in digests)


def unpacked(digests: bytes) -> list[int]:
    """Return the digests that a message keeps."""
    return [
        int.from_bytes(digests[at : at + SIZE], "big", signed=True)
        for at in range(0, len(digests), SIZE)
    ]


def slices(values: Iterable[V]) -> Iterator[list[V]]:
    """Cut values into lists of a few lengths only, the last value repeated to fill the last one:
    few different statements, each planned once."""
    left = list(values)
    for start in range(0, len(left), SIZES[-1]):
        some = left[start : start + SIZES[-1]]
        size = next(size for size in SIZES if size >= len(some))
        yield some + some[-1:] * (size - len(some))


def _pieces(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Cut rows into pieces of a few lengths, none of them twice."""
    start = 0
    for size in PIECES:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def places(values: Sequence[object]) -> str:
    """Return the places of values in a statement."""
    return ", ".join("?" * len(values))
