"""A crowd at work: agents that ask, a person who approves, people who answer, and a killer."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import anyio
import httpx2

from tests.children import environment
from tests.fleet.agents import Balancer
from tests.fleet.replicas import Fleet
from xdm_mcp.app import App, open_app
from xdm_mcp.config import load
from xdm_mcp.errors import BadInput
from xdm_mcp.models.sends import Assurance, SendState

ASK_AGAIN = 1.0
"""Seconds after which an agent asks again what became of its send."""

LOOK_EVERY = 0.2
"""Seconds between looks of the person who approves, and of the people who answer."""

PATIENCE = 4
"""Seconds for which an agent waits for news in one call."""

SLOW = {"kind": "delay", "method": "POST", "path": "dm/send", "seconds": 0.2, "when": "after"}
"""X takes its time after it acted, so that a killed replica often leaves a send in the air."""


@dataclass
class Crowd:
    """What happened."""

    fleet: Fleet
    balancer: Balancer
    owner: App
    people: list[str]
    approved: list[str] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)
    served: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    waits: list[float] = field(default_factory=list)
    killing: bool = True
    odd: list[object] = field(default_factory=list)

    async def agent(self, number: int, rounds: int) -> None:
        """Ask, hear that it was sent, wait for the answer; at least once, and for as long as
        somebody kills, `rounds` times at most."""
        for turn in range(rounds):
            text = words(number, turn)
            await self._send(number, text, f"{number}.{turn}")
            await self._hear(f"answer{number}x{turn}")
            if not self.killing:
                return

    async def _send(self, number: int, text: str, key: str) -> None:
        while True:
            said = await self.balancer.call(
                "send_dm", to=self.people[number], text=text, idempotency_key=key
            )
            match said.get("status"):
                case "sent":
                    self.sent[text] += 1
                    return
                case "held":
                    pass
                case "unknown":
                    self.unknown.add(text)
                case _:
                    self.odd.append(said)
            await anyio.sleep(ASK_AGAIN)

    async def _hear(self, word: str) -> None:
        begun = monotonic()
        patience = 0
        while True:
            page = await self.balancer.call("list_dms", query=word, wait_seconds=patience)
            if any(word in str(row.get("text")) for run in page.get("messages", []) for row in
                   run["rows"]):  # fmt: skip
                self.served.add(word)
                self.waits.append(monotonic() - begun)
                return
            if "refused" in page:
                self.odd.append(page)
                await anyio.sleep(ASK_AGAIN)
            patience = PATIENCE

    async def approve_all(self) -> None:
        """Be the person: approve whatever is held, and clear what stopped the account."""
        while True:
            for entry in await self.owner.outbox.waiting():
                if entry.state is SendState.HELD and entry.hold is not None and entry.text:
                    try:
                        await self.owner.outbox.approve(
                            entry.hold.approval_id,
                            digest=entry.hold.digest,
                            assurance=Assurance.PERSON,
                            by="the owner",
                        )
                    except BadInput as error:
                        self.odd.append(str(error))
                    else:
                        self.approved.append(entry.text)
            await anyio.sleep(LOOK_EVERY)

    async def answer_all(self) -> None:
        """Be the people: answer each message once it arrived."""
        answered: set[str] = set()
        while True:
            for one in await self.delivered():
                if one not in answered:
                    answered.add(one)
                    number, turn = numbers_of(one)
                    said = {"from": self.people[number], "text": f"answer{number}x{turn}"}
                    await self.fleet.control("POST", "inbound", said)
            await anyio.sleep(LOOK_EVERY)

    async def kill(self, times: int, chance: random.Random) -> None:
        """Kill one replica in the middle of its work and start it again, `times` times."""
        for number in range(times):
            await anyio.sleep(chance.uniform(0.3, 1.5))
            victim = self.fleet.replicas[number % 2]
            victim.kill()
            await victim.start()
        self.killing = False

    async def delivered(self) -> list[str]:
        """Return what really left, by the pretend X's own list."""
        found = await self.fleet.control("GET", "deliveries")
        return [str(message["text"]) for message in found["deliveries"]]


@asynccontextmanager
async def crowd(fleet: Fleet, home: Path, agents: int) -> AsyncIterator[Crowd]:
    """Yield a crowd of `agents`, each with somebody who wrote to us."""
    people = []
    for number in range(agents):
        said = {"from": f"person{number}", "text": "Hello there", "create": True}
        people.append(str((await fleet.control("POST", "inbound", said))["sender_id"]))
    await fleet.control("POST", "faults", SLOW | {"times": 10_000})
    (home / "policy.toml").write_text((fleet.replicas[0].home / "policy.toml").read_text())
    settings = load(home=home, env=environment(home, **fleet.settings))
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=60, limits=limits) as client,
        open_app(settings) as owner,
    ):
        balancer = Balancer(client, [each.url for each in fleet.replicas], fleet.token)
        yield Crowd(fleet, balancer, owner, people)


async def work(crowd: Crowd, rounds: int, kills: int, chance: random.Random) -> None:
    """Let everybody work until every agent is done."""
    async with anyio.create_task_group() as background:
        background.start_soon(crowd.approve_all)
        background.start_soon(crowd.answer_all)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(crowd.kill, kills, chance)
            for number in range(len(crowd.people)):
                tasks.start_soon(crowd.agent, number, rounds)
        background.cancel_scope.cancel()


LETTERS = "abcdefghij"


def words(number: int, turn: int) -> str:
    """Return a text that is not even nearly the same as another one."""
    return "".join(LETTERS[int(digit)] for digit in f"{number:04}{turn:04}") * 3


def numbers_of(text: str) -> Sequence[int]:
    """Return the numbers of agent and turn of such a text."""
    digits = "".join(str(LETTERS.index(letter)) for letter in text[:8])
    return int(digits[:4]), int(digits[4:])
