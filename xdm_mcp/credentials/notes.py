"""A note, on the disk before a refresh token leaves, that its renewal began.

It is taken away when the end is known. So who finds one for the present refresh token knows that a
renewal was cut off, and that this token may be spent.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

from xdm_mcp.credentials.files import read_private, remove, write_private
from xdm_mcp.credentials.record import Record, mark


def note_of(file: Path) -> Path:
    """Return the note's file beside the file of a login."""
    return file.with_suffix(".renewing")


def write_down(file: Path, record: Record, now: datetime) -> None:
    """Note that the renewal of this login begins; it is on the disk when this returns."""
    write_private(note_of(file), json.dumps({"token": mark(record.refresh), "at": now.isoformat()}))


def wipe(file: Path) -> None:
    """Take the note away."""
    remove(note_of(file))


def cut_off_at(file: Path, record: Record) -> datetime | None:
    """Return when a renewal of this very login began whose end nobody knows, None if none."""
    try:
        note = json.loads(read_private(note_of(file)) or "{}")
        at = datetime.fromisoformat(note["at"])
        return at if note["token"] == mark(record.refresh) else None
    except (ValueError, KeyError, TypeError):
        return None
