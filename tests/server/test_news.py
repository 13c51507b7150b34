"""News on both wires: through real server processes of which one looks, and cancelled waits."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest
from mcp.client import Client
from mcp_types import TextResourceContents

from tests.children import MODES, TRANSPORTS, Mode, Transport, Updates, connect, sandbox
from tests.rigs import IRIS, JUNE
from xdm_mcp.app import open_app
from xdm_mcp.config import load
from xdm_mcp.models.messages import pair_id
from xdm_mcp.server.build import build_server

INBOX = "xdm://inbox"
THREAD = f"xdm://conversations/{pair_id('2200000001', IRIS)}"
FAST = {"XDM_INBOX__POLL_SECONDS": "1"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_message_reaches_the_clients_of_both_processes_of_a_home(
    tmp_path: Path, transport: Transport, mode: Mode
) -> None:
    """A subscriber hears of the inbox and of the very conversation, and whoever waits gets the
    message, in the process that looks and in the one that does not."""
    first, second = Updates(), Updates()
    async with (
        connect(tmp_path, "stdio", mode, hear=first, **FAST) as looks,
        first.of(looks, INBOX, THREAD),
        connect(tmp_path, transport, mode, hear=second, **FAST) as other,
        second.of(other, INBOX, THREAD),
        anyio.create_task_group() as tasks,
    ):
        await looks.call_tool("list_dms", {"limit": 1})

        waits = anyio.Event()

        async def hear(_done: float, _of: float | None, _says: str | None) -> None:
            waits.set()

        async def write() -> None:
            await waits.wait()
            await sandbox(tmp_path, "POST", "inbound", {"from": IRIS, "text": "Is it here yet?"})

        tasks.start_soon(write)
        asked = {"limit": 1, "wait_seconds": 30}
        answer = await other.call_tool("list_dms", asked, progress_callback=hear)
        assert answer.structured_content is not None
        [row] = answer.structured_content["conversations"]
        assert row["last_text"] == "Is it here yet?"
        for updates in (first, second):
            assert {await updates.next(), await updates.next()} == {INBOX, THREAD}


@pytest.mark.parametrize("mode", MODES)
async def test_a_wait_that_its_client_gives_up_ends_on_both_wires(
    tmp_path: Path, mode: Mode
) -> None:
    """Nobody watches the inbox any more."""
    told = anyio.Event()

    async def hear(_done: float, _of: float | None, _says: str | None) -> None:
        told.set()

    async with (
        open_app(load(home=tmp_path, env={})) as app,
        Client(build_server(app), mode=mode) as client,
        anyio.create_task_group() as tasks,
    ):
        asked = {"limit": 1, "wait_seconds": 50}
        tasks.start_soon(lambda: client.call_tool("list_dms", asked, progress_callback=hear))
        with anyio.fail_after(20):
            await told.wait()
            assert app.news.watched
            tasks.cancel_scope.cancel()
            with anyio.CancelScope(shield=True):
                while app.news.watched:
                    await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize("mode", MODES)
async def test_resources_say_what_they_cannot_show(tmp_path: Path, mode: Mode) -> None:
    """The inbox and a conversation with nobody's words in it."""
    async with (
        open_app(load(home=tmp_path, env={})) as app,
        Client(build_server(app), mode=mode) as client,
    ):
        for uri in (INBOX, f"xdm://conversations/{pair_id('2200000001', JUNE)}"):
            [content] = (await client.read_resource(uri)).contents
            assert isinstance(content, TextResourceContents)
            page = json.loads(content.text)
            assert page["coverage"] == "legacy_unencrypted_only"
            assert any("encrypted threads" in note for note in page["notes"]), uri
