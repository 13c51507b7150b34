"""The controls: looking into the world and moving it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.sandbox.conftest import ASHA, IRIS, JUNE, ME, SOL, THEO, deliveries, sent, to
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox import SANDBOX_TOKEN


async def control(x: httpx2.AsyncClient, method: str, name: str, **body: Any) -> Any:
    """Use a control and return what it answers."""
    answer = await x.request(method, f"/_sandbox/{name}", json=body or None)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_deliveries_can_be_chosen_by_recipient_id_and_time(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """Handles and ids, events and moments."""
    first = await sent(x, IRIS)
    clock.advance(timedelta(minutes=1))
    second = await sent(x, THEO)

    async def ids(**query: str) -> list[str]:
        return [told["id"] for told in await deliveries(x, **query)]

    assert await ids() == [first, second]
    assert await ids(recipient="@iris_sandbox") == await ids(recipient=IRIS) == [first]
    assert await ids(since=first) == await ids(since="2026-11-22T10:00:30Z") == [second]
    assert await ids(recipient=ME) == []


async def test_inbound_and_answers_are_no_deliveries(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """Only what came in through a façade was delivered by a client."""
    await sent(x, IRIS)
    await control(x, "POST", "inbound", **{"from": "theo_sandbox", "text": "Hello?"})
    clock.advance(timedelta(minutes=1))

    assert [told["recipient_ids"] for told in await deliveries(x)] == [[IRIS]]


async def test_a_person_can_be_made_to_write(x: httpx2.AsyncClient) -> None:
    """By handle or id; the owner reads it as any other message."""
    told = await control(x, "POST", "inbound", **{"from": JUNE, "text": "Hi from \u202eJune"})

    newest = (await x.get("/2/dm_events", params={"max_results": "1"})).json()["data"][0]
    assert newest == {
        "id": told["id"],
        "event_type": "MessageCreate",
        "text": "Hi from \u202eJune",
    }
    assert told["conversation_id"] == f"{ME}-{JUNE}"


async def test_a_member_can_be_made_to_write_into_a_group(x: httpx2.AsyncClient) -> None:
    """Somebody else cannot."""
    world = await control(x, "GET", "world")
    (group,) = [each["id"] for each in world["conversations"] if each["kind"] == "group"]

    body = {"text": "Friday!", "conversation_id": group}
    told = await control(x, "POST", "inbound", **{**body, "from": ASHA})
    refused = await x.post("/_sandbox/inbound", json={**body, "from": IRIS})

    assert told["conversation_id"] == group
    assert refused.status_code == 409


async def test_somebody_new_can_be_made_to_write(x: httpx2.AsyncClient) -> None:
    """A person is created where the request says so, and can then be written to."""
    body = {"from": "@nova_sandbox", "text": "Hello?"}
    unknown = await x.post("/_sandbox/inbound", json=body)
    assert unknown.status_code == 404

    plain = await control(x, "POST", "inbound", **body, create=True)
    named = {"id": "42", "name": "Dent", "open_inbox": True}
    await control(x, "POST", "inbound", **{"from": "dent_sandbox", "text": "Hi", "create": named})

    await sent(x, plain["sender_id"])
    await sent(x, "42")
    user = (await x.get("/2/users/by/username/dent_sandbox")).json()["data"]
    assert user == {"id": "42", "name": "Dent", "username": "dent_sandbox"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"from": "iris_sandbox"}, 400),
        ({"from": "iris_sandbox", "text": ""}, 400),
        ({"from": "iris_sandbox", "text": 7}, 400),
        ({"from": "not a handle!", "text": "Hi", "create": True}, 400),
        ({"from": "new_sandbox", "text": "Hi", "create": {"id": IRIS}}, 409),
        ({"from": "you", "text": "Hi"}, 409),
        ({"from": "zip_sandbox", "text": "Hi"}, 409),
        ({"from": "cole_sandbox", "text": "Hi"}, 409),
        ({"from": "iris_sandbox", "text": "Hi", "conversation_id": "1"}, 409),
    ],
)
async def test_an_inbound_that_cannot_be_is_refused_with_a_sentence(
    x: httpx2.AsyncClient, body: dict[str, Any], status: int
) -> None:
    """Nothing to say, nobody to say it, no way to say it; the world stays as it was."""
    before = await control(x, "GET", "world")

    answer = await x.post("/_sandbox/inbound", json=body)

    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")
    assert await control(x, "GET", "world") == before


async def test_the_owner_can_write_from_another_client(x: httpx2.AsyncClient) -> None:
    """As from a telephone: it is no delivery of ours, and everybody sees it."""
    conversation_id = f"{ME}-{IRIS}"
    body = {"from": "you", "text": "From my phone.", "conversation_id": conversation_id}
    await control(x, "POST", "inbound", **body)

    path = f"/2/dm_conversations/{conversation_id}/dm_events"
    newest = (await x.get(path, params={"max_results": "1"})).json()["data"][0]
    assert newest["text"] == "From my phone."
    assert await deliveries(x) == []


async def test_requests_are_logged_without_tokens(x: httpx2.AsyncClient) -> None:
    """Method, path, query, status and time; None for a dropped connection; no controls."""
    await x.get("/2/users/me", params={"user.fields": "protected"})
    await x.post("/_sandbox/faults", json={"kind": "drop_after"})
    with pytest.raises(httpx2.TransportError):
        await x.post(to(IRIS), json={"text": "Secret."})

    answer = await x.get("/_sandbox/requests")

    assert answer.json()["requests"] == [
        {
            "method": "GET",
            "path": "/2/users/me",
            "query": {"user.fields": "protected"},
            "status": 200,
            "at": "2026-11-22T10:00:00Z",
            "facade": "x-api-v2",
        },
        {
            "method": "POST",
            "path": to(IRIS),
            "query": {},
            "status": None,
            "at": "2026-11-22T10:00:00Z",
            "facade": "x-api-v2",
        },
    ]
    assert SANDBOX_TOKEN not in answer.text
    assert "Secret." not in answer.text


async def test_the_clock_can_be_advanced_and_set(x: httpx2.AsyncClient) -> None:
    """Messages, answers and headers follow it."""
    assert await control(x, "POST", "clock", advance_seconds=90) == {"now": "2026-11-22T10:01:30Z"}
    told = await control(x, "POST", "clock", set="2027-01-01T00:00:00Z")
    assert told == {"now": "2027-01-01T00:00:00Z"}

    await sent(x, IRIS)

    assert (await deliveries(x))[0]["created_at"] == "2027-01-01T00:00:00Z"
    assert (await x.get("/2/users/me")).headers["date"] == "Fri, 01 Jan 2027 00:00:00 GMT"
    told = await control(x, "POST", "clock", advance_seconds=-86400)
    assert told == {"now": "2026-12-31T00:00:00Z"}


async def test_ids_grow_although_the_clock_is_set_back(x: httpx2.AsyncClient) -> None:
    """What is sent after the step back is still the newest."""
    first = await sent(x, IRIS)
    await control(x, "POST", "clock", advance_seconds=-3600)

    second = await sent(x, IRIS)

    assert int(second) > int(first)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"advance_seconds": "1"},
        {"advance_seconds": True},
        {"advance_seconds": 1e12},
        {"set": "tomorrow"},
        {"set": "2027-01-01T00:00:00"},
        {"set": "1999-01-01T00:00:00Z"},
        {"set": "2999-01-01T00:00:00Z"},
        {"advance_seconds": 1, "set": "2027-01-01T00:00:00Z"},
    ],
)
async def test_an_impossible_time_is_refused_with_a_sentence(
    x: httpx2.AsyncClient, clock: ManualClock, body: dict[str, Any]
) -> None:
    """No number, no time, no zone, a time that ids cannot tell."""
    answer = await x.post("/_sandbox/clock", json=body)

    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")
    assert (await control(x, "GET", "world"))["now"] == "2026-11-22T10:00:00Z"


async def test_the_world_tells_people_and_every_conversation(x: httpx2.AsyncClient) -> None:
    """Relations to the owner; groups, requests and encrypted threads by their marks."""
    world = await control(x, "GET", "world")

    people = {person["handle"]: person for person in world["people"]}
    assert people["cole_sandbox"]["blocks_you"]
    assert people["grit_sandbox"]["you_block"]
    assert not people["mira_sandbox"]["receives_your_dm"]
    assert people["iris_sandbox"]["answers_after_seconds"] == 20.0
    marked = {
        mark: [each for each in world["conversations"] if each[mark]]
        for mark in ("encrypted", "request")
    }
    assert [each["member_ids"] for each in marked["encrypted"]] == [[ME, SOL]]
    assert len(marked["request"]) == 2
    assert [len(each["messages"]) for each in marked["request"]] == [1, 1]


async def test_a_reset_begins_the_story_anew(x: httpx2.AsyncClient) -> None:
    """Messages, faults, clock, windows, bill and log are forgotten; the story may change."""
    await sent(x, IRIS)
    await x.get("/2/dm_events")
    await control(x, "POST", "clock", advance_seconds=3600)
    await control(x, "POST", "faults", kind="status", status=500)

    told = await control(x, "POST", "reset")

    assert told == {"story": "default", "now": "2026-11-22T10:00:00Z"}
    assert await deliveries(x) == []
    assert (await control(x, "GET", "bill"))["total_usd"] == "0.000"
    assert (await control(x, "GET", "requests"))["requests"] == []
    answer = await x.get("/2/dm_events")
    assert answer.headers["x-rate-limit-remaining"] == "14"
    told = await control(x, "POST", "reset", story="empty")
    assert told["story"] == "empty"
    assert len((await control(x, "GET", "world"))["people"]) == 3


async def test_a_reset_to_an_unknown_story_changes_nothing(x: httpx2.AsyncClient) -> None:
    """The sentence names the stories."""
    await sent(x, IRIS)

    answer = await x.post("/_sandbox/reset", json={"story": "war_and_peace"})

    assert answer.status_code == 400
    assert "default, empty" in answer.json()["error"]
    assert len(await deliveries(x)) == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/_sandbox/", 404), ("PUT", "/_sandbox/world", 404), ("GET", "/elsewhere", 404)],
)
async def test_what_is_no_control_is_404(
    x: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    """Nor is anything outside the imitated services."""
    assert (await x.request(method, path)).status_code == status


@pytest.mark.parametrize("raw", [b"{", b"[]", b'"x"', b"\xff"])
async def test_a_control_wants_a_json_object(x: httpx2.AsyncClient, raw: bytes) -> None:
    """Anything else is refused with a sentence."""
    answer = await x.post("/_sandbox/clock", content=raw)

    assert (answer.status_code, answer.json()["error"]) == (400, "The body must be a JSON object.")


@pytest.mark.parametrize(
    "headers", [{"host": "evil.example"}, {"origin": "http://localhost:8000"}, {"host": ""}]
)
async def test_a_web_page_cannot_use_the_controls(
    connect: Callable[..., httpx2.AsyncClient], headers: dict[str, str]
) -> None:
    """Another name for this machine, or a browser's origin, is refused."""
    answer = await connect().get("/_sandbox/world", headers=headers)

    assert answer.status_code == 403


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "[::1]"])
async def test_the_controls_answer_to_every_name_of_loopback(
    x: httpx2.AsyncClient, host: str
) -> None:
    """With and without a port."""
    assert (await x.get("/_sandbox/world", headers={"host": host})).status_code == 200


async def test_an_impossible_balance_is_refused(x: httpx2.AsyncClient) -> None:
    """It must be a decimal string."""
    for text in ("much", "NaN", "Infinity", "1E+99999999", ""):
        answer = await x.post("/_sandbox/credits", json={"balance_usd": text})
        assert answer.status_code == 400
    assert (await control(x, "GET", "bill"))["balance_usd"] == "1000.000"
