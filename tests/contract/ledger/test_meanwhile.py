"""What becomes known of a send between its decision and its end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.contract.ledger.desk import (
    ANNA,
    BEN,
    CARA,
    ME,
    MESSAGES,
    Desk,
    allow_at,
    draft,
    message,
)
from xdm_mcp.models.quota import Spend
from xdm_mcp.models.sends import Draft, Entry, SendState, Target

GROUP = "123456789012345678"
"""A group's conversation."""

MEMBERS = Target((ANNA, BEN))
"""Those with whom it is opened."""

SOON = timedelta(seconds=3)


async def waits(desk: Desk, wanted: Draft) -> Entry:
    """Return the entry of a send that waits for its slot."""
    entry = (await desk.reserve(wanted, allow_at(desk.now + SOON))).entry
    assert entry is not None
    return entry


async def stands(desk: Desk, entry: Entry) -> Entry:
    """Return the entry as it is now."""
    found = await desk.ledger.entry(entry.id)
    assert found is not None
    return found


# -- an opt-out while it waits for its slot


@pytest.mark.parametrize("where", [None, GROUP])
@pytest.mark.parametrize("target", [Target((ANNA,)), MEMBERS])
async def test_who_asks_us_to_stop_while_a_send_waits_does_not_get_it(
    desk: Desk, target: Target, where: str | None
) -> None:
    """Wherever they said it; of those with whom a group is opened any one's word counts."""
    entry = await waits(desk, draft(target=target))
    await desk.record(message(desk.later(seconds=1), "stop", conversation=where))
    desk.later(seconds=2)

    assert await desk.ledger.dispatch(entry, desk.now) is None

    ended = await stands(desk, entry)
    assert (ended.state, ended.code, ended.text) == (SendState.FAILED, "opted_out", None)
    assert ended.says is not None
    assert f"User {ANNA} asked not to be written to" in ended.says
    assert (await desk.used(MESSAGES), await desk.ledger.spend(ME, desk.now)) == (0, Spend(0, 0))


async def test_what_a_person_approved_does_not_wait_for_who_opted_out(desk: Desk) -> None:
    """No later turn heals it, so it is not approved again."""
    approved = await desk.approved(draft())
    entry = (await desk.claim(approved, allow_at(desk.now + SOON))).entry
    assert entry is not None
    await desk.record(message(desk.now, "stop"))
    desk.now += SOON

    assert await desk.ledger.dispatch(entry, desk.now) is None

    assert (await stands(desk, entry)).state is SendState.FAILED


@pytest.mark.parametrize(
    ("target", "who"), [(Target((ANNA,)), BEN), (MEMBERS, CARA), (Target((), GROUP), ANNA)]
)
async def test_the_opt_out_of_others_stops_no_send(desk: Desk, target: Target, who: str) -> None:
    """Nor does that of one in a group that exists, of whose members the guard knows nothing."""
    entry = await waits(desk, draft(target=target))
    await desk.record(message(desk.now, "stop", sender=who, peer=who))
    desk.now += SOON

    assert await desk.ledger.dispatch(entry, desk.now) is not None


async def test_an_opt_out_that_the_owner_cleared_stops_nothing(desk: Desk) -> None:
    """It is as if it had never been said."""
    entry = await waits(desk, draft())
    await desk.record(message(desk.now, "stop"))
    assert await desk.ledger.clear_opt_out(ME, ANNA, "owner", desk.now)
    desk.now += SOON

    assert await desk.ledger.dispatch(entry, desk.now) is not None


async def test_an_owner_who_heeds_no_opt_out_is_not_stopped_by_one(desk: Desk) -> None:
    """Where the rule is off, the guard lets it pass, and a wait makes no difference."""
    entry = await waits(desk, draft())
    await desk.record(message(desk.now, "stop"))
    desk.now += SOON

    assert await desk.ledger.dispatch(entry, desk.now, heed_opt_outs=False) is not None
