"""The pretend GetXAPI answers as the service does, over the world that the pretend X shows too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from tests.sandbox.conftest import IRIS, MIRA, deliveries, sent
from xdm_mcp.sandbox import SANDBOX_COOKIE
from xdm_mcp.sandbox.getxapi.facade import ERRORS
from xdm_mcp.sandbox.story import load

OWNER = load("default").owner_id
DEAL = "2200000016"
SESSION = {"auth_token": SANDBOX_COOKIE}

Connect = Callable[..., httpx2.AsyncClient]


async def post(client: httpx2.AsyncClient, call: str, **body: object) -> httpx2.Response:
    """Call an endpoint about messages with the owner's cookie."""
    return await client.post(f"/twitter/dm/{call}", json={**SESSION, **body})


async def bill(client: httpx2.AsyncClient) -> dict[str, Any]:
    """Return the items of the running bill."""
    items: dict[str, Any] = (await client.get("/_sandbox/bill")).json()["items"]
    return items


async def test_a_send_is_delivered_and_billed(x: httpx2.AsyncClient) -> None:
    """In an envelope, with everything that the newer generation tells."""
    told = (await post(x, "send", recipient_id=IRIS, text="Hello.")).json()
    assert told["status"] == "success"
    assert (told["data"]["senderId"], told["data"]["recipientId"]) == (OWNER, IRIS)
    (made,) = await deliveries(x)
    assert (made["id"], made["text"], made["via"]) == (told["data"]["id"], "Hello.", "getxapi")
    assert await bill(x) == {"getxapi: dm/send": {"count": 1, "usd": "0.002"}}


async def test_a_name_is_resolved_by_the_service(x: httpx2.AsyncClient) -> None:
    """Which is why no backend of ours gives one."""
    told = (await post(x, "send", recipient_username="iris_sandbox", text="Hello.")).json()
    assert told["data"]["recipientId"] == IRIS
    nobody = await post(x, "send", recipient_username="nobody_there", text="Hello.")
    assert (nobody.status_code, nobody.json()) == (
        404,
        {"error": "Could not resolve userId for @nobody_there"},
    )


async def test_the_older_generation_is_flat_and_knows_no_tabs(connect: Connect) -> None:
    """A test chooses it."""
    old = connect(generation="old")
    made = (await post(old, "send", recipient_id=IRIS, text="Hello.")).json()
    assert (made["recipientId"], "data" in made) == (IRIS, False)
    page = (await post(old, "list", tab="requests")).json()
    assert not {"tab", "conversations", "users"} & page.keys()
    assert page["userId"] == OWNER


async def test_requests_have_a_tab_of_their_own(x: httpx2.AsyncClient) -> None:
    """Strangers are there, and nowhere else; the hidden tab is empty."""
    by_tab = {tab: (await post(x, "list", tab=tab)).json() for tab in ("all", "requests", "hidden")}
    writers = {
        tab: {message["senderId"] for message in page["messages"]} for tab, page in by_tab.items()
    }
    assert DEAL in writers["requests"]
    assert DEAL not in writers["all"]
    assert writers["hidden"] == set()
    assert {page["tab"] for page in by_tab.values()} == {"all", "requests", "hidden"}


async def test_pages_end_and_cursors_are_opaque(x: httpx2.AsyncClient) -> None:
    """Every message of the tab comes once."""
    found: list[str] = []
    cursor = ""
    for _ in range(50):
        page = (await post(x, "list", count=3, **({"cursor": cursor} if cursor else {}))).json()
        found += [message["id"] for message in page["messages"]]
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    whole = (await post(x, "list", count=50)).json()["messages"]
    assert found == [message["id"] for message in whole]
    assert (await post(x, "list", cursor="?")).status_code == 400


async def test_one_conversation_is_read_by_its_id(x: httpx2.AsyncClient) -> None:
    """And one that is not there is X's own refusal, quoted."""
    page = (await post(x, "conversation", conversation_id=f"{OWNER}-{IRIS}")).json()
    assert {message["conversationId"] for message in page["messages"]} == {f"{OWNER}-{IRIS}"}
    missing = await post(x, "conversation", conversation_id="1-2")
    assert missing.status_code == 404
    assert '"code":279' in missing.json()["error"]


async def test_the_key_and_the_cookie_are_asked_for(connect: Connect) -> None:
    """In this order; look-ups need no cookie."""
    stranger = connect(token="no-key")
    assert (await post(stranger, "list")).json() == {"error": "Invalid or missing API key"}
    x = connect()
    dead = await x.post("/twitter/dm/list", json={"auth_token": "dead"})
    assert (dead.status_code, dead.json()["twitter_error_code"]) == (401, 32)
    found = await x.get("/twitter/user/info", params={"userName": "iris_sandbox"})
    assert found.json()["data"]["id"] == IRIS
    assert "canDm" in found.json()["data"]


async def test_the_world_refuses_in_the_words_of_the_service(x: httpx2.AsyncClient) -> None:
    """A closed inbox is a 403 with X's code; nothing is billed for it."""
    closed = await post(x, "send", recipient_id=MIRA, text="Hello.")
    assert (closed.status_code, closed.json()["twitter_error_code"]) == (403, 349)
    nothing = await post(x, "send", text="Hello.")
    assert nothing.json() == {"error": "Missing required field: recipient_id or recipient_username"}
    assert await bill(x) == {}


@pytest.mark.parametrize("name", ERRORS)
async def test_a_fault_asks_for_an_error_by_name(x: httpx2.AsyncClient, name: str) -> None:
    """And strikes this service alone where another does not know the name."""
    fault = {"kind": "status", "error": name}
    assert (await x.post("/_sandbox/faults", json=fault)).status_code == 200
    struck = await post(x, "send", recipient_id=IRIS, text="Hello.")
    said = ERRORS[name]()
    assert (struck.status_code, struck.json()) == (said.status, said.body)
    assert await deliveries(x) == []


async def test_a_fault_of_one_service_spares_another(x: httpx2.AsyncClient) -> None:
    """X goes on where only GetXAPI knows the error."""
    await x.post("/_sandbox/faults", json={"kind": "status", "error": "error_with_200"})
    await sent(x, IRIS)
    struck = await post(x, "send", recipient_id=IRIS, text="Hello.")
    assert struck.json() == {"error": "Something went wrong"}


async def test_without_credits_only_the_account_answers(x: httpx2.AsyncClient) -> None:
    """It tells the balance, free of charge, thirty times a minute."""
    await x.post("/_sandbox/credits", json={"balance_usd": "0.00"})
    assert (await post(x, "list")).status_code == 402
    told = [await x.get("/account/me") for _ in range(31)]
    assert told[0].json()["balance_total"] == 0
    assert [answer.status_code for answer in told] == [200] * 30 + [429]


async def test_followers_and_relations_are_told(x: httpx2.AsyncClient) -> None:
    """With what a stranger would see of their inboxes."""
    page = (await x.get("/twitter/user/followers_v2", params={"userName": "you"})).json()
    far = {"userName": "you", "cursor": "9" * 5_000}
    assert (await x.get("/twitter/user/followers_v2", params=far)).json()["has_more"] is False
    assert {"theo_sandbox", "asha_sandbox"} <= {user["userName"] for user in page["followers"]}
    ends = {"source_user_name": "you", "target_user_name": "cole_sandbox"}
    told = (await x.get("/twitter/user/check_follow_relationship", params=ends)).json()
    assert (told["blockedBy"], told["canDm"]) == (True, False)
