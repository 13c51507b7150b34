"""What the leak rule costs with little and with much read: `python benchmarks/leak.py [--full]`.

A ledger file holds the marks of 1,000, another those of 100,000 (with `--full` of 1,000,000)
messages. Made-up digests stand for real ones: both are evenly spread 64-bit numbers. The look-up
that a decision makes is asked of both in turn, for an ordinary text and for the longest; then new
messages are recorded in both. The bar: for an ordinary text it may cost at most three times as much
with much behind it (a larger tree has more levels, and does not fit the page cache). Exits with 1
above it.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anyio

from xdm_mcp.clock import to_ms
from xdm_mcp.ledger import marks
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.marks import marked
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.models.sends import Target

FEW, MANY, FULL = 1_000, 100_000, 1_000_000
PER_MESSAGE = 20
"""Marks of an ordinary message of 100 characters."""

BAR, ROUNDS = 3.0, 300
ME, KEY = "100", b"k" * 32
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
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


def filled(count: int) -> Callable[[Sql], None]:
    """Return what fills a ledger with the marks of `count` messages."""

    def work(sql: Sql) -> None:
        sql.run(
            "INSERT INTO marked (account_id, conversation_id, message_id, wrote_at, read_at)"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " SELECT ?, (i % 1000) || '-100', i, ?, ? FROM n",
            count, ME, to_ms(NOW), to_ms(NOW),
        )  # fmt: skip
        sql.run("DROP INDEX mark_marked")  # faster made anew than kept up
        sql.run(
            "INSERT INTO mark (digest, thread, marked, kind, around)"
            " WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            " SELECT d, 1, m, 1, d FROM (SELECT random() AS d, i % ? + 1 AS m FROM n) ORDER BY d",
            count * PER_MESSAGE, count,
        )  # fmt: skip
        sql.run("CREATE INDEX mark_marked ON mark (marked)")
        marks.key_of(sql)

    return work


def recorded(sql: Sql, messages: list[Message]) -> None:
    """Keep the marks of messages."""
    marks.mark(sql, ME, messages, timedelta(days=30), to_ms(NOW))


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


async def main(full: bool) -> int:
    """Measure and print; return the exit code."""
    many, worst = FULL if full else MANY, 0.0
    with tempfile.TemporaryDirectory() as folder:
        databases = {count: SqliteDatabase(Path(folder) / f"{count}.db") for count in (FEW, many)}
        for count, database in databases.items():
            await database.write(filled(count))
        for name, length in (("100 characters", 100), ("10,000 characters", 10_000)):
            drafts = [marked(text(10**6 + n, length), KEY, ME) for n in range(30)]
            took: dict[int, list[float]] = {count: [] for count in databases}
            for turn in range(ROUNDS):
                draft = drafts[turn % len(drafts)]
                for count, database in databases.items():
                    look = partial(marks.leaks, account_id=ME, target=Target(("9",)), draft=draft)
                    took[count].append(await timed(database, look))
            few, much = (statistics.median(took[count]) for count in databases)
            worst = worst or much / few
            begin = time.perf_counter()
            marked(text(3, length), KEY, ME)
            making = (time.perf_counter() - begin) * 1e3
            print(
                f"a text of {name}, {len(drafts[0].marks)} marks: made in {making:.2f} ms;"
                f" looked up among {FEW:,} messages in {few:.0f} us, among {many:,} in"
                f" {much:.0f} us,"
                f" ratio {much / few:.2f}"
            )
        for count, database in databases.items():
            took_all = []
            for n in range(100):
                new = [message(count * 10 + n)]
                keep = partial(recorded, messages=new)
                took_all.append(await timed(database, keep))
            size = (Path(folder) / f"{count}.db").stat().st_size
            print(
                f"one new message of 100 characters beside {count:,}:"
                f" {statistics.median(took_all):.0f} us; the file has {size / count:.0f}"
                " bytes for each message"
            )
        for database in databases.values():
            await database.close()
    print(f"ratio {worst:.2f}, bar {BAR}")
    return worst > BAR


if __name__ == "__main__":
    sys.exit(anyio.run(main, "--full" in sys.argv[1:]))
