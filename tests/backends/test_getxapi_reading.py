"""Reads through GetXAPI: pages of both generations, merged tabs, people, the balance."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from tests.backends.vendors import COOKIE, KEY, getxapi_over
from tests.backends.wires import ANNA, EVENT, ME, PAIR, Script, reply
from xdm_mcp.backends import getxapi_parse as parse
from xdm_mcp.errors import (
    BackendUnavailable,
    BadInput,
    NotFound,
    RateLimited,
    Refused,
    Unsupported,
    XdmError,
)
from xdm_mcp.models.messages import Message

GROUP = "2110302088714465281"
PROFILE = {
    "id": ANNA,
    "name": "Target",
    "userName": "target_user",
    "createdAt": "Tue Dec 02 04:25:09 +0000 2025",
    "canDm": True,
}


def said(number: int, **changes: object) -> dict[str, object]:
    """Return a message of the list, `number` after the first."""
    made = {"id": str(int(EVENT) + number), "senderId": ANNA, "recipientId": ME, "text": "thanks!"}
    return {**made, **changes}


def listed(*messages: dict[str, object], **more: object) -> dict[str, object]:
    """Return a page of the older generation with these messages."""
    page = {"userId": ME, "message_count": len(messages), "has_more": False, "next_cursor": None}
    return {**page, "messages": list(messages), **more}


class Tabs:
    """A pretend list: pages by tab and cursor, in the newer generation."""

    def __init__(self, **tabs: dict[str, Any]) -> None:
        """Hold for each tab its pages by cursor, `""` for the first."""
        self.tabs = tabs
        self.asked: list[tuple[str, str]] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a list."""
        body = json.loads(request.content)
        self.asked.append((body["tab"], body.get("cursor", "")))
        page = self.tabs.get(body["tab"], {}).get(body.get("cursor", ""), listed())
        return reply(200, {**page, "tab": body["tab"]})(request)


async def numbers(play: Callable[[httpx2.Request], Any], limit: int, pages: int = 20) -> list[int]:
    """Return which messages come, by number, page by page to the end."""
    backend = getxapi_over(play)
    found: list[Message] = []
    cursor: str | None = None
    for _ in range(pages):
        page = await backend.messages(limit=limit, cursor=cursor)
        assert len(page.messages) <= limit
        found += page.messages
        cursor = page.next_cursor
        if cursor is None:
            return [int(each.id) - int(EVENT) for each in found]
    raise AssertionError("the pages never end")


async def test_an_older_page_is_read() -> None:
    """One call, because the older generation knows no tabs: nothing says `tab` in its answer."""
    script = Script(reply(200, listed(said(0, createdAt="2026-10-14T09:31:42.500Z", media=None))))
    page = await getxapi_over(script).messages(limit=5)
    (message,) = page.messages
    assert message.conversation_id == PAIR
    assert (message.sender_id, message.text, message.has_attachment) == (ANNA, "thanks!", False)
    assert message.created_at == datetime(2026, 10, 14, 9, 31, 42, 500_000, UTC)
    assert (page.next_cursor, page.cost) == (None, 2_000)
    assert script.paths == ["POST /twitter/dm/list"]
    assert script.body() == {"auth_token": COOKIE, "count": 5, "tab": "all"}


async def test_main_inbox_and_requests_are_one_inbox() -> None:
    """Merged newest first, at the price of two calls; the hidden part is never asked for."""
    play = Tabs(
        all={"": listed(said(9), said(5), said(1))}, requests={"": listed(said(7), said(3))}
    )
    backend = getxapi_over(play)
    page = await backend.messages(limit=50)
    assert [int(m.id) - int(EVENT) for m in page.messages] == [9, 7, 5, 3, 1]
    assert page.cost == 4_000
    assert play.asked == [("all", ""), ("requests", "")]


