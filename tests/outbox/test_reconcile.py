"""Finding out what became of a send whose answer was lost."""

from __future__ import annotations

from pathlib import Path

from tests.rigs import rig
from xdm_mcp.models.sends import SendState

FREE = {"confirmation": {"mode": "never"}}


async def test_a_look_that_a_limit_forbids_waits_for_it_and_costs_no_other(tmp_path: Path) -> None:
    """Else the five looks would be used up while X lets nobody read, and a person be asked."""
    async with rig(tmp_path, **FREE) as here:
        await here.fault("drop_after")
        assert (await here.send()).status == "unknown"
        await here.fault("rate_limit", method="GET", path="/2/dm_conv.*", times=1)
        here.later(seconds=6)
        await here.app.outbox.work()
        [waits] = await here.app.ledger.recent()
        assert (waits.state, waits.reads) == (SendState.UNKNOWN, 1)
        assert waits.next_read_at is not None
        minutes = (waits.next_read_at - here.clock.now()).total_seconds() / 60

        for _ in range(int(minutes)):
            here.later(minutes=1)
            await here.app.outbox.work()
        [still] = await here.app.ledger.recent()
        here.later(minutes=1)
        await here.app.outbox.work()
        [found] = await here.app.ledger.recent()

        assert minutes > 10
        assert still.reads == 1
        assert found.state is SendState.SENT
