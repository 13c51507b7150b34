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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from hashlib import blake2b
from itertools import chain
from typing import TypeVar

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger.sql import Row, Sql, Value
from xdm_mcp.marks import (
    EDGE,
    RUN,
    SHORTEST,
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
    """CREATE TABLE marked (
        id INTEGER PRIMARY KEY,
        account_id TEXT NOT NULL,
        conversation_id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        wrote_at INTEGER NOT NULL,
        read_at INTEGER NOT NULL,
        UNIQUE (account_id, message_id)
    ) STRICT""",
    "CREATE INDEX marked_conversation ON marked (account_id, conversation_id)",
    "CREATE INDEX marked_read ON marked (read_at)",
    """CREATE TABLE mark (
        digest INTEGER NOT NULL,
        thread INTEGER NOT NULL,
        marked INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        around INTEGER NOT NULL,
        PRIMARY KEY (digest, thread)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX mark_marked ON mark (marked)",
)
"""`thread` stands for a conversation, in 8 bytes; `marked` is its newest message with the mark."""


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
    known = _known(sql, account_id, said)
    for stale in _slices([row for row, read_at in known.values() if read_at < now - FRESH]):
        sql.run(f"UPDATE marked SET read_at = ? WHERE id IN ({_places(stale)})", now, *stale)  # noqa: S608
    fresh = {message.id: message for message in said if message.id not in known}
    if fresh:
        _keep(sql, account_id, list(fresh.values()), now)
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
            "SELECT mark.digest, mark.around, mark.kind, marked.conversation_id,"  # noqa: S608
            " marked.message_id, marked.wrote_at FROM mark JOIN marked ON marked.id = mark.marked"
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
    """Forget every mark of an account, or of one of its conversations."""
    which = "account_id = ? AND conversation_id = coalesce(?, conversation_id)"
    values = (account_id, conversation_id)
    sql.run(f"DELETE FROM mark WHERE marked IN (SELECT id FROM marked WHERE {which})", *values)  # noqa: S608
    sql.run(f"DELETE FROM marked WHERE {which}", *values)  # noqa: S608 - our own words


def _known(sql: Sql, account_id: str, said: Sequence[Message]) -> dict[str, tuple[int, int]]:
    """Return the messages that are marked already: their row, and when they were last read."""
    return {
        message_id: (row, read_at)
        for some in _slices([message.id for message in said])
        for message_id, row, read_at in sql.all(
            "SELECT message_id, id, read_at FROM marked WHERE account_id = ?"  # noqa: S608 - our own words
            f" AND message_id IN ({_places(some)})",
            account_id, *some,
        )
    }  # fmt: skip


def _keep(sql: Sql, account_id: str, fresh: Sequence[Message], now: int) -> None:
    key, alone = key_of(sql), _sent_unasked(sql, account_id, fresh)
    kept: dict[tuple[int, int], tuple[int, int, int]] = {}
    for message in fresh:
        [[row]] = sql.all(
            "INSERT INTO marked (account_id, conversation_id, message_id, wrote_at, read_at)"
            " VALUES (?, ?, ?, ?, ?) RETURNING id",
            account_id, message.conversation_id, message.id, to_ms(message.created_at), now,
        )  # fmt: skip
        thread = thread_of(key, account_id, message.conversation_id)
        for digest, found in marks_of(message.text or "", key, account_id).items():
            said = message.id in alone and found.kind is MarkKind.WORDS
            _, earlier, _ = kept.get((digest, thread), (row, MarkKind.SAID, 0))
            kind = min(MarkKind.SAID if said else found.kind, earlier)
            kept[digest, thread] = (row, kind, found.around)
    _write(sql, kept)


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


def _write(sql: Sql, kept: Mapping[tuple[int, int], tuple[int, int, int]]) -> None:
    """Write marks down, but for those that stand in too many conversations to matter."""
    stands: dict[int, set[int]] = {}
    for some in _slices({digest for digest, _ in kept}):
        for digest, thread in sql.all(
            f"SELECT digest, thread FROM mark WHERE digest IN ({_places(some)})",  # noqa: S608
            *some,
        ):
            stands.setdefault(digest, set()).add(thread)
    rows: list[Row] = []
    for (digest, thread), (row, kind, around) in kept.items():
        here = stands.setdefault(digest, set())
        if thread in here or len(here) < COMMON:
            here.add(thread)
            rows.append((digest, thread, row, kind, around))
    for piece in _pieces(rows):
        places = ", ".join(["(?, ?, ?, ?, ?)"] * len(piece))
        sql.run(
            f"INSERT INTO mark (digest, thread, marked, kind, around) VALUES {places}"  # noqa: S608
            " ON CONFLICT (digest, thread) DO UPDATE SET marked = excluded.marked,"
            " around = excluded.around, kind ="
            " CASE WHEN excluded.kind < mark.kind THEN excluded.kind ELSE mark.kind END",
            *chain.from_iterable(piece),
        )


def _prune(sql: Sql, before: int) -> None:
    gone = [
        row for [row] in sql.all("SELECT id FROM marked WHERE read_at < ? LIMIT ?", before, PRUNED)
    ]
    for some in _slices(gone):
        sql.run(f"DELETE FROM mark WHERE marked IN ({_places(some)})", *some)  # noqa: S608
        sql.run(f"DELETE FROM marked WHERE id IN ({_places(some)})", *some)  # noqa: S608


def thread_of(key: bytes, account_id: str, conversation_id: str) -> int:
    """Return the number that stands for a conversation beside its marks."""
    told = f"thread/1:{account_id}\0{conversation_id}".encode()
    return int.from_bytes(blake2b(told, digest_size=8, key=key).digest(), "big", signed=True)


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
