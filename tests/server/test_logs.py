"""The log: one discreet line each, whatever went wrong and whoever says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from xdm_mcp.server.logs import describe, log_to_stderr

SECRET = "somebody's words"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Give the root logger back its sinks and levels."""
    root, ours = logging.getLogger(), logging.getLogger("xdm_mcp")
    sinks, levels = root.handlers[:], (root.level, ours.level)
    root.handlers.clear()
    yield
    root.handlers[:] = sinks
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


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


def test_at_error_warnings_are_silent(capsys: pytest.CaptureFixture[str]) -> None:
    """The owner's level is the least for everybody."""
    log_to_stderr("ERROR")
    logging.getLogger("xdm_mcp.app").warning("a")
    logging.getLogger("uvicorn.error").warning("b")
    assert capsys.readouterr().err == ""


def test_an_exception_that_was_never_raised_has_no_place() -> None:
    """Its type must do."""
    assert describe(KeyError(SECRET)) == "KeyError"
