"""The log: one discreet line each, whatever went wrong and whoever says so."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from tests.callers import shown
from tests.rigs import IRIS, rig
from tests.server.asking import MODES
from tests.server.tenancy import two_principals
from xdm_mcp.server.build import build_server
from xdm_mcp.server.logs import describe, log_to_stderr

SECRET = "somebody's words"
HEARD = ("", "xdm_mcp", "mcp.server.sse")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Give the root logger back its sinks and levels."""
    root = logging.getLogger()
    sinks, levels = root.handlers[:], {name: logging.getLogger(name).level for name in HEARD}
    root.handlers.clear()
    yield
    root.handlers[:] = sinks
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_an_exception_is_logged_by_type_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    """What a library's exception quotes stays out of the log."""
    log_to_stderr()
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("mcp.server").exception("it broke")
    said = capsys.readouterr().err
    assert said.startswith("error: it broke (ValueError at test_logs.py:")
    assert SECRET not in said


def test_a_record_is_one_line_of_visible_characters(capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody writes a second line, or to the terminal, through a log."""
    log_to_stderr()
    logging.getLogger("x").warning("a\nerror: b\x1b[2J\u202e")
    assert capsys.readouterr().err == "warning: a\\nerror: b\\x1b[2J\\u202e\n"


def test_libraries_are_never_heard_below_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """At DEBUG we say more and they do not: some of them log whole messages there."""
    log_to_stderr("DEBUG")
    logging.getLogger("mcp.server.sse").debug(SECRET)
    logging.getLogger("uvicorn.error").info(SECRET)
    logging.getLogger("xdm_mcp.app").debug("we look")
    assert capsys.readouterr().err == "debug: we look\n"


async def test_what_a_task_failed_with_is_not_logged_by_the_loop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where nobody asks how a task ended, the loop shows the task with its exception."""
    log_to_stderr()

    async def fails() -> None:
        raise ValueError(SECRET)

    task = asyncio.ensure_future(fails())
    await asyncio.wait([task])
    said = {"message": "Task exception was never retrieved", "future": task}
    task.get_loop().default_exception_handler(said | {"exception": task.exception()})
    line = capsys.readouterr().err
    assert line.startswith("error: Task exception was never retrieved (ValueError at test_logs.py:")
    assert SECRET not in line


async def test_what_a_caller_calls_its_session_is_not_logged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It could be anything that it was told."""
    log_to_stderr("DEBUG")
    async with two_principals(tmp_path) as two:
        answer = await two.client.post(
            f"/messages/?session_id={SECRET}", json={}, headers=shown(two.tokens["alice"])
        )
    assert answer.status_code == 400
    assert SECRET not in capsys.readouterr().err


def test_a_record_may_be_one_object_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    """For machines: the same words and no more, however strange, and still one line."""
    log_to_stderr("INFO", "json")
    logging.getLogger("xdm_mcp.app").info("a\nb\u2028%s", "\x1b")
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("mcp.server").exception("it broke", stack_info=True)
    first, second = capsys.readouterr().err.splitlines()
    told = json.loads(first)
    assert datetime.fromisoformat(told.pop("time")).tzinfo is not None
    assert told == {"level": "info", "logger": "xdm_mcp.app", "message": "a\nb\u2028\x1b"}
    assert json.loads(second)["error"].startswith("ValueError at test_logs.py:")
    assert SECRET not in second


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("mode", MODES)
async def test_at_debug_no_private_text_is_logged_on_the_whole_path(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str, form: Literal["text", "json"]
) -> None:
    """Reading, searching, refusing, holding, approving, sending and failing say nobody's words,
    and of nobody who they are."""
    log_to_stderr("DEBUG", form)
    async with rig(tmp_path) as here:
        await here.says(IRIS, SECRET)
        async with Client(build_server(here.app), mode=mode) as agent:
            page = await agent.call_tool("list_dms", {"with_user": IRIS})
            assert page.structured_content is not None
            conversation = page.structured_content["conversation_id"]
            await agent.call_tool("list_dms", {"query": SECRET})
            await agent.call_tool("check_can_dm", {"recipients": ["somebodyelse"]})
            await agent.call_tool("send_dm", {"to": IRIS, "text": SECRET, "note": SECRET})
            await agent.call_tool("send_dm", {"to": IRIS, "text": SECRET})
            await agent.read_resource(f"xdm://conversations/{conversation}")
            with pytest.raises(MCPError):
                await agent.get_prompt("draft_reply", {"conversation_id": SECRET})
            await here.fault("drop_after")
            await here.send_approved(SECRET)

            async def broken(**_: object) -> None:
                raise ValueError(SECRET)

            here.app.inbox.page = broken  # type: ignore[method-assign, assignment]
            await agent.call_tool("list_dms", {"limit": 3})
    said = capsys.readouterr().err
    assert "unexpected in list_dms" in said
    assert "broke off" in said
    for private in (SECRET, IRIS, conversation, "somebodyelse", "iris"):
        assert private not in said.lower()


def test_at_error_warnings_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """The owner's level is the least for everybody."""
    log_to_stderr("ERROR")
    logging.getLogger("xdm_mcp.app").warning("a")
    logging.getLogger("uvicorn.error").warning("b")
    assert capsys.readouterr().err == ""


def test_an_exception_that_was_never_raised_has_no_place() -> None:
    """Its type must do."""
    assert describe(KeyError(SECRET)) == "KeyError"


def test_a_record_that_cannot_be_written_is_lost_without_a_word(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Telling why would print the exception that it is about."""
    log_to_stderr()
    [sink] = logging.getLogger().handlers
    assert isinstance(sink, logging.StreamHandler)
    gone = io.StringIO()
    sink.setStream(gone)
    gone.close()
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("x").exception("it broke")
    assert SECRET not in "".join(capfd.readouterr())
