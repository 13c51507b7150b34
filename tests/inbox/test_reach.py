"""What is known of a list that is read from the top, a page at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.backends.wires import NOW
from xdm_mcp.inbox.reach import Reach
from xdm_mcp.models.messages import Message, MessagePage


def page(ids: list[int], older: str | None = "more") -> MessagePage:
    """Return a page of messages with these ids, newest first."""
    made = (Message(str(n), "1-2", "1", NOW, "Hello.") for n in sorted(ids, reverse=True))
    return MessagePage(tuple(made), next_cursor=older)


def test_nothing_is_known_at_first() -> None:
    """Neither an end nor a gap."""
    assert (Reach().begun, Reach().gap, Reach().older) == (False, False, None)


def test_a_page_that_meets_what_is_known_leaves_no_gap() -> None:
    """The way back goes on where it ended before."""
    reach = Reach().from_the_top(page([5, 4, 3], "behind 3")).from_the_top(page([7, 6, 5], "x"))
    assert (reach.gap, reach.newest, reach.oldest, reach.older) == (False, 7, 3, "behind 3")


def test_a_page_that_does_not_meet_it_leaves_a_gap_until_one_does() -> None:
    """The gap is read first, and then the way back goes on."""
    reach = Reach().from_the_top(page([5, 4], "behind 4")).from_the_top(page([9, 8], "behind 8"))
    assert (reach.gap, reach.older) == (True, "behind 8")
    reach = reach.further(page([7, 6], "behind 6"))
    assert (reach.gap, reach.older) == (True, "behind 6")
    reach = reach.further(page([5], "x"))
    assert (reach.gap, reach.older, reach.oldest) == (False, "behind 4", 4)


def test_an_empty_page_leads_on() -> None:
    """Some services cut a page before they take out what must not be seen."""
    reach = Reach().from_the_top(page([5], "behind 5")).from_the_top(page([], "on"))
    assert (reach.gap, reach.older) == (True, "on")
    assert not reach.further(page([6, 5], "x")).gap


def test_the_end_of_the_list_leaves_no_gap() -> None:
    """Whatever was known below it has gone from the list, or was never there."""
    reach = Reach().from_the_top(page([5], "behind 5")).from_the_top(page([9, 8], None))
    assert (reach.gap, reach.older) == (False, None)


@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 4), st.integers(1, 3))
def test_what_is_said_to_be_complete_is(arriving: list[int], size: int, pages: int) -> None:
    """However much arrives between looks of a few pages: from the newest id down to `oldest`
    every message was seen."""
    listed: list[int] = []
    seen: set[int] = set()
    reach = Reach()
    for count in arriving:
        listed = [len(listed) + count - n for n in range(count)] + listed
        for turn in range(pages):
            start = 0 if turn == 0 else listed.index(int(reach.older or 0)) + 1
            ids = listed[start : start + size]
            more = str(ids[-1]) if start + size < len(listed) else None
            told = page(ids, more)
            reach = reach.from_the_top(told) if turn == 0 else reach.further(told)
            seen |= set(ids)
            if not reach.gap or reach.older is None:
                break
        assert {n for n in listed if n >= reach.oldest} <= seen
