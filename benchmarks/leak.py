"""What the leak rule costs with little and with much read: `python benchmarks/leak.py [--full]`.

A ledger file holds the marks of 1,000, another those of 100,000 (with `--full` of 1,000,000)
messages. Made-up digests stand for real ones: both are evenly spread. Both are asked in turn, for
texts that were not there before: the look-up alone, for an ordinary text and for the longest; the
facts for a decision, through the ledger; and a whole decision by the real guard, written to the
disk. Then the marks of one new message are kept in both. The bar: a whole decision may cost at most
a fifth more with much behind it. The look-up alone costs several times as much there, since each
mark is on a page of its own, which no cache of a sensible size holds: it is printed, as the facts
are, and it is part of what is judged. Exits with 1 above the bar.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anyio
import apsw

from xdm_mcp.clock import to_ms
from xdm_mcp.guard.policy import Policy
from xdm_mcp.ledger import marks
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.marks import BESIDE, BITS, SIZE, marked
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.sends import Draft, Hold, Target
from xdm_mcp.models.verdicts import Decision

FEW, MANY, FULL = 1_000, 100_000, 1_000_000
PER_MESSAGE = 18
"""Marks of an ordinary message of 100 characters."""

THREADS, PASSES = 1_000, 3

BAR, ROUNDS = 1.2, 400
ME, KEY = "100", b"k" * 32
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ALONE = Policy.load(
    {"confirmation": {"mode": "never"}}
    | {name: {"enabled": False} for name in ("pacing", "quiet_hours", "first_contact")}
)
"""The guard, of which nothing stops a send to somebody new."""

WORDS = (
    "parcel", "harbour", "lamp", "invoice", "garden", "violin", "ferry", "contract",
    "doctor", "sister", "window", "meeting", "cousin", "passport", "recipe", "bicycle",
    "winter", "landlord", "ticket", "kitchen", "piano", "letter", "market", "engine",
)  # fmt: skip


def text(number: int, length: int) -> str:
    """Return a text that no other number gives."""
    words = []
    while sum(map(len, words)) + len(words) < length:
        number = number * 6364136223846793005 % 2**64 + 1442695040888963407
        words.append(WORDS[(number >> 33) % len(WORDS)] + "abcdefghij"[(number >> 40) % 10])
    return " ".join(words)[:length]


def message(number: int) -> Message:
    """Return a message that nobody has read."""
    return Message(str(10**18 + number), pair_id(ME, "7"), "7", NOW, text(number, 100))


async def filled(path: Path, count: int) -> None:
    """Fill a ledger file with the marks of `count` messages; see `fill_marks`."""
    database = SqliteDatabase(path)
    await database.write(marks.key_of)
    await database.close()
    fill_marks(path, ME, count)


def fill_marks(path: Path, account_id: str, count: int) -> None:
    """Fill a ledger file that nobody has open with made-up marks of `count` messages alone.

    They go in by their order, in three passes, so that the pages are as full as they are where
    marks came in any order. Nothing is synced until the end: what a crash leaves is no ledger.
    """
    connection, now = apsw.Connection(str(path)), to_ms(datetime.now(UTC))
    for setting in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
        connection.execute(f"PRAGMA {setting}").fetchall()
    numbers = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?)"
    connection.execute("BEGIN")
    for table in ("mark", "marked", "mark_thread"):
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
    connection.execute(
        f"INSERT INTO mark_thread (id, account_id, conversation_id) {numbers}"  # noqa: S608
        " SELECT i + 1, ?, (3000000000 + i) || '-' || ? FROM n",
        (THREADS, account_id, account_id),
    )
    connection.execute(
        f"INSERT INTO marked (id, thread, message_id, wrote_at, read_at, digests) {numbers}"  # noqa: S608
        " SELECT i + 1, i % ? + 1, 1000000000000000000 + i, ?, ?, randomblob(?) FROM n",
        (count, THREADS, now, now, PER_MESSAGE * SIZE),
    )
    every = (1 << 8 * SIZE) // (count * PER_MESSAGE)  # one digest in so many, evenly spread
    for turn in range(PASSES):
        connection.execute(
            f"INSERT INTO mark (digest, marked, kind, around) {numbers}"  # noqa: S608
            " SELECT (i * ? + ?) * ? + abs(random() % ?) - ?, abs(random() % ?) + 1, 1,"
            " abs(random() % ?) FROM n",
            (
                count * PER_MESSAGE // PASSES, PASSES, turn, every, every, 1 << 8 * SIZE - 1,
                count, 1 << 2 * BESIDE * BITS,
            ),
        )  # fmt: skip
    connection.execute("COMMIT")
    connection.close()
    with path.open("rb") as file:
        os.fsync(file.fileno())  # or every sync that is measured would write some of it


def recorded(sql: Sql, messages: list[Message]) -> None:
    """Keep the marks of messages."""
    marks.mark(sql, ME, messages, timedelta(days=30), to_ms(NOW))


def never(decision: Decision, now: datetime) -> Hold:
    """Fail: nothing here is held."""
    raise AssertionError(decision.reasons)


async def timed(database: SqliteDatabase, work: Callable[[Sql], object]) -> float:
    """Do something in a transaction; return the microseconds that it took within."""
    took = 0.0

    def once(sql: Sql) -> None:
        nonlocal took
        begin = time.perf_counter()
        work(sql)
        took = (time.perf_counter() - begin) * 1e6

    await database.imagine(once)
    return took


async def looked(databases: dict[int, SqliteDatabase]) -> None:
    """Print what the look-up alone takes."""
    many = max(databases)
    for name, length in (("100 characters", 100), ("10,000 characters", 10_000)):
        begin = time.perf_counter()
        drafts = [marked(text(10**6 + n, length), KEY, ME) for n in range(ROUNDS)]
        making = (time.perf_counter() - begin) / len(drafts) * 1e3
        took: dict[int, list[float]] = {count: [] for count in databases}
        for draft in drafts:  # none of them twice, so that no page is there already
            for count, database in databases.items():
                look = partial(marks.leaks, account_id=ME, target=Target(("9",)), draft=draft)
                took[count].append(await timed(database, look))
        few, much = (statistics.median(took[count]) for count in databases)
        print(
            f"a text of {name}, {len(drafts[0].marks)} marks: made in {making:.2f} ms; looked up"
            f" among {FEW:,} messages in {few:.0f} us, among {many:,} in {much:.0f} us,"
            f" ratio {much / few:.2f}"
        )


async def decided(databases: dict[int, SqliteDatabase]) -> float:
    """Print what whole decisions take, each about a text that no other has; return the ratio
    of those that are written."""
    ledgers = {count: SqlLedger(database) for count, database in databases.items()}
    ratio = 0.0
    for name, write in (("facts for a decision", False), ("a decision, written", True)):
        took: dict[int, list[float]] = {count: [] for count in ledgers}
        for turn in range(ROUNDS):
            now = NOW + timedelta(seconds=turn)
            draft = Draft(
                ME, "x-api-v2", "https://api.example", Target((str(10**6 + turn),)),
                text(10**7 + 2 * turn + write, 100), 0,
            )  # fmt: skip
            judge, pair = partial(ALONE.decide, draft), list(ledgers.items())
            for count, ledger in pair if turn % 2 else reversed(pair):
                begin = time.perf_counter()
                if write:
                    await ledger.reserve(draft, (), judge, never, now)
                else:
                    await ledger.facts(draft, (), now)
                took[count].append((time.perf_counter() - begin) * 1e6)
        few = statistics.median(took[FEW])
        # Of neighbours in time: the speed of a shared disk changes by more than what is measured.
        pairs = zip(took[FEW], took[max(ledgers)], strict=True)
        more = statistics.median(much - little for little, much in pairs)
        ratio = 1 + more / few
        print(
            f"{name}, among {FEW:,} messages in {few:.0f} us, among {max(ledgers):,} in"
            f" {more:+.0f} us, ratio {ratio:.2f}"
        )
    return ratio


async def learned(databases: dict[int, SqliteDatabase]) -> None:
    """Print what the marks of one new message take, undone each time."""
    for count, database in databases.items():
        took = [
            await timed(database, partial(recorded, messages=[message(count * 10 + n)]))
            for n in range(100)
        ]
        print(f"marks of one new message beside {count:,}: {statistics.median(took):.0f} us")


async def main(full: bool) -> int:
    """Measure and print; return the exit code."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        files = {count: Path(folder) / f"{count}.db" for count in (FEW, FULL if full else MANY)}
        for count, path in files.items():
            begin = time.perf_counter()
            await filled(path, count)
            print(
                f"{count:,} messages marked in {time.perf_counter() - begin:.0f} s,"
                f" {path.stat().st_size / count:.0f} bytes each"
            )
        databases = {count: SqliteDatabase(path) for count, path in files.items()}
        await looked(databases)
        ratio = await decided(databases)
        await learned(databases)
        for database in databases.values():
            await database.close()
    print(f"a decision, written: ratio {ratio:.2f}, bar {BAR}")
    return ratio > BAR


if __name__ == "__main__":
    sys.exit(anyio.run(main, "--full" in sys.argv[1:]))
