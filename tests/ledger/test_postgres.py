"""What the engine for many machines must do as PostgreSQL: shared, durable, and whole when the
server is not."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import closing
from types import SimpleNamespace

import psycopg
import pytest

from tests.contract.ledger.desk import Desk, draft
from tests.ledger.test_sqlite import run_each
from tests.postgres import emptied_url, fresh_url
from xdm_mcp.errors import ConfigError, LedgerUnavailable
from xdm_mcp.ledger import postgres, session
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.migrations import MIGRATIONS
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.ledger.postgres import PostgresDatabase
from xdm_mcp.ledger.sql import Sql

NOWHERE = "postgresql://me:secret@/xdm?host=/nowhere&password=secret"


@pytest.fixture
def url() -> str:
    """The address of a ledger without a row."""
    return emptied_url()


@pytest.fixture
async def database(url: str) -> AsyncIterator[PostgresDatabase]:
    """An engine there."""
    database = PostgresDatabase(url)
    yield database
    await database.close()


@pytest.fixture
def desk(database: PostgresDatabase) -> Desk:
    """A desk over that engine."""
    return Desk(SqlLedger(database))


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    """Say something to the server from outside."""
    with psycopg.connect(url, autocommit=True) as other:
        cursor = other.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_its_place_shows_no_password() -> None:
    """Neither from before the host nor from the end of the address, and no user either."""
    assert open_ledger(NOWHERE).place == "postgresql:///nowhere/xdm"
    assert open_ledger("postgres://me:secret@db.example:5433/xdm").place == (
        "postgresql://db.example:5433/xdm"
    )


def test_an_address_that_cannot_be_read_is_not_repeated() -> None:
    """The sentence says how one is written."""
    with pytest.raises(ConfigError, match="postgresql://user@host/database") as refusal:
        open_ledger("postgresql://me:secret@db.example/xdm?colour=red")

    assert "secret" not in str(refusal.value)


def test_without_the_driver_the_sentence_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """PostgreSQL is an extra."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "xdm_mcp.ledger.postgres")
    monkeypatch.delitem(sys.modules, "xdm_mcp.ledger.session")

    with pytest.raises(ConfigError, match=r"uv tool install '\.\[postgres\]'"):
        open_ledger("postgresql://db.example/xdm")


async def test_a_server_that_is_not_there_is_said_to_be_so() -> None:
    """Without a word of the password."""
    with pytest.raises(LedgerUnavailable, match="cannot be reached") as refusal:
        await open_ledger(NOWHERE).recent()

    assert "secret" not in str(refusal.value) + str(refusal.value.__cause__)


