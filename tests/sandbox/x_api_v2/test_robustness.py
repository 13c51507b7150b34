"""Whatever arrives, the sandbox answers, and its journal still tells the same world."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox.conftest import IRIS, ME, START, client_of
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox.journal import MemoryJournal
from xdm_mcp.sandbox.serve import build_app
from xdm_mcp.sandbox.x_api_v2.endpoints import ENDPOINTS


def words(text: str) -> st.SearchStrategy[str]:
    """Choose among the words of `text`."""
    return st.sampled_from(text.split())


KEYS = words(
    "text attachments media_id conversation_type participant_ids message media media_category"
    " media_type total_bytes segment_index shared kind times path seconds status body error from"
    " create id name conversation_id advance_seconds set story balance_usd"
)
VALUES = words(
    f"Group {IRIS} {ME} 1500000012 dm_image image/png iVBORw0KGgo= iris_sandbox delay status"
    " default 2027-01-01T00:00:00Z 0001-01-01T00:00:00+14:00"
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | VALUES
BODIES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)
PARTS = st.sampled_from([IRIS, ME, "0", "9" * 19, f"{ME}-{IRIS}", f"{ME}-{ME}", "²", "you", "%00"])
QUERIES = st.dictionaries(
    words(
        "max_results pagination_token event_types dm_event.fields expansions user.fields ids"
        " usernames media_id command since recipient"
    ),
    st.text(max_size=10) | words(f"1 100 ² id sender_id {IRIS} F0Z²"),
    max_size=3,
)
CONTROLS = [
    (method, f"/_sandbox/{name}")
    for method, names in {
        "GET": ("deliveries", "requests", "bill", "world"),
        "POST": ("inbound", "faults", "clock", "credits"),
        "DELETE": ("faults",),
    }.items()
    for name in names
]


async def answered(method: str, path: str, query: dict[str, str], content: bytes) -> int:
    """Send a request to a new world, check that its journal folds to it, return the status."""
    clock = ManualClock(START)
    journal = MemoryJournal(clock, "default")
    x = client_of(build_app(journal, clock))

    answer = await x.request(method, path, params=query, content=content)

    told = (await x.get("/_sandbox/world")).json()
    journal._world = journal._folded()
    assert (await x.get("/_sandbox/world")).json() == told
    return answer.status_code


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.template}")
@given(st.data())
@settings(max_examples=15, deadline=None)
async def test_no_request_breaks_an_endpoint(endpoint: Any, data: st.DataObject) -> None:
    """Any body, any query, any part of the path: an answer that is not the sandbox's fault."""
    names = endpoint.pattern.groupindex
    path = endpoint.template.format(**{name: data.draw(PARTS) for name in names})
    body = json.dumps(data.draw(BODIES)).encode()

    assert await answered(endpoint.method, path, data.draw(QUERIES), body) < 500


@pytest.mark.parametrize(("method", "path"), CONTROLS)
@given(st.data())
@settings(max_examples=25, deadline=None)
async def test_no_request_breaks_a_control(method: str, path: str, data: st.DataObject) -> None:
    """Any body and any query: a result or a sentence."""
    body = json.dumps(data.draw(st.dictionaries(KEYS, BODIES, max_size=6))).encode()

    assert await answered(method, path, data.draw(QUERIES), body) < 500


@pytest.mark.parametrize(
    "content", [b"[" * 100_000, b"9" * 10_000, b'{"text":' * 10_000, b"\x00", b"{}{}"]
)
async def test_hostile_json_is_refused_with_400(content: bytes) -> None:
    """Too deep, too large a number, no JSON at all."""
    for path in (f"/2/dm_conversations/with/{IRIS}/messages", "/_sandbox/clock"):
        assert await answered("POST", path, {}, content) == 400


async def test_a_hostile_form_is_refused_with_400() -> None:
    """A multipart body without a boundary, and one that ends too early."""
    clock = ManualClock(START)
    x = client_of(build_app(MemoryJournal(clock), clock))
    for kind in ("multipart/form-data", "multipart/form-data; boundary=b"):
        answer = await x.post(
            "/2/media/upload", content=b"--b\r\nnonsense", headers={"content-type": kind}
        )
        assert answer.status_code == 400
