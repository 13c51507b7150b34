"""A storm: processes that send through the real outbox, meet faults, and are killed while they do.

What left is written by the pretend backend into a file that all share, so that the ledger can be
held against it.
"""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from tests.contract.ledger.desk import NOT_SENT, REFUSED, UNKNOWN
from tests.faults.clocks import START
from tests.faults.quick import PEOPLE, Quick, QuickApp, Roomy
from tests.faults.racing import Say, words
from xdm_mcp.backends.base import Prices
from xdm_mcp.clock import ManualClock
from xdm_mcp.ledger.opening import open_ledger
from xdm_mcp.models.quota import Limit
from xdm_mcp.models.sends import Outcome
from xdm_mcp.outbox import sending

ROOM = 10**6
PRICE = 7
FAULTS = 0.05
"""The share of the sends that meet one of the faults."""

MENDING = timedelta(minutes=2)
"""When the survivors look: after every lease."""


class Spacious(Roomy):
    """A policy whose windows are of every kind and have room for a storm."""

    def limits(self, account_id: str, backend_limits: Sequence[Limit]) -> tuple[Limit, ...]:
        """See Policy.limits."""
        quarter, day = timedelta(minutes=15), timedelta(hours=24)
        messages = f"{account_id}/messages"
        return (
            Limit(f"{account_id}/requests", ROOM, quarter),
            Limit(messages, ROOM, day, counts="messages"),
            Limit(messages, ROOM - 1, day, counts="messages", reply_exempt=True),
        )


class Faulty(Quick):
    """Delivers into a file, and goes wrong as often as `FAULTS` says."""

    capabilities = replace(
        Quick.capabilities, prices=Prices(PRICE, 0, 0, "ours"), reply_credit=True
    )

    def __init__(self, file: Path, worker: int) -> None:
        """Append to `file`."""
        super().__init__(self._act, worker)
        self._file = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        self._random = Random(worker)  # noqa: S311 - repeats, guards nothing

    def _act(self, text: str) -> Outcome | None:
        """Deliver, or refuse, or lose; answer, or not."""
        fault = None
        if self._random.random() < FAULTS:
            fault = self._random.choice(["unseen", "lost", "refused", "not sent"])
        if fault in (None, "unseen"):
            os.write(self._file, text.encode() + b"\n")
        return {"unseen": UNKNOWN, "lost": UNKNOWN, "refused": REFUSED, "not sent": NOT_SENT}.get(
            fault or ""
        )


def open_app(home: str, url: str, worker: int, at: timedelta = timedelta()) -> QuickApp:
    """Open the program as one process of the storm."""
    policy = Spacious.of(ROOM)
    backend = Faulty(Path(home) / "deliveries", worker)
    return QuickApp(open_ledger(url), backend, policy, ManualClock(START + at))


async def storm(
    say: Say, *, home: str, url: str, worker: int, seconds: float, most: int, **_: Any
) -> None:
    """Send until killed after so many seconds of it, or `most` times."""
    app = open_app(home, url, worker)
    await app.ledger.recent(1)
    # Two unknown outcomes in a row halt an account, and in a storm they follow now and then: nobody
    # is there to clear it. This process is a child and ends with the storm.
    sending.trip = lambda attempts, now: None
    _die_after(seconds)
    for number in range(most):
        who = PEOPLE[number % len(PEOPLE)]
        await app.outbox.send(text=words(worker, number), to=who)
    await app.ledger.close()


async def mend(say: Say, *, home: str, url: str, worker: int, **_: Any) -> None:
    """Do what a surviving process does once the leases of the dead are over."""
    app = open_app(home, url, worker, MENDING)
    say({"did": await app.outbox.work()})
    await app.ledger.close()


def _die_after(seconds: float) -> None:
    """Have somebody else kill this process at whatever it is doing then; nobody, if it ended."""
    alive, ends = os.pipe()
    victim = os.getpid()
    if os.fork() == 0:
        os.close(ends)
        if not select.select([alive], [], [], seconds)[0]:
            os.kill(victim, signal.SIGKILL)
        os._exit(0)
    os.close(alive)  # `ends` stays open for as long as this process lives
