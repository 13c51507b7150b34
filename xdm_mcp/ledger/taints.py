"""What agents were shown of other people's words, until those are answered or a person has looked.

A stranger's text may tell an agent to write to somebody else. So it is noted which conversations an
agent has read; every process of the account sees it, and a restart forgets nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.ledger.marks import REMEMBERED, mark, unmarked
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
`looked` up to when a person knows what an agent asked for. Both `at` are moments of our clocks, but
what is shown later has the later one, see `_stamp`."""

NEWER = (
    "(length({ours}.message_id) > length(shown.message_id)"
    " OR length({ours}.message_id) = length(shown.message_id)"
    " AND {ours}.message_id > shown.message_id)"
)
"""Whether a message of ours came after what was shown, by X's own word: ids grow with time, and are
numbers, of which the longer is the greater."""

ANSWERED = f"""
(EXISTS (SELECT 1 FROM entry WHERE entry.account_id = shown.account_id
    AND entry.peer = shown.peer AND entry.slot_at >= shown.wrote_at AND entry.state = 'sent'
    AND (entry.message_id IS NULL OR {NEWER.format(ours="entry")}))
OR EXISTS (SELECT 1 FROM external WHERE external.account_id = shown.account_id
    AND external.peer = shown.peer AND external.at >= shown.wrote_at
    AND {NEWER.format(ours="external")}))
"""  # noqa: S608 - our own words
"""Whether a message of ours in the conversation is newer than what was shown: by our clocks, which
may have stepped back since it was sent, and by its id, where it has one."""

ASKED_AT = """
SELECT max(created_at) FROM entry WHERE account_id = coalesce(?, account_id)
AND settled_at IS NULL AND state IN ('held', 'approved', 'reserved') AND approval_id IS NOT NULL
"""
"""When the newest send was asked for of which a person may still say that they looked: one that is
reserved may be held again. They are looked for among what is open, see `duplicates.SAME`."""

GIVEN = """CREATE TABLE given (
    account_id TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    message_id TEXT NOT NULL,
    whole INTEGER NOT NULL,
    PRIMARY KEY (account_id, conversation_id, message_id)
) STRICT, WITHOUT ROWID"""
"""Each message of somebody else that an agent was given, and whether to its end: an older one, or
the rest of a long one, may be the one that misleads it."""

UNSEEN = "at > coalesce((SELECT at FROM looked WHERE looked.account_id = shown.account_id), 0)"
"""Whether it was shown after the last look of a person, and is not known to be answered."""


class TaintLedger(Protocol):
    """The part of the contract that is about what agents were shown."""

    async def note_shown(
        self,
        account_id: str,
        messages: Sequence[Message],
        now: datetime,
        begun: Collection[str] = (),
        *,
        marked_for: timedelta = REMEMBERED,
    ) -> None:
        """Note messages that an agent is given now, of those with an id in `begun` a part only.

        Those of other people are what may mislead it; what was given before changes nothing there.
        Marks of all of them, with their whole text, are kept for `marked_for` from now on, wherever
        they come from: what is kept or in memory may have been read from X long ago. Where nothing
        is new, and its reading was noted within a day, nothing is written.
        """
        ...


class SqlTaints:
    """See TaintLedger."""

    _database: Database

    async def note_shown(
        self,
        account_id: str,
        messages: Sequence[Message],
        now: datetime,
        begun: Collection[str] = (),
        *,
        marked_for: timedelta = REMEMBERED,
    ) -> None:
        """See TaintLedger.note_shown."""
        shown = Shown(account_id, messages, frozenset(begun), marked_for)
        at = to_ms(now)
        if not messages:
            return
        if await self._database.read(lambda sql: is_news(sql, shown, at)):
            await self._database.write(lambda sql: note_shown(sql, shown, at))


@dataclass(frozen=True, slots=True)
class Shown:
    """What an agent is given: the messages, which of them in part only, and for how long their
    marks are kept."""

    account_id: str
    messages: Sequence[Message]
    part: frozenset[str]
    marked_for: timedelta


Said = Mapping[str, Sequence[Message]]
"""Messages by their conversation."""


def theirs(account_id: str, messages: Sequence[Message]) -> Said:
    """Return the messages with words of somebody else."""
    said: dict[str, list[Message]] = {}
    for message in messages:
        if message.sender_id != account_id and message.text is not None:
            said.setdefault(message.conversation_id, []).append(message)
    return said


