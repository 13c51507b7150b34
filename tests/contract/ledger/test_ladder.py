"""The ladder of assurance: what a hold asks for is what it takes, at `approve` and at `claim`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from tests.contract.ledger.desk import LIMITS, MESSAGES, Desk, draft, message
from xdm_mcp.errors import BadInput
from xdm_mcp.guard.policy import Policy
from xdm_mcp.guard.presets import PRESETS
from xdm_mcp.ledger.entries import change, load
from xdm_mcp.ledger.keeping import SqlLedger
from xdm_mcp.ledger.rows import hold_text
from xdm_mcp.models.sends import Assurance, Entry, SendState

LADDER = list(Assurance)
ASKED = [Assurance.CLIENT, Assurance.PERSON, Assurance.PASSKEY]


async def weakened(desk: Desk, entry: Entry, given: Assurance | None) -> Entry:
    """Rewrite the approval of an entry behind the ledger's back, as a thief of the file could."""
    assert entry.hold is not None
    assert isinstance(desk.ledger, SqlLedger)
    text = hold_text(replace(entry.hold, assurance=given))
    return await desk.ledger._database.write(
        lambda sql: change(sql, load(sql, entry.id), hold=text).entry
    )


@pytest.mark.parametrize("least", ASKED)
@pytest.mark.parametrize("given", LADDER)
async def test_an_approval_is_taken_from_its_step_upwards(
    desk: Desk, least: Assurance, given: Assurance
) -> None:
    """Below it the send stays held, and the sentence names the step."""
    held = await desk.held(draft(), least)

    if given >= least:
        assert (await desk.approve(held, given)).state is SendState.APPROVED
        return
    with pytest.raises(BadInput, match=f"`{least.name.lower()}` or surer"):
        await desk.approve(held, given)
    assert await desk.ledger.entry(held.id) == held


@pytest.mark.parametrize("given", [None, Assurance.STANDING_RULE, Assurance.CLIENT])
async def test_a_claim_takes_no_approval_below_what_the_hold_asks_for(
    desk: Desk, given: Assurance | None
) -> None:
    """However it came into the row, and whatever the guard says: a person is asked again."""
    approved = await weakened(desk, await desk.approved(draft()), given)

    claimed = (await desk.claim(approved)).entry

    assert claimed is not None
    assert claimed.hold is not None
    assert (claimed.state, claimed.hold.assurance) == (SendState.HELD, None)
    assert claimed.hold.least is Assurance.PERSON
    assert await desk.used(MESSAGES) == 0


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("text", ["On its way.", "Look at www.example.com"], ids=["reply", "link"])
async def test_each_preset_is_held_to_by_the_ledger(desk: Desk, preset: str, text: str) -> None:
    """The guard's own word on what answers is what `approve` asks for and what `claim` passes."""
    policy, wanted = Policy.load({"preset": preset}), draft(text)
    await desk.record(message(desk.now))
    held = (await desk.reserve(wanted, partial(policy.decide, wanted))).entry
    assert held is not None
    assert held.hold is not None
    least = held.hold.least

    for given in LADDER[: LADDER.index(least)]:
        with pytest.raises(BadInput):
            await desk.approve(held, given)
    approved = await desk.approve(held, least)
    judge = partial(policy.decide, wanted, approval=least)
    claimed = (await desk.ledger.claim(approved.id, LIMITS, judge, desk.now)).entry

    usual = {"default": Assurance.PERSON, "balanced": Assurance.CLIENT, "strict": Assurance.PASSKEY}
    link = text.startswith("Look") and preset == "balanced"
    assert least is (Assurance.PERSON if link else usual[preset])
    assert claimed is not None
    assert claimed.state is SendState.RESERVED
