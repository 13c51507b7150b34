"""What is answered to a body that fits nothing, on every wire of HTTP: never what was in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.server.older import older
from tests.server.tenancy import WIRES, two_principals

PRIVATE = "private words"
REFUSED = (
    json.dumps([{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"text": PRIVATE}}]),
    json.dumps({"jsonrpc": "2.0", "id": 1, "method": 5, "params": {"text": PRIVATE}}),
    '{"jsonrpc": "2.0", ' + PRIVATE,
    f'{{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {{"text": "{PRIVATE} \\ud800"}}}}',
)
"""Bodies that are no message."""

UNFIT: tuple[tuple[str, dict[str, Any]], ...] = (
    (PRIVATE, {}),
    ("tools/call", {"name": PRIVATE}),
    ("tools/call", {"name": "send_dm", "arguments": PRIVATE}),
    ("resources/read", {"uri": [PRIVATE]}),
)
"""Requests that are messages, but of nothing that there is."""


@pytest.mark.parametrize("wire", WIRES)
async def test_no_answer_repeats_what_was_sent(wire: str, tmp_path: Path) -> None:
    """A batch, broken JSON, and requests of nothing that there is."""
    async with two_principals(tmp_path) as two:
        agent = await two.agent("alice", wire)
        headers = agent.headers("ping", {}) | {"content-type": "application/json"}
        for body in REFUSED:
            answer = await two.client.post("/mcp", content=body, headers=headers)
            assert answer.status_code == 400, body
            assert answer.json()["error"]["message"].startswith("That body is not "), body
            assert PRIVATE not in answer.text, body
        for method, params in UNFIT:
            said = json.dumps(await agent.ask(method, params, 1))
            assert "rror" in said, params
            assert PRIVATE not in said, params


async def test_the_older_transport_repeats_nothing_either(tmp_path: Path) -> None:
    """Neither where it takes a body nor on its stream."""
    async with two_principals(tmp_path) as two, older(two, "alice") as agent:
        for body in REFUSED:
            answer = await agent.say(body)
            assert answer.status_code == 400, body
            assert answer.json()["error"]["message"].startswith("That body is not "), body
        for method, params in UNFIT:
            assert (await agent.post(method, params, 1)).text == "Accepted"
            said = json.dumps(await agent.hear())
            assert "rror" in said, params
            assert PRIVATE not in said, params
