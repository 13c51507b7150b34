"""Standing rules in the whole program: what the owner allowed beforehand goes out, and no more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.rigs import IRIS, JUNE, START, Rig, rig
from xdm_mcp.clock import ManualClock
from xdm_mcp.models.sends import Assurance, SendState
from xdm_mcp.models.standing_rules import StandingRule, Terms

WORDS = ("On its way.", "Another thing: the invoice follows.", "Goodbye for today, and thank you!")


class Interrupted(ManualClock):
    """A clock during whose next pause something happens."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def sleep(self, seconds: float) -> None:
        """See Clock.sleep."""
        happening, self.meanwhile = self.meanwhile, None
        if happening is not None:
            await happening()
        await super().sleep(seconds)


async def allow(here: Rig, user_id: str | None = IRIS, **terms: Any) -> StandingRule:
    """Have the owner make a rule, as the desk does once the PIN was right."""
    account = await here.app.people.account()
    said = Terms(**({"user_id": user_id, "until": here.clock.now() + timedelta(days=9)} | terms))
    return await here.app.ledger.add_standing_rule(
        account.id, said, Assurance.PERSON, "test", here.clock.now()
    )


async def withdraw(here: Rig, rule: StandingRule) -> None:
    """Have the owner withdraw a rule."""
    await here.app.ledger.withdraw_standing_rule(rule.account_id, rule.id, "test", here.clock.now())


async def test_what_a_rule_covers_goes_out_unchanged_and_asks_nobody(tmp_path: Path) -> None:
    """Up to its count of the day; the next one waits for the owner."""
    async with rig(tmp_path) as here:
        rule = await allow(here, per_day=2)

        results = [await here.send(text) for text in WORDS]

        assert [result.status for result in results] == ["sent", "sent", "held"]
        assert await here.deliveries() == list(WORDS[:2])
        passed = [entry.standing_rule for entry in await here.app.ledger.recent()]
        assert passed == [None, rule.id, rule.id]


async def test_a_preview_says_which_rule_would_let_it_pass(tmp_path: Path) -> None:
    """And uses nothing of it up."""
    async with rig(tmp_path, taint={"enabled": False}) as here:
        await here.app.inbox.page()
        rule = await allow(here, per_day=1)

        preview = await here.send(dry_run=True)

        assert preview.code == "would_send"
        assert f"approved by standing rule {rule.id}:" in " ".join(r.says for r in preview.reasons)
        assert (await here.send()).status == "sent"


async def test_a_send_that_waits_its_turn_dies_with_the_rule_that_let_it_pass(
    tmp_path: Path,
) -> None:
    """Withdrawn during the pause between two sends: nothing leaves, and a person is asked next."""
    clock = Interrupted(START)
    async with rig(tmp_path, clock) as here:
        rule = await allow(here)
        assert (await here.send(WORDS[0])).status == "sent"
        clock.meanwhile = lambda: withdraw(here, rule)

        result = await here.send(WORDS[1])

        assert (result.status, result.code) == ("failed", "rule_ended")
        assert result.says.endswith("ask again.")
        assert await here.deliveries() == [WORDS[0]]
        assert (await here.send(WORDS[1])).status == "held"


async def test_a_rule_does_not_approve_what_waits_already(tmp_path: Path) -> None:
    """The owner was asked about it and answers for it."""
    async with rig(tmp_path) as here:
        held = await here.send()
        await allow(here)

        await here.app.outbox.work()
        again = await here.send()

        assert (again.status, again.approval_id) == ("held", held.approval_id)
        assert await here.deliveries() == []


async def test_a_rule_for_whoever_wrote_first_covers_no_stranger(tmp_path: Path) -> None:
    """Their first message needs a person, or a rule that names them and says so."""
    async with rig(tmp_path) as here:
        await allow(here, None, solicited=False)
        assert (await here.send("Good morning, June.", to=JUNE)).status == "held"

        await allow(here, JUNE, solicited=False, first_contact=True)

        assert (await here.send("Hello there, June.", to=JUNE)).status == "sent"


async def test_a_rule_neither_lifts_a_limit_nor_reaches_who_opted_out(tmp_path: Path) -> None:
    """A denial stays one."""
    async with rig(tmp_path) as here:
        await allow(here, per_day=100)
        await here.says("iris_sandbox", "STOP")
        await here.app.inbox.page()

        result = await here.send()

        assert (result.status, result.compose_url) == ("denied", None)
        assert await here.deliveries() == []


async def test_standing_rules_are_told_in_the_status(tmp_path: Path) -> None:
    """A few in `quota_status`, all of them where the policy is read."""
    async with rig(tmp_path) as here:
        for _ in range(7):
            await allow(here)
        await here.send()

        told = await here.app.standing.standing_rules()
        status = await here.app.standing.quota()

        assert [reason.rule for reason in told] == [f"standing_rule {n}" for n in range(1, 8)]
        assert told[0].says.endswith("pass without a person until 2026-12-01T12:00:00Z;"
                                     " 1 did in the last 24 hours.")  # fmt: skip
        assert [r.rule for r in status.rules if "standing" in r.rule] == [
            f"standing_rule {n}" for n in range(1, 6)
        ]


async def test_a_full_queue_of_approved_sends_goes_out_to_the_last(tmp_path: Path) -> None:
    """Whoever is approved no more makes the queue too long."""
    async with rig(tmp_path) as here:
        texts = [f"{word} one of five." for word in ("First", "Second", "Third", "Fourth", "Fifth")]
        held = [await here.send(text) for text in texts]
        assert (await here.send("A sixth one is too many.")).status == "denied"

        for result in held:
            await here.approve(result)
        await here.app.outbox.work()

        assert await here.deliveries() == texts
        states = {entry.state for entry in await here.app.ledger.recent()}
        assert states == {SendState.SENT}
