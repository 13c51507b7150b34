"""What a crash leaves to the next process, through the whole program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.contract.ledger.desk import Desk, draft
from tests.rigs import IRIS, JUNE, Rig, rig
from xdm_mcp.models.sends import Halt

FREE = {"confirmation": {"mode": "never"}}


async def dies_with(home: Path, before: Rig, text: str) -> None:
    """Let a process of its own end just after a send to Iris was written as in flight."""
    async with rig(home, before.clock, **FREE) as here:
        account = (await here.app.people.account()).id
        backend = here.app.backend
        wanted = replace(draft(text, IRIS), account_id=account, backend=backend.name)
        await Desk(here.app.ledger, here.clock.now()).flying(wanted, ())


async def test_after_two_processes_died_with_their_sends_nothing_leaves_until_a_person_looked(
    tmp_path: Path,
) -> None:
    """The very send that finds them is refused, and a dry run before it says so."""
    async with rig(tmp_path, **FREE) as here:
        for text in ("One.", "Two."):
            await dies_with(tmp_path, here, text)
            here.later(seconds=5)
        here.later(minutes=2)

        for dry_run in (True, False):
            refused = await here.send("Three.", to=JUNE, dry_run=dry_run)
            assert "halt" in {reason.rule for reason in refused.reasons}
            assert "unknown_outcomes" in " ".join(r.says for r in refused.reasons)
        assert await here.deliveries() == []

        account = (await here.app.people.account()).id
        await here.app.ledger.clear_halt(account, None, "test", here.clock.now())
        here.later(minutes=2)
        assert "halt" not in {r.rule for r in (await here.send("Three.", to=JUNE)).reasons}


async def test_a_halt_keeps_sends_in_even_where_its_rule_is_switched_off(tmp_path: Path) -> None:
    """They fail before they leave."""
    async with rig(tmp_path, **FREE, halt={"enabled": False}) as here:
        account = (await here.app.people.account()).id
        await here.app.ledger.halt(account, Halt("locked", "X locked it.", here.clock.now()))

        refused = await here.send()

        assert (refused.status, refused.code) == ("failed", "halted")
        assert await here.deliveries() == []
