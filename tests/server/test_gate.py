"""Who may knock at the HTTP server: Host, Origin, token, scope and body, before anything else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp_types import INVALID_REQUEST, PARSE_ERROR
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from tests.callers import TOKEN, shown
from tests.server.pretend import NOW
from xdm_mcp.clock import ManualClock
from xdm_mcp.credentials.tokens import READ, SEND, Tokens
from xdm_mcp.sections import HttpSettings
from xdm_mcp.server.callers import Callers, caller_in, fixed_token
from xdm_mcp.server.gate import LARGEST_BODY, Admission, Gate
from xdm_mcp.server.presence import Presence

HOST = "127.0.0.1:8765"
PAGE = "https://agents.example"
PING = '{"jsonrpc": "2.0", "id": 1, "method": "ping"}'
KNOWN = Admission(hosts=frozenset({HOST}), origins=frozenset({PAGE}))


class Door:
    """A gate before a route that tells what it was sent, and one that never ends."""

    def __init__(self, home: Path, presence: Presence | None = None) -> None:
        """Know the tests' token and those of `home`."""
        self.clock = ManualClock(NOW)
        self.tokens = Tokens(home)
        self.presence = presence or Presence()
        fixed = fixed_token(HttpSettings.model_validate({"token": TOKEN}), self.clock)
        self.callers = Callers(self.tokens, self.clock, fixed=fixed)
        self.streaming = anyio.Event()
        routes = [
            Route("/mcp", self._inside, methods=["GET", "POST", "DELETE", "OPTIONS"]),
            Route("/stream", self._stream),
        ]
        self.app = Gate(Starlette(routes=routes), KNOWN, self.callers, self.presence)

    async def _inside(self, request: Request) -> PlainTextResponse:
        caller = caller_in(request.scope)
        assert caller is not None
        body = await request.body()
        return PlainTextResponse(f"{caller.client} {len(body)}")

    async def _stream(self, _: Request) -> StreamingResponse:
        async def words() -> AsyncIterator[bytes]:
            yield b"begun"
            self.streaming.set()
            await anyio.sleep_forever()

        return StreamingResponse(words())

    async def knock(self, method: str = "GET", path: str = "/mcp", **given: Any) -> httpx2.Response:
        """Send one request through the gate; `given` are headers, and `content`."""
        content = given.pop("content", None)
        named = {name.replace("_", "-"): value for name, value in given.items()}
        headers = {"host": HOST} | shown() | named
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=self.app)) as client:
            return await client.request(
                method, f"http://{HOST}{path}", headers=headers, content=content
            )


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
async def test_only_known_hosts_and_origins_get_in(
    headers: dict[str, str], status: int, tmp_path: Path
) -> None:
    """A web page that points its own name at us stays outside, and so does every other page."""
    assert (await Door(tmp_path).knock(**headers)).status_code == status


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
async def test_a_token_opens_and_nothing_else_does(
    authorization: str, status: int, tmp_path: Path
) -> None:
    """Every route asks for it, and the refusal says how to show it and repeats nothing."""
    answer = await Door(tmp_path).knock(authorization=authorization)
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert TOKEN not in answer.text


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
async def test_only_json_is_read(type_: str, status: int, tmp_path: Path) -> None:
    """The type must be JSON exactly: what a web form can send is not."""
    answer = await Door(tmp_path).knock("POST", content_type=type_, content=PING)
    assert answer.status_code == status


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD", "TRACE", "OPTIONS", "BREW"])
async def test_no_other_method_gets_in(method: str, tmp_path: Path) -> None:
    """Not even with a token."""
    answer = await Door(tmp_path).knock(method, content_type="application/json")
    assert answer.status_code == 405


@pytest.mark.parametrize("length", [None, str(LARGEST_BODY + 1), "9" * 99, "-1", "x"])
async def test_a_body_over_the_limit_is_not_read(length: str | None, tmp_path: Path) -> None:
    """Whether it says how long it is, or lies."""
    given = {"content_length": length} if length else {}
    answer = await Door(tmp_path).knock(
        "POST", content_type="application/json", content=b"x" * (LARGEST_BODY + 1), **given
    )
    assert answer.status_code == 413


async def test_a_refusal_is_one_sentence(tmp_path: Path) -> None:
    """Plain text that says what to do."""
    answer = await Door(tmp_path).knock(host="evil.example")
    assert answer.text == "This server is not called that; set http.allowed_hosts to allow it.\n"


def call(method: str, **params: Any) -> str:
    """Return a request as JSON."""
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


ANSWER = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"action": "accept"}})
"""What a client says to a question that a send asked."""


