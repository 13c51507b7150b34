"""Marks of the messages that were read, by which a draft shows whether it carries one conversation
into another.

There is no text here: a mark is a keyed digest (`xdm_mcp/marks.py`). The key is the ledger's own
and lies beside them, so whoever has the file can try guesses, and nothing else. A mark is kept once
for each conversation and for `COMMON` conversations at most, since what stands in so many is no
secret; so a look-up costs the same however much was read.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import chain
from typing import TypeVar

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger.snowflakes import GREATEST
from xdm_mcp.ledger.sql import Row, Sql, Value
from xdm_mcp.marks import (
    EDGE,
    RUN,
    SHORTEST,
    SIZE,
    Mark,
    Marked,
    MarkKind,
    marks_of,
    shared,
    uncovered,
)
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.sends import Target
from xdm_mcp.models.verdicts import Leak

V = TypeVar("V", bound=Value)

COMMON = 3
"""In so many conversations a mark is a common phrase, and counts no longer."""

TELLING = 12
"""Letters of a piece that are not said everywhere, at least: the rest may be a common phrase."""

REMEMBERED = timedelta(days=30)
"""For how long marks are kept unless the owner says otherwise."""

FRESH = 24 * 60 * 60 * 1000
"""How old (ms) the note of a reading may be before another one renews it."""

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


def known_key(sql: Sql) -> bytes | None:
    """Return the key of this ledger, None where nothing was marked yet."""
    row = sql.one("SELECT secret FROM mark_key WHERE one = 1")
    return None if row is None else bytes.fromhex(row[0])


def key_of(sql: Sql) -> bytes:
    """Return the key of this ledger, drawn now where there is none."""
    key = known_key(sql)
    if key is None:
        key = secrets.token_bytes(32)
        sql.run("INSERT INTO mark_key (one, secret) VALUES (1, ?)", key.hex())
    return key


def mark(
    sql: Sql, account_id: str, messages: Sequence[Message], remembered: timedelta, now: int
) -> None:
    """Keep the marks of messages that were read, and let go of old ones; any number of times."""
    span = remembered // timedelta(milliseconds=1)
    said = [message for message in messages if message.text]
    if not span or not said:
        return
    threads = _threads(sql, account_id, said)
    known = _known(sql, said, {*threads.values()})
    for stale in _slices([row for row, read_at in known.values() if read_at < now - FRESH]):
        sql.run(f"UPDATE marked SET read_at = ? WHERE id IN ({_places(stale)})", now, *stale)  # noqa: S608
    fresh = {message.id: message for message in said if message.id not in known}
    if fresh:
        _keep(sql, account_id, list(fresh.values()), threads, now)
        _prune(sql, now - span)


def leaks(sql: Sql, account_id: str, target: Target, draft: Marked) -> tuple[Leak, ...]:
    """Return what a draft to `target` carries of other conversations, the most of it first.

    One look-up by key for each 512 marks, none without marks; one more where a piece was found, for
    the phrases around it that stand everywhere or in this very conversation.
    """
    own = conversation_of(account_id, target)
    met = [
        (mark, back, row)
        for digest, rows in _standing(sql, draft.marks).items()
        if not _free(rows, own)
        for row in rows
        for mark in [draft.marks[digest]]
        for back in [_back(mark, row[1])]
        if back is not None
    ]
    near = {at for mark, back, _ in met if mark.kind is MarkKind.WORDS for at in _near(mark, back)}
    runs = draft.runs(sorted(near))
    free = {runs[digest] for digest, rows in _standing(sql, runs).items() if _free(rows, own)}
    told = Counter(
        row[2:]
        for mark, back, row in met
        if mark.kind is not MarkKind.WORDS or uncovered(mark.place - back, free) >= TELLING
    )
    return tuple(
        Leak(MarkKind(kind).name.lower(), conversation, message_id, from_ms(wrote_at), count)
        for (kind, conversation, message_id, wrote_at), count in told.most_common()
    )


def _standing(sql: Sql, digests: Iterable[int]) -> dict[int, list[Row]]:
    """Return where digests stand: at most `COMMON` rows each."""
    stands: dict[int, list[Row]] = {}
    for some in _slices(digests):
        for row in sql.all(
            "SELECT mark.digest, mark.around, mark.kind, mark_thread.conversation_id,"  # noqa: S608
            " marked.message_id, marked.wrote_at FROM mark JOIN marked ON marked.id = mark.marked"
            " JOIN mark_thread ON mark_thread.id = marked.thread"
            f" WHERE mark.digest IN ({_places(some)})",
            *some,
        ):
            stands.setdefault(row[0], []).append(row)
    return stands


def _free(rows: Sequence[Row], own: str | None) -> bool:
    """Whether what stands in `rows` may be said: everybody says it, or this conversation did."""
    return len(rows) >= COMMON or any(row[3] == own for row in rows)


def _back(mark: Mark, around: int) -> int | None:
    """Return how far before its run the stretch begins that a mark shares, None for no stretch."""
    return shared(mark.around, around) if mark.kind is MarkKind.WORDS else 0


def _near(mark: Mark, back: int) -> range:
    """Return where runs begin that reach into the stretch of a mark."""
    return range(mark.place - back - RUN - EDGE + 1, mark.place - back + SHORTEST + EDGE)


def conversation_of(account_id: str, target: Target) -> str | None:
    """Return the id of the conversation that a target is, None for a new group."""
    if target.conversation_id is not None or target.is_new_group:
        return target.conversation_id
    return pair_id(account_id, target.user_ids[0])


def forget(sql: Sql, account_id: str, conversation_id: str | None = None) -> None:
    """Forget every mark of an account, or of one of its conversations; as `marked` has no index by
    conversation, that looks at each message."""
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


def _threads(sql: Sql, account_id: str, said: Sequence[Message]) -> dict[str, int]:
    """Return the numbers of the conversations that are marked already."""
    return {
        conversation_id: number
        for some in _slices({message.conversation_id for message in said})
        for conversation_id, number in sql.all(
            "SELECT conversation_id, id FROM mark_thread WHERE account_id = ?"  # noqa: S608 - our own words
            f" AND conversation_id IN ({_places(some)})",
            account_id, *some,
        )
    }  # fmt: skip


def _known(sql: Sql, said: Sequence[Message], threads: Set[int]) -> dict[str, tuple[int, int]]:
    """Return the messages that are marked already: their row, and when they were last read."""
    return {
        message_id: (row, read_at)
        for some in _slices([message.id for message in said])
        for message_id, thread, row, read_at in sql.all(
            "SELECT message_id, thread, id, read_at FROM marked"  # noqa: S608 - our own words
            f" WHERE message_id IN ({_places(some)})",
            *some,
        )
        if thread in threads
    }


def _keep(
    sql: Sql, account_id: str, fresh: Sequence[Message], threads: dict[str, int], now: int
) -> None:
    key, alone = key_of(sql), _sent_unasked(sql, account_id, fresh)
    new: dict[int, dict[int, Standing]] = {}
    for message in fresh:
        thread = threads.get(message.conversation_id)
        if thread is None:
            [[thread]] = sql.all(
                "INSERT INTO mark_thread (account_id, conversation_id) VALUES (?, ?) RETURNING id",
                account_id, message.conversation_id,
            )  # fmt: skip
            threads[message.conversation_id] = thread
        found = marks_of(message.text or "", key, account_id)
        [[row]] = sql.all(
            "INSERT INTO marked (thread, message_id, wrote_at, read_at, digests)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            thread, message.id, to_ms(message.created_at), now, packed(found),
        )  # fmt: skip
        for digest, one in found.items():
            said = message.id in alone and one.kind is MarkKind.WORDS
            kind = MarkKind.SAID if said else one.kind
            _stand(new.setdefault(digest, {}), Standing(row, thread, kind, one.around))
    _write(sql, new)


def _stand(here: dict[int, Standing], new: Standing) -> None:
    """Add a mark to those of its digest, by conversation: none where it is a common phrase."""
    if new.thread in here:
        new = replace(new, kind=min(new.kind, here[new.thread].kind))
    elif len(here) >= COMMON:
        return
    here[new.thread] = new


def _sent_unasked(sql: Sql, account_id: str, fresh: Sequence[Message]) -> set[str]:
    """Return the messages that the guard let pass without a person."""
    own = [message.id for message in fresh if message.sender_id == account_id]
    return {
        message_id
        for some in _slices(own)
        for [message_id] in sql.all(
            "SELECT message_id FROM entry WHERE account_id = ? AND automatic = 1"  # noqa: S608 - our own words
            f" AND message_id IN ({_places(some)})",
            account_id, *some,
        )
    }  # fmt: skip


def _write(sql: Sql, new: Mapping[int, Mapping[int, Standing]]) -> None:
    """Write marks down beside those that stand already."""
    stands: dict[int, dict[int, Standing]] = {digest: {} for digest in new}
    for some in _slices(new):
        for digest, *what in sql.all(
            "SELECT mark.digest, mark.marked, marked.thread, mark.kind, mark.around"  # noqa: S608
            " FROM mark JOIN marked ON marked.id = mark.marked"
            f" WHERE mark.digest IN ({_places(some)})",
            *some,
        ):
            old = Standing(*what)
            stands[digest][old.thread] = old
    rows: list[Row] = []
    gone: list[int] = []
    for digest, here in stands.items():
        before = dict(here)
        for one in new[digest].values():
            _stand(here, one)
        if before and here != before:
            gone.append(digest)
        if here != before:
            rows += ((digest, one.marked, one.kind, one.around) for one in here.values())
    for some in _slices(gone):  # where one is replaced, all of its digest are written anew
        sql.run(f"DELETE FROM mark WHERE digest IN ({_places(some)})", *some)  # noqa: S608
    for piece in _pieces(rows):
        places = ", ".join(["(?, ?, ?, ?)"] * len(piece))
        sql.run(
            f"INSERT INTO mark (digest, marked, kind, around) VALUES {places}",  # noqa: S608
            *chain.from_iterable(piece),
        )


def _prune(sql: Sql, before: int) -> None:
    _drop(
        sql,
        sql.all("SELECT id, digests FROM marked WHERE read_at < ? LIMIT ?", before, PRUNED),
    )


def _drop(sql: Sql, rows: Sequence[Row]) -> None:
    """Erase messages with their marks; `rows` are their numbers with their digests."""
    for some in _slices([row for row, _ in rows]):
        # Without the sign an engine would look up each digest with each message.
        these = f"digest IN ({{}}) AND +marked IN ({_places(some)})"
        for digests in _slices({digest for _, many in rows for digest in unpacked(many)}):
            where = these.format(_places(digests))
            sql.run(f"DELETE FROM mark WHERE {where}", *digests, *some)  # noqa: S608
        sql.run(f"DELETE FROM marked WHERE id IN ({_places(some)})", *some)  # noqa: S608


def packed(digests: Iterable[int]) -> bytes:
    """Return digests as a message keeps them."""
    return b"".join(digest.to_bytes(SIZE, "big", signed=True) for digest in digests)


def unpacked(digests: bytes) -> list[int]:
    """Return the digests that a message keeps."""
    return [
        int.from_bytes(digests[at : at + SIZE], "big", signed=True)
        for at in range(0, len(digests), SIZE)
    ]


def _slices(values: Iterable[V]) -> Iterator[list[V]]:
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


def _places(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
