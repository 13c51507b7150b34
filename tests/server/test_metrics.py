"""What the server counts, and that no count names anybody."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from prometheus_client.parser import text_string_to_metric_families

from tests.rigs import IRIS, JUNE, rig
from tests.server.asking import MODES
from tests.server.pretend import PretendApp
from tests.server.test_health import SHOWN, outlook, outlook_over
from xdm_mcp.errors import Unavailable
from xdm_mcp.server.build import build_parts, build_server
from xdm_mcp.server.health import METRICS, Watched
from xdm_mcp.server.metrics import Counters
from xdm_mcp.steps import Step

pytestmark = pytest.mark.filterwarnings(
    "ignore:resources/(un)?subscribe is removed:mcp.MCPDeprecationWarning"
)

WORD = re.compile(r"[a-zA-Z_0-9/+.-]{1,40}\Z")
"""What the value of a label may look like."""


def figures(page: str) -> dict[str, float]:
    """Return each figure of ours by its name with its labels, which are sorted by their names:
    `xdm_tool_calls_total{ok,list_dms}` has status and tool."""
    found = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = ",".join(value for name, value in sample.labels.items() if name != "le")
            if sample.name.startswith("xdm_") and "le" not in sample.labels:
                found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


async def scraped(client: Any) -> dict[str, float]:
    """Return the figures of one scrape."""
    answer = await client.get(METRICS, headers=SHOWN)
    assert answer.status_code == 200
    return figures(answer.text)


async def test_calls_sends_reads_and_money_are_counted(tmp_path: Path) -> None:
    """A day in short: read, asked, approved, sent, refused."""
    async with rig(tmp_path) as here, outlook(here) as client:
        async with Client(build_server(here.app)) as agent:
            await agent.call_tool("list_dms", {})
            await agent.call_tool("send_dm", {"to": IRIS, "text": "On its way."})
            await agent.call_tool("list_dms", {"limit": 0})
        waiting = await scraped(client)
        await here.send_approved()
        sent = await scraped(client)
    assert waiting["xdm_tool_calls_total{ok,list_dms}"] == 1
    assert waiting["xdm_tool_calls_total{refused,list_dms}"] == 1
    assert waiting["xdm_tool_calls_total{held,send_dm}"] == 1
    assert waiting["xdm_tool_seconds_count{list_dms}"] == 2
    assert (waiting["xdm_holds_waiting"], sent["xdm_holds_waiting"]) == (1, 0)
    assert "xdm_sends_total{sent}" not in waiting
    assert sent["xdm_sends_total{sent}"] == 1
    assert sent["xdm_reads_total{ok}"] >= 1
    assert sent["xdm_spent_usd{today}"] > waiting["xdm_spent_usd{today}"] > 0
    window = "xdm_window_remaining{messages/24h}"
    assert sent[window] == waiting[window] - 1
    assert sent["xdm_ledger_seconds_count{reserve}"] >= 1
    assert sent["xdm_backend_requests_total{POST,201}"] == 1
    assert sent["xdm_backend_seconds_count{GET}"] >= 1


async def test_a_scrape_asks_no_backend(tmp_path: Path) -> None:
    """Watching costs nothing, not even where nobody has used the account yet."""
    steps: list[Step] = []
    async with rig(tmp_path) as here, outlook(here) as client:
        here.app.steps.subscribe(steps.append)
        unused = await scraped(client)
        assert "xdm_window_remaining{messages/24h}" not in unused
        await here.app.people.account()
        before = len([step for step in steps if step.kind == "request"])
        assert "xdm_window_remaining{messages/24h}" in await scraped(client)
        assert len([step for step in steps if step.kind == "request"]) == before


async def test_no_label_and_no_figure_names_anybody(tmp_path: Path) -> None:
    """After all kinds of calls the page holds words of ours and numbers, nothing of people."""
    canaries = ["canary_words", "canaryhandle", "canary_tool", "canary_key", IRIS, JUNE]
    async with rig(tmp_path) as here, outlook(here) as client:
        await here.says(IRIS, "canary_words are here")
        async with Client(build_server(here.app)) as agent:
            page = await agent.call_tool("list_dms", {"with_user": IRIS})
            assert page.structured_content is not None
            canaries += [page.structured_content["conversation_id"]]
            canaries += [page.structured_content["account_id"], "corner_shop"]
            await agent.call_tool("list_dms", {"query": "canary_words"})
            await agent.call_tool("check_can_dm", {"recipients": ["canaryhandle", JUNE]})
            key = {"idempotency_key": "canary_key"}
            await agent.call_tool("send_dm", {"to": IRIS, "text": "canary_words", **key})
            for strange in ("canary_tool", "canary_words are here"):
                with pytest.raises(MCPError, match="no such tool"):
                    await agent.call_tool(strange, {})
        await here.fault("drop_after")
        await here.send_approved("canary_words too")
        text = (await client.get(METRICS, headers=SHOWN)).text
    assert [canary for canary in canaries if canary in text] == []
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            assert all(WORD.match(value) for value in sample.labels.values()), sample


async def test_streams_and_the_lag_of_the_poll_are_seen(tmp_path: Path) -> None:
    """Who listens is counted while they do; the inbox that nobody watches has no lag."""
    async with rig(tmp_path) as here:
        parts = build_parts(here.app)
        async with outlook_over(Watched(), [(here, parts)]) as client:
            for mode in MODES:
                assert (await scraped(client))["xdm_streams_open"] == 0
                async with Client(parts.server, mode=mode) as agent:
                    await agent.call_tool("list_dms", {})
                    here.clock.advance(timedelta(seconds=7))
                    assert (await scraped(client))["xdm_inbox_poll_lag_seconds"] == 0
                    with anyio.fail_after(10):
                        async with listening(agent, mode):
                            told = await scraped(client)
                            assert told["xdm_streams_open"] == 1
                            assert told["xdm_inbox_poll_lag_seconds"] >= 7
                await anyio.wait_all_tasks_blocked()


def listening(agent: Client, mode: str) -> Any:
    """Listen for changes of the inbox while entered, as a client of this revision does."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def older() -> Any:
        await agent.subscribe_resource("xdm://inbox")
        yield
        await agent.unsubscribe_resource("xdm://inbox")

    return older() if mode == "legacy" else agent.listen(resource_subscriptions=["xdm://inbox"])


