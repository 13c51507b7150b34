"""A ledger that fails at the worst moment: no answer says that less was sent than may have been."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_types import CallToolResult

from tests.rigs import IRIS, Rig, rig
from tests.server.asking import MODES
from tests.server.test_confirm import CLIENT_WILL_DO, Dialog, connect
from tests.server.test_tools import words
from xdm_mcp.errors import LedgerUnavailable
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.models.sends import Outcome

ASKED = {"to": IRIS, "text": "On its way."}


class Outage:
    """Lets every transaction of a program's ledger fail while it is on."""

    def __init__(self, program: Rig) -> None:
        """Stand before the ledger."""
        self.on = False
        ledger = program.app.ledger
        assert isinstance(ledger, SqlLedger)
        for name in ("read", "write", "imagine"):
            setattr(ledger._database, name, self._before(getattr(ledger._database, name)))

    def _before(self, inner: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def asked(*given: Any) -> Any:
            if self.on:
                raise LedgerUnavailable("The ledger is kept busy; try again.")
            return await inner(*given)

        return asked


def after_each_send(program: Rig, then: Callable[[], Awaitable[None]]) -> None:
    """Do something once X has a message, before its answer is heard."""
    inner = program.app.backend.send

    async def send(*given: Any) -> Outcome:
        outcome = await inner(*given)
        await then()
        return outcome

    program.app.backend.send = send  # type: ignore[method-assign]


@pytest.mark.parametrize("mode", MODES)
async def test_what_was_approved_in_the_client_and_left_is_not_called_unsent(
    mode: str, tmp_path: Path
) -> None:
    """The receipt is known though nothing can be written down: it was sent."""
    async with rig(tmp_path, **CLIENT_WILL_DO) as program:
        outage = Outage(program)

        async def fails() -> None:
            outage.on = True

        after_each_send(program, fails)
        async with connect(program, mode, Dialog()) as client:
            answer = await client.call_tool("send_dm", ASKED)
        outage.on = False

        assert await program.deliveries() == ["On its way."]
        assert answer.structured_content["status"] == "sent"


@pytest.mark.parametrize("mode", MODES)
async def test_a_repeat_of_a_call_that_is_on_its_way_is_not_called_unsent(
    mode: str, tmp_path: Path
) -> None:
    """It may have been sent, and the ledger cannot say: nobody knows."""
    answers: dict[str, CallToolResult] = {}
    async with rig(tmp_path, confirmation={"mode": "never"}) as program:
        outage, begun, go_on = Outage(program), anyio.Event(), anyio.Event()

        async def waits() -> None:
            begun.set()
            await go_on.wait()

        after_each_send(program, waits)
        async with connect(program, mode, None) as one, connect(program, mode, None) as two:

            async def first() -> None:
                answers["first"] = await one.call_tool("send_dm", ASKED)

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(first)
                await begun.wait()
                inner = program.clock.sleep

                async def sleep(seconds: float) -> None:
                    outage.on = True
                    await inner(seconds)
                    program.later(seconds=60)

                program.clock.sleep = sleep  # type: ignore[method-assign]
                answers["second"] = await two.call_tool("send_dm", ASKED)
                program.clock.sleep = inner  # type: ignore[method-assign]
                outage.on = False
                go_on.set()

        assert words(answers["second"]).startswith("MAYBE SENT (unknown). ")
        assert answers["first"].structured_content["status"] == "sent"
        assert await program.deliveries() == ["On its way."]
