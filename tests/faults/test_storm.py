"""Two processes send under faults and are killed again and again: the books balance, and the chain
of the audit is whole.

By default some hundred sends are made on each engine. Ten thousand are

    pytest -m faults tests/faults/test_storm.py
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.conftest import Tell
from tests.faults.arena import KILLED, Arena
from tests.faults.books import counts
from tests.faults.quick import PEOPLE
from tests.faults.storming import MENDING, PRICE, ROOM, open_app
from tests.postgres import fresh_url
from xdm_mcp.digests import content_digest
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.rows import charges_of
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.windows import CREDIT
from xdm_mcp.models.audit import AuditVerdict
from xdm_mcp.models.results import QuotaStatus

CREDITS = 5
"""What a message of theirs grants."""

COLUMNS = ("id", "peer", "state", "cost", "charges", "not_sent", "automatic", "content_digest")

_numbers = count()


@dataclass
class Aftermath:
    """What a storm left behind: rows, deliveries by the digest of their text, the sends that a
    credit paid for, and what the program says."""

    entries: list[dict[str, Any]]
    delivered: Counter[str]
    credited: set[int]
    quota: QuotaStatus
    verdict: AuditVerdict
    ends: Counter[str]
    events: Counter[str]


def storm(arena: Arena, sends: int, engine: str, seconds: float, tell: Tell) -> tuple[Path, str]:
    """Let two processes send until so many are delivered, each killed after about so many seconds,
    and two others mend; return where it was."""
    home: Path = arena.folder / f"storm-{next(_numbers)}"
    home.mkdir(mode=0o700)
    url = fresh_url() if engine == "postgres" else f"sqlite:///{home}/ledger.db"
    random, worker, kills = Random(sends), count(), 0  # noqa: S311 - repeats, guards nothing
    arena.alone("meet", home=home, url=url)
    each = {"home": home, "url": url}
    while _written(home) < sends:
        jobs = [
            {**each, "job": "storm", "worker": next(worker), "most": sends,
             "seconds": seconds * random.uniform(0.5, 1.5)}
            for _ in range(2)
        ]  # fmt: skip
        kills += sum(ended.code == KILLED for ended in arena.together(*jobs))
    arena.together(*[{**each, "job": "mend", "worker": next(worker)} for _ in range(2)])
    tell(f"storm on {engine}: {kills} processes killed")
    return home, url


def _written(home: Path) -> int:
    """Count what was delivered so far: nearly all of what is sent."""
    file = home / "deliveries"
    return file.read_bytes().count(b"\n") if file.exists() else 0


async def look(home: Path, url: str) -> Aftermath:
    """Read everything once the storm is over."""
    app = open_app(str(home), url, 999, MENDING)
    ledger = app.ledger
    assert isinstance(ledger, SqlLedger)
    entries, credited, ends = await ledger._database.read(_rows)
    events = Counter(record.event for record in await ledger.audit(limit=10**6))
    lines = (home / "deliveries").read_text().splitlines()
    aftermath = Aftermath(
        entries,
        Counter(content_digest(line, None) for line in lines),
        credited,
        await app.standing.quota(),
        await ledger.verify_audit(),
        ends,
        events,
    )
    await ledger.close()
    return aftermath


def _rows(sql: Sql) -> tuple[list[dict[str, Any]], set[int], Counter[str]]:
    names = ", ".join(COLUMNS)
    rows = sql.all(f"SELECT {names} FROM entry ORDER BY id")  # noqa: S608 - our own names
    entries = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    paid = set(sql.all("SELECT scope_id, seq FROM charge WHERE (excuse & ?) <> 0", CREDIT))
    credited = {
        entry["id"]
        for entry in entries
        if entry["state"] != "failed" and any(c in paid for c in charges_of(entry["charges"]))
    }
    return entries, credited, Counter(entry["state"] for entry in entries)


@pytest.mark.parametrize(
    ("engine", "sends", "seconds"),
    [
        ("sqlite", 300, 0.4),
        ("postgres", 100, 0.8),
        pytest.param("sqlite", 10_000, 2.0, marks=pytest.mark.faults),
        pytest.param("postgres", 10_000, 2.0, marks=pytest.mark.faults),
    ],
)
async def test_the_books_balance_after_a_storm(
    open_arena: Arena, tell: Tell, engine: str, sends: int, seconds: float
) -> None:
    """Windows, credits and money counted anew from the rows are what quota_status says; every
    delivery is known, and none is doubled; the chain of the audit holds."""
    home, url = storm(open_arena, sends, engine, seconds, tell)

    after = await look(home, url)

    tell(
        f"storm on {engine}: {len(after.entries)} sends {dict(after.ends)},"
        f" {sum(after.delivered.values())} delivered, {after.verdict.count} records of the audit"
    )
    assert len(after.entries) >= sends
    assert_nothing_is_misreported(after)
    assert_the_books_balance(after)
    assert after.verdict.broken_at is None
    assert after.events == Counter(reserved=len(after.entries)) + after.ends
    assert after.verdict.count == 2 * len(after.entries)


def assert_nothing_is_misreported(after: Aftermath) -> None:
    """Hold what the ledger says of each send against what was delivered."""
    known = {entry["content_digest"]: entry["state"] for entry in after.entries}
    assert set(after.delivered.values()) == {1}
    assert set(after.delivered) <= set(known)
    assert set(after.ends) <= {"sent", "failed", "unknown"}
    for digest, state in known.items():
        assert state == "unknown" or (digest in after.delivered) == (state == "sent")


def assert_the_books_balance(after: Aftermath) -> None:
    """Count windows, credits and money once more, from the rows alone."""
    left = [entry for entry in after.entries if counts(entry)]
    messages = [entry for entry in left if entry["state"] != "failed"]
    windows = {window.limit: window.used for window in after.quota.windows[1:]}
    assert after.quota.windows[0].used == len(left)
    assert windows[ROOM] == len(messages)
    assert windows[ROOM - 1] == len(messages) - len(after.credited)
    spent = round(float(after.quota.money.total_usd) * 1_000_000)
    assert spent == PRICE * len(left)
    shown = {row.user_id: row.left for row in after.quota.reply_credits}
    used = Counter(e["peer"].removeprefix("user:") for e in messages if e["id"] in after.credited)
    assert {who: shown.get(who, 0) for who in PEOPLE} == {
        who: CREDITS - used[who] for who in PEOPLE
    }
