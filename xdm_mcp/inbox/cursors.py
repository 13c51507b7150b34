"""Cursors: opaque places in a list, useless for any other list."""

from __future__ import annotations

import base64
import binascii
import hashlib

from xdm_mcp.errors import BadInput
from xdm_mcp.models.messages import MESSAGE_ID

STALE = "That cursor belongs to another list or is damaged; ask again without a cursor."


def write_cursor(what: str, place: str) -> str:
    """Return an opaque cursor for `place` in the list called `what`."""
    raw = f"{_mark(what)}:{place}".encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(cursor: str | None, what: str) -> str | None:
    """Return the place that `cursor` names in the list called `what`, None for no cursor. Raises
    BadInput."""
    if cursor is None:
        return None
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise BadInput(STALE) from None
    mark, colon, place = raw.partition(":")
    if mark != _mark(what) or not colon or not place:
        raise BadInput(STALE)
    return place


def read_number(cursor: str | None, what: str) -> int | None:
    """Return the place that `cursor` names in a list whose places are ids of X. Raises BadInput."""
    place = read_cursor(cursor, what)
    if place is None:
        return None
    if not MESSAGE_ID.match(place):
        raise BadInput(STALE)  # the mark is no secret: whoever forges it may write any place
    return int(place)


def _mark(what: str) -> str:
    return hashlib.sha256(what.encode()).hexdigest()[:8]
