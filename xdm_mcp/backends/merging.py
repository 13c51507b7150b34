"""One list, newest first, out of several that come in pages, without keeping anything.

Where the next page begins is in the cursor: below which id, and at which page of each list. A page
of a list that was not used up is asked for again, so nothing is lost and nothing comes twice.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdm_mcp.errors import BadInput
from xdm_mcp.models.messages import Message

LONGEST = 4_096
"""Characters of a service's own cursor that are carried on: a longer one ends its list."""

STRANGE = "That cursor belongs to another list or is damaged; ask without a cursor."


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on: messages below `before` (None for all), from these pages of the lists.

    `cursors` has an entry for each list that has more, None for its first page.
    """

    cursors: Mapping[str, str | None]
    before: int | None = None

    def written(self) -> str:
        """Return it as an opaque cursor."""
        told = json.dumps([self.before, dict(self.cursors)], separators=(",", ":"))
        return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page of one list: its messages in any order, and the cursor of the next, None at the
    end."""

    messages: Sequence[Message] = field(default=())
    next_cursor: str | None = None


def place_of(cursor: str | None, lists: Sequence[str]) -> Place:
    """Return the place that a cursor names, the beginning of all `lists` for None.

    Raises BadInput for a cursor that we did not write.
    """
    if cursor is None:
        return Place(dict.fromkeys(lists))
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        before, cursors = json.loads(raw)
        json.dumps(cursors, ensure_ascii=False).encode()  # half a character can go nowhere
    except (binascii.Error, ValueError, TypeError, RecursionError):
        before, cursors = "", None
    numbered = before is None or (isinstance(before, int) and not isinstance(before, bool))
    if not numbered or not isinstance(cursors, dict) or not _fits(cursors, lists):
        raise BadInput(STRANGE)
    return Place(cursors, before)


def merged(
    place: Place, pages: Mapping[str, Fetched], limit: int
) -> tuple[tuple[Message, ...], Place | None]:
    """Return at most `limit` messages, newest first, and where to go on, None at the end.

    `pages` are those of `place`. A message is told only when no list can still hold a newer one.
    """
    before = math.inf if place.before is None else place.before
    floor = max((_floor(page) for page in pages.values()), default=-math.inf)
    known = {int(each.id): each for page in pages.values() for each in page.messages}
    told = sorted((n for n in known if floor <= n < before), reverse=True)[:limit]
    lowest = told[-1] if told else before
    cursors: dict[str, str | None] = {}
    for name, page in pages.items():
        if any(int(each.id) < lowest for each in page.messages):
            cursors[name] = place.cursors.get(name)
        elif _goes_on(page, place.cursors.get(name)):
            cursors[name] = page.next_cursor
    next_before = None if lowest == math.inf else int(lowest)
    return tuple(known[n] for n in told), Place(cursors, next_before) if cursors else None


def _floor(page: Fetched) -> float:
    """Return the id below which a list may still hold messages that we have not seen."""
    if page.next_cursor is None:
        return -math.inf
    return min((int(each.id) for each in page.messages), default=math.inf)


def _goes_on(page: Fetched, asked: str | None) -> bool:
    following = page.next_cursor
    return following is not None and following != asked and len(following) <= LONGEST


def _fits(cursors: Mapping[str, object], lists: Sequence[str]) -> bool:
    return all(name in lists and isinstance(c, str | None) for name, c in cursors.items())
