"""What a token is good for holds inside the protocol server too, however a request is written."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from tests.server.tenancy import ENVELOPE, LEGACY, MODERN, Agent, Two, two_principals
from xdm_mcp.credentials.tokens import READ, SEND, Tokens


async def reads_without_right(two: Two, encoding: str = "utf-8") -> httpx2.Response:
    """Have somebody who may read ask three times, then somebody who may not; return the answer."""
    await two.says("alice", "canary")
    reader = await two.agent("alice", MODERN)
    for _ in range(3):  # the last two change nothing, so the answer is kept
        assert "canary" in repr(await reader.call("list_dms"))
    secret = Tokens(two.home).add("sender", [SEND], "alice", two.clock.now())
    params = {"name": "list_dms", "arguments": {}, "_meta": ENVELOPE}
    headers = Agent(two.client, secret, MODERN).headers("tools/call", params)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return await two.client.post(
        "/mcp",
        content=json.dumps(message).encode(encoding),
        headers=headers | {"content-type": "application/json"},
    )


async def test_what_others_just_read_is_not_given_to_who_may_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were there a call that the gate reads as another than the protocol server does: an answer
    that was made for another token of the account a moment ago is refused as any other."""
    monkeypatch.setattr("xdm_mcp.server.gate.missing_in", lambda *_: None)
    async with two_principals(tmp_path) as two:
        answer = await reads_without_right(two)
    assert "canary" not in answer.text
    assert answer.json()["error"]["message"].startswith("This token is not good for that")


@pytest.mark.parametrize("odd", [{}, {"method": None}, {"method": "ping", "params": 7}])
async def test_an_answer_to_a_question_takes_the_right_to_send_however_it_is_written(
    odd: dict[str, object], tmp_path: Path
) -> None:
    """What the protocol server takes for one, the gate does too."""
    async with two_principals(tmp_path) as two:
        secret = Tokens(two.home).add("reader", [READ], "alice", two.clock.now())
        reader = Agent(two.client, secret, LEGACY)
        await reader.open()
        yes = {"action": "accept", "content": {"approve": True}}
        message = {"jsonrpc": "2.0", "id": 1, "result": yes, **odd}
        answer = await two.client.post("/mcp", json=message, headers=reader.headers("", {}))
    assert answer.status_code == 403
    assert 'scope="dm:send"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
async def test_a_call_that_only_the_protocol_server_could_read_does_not_reach_it(
    encoding: str, tmp_path: Path
) -> None:
    """JSON that is sent to somebody is UTF-8 without a mark (RFC 8259, 2017-12, section 8.1)."""
    async with two_principals(tmp_path) as two:
        answer = await reads_without_right(two, encoding)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "That body is not JSON."
