"""Hostile and broken answers, to every backend: each is a typed error or UNKNOWN, never a false
SENT. What machines do (time, memory, sockets) is in `test_hostile_machine.py`."""

from __future__ import annotations

import gzip
import json

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.backends.hostile import BODIES, DIALECTS, JSON, reads, sent
from tests.backends.test_strict_json import VALUES
from tests.backends.wires import raw
from xdm_mcp.backends.registry import BACKENDS
from xdm_mcp.errors import XdmError
from xdm_mcp.models.sends import SendState

HEADERS: dict[str, dict[str, str]] = {
    "compressed": {**JSON, "content_encoding": "gzip"},
    "doubly compressed": {**JSON, "content_encoding": "gzip, br"},
    "html": {"content_type": "text/html; charset=utf-8"},
    "text": {"content_type": "text/plain"},
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
NEVER = [httpx2.ConnectError("canary"), httpx2.ConnectTimeout("canary"), httpx2.PoolTimeout("x")]
STATUSES = [100, 204, 301, 302, 303, 307, 308, 408, 425, 451, 500, 502, 503, 504, 530]
ELSEWHERE = {**JSON, "location": "https://evil.example/steal"}
GENERATED = 40
"""How many answers of random JSON each backend gets here, and as many of noise."""

every_backend = pytest.mark.parametrize("name", BACKENDS)


def test_every_backend_is_here_with_a_thousand_cases_in_all() -> None:
    """A new backend is a new line of `DIALECTS`; the cases below are counted, not believed."""
    assert set(DIALECTS) == set(BACKENDS)
    cuts = sum(len(dialect.good) for dialect in DIALECTS.values())
    listed = sum(2 * len(BODIES[name]) for name in BACKENDS)
    each = len(HEADERS) + len(ERRORS) + len(NEVER) + 3 * len(STATUSES) + 2 * GENERATED
    assert cuts + listed + each * len(BACKENDS) >= 1_000


@every_backend
async def test_a_good_answer_counts(name: str) -> None:
    """Or else nothing below would mean anything."""
    outcome = await sent(name, raw(200, DIALECTS[name].good, **JSON))
    assert outcome.state is SendState.SENT


@every_backend
@pytest.mark.parametrize("status", [200, 201])
async def test_a_hostile_body_never_counts_as_sent(name: str, status: int) -> None:
    """What cannot be read with one meaning leaves the send UNKNOWN and asks to find out."""
    for what, body in BODIES[name].items():
        outcome = await sent(name, raw(status, body, **JSON))
        assert (outcome.state, outcome.receipt) == (SendState.UNKNOWN, None), what
        assert outcome.says.endswith("will tell."), what


@every_backend
async def test_an_answer_that_ends_early_never_counts_as_sent(name: str) -> None:
    """At whichever byte it ends."""
    good = DIALECTS[name].good
    for length in range(len(good)):
        outcome = await sent(name, raw(200, good[:length], **JSON))
        assert outcome.state is SendState.UNKNOWN, length


@every_backend
async def test_hostile_headers_never_count_as_sent(name: str) -> None:
    """Neither is a good body under a wrong label."""
    good = DIALECTS[name].good
    for what, headers in HEADERS.items():
        body = gzip.compress(good) if "compressed" in what else good
        outcome = await sent(name, raw(201, body, **headers))
        assert (outcome.state, outcome.code) == (SendState.UNKNOWN, "no_receipt"), what


@every_backend
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_broken_wire_never_counts_as_sent(name: str, error: Exception) -> None:
    """Whatever the wire raises, the send is UNKNOWN, made once, and its words stay inside."""
    outcome = await sent(name, error)
    assert (outcome.state, outcome.code) == (SendState.UNKNOWN, "no_answer")
    assert "canary" not in outcome.says


@every_backend
@pytest.mark.parametrize("error", NEVER, ids=lambda error: type(error).__name__)
async def test_a_wire_that_never_was_gives_everything_back(name: str, error: Exception) -> None:
    """Without a connection nothing left."""
    outcome = await sent(name, error)
    assert (outcome.state, outcome.code, outcome.not_sent) == (SendState.FAILED, "not_sent", True)


@every_backend
@pytest.mark.parametrize("status", STATUSES)
async def test_an_odd_status_never_counts_as_failed(name: str, status: int) -> None:
    """Only a refusal that we know is one; a success without content is none of both, and a redirect
    is not followed."""
    for body in (b"", DIALECTS[name].good, BODIES[name]["html"]):
        outcome = await sent(name, raw(status, b"" if status == 204 else body, **ELSEWHERE))
        assert outcome.state is SendState.UNKNOWN
        assert not outcome.not_sent


@every_backend
async def test_a_hostile_body_is_an_error_to_each_read(name: str) -> None:
    """Never an empty page, nobody, or an exception of a library; half a character is mended."""
    for what, body in BODIES[name].items():
        if what == "half a character":
            continue
        raised = await reads(name, raw(200, body, **JSON))
        assert all(isinstance(error, XdmError) for error in raised), what


@every_backend
@pytest.mark.parametrize("status", [204, 301, 307, 500, 503])
async def test_an_odd_status_is_an_error_to_each_read(name: str, status: int) -> None:
    """And no redirect is followed."""
    raised = await reads(name, raw(status, b"", **ELSEWHERE))
    assert all(isinstance(error, XdmError) for error in raised)


@every_backend
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_broken_wire_is_an_error_to_each_read(name: str, error: Exception) -> None:
    """In our words, without the library's exception behind it."""
    for each in await reads(name, error):
        assert isinstance(each, XdmError)
        assert "canary" not in str(each)
        assert each.__cause__ is None
        assert each.__context__ is None


@every_backend
@given(st.integers(200, 599), VALUES, st.sampled_from(["whole", "data", "errors", "id", "text"]))
@settings(deadline=None, max_examples=GENERATED)
async def test_whatever_json_comes_back_the_states_keep_their_promises(
    name: str, status: int, value: object, place: str
) -> None:
    """A send ends in one of three states after one request, a read in a value or an error of
    ours."""
    body: object = {
        "whole": value,
        "data": {"data": value, "meta": value, "includes": value, "messages": value},
        "errors": {"errors": value, "error": value, "detail": value, "retry_after": value},
        "id": {DIALECTS[name].key: value, "data": {"id": value}, "errors": [value]},
        "text": {"error": json.dumps({"errors": [value]}), "twitter_error_code": value},
    }[place]
    answer = raw(status, json.dumps(body).encode(), **JSON)
    outcome = await sent(name, answer)
    assert (outcome.state is SendState.SENT) == (outcome.receipt is not None)
    if outcome.state is SendState.FAILED:
        assert 400 <= status < 500
    await reads(name, answer)


@every_backend
@given(st.binary(max_size=300), st.integers(200, 599))
@settings(deadline=None, max_examples=GENERATED)
async def test_whatever_bytes_come_back_nothing_else_is_raised(
    name: str, body: bytes, status: int
) -> None:
    """Noise is UNKNOWN to a send, or a refusal that speaks by its status."""
    outcome = await sent(name, raw(status, body, **JSON))
    assert outcome.state is not SendState.SENT
    assert outcome.state is SendState.UNKNOWN or status in DIALECTS[name].bare
