"""Two replicas on one PostgreSQL: nothing is lost or doubled, whichever of them hears what, and
however they die."""

from __future__ import annotations

import random
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any

import anyio
import pytest

from tests.conftest import Tell
from tests.fleet.agents import FORM
from tests.fleet.crowd import crowd, words, work
from tests.fleet.replicas import Service, fleet
from tests.postgres import fresh_url


async def survive(
    folder: Path, tell: Tell, *, agents: int, rounds: int, kills: int, seconds: float
) -> None:
    """Let a crowd work while replicas are killed; assert what must hold afterwards."""
    begun = monotonic()
    (folder / "owner").mkdir(mode=0o700)
    async with (
        fleet(folder, fresh_url()) as machines,
        crowd(machines, folder / "owner", agents) as people,
    ):
        with anyio.fail_after(seconds):
            await work(people, rounds, kills, random.Random(agents))  # noqa: S311
        delivered = await people.delivered()
        doubled = len(delivered) - len(set(delivered))
        lost = set(people.approved) - set(delivered)
        tell(
            f"fleet: {agents} agents, {kills} kills: {len(people.approved)} approved,"
            f" {len(delivered)} delivered, {doubled} doubled, {len(lost)} lost;"
            f" {len(people.served)} answers heard, {median(people.waits):.2f} s median,"
            f" {max(people.waits):.2f} s at most; {people.balancer.repeated} calls repeated,"
            f" {len(people.unknown)} once unknown, in {monotonic() - begun:.0f} s"
        )
        assert people.odd == []
        assert (doubled, lost) == (0, set())
        assert sorted(people.approved) == sorted(set(delivered))
        assert dict(people.sent) == dict.fromkeys(delivered, 1)
        assert len(people.served) == len(delivered)
        assert {each.kills for each in machines.replicas} == {kills // 2}
        assert (await people.owner.ledger.verify_audit()).broken_at is None


async def test_a_question_of_one_replica_is_answered_at_another(tmp_path: Path) -> None:
    """Asked at one, answered at the other, replayed at both: one message. Another question is
    answered although the replica that put it is gone."""
    (tmp_path / "owner").mkdir(mode=0o700)
    async with (
        fleet(tmp_path, fresh_url()) as machines,
        crowd(machines, tmp_path / "owner", 2) as people,
    ):
        one, other = machines.replicas

        async def call(at: Service, number: int, **more: Any) -> dict[str, Any]:
            send = {"to": people.people[number], "text": words(number, 0)}
            said = await people.balancer.try_once(at.url, "send_dm", send, FORM, **more)
            assert said is not None
            return said

        def answered(asked: dict[str, Any]) -> dict[str, Any]:
            assert asked["resultType"] == "input_required"
            yes = {"action": "accept", "content": {"approve": True}}
            return {"requestState": asked["requestState"], "inputResponses": {"approve": yes}}

        answer = answered(await call(one, 0))
        said = [await call(at, 0, **answer) for at in (other, one, other)]
        assert [each["structuredContent"]["status"] for each in said] == ["sent"] * 3
        assert [each["structuredContent"].get("replayed") for each in said] == [None, True, True]

        answer = answered(await call(one, 1))
        one.kill()
        assert (await call(other, 1, **answer))["structuredContent"]["status"] == "sent"
        assert await people.delivered() == [words(0, 0), words(1, 0)]


async def test_a_crowd_outlives_some_kills(tmp_path: Path, tell: Tell) -> None:
    """A sample: what was approved left once, and every agent that waited was served."""
    await survive(tmp_path, tell, agents=12, rounds=3, kills=2, seconds=150)


@pytest.mark.fleet
async def test_fifty_agents_outlive_ten_kills(tmp_path: Path, tell: Tell) -> None:
    """0 lost or doubled sends, 0 lost approvals, every waiting agent served."""
    await survive(tmp_path, tell, agents=50, rounds=3, kills=10, seconds=900)
