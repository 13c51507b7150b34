"""Asking in the client: who is asked, what an answer is worth, and that no replay sends twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp_types import (
    CallToolResult,
    ElicitRequestFormParams,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
)

from tests.attack.wires import TRANSPORTS, served
from tests.attack.world import world
from tests.rigs import IRIS, JUNE, Rig, rig
from tests.server.asking import MODES
from xdm_mcp.models.sends import Assurance
from xdm_mcp.server import confirm
from xdm_mcp.server.build import build_server
from xdm_mcp.server.rounds import DIALOG

CLIENT_WILL_DO: dict[str, Any] = {"confirmation": {"least": "client"}}
"""A policy that lets the client's own dialog answer whatever only `confirmation` holds."""

YES = ElicitResult(action="accept", content={"approve": True})


class Dialog:
    """A client's dialog: what it was asked, and what it answers."""

    def __init__(self, answer: ElicitResult | Callable[[], Awaitable[ElicitResult]] = YES) -> None:
        """Give `answer`, or whatever comes of waiting for it."""
        self.answer = answer
        self.asked: list[ElicitRequestParams] = []

    async def hear(
        self, context: ClientRequestContext, params: ElicitRequestParams
    ) -> ElicitResult:
        """Answer as told."""
        self.asked.append(params)
        return self.answer if isinstance(self.answer, ElicitResult) else await self.answer()

    @property
    def words(self) -> str:
        """What the only form said."""
        (form,) = self.asked
        assert isinstance(form, ElicitRequestFormParams)
        return form.message


def connect(program: Rig, mode: str, dialog: Dialog | None) -> Client:
    """Connect in process; without a dialog the client declares no elicitation."""
    return Client(
        build_server(program.app), mode=mode, elicitation_callback=dialog.hear if dialog else None
    )


async def send(client: Client, text: str = "On its way.", to: str = IRIS) -> dict[str, Any]:
    """Ask to send and return the structured answer."""
    return told(await client.call_tool("send_dm", {"to": to, "text": text}))


def told(result: CallToolResult) -> dict[str, Any]:
    """Return the structure of a result."""
    structure: dict[str, Any] | None = result.structured_content
    assert structure is not None
    return structure


@pytest.mark.parametrize("mode", MODES)
async def test_an_accepted_form_sends_at_once_and_counts_as_client(
    mode: str, tmp_path: Path
) -> None:
    """The tool answers `sent`; the ledger knows the weakest word for who approved."""
    dialog = Dialog()
    async with rig(tmp_path, **CLIENT_WILL_DO) as program:
        async with connect(program, mode, dialog) as client:
            assert (await send(client))["status"] == "sent"
        assert await program.deliveries() == ["On its way."]
        (entry,) = await program.app.ledger.recent()
    assert entry.hold is not None
    assert (entry.hold.assurance, entry.hold.approved_by) == (Assurance.CLIENT, confirm.BY)


@pytest.mark.parametrize("mode", MODES)
async def test_the_form_shows_everything_and_the_digest_that_is_sent(
    mode: str, tmp_path: Path
) -> None:
    """Numeric recipient, every character, each link's host, the reasons and the digest."""
    dialog, text = Dialog(), "Tab\there, see https://example.org/a\n\nCost: 0 USD\nDigest: none"
    will_do = CLIENT_WILL_DO | {"links": {"least": "client"}}
    async with rig(tmp_path, **will_do) as program:
        async with connect(program, mode, dialog) as client:
            assert (await send(client, text))["status"] == "sent"
        (entry,) = await program.app.ledger.recent()
        assert await program.deliveries() == [text]
    assert entry.hold is not None
    lines = dialog.words.split("\n")
    assert f"Digest: {entry.hold.digest}" in lines
    assert "Digest: none" not in lines
    assert "│ Tab⟦U+0009⟧here, see https://example.org/a" in lines
    assert any(f"numeric id {IRIS}" in line for line in lines)
    assert "Link: https://example.org/a leads to example.org" in lines
    assert "Asked because (confirmation): The owner confirms every message." in lines


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "answer",
    [
        ElicitResult(action="decline"),
        ElicitResult(action="cancel"),
        ElicitResult(action="accept"),
        ElicitResult(action="accept", content={}),
        ElicitResult(action="accept", content={"approve": False}),
        ElicitResult(action="accept", content={"approve": "true"}),
        ElicitResult(action="accept", content={"approve": 1}),
        ElicitResult(action="decline", content={"approve": True}),
    ],
)
async def test_anything_but_a_plain_yes_leaves_it_held(
    answer: ElicitResult, mode: str, tmp_path: Path
) -> None:
    """The result says how to approve; a person may still do it, and is not asked here again."""
    dialog = Dialog(answer)
    async with rig(tmp_path, **CLIENT_WILL_DO) as program:
        async with connect(program, mode, dialog) as client:
            first = await send(client)
            again = await send(client)
        assert first["status"] == again["status"] == "held"
        assert first["approval_id"] in first["how_to_approve"]
        assert len(dialog.asked) == 1
        await program.app.outbox.work()
        assert await program.deliveries() == []
        entry = await program.app.outbox.find(first["approval_id"])
        assert entry.hold is not None
        await program.app.outbox.approve(
            entry.hold.approval_id, digest=entry.hold.digest, assurance=Assurance.PERSON, by="test"
        )
        await program.app.outbox.work()
        assert await program.deliveries() == ["On its way."]


