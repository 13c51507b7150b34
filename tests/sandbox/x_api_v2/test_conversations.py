"""Sending, deleting and blocking over the wire of X API v2."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.conftest import (
    ASHA,
    BRAM,
    COLE,
    GRIT,
    IRIS,
    JUNE,
    LENA,
    ME,
    MIRA,
    SOL,
    START,
    THEO,
    ZIP,
    client_of,
    deliveries,
    sent,
    to,
)
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import build_app
from xdm_mcp.sandbox.snowflake import moment_of

CLOSED = "You do not have permission to DM one or more participants."


async def test_a_message_is_accepted_with_201_and_ids(x: httpx2.AsyncClient) -> None:
    """The answer is exactly the two ids, of which the event's tells the time."""
    answer = await x.post(to(IRIS), json={"text": "Your parcel left today."})

    ids = answer.json()["data"]
    assert answer.status_code == 201
    assert answer.json() == {
        "data": {"dm_conversation_id": f"{ME}-{IRIS}", "dm_event_id": ids["dm_event_id"]}
    }
    assert moment_of(ids["dm_event_id"]) == START


async def test_the_smaller_id_comes_first_in_a_conversation(x: httpx2.AsyncClient) -> None:
    """By number, not as text."""
    answer = await x.post(to(THEO), json={"text": "Thursday is fine."})

    assert answer.json()["data"]["dm_conversation_id"] == f"{THEO}-{ME}"


async def test_what_was_delivered_is_told_exactly(x: httpx2.AsyncClient) -> None:
    """Deliveries name sender, recipients, text, digest, time and way."""
    event_id = await sent(x, IRIS, "Your parcel left today.")

    assert await deliveries(x) == [
        {
            "id": event_id,
            "conversation_id": f"{ME}-{IRIS}",
            "sender_id": ME,
            "recipient_ids": [IRIS],
            "text": "Your parcel left today.",
            "sha256": hashlib.sha256(b"Your parcel left today.").hexdigest(),
            "created_at": "2026-11-22T10:00:00Z",
            "via": "x-api-v2",
            "placed": "inbox",
            "media": None,
            "deleted_by_sender": False,
        }
    ]


@given(st.text(min_size=1, max_size=200))
@settings(max_examples=50, deadline=None)
async def test_every_text_arrives_byte_for_byte(text: str) -> None:
    """Controls, marks, astral characters and both forms of an accent pass unchanged."""
    clock = ManualClock(START)
    x = client_of(build_app(MemoryJournal(clock, "empty"), clock))

    await sent(x, "2200000003", text)

    (told,) = await deliveries(x)
    assert told["text"] == text
    assert told["sha256"] == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("person_id", [MIRA, COLE, GRIT, ZIP])
async def test_who_is_closed_blocking_blocked_or_suspended_is_refused(
    x: httpx2.AsyncClient, person_id: str
) -> None:
    """One and the same 403, whatever the reason, and nothing is delivered."""
    answer = await x.post(to(person_id), json={"text": "Hello."})

    assert answer.status_code == 403
    assert answer.json() == {
        "title": "Forbidden",
        "type": "about:blank",
        "status": 403,
        "detail": CLOSED,
    }
    assert await deliveries(x) == []


@pytest.mark.parametrize(
    ("person_id", "placed"),
    [(IRIS, "inbox"), (LENA, "inbox"), (JUNE, "requests"), (SOL, "unseen")],
)
async def test_201_says_nothing_of_where_a_message_ends_up(
    x: httpx2.AsyncClient, person_id: str, placed: str
) -> None:
    """Who wrote or follows has it in the inbox, a stranger in requests, some never see it."""
    await sent(x, person_id)

    (told,) = await deliveries(x)
    assert told["placed"] == placed


async def test_a_conversation_of_two_takes_messages_by_its_id(x: httpx2.AsyncClient) -> None:
    """One that has not begun as well as one that has."""
    for person_id in (IRIS, LENA):
        path = f"/2/dm_conversations/{ME}-{person_id}/messages"
        answer = await x.post(path, json={"text": "Hello."})
        assert answer.status_code == 201
        assert answer.json()["data"]["dm_conversation_id"] == f"{ME}-{person_id}"


