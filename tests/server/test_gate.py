"""Who may knock at the HTTP server: Host, Origin, token and type of body, before anything else."""

from __future__ import annotations

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from xdm_mcp.server.gate import Admission, Gate, digest_of

HOST = "127.0.0.1:8765"
PAGE = "https://agents.example"
TOKEN = "s3cret"
JSON = {"content-type": "application/json"}


async def knock(admission: Admission, method: str, **headers: str) -> httpx2.Response:
    """Send one request through the gate to a route that always answers."""

    async def inside(_: Request) -> PlainTextResponse:
        return PlainTextResponse("inside")

    app = Gate(Starlette(routes=[Route("/mcp", inside, methods=["GET", "POST"])]), admission)
    given = {"host": HOST} | {name.replace("_", "-"): value for name, value in headers.items()}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app)) as client:
        return await client.request(method, f"http://{HOST}/mcp", headers=given)


OPEN = Admission(hosts=frozenset({HOST}), origins=frozenset({PAGE}))
LOCKED = Admission(hosts=frozenset({HOST}), origins=frozenset(), token_digest=digest_of(TOKEN))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"host": "127.0.0.1:8765".upper()}, 200),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": "127.0.0.1:8765.evil.example"}, 421),
        ({"origin": PAGE}, 200),
        ({"origin": "http://127.0.0.1:8765"}, 403),
        ({"origin": "https://agents.example.evil"}, 403),
        ({"origin": "null"}, 403),
    ],
)
async def test_only_known_hosts_and_origins_get_in(headers: dict[str, str], status: int) -> None:
    """A web page that points its own name at us stays outside, and so does every other page."""
    assert (await knock(OPEN, "GET", **headers)).status_code == status


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
    ],
)
async def test_a_token_opens_and_nothing_else_does(authorization: str, status: int) -> None:
    """Every route asks for it, and the refusal says how to show it and repeats nothing."""
    answer = await knock(LOCKED, "GET", authorization=authorization)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert TOKEN not in answer.text
    assert (await knock(LOCKED, "GET")).status_code == 401


@pytest.mark.parametrize(
    ("type_", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("application/jsonp", 415),
        ("application/json, text/plain", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
async def test_only_json_is_read(type_: str, status: int) -> None:
    """The type must be JSON exactly: what a web form can send is not."""
    assert (await knock(OPEN, "POST", content_type=type_)).status_code == status


async def test_a_refusal_is_one_sentence() -> None:
    """Plain text that says what to do."""
    answer = await knock(OPEN, "GET", host="evil.example")
    assert answer.text == "This server is not called that; set http.allowed_hosts to allow it.\n"
