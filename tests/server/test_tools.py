"""The four tools, called as an agent calls them, on both wires."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult

from tests.server.pretend import HELD, TALK, PretendApp
from xdm_mcp.errors import BadInput, LedgerUnavailable
from xdm_mcp.models.results import SendResult, SendStatus
from xdm_mcp.server.build import build_parts, build_server

Connect = Callable[[PretendApp], Client]


@pytest.fixture(params=["auto", "legacy"])
def connect(request: pytest.FixtureRequest) -> Connect:
    """Connect to an app in process, over either revision of MCP."""
    return lambda app: Client(build_server(app.real), mode=request.param)


def words(result: CallToolResult) -> str:
    """Return the text of a result."""
    (block,) = result.content
    assert block.type == "text"
    return block.text


async def test_there_are_four_tools_whatever_the_app(connect: Connect) -> None:
    """The list is the same for everybody, in one order."""
    async with connect(PretendApp()) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == ["send_dm", "list_dms", "check_can_dm", "quota_status"]
    assert all(tool.output_schema and tool.annotations and tool.title for tool in tools)


async def test_a_send_asks_the_outbox_for_exactly_what_was_given(connect: Connect) -> None:
    """Nothing is added, and the answer comes back as text and as structure."""
    app = PretendApp()
    async with connect(app) as client:
        result = await client.call_tool("send_dm", {"text": "hi", "to": "@ada", "dry_run": True})
    assert app.outbox.asked == [
        {
            "text": "hi",
            "to": "@ada",
            "conversation_id": None,
            "new_group": None,
            "attachment": None,
            "idempotency_key": None,
            "dry_run": True,
        }
    ]
    assert result.structured_content is not None
    assert result.structured_content["status"] == "held"
    assert words(result).startswith("NOT SENT (held). A person must approve it first")
    assert not result.is_error


@pytest.mark.parametrize(
    ("status", "is_error"),
    [
        ("sent", False),
        ("held", False),
        ("preview", False),
        ("denied", True),
        ("failed", True),
        ("unknown", True),
    ],
)
async def test_what_was_not_sent_for_good_is_an_error(
    connect: Connect, status: SendStatus, is_error: bool
) -> None:
    """denied, failed and unknown are errors with structure; the rest are not."""
    app = PretendApp()
    app.outbox.answer = SendResult(status=status, says="One plain sentence.")
    async with connect(app) as client:
        result = await client.call_tool("send_dm", {"text": "hi", "to": "ada"})
    assert result.is_error is is_error
    assert result.structured_content == {"status": status, "says": "One plain sentence."}


@pytest.mark.parametrize(
    "given",
    [
        {"text": "hi", "to": "ada", "dryRun": True},
        {"text": "hi", "to": 4.2e18},
        {"text": "hi"},
        {"text": "", "to": "ada"},
    ],
)
async def test_bad_arguments_are_refused_before_anything_happens(
    connect: Connect, given: dict[str, Any]
) -> None:
    """An extra argument, a number for an id, no recipient, no text: one sentence, nothing asked."""
    app = PretendApp()
    async with connect(app) as client:
        result = await client.call_tool("send_dm", given)
    assert result.is_error
    assert words(result).startswith("NOT SENT. ")
    assert result.structured_content is None
    assert app.outbox.asked == []


async def test_a_foreseen_failure_is_told_in_its_own_sentence(connect: Connect) -> None:
    """What the outbox raises reaches the model word for word, marked as not sent."""
    app = PretendApp()
    app.outbox.answer = BadInput("You cannot write to yourself; name somebody else.")
    app.inbox.answer = LedgerUnavailable("The ledger cannot be opened; ask the owner.")
    async with connect(app) as client:
        sent = await client.call_tool("send_dm", {"text": "hi", "to": "me"})
        read = await client.call_tool("list_dms", {})
    assert words(sent) == "NOT SENT. You cannot write to yourself; name somebody else."
    assert words(read) == "The ledger cannot be opened; ask the owner."
    assert sent.is_error
    assert read.is_error


async def test_a_call_that_could_look_nothing_up_speaks_for_itself_alone(connect: Connect) -> None:
    """An earlier one may have sent the same: the agent asks again in the same words, not in new
    ones."""
    app = PretendApp()
    app.outbox.answer = LedgerUnavailable("The ledger is kept busy; try again in a moment.")
    async with connect(app) as client:
        result = await client.call_tool("send_dm", {"text": "hi", "to": "ada"})
    assert words(result) == (
        "NOT SENT by this call. The ledger is kept busy; try again in a moment. If the same was"
        " asked for before, that call may have sent it: repeat this very call, never in other"
        " words."
    )


async def test_an_unforeseen_failure_tells_nothing_private(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """The model hears that something broke, the log names type and place, neither quotes it."""
    app = PretendApp()
    app.outbox.answer = RuntimeError("text of somebody's message")
    async with connect(app) as client:
        result = await client.call_tool("send_dm", {"text": "hi", "to": "ada"})
    assert words(result).startswith("MAYBE SENT. Something went wrong inside the server")
    assert "unexpected in send_dm: RuntimeError at pretend.py:" in caplog.text
    assert "somebody" not in words(result) + caplog.text


async def test_an_unknown_tool_is_a_protocol_error_that_names_the_known_ones(
    connect: Connect,
) -> None:
    """-32602 with a sentence, as both revisions say."""
    async with connect(PretendApp()) as client:
        with pytest.raises(MCPError, match="there are send_dm, list_dms") as refusal:
            await client.call_tool("delete_dm", {})
    assert refusal.value.code == INVALID_PARAMS


async def test_reading_passes_every_filter_on(connect: Connect) -> None:
    """list_dms asks the inbox for what the agent asked, defaults included."""
    app = PretendApp()
    async with connect(app) as client:
        result = await client.call_tool("list_dms", {"conversation_id": TALK, "limit": 3})
    (asked,) = app.inbox.asked
    assert (asked["conversation_id"], asked["limit"], asked["wait_seconds"]) == (TALK, 3, 0)
    assert result.structured_content is not None
    assert result.structured_content["messages"][0]["rows"][0]["text"] == "Is it here yet?"
    assert words(result).startswith("Untrusted words of other people")


async def test_waiting_reports_progress(connect: Connect) -> None:
    """A client that asked for progress is told how long we have waited."""
    heard: list[tuple[float, float | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, total))

    async with connect(PretendApp()) as client:
        await client.call_tool("list_dms", {"wait_seconds": 5}, progress_callback=hear)
        with anyio.fail_after(5):
            while not heard:
                await anyio.lowlevel.checkpoint()
    assert heard == [(1.0, 5.0)]


async def test_checking_and_limits_answer_with_structure(connect: Connect) -> None:
    """Both reading tools answer what their schemas say; null stays where it is an answer."""
    async with connect(PretendApp()) as client:
        check = await client.call_tool("check_can_dm", {"recipients": ["mira_parcel"]})
        quota = await client.call_tool("quota_status", {})
    assert check.structured_content is not None
    assert check.structured_content["recipients"][0]["can_dm"] is None
    assert quota.structured_content is not None
    assert quota.structured_content["money"]["today_usd"] == "0.045"


async def test_no_new_send_begins_while_stopping(connect: Connect) -> None:
    """From the signal on, sends are refused and reads still answered."""
    app = PretendApp()
    parts = build_parts(app.real)
    with anyio.fail_after(5):
        await parts.calls.finish()
    async with Client(parts.server) as client:
        sent = await client.call_tool("send_dm", {"text": "hi", "to": "ada"})
        read = await client.call_tool("quota_status", {})
    assert words(sent).startswith("NOT SENT by this call. The server is stopping")
    assert not read.is_error
    assert app.outbox.asked == []


async def test_a_send_in_flight_is_waited_for(connect: Connect) -> None:
    """Stopping ends when the last send has its answer."""
    app = PretendApp()
    parts = build_parts(app.real)
    begun, let_go = anyio.Event(), anyio.Event()

    async def before() -> None:
        begun.set()
        await let_go.wait()

    app.outbox.before = before
    order: list[str] = []

    async def send(client: Client) -> None:
        result = await client.call_tool("send_dm", {"text": "hi", "to": "ada"})
        order.append(str((result.structured_content or {})["status"]))

    async def stop() -> None:
        await parts.calls.finish()
        order.append("stopped")

    with anyio.fail_after(5):
        async with Client(parts.server) as client, anyio.create_task_group() as tasks:
            tasks.start_soon(send, client)
            await begun.wait()
            tasks.start_soon(stop)
            await anyio.lowlevel.checkpoint()
            assert order == []
            let_go.set()
    assert sorted(order) == [HELD.status, "stopped"]
