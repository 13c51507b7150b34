"""Two replicas on one PostgreSQL: nothing is lost or doubled, whichever of them hears what, and
however they die."""

from __future__ import annotations

import random
from pathlib import Path
from statistics import median
from time import monotonic

import anyio
import pytest

from tests.conftest import Tell
from tests.fleet.crowd import crowd, work
from tests.fleet.replicas import fleet
from tests.postgres import fresh_url


async def survive(
    folder: Path, tell: Tell, *, agents: int, rounds: int, kills: int, seconds: float
) -> None:
    """Let a crowd work while replicas are killed; assert what must hold afterwards."""
    begun = monotonic()
    (folder / "owner").mkdir(mode=0o700)
    async with fleet(folder, fresh_url()) as machines:
        async with crowd(machines, folder / "owner", agents) as people:
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


async def test_a_crowd_outlives_some_kills(tmp_path: Path, tell: Tell) -> None:
    """A sample: what was approved left once, and every agent that waited was served."""
    await survive(tmp_path, tell, agents=12, rounds=3, kills=2, seconds=150)


@pytest.mark.faults
async def test_fifty_agents_outlive_ten_kills(tmp_path: Path, tell: Tell) -> None:
    """0 lost or doubled sends, 0 lost approvals, every waiting agent served."""
    await survive(tmp_path, tell, agents=50, rounds=3, kills=10, seconds=900)
