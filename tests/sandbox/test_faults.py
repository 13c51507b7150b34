"""Faults in process: what goes wrong, when, and how often."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.sandbox.conftest import IRIS, START, deliveries, sent, to
from xdm_mcp.clock import ManualClock
from xdm_mcp.sandbox.journal import MemoryJournal

TEXT = {"text": "Hello."}


async def fault(x: httpx2.AsyncClient, **fields: Any) -> None:
    """Set a fault."""
    answer = await x.post("/_sandbox/faults", json=fields)
    assert answer.status_code == 200, answer.text


async def test_a_connection_dropped_after_acting_is_a_transport_error(
    x: httpx2.AsyncClient,
) -> None:
    """The client cannot know; the message is there."""
    await fault(x, kind="drop_after", method="POST")

    with pytest.raises(httpx2.RemoteProtocolError, match="without sending a response"):
        await x.post(to(IRIS), json=TEXT)

    assert [told["text"] for told in await deliveries(x)] == ["Hello."]


async def test_a_connection_dropped_before_acting_is_the_same_error(x: httpx2.AsyncClient) -> None:
    """And nothing is there."""
    await fault(x, kind="drop_before", method="POST")

    with pytest.raises(httpx2.TransportError):
        await x.post(to(IRIS), json=TEXT)

    assert await deliveries(x) == []


async def test_a_fault_strikes_as_often_as_it_says_and_only_what_it_matches(
    x: httpx2.AsyncClient,
) -> None:
    """Method and path choose the requests, the times are counted down."""
    await fault(x, kind="status", status=500, times=2, method="POST", path="/messages$")

    assert (await x.get("/2/users/me")).status_code == 200
    statuses = [(await x.post(to(IRIS), json=TEXT)).status_code for _ in range(3)]

    assert statuses == [500, 500, 201]


async def test_the_oldest_of_several_faults_strikes_first(x: httpx2.AsyncClient) -> None:
    """One fault a request."""
    await fault(x, kind="status", status=500)
    await fault(x, kind="status", status=503)

    statuses = [(await x.get("/2/users/me")).status_code for _ in range(3)]

    assert statuses == [500, 503, 200]


async def test_a_delay_passes_on_the_clock_before_or_after_acting(
    x: httpx2.AsyncClient, clock: ManualClock
) -> None:
    """So a message is made at the end of the delay, or at its beginning."""
    await fault(x, kind="delay", seconds=30)
    await sent(x, IRIS)
    await fault(x, kind="delay", seconds=30, when="after")
    await sent(x, IRIS)

    times = [told["created_at"] for told in await deliveries(x)]
    assert times == ["2026-11-22T10:00:30Z", "2026-11-22T10:00:30Z"]
    assert clock.now() == START + timedelta(seconds=60)


async def test_a_status_may_lie_about_what_was_done(x: httpx2.AsyncClient) -> None:
    """After acting: the message exists, the answer is the fault's, the headers are real."""
    await fault(x, kind="status", status=502, when="after", body="<html>Bad gateway</html>")

    answer = await x.post(to(IRIS), json=TEXT)

    assert (answer.status_code, answer.text) == (502, "<html>Bad gateway</html>")
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["x-rate-limit-remaining"] == "14"
    assert len(await deliveries(x)) == 1


async def test_a_body_may_be_given_as_json(x: httpx2.AsyncClient) -> None:
    """Such as a 200 that carries errors and no data."""
    await fault(x, kind="status", status=200, body={"errors": [{"message": "No."}]})

    answer = await x.post(to(IRIS), json=TEXT)

    assert answer.json() == {"errors": [{"message": "No."}]}
    assert await deliveries(x) == []


async def test_a_malformed_answer_keeps_its_status(x: httpx2.AsyncClient) -> None:
    """It acted, says 201, and the body is no JSON, or what the fault says."""
    await fault(x, kind="malformed")
    cut = await x.post(to(IRIS), json=TEXT)
    await fault(x, kind="malformed", body='{"data":{}}')
    empty = await x.post(to(IRIS), json=TEXT)

    assert (cut.status_code, cut.text) == (201, '{"data":{"dm_event_')
    assert (empty.status_code, empty.text) == (201, '{"data":{}}')
    assert len(await deliveries(x)) == 2


async def test_a_rate_limit_comes_with_its_headers(x: httpx2.AsyncClient) -> None:
    """Nothing remains until the reset; nothing was done."""
    await fault(x, kind="rate_limit", seconds=60, error="rate_limit_88")

    answer = await x.post(to(IRIS), json=TEXT)

    assert answer.status_code == 429
    assert answer.json() == {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}
    reset = int((START + timedelta(seconds=60)).timestamp())
    assert answer.headers["x-rate-limit-remaining"] == "0"
    assert answer.headers["x-rate-limit-reset"] == str(reset)
    assert await deliveries(x) == []


async def test_faults_can_be_cleared(x: httpx2.AsyncClient) -> None:
    """Then everything goes well again."""
    await fault(x, kind="status", status=500, times=100)

    assert (await x.delete("/_sandbox/faults")).json() == {"faults": 0}

    await sent(x, IRIS)


async def test_controls_are_never_struck(x: httpx2.AsyncClient) -> None:
    """A fault for every path leaves them alone."""
    await fault(x, kind="drop_before", path=".*")

    assert (await x.get("/_sandbox/world")).status_code == 200


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "A fault has kind"),
        ({"kind": "status"}, "needs a status"),
        ({"kind": "explode"}, "kind must be one of"),
        ({"kind": "delay", "seconds": -1}, "seconds must be"),
        ({"kind": "delay", "seconds": "long"}, "cannot be"),
        ({"kind": "delay", "when": "never"}, "when must be"),
        ({"kind": "status", "status": 99}, "status must be"),
        ({"kind": "status", "status": "500"}, "status must be"),
        ({"kind": "status", "status": 500.0}, "status must be"),
        ({"kind": "status", "error": ["unavailable"]}, "error must be one of"),
        ({"kind": "malformed", "body": "\ud800"}, "half a character"),
        ({"kind": "status", "error": "bad_luck"}, "error must be one of"),
        ({"kind": "drop_after", "times": 0}, "times must be"),
        ({"kind": "drop_after", "path": "("}, "regular expression"),
        ({"kind": "drop_after", "id": "1"}, "A fault has kind"),
        ({"kind": "drop_after", "odds": 0.5}, "A fault has kind"),
    ],
)
async def test_a_fault_that_cannot_be_is_refused_with_a_sentence(
    x: httpx2.AsyncClient, journal: MemoryJournal, fields: dict[str, Any], says: str
) -> None:
    """And is not remembered."""
    answer = await x.post("/_sandbox/faults", content=json.dumps(fields))

    assert answer.status_code == 400
    assert says in answer.json()["error"]
    assert len(journal.lines) == 1