@pytest.mark.parametrize("limit", [1, 2, 3, 50])
async def test_pages_of_both_tabs_lose_and_repeat_nothing(limit: int) -> None:
    """Though each tab turns its own pages, and the service's are larger or smaller than ours."""
    play = Tabs(
        all={
            "": listed(said(20), said(18), has_more=True, next_cursor="a"),
            "a": listed(said(16), said(4), has_more=True, next_cursor="b"),
            "b": listed(said(2)),
        },
        requests={
            "": listed(said(17), has_more=True, next_cursor="c"),
            "c": listed(said(15), said(3)),
        },
    )
    assert await numbers(play, limit) == [20, 18, 17, 16, 15, 4, 3, 2]


async def test_a_repeated_cursor_ends_a_list() -> None:
    """A service that gives the same page for ever does not keep us for ever."""
    again = listed(said(1), has_more=True, next_cursor="same")
    assert await numbers(Tabs(all={"": again, "same": again}), 5) == [1]


async def test_an_empty_page_with_more_behind_it_is_passed() -> None:
    """`has_more` is believed, and an empty page is no end."""
    play = Tabs(all={"": listed(has_more=True, next_cursor="a"), "a": listed(said(1))})
    assert await numbers(play, 5) == [1]


async def test_a_foreign_cursor_is_refused() -> None:
    """Before anything is asked."""
    script = Script(reply(200, listed()))
    for cursor in ("?", "DAABCgAB", "W251bGwsIHsiaGlkZGVuIjogbnVsbH1d", "bnVsbA"):
        with pytest.raises(BadInput, match="cursor"):
            await getxapi_over(script).messages(limit=5, cursor=cursor)
    assert script.requests == []


@pytest.mark.parametrize(
    "item",
    [
        {"id": EVENT, "sender_id": ANNA, "recipient_id": ME},
        {"id": int(EVENT), "senderId": int(ANNA), "recipientId": int(ME)},
        {"id": EVENT, "senderId": ANNA, "conversation_id": f"{ANNA}-{ME}"},
        {"id": EVENT, "senderId": ANNA, "conversationId": f"{ANNA}:{ME}"},
    ],
    ids=["snake_case", "numbers", "unordered pair", "encrypted pair"],
)
def test_every_spelling_is_the_same_message(item: dict[str, object]) -> None:
    """In the thread of the ordered pair, at the time that its id tells."""
    message = parse.message_in({**item, "text": "thanks!"})
    assert message is not None
    assert (message.id, message.sender_id, message.conversation_id) == (EVENT, ANNA, PAIR)
    assert message.created_at == datetime(2026, 10, 14, 9, 31, 42, 500_000, UTC)


def test_a_message_without_text_has_none() -> None:
    """Encrypted, or a picture alone: not an empty message."""
    message = parse.message_in(said(0, text=None, media=[{"id": "1"}]))
    assert message is not None
    assert (message.text, message.has_attachment) == (None, True)


def test_a_group_keeps_its_number() -> None:
    """And tells no pair."""
    message = parse.message_in(said(0, conversationId=GROUP, recipientId=None))
    assert message is not None
    assert message.conversation_id == GROUP


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"error": "no", "messages": []},
        listed(status="error"),
        listed({"text": "no id"}),
        {"messages": 7},
        {"messages": None, "userId": ME},
    ],
)
def test_what_is_no_page_is_not_an_empty_one(content: dict[str, object]) -> None:
    """Silence never says that nobody wrote."""
    assert parse.listing_in(content) is None


async def test_one_thread_is_asked_for_by_its_pair() -> None:
    """For half the price of a look at the inbox, once we know who we are."""
    script = Script(
        reply(200, listed(users={ME: {"id": ME, "screen_name": "me"}})),
        reply(200, listed(said(0), conversation_id=PAIR)),
    )
    page = await getxapi_over(script).messages(limit=5, with_user=ANNA)
    assert script.body() == {"auth_token": COOKIE, "count": 5, "conversation_id": PAIR}
    assert ([m.id for m in page.messages], page.cost) == ([EVENT], 1_000)


async def test_a_thread_of_others_is_not_taken_for_ours() -> None:
    """An answer about another conversation is no answer."""
    script = Script(reply(200, listed(said(0, conversationId="7-8"))))
    with pytest.raises(BackendUnavailable, match="another conversation"):
        await getxapi_over(script).messages(limit=5, conversation_id=PAIR)


