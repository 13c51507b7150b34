# ruff: noqa: S608 - our own numbers in our own statements
"""What a durable decision costs, beside one sync of the same disk: `python benchmarks/ledger.py`.

A decision is one `reserve` of a new draft that leaves at once: facts, an exact look at two windows,
the charges, the entry and its record in the audit chain, committed. It is measured as the program
asks for it, and by its parts: the synchronous call in the ledger, the same without the sync, and a
bare hop to a thread. A whole send goes through the real outbox and guard to a backend that answers
at once: how many durable writes it makes, and what it takes outside of the ledger's transactions.
Decisions are measured with 1 and with 8 processes, on ledgers with no, with 10,000 and
(`--full`) with 1,000,000 sends behind them, in SQLite and in a PostgreSQL that this run starts
itself, and beside other limiters where they are installed (the group `field`). Every figure is
also a ratio, since disks differ; exits with 1 where one is outside its bar. The history has the
columns of sends that were really taken, as look-ups of the newest ones pass over others. Where
other programs use the disk or the processors, ratios do not hold either: one sync suffers less from
it than the work between two.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from statistics import mean

import anyio

from xdm_mcp.clock import to_ms
from xdm_mcp.ledger.books import DAY
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.opening import SQLITE, open_ledger
from xdm_mcp.ledger.sql import Database, Sql
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Draft, Hold, Target
from xdm_mcp.models.verdicts import Decision, Facts, Verdict

ROOM = 10**7
"""Every limit is raised to this, so that every decision is an admission."""

LEDGER = "ledger"
"""What a process asks, if not one of the rivals."""

ME = "100"
LIMITS = (
    Limit(f"{ME}/requests", ROOM, timedelta(minutes=15)),
    Limit(f"{ME}/messages", ROOM, timedelta(hours=24), counts="messages"),
)
PEOPLE = 1_000
PROCESSES = 8
ROUNDS = 3
HISTORY, FULL = (0, 10_000), (0, 10_000, 1_000_000)

DISK, GROWTH, CROWD, WORST_MS = 2.0, 1.15, 0.8, 200.0
"""The bars: p50 against one sync, p50 against that without history, decisions per second of 8
processes against one, and the longest single wait (SQLite)."""

DIGITS = str.maketrans("0123456789", "abcdefghij")

SPREAD = timedelta(days=365)
"""The history lies in this past: all but its end is outside the windows."""


@dataclass(frozen=True)
class Took:
    """How long the decisions of one run took, in ms, sorted; how many there were a second; and what
    failed and was asked for again."""

    times: list[float]
    rate: float
    failures: Mapping[str, int] = field(default_factory=dict)

    def at(self, share: float) -> float:
        """Return the time that this share of the decisions did not pass."""
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))]

    def __str__(self) -> str:
        """Say the figures."""
        failed = ", ".join(f"{count} x {name}" for name, count in self.failures.items())
        return (
            f"{self.rate:7.0f}/s  p50 {self.at(0.5):7.3f} ms  p99 {self.at(0.99):8.3f} ms"
            f"  worst {self.times[-1]:7.1f} ms{failed and f'  failed: {failed}'}"
        )


def allow(facts: Facts, now: datetime) -> Decision:
    """Let everything pass."""
    return Decision(Verdict.ALLOW, ())


def never(decision: Decision, now: datetime) -> Hold:
    """Stand in for the question to a person."""
    raise AssertionError("nothing is held here")


def sync(folder: Path, seconds: float, *, append: bool = False) -> Took:
    """Overwrite 4 kB of a file, or append them, and sync it, again and again: what the disk itself
    takes."""
    file = os.open(folder / f"sync{append}", os.O_CREAT | os.O_RDWR, 0o600)
    os.pwrite(file, b"\1" * 4096, 0)
    os.fsync(file)
    settle, places = getattr(os, "fdatasync", os.fsync), count(4096, 4096)

    def once() -> None:
        os.pwrite(file, os.urandom(4096), next(places) if append else 0)
        settle(file)

    took = timed(once, seconds)
    os.close(file)
    return took


def timed(once: Callable[[], None], seconds: float) -> Took:
    """Do something for so long, one after another."""
    times, begin = [], time.perf_counter()
    while time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        once()
        times.append((time.perf_counter() - start) * 1e3)
    return Took(sorted(times), len(times) / seconds)


def words(text: str) -> str:
    """Return a text with letters for its digits: texts that differ in digits alone are near
    copies."""
    return text.translate(DIGITS)


async def decide(ledger: SqlLedger, who: str, seconds: float) -> list[float]:
    """Decide about new drafts for so long; return how long each took in ms."""
    times, number, end = [], 0, time.perf_counter() + seconds
    while (start := time.perf_counter()) < end:
        wanted = Draft(
            ME, "x-api-v2", "https://api.example", Target((str(number % PEOPLE + 1),)),
            words(f"{who} {number}"), 1,
        )  # fmt: skip
        now = datetime.now(UTC)
        reserved = await ledger.reserve(wanted, LIMITS, allow, never, now, leave=True)
        assert reserved.entry is not None
        times.append((time.perf_counter() - start) * 1e3)
        number += 1
    return times


def work(kind: str, place: str, who: str, seconds: float) -> None:
    """Be one process that asks a ledger or a rival: open, say that all is ready, wait for the word,
    ask, tell the times and the failures."""
    failures: Counter[str] = Counter()

    async def run() -> list[float]:
        ledger = open_ledger(place)
        await decide(ledger, f"{who} warm", 0.2)
        wait_for_the_word()
        times = await decide(ledger, who, seconds)
        await ledger.close()
        return times

    if kind == LEDGER:
        times = anyio.run(run)
    else:
        from benchmarks.rivals import RIVALS, patient

        ask = patient(RIVALS[kind].at(place), failures)
        timed(ask, 0.2)
        wait_for_the_word()
        times = timed(ask, seconds).times
    print(json.dumps([times, failures]), flush=True)
    os._exit(0)  # a rival's own threads may go on


def wait_for_the_word() -> None:
    """Say that all is ready, and wait until all are."""
    print("ready", flush=True)
    sys.stdin.readline()


def decisions(place: str, processes: int, seconds: float, kind: str = LEDGER) -> Took:
    """Let so many processes ask at once for sends at one place."""
    names = (f"{processes} {number} {time.time_ns()}" for number in range(processes))
    command = [sys.executable, __file__, "--seconds", str(seconds), "--work", kind, place]
    workers = [subprocess.Popen([*command, name], stdin=-1, stdout=-1, text=True) for name in names]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    told = [json.loads(worker.communicate()[0]) for worker in workers]
    times = sorted(took for times, _ in told for took in times)
    failures = sum((Counter(failures) for _, failures in told), Counter[str]())
    return Took(times, len(times) / seconds, failures)


def fill(sql: Sql, sends: int) -> None:
    """Write the rows that so many accepted sends leave, evenly over the past year."""
    now = to_ms(datetime.now(UTC)) - 1000
    step = SPREAD // timedelta(milliseconds=1) / max(1, sends)
    for limit in LIMITS:
        sql.run("INSERT INTO scope (name, seq, last_at) VALUES (?, ?, ?)", limit.scope, sends, now)
    scopes = [int(row[0]) for row in sql.all("SELECT id FROM scope")]
    numbers = f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {sends})"
    at = f"CAST({now} - ({sends} - i) * {step:.3f} AS BIGINT)"
    for scope in scopes:
        sql.run(f"{numbers} INSERT INTO charge (scope_id, seq, at) SELECT {scope}, i, {at} FROM n")
    sql.run(
        f"{numbers} INSERT INTO entry (account_id, draft_key, request, backend, origin, peer,"
        " user_ids, content_digest, match_digest, similar_digest, cost, state, created_at,"
        " slot_at, fence, dispatched_at, settled_at, message_id, code, charges, first_contact,"
        f" automatic, booked_day) SELECT '{ME}', 'd:' || i, 'r' || i, 'x-api-v2', 'https://api.example',"
        f" 'user:' || (i % {PEOPLE} + 1), CAST(i % {PEOPLE} + 1 AS TEXT), 'c' || i, 'm' || i,"
        " 's' || i, 1,"
        f" 'sent', {at}, {at}, 1, {at}, {at}, 'x' || i, 'sent', '', 0, 1, {at} / {DAY} FROM n"
    )


async def filled(url: str, sends: int) -> str:
    """Make a ledger with so many sends behind it; return its address."""
    database: Database
    if url.startswith(SQLITE):
        database = SqliteDatabase(Path(url.removeprefix(SQLITE)))
    else:
        from xdm_mcp.ledger.postgres import PostgresDatabase

        database = PostgresDatabase(url)
    await database.write(lambda sql: fill(sql, sends) if sends else None)
    if not url.startswith(SQLITE):
        await database.write(lambda sql: sql.run("ANALYZE"))  # as the server does by itself
    await database.close()
    return url


def side_by_side(urls: dict[int, str], seconds: float) -> dict[tuple[int, int], Took]:
    """Measure each history with one and with all processes, in turns, so that all meet the same
    machine."""
    runs: dict[tuple[int, int], list[Took]] = {}
    for _ in range(ROUNDS):
        for processes in (1, PROCESSES):
            for sends, url in urls.items():
                took = decisions(url, processes, seconds / ROUNDS)
                runs.setdefault((processes, sends), []).append(took)
    return {key: merged(took) for key, took in runs.items()}


def merged(runs: list[Took]) -> Took:
    """Return several runs as one."""
    return Took(sorted(t for run in runs for t in run.times), mean(run.rate for run in runs))


@dataclass
class Bars:
    """Holds figures against their bars and counts what missed."""

    missed: int = 0

    def judge(self, what: str, value: float, bar: float, *, least: bool = False) -> None:
        """Print a figure and whether it is within its bar."""
        fits = value >= bar if least else value <= bar
        self.missed += not fits
        word = "at least" if least else "at most"
        print(f"  {'ok ' if fits else 'NOT'} {what}: {value:.2f}, {word} {bar:g}")


def report(name: str, took: dict[tuple[int, int], Took]) -> float:
    """Print what an engine took; return the p50 with the most behind it against that with
    nothing."""
    print(name)
    for (processes, sends), run in sorted(took.items()):
        print(f"  {processes} at once, {sends:>9,} sends behind: {run}")
    return took[1, max(sends for _, sends in took)].at(0.5) / took[1, 0].at(0.5)


def measure(folder: Path, history: tuple[int, ...], seconds: float) -> int:
    """Measure everything on the disk of `folder`; return how many bars were missed."""
    bars, before = Bars(), sync(folder, seconds)
    files = {n: anyio.run(filled, f"{SQLITE}{folder}/after{n}.db", n) for n in history}
    sqlite = side_by_side(files, seconds)
    growth, after = report("SQLite", sqlite), sync(folder, seconds)
    alone, crowd = sqlite[1, 0], sqlite[PROCESSES, 0]
    disk = merged([before, after])
    print(f"  one sync of 4 kB, before  : {before}\n  one sync of 4 kB, after   : {after}")
    print(f"  one that appends, after   : {sync(folder, seconds / 2, append=True)}")
    from benchmarks.parts import parts
    from benchmarks.servers import new_database, postgres

    parts(folder, seconds, disk, bars)
    bars.judge(
        "p50 of a decision, hop and all, against one sync", alone.at(0.5) / disk.at(0.5), DISK
    )
    bars.judge("p50 with the most behind it against nothing", growth, GROWTH)
    bars.judge("decisions of 8 processes against one", crowd.rate / alone.rate, CROWD, least=True)
    bars.judge("longest wait among 8 processes, ms", crowd.times[-1], WORST_MS)
    with postgres(folder) as server:
        compare(folder, server, seconds / 2)
        if server is None:
            print("PostgreSQL\n  not installed")
            return bars.missed
        urls = {n: anyio.run(filled, new_database(server, f"after{n}"), n) for n in history}
        growth = report("PostgreSQL", side_by_side(urls, seconds))
        bars.judge("p50 with the most behind it against nothing", growth, GROWTH)
    return bars.missed


def compare(folder: Path, server: str | None, seconds: float) -> None:
    """Print what the rivals take that are installed, with nothing behind them."""
    from benchmarks.rivals import places

    with places(folder, server) as found:
        for name, place in found.items():
            print(name if place else f"{name}: not installed")
            for processes in (1, PROCESSES) if place else ():
                assert place is not None
                print(f"  {processes} at once: {decisions(place, processes, seconds, name)}")


def main() -> int:
    """Measure, print, and judge by the bars."""
    parser = argparse.ArgumentParser(description="Measure durable decisions of the ledger.")
    parser.add_argument("--full", action="store_true", help="with 1,000,000 sends behind it too")
    parser.add_argument("--seconds", type=float, default=6.0, help="for each figure")
    parser.add_argument("--folder", type=Path, help="on the disk to measure; by default this one")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parents[1]))  # for the modules beside this one
    if given.work:
        work(*given.work, given.seconds)
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the server and the files go too
    with tempfile.TemporaryDirectory(dir=given.folder or Path.cwd()) as folder:
        missed = measure(Path(folder), FULL if given.full else HISTORY, given.seconds)
    print(f"{missed} bars missed" if missed else "every bar is kept")
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
