"""The worst cases of the field beside ours, in one run: `python -m benchmarks.field`.

Three ways by which rate limiters let through more than their limit: a greedy sender against those
that remember less than a log (sliding counters, GCRA), two clients whose clocks differ, and two
sessions in two time zones. For each limiter it prints the worst true rolling window, judged by one
true clock, and how many were refused although there was room. Time is simulated, except for the
time zones. Exits with 1 where ours passes its limit or refuses what has room.

The limiters to compare with are in the group `field` (`uv run --group field python -m
benchmarks.field`); those that are missing are left out. Redis is used where `redis-server` is
installed, on a socket of its own.
"""

from __future__ import annotations

import sys
import tempfile
import time
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from unittest.mock import patch
from urllib.parse import quote

from benchmarks.ledger import ME, never, words
from benchmarks.servers import new_database, postgres, redis
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.ledger.sqlite import MEMORY, SqliteDatabase
from xdm_mcp.models.quota import WINDOW_MARGIN, Limit
from xdm_mcp.models.sends import Draft, Outcome, Receipt, SendState, Target
from xdm_mcp.models.verdicts import Decision, Facts, Finding, Verdict

LIMIT = 1_000
DAY = 86_400.0
MARGIN = WINDOW_MARGIN.total_seconds()
BEGIN = datetime(2100, 1, 1, tzinfo=UTC).timestamp()
"""Midnight, where windows that follow the calendar begin; and later than now, because one limiter
throws away in a thread of its own what is old by the real clock."""

BEHIND = 5.0
"""By how many seconds one of two clients is behind."""

ZONES = ("UTC", "Pacific/Kiritimati")
ZONED, QUARTER = 200, 900.0
"""The limit for the sessions in two zones, and its window in seconds."""

_tags = count(1)

Admit = Callable[[float], bool]
"""Asks for one send at a time in seconds, by the clock of who asks."""


@dataclass
class Judged:
    """The true times of what one limiter let through, and how often it refused what had room."""

    limit: int
    per: float = DAY
    times: list[float] = field(default_factory=list)
    wrong: int = 0

    def ask(self, admit: Admit, true: float, told: float) -> bool:
        """Ask at the `true` time, as somebody whose clock says `told`."""
        if admit(told):
            insort(self.times, true)
            return True
        self.wrong += len(self.times) - bisect_left(self.times, true - self.per) < self.limit
        return False

    @property
    def worst(self) -> int:
        """How many lie in the fullest window."""
        return max(
            (
                bisect_left(self.times, at + min(self.per, DAY)) - first
                for first, at in enumerate(self.times)
            ),
            default=0,
        )


# -- ours


def judge(facts: Facts, now: datetime) -> Decision:
    """Refuse when a window is full, and nothing else."""
    if all(window.remaining > 0 for window in facts.windows):
        return Decision(Verdict.ALLOW, ())
    return Decision(Verdict.DENY, (Finding("rate_windows", Verdict.DENY, "It is full."),))


def ours(ledger: SqlLedger, limit: int, run: Callable[..., bool], per: float = DAY) -> Admit:
    """Ask a ledger, and write down that what it let through was sent."""
    windows = (Limit(f"{ME}/requests", limit, timedelta(seconds=per)),)
    numbers, tag = iter(range(10**6)), next(_tags)

    async def reserve(at: float) -> bool:
        number = next(numbers)
        wanted = Draft(
            ME, "x-api-v2", "https://api.example", Target((str(number % 500 + 1),)),
            words(f"{tag} {number}"), 0,
        )  # fmt: skip
        now = datetime.fromtimestamp(at, UTC)
        entry = (await ledger.reserve(wanted, windows, judge, never, now)).entry
        if entry is None:
            return False
        if entry.state is SendState.RESERVED:
            entry = await ledger.dispatch(entry, now) or entry
        receipt = Receipt(str(10**18 + int(f"{tag}{number:06}")))
        outcome = Outcome(SendState.SENT, "accepted", "Done.", receipt=receipt)
        await ledger.settle(entry, outcome, now, lambda _: None)
        return True

    return lambda at: run(reserve, at)


# -- the others; each is None where it is not installed


@contextmanager
def clock_at(now: Sequence[float]) -> Iterator[None]:
    """Let the clocks that limiters read show `now[0]`."""
    with ExitStack() as patches:
        for name in ("time.time", "time.monotonic"):
            patches.enter_context(patch(name, lambda: now[0]))
        yield


def of_limits(strategy: str, storage: str = "memory://") -> Admit | None:
    """Ask a strategy of `limits`."""
    try:
        from limits import RateLimitItemPerDay, strategies
        from limits import storage as stores
    except ImportError:
        return None
    now = [BEGIN]
    with clock_at(now):
        limiter = strategies.STRATEGIES[strategy](stores.storage_from_string(storage))

    def admit(at: float) -> bool:
        now[0] = at
        with clock_at(now):
            return bool(limiter.hit(RateLimitItemPerDay(LIMIT), ME))

    return admit


def of_throttled() -> Admit | None:
    """Ask the GCRA of throttled-py."""
    try:
        from throttled import MemoryStore, RateLimiterType, Throttled, per_day
    except ImportError:
        return None
    now = [BEGIN]
    limiter = Throttled(
        using=RateLimiterType.GCRA.value, quota=per_day(LIMIT, burst=LIMIT), store=MemoryStore()
    )

    def admit(at: float) -> bool:
        now[0] = at
        with clock_at(now):
            return not limiter.limit(ME).limited

    return admit


