"""Two principals behind one server: neither can see, name or steer anything of the other's."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp_types import ResourceUpdatedNotification

from tests.callers import shown
from tests.conftest import Tell
from tests.rigs import IRIS, JUNE
from tests.server.tenancy import LEGACY, MODERN, NAMES, WIRES, Agent, Two, two_principals
from xdm_mcp.bus import Changed
from xdm_mcp.errors import NotFound

SAMPLE, ALL = 1_200, 10_000
AT_ONCE = 4
TALK = f"2200000001-{IRIS}"
"""A conversation that both principals have: their pretend worlds begin alike, ids and all."""

KEY = "one key for both"

pytestmark = pytest.mark.filterwarnings(
    "ignore:resources/(un)?subscribe is removed:mcp.MCPDeprecationWarning"
)


@dataclass
class Side:
    """One principal as the test knows it: what is its own, and what it stole from the other."""

    name: str
    own: list[str]
    messages: list[str]
    agents: list[Agent]
    stolen_cursors: list[str] = field(default_factory=list)
    seen: int = 0

    @property
    def mark(self) -> str:
        """What stands in every text that was written to this principal alone."""
        return f"{self.name}-only"


async def sides_of(two: Two) -> dict[str, Side]:
    """Fill both worlds with texts that say whose they are; give each side agents on both wires."""
    sides = {}
    for name in NAMES:
        mark = f"{name}-only"
        ids = [await two.says(name, f"{mark} {number}") for number in range(12)]
        agents = [await two.agent(name, wire) for wire in (*WIRES, *WIRES)]
        sides[name] = Side(name, [mark], ids, agents)
    sides["alice"].messages.append(await two.says("alice", "alice-only, and once more"))
    for side in sides.values():
        held = await side.agents[1].call("send_dm", to=IRIS, text=f"{side.mark} reply")
        side.own.append(held["structuredContent"]["approval_id"])
        side.own += [agent.session for agent in side.agents if agent.session]
        for arguments in ({}, {"conversation_id": TALK}):
            page = await side.agents[0].call("list_dms", limit=1, **arguments)
            other(sides, side).stolen_cursors.append(page["structuredContent"]["next_cursor"])
    return sides


def other(sides: dict[str, Side], side: Side) -> Side:
    """Return the other side."""
    return next(one for one in sides.values() if one is not side)


def questions(rng: random.Random, side: Side, them: Side) -> tuple[str, dict[str, Any]]:
    """Return one request, as often as not with something of the other principal's in it."""
    cursor = rng.choice(side.stolen_cursors)
    number = rng.choice(them.messages)
    texts = {"to": rng.choice((IRIS, JUNE)), "text": f"{side.mark} again", "dry_run": True}
    return rng.choice(
        (
            tool("list_dms"),
            tool("list_dms", conversation_id=TALK),
            tool("list_dms", cursor=cursor, limit=1),
            tool("list_dms", conversation_id=TALK, cursor=cursor, limit=1),
            tool("list_dms", query="only"),
            tool("quota_status"),
            tool("check_can_dm", recipients=[IRIS]),
            tool("send_dm", **texts, idempotency_key=KEY),
            ("resources/read", {"uri": f"xdm://messages/{number}"}),
            ("resources/read", {"uri": f"xdm://conversations/{TALK}"}),
            ("resources/read", {"uri": "xdm://inbox"}),
            ("resources/read", {"uri": "xdm://approvals"}),
        )
    )


def tool(name: str, **arguments: Any) -> tuple[str, dict[str, Any]]:
    """Return the call of a tool."""
    return "tools/call", {"name": name, "arguments": arguments}


