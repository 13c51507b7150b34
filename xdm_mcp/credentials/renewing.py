"""Renewing a login, in a process of its own that outlives whoever asked for it.

The authorization server spends a refresh token when it answers. Were the asking process killed
between that answer and the disk, the login would be lost. So a small child in a session of its own
does it: it inherits the lock, ignores the signals that end programs, and ends by itself. What can
still lose a login is a machine that stops, or somebody who kills this very child, in the
milliseconds between the server's answer and the disk; the note in the store then says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from time import monotonic, sleep
from types import MappingProxyType

from xdm_mcp.credentials import oauth
from xdm_mcp.credentials.forms import NoAnswer
from xdm_mcp.credentials.record import Record, mark
from xdm_mcp.credentials.store import Store, open_store
from xdm_mcp.errors import XdmError

LONGEST = 50
"""Seconds after which the child is ended whatever it does."""

SAVING = 20.0
"""Seconds for which it tries to save a pair of tokens that nobody else has."""


class End(IntEnum):
    """How a renewal ended; the child's exit code."""

    RENEWED = 0
    BROKEN = 3
    NOT_NOW = 4
    UNKNOWN = 5


def renew_stored(store: Store, backend: str, replaces: str) -> End:
    """Renew a stored login unless its access token is another one than that of the mark `replaces`.

    The caller holds the lock of this machine. The new pair is safe on the disk before this returns.
    """
    with store.alone(backend):
        return _renew_alone(store, backend, replaces)


def _renew_alone(store: Store, backend: str, replaces: str) -> End:
    record = store.load(backend)
    if record is None or record.broken:
        return End.BROKEN
    if mark(record.access) != replaces:
        return End.RENEWED
    cut_off = store.cut_off_at(record)
    store.note(record, datetime.now(UTC))
    try:
        new = oauth.renew(record, datetime.now(UTC))
    except NoAnswer as failure:
        if not failure.left:
            store.wipe_note(backend)
        return End.UNKNOWN if failure.left else End.NOT_NOW
    except oauth.NotNow:
        store.wipe_note(backend)
        return End.NOT_NOW
    except oauth.Broken:
        store.save(replace(record, broken=True))
        if cut_off is None:
            store.wipe_note(backend)
        return End.BROKEN
    _save(store, new)
    store.wipe_note(backend)
    return End.RENEWED


class Renewal:
    """A child that renews a login."""

    def __init__(
        self,
        home: Path,
        backend: str,
        replaces: str,
        lock: int,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Start it. It inherits the descriptor `lock` and with it the lock; `variables` are those
        of its store."""
        places = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
        self._child = subprocess.Popen(  # noqa: S603 - our own interpreter and our own module
            [sys.executable, "-P", "-m", __name__, str(home), backend, replaces],
            env={**os.environ, **variables, "PYTHONPATH": os.pathsep.join(filter(None, places))},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(lock,),
            start_new_session=True,
        )

    @property
    def end(self) -> int | None:
        """How it ended, None while it runs; an End or what a crash left."""
        return self._child.poll()

    def leave(self) -> None:
        """Let it go on by itself."""
        if self.end is None:
            threading.Thread(target=self._child.wait, daemon=True).start()


def main(arguments: list[str]) -> int:
    """Be the child: renew what the arguments name (home, backend, mark of the old token)."""
    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    signal.alarm(LONGEST)
    home, backend, replaces = arguments
    try:
        store = open_store(Path(home), os.environ.get("XDM_LEDGER_URL", ""))
        return renew_stored(store, backend, replaces)
    except XdmError:
        return End.UNKNOWN


def _save(store: Store, record: Record) -> None:
    """Save what nobody else has: while there is time, trouble is no reason to give up."""
    ends_at = monotonic() + SAVING
    while monotonic() < ends_at:
        with suppress(XdmError):
            store.save(record)
            return
        sleep(0.2)
    store.save(record)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