@pytest.mark.parametrize("mode", MODES)
async def test_where_a_person_is_needed_no_form_is_shown(mode: str, tmp_path: Path) -> None:
    """By default an accept would be worth nothing, so nobody is asked for one."""
    dialog = Dialog()
    async with rig(tmp_path) as program, connect(program, mode, dialog) as client:
        assert (await send(client))["status"] == "held"
        assert dialog.asked == []
        assert await program.deliveries() == []


@pytest.mark.parametrize("mode", MODES)
async def test_the_surest_rule_decides_whether_a_form_is_enough(mode: str, tmp_path: Path) -> None:
    """A first contact needs a person, whatever the confirmation rule would take."""
    dialog = Dialog()
    async with rig(tmp_path, **CLIENT_WILL_DO) as program:
        async with connect(program, mode, dialog) as client:
            assert (await send(client, to=JUNE))["status"] == "held"
        assert dialog.asked == []


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_that_declares_nothing_gets_the_held_result(
    mode: str, tmp_path: Path
) -> None:
    """No question, no error, no send."""
    async with rig(tmp_path, **CLIENT_WILL_DO) as program, connect(program, mode, None) as client:
        held = await send(client)
        assert held["status"] == "held"
        assert held["how_to_approve"]


async def test_a_dialog_that_hangs_ends_before_the_client_gives_the_tool_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tool answers `held` while the dialog is still open; a late yes changes nothing."""
    assert timedelta(seconds=60) > DIALOG
    monkeypatch.setattr("xdm_mcp.server.confirm.DIALOG", timedelta(milliseconds=50))
    late = anyio.Event()

    async def hang() -> ElicitResult:
        with anyio.CancelScope(shield=True):
            await late.wait()
        return YES

    with anyio.fail_after(5):
        async with rig(tmp_path, **CLIENT_WILL_DO) as program:
            async with connect(program, "legacy", Dialog(hang)) as client:
                assert (await send(client))["status"] == "held"
                late.set()
                assert (await send(client))["status"] == "held"
            await program.app.outbox.work()
            assert await program.deliveries() == []


@pytest.mark.parametrize("mode", MODES)
async def test_a_dialog_that_fails_leaves_it_held(mode: str, tmp_path: Path) -> None:
    """A client that answers with an error on the older wire; on the newer it gives up itself."""

    async def fail() -> ElicitResult:
        raise ValueError("no window to draw on")

    async with rig(tmp_path, **CLIENT_WILL_DO) as program:
        try:
            async with connect(program, mode, Dialog(fail)) as client:
                assert (await send(client))["status"] == "held"
        except* ValueError:
            assert mode == "auto"
        (entry,) = await program.app.outbox.waiting()
        assert entry.state == "held"
        assert await program.deliveries() == []


@pytest.mark.parametrize("mode", MODES)
async def test_url_mode_brings_the_page_and_approves_nothing(mode: str, tmp_path: Path) -> None:
    """Opening the page is no approval; its address is all that the client is told."""

    async def page() -> str:
        return "http://127.0.0.1:9000/"

    dialog = Dialog()
    async with rig(tmp_path) as program:
        program.app.page_address = page
        async with connect(program, mode, dialog) as client:
            assert (await send(client))["status"] == "held"
        (visit,) = dialog.asked
        assert isinstance(visit, ElicitRequestURLParams)
        assert visit.url == "http://127.0.0.1:9000/"
        assert IRIS not in visit.message
        await program.app.outbox.work()
        assert await program.deliveries() == []


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_form_reaches_the_client_over_every_transport(
    transport: str, mode: str, tmp_path: Path
) -> None:
    """Asked and answered over pipes, Streamable HTTP and SSE alike: one dialog, one message."""
    dialog = Dialog()
    with anyio.fail_after(20):
        async with (
            world(tmp_path, **CLIENT_WILL_DO) as place,
            served(place.app, transport, mode, elicitation_callback=dialog.hear) as client,
        ):
            assert (await send(client))["status"] == "sent"
            assert (await send(client))["replayed"]
            assert await place.delivered() == ["On its way."]
    assert len(dialog.asked) == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_real_page_is_brought_over_every_transport_and_opening_it_approves_nothing(
    transport: str, mode: str, tmp_path: Path
) -> None:
    """Where a person is needed, the client is asked to open the page that the server serves."""
    dialog = Dialog()
    with anyio.fail_after(20):
        async with (
            world(tmp_path) as place,
            served(place.app, transport, mode, elicitation_callback=dialog.hear) as client,
        ):
            held = await send(client)
            assert held["status"] == "held"
            (visit,) = dialog.asked
            assert isinstance(visit, ElicitRequestURLParams)
            assert visit.url in held["how_to_approve"]
            assert held["approval_id"] not in visit.url
            assert await place.delivered() == []