@pytest.mark.parametrize("calls", [SAMPLE, pytest.param(ALL, marks=pytest.mark.faults)])
async def test_no_row_of_another_principal_is_ever_seen(
    calls: int, tmp_path: Path, tell: Tell
) -> None:
    """Interleaved calls on both wires with the same request ids, with swapped cursors, URIs and
    idempotency keys: every answer is about its own principal alone."""
    foreign: list[str] = []
    async with two_principals(tmp_path) as two:
        sides = await sides_of(two)
        one_each = 2 * AT_ONCE

        async def work(side: Side, agent: Agent, seed: int) -> None:
            rng, them = random.Random(seed), other(sides, side)  # noqa: S311 - a test's dice
            for number in range(calls // one_each):
                answer = repr(await agent.ask(*questions(rng, side, them), number))
                side.seen += answer.count(side.mark)
                foreign.extend(word for word in them.own if word in answer)

        async with anyio.create_task_group() as tasks:
            for side in sides.values():
                for seed, agent in enumerate(side.agents):
                    tasks.start_soon(work, side, agent, seed)
    seen = {side.name: side.seen for side in sides.values()}
    tell(
        f"two principals: {calls // one_each * one_each} interleaved calls on both wires, own rows"
        f" seen {seen}, foreign rows {len(foreign)}"
    )
    assert foreign == []
    assert min(seen.values()) > calls


@pytest.mark.parametrize("wire", WIRES)
async def test_what_is_another_principals_looks_like_what_does_not_exist(
    wire: str, tmp_path: Path
) -> None:
    """A message, an approval and a session of another's: the same status and the same words as for
    one that nobody ever had."""
    async with two_principals(tmp_path) as two:
        sides = await sides_of(two)
        theirs = sides["alice"]
        bob = await two.agent("bob", wire)
        asked = [
            await bob.ask("resources/read", {"uri": f"xdm://messages/{number}"}, 1)
            for number in (theirs.messages[-1], "2124472963691449999")
        ]
        assert _without_uri(asked[0]) == _without_uri(asked[1])

        tenant = await two.tenants.find("bob")
        said = []
        for approval_id in (theirs.own[1], "0" * 32):
            with pytest.raises(NotFound) as refusal:
                await tenant.app.outbox.find(approval_id)
            said.append(str(refusal.value))
        assert said[0] == said[1]

        answers = []
        for session in (theirs.own[2], "0" * 32):
            lost = Agent(two.client, two.tokens["bob"], LEGACY, session)
            answers.append(await lost.post("tools/list", {}, 1))
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text == answers[1].text


async def test_a_stream_of_another_principal_cannot_be_spoken_into(tmp_path: Path) -> None:
    """The id of an SSE session opens nothing with another's token, and looks unknown."""
    async with two_principals(tmp_path) as two:
        alice = sse_client(f"{two.address}/sse", headers=shown(two.tokens["alice"]))
        places = set()
        async with Client(alice, mode="legacy") as client:
            await client.list_tools()
            sse = (await two.tenants.find("alice")).messages.__self__  # type: ignore[attr-defined]
            (known,) = sse._transport._read_stream_writers
            for session in (known.hex, "0" * 32):
                answer = await two.client.post(
                    f"/messages/?session_id={session}",
                    json={"jsonrpc": "2.0", "id": 1, "method": "ping"},
                    headers=shown(two.tokens["bob"]),
                )
                places.add((answer.status_code, answer.text))
        assert len(places) == 1
        assert places.pop()[0] == 404


async def test_a_round_of_another_principal_cannot_be_answered(tmp_path: Path) -> None:
    """A sealed state that bob stole from alice is refused in the words for any that is bent."""
    async with two_principals(tmp_path) as two:
        asked = {"name": "send_dm", "arguments": {"to": IRIS, "text": "On its way."}}
        agents = {name: await two.agent(name, MODERN) for name in NAMES}
        rounds = {name: await agent.ask("tools/call", asked, 1) for name, agent in agents.items()}
        state = rounds["alice"]["result"]["requestState"]
        yes = {"approve": {"action": "accept", "content": {"approve": True}}}
        said = []
        for one in (state, state[:-4] + "AAAA"):
            answer = asked | {"requestState": one, "inputResponses": yes}
            said.append(await agents["bob"].ask("tools/call", answer, 2))
        assert said[0] == said[1]
        assert said[0]["error"]["code"] == -32602
        own = asked | {"requestState": state, "inputResponses": yes}
        sent = await agents["alice"].ask("tools/call", own, 2)
        assert sent["result"]["structuredContent"]["status"] == "sent"
        left = {name: (await two.tenants.find(name)).app.ledger for name in NAMES}
        states = {name: [e.state.value for e in await led.recent(9)] for name, led in left.items()}
        assert states == {"alice": ["sent"], "bob": ["held"]}


async def test_the_same_idempotency_key_is_two_sends(tmp_path: Path) -> None:
    """Each principal's key is its own: neither hears of the other's send."""
    async with two_principals(tmp_path) as two:
        found = set()
        for name in NAMES:
            agent = await two.agent(name, LEGACY)
            held = await agent.call("send_dm", to=IRIS, text=name, idempotency_key=KEY)
            found.add(held["structuredContent"]["approval_id"])
            assert "replayed" not in held["structuredContent"]
        assert len(found) == 2


@pytest.mark.parametrize("wire", WIRES)
async def test_a_subscriber_hears_of_its_own_principal_alone(wire: str, tmp_path: Path) -> None:
    """The same URI is another resource for each; news of one does not reach the other."""
    heard: dict[str, list[str]] = {name: [] for name in NAMES}

    def hear(name: str) -> Callable[[Any], Awaitable[None]]:
        async def note(message: Any) -> None:
            if isinstance(message, ResourceUpdatedNotification):
                heard[name].append(str(message.params.uri))

        return note

    async with two_principals(tmp_path) as two:
        clients = {
            name: Client(
                sse_client(f"{two.address}/sse", headers=shown(two.tokens[name])),
                mode="legacy" if wire == LEGACY else "auto",
                message_handler=hear(name),
            )
            for name in NAMES
        }
        tenants = {name: await two.tenants.find(name) for name in NAMES}
        with anyio.fail_after(10):
            async with clients["alice"] as alice, clients["bob"] as bob:
                if wire == LEGACY:
                    for client in (alice, bob):
                        await client.subscribe_resource("xdm://quota")
                    tenants["alice"].app.bus.publish(Changed("quota"))
                    while not heard["alice"]:
                        await alice.list_tools()
                    await bob.list_tools()
                    assert heard["bob"] == []
                    return
                listening = [
                    one.listen(resource_subscriptions=["xdm://quota"]) for one in (alice, bob)
                ]
                async with listening[0] as hers, listening[1] as his:
                    tenants["alice"].app.bus.publish(Changed("quota"))
                    assert (await anext(aiter(hers))).uri == "xdm://quota"
                    tenants["bob"].app.bus.publish(Changed("policy"))
                    with anyio.move_on_after(0.2):
                        pytest.fail(f"bob heard {await anext(aiter(his))}")


def _without_uri(message: dict[str, Any]) -> dict[str, Any]:
    error = dict(message["error"])
    error.pop("data", None)
    return error
