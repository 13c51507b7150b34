"""What a token is good for holds inside the protocol server too, however a request is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.server.tenancy import ENVELOPE, MODERN, Agent, two_principals
from xdm_mcp.credentials.tokens import SEND, Tokens


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
async def test_what_others_just_read_is_not_given_to_who_may_not_read(
    encoding: str, tmp_path: Path
) -> None:
    """A call that the gate cannot read and the protocol server can: an answer that was made for
    another token of the account a moment ago is refused as any other."""
    async with two_principals(tmp_path) as two:
        await two.says("alice", "canary")
        reader = await two.agent("alice", MODERN)
        for _ in range(3):  # the last two change nothing, so the answer is kept
            assert "canary" in repr(await reader.call("list_dms"))
        secret = Tokens(two.home).add("sender", [SEND], "alice", two.clock.now())
        params = {"name": "list_dms", "arguments": {}, "_meta": ENVELOPE}
        headers = Agent(two.client, secret, MODERN).headers("tools/call", params)
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        answer = await two.client.post(
            "/mcp",
            content=json.dumps(message).encode(encoding),
            headers=headers | {"content-type": "application/json"},
        )
    assert "canary" not in answer.text
    assert answer.json()["error"]["message"].startswith("This token is not good for that")
