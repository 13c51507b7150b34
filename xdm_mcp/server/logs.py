"""Logging that keeps private things private: to stderr, one line each, never an exception's text.

Exceptions of libraries quote what they choked on, which here is somebody's message. So a log line
names the exception's type and place, and nothing of what it says. Every live secret is taken out.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from xdm_mcp.clock import rfc3339
from xdm_mcp.credentials.redaction import Redacting

log = logging.getLogger(__name__)

acting_for: ContextVar[str] = ContextVar("acting_for", default="")
"""The principal that the running task acts for, by name; empty where there is only one."""


class Discreet(logging.Formatter):
    """Formats a record on one line and an exception as its type and place."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, control characters and line breaks escaped."""
        raised = _raised(record)
        ending = f" ({raised})" if raised else ""
        name = acting_for.get()
        whose = f"[{name}] " if name else ""
        line = f"{record.levelname.lower()}: {whose}{_said(record)}{ending}"
        return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


class DiscreetJson(logging.Formatter):
    """Formats a record as one JSON object on one line, as discreetly."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record: its time (UTC), level, logger, principal where there are several,
        message and, if any, its error."""
        raised, name = _raised(record), acting_for.get()
        facts = {
            "time": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            **({"principal": name} if name else {}),
            "message": _said(record),
            **({"error": raised} if raised else {}),
        }
        return json.dumps(facts)


def _said(record: logging.LogRecord) -> str:
    """Return a record's message. Of what asyncio says only the first line, and that no further than
    its words: what it did not expect it shows with all its values."""
    said = record.getMessage()
    return said.partition("\n")[0].partition("<")[0].strip() if record.name == "asyncio" else said


def _raised(record: logging.LogRecord) -> str:
    """Return what is said of a record's exception, nothing where there is none."""
    exception = record.exc_info[1] if record.exc_info else None
    return describe(exception) if exception is not None else ""


def describe(error: BaseException) -> str:
    """Return an exception's type and the place where it was raised, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"


def report(error: BaseException, where: str) -> None:
    """Log an exception that nobody foresaw, raised while doing `where`."""
    log.error("unexpected in %s: %s", where, describe(error))


def log_to_stderr(level: str = "WARNING", form: Literal["text", "json"] = "text") -> None:
    """Send log records from `level` up to stderr, discreetly; replaces what was set up.

    Libraries are heard from WARNING up at most: below that some of them log whole messages.
    """
    ours = logging.getLevelNamesMapping()[level]
    sink = logging.StreamHandler(sys.stderr)
    sink.setFormatter(DiscreetJson() if form == "json" else Discreet())
    sink.addFilter(Redacting())
    logging.basicConfig(level=max(ours, logging.WARNING), handlers=[sink], force=True)
    logging.getLogger("xdm_mcp").setLevel(ours)
    # A record that cannot be written is lost: telling why would print the exception it is about.
    logging.raiseExceptions = False
    # Its warnings repeat what a caller wrote.
    logging.getLogger("mcp.server.sse").setLevel(logging.ERROR)
