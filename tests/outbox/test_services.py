"""The whole way of a send over every service: held, approved, sent, and found out where unknown."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.rigs import IRIS, Rig
from tests.services import SERVICES, books
from xdm_mcp.sandbox.faults import Fault
from xdm_mcp.sandbox.told import deliveries


@pytest.mark.parametrize("name", SERVICES)
async def test_an_approved_send_is_delivered_once_and_paid_once(name: str, tmp_path: Path) -> None:
    """By the service's own wire, at its own price; an exact repeat sends nothing."""
    async with books(tmp_path, name) as here:
        rig = Rig(here.app, here.clock, tmp_path)
        sent = await rig.send_approved("It leaves today.")
        assert sent.status == "sent"
        again = await rig.send("It leaves today.")
        assert (again.status, again.message_id) == ("sent", sent.message_id)
        delivered = await here.journal.act(lambda hold: deliveries(hold, None, IRIS))
        assert [(each["id"], each["via"]) for each in delivered] == [(sent.message_id, name)]
        assert await here.booked() >= await here.billed()


@pytest.mark.parametrize("name", SERVICES)
async def test_a_lost_answer_is_found_out_by_reading(name: str, tmp_path: Path) -> None:
    """It was sent, nobody said so; the thread tells, and nothing goes out a second time."""
    async with books(tmp_path, name) as here:
        rig = Rig(here.app, here.clock, tmp_path)
        held = await rig.send("It leaves today.")
        await rig.approve(held)
        await here.fault(Fault("lost", "drop_after", method="POST"))
        await here.app.outbox.work()
        assert (await rig.send("It leaves today.")).status == "unknown"
        for _ in range(3):
            here.clock.advance(timedelta(seconds=40))
            await here.app.outbox.work()
        assert (await rig.send("It leaves today.")).status == "sent"
        delivered = await here.journal.act(lambda hold: deliveries(hold, None, IRIS))
        assert len(delivered) == 1
