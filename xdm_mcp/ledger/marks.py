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
from collections.abc import Sequence
from datetime import timedelta

from xdm_mcp.clock import from_ms
from xdm_mcp.ledger import mark_rows
from xdm_mcp.ledger.mark_rows import COMMON, Standing, places, slices, standing
from xdm_mcp.ledger.sql import Row, Sql
from xdm_mcp.marks import EDGE, RUN, SHORTEST, Mark, Marked, MarkKind, marks_of, shared, uncovered
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.sends import Target
from xdm_mcp.models.verdicts import Leak

TELLING = 12
"""Letters of a piece that are not said everywhere, at least: the rest may be a common phrase."""

REMEMBERED = timedelta(days=30)
"""For how long marks are kept unless the owner says otherwise."""

FRESH = 24 * 60 * 60 * 1000
"""How old (ms) the note of a reading may be before another one renews it."""


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
    threads, known = _met(sql, account_id, said)
    mark_rows.renew(sql, [row for row, at in known.values() if _is_old(at, now)], now)
    fresh = {message.id: message for message in said if message.id not in known}
    if fresh:
        _keep(sql, account_id, list(fresh.values()), threads, now)
        mark_rows.prune(sql, now - span)


def unmarked(
    sql: Sql, account_id: str, messages: Sequence[Message], remembered: timedelta, now: int
) -> bool:
    """Whether `mark` would write anything of messages."""
    said = [message for message in messages if message.text]
    if not remembered or not said:
        return False
    _, known = _met(sql, account_id, said)
    return any(message.id not in known or _is_old(known[message.id][1], now) for message in said)


def _met(
    sql: Sql, account_id: str, said: Sequence[Message]
) -> tuple[dict[str, int], dict[str, tuple[int, int]]]:
    """Return the numbers of conversations that have one, and the messages that are marked
    already."""
    threads = mark_rows.threads_of(sql, account_id, said)
    return threads, mark_rows.known(sql, said, {*threads.values()})


def _is_old(read_at: int, now: int) -> bool:
    return read_at < now - FRESH


def _keep(
    sql: Sql, account_id: str, fresh: Sequence[Message], threads: dict[str, int], now: int
) -> None:
    key, alone = key_of(sql), _sent_unasked(sql, account_id, fresh)
    new: dict[int, list[Standing]] = {}
    for message in fresh:
        thread = threads.get(message.conversation_id)
        if thread is None:
            thread = mark_rows.thread_of(sql, account_id, message.conversation_id)
            threads[message.conversation_id] = thread
        found = marks_of(message.text or "", key, account_id)
        row = mark_rows.add(sql, thread, message, found, now)
        for digest, one in found.items():
            said = message.id in alone and one.kind is MarkKind.WORDS
            kind = MarkKind.SAID if said else one.kind
            new.setdefault(digest, []).append(Standing(row, thread, kind, one.around))
    mark_rows.write(sql, new)


def _sent_unasked(sql: Sql, account_id: str, fresh: Sequence[Message]) -> set[str]:
    """Return the messages that the guard let pass without a person."""
    own = [message.id for message in fresh if message.sender_id == account_id]
    return {
        message_id
        for some in slices(own)
        for [message_id] in sql.all(
            "SELECT message_id FROM entry WHERE account_id = ? AND automatic = 1"  # noqa: S608 - our own words
            f" AND message_id IN ({places(some)})",
            account_id, *some,
        )
    }  # fmt: skip


def leaks(sql: Sql, account_id: str, target: Target, draft: Marked) -> tuple[Leak, ...]:
    """Return what a draft to `target` carries of other conversations, the most of it first.

    One look-up by key for each 512 marks, none without marks; one more where a piece was found, for
    the phrases around it that stand everywhere or in this very conversation.
    """
    own = conversation_of(account_id, target)
    met = [
        (mark, back, row)
        for digest, rows in standing(sql, draft.marks).items()
        if not _free(rows, own)
        for row in rows
        for mark in [draft.marks[digest]]
        for back in [_back(mark, row[1])]
        if back is not None
    ]
    if not met:
        return ()
    near = {at for mark, back, _ in met if mark.kind is MarkKind.WORDS for at in _near(mark, back)}
    runs = draft.runs(sorted(near))
    free = {runs[digest] for digest, rows in standing(sql, runs).items() if _free(rows, own)}
    told = Counter(
        row[2:]
        for mark, back, row in met
        if mark.kind is not MarkKind.WORDS or uncovered(mark.place - back, free) >= TELLING
    )
    return tuple(
        Leak(MarkKind(kind).name.lower(), conversation, message_id, from_ms(wrote_at), count)
        for (kind, conversation, message_id, wrote_at), count in told.most_common()
    )


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
