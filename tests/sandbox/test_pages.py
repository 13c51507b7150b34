"""Pages and their tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.conftest import IRIS, START, client_of, sent
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.pages import Anchor, BadToken, from_token, to_token
from xdm_mcp.sandbox.serve import build_app


async def walk(x: httpx2.AsyncClient, size: int, clock: ManualClock) -> list[dict[str, Any]]:
    """Return all pages from the newest on, resting when X's limit of reads asks for it."""
    pages: list[dict[str, Any]] = []
    token: str | None = None
    while not pages or token:
        query = {"max_results": str(size)} | ({"pagination_token": token} if token else {})
        answer = await x.get("/2/dm_events", params=query)
        if answer.status_code == 429:
            clock.advance(timedelta(minutes=15))
            continue
        pages.append(answer.json())
        token = pages[-1]["meta"].get("next_token")
    return pages


def ids(pages: list[dict[str, Any]]) -> list[str]:
    """Return the ids of all events of `pages` in their order."""
    return [event["id"] for page in pages for event in page["data"]]


@given(st.integers(1, 100))
@settings(max_examples=25, deadline=None)
async def test_pages_of_any_size_show_every_event_once_newest_first(size: int) -> None:
    """Walking the pages is reading the whole list."""
    clock = ManualClock(START)
    x = client_of(build_app(MemoryJournal(clock), clock))

    (whole,) = await walk(x, 100, clock)
    pages = await walk(x, size, clock)

    assert ids(pages) == ids([whole])
    assert ids(pages) == sorted(set(ids(pages)), key=int, reverse=True)
    assert all(len(page["data"]) <= size for page in pages)
    assert all(page["meta"]["result_count"] == len(page["data"]) for page in pages)


async def test_a_walk_is_not_disturbed_by_new_messages(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """What arrives between two pages neither repeats an event nor hides one."""
    (whole,) = await walk(x, 100, clock)
    first = (await x.get("/2/dm_events", params={"max_results": "3"})).json()
    await sent(x, IRIS)

    token = first["meta"]["next_token"]
    query = {"max_results": "3", "pagination_token": token}
    second = (await x.get("/2/dm_events", params=query)).json()

    assert ids([first, second]) == ids([whole])[:6]


async def test_one_can_turn_back_to_what_is_newer(x: httpx2.AsyncClient) -> None:
    """The previous token of the second page shows the first again, the first has none."""
    first = (await x.get("/2/dm_events", params={"max_results": "3"})).json()
    assert "previous_token" not in first["meta"]
    query = {"max_results": "3", "pagination_token": first["meta"]["next_token"]}
    second = (await x.get("/2/dm_events", params=query)).json()

    query = {"max_results": "3", "pagination_token": second["meta"]["previous_token"]}
    again = (await x.get("/2/dm_events", params=query)).json()

    assert again == first


async def test_a_token_belongs_to_its_list(x: httpx2.AsyncClient) -> None:
    """In another conversation, or with other types, it is refused."""
    first = (await x.get("/2/dm_events", params={"max_results": "1"})).json()
    token = first["meta"]["next_token"]

    elsewhere = await x.get(
        f"/2/dm_conversations/with/{IRIS}/dm_events", params={"pagination_token": token}
    )
    otherwise = await x.get(
        "/2/dm_events", params={"pagination_token": token, "event_types": "MessageCreate"}
    )

    assert elsewhere.status_code == otherwise.status_code == 400
    assert "pagination_token" in elsewhere.text


@given(st.integers(0, 2**63), st.sampled_from(["older", "newer"]), st.text(max_size=20))
def test_a_token_leads_back_to_where_it_was_given(message_id: int, way: Any, of: str) -> None:
    """It is opaque, long enough for X's schema, and says the same thing again."""
    anchor = Anchor(way, message_id)
    token = to_token(anchor, of)

    assert len(token) >= 16
    assert from_token(token, of) == anchor
    with pytest.raises(BadToken):
        from_token(token, of + "x")


@given(st.text(max_size=40))
def test_no_other_text_is_a_token(text: str) -> None:
    """Whatever somebody makes up is refused as one, never an accident."""
    with pytest.raises(BadToken):
        from_token(text, "list")
