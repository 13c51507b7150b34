"""Reading strangers and then writing to others, through the whole program."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.conftest import Tell
from tests.rigs import IRIS, Rig, rig
from xdm_mcp.models.sends import Assurance
from xdm_mcp.models.standing_rules import Terms

PEOPLE = 20


async def written_by(here: Rig, number: int) -> str:
    """Have somebody new write; return their id."""
    body = {"from": f"caller_{number}", "text": f"Question {number}?", "create": {"name": "Caller"}}
    return str((await here.control("POST", "inbound", body))["sender_id"])


async def answering_rule(here: Rig) -> None:
    """Let the agent answer whoever wrote first."""
    account, now = await here.app.people.account(), here.clock.now()
    terms = Terms(user_id=None, until=now + timedelta(days=1), per_day=100, max_length=300)
    await here.app.ledger.add_standing_rule(account.id, terms, Assurance.PERSON, "test", now)


async def test_after_a_whole_list_of_unanswered_people_one_look_is_enough(
    tmp_path: Path, tell: Tell
) -> None:
    """The first answer is held, the others follow freely; a new stranger holds the next again."""
    async with rig(tmp_path, duplicates={"enabled": False}) as here:
        await answering_rule(here)
        callers = [await written_by(here, number) for number in range(PEOPLE)]
        await here.app.inbox.page(limit=100)
        asked = 0
        for number, caller in enumerate(callers):
            here.later(minutes=2)
            result = await here.send(f"Answer {number}.", to=caller)
            if result.status == "held":
                asked += 1
                assert [reason.rule for reason in result.reasons] == ["taint", "confirmation"]
                await here.approve(result)
                await here.app.outbox.work()
        tell(f"taint rule, {PEOPLE} answers after a list of as many unanswered: {asked} held")
        assert asked == 1

        await written_by(here, PEOPLE)
        here.later(minutes=2)
        await here.app.inbox.page()
        assert (await here.send("One more.", to=callers[0])).status == "held"


async def test_who_is_read_and_answered_one_at_a_time_is_answered_freely(tmp_path: Path) -> None:
    """Nobody else's words are before the agent."""
    async with rig(tmp_path, duplicates={"enabled": False}) as here:
        await answering_rule(here)
        for number in range(5):
            here.later(minutes=2)
            caller = await written_by(here, number)
            await here.app.inbox.page(with_user=caller)
            assert (await here.send(f"Answer {number}.", to=caller)).status == "sent"


async def test_one_message_read_by_its_id_taints_as_well(tmp_path: Path) -> None:
    """Whatever the way by which an agent gets a stranger's words."""
    async with rig(tmp_path) as here:
        await answering_rule(here)
        caller = await written_by(here, 1)
        await here.app.feed.look()
        [message_id, *_] = here.app.inbox.known_messages("")
        assert (await here.send("Hello.", to=IRIS)).status == "sent"

        await here.app.inbox.message(message_id)
        here.later(minutes=1)

        held = await here.send("Hello again.", to=IRIS)
        assert held.status == "held"
        assert any(f"user {caller}" in reason.says for reason in held.reasons)
