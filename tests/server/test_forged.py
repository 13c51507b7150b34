"""What only somebody who tries would write: forged cursors, and times that no calendar has."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp_types import TextContent

from tests.rigs import rig
from tests.server.asking import MODES
from xdm_mcp.inbox.cursors import STALE, write_cursor
from xdm_mcp.server.arguments import ListDms
from xdm_mcp.server.build import build_server

KEEPING = "[inbox]\nkeep = 30\n"
NO_TIME = f"since must be {ListDms.must_be['since']}."


FORGED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"cursor": write_cursor("conversations", "x")}, STALE),
    ({"cursor": write_cursor("needs_reply", "x"), "needs_reply": True}, STALE),
    ({"cursor": write_cursor("query:::hello", "x"), "query": "hello"}, STALE),
    ({"cursor": write_cursor("query:::hello", "9" * 300), "query": "hello"}, STALE),
    ({"since": "0001-01-01T00:00:00+14:00"}, NO_TIME),
    ({"since": "0001-01-01T00:00:00+14:00", "query": "hello"}, NO_TIME),
    ({"since": "9999-12-31T23:59:59-14:00", "query": "hello"}, NO_TIME),
    ({"since": "0001-01-01T00:00:00+14:00", "wait_seconds": 1}, NO_TIME),
)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", ["", KEEPING])
async def test_a_forged_place_or_time_gets_a_sentence_and_no_line_in_the_log(
    policy: str, mode: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is the caller's fault and not one of the server's, kept messages or not."""
    (tmp_path / "policy.toml").write_text(policy)
    async with rig(tmp_path) as here, Client(build_server(here.app), mode=mode) as agent:
        for asked, says in FORGED:
            with caplog.at_level(logging.WARNING, "xdm_mcp"):
                answer = await agent.call_tool("list_dms", asked)
            assert answer.is_error, asked
            said = [block.text for block in answer.content if isinstance(block, TextContent)]
            assert said == [says], asked
    assert caplog.records == []


@pytest.mark.parametrize("mode", MODES)
async def test_the_first_and_the_last_moment_of_the_calendar_are_answered(
    mode: str, tmp_path: Path
) -> None:
    """Everything is newer than the one, nothing than the other."""
    async with rig(tmp_path) as here, Client(build_server(here.app), mode=mode) as agent:
        for since in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
            for asked in ({}, {"query": "hello"}, {"wait_seconds": 1}):
                answer = await agent.call_tool("list_dms", {"since": since, **asked})
                assert not answer.is_error, (since, asked)
