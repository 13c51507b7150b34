"""Reading messages over the wire of X API v2."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.sandbox.conftest import ASHA, BRAM, GRIT, IRIS, ME, SOL, THEO, deliveries, sent
from xdm_mcp.clock import ManualClock

REQUEST_A = {
    "dm_event.fields": "id,event_type,text,created_at,dm_conversation_id,sender_id,attachments"
}
REQUEST_B = {
    "dm_event.fields": "attachments,created_at,dm_conversation_id,entities,event_type,id,text",
    "expansions": "sender_id",
}
WITH_IRIS = f"/2/dm_conversations/with/{IRIS}/dm_events"

Connect = Callable[..., httpx2.AsyncClient]


async def read(x: httpx2.AsyncClient, path: str = "/2/dm_events", **query: str) -> Any:
    """Return the body of a successful read; `__` in a name stands for a point."""
    params = {name.replace("__", "."): value for name, value in query.items()}
    answer = await x.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_without_fields_there_are_id_type_and_text(x: httpx2.AsyncClient) -> None:
    """And `participant_ids` in place of the text where somebody joined."""
    body = await read(x)

    messages = [each for each in body["data"] if each["event_type"] == "MessageCreate"]
    joins = [each for each in body["data"] if each["event_type"] == "ParticipantsJoin"]
    assert all(set(each) == {"id", "event_type", "text"} for each in messages)
    assert [set(each) for each in joins] == [{"id", "event_type", "participant_ids"}]
    assert joins[0]["participant_ids"] == [BRAM]
    assert set(body) == {"data", "meta"}
    assert body["meta"] == {"result_count": len(body["data"])}


async def test_the_newest_event_comes_first(x: httpx2.AsyncClient) -> None:
    """By id, across all conversations."""
    ids = [int(each["id"]) for each in (await read(x))["data"]]

    assert ids == sorted(ids, reverse=True)


async def test_an_old_style_read_has_the_sender_in_the_event(x: httpx2.AsyncClient) -> None:
    """Vocabulary A: `sender_id` as a field, times to the second, nothing included."""
    event_id = await sent(x, IRIS, "Hello.")

    body = await read(x, WITH_IRIS, max_results="1", dm_event__fields=REQUEST_A["dm_event.fields"])

    assert body["data"] == [
        {
            "id": event_id,
            "event_type": "MessageCreate",
            "text": "Hello.",
            "created_at": "2026-11-22T10:00:00.000Z",
            "dm_conversation_id": f"{ME}-{IRIS}",
            "sender_id": ME,
        }
    ]
    assert "includes" not in body


async def test_a_new_style_read_expands_the_sender(x: httpx2.AsyncClient) -> None:
    """Vocabulary B: the expansion adds the id to the event and the user to the includes."""
    answer = await x.get(
        WITH_IRIS, params={**REQUEST_B, "max_results": "1", "user.fields": "username"}
    )

    body = answer.json()
    assert body["data"][0]["sender_id"] == IRIS
    assert body["includes"] == {
        "users": [{"id": IRIS, "name": "Iris Lind", "username": "iris_sandbox"}]
    }


async def test_includes_name_everybody_once(x: httpx2.AsyncClient) -> None:
    """However many messages somebody wrote."""
    body = await read(x, expansions="sender_id,participant_ids")

    ids = [user["id"] for user in body["includes"]["users"]]
    assert len(ids) == len(set(ids))
    assert {IRIS, THEO, ASHA, BRAM, ME} <= set(ids)


@pytest.mark.parametrize(
    ("vocabulary", "query", "accepted"),
    [
        ("a", REQUEST_A, True),
        ("b", REQUEST_A, False),
        ("both", REQUEST_A, True),
        ("a", {**REQUEST_B, "expansions": "sender_id"}, True),
        ("b", REQUEST_B, True),
        ("both", REQUEST_B, True),
        ("a", {"expansions": "referenced_posts"}, False),
        ("b", {"expansions": "referenced_tweets.id"}, False),
        ("a", {"post.fields": "text"}, False),
        ("b", {"tweet.fields": "text"}, False),
        ("both", {"post.fields": "text", "tweet.fields": "text"}, True),
        ("b", {"user.fields": "pinned_tweet_id"}, False),
        ("a", {"user.fields": "subscribes_to_you"}, False),
        ("both", {"user.fields": "pinned_tweet_id,subscribes_to_you"}, True),
    ],
)
async def test_a_world_accepts_its_own_vocabulary(
    connect: Connect, vocabulary: str, query: dict[str, str], accepted: bool
) -> None:
    """Fields, expansions and the parameter for posts differ between the two."""
    answer = await connect(vocabulary=vocabulary).get("/2/dm_events", params=query)

    assert answer.status_code == (200 if accepted else 400), answer.text


async def test_a_refused_field_is_named_with_those_that_exist(connect: Connect) -> None:
    """The 400 says which parameter, which value, and what would do."""
    answer = await connect(vocabulary="b").get("/2/dm_events", params=REQUEST_A)

    assert answer.json() == {
        "title": "Invalid Request",
        "detail": "One or more parameters to your request was invalid.",
        "type": "https://api.x.com/2/problems/invalid-request",
        "errors": [
            {
                "message": "The `dm_event.fields` query parameter value [sender_id] is not one of"
                " [attachments,created_at,dm_conversation_id,entities,event_type,id,text]",
                "parameters": {"dm_event.fields": ["sender_id"]},
            }
        ],
    }


async def test_the_old_vocabulary_has_the_old_host_in_its_errors(connect: Connect) -> None:
    """Until July 2026 the types of errors began with api.twitter.com."""
    answer = await connect(vocabulary="a").get("/2/dm_events", params={"expansions": "x"})

    assert answer.json()["type"] == "https://api.twitter.com/2/problems/invalid-request"


@pytest.mark.parametrize(
    "query",
    [
        {"max_results": "0"},
        {"max_results": "101"},
        {"max_results": "many"},
        {"max_results": ""},
        {"event_types": "MessageDelete"},
        {"pagination_token": "16_characters_no"},
        {"media.fields": "secret"},
        {"limit": "5"},
    ],
)
async def test_a_query_that_x_would_not_take_is_refused_with_400(
    x: httpx2.AsyncClient, query: dict[str, str]
) -> None:
    """Values out of bounds, unknown values, unknown parameters."""
    answer = await x.get("/2/dm_events", params=query)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["parameters"] == {
        name: [value] for name, value in query.items()
    }


async def test_events_can_be_chosen_by_type(x: httpx2.AsyncClient) -> None:
    """One or several of the three."""
    joins = await read(x, event_types="ParticipantsJoin,ParticipantsLeave")

    assert [each["event_type"] for each in joins["data"]] == ["ParticipantsJoin"]


async def test_an_empty_page_has_no_data(x: httpx2.AsyncClient) -> None:
    """Only a count of 0."""
    body = await read(x, event_types="ParticipantsLeave")

    assert body == {"meta": {"result_count": 0}}


async def test_a_conversation_can_be_read_by_its_id(x: httpx2.AsyncClient) -> None:
    """It is the same as by the person."""
    by_id = await read(x, f"/2/dm_conversations/{ME}-{IRIS}/dm_events")

    assert by_id == await read(x, WITH_IRIS)
    assert by_id["meta"]["result_count"] == 6


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/2/dm_conversations/with/99/dm_events", 404),
        ("/2/dm_conversations/with/iris/dm_events", 400),
        (f"/2/dm_conversations/{ASHA}-{BRAM}/dm_events", 403),
        ("/2/dm_conversations/123-456/dm_events", 404),
        ("/2/dm_conversations/12/dm_events", 400),
        ("/2/dm_conversations/2110302088714465281/dm_events", 404),
        ("/2/dm_events/1", 404),
        ("/2/dm_events/first", 400),
    ],
)
async def test_what_is_not_there_or_not_ours_cannot_be_read(
    x: httpx2.AsyncClient, path: str, status: int
) -> None:
    """Unknown, impossible, or somebody else's."""
    assert (await x.get(path)).status_code == status


