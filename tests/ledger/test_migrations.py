"""The schema grows one numbered step at a time, each once, all or none."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from tests.contract.ledger.desk import START
from xdm_mcp.ledger import migrations, sqlite
from xdm_mcp.ledger.audit import records, verify
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.migrations import APPLICATION_ID, MIGRATIONS, migrate
from xdm_mcp.ledger.sql import Sql
from xdm_mcp.ledger.sqlite import ApswSql, SqliteDatabase


def test_steps_are_numbered_in_their_order() -> None:
    """The name of a step says which version it makes."""
    numbers = [int(step.__name__[1:4]) for step in MIGRATIONS]

    assert numbers == list(range(1, len(MIGRATIONS) + 1))


def test_a_step_that_was_taken_is_not_taken_again() -> None:
    """An up-to-date schema is left alone; an empty one is made and marked."""
    connection = apsw.Connection(":memory:")
    sql = ApswSql(connection)

    migrate(sql, 0)
    migrate(sql, len(MIGRATIONS))

    assert connection.pragma("user_version") == len(MIGRATIONS)
    assert connection.pragma("application_id") == APPLICATION_ID
    connection.close()


def test_tables_keep_their_types() -> None:
    """Every table is strict: text where a number belongs is refused."""
    connection = apsw.Connection(":memory:")
    migrate(ApswSql(connection), 0)

    with pytest.raises(apsw.ConstraintError):
        connection.execute("INSERT INTO daily VALUES ('100', 'today', 0, 0)")

    strict = connection.execute("SELECT name FROM pragma_table_list WHERE strict = 0").fetchall()
    assert [name for (name,) in strict if not name.startswith("sqlite_")] == []
    connection.close()


async def test_an_older_ledger_is_brought_up_to_date_with_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new step meets an old file: it is taken once, and what was written stays."""
    path = tmp_path / "ledger.db"
    old = SqlLedger(SqliteDatabase(path))
    assert await old.clear_halt("100", None, "owner", START) == 0
    await old.close()
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, _m999_next))
    monkeypatch.setattr(sqlite, "MIGRATIONS", (*MIGRATIONS, _m999_next))

    for _ in range(2):
        ledger = SqlLedger(SqliteDatabase(path))
        await ledger.recent()
        await ledger.close()

    connection = apsw.Connection(str(path))
    assert connection.pragma("user_version") == len(MIGRATIONS) + 1
    assert connection.execute("SELECT count(*) FROM later").fetchall() == [(1,)]
    connection.close()


async def test_a_step_that_fails_leaves_the_old_schema(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a schema is worse than none."""
    path = tmp_path / "ledger.db"
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, _m999_next, _fails))
    ledger = SqlLedger(SqliteDatabase(path))

    with pytest.raises(apsw.SQLError):
        await ledger.recent()

    await ledger.close()
    connection = apsw.Connection(str(path))
    assert connection.execute("SELECT count(*) FROM sqlite_schema").fetchall() == [(0,)]
    connection.close()


def _m999_next(sql: Sql) -> None:
    sql.run("CREATE TABLE later (x INTEGER) STRICT")
    sql.run("INSERT INTO later VALUES (1)")


def _fails(sql: Sql) -> None:
    sql.run("CREATE TABLE broken (")


def test_notes_of_persons_acts_become_the_beginning_of_the_audit_chain() -> None:
    """What the first version noted of a person's acts is kept, in order, and is sealed."""
    connection = apsw.Connection(":memory:")
    sql = ApswSql(connection)
    MIGRATIONS[0](sql)
    entry_id = _old_entry(sql)
    for at, deed in enumerate(("approved (person)", "rejected")):
        sql.run("INSERT INTO act VALUES (NULL, ?, ?, 'terminal', ?)", at, entry_id, deed)

    migrate(sql, 1)

    verdict = verify(sql)
    assert (verdict.broken_at, verdict.count) == (None, 2)
    assert [(r.entry_id, r.what) for r in records(sql, 0, 9)] == [
        (entry_id, '{"by":"terminal","deed":"approved (person)"}'),
        (entry_id, '{"by":"terminal","deed":"rejected"}'),
    ]
    connection.close()


def _old_entry(sql: Sql) -> int:
    """Write a row as the first version did; return its id."""
    [[entry_id]] = sql.all(
        "INSERT INTO entry (account_id, draft_key, request, backend, origin, peer, user_ids,"
        " content_digest, match_digest, similar_digest, cost, state, created_at, slot_at, fence,"
        " first_contact, automatic) VALUES ('100', 'd:1', 'r', 'x-api-v2', 'o', 'user:7', '7',"
        " 'c', 'm', 's', 1, 'held', 0, 0, 1, 1, 0) RETURNING id"
    )
    return int(entry_id)
