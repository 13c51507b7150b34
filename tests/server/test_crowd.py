"""How many requests of one account are in hand at once, whatever brings them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from mcp.shared.exceptions import MCPError

from tests.server.older import older
from tests.server.tenancy import LEGACY, MODERN, WIRES, Two, two_principals
from xdm_mcp.server.crowd import BUSY, Crowd

MOST = 3
CALL = {"name": "list_dms", "arguments": {"wait_seconds": 50}}
LONG = "x" * 200_000
FULL = "Too many requests at once for this account; try again in a moment."


class Waiting:
    """Calls of one principal that wait until they are let go."""

    def __init__(self) -> None:
        """None waits yet."""
        self.count, self.go = 0, anyio.Event()

    async def at(self, two: Two, name: str) -> None:
        """Have a principal's calls wait here instead of for news."""
        app = (await two.tenants.find(name)).app
        app.inbox._tick = self._tick  # type: ignore[method-assign]

    async def _tick(self, *_: object) -> None:
        self.count += 1
        await self.go.wait()

    async def reach(self, count: int) -> None:
        """Wait until so many calls wait."""
        with anyio.fail_after(10):
            while self.count < count:  # noqa: ASYNC110 - the server tells nobody
                await anyio.sleep(0.01)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few be many."""
    monkeypatch.setattr("xdm_mcp.server.tenants.Crowd", partial(Crowd, MOST))


async def test_requests_over_the_older_transport_are_bounded(tmp_path: Path) -> None:
    """Each has been answered 202 long ago, and nothing but its work is left to count. What is too
    much is told so, another account is served, and places become free."""
    async with two_principals(tmp_path) as two, older(two, "alice") as agent:
        waiting = Waiting()
        await waiting.at(two, "alice")
        for number in range(1, MOST + 3):
            assert (await agent.post("tools/call", CALL, number)).status_code == 202
        for _ in range(2):
            refused = await agent.hear()
            assert refused["error"] == {"code": BUSY, "message": FULL}
        await waiting.reach(MOST)
        bob = await two.agent("bob", MODERN)
        assert (await bob.call("quota_status"))["isError"] is False
        waiting.go.set()
        for _ in range(MOST):
            assert (await agent.hear())["result"]["isError"] is False
        await agent.post("tools/call", {"name": "quota_status", "arguments": {}}, 9)
        assert (await agent.hear())["result"]["isError"] is False
    assert waiting.count == MOST


async def test_requests_of_a_client_that_hung_up_are_bounded(tmp_path: Path) -> None:
    """To hang up cancels nothing on the older wire; whoever calls for the same account meanwhile is
    told so on either revision."""
    async with two_principals(tmp_path) as two:
        refused = {"code": BUSY, "message": FULL}
        agents = [await two.agent("alice", wire) for wire in WIRES]
        legacy = agents[WIRES.index(LEGACY)]
        waiting = Waiting()
        await waiting.at(two, "alice")
        for number in range(1, MOST + 1):
            message = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": CALL}
            headers = legacy.headers("tools/call", CALL)
            async with two.client.stream("POST", "/mcp", json=message, headers=headers):
                await waiting.reach(number)
        for agent in agents:
            assert await agent.call("quota_status", 9) == refused
        waiting.go.set()
        with anyio.fail_after(10):
            for agent in agents:
                while await agent.call("quota_status", 10) == refused:  # noqa: ASYNC110
                    await anyio.sleep(0.01)
    assert waiting.count == MOST


async def test_answers_that_nobody_reads_do_not_pile_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client of the older transport that leaves its stream unread is taken at its word no
    further; another account is served, and so is this one once it was read."""
    monkeypatch.setattr("xdm_mcp.server.sse.MOST", MOST)
    async with two_principals(tmp_path) as two, older(two, "alice") as agent:
        taken: list[str] = []
        while len(taken) < 300:  # an answer repeats its id, so a few of these fill every buffer
            asked = json.dumps({"jsonrpc": "2.0", "id": f"{len(taken)}{LONG}", "method": "ping"})
            answer = await agent.say(asked)
            if answer.status_code == 429:
                break
            taken.append(asked)
        assert (answer.status_code, "read your stream first" in answer.text) == (429, True)
        bob = await two.agent("bob", MODERN)
        assert (await bob.call("quota_status"))["isError"] is False
        for _ in taken:
            assert (await agent.hear())["result"] == {}
        assert (await agent.post("ping", {}, 1)).status_code == 202
        assert (await agent.hear())["id"] == 1


async def test_a_notification_is_never_one_too_many() -> None:
    """It asks for no work, and what it may say is that a request is to be given up."""
    passed = Crowd(most=0)

    async def further(_: Any) -> None:
        return None

    about = SimpleNamespace(request_id=None)
    assert await passed(about, further) is None  # type: ignore[arg-type]
    with pytest.raises(MCPError, match="Too many requests at once"):
        await passed(SimpleNamespace(request_id=1), further)  # type: ignore[arg-type]