OWN = {**PROFILE, "id": ME, "userName": "me"}
NO_ROUTE = reply(404, {"error": "Not found"})
NO_THREAD = (
    'HTTP 404: {"errors":[{"code":279,'
    '"message":"The direct message conversation doesn\'t exist."}]}'
)


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (reply(404, {"error": NO_THREAD}), NotFound),
        (reply(400, {"error": NO_THREAD}), NotFound),
        (reply(401, {"error": "Invalid auth_token - could not extract userId"}), Refused),
        (reply(402, {"error": "credits"}), Refused),
        (reply(429, {"error": "Too many requests. Limit: 30 per minute."}), RateLimited),
        (reply(503, {"error": "looks automated", "twitter_error_code": 226}), Refused),
        (reply(502, {"error": "X returned an empty result"}), BackendUnavailable),
        (reply(200, {"error": "Something went wrong"}), BackendUnavailable),
        (reply(202, {}), BackendUnavailable),
    ],
)
async def test_a_refused_read_says_why(answer: Any, raised: type[XdmError]) -> None:
    """In our words, whatever the status says."""
    with pytest.raises(raised) as refused:
        await getxapi_over(Script(answer)).messages(limit=5, conversation_id=PAIR)
    assert "twitter_error_code" not in str(refused.value)


async def test_only_x_itself_says_that_nobody_wrote_yet() -> None:
    """Its code 279 is an empty page of a person's thread; any other 404 is an error."""
    for answer, empty in ((reply(404, {"error": NO_THREAD}), True), (NO_ROUTE, False)):
        backend = getxapi_over(Script(reply(200, listed()), reply(200, {"data": OWN}), answer))
        if empty:
            page = await backend.messages(limit=5, with_user=ANNA)
            assert (page.messages, page.cost) == ((), 1_000)
            continue
        with pytest.raises(NotFound):
            await backend.messages(limit=5, with_user=ANNA)


async def test_a_read_by_post_is_tried_again_where_it_never_left() -> None:
    """With the same body; each call that leaves is sold."""
    never = httpx2.ConnectError("refused")
    script = Script(never, never, reply(200, listed(said(0))))
    page = await getxapi_over(script).messages(limit=5)
    assert (len(page.messages), len(script.requests)) == (1, 3)
    assert len({request.content for request in script.requests}) == 1


async def test_who_we_are_is_whose_inbox_opens() -> None:
    """One call where its page names us, one look-up more where it does not."""
    named = Script(reply(200, listed(users={ME: {"id": ME, "screen_name": "me"}})))
    me = await getxapi_over(named).me()
    assert (me.id, me.handle, len(named.requests)) == (ME, "me", 1)
    profile = {"status": "success", "data": {**PROFILE, "id": ME, "userName": "me"}}
    nameless = Script(reply(200, listed()), reply(200, profile))
    assert (await getxapi_over(nameless).me()).handle == "me"
    assert nameless.paths == ["POST /twitter/dm/list", "GET /twitter/user/info_by_id"]


async def test_people_are_looked_up_without_the_cookie() -> None:
    """By id and by handle; what is told of being open is told of everybody."""
    script = Script(reply(200, {"status": "success", "data": PROFILE}))
    backend = getxapi_over(script)
    (by_id,), (by_handle,) = (
        await backend.users(ids=[ANNA]),
        await backend.users(handles=["Target_User"]),
    )
    assert by_id == by_handle
    assert (by_id.can_dm, by_id.can_dm_basis) == (True, "absolute")
    assert script.paths == ["GET /twitter/user/info_by_id", "GET /twitter/user/info"]
    assert all(COOKIE not in str(r.url) and not r.content for r in script.requests)


@pytest.mark.parametrize(
    "answer",
    [
        reply(404, {"error": "Could not resolve userId for @target_user"}),
        reply(200, {"error": "Could not resolve userId for @target_user"}),
        reply(400, {"error": "Could not find user with ID: 9876543210"}),
    ],
)
async def test_nobody_is_absent_however_it_is_said(answer: Any) -> None:
    """With 404, or with 200 and an error."""
    assert await getxapi_over(Script(answer)).users(handles=["target_user"]) == ()


