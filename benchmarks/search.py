"""What it costs to search a million kept messages, and to keep one more:
`python benchmarks/search.py`.

The messages are made here: words of several scripts with the frequencies of real ones (Zipf), in
conversations of which few are busy, kept by the very function that `Ledger.record` keeps them with,
only many in one transaction. Beside them lie marks for the leak rule, made up as `leak.py` does: of
what was written in the days for which marks are remembered, then of every message, which is the
worst that can be. Searches are of many kinds and go through the asynchronous ledger, as the inbox
asks them; so does the look-up of one message by its id, which is the measure. What a new message
costs is compared with the same in an empty ledger, in turns: recorded in the ledger, and read by
the whole program from the pretend X. `--postgres` searches in PostgreSQL too. Exits with 1 where a
figure is outside its bar.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean, median

import anyio

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.leak import fill_marks
from benchmarks.ledger import Bars
from benchmarks.servers import new_database, postgres
from tests.rigs import rig
from xdm_mcp.clock import ManualClock, to_ms
from xdm_mcp.ledger import kept_rows
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.marks import REMEMBERED
from xdm_mcp.ledger.snowflakes import first_at
from xdm_mcp.ledger.sql import Database
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.models.messages import Message, pair_id
from xdm_mcp.words import Phrase, parse

ME = "2200000001"
"""The account of the pretend X."""

LOOKUPS, SYNC = 10.0, 1.2
"""The bars: a search against a look-up, and one more message against the same in an empty
ledger."""

KEEP = timedelta(days=3_650)
SPREAD = timedelta(days=1_095)
PEOPLE, BATCH, EACH = 2_000, 5_000, 60

SCRIPTS = (
    (60, "bcdfghklmnprstvz", "aeiouéà", " "),
    (10, "бвгдклмнпрстш", "аеиоуы", " "),
    (5, "بتجدرزسعفقكلمن", "ايو", " "),
    (5, "कखगचटतदनपबमरलस", "ािीुे", " "),
    (15, "".join(map(chr, range(0x4E00, 0x5A00))), "", ""),
    (5, "กขคงจชดตนบปมรลวส", "ะาิีุเแโ", ""),
)
"""How common a script is, its consonants or characters, its vowels, and what stands between its
words."""

WORDS = 30_000
"""How many words a script has."""


class Language:
    """Makes texts of a script, its words as common as those of a real language are."""

    def __init__(self, rng: random.Random, first: str, second: str, gap: str) -> None:
        """Make up the words."""
        self._rng, self.gap = rng, gap
        lengths = rng.choices((1, 2, 3, 4), (2, 5, 3, 1), k=WORDS)
        made = (
            "".join(rng.choice(first) + (rng.choice(second) if second else "") for _ in range(size))
            for size in lengths
        )
        self.words = list(dict.fromkeys(made))
        self._weights = list(itertools.accumulate(1 / n for n in range(1, len(self.words) + 1)))

    def text(self) -> str:
        """Return a text."""
        size = self._rng.choice((3, 5, 8, 12, 18, 25))
        said = self._rng.choices(self.words, cum_weights=self._weights, k=size)
        return self.gap.join(said)


@dataclass(frozen=True)
class Query:
    """One search."""

    kind: str
    phrases: tuple[Phrase, ...]
    conversation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Corpus:
    """The messages, and what is looked for in them."""

    def __init__(self, size: int, now: datetime) -> None:
        """Make up the languages; the messages come one by one."""
        self.size, self.now = size, now
        self._rng = random.Random(1)  # noqa: S311 - no secret
        self.languages = [Language(self._rng, *script) for _, *script in SCRIPTS]
        self.people = [str(3_000_000_000 + n) for n in range(PEOPLE)]
        self._busy = list(itertools.accumulate(1 / n for n in range(1, PEOPLE + 1)))
        self.sample: list[Message] = []

    def messages(self) -> Iterator[Message]:
        """Give the messages, the oldest first."""
        rng, step = self._rng, SPREAD / self.size
        shares = [share for share, *_ in SCRIPTS]
        for number in range(self.size):
            at = self.now - SPREAD + step * number
            [peer] = rng.choices(self.people, cum_weights=self._busy)
            [language] = rng.choices(self.languages, shares)
            message = Message(
                id=str(first_at(to_ms(at)) + number % 4096),
                conversation_id=pair_id(ME, peer),
                sender_id=rng.choice((peer, ME)),
                created_at=at,
                text=language.text(),
            )
            if number % max(1, self.size // 3_000) == 0:
                self.sample.append(message)
            yield message

    def queries(self) -> list[Query]:
        """Return searches of every kind, `EACH` of each."""
        return [query for kind in KINDS for query in self._of(kind)]

    def _of(self, kind: str) -> Iterator[Query]:
        rng, latin, han = self._rng, self.languages[0], self.languages[4]
        for _ in range(EACH):
            common, rare = rng.choice(latin.words[:100]), rng.choice(latin.words[2_000:])
            middle, message = rng.choice(latin.words[100:2_000]), rng.choice(self.sample)
            split = (message.text or "").split()
            days = timedelta(days=rng.randrange(30, 1_000))
            match kind:
                case "a rare word":
                    yield Query(kind, parse(rare))
                case "a common word":
                    yield Query(kind, parse(common))
                case "two words":
                    yield Query(kind, parse(f"{common} {middle}"))
                case "a phrase":
                    begin = rng.randrange(max(1, len(split) - 1))
                    yield Query(kind, parse(f'"{" ".join(split[begin : begin + 2])}"'))
                case "Chinese":
                    yield Query(kind, parse(rng.choice(han.words[:3_000])))
                case "a beginning":
                    yield Query(kind, parse(f"{middle[:4]}*"))
                case "with a person":
                    yield Query(kind, parse(middle), message.conversation_id)
                case "in a month":
                    since = self.now - days
                    until = since + timedelta(days=30)
                    yield Query(kind, parse(middle), since=since, until=until)


KINDS = (
    "a rare word", "a common word", "two words", "a phrase", "Chinese", "a beginning",
    "with a person", "in a month",
)  # fmt: skip


async def filled(database: Database, corpus: Corpus) -> SqlLedger:
    """Keep every message of a corpus."""
    start, rows = time.perf_counter(), corpus.messages()
    while batch := list(itertools.islice(rows, BATCH)):
        await database.write(lambda sql, batch=batch: kept_rows.keep(sql, ME, batch, 0))
    ledger = SqlLedger(database)
    await ledger.scrub(60)
    print(f"  {corpus.size:,} messages kept in {time.perf_counter() - start:.0f} s")
    return ledger


async def took(once: Callable[[], Awaitable[object]]) -> float:
    """Return how long something takes, in ms."""
    start = time.perf_counter()
    await once()
    return (time.perf_counter() - start) * 1e3


async def searching(ledger: SqlLedger, corpus: Corpus, bars: Bars | None) -> None:
    """Print what searches take against look-ups, in turns, and judge it."""
    queries, ids = corpus.queries(), [message.id for message in corpus.sample]
    looked: list[float] = []
    searched: dict[str, list[float]] = {kind: [] for kind in KINDS}
    found: dict[str, list[int]] = {kind: [] for kind in KINDS}
    rng = random.Random(2)  # noqa: S311 - no secret
    rng.shuffle(queries)
    for turn in range(2):  # the first one warms
        for query in queries:
            hits: list[Sequence[Message]] = []

            async def search(query: Query = query, hits: list[Sequence[Message]] = hits) -> None:
                hits.append(
                    await ledger.search_kept(
                        ME, query.phrases, conversation_id=query.conversation_id,
                        since=query.since, until=query.until, limit=21,
                    )
                )  # fmt: skip

            one = rng.choice(ids)
            searching, looking = (
                await took(search),
                await took(lambda one=one: ledger.kept_message(ME, one)),
            )
            if turn:
                searched[query.kind].append(searching)
                found[query.kind].append(len(hits[0]))
                looked.append(looking)
    lookup = median(looked)
    print(f"  a message by its id, p50 {lookup:.3f} ms")
    for kind, times in searched.items():
        print(
            f"  {kind:<14} p50 {median(times):7.3f} ms  worst {max(times):8.1f} ms"
            f"  hits {mean(found[kind]):4.1f}  {median(times) / lookup:5.1f} look-ups"
        )
    all_of_them = median(itertools.chain.from_iterable(searched.values()))
    if bars is None:
        print(f"  a search, in look-ups: {all_of_them / lookup:.2f}")
    else:
        bars.judge("a search, in look-ups", all_of_them / lookup, LOOKUPS)


async def recording(
    full: SqlLedger, empty: SqlLedger, corpus: Corpus, bars: Bars, nth: int
) -> None:
    """Print what one new message costs in either ledger, in turns, and judge it; for the `nth`
    time."""
    language, times = corpus.languages[0], ([], [])  # type: tuple[list[float], list[float]]
    for number in range(1_000):
        at = corpus.now + timedelta(seconds=1_000 * nth + number)
        message = Message(
            str(first_at(to_ms(at))), pair_id(ME, corpus.people[number % 9]),
            corpus.people[number % 9], at, language.text(),
        )  # fmt: skip
        ledgers = (full, empty) if number % 2 else (empty, full)
        for ledger in ledgers:
            took_ms = await took(
                lambda ledger=ledger, message=message, at=at: ledger.record(
                    ME, [message], lambda text: False, at, keep=KEEP
                )
            )
            if number >= 50:
                times[ledger is empty].append(took_ms)
    report("one new message, recorded", *times, bars)


async def syncing(full: Path, empty: Path, bars: Bars) -> None:
    """Print what one new message costs the whole program, and judge it."""
    clock = ManualClock(datetime.now(UTC) + timedelta(hours=1))
    times = ([], [])  # type: tuple[list[float], list[float]]
    async with rig(full, clock) as one, rig(empty, clock) as other:
        for number in range(120):
            pair = (one, other) if number % 2 else (other, one)
            for here in pair:
                await here.says("iris_sandbox", f"Number {number} of them")
                took_ms = await took(here.app.feed.look)
                if number >= 10:
                    times[here is other].append(took_ms)
            clock.advance(timedelta(minutes=1))
    report("one new message, read from X by the whole program", *times, bars)


def report(what: str, full: list[float], empty: list[float], bars: Bars) -> None:
    """Print and judge what something takes in a full and in an empty ledger."""
    for name, times in (("full", full), ("empty", empty)):
        print(
            f"  {what}, {name}: p50 {median(times):.3f} ms, mean {mean(times):.3f} ms,"
            f" worst {max(times):.1f} ms"
        )
    bars.judge(f"{what}, p50 against that in an empty ledger", median(full) / median(empty), SYNC)


async def measure(folder: Path, size: int, with_postgres: bool) -> int:
    """Measure everything in a folder; return how many bars were missed."""
    bars, now = Bars(), datetime.now(UTC)
    homes = folder / "full", folder / "empty"
    for home in homes:
        home.mkdir(mode=0o700)
        (home / "policy.toml").write_text(f"[inbox]\nkeep = {KEEP.days}\n")
    print("SQLite")
    asked, path = Corpus(size, now), homes[0] / "ledger.db"
    full = await filled(SqliteDatabase(path), asked)
    empty = SqlLedger(SqliteDatabase(homes[1] / "ledger.db"))
    for nth, marked in enumerate((round(size * (REMEMBERED / SPREAD)), size)):
        await full.close()
        fill_marks(path, ME, marked)
        print(f"  with marks of {marked:,} of them, {path.stat().st_size / 1e6:.0f} MB")
        await recording(full, empty, asked, bars, nth)
    await searching(full, asked, bars)
    await full.close()
    await empty.close()
    await syncing(*homes, bars)
    if with_postgres:
        with postgres(folder) as server:
            if server is None:
                print("PostgreSQL\n  not installed")
                return bars.missed
            await in_postgres(new_database(server, "kept"), Corpus(size, now))
    return bars.missed


async def in_postgres(url: str, corpus: Corpus) -> None:
    """Print what searches take in PostgreSQL."""
    from xdm_mcp.ledger.postgres import PostgresDatabase

    print("PostgreSQL")
    database = PostgresDatabase(url)
    ledger = await filled(database, corpus)
    await database.write(lambda sql: sql.run("ANALYZE"))  # as the server does by itself
    await searching(ledger, corpus, None)
    await ledger.close()


def main() -> int:
    """Measure, print, and judge by the bars."""
    parser = argparse.ArgumentParser(description="Measure searches of kept messages.")
    parser.add_argument("--messages", type=int, default=1_000_000, help="how many (1000000)")
    parser.add_argument("--postgres", action="store_true", help="search in PostgreSQL too")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; by default this one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder or Path.cwd()) as folder:
        missed = anyio.run(measure, Path(folder), given.messages, given.postgres)
    print(f"{missed} bars missed" if missed else "every bar is kept")
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
