"""A login in the ledger's database: one for several machines, renewed by one of them at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep

import anyio
import pytest

from tests.credentials.serving import BACKEND, Served
from tests.credentials.test_record import RECORD
from tests.postgres import fresh_url
from xdm_mcp.clock import SystemClock
from xdm_mcp.credentials.bearer import StoredBearer
from xdm_mcp.credentials.record import Record
from xdm_mcp.credentials.store import Store, open_store
from xdm_mcp.errors import ConfigError, Unavailable
from xdm_mcp.ledger.opening import open_ledger

ASKING = """
import sys, anyio
from pathlib import Path
from xdm_mcp.clock import SystemClock
from xdm_mcp.credentials.bearer import StoredBearer
home, url, ledger = sys.argv[1:]
bearer = StoredBearer(Path(home), "x-api-v2", url, SystemClock(), ledger_url=ledger)
anyio.run(bearer.token)
"""
"""A program that asks for a token and does nothing else."""


@pytest.fixture
async def ledger() -> str:
    """The address of a ledger whose tables are there."""
    url = fresh_url()
    opened = open_ledger(url)
    await opened.recent()
    await opened.close()
    return url


@pytest.fixture
def stores(tmp_path: Path, ledger: str) -> tuple[Store, Store]:
    """The stores of two machines over one ledger."""
    one, other = (open_store(tmp_path / name, ledger) for name in ("one", "other"))
    return one, other


def expired(x: Served, store: Store) -> Record:
    """Keep a new login in the database whose access token has just ended."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    record = x.record(renew_at=past, expires_at=past)
    store.save(record, "database")
    x.authority.expire()
    return record


def bearer(x: Served, store: Store, ledger: str) -> StoredBearer:
    """Return what speaks for the login on one machine."""
    return StoredBearer(store.folder.parent, BACKEND, x.url, SystemClock(), ledger_url=ledger)


def test_a_login_is_kept_for_every_machine_and_forgotten_for_all(
    stores: tuple[Store, Store],
) -> None:
    """Nothing of it is on either disk."""
    one, other = stores
    assert other.load(RECORD.backend) is None
    one.save(RECORD, "database")
    assert other.load(RECORD.backend) == RECORD
    assert [store.place_of(RECORD.backend) for store in stores] == ["database"] * 2
    other.save(replace(RECORD, handle="new"))
    assert (one.load(RECORD.backend) or RECORD).handle == "new"
    assert not one.folder.exists()
    one.delete(RECORD.backend)
    assert other.load(RECORD.backend) is None


def test_a_login_moves_between_file_and_database(stores: tuple[Store, Store]) -> None:
    """Nothing stays behind, and a file of this home comes first."""
    one, other = stores
    one.save(RECORD, "file")
    assert other.load(RECORD.backend) is None
    one.save(RECORD, "database")
    assert not one.file_of(RECORD.backend).exists()
    other.save(replace(RECORD, handle="here"), "file")
    assert one.load(RECORD.backend) is None
    assert other.place_of(RECORD.backend) == "file"


def test_a_ledger_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Before anybody logs in: no schema, no server, or no database at all."""
    with pytest.raises(ConfigError, match="no ledger"):
        open_store(tmp_path, fresh_url()).check("database")
    with pytest.raises(Unavailable, match="does not answer"):
        open_store(tmp_path, "postgresql:///xdm?host=/nowhere").check("database")
    with pytest.raises(ConfigError, match="XDM_LEDGER_URL"):
        open_store(tmp_path, "sqlite:///ledger.db").check("database")


async def test_two_machines_renew_once(x: Served, stores: tuple[Store, Store], ledger: str) -> None:
    """Both ask at the same moment, again and again; nobody shows a spent token."""
    for number in range(4):
        expired(x, stores[0]) if not number else _end_token(x, stores[0])
        tokens: list[str] = []

        async def ask(store: Store, heard: list[str] = tokens) -> None:
            token = await bearer(x, store, ledger).token()
            heard.append(token.get_secret_value())

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for store in stores:
                    tasks.start_soon(ask, store)
        assert len(tokens) == 2
        assert len(set(tokens)) == 1
        assert (x.renewals, x.authority.counts["reused"]) == (number + 1, 0)
    assert x.authority.families[0].alive


async def test_a_machine_waits_for_the_renewal_of_another(
    x: Served, stores: tuple[Store, Store], ledger: str
) -> None:
    """It takes what came of it, although its own token has ended."""
    expired(x, stores[0])
    x.fault(path="/oauth2/token", kind="delay", seconds=1.0, when="before")
    first = bearer(x, stores[0], ledger)
    with anyio.fail_after(60):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first.token)
            while stores[1].cut_off_at(_stored(stores[1])) is None:  # noqa: ASYNC110 - as told
                await anyio.sleep(0.02)
            token = await bearer(x, stores[1], ledger).token()
    assert token.get_secret_value() == _stored(stores[0]).access
    assert (x.renewals, x.authority.counts["reused"]) == (1, 0)


def test_a_server_killed_between_xs_answer_and_the_database_loses_nothing(
    x: Served, stores: tuple[Store, Store], ledger: str
) -> None:
    """The child that renews goes on and saves the new pair; the other machine uses it."""
    expired(x, stores[0])
    x.fault(path="/oauth2/token", kind="delay", seconds=0.5, when="after")
    arguments = [str(stores[0].folder.parent), x.url, ledger]
    with subprocess.Popen(
        [sys.executable, "-c", ASKING, *arguments], start_new_session=True
    ) as server:
        ends_at = monotonic() + 60
        while not x.renewals:
            assert monotonic() < ends_at
            sleep(0.005)
        os.killpg(server.pid, signal.SIGKILL)
    with anyio.from_thread.start_blocking_portal() as portal:
        token = portal.call(bearer(x, stores[1], ledger).token)
    assert x.authority.scopes_of(token.get_secret_value())
    assert (x.renewals, x.authority.counts["reused"]) == (1, 0)


async def test_a_renewal_that_was_cut_off_is_known_to_the_other_machine(
    stores: tuple[Store, Store],
) -> None:
    """Its note is in the row, for the very token that may be spent."""
    one, other = stores
    one.save(RECORD, "database")
    assert other.cut_off_at(RECORD) is None
    began = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    one.note(RECORD, began)
    assert other.cut_off_at(RECORD) == began
    one.wipe_note(RECORD.backend)
    assert other.cut_off_at(RECORD) is None


def _end_token(x: Served, store: Store) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    store.save(replace(_stored(store), renew_at=past, expires_at=past))
    x.authority.expire()


def _stored(store: Store) -> Record:
    record = store.load(BACKEND)
    assert record is not None
    return record
