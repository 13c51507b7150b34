"""What the forked processes do: a send, an approval, the recovery, the agent's retry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import apsw

from tests.faults import racing, storming
from tests.faults.clocks import START, SharedClock
from tests.faults.edges import Edges
from tests.faults.mutants import MUTANTS
from tests.faults.program import Program, told
from xdm_mcp.clock import to_ms
from xdm_mcp.errors import BadInput, XdmError
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.sqlite import SqliteDatabase
from xdm_mcp.models.results import SendResult
from xdm_mcp.models.sends import Assurance

Say = Callable[[dict[str, Any]], None]
"""Says something that survives the death of who said it."""

Ask = Mapping[str, Any]
"""The arguments of a send, as an agent gives them."""

WAKES = (65, 100, 240, 1_200, 5_400, 10_800)
"""Seconds after the start at which a recovering process looks for work: beyond the leases first,
then at the times of the read-backs."""


class Place:
    """Where a job runs: folder, world, policy, and the edge at which it dies."""

    def __init__(
        self,
        say: Say,
        *,
        home: str,
        origin: str,
        approvals: bool,
        patience: float | None = None,
        die_at: int | None = None,
        sleep_at: int | None = None,
        mutant: str | None = None,
    ) -> None:
        """Remember what every job is given, and break the program if a `mutant` is asked for."""
        if mutant is not None:
            MUTANTS[mutant]()
        self.clock = SharedClock(Path(home).parent / "clock")
        self.edges = Edges(die_at, sleep_at, lambda edge: say({"ended at": edge}))
        self._make = partial(
            Program,
            Path(home),
            self.clock,
            origin,
            approvals=approvals,
            edges=self.edges,
            patience=patience,
        )

    @asynccontextmanager
    async def program(self) -> AsyncIterator[Program]:
        """Open a program here, as a process of its own would."""
        program = self._make()
        try:
            yield program
        finally:
            await program.close()


async def prepare(say: Say, **given: Any) -> None:
    """Read the inbox, so that the ledger knows who wrote first."""
    async with Place(say, **given).program() as program:
        await program.inbox.page()


async def send(say: Say, *, ask: Ask, **given: Any) -> None:
    """Send once, as an agent may under a policy that asks nobody."""
    place = Place(say, **given)
    async with place.program() as program:
        await _ask(program, say, ask)
        say({"passed": place.edges.passed})


async def approved(say: Say, *, ask: Ask, **given: Any) -> None:
    """Ask, approve and send, each by a program of its own: an agent's, a person's, a server's."""
    place = Place(say, **given)
    async with place.program() as agent:
        result = await _ask(agent, say, ask)
    async with place.program() as terminal:
        await _approve(terminal, say, result)
    async with place.program() as background:
        say({"did": await background.outbox.work()})
    say({"passed": place.edges.passed})


async def recover(say: Say, *, wakes: Sequence[int] = WAKES, **given: Any) -> None:
    """Wake up again and again, and do what is due, as the background of a process does."""
    place = Place(say, **given)
    async with place.program() as program:
        for seconds in wakes:
            place.clock.move_on(START + timedelta(seconds=seconds))
            with place.clock.held():
                try:
                    say({"did": await program.outbox.work()})
                except XdmError as error:
                    say({"trouble": str(error)})


async def retry(say: Say, *, ask: Ask, **given: Any) -> None:
    """Send the same once more, as an agent that got no answer does."""
    place = Place(say, **given)
    async with place.program() as program:
        with place.clock.held():
            await _ask(program, say, ask)


async def finish(say: Say, *, ask: Ask, **given: Any) -> None:
    """Retry, approve what is held, wait until all is settled, and tell how the quotas stand before
    and after the wait."""
    place = Place(say, **given)
    async with place.program() as program:
        await _approve(program, say, await _ask(program, say, ask))
        await program.outbox.work()
        await _tell_quota(program, say)
        for hours in (4, 5, 6, 8, 11):
            place.clock.reach(START + timedelta(hours=hours))
            await program.outbox.work()
        await _tell_quota(program, say)


async def _approve(program: Program, say: Say, result: SendResult | None) -> None:
    if result is None or result.status != "held" or result.approval_id is None:
        return
    hold = (await program.outbox.find(result.approval_id)).hold
    if hold is None or hold.assurance is not None:
        return
    try:
        await program.outbox.approve(
            hold.approval_id, digest=hold.digest, assurance=Assurance.PERSON, by="test"
        )
    except BadInput as error:  # who slept meanwhile comes too late
        say({"trouble": str(error)})
    else:
        say({"approved": hold.approval_id})


async def _tell_quota(program: Program, say: Say) -> None:
    quota = told(await program.standing.quota())
    say({"quota": {"says": quota, "at": to_ms(program.clock.now())}})


async def _ask(program: Program, say: Say, ask: Ask) -> SendResult | None:
    try:
        result = await program.outbox.send(**ask)
    except XdmError as error:
        say({"trouble": str(error)})
        return None
    say({"answer": told(result)})
    return result


async def opening(say: Say, *, home: str, die_at: int | None = None, **_: Any) -> None:
    """Open a ledger in `home`, with an edge before each statement of SQLite's."""
    edges = Edges(die_at)

    def watch(_: apsw.Cursor, statement: str, __: object) -> bool:
        edges.at(statement)
        return True

    apsw.connection_hooks.append(lambda connection: setattr(connection, "exec_trace", watch))
    ledger = SqlLedger(SqliteDatabase(Path(home) / "ledger.db"))
    await ledger.recent()
    await ledger.close()
    say({"passed": edges.passed})


JOBS: Mapping[str, Callable[..., Coroutine[Any, Any, None]]] = {
    each.__name__: each
    for each in (
        *(prepare, send, approved, recover, retry, finish, opening),
        *(racing.meet, racing.race, racing.pyrate, storming.storm, storming.mend),
    )
}
"""The jobs by name."""
