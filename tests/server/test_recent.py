"""Answers that are given again: only while nothing changed, and never what the guard says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp_types import CallToolResult

from tests.rigs import IRIS, Rig, rig
from tests.server.asking import MODES
from tests.server.pretend import PretendApp
from xdm_mcp.bus import Changed
from xdm_mcp.errors import Unavailable
from xdm_mcp.server.build import build_server
from xdm_mcp.server.recent import LIFE, Recent
from xdm_mcp.steps import Step


def made(app: PretendApp) -> int:
    """Return how many pages were really made."""
    return len(app.inbox.asked)


async def structure(client: Client, tool: str, **arguments: Any) -> Any:
    """Return the structured content of one answer."""
    answer = await client.call_tool(tool, arguments)
    assert isinstance(answer, CallToolResult)
    assert not answer.is_error
    return answer.structured_content


@pytest.mark.parametrize("mode", MODES)
async def test_the_same_call_again_is_made_once(mode: str) -> None:
    """Many agents that ask at once cost one answer, and all get the whole of it."""
    app = PretendApp()
    async with Client(build_server(app.real), mode=mode) as client:
        first = await client.call_tool("list_dms", {"limit": 5})
        assert await client.call_tool("list_dms", {"limit": 5}) == first
        assert made(app) == 1
        await client.call_tool("list_dms", {"limit": 6})
        await client.call_tool("list_dms", {"limit": 5, "with_user": "a"})
        assert made(app) == 3


CHANGES: dict[str, Callable[[PretendApp], object]] = {
    "time": lambda app: app.clock.advance(LIFE),
    "a clock set back": lambda app: app.clock.advance(-timedelta(seconds=1)),
    "news": lambda app: app.bus.publish(Changed("inbox")),
    "another change": lambda app: app.bus.publish(Changed("quota")),
    "a write": lambda app: stepped(app, "write"),
    "a request to X": lambda app: stepped(app, "request"),
}


def stepped(app: PretendApp, kind: Any) -> None:
    """Take one step."""
    with app.steps.step(kind, "any"):
        pass


@pytest.mark.parametrize("change", CHANGES)
async def test_after_a_change_it_is_made_anew(change: str) -> None:
    """Nothing that this process did or heard of is missing in an answer, nor what is old."""
    app = PretendApp()
    async with Client(build_server(app.real)) as client:
        await client.call_tool("list_dms", {})
        CHANGES[change](app)
        await client.call_tool("list_dms", {})
    assert made(app) == 2


async def test_a_change_while_it_is_made_counts() -> None:
    """What was begun before a change is not given to who asks after it."""
    app = PretendApp()
    page = app.inbox.page

    async def changing(**asked: Any) -> Any:
        answer = await page(**asked)
        app.bus.publish(Changed("inbox"))
        return answer

    app.inbox.page = changing  # type: ignore[method-assign]
    async with Client(build_server(app.real)) as client:
        await client.call_tool("list_dms", {})
        await client.call_tool("list_dms", {})
    assert made(app) == 2


async def test_who_waits_for_news_and_who_is_refused_gets_an_answer_of_their_own() -> None:
    """A call that waits is never answered with what was there before it; a refusal is not kept."""
    app = PretendApp()
    async with Client(build_server(app.real)) as client:
        await client.call_tool("list_dms", {"wait_seconds": 1})
        await client.call_tool("list_dms", {"wait_seconds": 1})
        assert made(app) == 2
        app.inbox.answer = Unavailable("Not now; try again.")
        assert (await client.call_tool("list_dms", {})).is_error
        app.inbox.answer = None
        assert not (await client.call_tool("list_dms", {})).is_error
        assert made(app) == 4


async def test_of_many_at_once_one_makes_it_and_another_goes_on_where_the_first_left() -> None:
    """A caller that hangs up takes nobody's answer away."""
    app, begun = PretendApp(), anyio.Event()
    page = app.inbox.page

    async def slow(**asked: Any) -> Any:
        first = not app.inbox.asked
        answer = await page(**asked)
        if first:
            begun.set()
            await anyio.sleep_forever()
        return answer

    app.inbox.page = slow  # type: ignore[method-assign]
    server, answers = build_server(app.real), []
    with anyio.fail_after(5):
        async with Client(server) as one, Client(server) as two, anyio.create_task_group() as tasks:
            leaving = anyio.CancelScope()

            async def leave() -> None:
                with leaving:
                    await one.call_tool("list_dms", {})

            async def stay() -> None:
                answers.append(await two.call_tool("list_dms", {}))

            tasks.start_soon(leave)
            await begun.wait()
            for _ in range(3):
                tasks.start_soon(stay)
            await anyio.wait_all_tasks_blocked()
            leaving.cancel()
    assert len(answers) == 3
    assert made(app) == 2


