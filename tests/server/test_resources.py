"""The resources: what is there, what is read, and what is said of what is not there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, TextResourceContents

from tests.server.asking import MODES, ask
from tests.server.pretend import TALK, THEM, PretendApp
from xdm_mcp.errors import LedgerUnavailable, NotFound, OverBudget
from xdm_mcp.models.results import Reason
from xdm_mcp.server.build import build_server

CODES = {"auto": INVALID_PARAMS, "legacy": -32002}


async def read(app: PretendApp, mode: str, uri: str) -> Any:
    """Return the JSON of a resource."""
    (content,) = (await ask(mode, lambda client: client.read_resource(uri), app)).contents
    assert isinstance(content, TextResourceContents)
    assert (content.uri, content.mime_type) == (uri, "application/json")
    return json.loads(content.text)


@pytest.mark.parametrize("mode", MODES)
async def test_static_resources_and_templates_are_listed(mode: str) -> None:
    """Four resources without a parameter, two templates with one."""
    resources = (await ask(mode, lambda client: client.list_resources())).resources
    listed = await ask(mode, lambda client: client.list_resource_templates())
    assert [r.uri for r in resources] == [
        "xdm://inbox",
        "xdm://quota",
        "xdm://policy",
        "xdm://approvals",
    ]
    assert [t.uri_template for t in listed.resource_templates] == [
        "xdm://conversations/{conversation_id}",
        "xdm://messages/{message_id}",
    ]


@pytest.mark.parametrize("mode", MODES)
async def test_each_resource_reads_as_json_without_nulls(mode: str) -> None:
    """Messages are whole in resources: id, writer and time each."""
    app = PretendApp()
    assert (await read(app, mode, "xdm://inbox"))["conversations"][0]["id"] == TALK
    assert (await read(app, mode, f"xdm://conversations/{TALK}"))["messages"][0] == {
        "id": "30",
        "from_id": THEM,
        "at": "2026-10-14T09:31:42Z",
        "text": "Is it here yet?",
        "truncated": False,
        "hidden_removed": 0,
    }
    assert (await read(app, mode, "xdm://messages/30"))["untrusted"] is True
    assert (await read(app, mode, "xdm://quota"))["held"][0]["approval_id"] == "ab12"
    assert (await read(app, mode, "xdm://policy"))[0]["rule"] == "confirmation"
    assert (await read(app, mode, "xdm://approvals"))[0]["recipient_ids"] == [THEM]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "uri",
    [
        "xdm://nothing",
        "xdm://inbox/",
        "xdm://conversations/",
        "xdm://conversations/me",
        "xdm://conversations/1-2/3",
        "xdm://messages/1.5e18",
        "file:///etc/passwd",
    ],
)
async def test_an_unknown_or_malformed_uri_is_refused_as_the_revision_wants(
    mode: str, uri: str
) -> None:
    """-32602 since 2026-07-28, -32002 before, with the URI and a sentence; nothing is asked."""
    app = PretendApp()
    with pytest.raises(MCPError, match="There is no such resource; list") as refusal:
        await read(app, mode, uri)
    assert refusal.value.code == CODES[mode]
    assert refusal.value.data == {"uri": uri}
    assert app.inbox.asked == []


@pytest.mark.parametrize("mode", MODES)
async def test_a_message_that_is_not_there_is_refused_the_same_way(mode: str) -> None:
    """What the inbox cannot find looks like what cannot exist."""
    app = PretendApp()
    app.inbox.answer = NotFound("There is no such message.")
    with pytest.raises(MCPError) as refusal:
        await read(app, mode, "xdm://messages/5")
    assert (refusal.value.code, refusal.value.data) == (CODES[mode], {"uri": "xdm://messages/5"})


@pytest.mark.parametrize("mode", MODES)
async def test_what_cannot_be_read_now_says_why(mode: str) -> None:
    """A failure of ours is -32603 with its sentence and code."""
    app = PretendApp()
    app.inbox.answer = OverBudget("Reading costs more than the owner's budget has left today.")
    with pytest.raises(MCPError, match="the owner's budget") as refusal:
        await read(app, mode, "xdm://inbox")
    assert refusal.value.code == INTERNAL_ERROR
    assert refusal.value.data == {"uri": "xdm://inbox", "code": "over_budget"}


@pytest.mark.parametrize("mode", MODES)
async def test_the_policy_tells_of_the_owners_standing_rules(mode: str) -> None:
    """After the rules of the guard; where they cannot be read it says so and tells the rest."""
    app = PretendApp()
    app.standing.rules = [Reason(rule="standing_rule 3", says="Up to 5 replies pass.")]
    assert (await read(app, mode, "xdm://policy"))[1]["rule"] == "standing_rule 3"
    app.standing.rules = LedgerUnavailable("The ledger is busy; try again.")
    first, last = await read(app, mode, "xdm://policy")
    assert first["rule"] == "confirmation"
    assert last["says"] == "They cannot be told now: The ledger is busy; try again."


@pytest.mark.parametrize("mode", MODES)
async def test_an_unforeseen_failure_tells_nothing_private(
    mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the client nor the log learns what the exception says."""
    app = PretendApp()
    app.inbox.answer = RuntimeError("somebody's message")
    with pytest.raises(MCPError, match="Something went wrong inside the server") as refusal:
        await read(app, mode, "xdm://inbox")
    assert refusal.value.code == INTERNAL_ERROR
    assert "RuntimeError at pretend.py:" in caplog.text
    assert "somebody" not in caplog.text


async def test_lists_may_be_cached_by_everybody_and_content_by_nobody() -> None:
    """Lists are public for minutes; an inbox is private and stale at once."""
    async with Client(build_server(PretendApp().real)) as client:
        lists = [
            await client.list_tools(),
            await client.list_prompts(),
            await client.list_resources(),
            await client.list_resource_templates(),
        ]
        content = await client.read_resource("xdm://inbox")
    assert {(one.ttl_ms, one.cache_scope) for one in lists} == {(300_000, "public")}
    assert (content.ttl_ms, content.cache_scope) == (0, "private")