async def test_every_commit_is_on_disk_whatever_the_role_prefers(url: str) -> None:
    """A weaker setting of the session is strengthened for each transaction, a stronger one kept."""
    for preferred, kept in [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")]:
        database = PostgresDatabase(f"{url}%20-csynchronous_commit%3D{preferred}")
        setting = await database.write(lambda sql: sql.one("SHOW synchronous_commit"))
        await database.close()
        assert setting == (kept,)


async def test_a_session_that_the_server_ended_meanwhile_is_replaced(desk: Desk, url: str) -> None:
    """A restart between two sends is nobody's business."""
    await desk.reserved(draft("One"))
    end_sessions(url)

    assert len(await desk.ledger.recent()) == 1
    end_sessions(url)
    await desk.reserved(draft("Two"))


async def test_a_session_that_dies_within_a_transaction_leaves_nothing_of_it(
    desk: Desk, database: PostgresDatabase, url: str
) -> None:
    """The caller learns that nothing was changed, and the next transaction works."""

    def work(sql: Sql) -> None:
        sql.run("INSERT INTO daily (account_id, day, spent, automatic) VALUES ('100', 1, 2, 3)")
        end_sessions(url)
        sql.one("SELECT 1")

    with pytest.raises(LedgerUnavailable, match="cannot be reached"):
        await database.write(work)

    assert (await desk.ledger.spend("100", desk.now)).total == 0


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_commit_whose_answer_is_lost_is_found_out(
    desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch, carried_out: bool
) -> None:
    """The server is asked what became of it, so that an error always means that nothing changed."""
    await desk.facts(draft())  # draws the key of this ledger
    plain = PostgresDatabase._say

    def cut(self: PostgresDatabase, kept: session.Session, end: str) -> str | None:
        monkeypatch.undo()
        if carried_out:
            plain(self, kept, end)
        end_sessions(url)
        return plain(self, kept, end)

    monkeypatch.setattr(PostgresDatabase, "_say", cut)

    if carried_out:
        await desk.reserved(draft())
    else:
        with pytest.raises(LedgerUnavailable):
            await desk.reserved(draft())

    assert len(await desk.ledger.recent()) == carried_out


async def test_a_commit_that_nobody_can_tell_about_is_given_up(
    desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server does not come back in time."""
    await desk.ledger.recent()
    monkeypatch.setattr(postgres, "PATIENCE", 0.0)

    def cut(self: PostgresDatabase, kept: session.Session, end: str) -> str | None:
        self._address = {"host": "/nowhere"}
        kept.close()
        raise psycopg.OperationalError("gone")

    monkeypatch.setattr(PostgresDatabase, "_say", cut)

    with pytest.raises(LedgerUnavailable, match="cannot be reached"):
        await desk.reserved(draft())


async def test_a_ledger_that_another_process_holds_says_so(
    desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wait for the lock has an end; afterwards all is well."""
    monkeypatch.setattr(session, "WRITE", session.WRITE.replace("'5s'", "'50ms'"))
    await desk.ledger.recent()
    with psycopg.connect(url, autocommit=True) as other:
        session.begin_write(other)
        with pytest.raises(LedgerUnavailable, match="busy"):
            await desk.reserve(draft())

    await desk.reserved(draft())


async def test_a_process_that_stands_still_loses_the_lock(
    desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends its transaction, and the others go on."""
    await desk.ledger.recent()
    with closing(psycopg.connect(url, autocommit=True)) as other:
        with monkeypatch.context() as quick:
            quick.setattr(session, "WRITE", session.WRITE.replace("'10s'", "'50ms'"))
            session.begin_write(other)

        await desk.reserved(draft())


async def test_a_full_disk_is_named_and_nothing_is_half_written() -> None:
    """The send that does not fit leaves no charge."""
    url = fresh_url()
    desk = Desk(open_ledger(url))
    await desk.reserved(draft("One"))
    ask(
        url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE 'no room' USING ERRCODE = 'disk_full'; END $$;"
        " CREATE TRIGGER refusing BEFORE INSERT ON entry EXECUTE FUNCTION refuse()",
    )
    counting = "SELECT sum(seq), (SELECT count(*) FROM charge) FROM scope"
    before = ask(url, counting)

    with pytest.raises(LedgerUnavailable, match="disk is full"):
        await desk.reserve(draft("Two"))

    assert ask(url, counting) == before
    await desk.ledger.close()


async def test_a_server_that_takes_no_changes_is_named(url: str) -> None:
    """A session that may only read, and a user who may not even do that."""
    ledger = open_ledger(f"{url}%20-cdefault_transaction_read_only%3Don")
    with pytest.raises(LedgerUnavailable, match="cannot be written"):
        await Desk(ledger).reserve(draft())
    await ledger.close()

    stranger = f"{url}%20-crole%3Dstranger"
    ask(url, "CREATE ROLE stranger")
    with pytest.raises(LedgerUnavailable, match="no schema"):
        await open_ledger(stranger).recent()

    ask(url, "GRANT USAGE ON SCHEMA shared TO stranger")
    with pytest.raises(LedgerUnavailable, match="closed to this user"):
        await open_ledger(stranger).recent()


async def test_a_clock_far_from_the_servers_sends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Machines that share a ledger share its windows; ahead or behind makes no difference."""
    for off in (-3, 3):
        wrong = SimpleNamespace(time=lambda off=off: time.time() + off)
        monkeypatch.setattr(session, "time", wrong)
        with pytest.raises(LedgerUnavailable, match="clock"):
            await desk.reserve(draft())
        monkeypatch.undo()

    await desk.reserved(draft())


async def test_a_newer_ledger_is_refused() -> None:
    """Its rows may mean something that this version does not know."""
    url = fresh_url()
    ask(url, "CREATE TABLE ledger_version (version BIGINT); INSERT INTO ledger_version VALUES (99)")

    with pytest.raises(LedgerUnavailable, match="newer version"):
        await open_ledger(url).recent()


async def test_another_programs_tables_are_left_alone() -> None:
    """A database that somebody else uses under the same names."""
    url = fresh_url()
    ask(url, "CREATE TABLE entry (id BIGINT)")

    with pytest.raises(LedgerUnavailable, match="another program"):
        await open_ledger(url).recent()

    assert ask(url, "SELECT to_regclass('scope'), to_regclass('ledger_version')") == [(None, None)]


async def test_an_older_ledger_is_brought_up_to_date_with_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A new step is taken once, and what was written stays."""
    url = fresh_url()
    old = Desk(open_ledger(url))
    await old.reserved(draft())
    await old.ledger.close()
    monkeypatch.setattr(session, "MIGRATIONS", (*MIGRATIONS, _next))

    for _ in range(2):
        ledger = open_ledger(url)
        assert len(await ledger.recent()) == 1
        await ledger.close()

    assert ask(url, "SELECT x FROM later") == [(1,)]
    assert ask(url, "SELECT version FROM ledger_version") == [(len(MIGRATIONS) + 1,)]


async def test_a_step_that_fails_leaves_the_old_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a schema is worse than none."""
    url = fresh_url()
    monkeypatch.setattr(session, "MIGRATIONS", (*MIGRATIONS, _next, _fails))

    with pytest.raises(psycopg.ProgrammingError):
        await open_ledger(url).recent()

    assert ask(url, "SELECT to_regclass('entry'), to_regclass('ledger_version')") == [(None, None)]


def test_processes_may_open_a_new_ledger_at_once() -> None:
    """Four of them race to make the schema, and every one can work with it."""
    program = (
        "import sys, anyio\n"
        "from datetime import UTC, datetime\n"
        "from xdm_mcp.ledger.opening import open_ledger\n"
        "from xdm_mcp.models.people import User\n"
        "async def main():\n"
        "    ledger = open_ledger(sys.argv[1])\n"
        "    await ledger.remember_users([User(sys.argv[2])], datetime.now(UTC))\n"
        "    await ledger.close()\n"
        "anyio.run(main)\n"
    )
    url = fresh_url()

    assert run_each(program, *([url, str(number)] for number in range(4))) == [(0, b"")] * 4
    assert ask(url, "SELECT count(*) FROM person") == [(4,)]


async def test_a_killed_process_leaves_what_it_committed_and_nothing_else(
    desk: Desk, url: str
) -> None:
    """SIGKILL within a transaction: the dispatch before it stands, the half reservation is gone."""
    program = (
        "import os, signal, sys, anyio\n"
        "from tests.contract.ledger.desk import Desk, draft\n"
        "from xdm_mcp.ledger.opening import open_ledger\n"
        "def die(facts, now):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "async def main():\n"
        "    desk = Desk(open_ledger(sys.argv[1]))\n"
        "    await desk.flying(draft('One'))\n"
        "    await desk.reserve(draft('Two'), die)\n"
        "anyio.run(main)\n"
    )

    assert run_each(program, [url]) == [(-signal.SIGKILL, b"")]

    desk.later(minutes=2)
    [due] = await desk.ledger.due(desk.now)
    assert (due.text, due.state) == ("One", "unknown")
    assert (await desk.reserve(draft("Two"))).entry is not None


def end_sessions(url: str) -> None:
    """End every other session on the server, as a restart does."""
    ask(
        url,
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
    )


def _next(sql: Sql) -> None:
    sql.run("CREATE TABLE later (x INTEGER) STRICT")
    sql.run("INSERT INTO later VALUES (?)", 1)


def _fails(sql: Sql) -> None:
    sql.run("CREATE TABLE broken (")