def of_pyrate_redis(port: str) -> Admit | None:
    """Ask pyrate-limiter's Redis bucket, with the client's clock as it does."""
    try:
        from pyrate_limiter import Duration, Rate, RateItem, RedisBucket
        from redis import Redis
    except ImportError:
        return None
    bucket = RedisBucket.init([Rate(LIMIT, Duration.DAY)], Redis(unix_socket_path=port), "field")
    return lambda at: bool(bucket.put(RateItem(ME, int(at * 1000))))


def of_pyrate_postgres(url: str) -> Admit | None:
    """Ask pyrate-limiter's PostgreSQL bucket over a session of its own."""
    try:
        from psycopg_pool import ConnectionPool
        from pyrate_limiter import Duration, PostgresBucket, Rate, RateItem
    except ImportError:
        return None
    pool = ConnectionPool(url, min_size=1, max_size=1, open=True)
    bucket = PostgresBucket(pool, "field", [Rate(ZONED, Duration.MINUTE * 15)])
    return lambda at: bool(bucket.put(RateItem(ME, int(at * 1000))))


# -- the cases


def greedy(admit: Admit, per: float) -> Judged:
    """Wait until just before the end of a day, send all there is, then try each minute."""
    judged = Judged(LIMIT, per)
    at = BEGIN + 2 * DAY - 1
    while judged.ask(admit, at, at):
        at += 0.0005
    while at < BEGIN + 4 * DAY:
        at += 60
        while judged.ask(admit, at, at):
            at += 0.0005
    return judged


def behind(ahead: Admit, late: Admit, per: float) -> Judged:
    """Two clients, one of them behind, each sending what it may in its turn."""
    judged = Judged(LIMIT, per)
    at = BEGIN + 3600
    for client, lag in ((ahead, 0.0), (late, BEHIND)) * 2:
        for _ in range(LIMIT + 1):
            at += 0.0005
            if not judged.ask(client, at, at - lag):
                break
    return judged


def zoned(one: Admit, other: Admit) -> Judged:
    """Two sessions in two time zones, now."""
    judged = Judged(ZONED, QUARTER)
    for admit in (one, other):
        for _ in range(ZONED + 20):
            judged.ask(admit, time.time(), time.time())
    return judged


def in_zone(url: str, zone: str) -> str:
    """Return the address of a database with the time zone of its sessions."""
    return f"{url}{'&' if '?' in url else '?'}options={quote(f'-c timezone={zone}')}"


def told(name: str, judged: Judged, *, own: bool = False) -> int:
    """Print a line; return how many promises of ours it breaks."""
    broken = own * ((judged.worst > judged.limit) + (judged.wrong > 0))
    mark = "" if not own else "NOT " if broken else "ok  "
    print(
        f"  {mark:4}{name:44} worst true window {judged.worst:5} of {judged.limit},"
        f" {judged.wrong} refused with room"
    )
    return broken


def measure(folder: Path, run: Callable[..., bool]) -> int:
    """Play every case; return how many promises of ours were broken."""
    print(f"A greedy sender, {LIMIT} a day")
    database = SqliteDatabase(MEMORY)
    broken = told("xdm-mcp", greedy(ours(SqlLedger(database), LIMIT, run), DAY + MARGIN), own=True)
    for name, admit in (
        ("limits, sliding window counter", of_limits("sliding-window-counter")),
        ("limits, fixed window", of_limits("fixed-window")),
        ("throttled-py, GCRA", of_throttled()),
    ):
        if admit is not None:
            told(name, greedy(admit, DAY))
    print(f"Two clients, one {BEHIND:g} s behind, {LIMIT} a day")
    database = SqliteDatabase(MEMORY)
    pair = [ours(SqlLedger(database), LIMIT, run) for _ in range(2)]
    broken += told("xdm-mcp", behind(pair[0], pair[1], DAY + MARGIN), own=True)
    with redis(folder) as socket:
        for name, make in (
            ("pyrate-limiter, Redis", lambda: of_pyrate_redis(socket or "")),
            ("limits, Redis, moving window",
             lambda: of_limits("moving-window", f"redis+unix://{socket}")),
        ):  # fmt: skip
            admits = [make() for _ in range(2)] if socket else [None, None]
            if admits[0] is not None and admits[1] is not None:
                told(name, behind(admits[0], admits[1], DAY))
    print(f"Two sessions in two time zones, {ZONED} in 15 minutes")
    with postgres(folder) as server:
        if server is None:
            print("  PostgreSQL is not installed")
            return broken
        url = new_database(server, "field")
        mine = [ours(open_ledger(in_zone(url, zone)), ZONED, run, QUARTER) for zone in ZONES]
        broken += told("xdm-mcp, PostgreSQL", zoned(*mine), own=True)
        others = [of_pyrate_postgres(in_zone(url, zone)) for zone in ZONES]
        if others[0] is not None and others[1] is not None:
            told("pyrate-limiter, PostgreSQL", zoned(others[0], others[1]))
    return broken


def main() -> int:
    """Play, print and judge."""
    from anyio.from_thread import start_blocking_portal

    with (
        tempfile.TemporaryDirectory() as folder,
        start_blocking_portal() as portal,
    ):
        broken = measure(Path(folder), portal.call)
    print(f"{broken} promises broken" if broken else "ours holds in every case")
    return min(broken, 1)


if __name__ == "__main__":
    sys.exit(main())
