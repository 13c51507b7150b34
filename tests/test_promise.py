"""The promise, end to end: what no person allowed stays, what one approved goes out once, byte for
byte."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.children import MODES, TRANSPORTS, Mode, Transport, connect, sandbox
from tests.cli.terminals import Terminal
from xdm_mcp.cli.approvals import QUESTION

TEXT = 'Merci — à bientôt, “Zoë”! 🙂\n2 < 3 && \\0 {"a": 1}\tTab'
"""A text whose bytes are easy to bend on the way."""


async def unanswered(home: Path) -> str:
    """Return the id of somebody in the sandbox who wrote to us."""
    world = await sandbox(home, "GET", "world")
    return str(next(p["id"] for p in world["people"] if p["handle"] == "iris_sandbox"))


def approve(home: Path, approval_id: str) -> None:
    """Approve in a terminal, as an owner who chooses a PIN with the first approval."""
    with Terminal(home, "approvals", "approve", approval_id) as terminal:
        for asked in ("New PIN: ", "The same again: ", QUESTION):
            terminal.until(asked)
            terminal.type("830274\n")
        assert terminal.ends() == 0, terminal.shown


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_nothing_goes_out_until_a_person_approves_then_exactly_the_approved_bytes_once(
    transport: Transport, mode: Mode, tmp_path: Path
) -> None:
    """By default a send is held; approved in a terminal it is delivered once, unchanged."""
    who = await unanswered(tmp_path)
    with anyio.fail_after(60):
        async with connect(tmp_path, transport, mode) as client:
            held = (await client.call_tool("send_dm", {"to": who, "text": TEXT})).structured_content
            assert held is not None
            assert held["status"] == "held"
            assert await sandbox(tmp_path, "GET", "deliveries") == {"deliveries": []}

            await anyio.to_thread.run_sync(approve, tmp_path, held["approval_id"])
            again = (
                await client.call_tool("send_dm", {"to": who, "text": TEXT})
            ).structured_content

    assert again is not None
    assert (again["status"], again["replayed"]) == ("sent", True)
    delivered = (await sandbox(tmp_path, "GET", "deliveries"))["deliveries"]
    assert [message["text"].encode() for message in delivered] == [TEXT.encode()]
    assert delivered[0]["recipient_ids"] == [who]
