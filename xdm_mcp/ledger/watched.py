"""The transactions of an engine as steps: how long each took, and that something changed."""

from __future__ import annotations

from xdm_mcp.ledger.changes import Changes
from xdm_mcp.ledger.sql import Database, T, Work
from xdm_mcp.steps import Steps


class WatchedDatabase:
    """See Database. Each transaction of `database` is a step, named after the method of the ledger
    that asked for it."""

    def __init__(self, database: Database, steps: Steps) -> None:
        """Pass everything on to `database`; take steps in `steps`."""
        self._database = database
        self._steps = steps

    @property
    def place(self) -> str:
        """See Database.place."""
        return self._database.place

    async def read(self, work: Work[T]) -> T:
        """See Database.read."""
        with self._steps.step("read", operation(work)) as step:
            step.result = result = await self._database.read(work)
        return result

    async def write(self, work: Work[T]) -> T:
        """See Database.write."""
        with self._steps.step("write", operation(work)) as step:
            step.result = result = await self._database.write(work)
        return result

    async def imagine(self, work: Work[T]) -> T:
        """See Database.imagine."""
        with self._steps.step("imagine", operation(work)) as step:
            step.result = result = await self._database.imagine(work)
        return result

    async def scrub(self, patience: float) -> bool:
        """See Database.scrub."""
        with self._steps.step("write", "scrub"):
            return await self._database.scrub(patience)

    async def changes(self) -> Changes:
        """See Database.changes. Waiting is no step."""
        return await self._database.changes()

    async def close(self) -> None:
        """See Database.close."""
        await self._database.close()


def operation(work: Work[T]) -> str:
    """Return the name of a piece of work, or of the method in which it was written: `reserve` for
    the lambda in `SqlLedger.reserve`."""
    outer = str(getattr(work, "__qualname__", "")).split(".<locals>", 1)[0]
    return outer.rpartition(".")[2] or "other"