async def group_id(x: httpx2.AsyncClient) -> str:
    """Return the id of the story's group."""
    world = (await x.get("/_sandbox/world")).json()
    return next(each["id"] for each in world["conversations"] if each["kind"] == "group")


async def test_a_group_takes_messages_by_its_id(x: httpx2.AsyncClient) -> None:
    """All the others are its recipients."""
    answer = await x.post(
        f"/2/dm_conversations/{await group_id(x)}/messages", json={"text": "Friday it is."}
    )

    assert answer.status_code == 201
    (told,) = await deliveries(x)
    assert told["recipient_ids"] == [ASHA, BRAM]


async def test_a_new_group_is_new_even_for_the_same_people(x: httpx2.AsyncClient) -> None:
    """Two requests make two conversations, each with its message."""
    body = {
        "conversation_type": "Group",
        "participant_ids": [IRIS, THEO],
        "message": {"text": "Hello both."},
    }
    made = [(await x.post("/2/dm_conversations", json=body)).json()["data"] for _ in range(2)]

    assert made[0]["dm_conversation_id"] != made[1]["dm_conversation_id"]
    assert [each["id"] for each in await deliveries(x)] == [m["dm_event_id"] for m in made]
    assert len(made[0]["dm_conversation_id"]) == 19


@pytest.mark.parametrize(
    "change",
    [
        {"conversation_type": "group"},
        {"participant_ids": [IRIS]},
        {"participant_ids": [IRIS, IRIS]},
        {"participant_ids": [IRIS, int(THEO)]},
        {"participant_ids": [str(number) for number in range(50)]},
        {"participant_ids": [IRIS, ME]},
        {"message": {}},
        {"message": {"text": ""}},
        {"message": {"text": "Hello.", "extra": 1}},
        {"message": {"attachments": [{"media_id": "1"}]}},
        {"extra": 1},
    ],
)
async def test_a_group_that_cannot_be_is_refused_with_400(
    x: httpx2.AsyncClient, change: dict[str, Any]
) -> None:
    """And no conversation is left behind."""
    body = {
        "conversation_type": "Group",
        "participant_ids": [IRIS, THEO],
        "message": {"text": "Hello both."},
    }
    before = (await x.get("/_sandbox/world")).json()["conversations"]

    answer = await x.post("/2/dm_conversations", json={**body, **change})

    assert answer.status_code == 400, answer.text
    assert (await x.get("/_sandbox/world")).json()["conversations"] == before


async def test_a_group_with_somebody_closed_is_refused(x: httpx2.AsyncClient) -> None:
    """One closed inbox refuses them all."""
    body = {
        "conversation_type": "Group",
        "participant_ids": [IRIS, MIRA],
        "message": {"text": "Hello both."},
    }
    answer = await x.post("/2/dm_conversations", json=body)

    assert (answer.status_code, answer.json()["detail"]) == (403, CLOSED)
    assert await deliveries(x) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": 7},
        {"text": None},
        {"text": "x" * 10_001},
        {"text": "Hello.", "idempotency_key": "1"},
        {"text": "Hello.", "attachments": []},
        {"text": "Hello.", "attachments": [{"media_id": "1"}]},
        {"text": "Hello.", "attachments": [{"media_id": 1}]},
        {"text": "Hello.", "attachments": [{"media_id": "1"}, {"media_id": "2"}]},
        {"text": "Hello.", "attachments": {"media_id": "1"}},
        ["Hello."],
    ],
)
async def test_a_body_that_x_would_not_take_is_refused_with_400(
    x: httpx2.AsyncClient, body: Any
) -> None:
    """Unknown keys, wrong types, nothing to say, too much to say, media that is not there."""
    answer = await x.post(to(IRIS), json=body)

    problem = answer.json()
    assert answer.status_code == 400
    assert problem["title"] == "Invalid Request"
    assert problem["detail"] == "One or more parameters to your request was invalid."
    assert problem["type"] == "https://api.x.com/2/problems/invalid-request"
    assert all({"message", "parameters"} == set(error) for error in problem["errors"])
    assert await deliveries(x) == []


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b'{"text":"\\ud800"}'])
async def test_bytes_that_are_no_text_are_refused_with_400(
    x: httpx2.AsyncClient, raw: bytes
) -> None:
    """No JSON, no UTF-8, half a character."""
    headers = {"content-type": "application/json"}
    answer = await x.post(to(IRIS), content=raw, headers=headers)

    assert answer.status_code == 400


