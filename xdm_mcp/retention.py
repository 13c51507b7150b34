"""Erasing kept messages when their time has come, or when the owner keeps none any more.

In small batches with pauses between them, so that no send waits long for it, and once a day; any
process may do it, and what one leaves undone the next one does. At the end the files are written
anew: where SQLite moved a row within a page, a copy of it may lie there that no deletion finds.
"""

from __future__ import annotations

import itertools
from datetime import timedelta

from xdm_mcp.clock import Clock
from xdm_mcp.ledger.kept import KeptLedger
from xdm_mcp.people import People

BATCH, LARGE_BATCH = 100, 1_000
"""How many messages one transaction erases: each with its words in the index, or after the index
went at once."""

PAUSE = 0.05
"""Seconds between two transactions: others write meanwhile."""

PATIENCE = 0.1
"""How long (s) the log may be waited for; if others read just then, the next round does it."""


class Retention:
    """Keeps to the owner's word about kept messages of one account."""

    def __init__(
        self, ledger: KeptLedger, people: People, clock: Clock, keep: timedelta | None
    ) -> None:
        """Have messages kept in `ledger` for `keep`, with None not at all."""
        self._ledger = ledger
        self._people = people
        self._clock = clock
        self._keep = keep

    async def run(self) -> int:
        """Erase what is due, and every trace of it; return how many messages went."""
        if not await self._ledger.keeps_any():
            return 0  # so that nobody is asked for the account without need
        account = await self._people.account()
        # By whole days, since the files are written anew after each time.
        today = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        erased, limit = 0, LARGE_BATCH if self._keep is None else BATCH
        while batch := await self._ledger.sweep_kept(account.id, self._keep, today, limit):
            erased += batch
            await self._clock.sleep(PAUSE)
        if await self._ledger.has_traces(account.id):
            await leave_no_trace(self._ledger, account.id, PATIENCE, self._clock)
        return erased


async def leave_no_trace(
    ledger: KeptLedger, account_id: str, patience: float, clock: Clock | None = None
) -> bool:
    """Take what erasing left out of index and files, with pauses on `clock` where one is given.
    False where others kept it from finishing within `patience` (s)."""
    for step in itertools.count():
        if not await ledger.tidy_kept(account_id, begin=step == 0):
            break
        if clock is not None:
            await clock.sleep(PAUSE)
    return await ledger.scrub(patience)
