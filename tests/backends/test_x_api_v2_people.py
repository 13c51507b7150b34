"""Followers, blocks, deletions and the balance on the X API v2, answer by answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings

from tests.backends.test_strict_json import VALUES
from tests.backends.wires import ANNA, EVENT, ME, Answering, Script, backend_over, reply
from xdm_mcp.backends.x_api_v2_people import FOLLOWERS, OWNED_READ, balance_in
from xdm_mcp.clock import ManualClock
from xdm_mcp.errors import BackendUnavailable, BadInput, NotFound, RateLimited, Refused, Unsupported

PAGE: dict[str, Any] = {
    "data": [{"id": ANNA, "username": "anna", "receives_your_dm": True}],
    "meta": {"result_count": 1, "next_token": "T2"},
}
MISSING = {
    "errors": [
        {"title": "Not Found Error", "type": "https://api.x.com/2/problems/resource-not-found"}
    ]
}


@pytest.mark.parametrize(("following", "name"), [(False, "followers"), (True, "following")])
async def test_a_small_page_of_followers_is_asked_for(following: bool, name: str) -> None:
    """With whether each can be written to, priced by what came, and led on by a cursor."""
    script = Script(reply(200, PAGE))
    there = backend_over(script)
    page = await there.followers("5", following=following, cursor="T1")
    assert script.paths == [f"GET /2/users/5/{name}"]
    assert script.params()["max_results"] == str(FOLLOWERS)
    assert script.params()["pagination_token"] == "T1"
    assert [(user.id, user.can_dm) for user in page.users] == [(ANNA, True)]
    assert (page.next_cursor, page.cost) == ("T2", there.capabilities.prices.read_user)


async def test_our_own_followers_are_cheaper() -> None:
    """An owned read, once we know who we are."""
    script = Script(reply(200, {"data": {"id": ME}}), reply(200, PAGE))
    there = backend_over(script)
    await there.me()
    assert (await there.followers(ME)).cost == OWNED_READ


async def test_a_repeated_cursor_and_an_empty_page_end() -> None:
    """Nobody is made up, and nothing loops."""
    script = Script(reply(200, PAGE), reply(200, {"meta": {"result_count": 0}}))
    there = backend_over(script)
    assert (await there.followers("5", cursor="T2")).next_cursor is None
    page = await there.followers("5")
    assert (page.users, page.cost) == ((), 0)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(200, MISSING), NotFound),
        (reply(404, MISSING), NotFound),
        (reply(200, {}), BackendUnavailable),
        (reply(200, {"data": []}), BackendUnavailable),
        (reply(403, {"title": "Forbidden", "detail": "Forbidden"}), Refused),
        (reply(429), RateLimited),
    ],
)
async def test_followers_that_cannot_be_read_are_an_error(
    answer: Answering, error: type[Exception]
) -> None:
    """Never an empty page."""
    with pytest.raises(error):
        await backend_over(Script(answer)).followers("5")


@pytest.mark.parametrize("blocked", [True, False])
async def test_a_block_is_one_post_whose_answer_says_so(blocked: bool) -> None:
    """The id in the path is the other user's."""
    script = Script(reply(200, {"data": {"blocked": blocked}}))
    await backend_over(script).block(ANNA, blocked=blocked)
    assert script.paths == [f"POST /2/users/{ANNA}/dm/{'block' if blocked else 'unblock'}"]


@pytest.mark.parametrize(
    "content", [None, {}, {"data": {}}, {"data": {"blocked": False}}, {"data": {"blocked": 1}}]
)
async def test_a_block_that_is_not_confirmed_is_not_taken_for_done(content: object) -> None:
    """The sentence says where to look."""
    with pytest.raises(BackendUnavailable, match=r"x\.com"):
        await backend_over(Script(reply(200, content))).block(ANNA, blocked=True)


async def test_a_message_is_deleted_by_its_id() -> None:
    """And is taken for deleted only where X says so."""
    script = Script(reply(200, {"data": {"deleted": True}}), reply(200, {"data": {}}))
    there = backend_over(script)
    await there.delete(EVENT)
    assert script.paths == [f"DELETE /2/dm_events/{EVENT}"]
    with pytest.raises(BackendUnavailable):
        await there.delete(EVENT)
    with pytest.raises(BadInput):
        await there.delete("../1")


