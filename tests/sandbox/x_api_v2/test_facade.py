"""Tokens, scopes, rate windows and the bill of X API v2."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.sandbox.conftest import IRIS, JUNE, ME, MIRA, START, THEO, deliveries, sent, to
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox import SANDBOX_APP_TOKEN
from xdm_mcp.sandbox.events import Attempted
from xdm_mcp.sandbox.journal import Hold, MemoryJournal
from xdm_mcp.sandbox.windows import APP
from xdm_mcp.sandbox.x_api_v2.endpoints import ENDPOINTS
from xdm_mcp.sandbox.x_api_v2.limits import LIMITS
from xdm_mcp.sandbox.x_api_v2.tokens import ALL_SCOPES, Token

Connect = Callable[..., httpx2.AsyncClient]

RATE = ("x-rate-limit-limit", "x-rate-limit-remaining", "x-rate-limit-reset")
DAY = ("x-user-limit-24hour-limit", "x-user-limit-24hour-remaining", "x-user-limit-24hour-reset")


def filled(template: str) -> str:
    """Return a path of an endpoint."""
    for name in ("participant_id", "id", "event_id", "dm_id", "media_id", "resource_id"):
        template = template.replace("{" + name + "}", IRIS)
    return template.replace("{dm_conversation_id}", "x").replace("{username}", "you")


@pytest.mark.parametrize("token", [None, "wrong"])
async def test_without_a_known_token_it_is_401_without_rate_headers(
    connect: Connect, token: str | None
) -> None:
    """And nothing is counted."""
    answer = await connect(token).get("/2/users/me")

    assert answer.status_code == 401
    assert answer.json() == {
        "title": "Unauthorized",
        "type": "about:blank",
        "status": 401,
        "detail": "Unauthorized",
    }
    assert not set(RATE) & set(answer.headers)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.template}")
async def test_every_endpoint_wants_its_scopes(connect: Connect, endpoint: Any) -> None:
    """A token without one of them gets the bare 403; the app alone one that says why."""
    path = filled(endpoint.template)
    app = await connect(SANDBOX_APP_TOKEN).request(endpoint.method, path)
    lacking = [
        (
            await connect("t", tokens={"t": Token(scopes=ALL_SCOPES - {scope})}).request(
                endpoint.method, path
            )
        )
        for scope in endpoint.scopes
    ]

    assert [(each.status_code, each.json()["detail"]) for each in lacking] == [
        (403, "Forbidden") for _ in lacking
    ]
    if endpoint.app_only:
        assert app.status_code in {200, 400}
    else:
        assert app.status_code == 403
        assert app.json()["type"].endswith("/unsupported-authentication")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/2/dm_conversations", 405), ("GET", "/2/chat/conversations", 404)],
)
async def test_what_x_does_not_offer_does_not_exist(
    x: httpx2.AsyncClient, method: str, path: str, status: int
) -> None:
    """There is no list of conversations, and encrypted chat is out of this world."""
    answer = await x.request(method, path)

    assert (answer.status_code, answer.json()["type"]) == (status, "about:blank")


async def test_every_answer_says_when_and_to_whom(x: httpx2.AsyncClient) -> None:
    """The date is the world's, the access level is that of messages, no two ids are the same."""
    answers = [await x.get("/2/users/me") for _ in range(2)]

    assert answers[0].headers["date"] == "Sun, 22 Nov 2026 10:00:00 GMT"
    assert answers[0].headers["x-access-level"] == "read-write-directmessages"
    assert len({each.headers["x-transaction-id"] for each in answers}) == 2


