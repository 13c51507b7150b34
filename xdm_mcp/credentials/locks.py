"""One holder at a time among all processes, by a lock that can be handed to a child.

The lock belongs to the open file, not to the process: a child that inherits the descriptor keeps it
when its parent is killed, and the system takes it back when the last of them ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio

from xdm_mcp.credentials.files import make_folder
from xdm_mcp.errors import BackendUnavailable

LOOK_EVERY = 0.03
"""Seconds between looks at a lock that somebody else holds."""

LONGEST = 60.0
"""Seconds after which we no longer wait: nobody may hold it for so long."""


@asynccontextmanager
async def locked(path: Path) -> AsyncIterator[int]:
    """Hold the lock `path`; yield its descriptor, for a child to inherit.

    At the end only our own hold ends: a child that still lives keeps its own. Raises
    BackendUnavailable after `LONGEST`.
    """
    make_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        await _take(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


async def _take(descriptor: int) -> None:
    with anyio.move_on_after(LONGEST):
        while not _taken(descriptor):  # noqa: ASYNC110 - a lock tells nobody
            await anyio.sleep(LOOK_EVERY)
        return
    raise BackendUnavailable("Another process has been renewing the login for long; try again.")


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