async def test_ten_thousand_characters_are_not_too_many(x: httpx2.AsyncClient) -> None:
    """The limit counts code points, so astral characters count once."""
    await sent(x, IRIS, "🚲" * 10_000)

    (told,) = await deliveries(x)
    assert len(told["text"]) == 10_000


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (to("99"), 404),
        (to("iris_sandbox"), 400),
        (to("12345678901234567890"), 400),
        (to(ME), 400),
        ("/2/dm_conversations/2110302088714465281/messages", 404),
        (f"/2/dm_conversations/{IRIS}-{ME}/messages", 404),
        (f"/2/dm_conversations/{ASHA}-{BRAM}/messages", 403),
        ("/2/dm_conversations/nonsense/messages", 404),
        (f"/2/dm_conversations/{ME}:{SOL}/messages", 404),
    ],
)
async def test_nobody_and_nowhere_take_no_messages(
    x: httpx2.AsyncClient, path: str, status: int
) -> None:
    """Unknown people and conversations, impossible ids, oneself, others' conversations."""
    answer = await x.post(path, json={"text": "Hello."})

    assert answer.status_code == status
    assert await deliveries(x) == []


async def test_own_messages_can_be_deleted_from_own_view(x: httpx2.AsyncClient) -> None:
    """The reads forget it; the recipient still has it."""
    event_id = await sent(x, IRIS)

    answer = await x.delete(f"/2/dm_events/{event_id}")

    assert (answer.status_code, answer.json()) == (200, {"data": {"deleted": True}})
    assert (await x.get(f"/2/dm_events/{event_id}")).status_code == 404
    newest = await x.get(f"/2/dm_conversations/with/{IRIS}/dm_events")
    assert event_id not in newest.text
    (told,) = await deliveries(x)
    assert told["deleted_by_sender"] is True
    assert (await x.delete(f"/2/dm_events/{event_id}")).status_code == 404


async def test_others_messages_cannot_be_deleted(x: httpx2.AsyncClient) -> None:
    """Not what they wrote to us, not what does not exist."""
    theirs = (await x.get("/2/dm_events", params={"max_results": "1"})).json()["data"][0]["id"]

    assert (await x.delete(f"/2/dm_events/{theirs}")).status_code == 403
    assert (await x.delete("/2/dm_events/1")).status_code == 404
    assert (await x.delete("/2/dm_events/last")).status_code == 400


async def test_a_block_closes_the_way_in_both_directions(x: httpx2.AsyncClient) -> None:
    """Until it is lifted neither side's messages arrive."""
    answer = await x.post(f"/2/users/{IRIS}/dm/block")
    assert (answer.status_code, answer.json()) == (200, {"data": {"blocked": True}})

    assert (await x.post(to(IRIS), json={"text": "Hello."})).status_code == 403
    inbound = await x.post("/_sandbox/inbound", json={"from": "iris_sandbox", "text": "Hello?"})
    assert inbound.status_code == 409

    answer = await x.post(f"/2/users/{IRIS}/dm/unblock")
    assert (answer.status_code, answer.json()) == (200, {"data": {"blocked": False}})
    await sent(x, IRIS)


@pytest.mark.parametrize(("person_id", "status"), [("99", 404), (ME, 400), ("iris", 400)])
async def test_nobody_and_oneself_cannot_be_blocked(
    x: httpx2.AsyncClient, person_id: str, status: int
) -> None:
    """Only another account can."""
    assert (await x.post(f"/2/users/{person_id}/dm/block")).status_code == status


async def test_errors_about_the_body_name_the_key(x: httpx2.AsyncClient) -> None:
    """X says which key its schema does not define."""
    answer = await x.post(to(IRIS), json={"text": "Hello.", "reply_to": "1"})

    (error,) = json.loads(answer.content)["errors"]
    assert error["message"].startswith("$.reply_to: is not defined in the schema")
    assert error["parameters"] == {"reply_to": ["1"]}