async def test_the_three_ways_of_sending_share_15_attempts(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """Refused and malformed attempts count; the 16th is 429 until the window ends."""
    for _ in range(12):
        await sent(x, IRIS)
    assert (await x.post(to(MIRA), json={"text": "Hello."})).status_code == 403
    assert (await x.post(to(IRIS), json={})).status_code == 400
    group = await x.post("/2/dm_conversations", json={})
    assert group.headers["x-rate-limit-remaining"] == "0"

    refused = await x.post(f"/2/dm_conversations/{ME}-{IRIS}/messages", json={"text": "Hello."})

    assert refused.status_code == 429
    assert refused.json() == {"title": "Too Many Requests", "type": "about:blank", "status": 429}
    reset = int((START + timedelta(minutes=15)).timestamp())
    assert [refused.headers[name] for name in RATE] == ["15", "0", str(reset)]
    assert refused.headers["x-user-limit-24hour-remaining"] == "1425"
    clock.advance(timedelta(minutes=15))
    await sent(x, IRIS)


def count_fifteen(hold: Hold) -> None:
    """Count as many attempts to send as a quarter of an hour takes."""
    limits = LIMITS["send"]
    scopes = tuple(APP if limit.by == "app" else ME for limit in limits)
    periods = tuple(limit.seconds for limit in limits)
    hold.record(*[Attempted(scopes, "send", periods)] * 15)


async def test_sends_are_limited_to_1440_in_24_hours(
    x: httpx2.AsyncClient, journal: MemoryJournal, clock: ManualClock
) -> None:
    """Even where every quarter of an hour has room; the day's headers tell it."""
    for _ in range(96):
        await journal.act(count_fifteen)
        clock.advance(timedelta(minutes=14, seconds=59))
        assert (await x.post(to(JUNE), json={"text": "Hello."})).status_code == 429
        clock.advance(timedelta(seconds=1))
    clock.advance(timedelta(seconds=-1))

    refused = await x.post(to(JUNE), json={"text": "Hello."})

    assert refused.status_code == 429
    assert [refused.headers[name] for name in DAY] == [
        "1440",
        "0",
        str(int((START + timedelta(hours=24)).timestamp())),
    ]
    assert refused.headers["x-app-limit-24hour-remaining"] == "0"
    assert refused.headers["x-rate-limit-remaining"] == "0"
    clock.advance(timedelta(seconds=1))
    await sent(x, JUNE)


async def test_each_read_of_messages_has_its_own_15(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """One read's full window leaves the others open."""
    for number in range(15):
        answer = await x.get("/2/dm_events", params={"max_results": "1"})
        assert answer.headers["x-rate-limit-remaining"] == str(14 - number)

    assert (await x.get("/2/dm_events")).status_code == 429
    assert (await x.get(f"/2/dm_conversations/with/{IRIS}/dm_events")).status_code == 200
    assert (await x.get(f"/2/dm_conversations/{ME}-{IRIS}/dm_events")).status_code == 200
    clock.advance(timedelta(minutes=15))
    assert (await x.get("/2/dm_events")).status_code == 200


async def test_accounts_do_not_share_their_windows(connect: Connect) -> None:
    """Fifteen sends of ours leave Iris her own, but for those of the app."""
    owner = connect()
    for _ in range(15):
        await sent(owner, IRIS)
    iris = connect("iris-token", tokens={"iris-token": Token(account_id=IRIS)})

    answer = await iris.post(to(ME), json={"text": "Hello."})

    assert answer.status_code == 201
    assert answer.headers["x-rate-limit-remaining"] == "14"
    assert answer.headers["x-app-limit-24hour-remaining"] == "1424"


@pytest.mark.parametrize("name", sorted(LIMITS))
def test_every_limit_names_its_source(name: str) -> None:
    """A figure without a document is a guess, and says so."""
    assert all(limit.source and limit.limit > 0 for limit in LIMITS[name])
    assert name in {endpoint.limits for endpoint in ENDPOINTS}


async def bill(x: httpx2.AsyncClient) -> Any:
    """Return the running bill."""
    return (await x.get("/_sandbox/bill")).json()


async def test_the_bill_counts_what_was_returned_and_done(x: httpx2.AsyncClient) -> None:
    """Each event, each user, each message, each deletion at X's price; refusals are free."""
    event_id = await sent(x, IRIS)
    await x.post(to(MIRA), json={"text": "Hello."})
    await x.delete(f"/2/dm_events/{event_id}")
    await x.get("/2/dm_events", params={"max_results": "4"})
    await x.get("/2/users", params={"ids": f"{IRIS},{THEO},99"})

    told = await bill(x)

    assert told["items"] == {
        "dm_create": {"count": 1, "usd": "0.015"},
        "dm_delete": {"count": 1, "usd": "0.010"},
        "dm_event_read": {"count": 4, "usd": "0.040"},
        "user_read": {"count": 2, "usd": "0.020"},
    }
    assert (told["total_usd"], told["balance_usd"]) == ("0.085", "999.915")


async def test_what_was_read_is_free_until_midnight_in_utc(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """The same resource on the next day is billed again."""

    async def read() -> str:
        await x.get("/2/dm_events", params={"max_results": "2", "expansions": "sender_id"})
        return str((await bill(x))["total_usd"])

    first, again = await read(), await read()
    clock.advance(timedelta(hours=13, minutes=59))
    before_midnight = await read()
    clock.advance(timedelta(minutes=1))
    next_day = await read()

    assert (first, again, before_midnight, next_day) == ("0.040", "0.040", "0.040", "0.080")


async def test_followers_of_the_caller_are_cheap(x: httpx2.AsyncClient) -> None:
    """An owned read costs a tenth."""
    await x.get(f"/2/users/{ME}/followers")

    assert (await bill(x))["items"] == {"own_follower_read": {"count": 5, "usd": "0.005"}}


async def test_a_429_is_free(x: httpx2.AsyncClient) -> None:
    """The bill does not move."""
    for _ in range(15):
        await sent(x, IRIS)
    before = await bill(x)

    assert (await x.post(to(IRIS), json={"text": "Hello."})).status_code == 429

    assert await bill(x) == before


async def test_a_spent_balance_stops_everything_but_its_own_reading(
    x: httpx2.AsyncClient,
) -> None:
    """402 for sends and reads until there is credit again."""
    await x.post("/_sandbox/credits", json={"balance_usd": "0.015"})
    await sent(x, IRIS)

    refused = [await x.post(to(IRIS), json={"text": "Hello."}), await x.get("/2/users/me")]

    assert [each.status_code for each in refused] == [402, 402]
    assert refused[0].json() == {
        "title": "CreditsDepleted",
        "detail": "Your enrolled account does not have any credits to fulfill this request.",
    }
    assert len(await deliveries(x)) == 1
    left = (await x.get("/2/usage/credits")).json()
    assert left == {"data": {"free_balance": 0, "prepaid_balance": 0.0, "total_balance": 0.0}}
    await x.post("/_sandbox/credits", json={"balance_usd": "1"})
    await sent(x, IRIS)
