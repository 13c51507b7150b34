"""Cursors are opaque and good for one list only."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xdm_mcp.errors import BadInput
from xdm_mcp.inbox.cursors import read_cursor, read_number, write_cursor


@given(what=st.text(), place=st.text(min_size=1))
def test_a_cursor_leads_back_to_its_place(what: str, place: str) -> None:
    """Whatever the list and the place, reading undoes writing."""
    assert read_cursor(write_cursor(what, place), what) == place


def test_no_cursor_means_the_beginning() -> None:
    """A first page needs none."""
    assert read_cursor(None, "conversations") is None


def test_a_cursor_of_another_list_is_refused() -> None:
    """A place in one conversation says nothing about another."""
    with pytest.raises(BadInput, match="another list"):
        read_cursor(write_cursor("1-2", "99"), "1-3")


@given(st.text())
def test_any_other_text_is_refused_with_a_sentence(text: str) -> None:
    """What is no cursor of ours never becomes a place, nor another kind of failure."""
    with pytest.raises(BadInput):
        read_cursor(text, "conversations")


def test_a_place_that_is_an_id_is_read_as_a_number() -> None:
    """Up to the 19 digits that an id of X can have."""
    assert read_number(None, "conversations") is None
    for place in ("0", "42", "9" * 19):
        assert read_number(write_cursor("conversations", place), "conversations") == int(place)


@pytest.mark.parametrize("place", ["x", "-1", "+1", "1_0", " 1", "1\n", "\u0661", "1.5", "9" * 20])
def test_a_forged_place_that_is_no_id_is_refused_with_a_sentence(place: str) -> None:
    """Anybody can write the mark of a list; behind it may stand anything."""
    with pytest.raises(BadInput, match="another list"):
        read_number(write_cursor("conversations", place), "conversations")
