"""What is asked of the X API v2, request by request, and what is made of the answers."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.backends.test_x_api_v2_parse import JOIN, MESSAGE
from tests.backends.wires import (
    ANNA,
    EVENT,
    ME,
    NOW,
    PAIR,
    Script,
    backend_over,
    raw,
    reply,
)
from xdm_mcp.backends.x_api_v2_events import NEW_FIELDS, OLD_FIELDS
from xdm_mcp.errors import (
    AskAgain,
    BackendUnavailable,
    BadInput,
    NotFound,
    RateLimited,
    Refused,
)
from xdm_mcp.models.people import User

GROUP = "2110302088714465281"
WORDS = {
    "title": "Invalid Request",
    "type": "https://api.x.com/2/problems/invalid-request",
    "errors": [
        {
            "message": "The `dm_event.fields` query parameter value [sender_id] is not one of […]",
            "parameters": {"dm_event.fields": ["sender_id"]},
        }
    ],
}
NOT_THERE = {
    "title": "Not Found Error",
    "type": "https://api.x.com/2/problems/resource-not-found",
    "resource_type": "user",
}
SELF = {"data": {"id": ME, "name": "Me", "username": "my_account"}}


@pytest.mark.parametrize(
    ("where", "path"),
    [
        ({}, "/2/dm_events"),
        ({"with_user": ANNA}, f"/2/dm_conversations/with/{ANNA}/dm_events"),
        ({"conversation_id": GROUP}, f"/2/dm_conversations/{GROUP}/dm_events"),
        ({"conversation_id": PAIR}, f"/2/dm_conversations/{PAIR}/dm_events"),
    ],
)
async def test_each_kind_of_listing_has_its_path(where: dict[str, str], path: str) -> None:
    """The size of the page is always named: X's default would cost a dollar."""
    script = Script(reply(200, {"data": [MESSAGE, JOIN], "meta": {"result_count": 2}}))
    page = await backend_over(script).messages(limit=20, **where)
    assert script.paths == [f"GET {path}"]
    assert script.params() == {"max_results": "20", **OLD_FIELDS}
    assert [message.kind for message in page.messages] == ["message", "join"]
    assert (page.cost, page.next_cursor) == (20_000, None)


async def test_a_cursor_leads_on_and_a_repeated_one_ends() -> None:
    """A page that names itself as the next would never end."""
    token = "18LAA581J5II7LA00C00ZZZZ"
    script = Script(reply(200, {"data": [MESSAGE], "meta": {"next_token": token}}))
    backend = backend_over(script)
    first = await backend.messages(limit=1)
    second = await backend.messages(limit=1, cursor=first.next_cursor)
    assert first.next_cursor == token
    assert script.params()["pagination_token"] == token
    assert second.next_cursor is None


async def test_a_person_stands_in_for_a_missing_conversation() -> None:
    """Once we know who we are: the conversation of two has a known id."""
    event = {key: value for key, value in MESSAGE.items() if key != "dm_conversation_id"}
    backend = backend_over(Script(reply(200, SELF), reply(200, {"data": [event]})))
    await backend.me()
    (message,) = (await backend.messages(limit=3, with_user=ANNA)).messages
    assert message.conversation_id == PAIR
    with pytest.raises(BackendUnavailable):
        await backend.messages(limit=3)


async def test_an_empty_page_is_a_page() -> None:
    """It costs nothing and ends the listing."""
    page = await backend_over(Script(reply(200, {"meta": {"result_count": 0}}))).messages(limit=5)
    assert (page.messages, page.cost, page.next_cursor) == ((), 0, None)


async def test_the_vocabulary_is_switched_once_and_remembered() -> None:
    """X refuses the old words, takes the new ones, and is asked in them from then on; each request
    is for whoever charges it."""
    people = {"users": [{"id": ANNA, "username": "target_user"}]}
    script = Script(reply(400, WORDS), reply(200, {"data": [MESSAGE], "includes": people}))
    backend = backend_over(script)
    with pytest.raises(AskAgain):
        await backend.messages(limit=3)
    page = await backend.messages(limit=3)
    await backend.messages(limit=3)
    assert [script.params(index).get("expansions") for index in range(3)] == [
        None,
        "sender_id",
        "sender_id",
    ]
    assert script.params(1) == {"max_results": "3", **NEW_FIELDS}
    assert page.cost == 20_000
    assert [user.handle for user in page.users] == ["target_user"]