@pytest.mark.parametrize(
    ("told", "micro"),
    [
        ({"total_balance": 1.5}, 1_500_000),
        ({"total_balance": "0.015", "free_balance": 9}, 15_000),
        ({"free_balance": 2, "prepaid_balance": -0.5}, 1_500_000),
        ({"prepaid_balance": -3}, -3_000_000),
        ({"total_balance": True}, None),
        ({"total_balance": "NaN"}, None),
        ({"total_balance": "1e400"}, None),
        ({}, None),
    ],
)
def test_a_balance_is_read_from_what_is_told(told: dict[str, Any], micro: int | None) -> None:
    """In dollars, as numbers or strings, in all or in parts."""
    assert balance_in({"data": told}) == micro


@pytest.mark.parametrize("status", [403, 404])
async def test_a_balance_that_is_not_told_is_no_failure(status: int) -> None:
    """X tells it to some credentials only; the sentence says where else it stands."""
    with pytest.raises(Unsupported, match="console"):
        await backend_over(Script(reply(status, MISSING))).balance()


async def test_a_balance_without_sense_is_unavailable() -> None:
    """Never zero."""
    with pytest.raises(BackendUnavailable):
        await backend_over(Script(reply(200, {"data": {}}))).balance()


@given(VALUES)
@settings(deadline=None)
def test_any_balance_is_read_without_failing(value: Any) -> None:
    """Whatever X answers."""
    for content in (value, {"data": value}, {"data": {"total_balance": value}}):
        assert balance_in(content) is None or isinstance(balance_in(content), int)


async def test_what_was_billed_today_is_not_booked_twice() -> None:
    """A message read again before midnight UTC is free, and costs again after it."""
    event = {"id": EVENT, "event_type": "MessageCreate", "text": "Hello.", "sender_id": ANNA}
    page = {"data": [{**event, "dm_conversation_id": f"{ME}-{ANNA}"}], "meta": {"result_count": 1}}
    there = backend_over(Script(reply(200, page)))
    costs = [(await there.messages(limit=5)).cost for _ in range(2)]
    there._clock.advance(timedelta(hours=24))  # type: ignore[attr-defined]
    costs.append((await there.messages(limit=5)).cost)
    assert costs == [10_000, 0, 10_000]


@pytest.mark.parametrize("ahead", [-20, 0, 20])
@pytest.mark.parametrize("after", [-30, -10, -1, 1, 10, 30])
async def test_what_x_bills_on_the_old_day_makes_nothing_free_on_the_new(
    ahead: int, after: int
) -> None:
    """The day is X's, whose clock may be ahead of this machine's or behind it."""
    event = {"id": EVENT, "event_type": "MessageCreate", "text": "Hello.", "sender_id": ANNA}
    page = {"data": [{**event, "dm_conversation_id": f"{ME}-{ANNA}"}], "meta": {"result_count": 1}}
    billed: set[date] = set()

    def x(request: httpx2.Request) -> httpx2.Response:
        here = clock.now() + timedelta(seconds=ahead)
        billed.add(here.date())
        return reply(200, page, date=format_datetime(here, usegmt=True))(request)

    there = backend_over(x)
    clock: ManualClock = there._clock  # type: ignore[assignment]
    midnight = datetime(2026, 10, 15, tzinfo=UTC)
    clock.advance(midnight + timedelta(seconds=after) - clock.now())
    booked = 0
    for _ in range(5):
        booked += (await there.messages(limit=5)).cost
        clock.advance(timedelta(minutes=2))
    assert booked >= 10_000 * len(billed)


@pytest.mark.parametrize("known", [True, False])
async def test_a_page_that_comes_after_midnight_is_booked_in_full_and_forgotten(
    known: bool,
) -> None:
    """X may bill it on either day, so it makes nothing free on the new one."""
    event = {"id": EVENT, "event_type": "MessageCreate", "text": "Hello.", "sender_id": ANNA}
    page = {"data": [{**event, "dm_conversation_id": f"{ME}-{ANNA}"}], "meta": {"result_count": 1}}
    late = timedelta()

    def slow(request: httpx2.Request) -> httpx2.Response:
        there._clock.advance(late)  # type: ignore[attr-defined]
        return reply(200, page)(request)

    there = backend_over(slow)
    if known:
        await there.messages(limit=5)
    late = timedelta(hours=24)
    costs = [(await there.messages(limit=5)).cost]
    late = timedelta(seconds=1)
    costs += [(await there.messages(limit=5)).cost for _ in range(2)]
    assert costs == [10_000, 10_000, 0]
