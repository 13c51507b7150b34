"""Several lists become one, newest first: nothing is lost, nothing comes twice, and it ends."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xdm_mcp.backends.merging import Fetched, Place, merged, place_of
from xdm_mcp.errors import BadInput
from xdm_mcp.models.messages import Message

NOW = datetime(2026, 10, 14, tzinfo=UTC)
LISTS = ("all", "requests")

# Each list is cut into pages of any sizes, empty ones among them.
CUTS = st.lists(st.integers(0, 4), max_size=8)
NUMBERS = st.lists(st.integers(1, 60), unique=True, max_size=24)


def message(number: int) -> Message:
    """Return a message with that id."""
    return Message(str(number), "1-2", "1", NOW, "text")


def cut(numbers: list[int], sizes: list[int]) -> list[list[int]]:
    """Return numbers, newest first, in pages of these sizes; the last one holds the rest."""
    left = sorted(numbers, reverse=True)
    pages = []
    for size in sizes:
        pages.append(left[:size])
        left = left[size:]
    return [*pages, left]


def fetched(pages: list[list[int]], at: str | None) -> Fetched:
    """Return the page at a cursor, which is its number."""
    number = int(at or 0)
    more = str(number + 1) if number + 1 < len(pages) else None
    return Fetched([message(each) for each in pages[number]], more)


@given(NUMBERS, CUTS, NUMBERS, CUTS, st.integers(1, 7))
def test_every_message_comes_once_and_in_order(
    one: list[int], cuts: list[int], other: list[int], other_cuts: list[int], limit: int
) -> None:
    """Whatever the lists hold, however they are cut, and even where both hold the same message."""
    lists = {"all": cut(one, cuts), "requests": cut(other, other_cuts)}
    place: Place | None = place_of(None, LISTS)
    found: list[int] = []
    for _ in range(200):
        if place is None:
            break
        place = place_of(place.written(), LISTS)
        pages = {name: fetched(lists[name], at) for name, at in place.cursors.items()}
        told, place = merged(place, pages, limit)
        assert len(told) <= limit
        found += [int(each.id) for each in told]
    assert place is None
    assert found == sorted({*one, *other}, reverse=True)


@given(NUMBERS, CUTS, st.integers(61, 80))
def test_what_arrives_meanwhile_disturbs_nothing(
    numbers: list[int], cuts: list[int], arrival: int
) -> None:
    """A newer message between two pages neither repeats nor hides an older one."""
    before = cut(numbers, cuts)
    told, place = merged(place_of(None, ("all",)), {"all": fetched(before, None)}, 3)
    found = [int(each.id) for each in told]
    after = [[arrival, *before[0]], *before[1:]]
    for _ in range(200):
        if place is None:
            break
        pages = {name: fetched(after, at) for name, at in place.cursors.items()}
        told, place = merged(place, pages, 3)
        found += [int(each.id) for each in told]
    assert [each for each in found if each != arrival] == sorted(numbers, reverse=True)


def test_a_cursor_of_the_service_that_is_endless_ends_its_list() -> None:
    """It would not fit into ours."""
    page = Fetched([message(1)], "c" * 5_000)
    told, place = merged(place_of(None, ("all",)), {"all": page}, 5)
    assert (len(told), place) == (1, None)


HALF = Place({"all": "\ud800"}).written()
"""Half a character, which no request can carry."""


@pytest.mark.parametrize(
    "cursor",
    ["", "?", "é", "bnVsbA", "W10", "WzEsMl0", "W251bGwseyJ4IjpudWxsfV0", "W3RydWUse31d", HALF],
)
def test_a_cursor_that_is_not_ours_is_refused(cursor: str) -> None:
    """In a sentence."""
    with pytest.raises(BadInput, match="cursor"):
        place_of(cursor, LISTS)