async def test_a_refusal_of_both_vocabularies_is_told_and_not_repeated() -> None:
    """One request for each vocabulary, then the refusal stands."""
    script = Script(reply(400, WORDS))
    backend = backend_over(script)
    with pytest.raises(AskAgain):
        await backend.messages(limit=3)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await backend.messages(limit=3)
        assert refused.value.code == "bad_request"
    assert len(script.requests) == 3


async def test_another_bad_request_does_not_switch_the_vocabulary() -> None:
    """Only a complaint about the fields does."""
    odd = {**WORDS, "errors": [{"message": "Bad token.", "parameters": {"pagination_token": []}}]}
    script = Script(reply(400, odd))
    with pytest.raises(Refused):
        await backend_over(script).messages(limit=3)
    assert len(script.requests) == 1


async def test_a_page_that_cannot_be_understood_is_not_an_empty_one() -> None:
    """An odd success is an error, never "no messages"."""
    for odd in (reply(200, {}), reply(204), raw(200, b"<html>", content_type="text/html")):
        with pytest.raises(BackendUnavailable):
            await backend_over(Script(odd)).messages(limit=3)


async def test_half_a_character_of_a_stranger_hides_nobodys_message() -> None:
    """Whoever can write one into a message could keep the whole inbox from being read."""
    page = json.dumps({"data": [{**MESSAGE, "id": "7", "text": "\ud83d hi"}, MESSAGE]}).encode()
    script = Script(raw(200, page, content_type="application/json"))
    told = await backend_over(script).messages(limit=20)
    assert [m.text for m in told.messages] == [MESSAGE["text"], "\ufffd hi"]


async def test_a_page_of_the_longest_messages_is_read() -> None:
    """As far as X lets people write: 10,000 characters each, of the widest spelling."""
    long = {**MESSAGE, "text": "\U0001f600" * 10_000}
    page = {"data": [{**long, "id": str(number)} for number in range(1, 101)]}
    script = Script(reply(200, page))
    assert len((await backend_over(script).messages(limit=100)).messages) == 100


async def test_a_message_is_found_by_its_id() -> None:
    """And only the one that was asked for is taken."""
    script = Script(reply(200, {"data": MESSAGE}))
    backend = backend_over(script)
    assert (await backend.message(EVENT)).text == "thanks!"
    assert script.paths == [f"GET /2/dm_events/{EVENT}"]
    with pytest.raises(BackendUnavailable):
        await backend.message("7")


@pytest.mark.parametrize("answer", [reply(404, NOT_THERE), reply(200, {"errors": [NOT_THERE]})])
async def test_a_message_that_is_not_there_is_not_found(answer: Any) -> None:
    """X says so in two ways."""
    with pytest.raises(NotFound):
        await backend_over(Script(answer)).message(EVENT)


async def test_a_rate_limited_read_says_until_when() -> None:
    """At the reset of the exhausted window, which is remembered too."""
    reset = NOW + timedelta(minutes=3)
    told = {
        "x_rate_limit_limit": "15",
        "x_rate_limit_remaining": "0",
        "x_rate_limit_reset": str(int(reset.timestamp())),
    }
    backend = backend_over(Script(reply(429, {"errors": [{"code": 88}]}, **told)))
    with pytest.raises(RateLimited) as limited:
        await backend.messages(limit=3, with_user=ANNA)
    assert limited.value.retry_at == reset
    (window,) = backend.server_windows()
    assert (window.scope, window.remaining) == ("{account}/reads/with_user", 0)


@pytest.mark.parametrize(
    "arguments",
    [
        {"limit": 0},
        {"limit": 101},
        {"limit": 5, "with_user": "anna"},
        {"limit": 5, "with_user": f"{ANNA}/../.."},
        {"limit": 5, "conversation_id": "g123"},
        {"limit": 5, "conversation_id": PAIR, "with_user": ANNA},
    ],
)
async def test_what_cannot_be_asked_is_not_asked(arguments: dict[str, Any]) -> None:
    """Bad limits and ids never reach the wire."""
    script = Script(reply(200, {"meta": {}}))
    with pytest.raises(BadInput):
        await backend_over(script).messages(**arguments)
    assert script.requests == []


