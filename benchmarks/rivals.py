"""Other limiters beside the ledger, for `benchmarks/ledger.py`: they count one window, and keep no
outbox, no money and no record.

They are in the group `field`; what is not installed is left out. A limiter that fails, as one does
whose database is locked, is asked again, and the failure is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from benchmarks.servers import new_database, redis

ROOM = 10**7
QUARTER_S = 900
WHO = "100"

AOF = ("--appendonly", "yes", "--appendfsync", "always")
"""Redis writes every change to the disk before it answers, as a ledger must."""

Ask = Callable[[], object]
"""Asks for one send."""


@dataclass(frozen=True)
class Rival:
    """A limiter: the packages that it needs, and how it is asked at a place."""

    packages: tuple[str, ...]
    at: Callable[[str], Ask]


def pyrate_sqlite(place: str) -> Ask:
    """Ask pyrate-limiter's bucket in an SQLite file."""
    from pyrate_limiter import Duration, Limiter, Rate, SQLiteBucket

    rates = [Rate(ROOM, Duration.SECOND * QUARTER_S)]
    limiter = Limiter(SQLiteBucket.init_from_file(rates, db_path=place))
    return lambda: limiter.try_acquire(WHO)


def pyrate_postgres(place: str) -> Ask:
    """Ask pyrate-limiter's bucket in PostgreSQL."""
    from psycopg_pool import ConnectionPool
    from pyrate_limiter import Duration, Limiter, PostgresBucket, Rate

    pool = ConnectionPool(place, min_size=1, max_size=1, open=True)
    limiter = Limiter(PostgresBucket(pool, "rival", [Rate(ROOM, Duration.SECOND * QUARTER_S)]))
    return lambda: limiter.try_acquire(WHO)


def limits_redis(place: str) -> Ask:
    """Ask the moving window of limits in Redis."""
    from limits import RateLimitItemPerSecond, strategies
    from limits import storage as stores

    storage = stores.storage_from_string(f"redis+unix://{place}")
    limiter = strategies.MovingWindowRateLimiter(storage)
    item = RateLimitItemPerSecond(ROOM, QUARTER_S)
    return lambda: limiter.hit(item, WHO)


SQLITE, POSTGRES, REDIS = (
    "pyrate-limiter, SQLite",
    "pyrate-limiter, PostgreSQL",
    "limits, Redis that syncs",
)

RIVALS = {
    SQLITE: Rival(("pyrate_limiter",), pyrate_sqlite),
    POSTGRES: Rival(("pyrate_limiter", "psycopg_pool"), pyrate_postgres),
    REDIS: Rival(("limits", "redis"), limits_redis),
}


@contextmanager
def places(folder: Path, server: str | None) -> Iterator[dict[str, str | None]]:
    """Where each rival may keep what it counts; None where it cannot be had."""
    with redis(folder, *AOF) as socket:
        found = {
            SQLITE: str(folder / "rival.db"),
            POSTGRES: server and new_database(server, "rival"),
            REDIS: socket,
        }
        yield {
            name: place if all(find_spec(each) for each in RIVALS[name].packages) else None
            for name, place in found.items()
        }


def patient(ask: Ask, failures: Counter[str]) -> Ask:
    """Ask again where a rival fails, and count that by the kind of failure."""

    def asked() -> object:
        while True:
            try:
                return ask()
            except Exception as error:  # a failure of a rival is a figure here
                failures[type(error).__name__] += 1
                if failures.total() > 100_000:
                    raise

    return asked