async def on_server(here: Rig, work: Callable[[Client], Awaitable[None]]) -> None:
    """Do `work` with a client of the real program."""
    async with Client(build_server(here.app)) as client:
        await work(client)


async def test_an_agent_sees_at_once_what_it_did(tmp_path: Path) -> None:
    """`quota_status` right after a send that is held shows it, with no time passed."""
    async with rig(tmp_path) as here:

        async def work(client: Client) -> None:
            assert (await structure(client, "quota_status")).get("held", []) == []
            await client.call_tool("send_dm", {"to": IRIS, "text": "On its way."})
            [held] = (await structure(client, "quota_status"))["held"]
            assert held["recipient_ids"] == [IRIS]

        await on_server(here, work)


async def test_the_guards_word_is_asked_anew_each_time(tmp_path: Path) -> None:
    """What another process changed a moment ago decides: a halt is in the very next verdict, and in
    `quota_status` once its answer is too old to be given again."""
    async with rig(tmp_path) as here, rig(tmp_path, here.clock) as other:

        async def work(client: Client) -> None:
            ask = {"recipients": [IRIS]}
            await structure(client, "quota_status")
            [row] = (await structure(client, "check_can_dm", **ask))["recipients"]
            assert row["verdict"] == "hold"
            await other.app.outbox.send(text="stop", to=IRIS)
            await halt(other)
            [row] = (await structure(client, "check_can_dm", **ask))["recipients"]
            assert row["verdict"] == "deny"
            here.clock.advance(LIFE)
            assert (await structure(client, "quota_status"))["halts"]

        await on_server(here, work)


async def halt(other: Rig) -> None:
    """Have another process stop all sends."""
    from xdm_mcp.models.sends import Halt

    account = (await other.app.people.account()).id
    halt = Halt(code="owner", says="The owner stopped it.", since=other.clock.now())
    await other.app.ledger.halt(account, halt)


@pytest.mark.parametrize("mode", MODES)
async def test_every_call_is_a_step_with_words_of_ours_alone(mode: str) -> None:
    """Who watches hears of each call, made or given again; a tool that is not is called none."""
    app, steps = PretendApp(), list[Step]()
    app.steps.subscribe(steps.append)
    async with Client(build_server(app.real), mode=mode) as client:
        for _ in range(2):
            await client.call_tool("quota_status", {})
        await client.call_tool("send_dm", {"text": "a secret", "to": "a"})
        await client.call_tool("list_dms", {"limit": 0})
        with pytest.raises(Exception, match="no such tool"):
            await client.call_tool("a secret", {})
    told = [(step.name, step.outcome) for step in steps if step.kind == "tool"]
    assert told[:4] == [
        ("quota_status", "ok"),
        ("quota_status", "ok"),
        ("send_dm", "held"),
        ("list_dms", "refused"),
    ]
    assert told[4][0] == "none"
    assert "a secret" not in repr(told)


async def test_what_was_answered_does_not_outlast_a_change() -> None:
    """What the owner had forgotten must not lie in a memory of answers either."""
    app = PretendApp()
    recent = Recent(app.real)
    ctx: Any = SimpleNamespace(
        method="tools/call", params={"name": "list_dms", "arguments": {}}, protocol_version="any"
    )

    async def answer(_: object) -> dict[str, Any]:
        return {"structuredContent": "zephyrine"}

    assert await recent(ctx, answer) == {"structuredContent": "zephyrine"}
    assert "zephyrine" in str(recent._kept)
    app.bus.publish(Changed("inbox"))
    assert "zephyrine" not in str(recent._kept)