# -- people ----------------------------------------------------------------------------------------


async def test_we_learn_who_we_are() -> None:
    """By the token alone."""
    script = Script(reply(200, SELF))
    assert await backend_over(script).me() == User(ME, "my_account", "Me")
    assert script.paths == ["GET /2/users/me"]


async def test_an_account_without_an_id_is_an_error() -> None:
    """Nothing can be counted for nobody."""
    with pytest.raises(BackendUnavailable):
        await backend_over(Script(reply(200, {"data": {"name": "Me"}}))).me()


async def test_people_are_looked_up_by_id_and_by_handle() -> None:
    """With what X tells of us and them; others in the answer are not taken."""
    anna = {"id": ANNA, "username": "Target_User", "receives_your_dm": False}
    script = Script(reply(200, {"data": [anna, {"id": "5", "username": "stranger"}]}))
    backend = backend_over(script)
    by_id = await backend.users(ids=[ANNA, ANNA])
    by_handle = await backend.users(handles=["target_user"])
    assert by_id == by_handle == (User(ANNA, "Target_User", None, False, "relative"),)
    assert script.paths == ["GET /2/users", "GET /2/users/by"]
    assert script.params(0)["ids"] == ANNA
    assert script.params(0)["user.fields"] == "receives_your_dm,connection_status,protected"
    assert script.params(1)["usernames"] == "target_user"


async def test_many_people_are_asked_for_in_hundreds() -> None:
    """X takes at most 100 at once, and nobody is asked for if nobody is named."""
    script = Script(lambda request: reply(200, {"errors": [NOT_THERE]})(request))
    backend = backend_over(script)
    assert await backend.users() == ()
    assert await backend.users(ids=[str(n) for n in range(1, 251)]) == ()
    assert [len(script.params(n)["ids"].split(",")) for n in range(3)] == [100, 100, 50]


@pytest.mark.parametrize("answer", [reply(200, {"errors": [NOT_THERE]}), reply(404, NOT_THERE)])
async def test_the_unknown_are_absent(answer: Any) -> None:
    """Nobody of that name is an answer, not an error."""
    assert await backend_over(Script(answer)).users(handles=["nobody_x"]) == ()


async def test_the_suspended_are_told_where_their_id_is_known() -> None:
    """Beside those who were found; a suspended handle has no id and is absent."""
    gone = {"title": "Forbidden", "detail": "User has been suspended: [7].", "value": "7"}
    gone["type"] = "https://api.x.com/2/problems/resource-not-found"
    backend = backend_over(Script(reply(200, {"data": [{"id": ANNA}], "errors": [gone]})))
    assert await backend.users(ids=[ANNA, "7"]) == (User(ANNA), User("7", suspended=True))
    assert await backend.users(handles=["gone_1"]) == ()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (reply(200, {}), BackendUnavailable),
        (reply(200, {"errors": [{"title": "Odd"}]}), BackendUnavailable),
        (reply(404, {"title": "Not Found", "type": "about:blank"}), NotFound),
        (reply(403, {"type": "/2/problems/not-authorized-for-resource"}), Refused),
        (reply(401), Refused),
        (reply(429), RateLimited),
        (reply(500), BackendUnavailable),
        (httpx2.ConnectError("refused"), BackendUnavailable),
    ],
)
async def test_a_look_up_that_failed_is_not_nobody(answer: Any, error: type[Exception]) -> None:
    """Trouble is told as trouble."""
    with pytest.raises(error):
        await backend_over(Script(answer)).users(ids=[ANNA])


@pytest.mark.parametrize("names", [{"ids": ["anna"]}, {"handles": ["a" * 16]}, {"handles": ["@a"]}])
async def test_what_is_no_name_is_not_looked_up(names: dict[str, list[str]]) -> None:
    """X answers 400 to it; we do not ask."""
    script = Script(reply(200, {}))
    with pytest.raises(BadInput):
        await backend_over(script).users(**names)
    assert script.requests == []
