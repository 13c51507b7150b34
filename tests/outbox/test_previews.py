"""What is said beforehand is what is done then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.contract.ledger.desk import snowflake
from tests.rigs import IRIS, Rig
from tests.services import Books, books
from xdm_mcp.models.messages import Message, pair_id

ASHA = "2200000013"
"""Another customer of the sandbox."""

GUARD: dict[str, Any] = {
    "confirmation": {"mode": "never"},
    "taint": {"enabled": False},
    "rate_windows": {"per_day": 1},
    "pacing": {"min_seconds": 10, "max_seconds": 10},
}


async def heard(here: Books, who: str, ago: timedelta) -> None:
    """Let somebody have written a while ago."""
    account, now = await here.app.people.account(), here.clock.now()
    at = now - ago
    said = Message(snowflake(at), pair_id(account.id, who), who, at, "Hello")
    await here.app.ledger.record(account.id, [said], here.app.policy.opted_out, now)


async def test_a_preview_in_the_last_seconds_of_a_reply_credit_says_what_is_done(
    tmp_path: Path,
) -> None:
    """The day is full, and the slot lies past the credit that would have paid: both the dry run and
    `check_can_dm` refuse, as the send does."""
    async with books(tmp_path, "x-api-v1", **GUARD) as here:
        rig = Rig(here.app, here.clock, tmp_path)
        await heard(here, ASHA, timedelta(days=2))
        await heard(here, IRIS, timedelta(hours=24, seconds=-5))
        assert (await rig.send("Good morning.", to=ASHA)).status == "sent"

        preview = await rig.send(dry_run=True)
        [row] = (await here.app.standing.check([IRIS])).recipients
        done = await rig.send()

        assert done.status == "denied"
        assert preview.code == "would_deny"
        assert preview.reasons[0].rule == "rate_windows"
        assert (row.verdict, row.can_dm) == ("deny", True)
        assert [reason.rule for reason in row.reasons] == ["rate_windows"]