async def test_of_several_accounts_sums_and_the_least_are_told(tmp_path: Path) -> None:
    """One page for one process, and no account in it."""
    async with rig(tmp_path / "a") as one, rig(tmp_path / "b") as two:
        served = [(here, build_parts(here.app)) for here in (one, two)]
        async with outlook_over(Watched(), served) as client:
            await one.send("One.")
            await two.send("Two.")
            await two.approve(await two.send("Three."))
            await two.app.outbox.work()
            told = await scraped(client)
    assert told["xdm_accounts_open"] == 2
    assert told["xdm_holds_waiting"] == 2
    assert told["xdm_window_remaining{messages/24h}"] == 499


async def test_a_ledger_in_trouble_leaves_the_counts_standing() -> None:
    """What cannot be asked is left out; what was counted is still told."""

    class Gone(PretendApp):
        knows_account = True
        looked_at = None

    app, counters, watched = Gone(), Counters(), Watched()

    async def gone() -> Any:
        raise Unavailable("Not now.")

    app.standing.quota = gone  # type: ignore[method-assign]
    watched.added = counters.watch
    with watched.one(app.real, build_parts(app.real)):
        with app.steps.step("write", "settle") as step:
            step.outcome = "ledger_unavailable"
        told = figures((await counters.page(watched)).decode())
    assert told["xdm_ledger_failures_total{ledger_unavailable}"] == 1
    assert told["xdm_holds_waiting"] == 0