async def test_another_person_is_no_answer() -> None:
    """A look-up that tells of somebody else must never become a recipient."""
    script = Script(reply(200, {"status": "success", "data": PROFILE}))
    for asked in ({"ids": [ME]}, {"handles": ["someone_else"]}):
        with pytest.raises(BackendUnavailable, match="another person"):
            await getxapi_over(script).users(**asked)


async def test_a_profile_without_a_handle_is_known_by_its_id_alone() -> None:
    """Asked by id, only the id counts: another one is never who we are."""
    inbox = reply(200, listed())
    nameless = Script(inbox, reply(200, {"data": {"id": "777"}}))
    with pytest.raises(BackendUnavailable, match="another person"):
        await getxapi_over(nameless).me()
    assert (await getxapi_over(Script(inbox, reply(200, {"data": {"id": ME}}))).me()).id == ME


async def test_followers_are_paged_by_a_cursor_that_carries_the_handle() -> None:
    """So that the handle is looked up once."""
    page = {"userName": "me", "has_more": True, "next_cursor": "n1", "followers": [PROFILE]}
    script = Script(reply(200, {"data": {**PROFILE, "id": ME, "userName": "me"}}), reply(200, page))
    backend = getxapi_over(script)
    first = await backend.followers(ME)
    assert ([user.id for user in first.users], first.cost) == ([ANNA], 2_000)
    second = await backend.followers(ME, cursor=first.next_cursor)
    assert script.params() == {"userName": "me", "cursor": "n1"}
    assert (second.next_cursor, second.cost) == (None, 1_000)
    assert len(script.requests) == 3


async def test_a_relation_is_told_in_the_words_of_x() -> None:
    """As `connection_status` has them."""
    told = {"sourceFollowsTarget": True, "targetFollowsSource": False, "blockedBy": True}
    words = await getxapi_over(Script(reply(200, told))).relation("me", "target_user")
    assert words == {"following", "blocked_by"}
    with pytest.raises(BackendUnavailable):
        await getxapi_over(Script(reply(200, {}))).relation("me", "target_user")


@pytest.mark.parametrize(
    ("content", "micro"),
    [
        ({"balance_total": 7.53, "credits_remaining": 1, "email": "x@example"}, 7_530_000),
        ({"credits": "$7.53", "requests": 12}, 7_530_000),
        ({"data": {"balance_total": 0}}, 0),
    ],
)
async def test_the_balance_is_read_in_both_shapes(content: dict[str, Any], micro: int) -> None:
    """In micro-dollars; the customer's name and address are never looked at."""
    script = Script(reply(200, content))
    assert (await getxapi_over(script).balance()).remaining == micro
    assert script.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("value", ["much", True, [], "1e400", "NaN", 10**12])
async def test_a_balance_that_is_none_is_refused(value: object) -> None:
    """Never a number that nobody said."""
    with pytest.raises(BackendUnavailable):
        await getxapi_over(Script(reply(200, {"balance_total": value}))).balance()


async def test_what_it_lacks_is_refused_by_name() -> None:
    """With what to do instead."""
    backend = getxapi_over(Script(reply()))
    for call in (backend.message(EVENT), backend.delete(EVENT), backend.block(ANNA, blocked=True)):
        with pytest.raises(Unsupported, match="getxapi"):
            await call
    assert backend.server_windows() == ()


async def test_without_a_cookie_nothing_is_asked() -> None:
    """Each call and the readiness for a send say what to set."""
    backend = getxapi_over(Script(reply(200, listed())), cookie=None)
    for call in (backend.ready(), backend.me(), backend.messages(limit=5), backend.balance()):
        with pytest.raises(Refused, match="XDM_GETXAPI_KEY"):
            await call


@pytest.mark.parametrize("limit", [0, 51])
async def test_a_page_has_a_size(limit: int) -> None:
    """Of 1 to 50 messages."""
    with pytest.raises(BadInput, match="1 to 50"):
        await getxapi_over(Script(reply())).messages(limit=limit)
