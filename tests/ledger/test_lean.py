"""The table of sends is made anew with fewer indexes: its rows stay, what was unique stays unique,
and no look-up of a decision walks through the history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import apsw
import psycopg
import pytest

from tests.contract.ledger.desk import Desk, allow, draft
from tests.postgres import fresh_url
from xdm_mcp.ledger import session
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.migrations import MIGRATIONS, migrate
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.ledger.sql import Row, Sql, Value
from xdm_mcp.ledger.sqlite import MEMORY, ApswSql, SqliteDatabase

BEFORE = next(at for at, step in enumerate(MIGRATIONS) if step.__name__.endswith("lean_writes"))
"""How many steps a ledger has seen that has the old table."""

ROWS: tuple[dict[str, Value], ...] = (
    {"draft_key": "d:1", "state": "held", "approval_id": "a1", "lapses_at": 9},
    {"draft_key": "d:2", "state": "sent", "message_id": "77", "settled_at": 5, "booked_day": 0},
    {"draft_key": "d:3", "state": "unknown", "charges": "1:1 2:1", "next_read_at": 7},
)


def write_old(sql: Sql) -> None:
    """Write rows as they were written before, with ids that do not begin at 1."""
    for number, row in enumerate(ROWS, 41):
        columns = {
            "id": number, "account_id": "100", "request": "r", "backend": "b", "origin": "o",
            "peer": "user:7", "user_ids": "7", "content_digest": "c", "match_digest": "m",
            "similar_digest": "s", "cost": 1, "created_at": 3, "slot_at": 4, "fence": 1,
            "first_contact": 1, "automatic": 0, **row,
        }  # fmt: skip
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        sql.run(f"INSERT INTO entry ({names}) VALUES ({marks})", *columns.values())  # noqa: S608 - our own names


def test_rows_of_an_older_table_stay_as_they_were() -> None:
    """Every column of every row, under its id."""
    connection = apsw.Connection(MEMORY)
    sql = ApswSql(connection)
    for step in MIGRATIONS[:BEFORE]:
        step(sql)
    write_old(sql)
    before = sql.all("SELECT * FROM entry ORDER BY id")

    migrate(sql, BEFORE)

    assert sql.all("SELECT * FROM entry ORDER BY id") == before
    assert [row[0] for row in before] == [41, 42, 43]
    connection.close()


@pytest.mark.parametrize(
    ("column", "value", "row"), [("draft_key", "d:2", 41), ("approval_id", "a1", 43),
    ("message_id", "77", 43)],
)  # fmt: skip
def test_what_was_unique_stays_so(column: str, value: str, row: int) -> None:
    """Keys, approval ids and messages, each within its account."""
    connection = apsw.Connection(MEMORY)
    sql = ApswSql(connection)
    migrate(sql, 0)
    write_old(sql)

    with pytest.raises(apsw.ConstraintError):
        sql.run(f"UPDATE entry SET {column} = ? WHERE id = ?", value, row)  # noqa: S608 - our own names

    connection.close()


async def test_a_server_goes_on_counting_after_the_rows_that_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PostgreSQL numbers the rows of a table made anew from 1, unless it is told."""
    url = fresh_url()
    monkeypatch.setattr(session, "COUNT_ON", "SELECT 1")
    monkeypatch.setattr(session, "MIGRATIONS", MIGRATIONS[:BEFORE])
    with psycopg.connect(url, autocommit=True) as old:
        session._migrate(old, "there")
        write_old(session.PsycopgSql(old))
    monkeypatch.undo()
    desk = Desk(open_ledger(url))

    entry = await desk.reserved(draft())

    assert entry.id == 44
    assert [known.id for known in await desk.ledger.recent()] == [44, 43, 42, 41]
    await desk.ledger.close()


class Planned(ApswSql):
    """Notes how SQLite looks up each statement."""

    steps: set[str]

    def all(self, statement: str, *values: Value) -> list[Row]:
        """See Sql.all."""
        self._note(statement, values)
        return super().all(statement, *values)

    def one(self, statement: str, *values: Value) -> Row | None:
        """See Sql.one."""
        self._note(statement, values)
        return super().one(statement, *values)

    def _note(self, statement: str, values: tuple[Value, ...]) -> None:
        plan = self._connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        self.steps |= {str(step[3]) for step in plan}


async def plan_of(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[Desk], Awaitable[object]]
) -> set[str]:
    """Return how SQLite looks up what `ask` asks of a ledger with one send."""
    Planned.steps = set()
    desk = Desk(SqlLedger(SqliteDatabase(MEMORY)))
    await desk.reserve(draft(), allow)
    monkeypatch.setattr("xdm_mcp.ledger.sqlite.ApswSql", Planned)
    await ask(desk)
    await desk.ledger.close()
    return Planned.steps


async def test_no_look_up_of_a_decision_walks_through_the_history(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By account alone only the index that is asked for its newest rows is entered."""
    Planned.steps = set()
    desk = Desk(SqlLedger(SqliteDatabase(MEMORY)))
    await desk.ledger.recent()
    monkeypatch.setattr("xdm_mcp.ledger.sqlite.ApswSql", Planned)

    await desk.reserve(draft(), allow)
    await desk.ledger.close()

    looked = {step for step in Planned.steps if " entry" in step or " charge" in step}
    assert not {step for step in looked if step.startswith("SCAN")}
    assert {step for step in looked if step.endswith("(account_id=?)")} == {
        "SEARCH entry USING INDEX entry_slot (account_id=?)"
    }


async def test_unknown_sends_are_found_among_the_open_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many have ended; the page asks once a second."""
    plan = await plan_of(monkeypatch, lambda desk: desk.ledger.unknown())

    assert plan == {
        "SEARCH entry USING INDEX entry_open (state=?)",
        "USE TEMP B-TREE FOR ORDER BY",
    }


async def test_wrong_pins_are_found_by_an_index_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However long the chain is; records of anything else are not in it."""
    plan = await plan_of(monkeypatch, lambda desk: desk.ledger.wrong_pins(desk.now))

    assert plan == {"SEARCH audit USING INDEX audit_wrong_pin (at>?)"}