async def test_a_conversation_that_has_not_begun_is_empty(x: httpx2.AsyncClient) -> None:
    """With somebody who exists."""
    body = await read(x, "/2/dm_conversations/with/2200000020/dm_events")

    assert body == {"meta": {"result_count": 0}}


async def test_one_event_can_be_read_by_its_id(x: httpx2.AsyncClient) -> None:
    """As an object, with fields and expansions as in a list."""
    event_id = await sent(x, IRIS, "Hello.")

    body = await read(x, f"/2/dm_events/{event_id}", **{"expansions": "sender_id"})

    assert body["data"] == {
        "id": event_id,
        "event_type": "MessageCreate",
        "text": "Hello.",
        "sender_id": ME,
    }
    assert [user["id"] for user in body["includes"]["users"]] == [ME]


async def test_encrypted_threads_are_invisible(x: httpx2.AsyncClient) -> None:
    """No read of the plain API shows them, by any way."""
    world = (await x.get("/_sandbox/world")).json()
    (thread,) = [each for each in world["conversations"] if each["encrypted"]]
    hidden = {message["id"] for message in thread["messages"]}

    everything = {each["id"] for each in (await read(x))["data"]}
    theirs = await read(x, f"/2/dm_conversations/with/{SOL}/dm_events")

    assert len(hidden) == 2
    assert not hidden & everything
    assert theirs == {"meta": {"result_count": 0}}
    for event_id in hidden:
        assert (await x.get(f"/2/dm_events/{event_id}")).status_code == 404