@pytest.mark.parametrize(
    ("held", "content", "missing"),
    [
        (READ, call("tools/call", name="send_dm"), SEND),
        (READ, call("tools/call", name="list_dms"), None),
        (READ, call("resources/read", uri="xdm://inbox"), None),
        (READ, call("tools/list"), None),
        (SEND, call("tools/call", name="send_dm"), None),
        (SEND, call("tools/call", name="list_dms"), READ),
        (SEND, call("tools/call", name="quota_status"), READ),
        (SEND, call("tools/call"), READ),
        (SEND, call("resources/read", uri="xdm://inbox"), READ),
        (SEND, call("subscriptions/listen"), READ),
        (SEND, call("prompts/get", name="triage_inbox"), READ),
        (SEND, call("tools/list"), None),
        (READ, ANSWER, SEND),
        (SEND, ANSWER, None),
    ],
)
async def test_a_token_is_good_for_its_scopes_alone(
    held: str, content: str, missing: str | None, tmp_path: Path
) -> None:
    """A request that shows that it takes more is refused, and told which scope is missing."""
    door = Door(tmp_path)
    secret = door.tokens.add("one", [held], None, NOW)
    answer = await door.knock(
        "POST", content=content, content_type="application/json", **shown(secret)
    )
    assert answer.status_code == (403 if missing else 200)
    if missing:
        said = f'Bearer error="insufficient_scope", scope="{missing}"'
        assert answer.headers["www-authenticate"] == said


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("", PARSE_ERROR, "That body is not JSON."),
        ("private words", PARSE_ERROR, "That body is not JSON."),
        (f"{PING} private words", PARSE_ERROR, "That body is not JSON."),
        ("[" * 10_000, PARSE_ERROR, "That body is not JSON."),
        ('"private words"', INVALID_REQUEST, "That body is not one JSON-RPC message."),
        ("{}", INVALID_REQUEST, "That body is not one JSON-RPC message."),
        (f"[{PING}]", INVALID_REQUEST, "That body is not one JSON-RPC message."),
        (PING.replace('"ping"', "5"), INVALID_REQUEST, "That body is not one JSON-RPC message."),
        (PING.replace("2.0", "1.0"), INVALID_REQUEST, "That body is not one JSON-RPC message."),
    ],
)
async def test_a_body_that_is_no_message_gets_a_sentence_and_no_echo(
    content: str, code: int, says: str, tmp_path: Path
) -> None:
    """As the protocol says it where no request is known."""
    answer = await Door(tmp_path).knock("POST", content=content, content_type="application/json")
    assert answer.status_code == 400
    error = {"code": code, "message": says}
    assert answer.json() == {"jsonrpc": "2.0", "id": None, "error": error}


async def test_a_removed_token_stops_at_once_and_so_does_its_open_stream(tmp_path: Path) -> None:
    """The next request is refused, and what was being answered ends."""
    door = Door(tmp_path)
    secret = door.tokens.add("one", [READ], None, NOW)
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            ended: list[str] = []

            async def listen() -> None:
                ended.append((await door.knock(path="/stream", **shown(secret))).text)

            tasks.start_soon(listen)
            await door.streaming.wait()
            door.presence.end(door.callers.stands)
            Tokens(tmp_path).remove("one")
            assert (await door.knock(**shown(secret))).status_code == 401
            assert not ended
            door.presence.end(door.callers.stands)
    assert ended == ["begun"]


async def test_a_token_that_ends_while_its_body_arrives_opens_nothing(tmp_path: Path) -> None:
    """It is refused as at any other time."""
    door = Door(tmp_path)
    secret = door.tokens.add("one", [READ], None, NOW)
    arriving = anyio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"{"
        arriving.set()
        await anyio.sleep_forever()

    async def end() -> None:
        await arriving.wait()
        Tokens(tmp_path).remove("one")
        door.presence.end(door.callers.stands)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(end)
            named = shown(secret) | {"content-type": "application/json"}
            answer = await door.knock("POST", content=body(), **named)
    assert answer.status_code == 401


async def test_a_token_ends_when_its_time_has_come(tmp_path: Path) -> None:
    """It opens until then."""
    door = Door(tmp_path)
    secret = door.tokens.add("one", [READ], None, NOW, NOW.replace(year=NOW.year + 1))
    assert (await door.knock(**shown(secret))).text == "one 0"
    door.clock.advance(NOW.replace(year=NOW.year + 1) - NOW)
    assert (await door.knock(**shown(secret))).status_code == 401


async def test_one_account_is_answered_only_so_often_at_once(tmp_path: Path) -> None:
    """One request too many is told to come again, and places become free."""
    door = Door(tmp_path, Presence(most=1))
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(door.knock, "GET", "/stream")
            await door.streaming.wait()
            full = await door.knock()
            assert (full.status_code, full.headers["retry-after"]) == (429, "1")
            tasks.cancel_scope.cancel()
    assert (await door.knock()).status_code == 200
