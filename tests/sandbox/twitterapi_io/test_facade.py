"""The pretend twitterapi.io answers as the service does: refusals under HTTP 200, no pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.sandbox.conftest import IRIS, MIRA, deliveries
from xdm_mcp.sandbox import SANDBOX_TOKEN
from xdm_mcp.sandbox.story import load
from xdm_mcp.sandbox.twitterapi_io.facade import ERRORS, HISTORY, SEND, sandbox_cookies

OWNER = load("default").owner_id
SESSION = {"login_cookies": sandbox_cookies(OWNER), "proxy": "http://127.0.0.1:9"}


@pytest.fixture
def io(connect: Callable[..., httpx2.AsyncClient]) -> httpx2.AsyncClient:
    """The customer's client: the key travels in a header of the service's own."""
    client = connect(token=None)
    client.headers["x-api-key"] = SANDBOX_TOKEN
    return client


async def send(io: httpx2.AsyncClient, user_id: str = IRIS, **changes: object) -> httpx2.Response:
    """Send a text to a person."""
    return await io.post(SEND, json={**SESSION, "user_id": user_id, "text": "Hello.", **changes})


async def test_a_send_is_delivered_and_billed(io: httpx2.AsyncClient) -> None:
    """With an id and a word of success."""
    told = (await send(io)).json()
    assert (told["status"], set(told)) == ("success", {"message_id", "status", "msg"})
    (made,) = await deliveries(io)
    assert (made["id"], made["via"]) == (told["message_id"], "twitterapi-io")
    bill = (await io.get("/_sandbox/bill")).json()
    assert bill["items"] == {"twitterapi-io: send": {"count": 1, "usd": "0.003"}}


async def test_a_refusal_is_a_sentence_under_200(io: httpx2.AsyncClient) -> None:
    """Which quotes X."""
    closed = await send(io, MIRA)
    assert (closed.status_code, closed.json()["status"]) == (200, "error")
    assert '"code": 349' in closed.json()["msg"]
    assert await deliveries(io) == []


async def test_what_is_missing_is_named_as_the_web_framework_names_it(
    io: httpx2.AsyncClient,
) -> None:
    """422 with a list."""
    answer = await send(io, text="")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "text"]


async def test_the_history_is_of_one_person_and_whole(io: httpx2.AsyncClient) -> None:
    """Newest first, asked for with the cookies in the query, which the log leaves out."""
    told = (await io.get(HISTORY, params={**SESSION, "user_id": IRIS})).json()
    ids = [int(message["id"]) for message in told["messages"]]
    assert len(ids) == 6
    assert ids == sorted(ids, reverse=True)
    (logged,) = (await io.get("/_sandbox/requests")).json()["requests"]
    assert logged["query"] == {"user_id": IRIS}


async def test_key_and_cookies_are_asked_for(io: httpx2.AsyncClient) -> None:
    """A dead key is a 401, dead cookies are a sentence."""
    assert (await send(io, login_cookies="dead")).json()["status"] == "error"
    io.headers["x-api-key"] = "dead"
    assert (await send(io)).status_code == 401


async def test_shared_paths_belong_to_whom_the_key_is_shown(io: httpx2.AsyncClient) -> None:
    """A missing user is a 200 here, and a 404 at the other service."""
    asked = {"userName": "nobody_there"}
    here = await io.get("/twitter/user/info", params=asked)
    del io.headers["x-api-key"]
    there = await io.get(
        "/twitter/user/info", params=asked, headers={"authorization": f"Bearer {SANDBOX_TOKEN}"}
    )
    assert (here.status_code, here.json()["status"]) == (200, "error")
    assert there.status_code == 404


async def test_many_people_are_billed_one_by_one(io: httpx2.AsyncClient) -> None:
    """Those who are not there cost nothing and are absent."""
    told = await io.get("/twitter/user/batch_info_by_ids", params={"userIds": f"{IRIS},{MIRA},99"})
    assert [user["id"] for user in told.json()["users"]] == [IRIS, MIRA]
    bill: dict[str, Any] = (await io.get("/_sandbox/bill")).json()["items"]
    assert bill == {"twitterapi-io: user": {"count": 2, "usd": "0.00036"}}


async def test_credits_are_told_instead_of_money(io: httpx2.AsyncClient) -> None:
    """100,000 are a dollar."""
    told = (await io.get("/oapi/my/info")).json()
    assert told["recharge_credits"] == 1_000 * 100_000


@pytest.mark.parametrize("name", ERRORS)
async def test_a_fault_asks_for_an_error_by_name(io: httpx2.AsyncClient, name: str) -> None:
    """Instead of acting."""
    await io.post("/_sandbox/faults", json={"kind": "status", "error": name})
    struck = await send(io)
    said = ERRORS[name]()
    assert (struck.status_code, struck.json()) == (said.status, said.body)
    assert await deliveries(io) == []