async def test_the_list_of_everything_reaches_back_30_days(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """A conversation of its own has no horizon."""
    clock.advance(timedelta(days=29))

    (recent, old) = (await read(x), await read(x, WITH_IRIS))

    assert recent["meta"]["result_count"] < 10
    assert old["meta"]["result_count"] == 6


async def test_a_linked_post_is_a_reference_in_the_spelling_of_the_request(
    x: httpx2.AsyncClient,
) -> None:
    """And as this world has no posts, the expansion tells so beside the data."""
    await sent(x, IRIS, "See https://x.com/you/status/123456789 please")

    old = await read(x, WITH_IRIS, max_results="1", expansions="referenced_tweets.id")
    new = await read(x, WITH_IRIS, max_results="1", expansions="referenced_posts")

    assert old["data"][0]["referenced_tweets"] == [{"id": "123456789"}]
    assert new["data"][0]["referenced_posts"] == [{"id": "123456789"}]
    assert old["errors"][0]["resource_type"] == "tweet"
    assert new["errors"][0]["resource_type"] == "post"


async def test_entities_are_nested_in_the_new_vocabulary_and_flat_in_the_old(
    connect: Connect,
) -> None:
    """The same finds, in two places; texts without any have none."""
    await sent(connect(), IRIS, "@iris_sandbox look at https://example.com/a #lamps $LMP")
    query = {"max_results": "1", "dm_event.fields": "entities"}

    new = (await connect().get(WITH_IRIS, params=query)).json()["data"][0]
    old = (await connect(vocabulary="a").get(WITH_IRIS, params=query)).json()["data"][0]

    assert set(new["entities"]) == {"mentions", "urls", "hashtags", "cashtags"}
    assert {name: old[name] for name in new["entities"]} == new["entities"]
    assert new["entities"]["hashtags"] == [{"start": 44, "end": 50, "tag": "lamps"}]
    plain = await read(connect(), f"/2/dm_conversations/with/{GRIT}/dm_events", **query)
    assert "entities" not in plain["data"][0]


async def test_another_account_sees_its_own_side(connect: Connect) -> None:
    """A token of Iris reads what we sent her and nothing of ours with others."""
    from xdm_mcp.sandbox.x_api_v2.tokens import Token

    owner = connect()
    event_id = await sent(owner, IRIS, "Hello.")
    await sent(owner, THEO, "Not for Iris.")
    iris = connect("iris-token", tokens={"iris-token": Token(account_id=IRIS)})

    body = await read(iris, max_results="100", **{"expansions": "sender_id"})

    assert body["data"][0] == {
        "id": event_id,
        "event_type": "MessageCreate",
        "text": "Hello.",
        "sender_id": ME,
    }
    assert {user["id"] for user in body["includes"]["users"]} == {ME, IRIS}
    assert len(await deliveries(owner)) == 2