def is_news(sql: Sql, shown: Shown, now: int) -> bool:
    """Whether `note_shown` has something to write down."""
    account_id, messages = shown.account_id, shown.messages
    unknown = _unknown(sql, account_id, theirs(account_id, messages), shown.part)
    return bool(unknown) or unmarked(sql, account_id, messages, shown.marked_for, now)


def note_shown(sql: Sql, shown: Shown, now: int) -> None:
    """Write down what is shown, with marks of it; what was answered meanwhile counts no longer, and
    is looked at no more, but stays known."""
    account_id, part = shown.account_id, shown.part
    mark(sql, account_id, shown.messages, shown.marked_for, now)
    unknown = _unknown(sql, account_id, theirs(account_id, shown.messages), part)
    at = _stamp(sql, account_id, now) if unknown else now
    for conversation_id, fresh in unknown.items():
        for message in fresh:
            sql.run(
                "INSERT INTO given (account_id, conversation_id, message_id, whole)"
                " VALUES (?, ?, ?, ?) ON CONFLICT (account_id, conversation_id, message_id)"
                " DO UPDATE SET whole = excluded.whole",
                account_id, conversation_id, message.id, message.id not in part,
            )  # fmt: skip
        newest = max(fresh, key=lambda message: int(message.id))
        _stand(sql, account_id, newest, now, at)
    sql.run(
        f"UPDATE shown SET at = 0 WHERE account_id = ? AND {UNSEEN} AND {ANSWERED}",  # noqa: S608
        account_id,
    )


def _stamp(sql: Sql, account_id: str, now: int) -> int:
    """Return the moment (ms) of what is shown now: after every look, and after whatever waits for
    one.

    A look covers what was shown before its send was asked for, in the order of the transactions.
    Moments alone do not tell that where a clock stepped back, where two machines differ, or within
    one millisecond.
    """
    [[looked_at]] = sql.all("SELECT max(at) FROM looked WHERE account_id = ?", account_id)
    [[asked_at]] = sql.all(ASKED_AT, account_id)
    return max(now, (looked_at or 0) + 1, (asked_at or 0) + 1)


def _stand(sql: Sql, account_id: str, message: Message, now: int, at: int) -> None:
    """Let a message stand against writing to others, or a newer one that does so already; it is
    shown at the moment `at`, see `_stamp`."""
    conversation_id = message.conversation_id
    row = sql.one(
        "SELECT message_id, wrote_at FROM shown"  # noqa: S608 - our own words
        f" WHERE account_id = ? AND conversation_id = ? AND {UNSEEN}",
        account_id, conversation_id,
    )  # fmt: skip
    newest = (message.id, min(to_ms(message.created_at), now))
    if row is not None and int(row[0]) > int(message.id):
        newest = (row[0], row[1])
    other = one_to_one(conversation_id, account_id)
    target = Target((other,)) if other else Target(conversation_id=conversation_id)
    sql.run(
        "INSERT INTO shown (account_id, conversation_id, peer, message_id, wrote_at, at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (account_id, conversation_id) DO UPDATE SET"
        " message_id = excluded.message_id, wrote_at = excluded.wrote_at, at = excluded.at",
        account_id, conversation_id, target.peer, *newest, at,
    )  # fmt: skip


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
    for table in ("shown", "given"):
        sql.run(
            f"DELETE FROM {table} WHERE account_id = ?"  # noqa: S608 - our own words
            " AND conversation_id = coalesce(?, conversation_id)",
            account_id, conversation_id,
        )  # fmt: skip


def _unknown(
    sql: Sql, account_id: str, said: Said, part: frozenset[str]
) -> dict[str, list[Message]]:
    """Return what was not given before, or not to its end."""
    unknown: dict[str, list[Message]] = {}
    for conversation_id, messages in said.items():
        places = ", ".join("?" * len(messages))
        given: dict[str, int] = dict(
            sql.all(
                "SELECT message_id, whole FROM given WHERE account_id = ?"  # noqa: S608 - marks
                f" AND conversation_id = ? AND message_id IN ({places})",
                account_id, conversation_id, *(message.id for message in messages),
            )
        )  # fmt: skip
        fresh = [m for m in messages if m.id not in given or (m.id not in part and not given[m.id])]
        if fresh:
            unknown[conversation_id] = fresh
    return unknown
