"""Numbers and times of an answer that nothing can be reckoned with: never an error of another kind
than the answer's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.backends import wires_v1
from tests.backends.test_getxapi_reading import listed, said
from tests.backends.vendors import getxapi_over, twitterapi_io_over
from tests.backends.wires import ACCEPTED, ANNA, EVENT, NOW, Script, backend_over, reply
from xdm_mcp.backends import getxapi_parse, x_api_v1_parse, x_api_v2_parse, x_api_v2_people
from xdm_mcp.backends.loose import moment_in
from xdm_mcp.clock import from_ms, to_ms
from xdm_mcp.models.sends import SendState, Target

OVER: dict[str, Callable[[Callable[[httpx2.Request], Any]], Any]] = {
    "x-api-v1": wires_v1.backend,
    "x-api-v2": backend_over,
    "getxapi": getxapi_over,
    "twitterapi-io": twitterapi_io_over,
}
LONG = "9" * 5000
"""More digits than Python makes a number of."""

EDGES = (
    "0001-01-01T00:00:00+10:00",
    "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59-10:00",
    "9999-12-31T23:59:59.999999+00:00",
    "Mon Jan 01 00:00:00 +1000 0001",
    "Fri Dec 31 23:59:59 -1000 9999",
    f"Mon, 01 Jan {LONG} 00:00:00 +0000",
    "Mon, 01 Jan 99999999999999999999 00:00:00 +0000",
)
"""Times at which all calendars begin or end."""

SNOWFLAKE = x_api_v2_parse.snowflake_time(EVENT)


@pytest.mark.parametrize("name", OVER)
@pytest.mark.parametrize("status", [403, 429, 503])
@pytest.mark.parametrize("asked", [LONG, "9" * 20, "1e9", "-1"])
async def test_no_wait_that_is_asked_for_breaks_a_send(name: str, status: int, asked: str) -> None:
    """A refusal stays one, and the time to wait is one that somebody chose."""
    errors = {"error": "Too many", "errors": [{"code": 88, "message": "Rate limit exceeded"}]}
    script = Script(reply(status, errors, retry_after=asked))
    outcome = await OVER[name](script).send(Target((ANNA,)), "Hello!", None)
    assert outcome.state is (SendState.UNKNOWN if status == 503 else SendState.FAILED)
    if outcome.retry_at is not None:
        assert NOW < outcome.retry_at <= NOW + timedelta(days=1)


@pytest.mark.parametrize("date", EDGES)
async def test_no_date_of_an_answer_breaks_a_send(date: str) -> None:
    """What a server says of its own clock is none of the message's business."""
    script = Script(reply(201, ACCEPTED, date=date))
    outcome = await backend_over(script).send(Target((ANNA,)), "Hello!", None)
    assert outcome.state is SendState.SENT


@pytest.mark.parametrize("date", [*EDGES, "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_no_date_of_an_answer_breaks_a_read(date: str) -> None:
    """Nor what it costs, though that is reckoned by the day which the date says."""
    page = {"data": [{"id": EVENT, "dm_conversation_id": "1-2", "text": "Hello!"}]}
    told = await backend_over(Script(reply(200, page, date=date))).messages(limit=5)
    assert ([message.id for message in told.messages], told.cost) == ([EVENT], 10_000)


@pytest.mark.parametrize("written", EDGES)
async def test_a_message_of_the_end_of_all_times_is_as_old_as_its_id(written: str) -> None:
    """And the page that it stands in is read."""
    script = Script(reply(200, listed(said(0, createdAt=written))))
    (message,) = (await getxapi_over(script).messages(limit=5)).messages
    assert message.created_at == SNOWFLAKE
    event = {"id": EVENT, "dm_conversation_id": "1-2", "created_at": written}
    told = x_api_v2_parse.message_of(event)
    assert told is not None
    assert told.created_at == SNOWFLAKE


def reckoned(moment: datetime) -> None:
    """Do with a time what is done with a message's."""
    assert moment.tzinfo is UTC
    assert from_ms(to_ms(moment)) - timedelta(days=365) < moment < moment + timedelta(days=365)


@given(st.one_of(st.text(max_size=40), st.datetimes(timezones=st.timezones()).map(str)))
@example(EDGES[0])
@example(EDGES[3])
@settings(deadline=None)
def test_every_time_of_a_message_can_be_reckoned_with(text: str) -> None:
    """Kept in milliseconds, and compared with a day before or after."""
    reckoned(moment_in({"createdAt": text}, EVENT, "createdAt"))
    event = x_api_v2_parse.message_of(
        {"id": EVENT, "dm_conversation_id": "1-2", "created_at": text}
    )
    older = x_api_v1_parse.message_of({**wires_v1.MADE, "created_timestamp": text})
    assert event is not None
    assert older is not None
    reckoned(event.created_at)
    reckoned(older.created_at)


@pytest.mark.parametrize("value", ["1e1000000", "-1e1000000", "1e99999999999999999999", LONG])
def test_a_balance_beyond_all_exponents_is_none(value: str) -> None:
    """Of either service."""
    assert getxapi_parse.balance_in({"balance_total": value}) is None
    assert x_api_v2_people.balance_in({"data": {"total_balance": value}}) is None
