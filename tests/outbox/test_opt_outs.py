"""Who asks us to stop while a send to them waits for its turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.contract.ledger.desk import snowflake
from tests.outbox.test_standing_rules import Interrupted
from tests.rigs import IRIS, START, Rig, rig
from xdm_mcp.models.messages import Message, pair_id

FREE: dict[str, Any] = {"confirmation": {"mode": "never"}, "taint": {"enabled": False}}


async def stops(here: Rig) -> None:
    """Let Iris ask us to stop, and a process read it."""
    account, now = await here.app.people.account(), here.clock.now()
    said = Message(snowflake(now), pair_id(account.id, IRIS), IRIS, now, "Stop.")
    await here.app.ledger.record(account.id, [said], here.app.policy.opted_out, now)


@pytest.mark.parametrize("heeds", [True, False])
async def test_nothing_leaves_to_whoever_asked_us_to_stop_during_the_pause(
    tmp_path: Path, heeds: bool
) -> None:
    """Unless the owner switched the rule off that heeds it, which then lets all of it pass."""
    clock = Interrupted(START)
    async with rig(tmp_path, clock, **FREE, recipients={"enabled": heeds}) as here:
        assert (await here.send("One.")).status == "sent"
        clock.meanwhile = lambda: stops(here)

        result = await here.send("Two, of another kind.")

        if heeds:
            assert (result.status, result.code) == ("failed", "opted_out")
            assert f"clear opt-out {IRIS}" in result.says
            assert (await here.send("Two, of another kind.")).status == "denied"
        assert len(await here.deliveries()) == (1 if heeds else 2)
