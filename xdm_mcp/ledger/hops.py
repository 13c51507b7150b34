"""One hop to a worker thread per transaction, one transaction at a time.

The thread is ours and does nothing else: against a pool shared with the rest of the program, a hop
spares the search for a free thread and two rounds of the event loop, which is half of its time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

import anyio
from anyio.lowlevel import checkpoint_if_cancelled

from xdm_mcp.ledger.sql import T

IDLE = 1.0
"""How long (s) the thread waits for another step before it ends; the next step starts a new one."""

Job = Callable[[], None]


class Hops:
    """Runs steps in a worker thread, one after another, in whichever event loops they are asked
    for."""

    def __init__(self) -> None:
        """Start nothing."""
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._runs = False
        self._lock = threading.Lock()  # between a thread that ends and a step that comes

    async def hop(self, step: Callable[[], T]) -> T:
        """Return what `step` returns, or raise what it raises.

        It is not abandoned on cancel: a transaction is never cut in half, and its caller learns
        what it did.
        """
        await checkpoint_if_cancelled()
        told: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(partial(_carry_out, step, told))
        with anyio.CancelScope(shield=True):
            await told
        return told.result()

    def end(self) -> None:
        """Let the thread end after what was asked of it so far."""
        with self._lock:
            if self._runs:
                self._jobs.put(None)

    def _put(self, job: Job) -> None:
        with self._lock:
            if not self._runs:
                # Not a daemon: a program that ends lets a transaction end first.
                threading.Thread(target=self._run, name="xdm-ledger").start()
                self._runs = True
            self._jobs.put(job)  # last: where no thread can be had, nothing is done later either

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE)
            except Empty:
                job = None
            if job is not None:
                job()
                del job  # else what it holds would live until the next
                continue
            with self._lock:
                if self._jobs.empty():
                    self._runs = False
                    return


def _carry_out(step: Callable[[], T], told: asyncio.Future[T]) -> None:
    try:
        tell = partial(told.set_result, step())
    except BaseException as error:  # noqa: BLE001 - it is the caller's, whatever it is
        tell = partial(told.set_exception, error)
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        told.get_loop().call_soon_threadsafe(_tell, told, tell)
    del tell  # an error would hold this frame, and this frame the error


def _tell(told: asyncio.Future[T], tell: Job) -> None:
    if not told.done():
        tell()
