"""Hostile and broken answers: each is a typed error or UNKNOWN, and never a false SENT."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.test_strict_json import VALUES
from tests.backends.wires import ACCEPTED, ANNA, EVENT, PAIR, Answering, Script, backend_over, raw
from xdm_mcp.backends.x_api_v2 import XApiV2Backend
from xdm_mcp.errors import XdmError
from xdm_mcp.models.sends import SendState, Target

TARGET = Target((ANNA,))
GOOD = json.dumps(ACCEPTED).encode()
JSON = {"content_type": "application/json"}

BODIES: dict[str, bytes] = {
    "empty": b"",
    "html": b"<html><body>dm_event_id</body></html>",
    "cut short": GOOD[:-5],
    "two documents": GOOD + GOOD,
    "duplicate key": GOOD.replace(b'"dm_event_id"', b'"dm_event_id": "7", "dm_event_id"'),
    "case variant": GOOD.replace(b'"dm_event_id"', b'"DM_Event_Id": "7", "dm_event_id"'),
    "not a number": b'{"data": {"dm_event_id": "7"}, "x": NaN}',
    "infinity": b'{"data": {"dm_event_id": "7"}, "x": 1e999}',
    "deep": b'{"data": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested": b'{"a":' * 40 + GOOD + b"}" * 40,
    "ten megabytes": b'{"data": {"dm_event_id": "7"}, "x": "' + b"x" * 10_485_760 + b'"}',
    "utf-16": GOOD.decode().encode("utf-16"),
    "half a character": b'{"data": {"dm_event_id": "7"}, "x": "\\ud83d"}',
    "a number for an id": b'{"data": {"dm_event_id": 2110302518114725888}}',
    "a huge number": b'{"data": {"dm_event_id": "7"}, "x": ' + b"9" * 5_000 + b"}",
    "a list": b"[" + GOOD + b"]",
    "a string": json.dumps(GOOD.decode()).encode(),
    "null": b"null",
}
HEADERS: dict[str, dict[str, str]] = {
    "compressed": {**JSON, "content_encoding": "gzip"},
    "doubly compressed": {**JSON, "content_encoding": "gzip, br"},
    "html": {"content_type": "text/html; charset=utf-8"},
    "binary": {"content_type": "application/octet-stream"},
}
ERRORS = [
    httpx2.ReadError("canary"),
    httpx2.ReadTimeout("canary"),
    httpx2.WriteError("canary"),
    httpx2.RemoteProtocolError("canary"),
    httpx2.DecodingError("canary"),
    httpx2.TooManyRedirects("canary"),
    RuntimeError("canary"),
    UnicodeError("canary"),
    RecursionError("canary"),
]


async def sent(answer: Answering | Exception) -> Any:
    """Return the outcome of a send that was answered so, having made exactly one request."""
    script = Script(answer)
    outcome = await backend_over(script).send(TARGET, "Hello.", None)
    assert len(script.requests) == 1
    return outcome


async def reads(backend: XApiV2Backend) -> list[BaseException | None]:
    """Return what each kind of read raises, None where it raises nothing."""
    raised: list[BaseException | None] = []
    for call in (
        backend.me(),
        backend.messages(limit=5),
        backend.messages(limit=5, with_user=ANNA),
        backend.messages(limit=5, conversation_id=PAIR),
        backend.message(EVENT),
        backend.users(ids=[ANNA]),
        backend.users(handles=["target_user"]),
    ):
        try:
            await call
        except XdmError as error:
            raised.append(error)
        else:
            raised.append(None)
    return raised


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("status", [200, 201])
async def test_a_hostile_body_never_counts_as_sent(name: str, status: int) -> None:
    """What cannot be read with one meaning leaves the send UNKNOWN and asks to find out."""
    outcome = await sent(raw(status, BODIES[name], **JSON))
    assert (outcome.state, outcome.code) == (SendState.UNKNOWN, "no_receipt")


@pytest.mark.parametrize("name", HEADERS)
async def test_hostile_headers_never_count_as_sent(name: str) -> None:
    """Neither is a good body under a wrong label."""
    body = gzip.compress(GOOD) if "compressed" in name else GOOD
    outcome = await sent(raw(201, body, **HEADERS[name]))
    assert (outcome.state, outcome.code) == (SendState.UNKNOWN, "no_receipt")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_broken_wire_never_counts_as_sent(error: Exception) -> None:
    """Whatever the wire raises, the send is UNKNOWN, made once, and its words stay inside."""
    outcome = await sent(error)
    assert (outcome.state, outcome.code) == (SendState.UNKNOWN, "no_answer")
    assert "canary" not in outcome.says


@pytest.mark.parametrize(
    "error",
    [
        httpx2.ConnectError("canary"),
        httpx2.ConnectTimeout("canary"),
        httpx2.PoolTimeout("canary"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_wire_that_never_was_gives_everything_back(error: Exception) -> None:
    """Without a connection nothing left."""
    outcome = await sent(error)
    assert (outcome.state, outcome.code, outcome.not_sent) == (SendState.FAILED, "not_sent", True)


@pytest.mark.parametrize("status", [100, 204, 301, 307, 408, 425, 451, 500, 502, 503, 504, 530])
@pytest.mark.parametrize("body", [b"", GOOD, BODIES["html"]], ids=["empty", "good", "html"])
async def test_an_odd_status_never_counts_as_failed(status: int, body: bytes) -> None:
    """Only a refusal that we know is one; a success without content is none of both."""
    outcome = await sent(raw(status, b"" if status == 204 else body, **JSON))
    assert outcome.state is SendState.UNKNOWN
    assert not outcome.not_sent


@pytest.mark.parametrize("name", BODIES)
async def test_a_hostile_body_is_an_error_to_each_read(name: str) -> None:
    """Never an empty page, nobody, or an exception of a library."""
    raised = await reads(backend_over(Script(raw(200, BODIES[name], **JSON))))
    assert all(isinstance(error, XdmError) for error in raised)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_broken_wire_is_an_error_to_each_read(error: Exception) -> None:
    """In our words, without the library's exception behind it."""
    for each in await reads(backend_over(Script(error))):
        assert isinstance(each, XdmError)
        assert "canary" not in str(each)
        assert each.__cause__ is None
        assert each.__context__ is None


@given(st.integers(200, 599), VALUES, st.sampled_from(["whole", "data", "errors", "id"]))
@settings(deadline=None, max_examples=150)
async def test_whatever_json_comes_back_the_states_keep_their_promises(
    status: int, value: object, place: str
) -> None:
    """A send ends in one of three states after one request, a read in a value or an error of
    ours."""
    body: object = {
        "whole": value,
        "data": {"data": value, "meta": value, "includes": value},
        "errors": {"errors": value},
        "id": {"data": {"dm_event_id": value, "id": value}, "errors": [value]},
    }[place]
    answer = raw(status, json.dumps(body).encode(), **JSON)
    outcome = await sent(answer)
    assert (outcome.state is SendState.SENT) == (outcome.receipt is not None)
    if outcome.state is SendState.FAILED:
        assert 400 <= status < 500
    await reads(backend_over(Script(answer)))


@given(st.binary(max_size=300), st.integers(200, 599))
@settings(deadline=None, max_examples=100)
async def test_whatever_bytes_come_back_nothing_else_is_raised(body: bytes, status: int) -> None:
    """Noise is UNKNOWN to a send, or a refusal that speaks by its status."""
    outcome = await sent(raw(status, body, **JSON))
    assert outcome.state is not SendState.SENT
    assert outcome.state is SendState.UNKNOWN or status in (401, 429)
